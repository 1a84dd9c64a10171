"""A request's body: streamed from the socket, counted, bounded."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from tempfile import SpooledTemporaryFile

from alicloud_emulator.world.errors import ServiceError

_IN_MEMORY_BYTES_MAX = 1024 * 1024
"""More than this of a body that is read whole waits for its end in a file."""

BEGINNING_BYTES_MAX = 4096
"""Of a body, that calls are remembered with."""

Receive = Callable[[], Awaitable[bytes]]
"""Returns the next block of the body; b"" when it has ended."""


class RequestBody:
    """The body of one request (the ``BodyReader`` that services see).

    Attributes:
        received: Bytes received so far.
        beginning: The first of them, for whoever looks at the call.
        ended: Whether the client has sent everything.
    """

    def __init__(self, receive: Receive, *, content_length: int | None) -> None:
        self._receive = receive
        self._content_length = content_length
        self._kept: list[bytes] = []
        self._digest: hashlib._Hash | None = None
        self._check: Callable[[], None] = _nothing
        self.received = 0
        self.beginning = b""
        self.ended = content_length == 0

    def must_be(self, sha256: str, refusal: Callable[[], ServiceError]) -> None:
        """Raise ``refusal()`` at the body's end if its SHA-256 is another.

        Call it before anything of the body is read.

        Raises:
            ServiceError: The body is empty, and should not be.
        """
        digest = self._digest = hashlib.sha256()

        def check() -> None:
            if digest.hexdigest() != sha256:
                raise refusal()

        if self.ended:
            check()
        else:
            self._check = check

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
        too_long = ServiceError(
            "EntityTooLarge", 413, "payload size exceeds maximum allowed size"
        )
        if self._content_length is not None and self._content_length > bytes_max:
            raise too_long
        # Of many slow clients with large bodies, none has its body in memory.
        with SpooledTemporaryFile(_IN_MEMORY_BYTES_MAX) as file:
            async for block in self:
                if file.tell() + len(block) > bytes_max:
                    raise too_long
                file.write(block)
            file.seek(0)
            return file.read()

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
        self.received += len(block)
        if len(self.beginning) < BEGINNING_BYTES_MAX:
            self.beginning = (self.beginning + block)[:BEGINNING_BYTES_MAX]
        if self._digest is not None:
            self._digest.update(block)
        if not block:
            self.ended = True
            # Let go of: it knows the request, which knows this body.
            check, self._check = self._check, _nothing
            check()
        return block


def _nothing() -> None:
    """There is nothing to check."""
