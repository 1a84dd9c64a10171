"""What happens, as it happens: one record for each request."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import anyio

from alicloud_emulator.front.calls import Whole
from alicloud_emulator.world.recent import Recent

_KEPT_MAX = 1000
"""Records kept for a reader who falls behind or comes late."""

Record = dict[str, Any]


class Events:
    """The last records, and a way to wait for the next.

    Attributes:
        forgotten: Number of the last call before a reset.
    """

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=_KEPT_MAX)
        self._wholes: Recent[int, Whole] = Recent(_KEPT_MAX)
        self._count = self.forgotten = 0
        self._more = anyio.Event()

    def add(self, record: Record, whole: Whole) -> None:
        """Add the record of a call, and the call itself; it gets the next number."""
        self._count += 1
        self._records.append({"number": self._count, **record})
        self._wholes[self._count] = whole
        if self._more.statistics().tasks_waiting:
            self._more.set()
            self._more = anyio.Event()

    def forget(self) -> None:
        """Forget the calls there were; numbers go on."""
        self._records.clear()
        self._wholes.clear()
        self.forgotten = self._count

    @property
    def last(self) -> list[Record]:
        """The records that are kept, the oldest first."""
        return list(self._records)

    def whole(self, number: int) -> Record | None:
        """Return a call with all that was sent, or None if it is not remembered."""
        whole = self._wholes.get(number)
        record = next((r for r in self._records if r["number"] == number), None)
        return record | whole.document() if record and whole else None

    async def follow(self, after: int = 0) -> AsyncIterator[Record]:
        """Yield the records numbered above ``after``, then new ones without end.

        A reader too slow for what happens misses records; the numbers show it.
        """
        while True:
            for record in list(self._records):
                if record["number"] > after:
                    after = record["number"]
                    yield record
            after = max(after, self.forgotten)
            if self._count <= after:
                await self._more.wait()
