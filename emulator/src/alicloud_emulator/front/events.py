"""What happens, as it happens: one record for each request."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import anyio

from alicloud_emulator.front.calls import Whole

_KEPT_MAX = 1000
"""Records kept for a reader who falls behind or comes late."""

Record = dict[str, Any]


class Events:
    """The last records, and a way to wait for the next.

    Attributes:
        forgotten: Number of the last call before a reset.
    """

    def __init__(self) -> None:
        self._calls: deque[tuple[Record, Whole]] = deque(maxlen=_KEPT_MAX)
        self._count = self.forgotten = 0
        self._awaited: anyio.Event | None = None

    def add(self, record: Record, whole: Whole) -> None:
        """Add the record of a call, and the call itself; it gets the next number."""
        self._count += 1
        self._calls.append(({"number": self._count, **record}, whole))
        if self._awaited is not None:
            self._awaited.set()
            self._awaited = None

    def forget(self) -> None:
        """Forget the calls there were; numbers go on."""
        self._calls.clear()
        self.forgotten = self._count

    @property
    def last(self) -> list[Record]:
        """The records that are kept, the oldest first."""
        return [record for record, _ in self._calls]

    def whole(self, number: int) -> Record | None:
        """Return a call with all that was sent, or None if it is not remembered."""
        for record, whole in self._calls:
            if record["number"] == number:
                return record | whole.document()
        return None

    async def follow(self, after: int = 0) -> AsyncIterator[Record]:
        """Yield the records numbered above ``after``, then new ones without end.

        A reader too slow for what happens misses records; the numbers show it.
        """
        while True:
            for record in self.last:
                if record["number"] > after:
                    after = record["number"]
                    yield record
            after = max(after, self.forgotten)
            if self._count <= after:
                self._awaited = self._awaited or anyio.Event()
                await self._awaited.wait()
