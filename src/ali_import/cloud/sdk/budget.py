"""A budget of bytes that may be in memory at once, so that it stays bounded."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class ByteBudget:
    """Lets bodies pass in the order they came, while their sum stays within bounds.

    A body larger than the whole budget passes alone.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = 0
        self._queue: deque[tuple[int, anyio.Event]] = deque()

    @asynccontextmanager
    async def take(self, size: int) -> AsyncIterator[None]:
        """Hold ``size`` bytes of the budget, waiting for them if need be."""
        size = min(size, self._bytes_max)
        if self._queue or self._held + size > self._bytes_max:
            turn = (size, anyio.Event())
            self._queue.append(turn)
            try:
                await turn[1].wait()
            except BaseException:
                if turn[1].is_set():
                    self._release(size)
                else:
                    self._queue.remove(turn)
                raise
        else:
            self._held += size
        try:
            yield
        finally:
            self._release(size)

    def _release(self, size: int) -> None:
        self._held -= size
        while self._queue and self._held + self._queue[0][0] <= self._bytes_max:
            waiting, turn = self._queue.popleft()
            self._held += waiting
            turn.set()
