"""A request's body: streamed from the socket, counted, bounded."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio.to_thread

from alicloud_emulator.world.errors import ServiceError

_HASH_INLINE_BYTES_MAX = 1024 * 1024
"""Hashing more than this (about 1 ms) goes to a worker thread."""

Receive = Callable[[], Awaitable[bytes]]
"""Returns the next block of the body; b"" when it has ended."""


class RequestBody:
    """The body of one request (the ``BodyReader`` that services see).

    Attributes:
        received: Bytes received so far.
        ended: Whether the client has sent everything.
    """

    def __init__(self, receive: Receive, *, content_length: int | None) -> None:
        self._receive = receive
        self._content_length = content_length
        self._kept: list[bytes] = []
        self.received = 0
        self.ended = content_length == 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in blocks as they come."""
        while True:
            while self._kept:
                yield self._kept.pop(0)
            if self.ended:
                return
            yield await self._next()

    async def read(self, bytes_max: int) -> bytes:
        """Return the whole body.

        Raises:
            ServiceError: It is longer than ``bytes_max`` (EntityTooLarge).
        """
        whole = await self.peek(bytes_max)
        if whole is None:
            raise ServiceError(
                "EntityTooLarge", 413, "payload size exceeds maximum allowed size"
            )
        self._kept.clear()
        return whole

    async def peek(self, bytes_max: int) -> bytes | None:
        """Return the whole body and keep it for the reader to come.

        Returns None if it is longer than ``bytes_max``; what was received is kept too.
        """
        if self._content_length is not None and self._content_length > bytes_max:
            return None
        size = sum(map(len, self._kept))
        while not self.ended and size <= bytes_max:
            block = await self._next()
            self._kept.append(block)
            size += len(block)
        if size > bytes_max:
            return None
        whole = b"".join(self._kept)
        self._kept = [whole] if whole else []
        return whole

    async def _next(self) -> bytes:
        block = await self._receive()
        self.ended = not block
        self.received += len(block)
        return block


async def sha256_hex(data: bytes) -> str:
    """Return the hex SHA-256 of ``data`` without holding up other connections."""
    if len(data) <= _HASH_INLINE_BYTES_MAX:
        return hashlib.sha256(data).hexdigest()
    digest = await anyio.to_thread.run_sync(hashlib.sha256, data)
    return digest.hexdigest()
