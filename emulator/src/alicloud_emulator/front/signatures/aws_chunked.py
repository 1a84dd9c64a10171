"""Bodies that come in signed chunks, or with checksums after them: ``aws-chunked``.

Each chunk is its length in hex, maybe its signature, and its bytes; after the last,
which is empty, headers may follow that were not known at the beginning.

Sources: AWS's "Signature Calculations for the Authorization Header: Transferring
Payload in Multiple Chunks" and its neighbour on trailing headers; OSS's pages of the ECs
0017-00000804 and 0002-00000430.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from hashlib import sha256

from alicloud_emulator.front.signatures import oss_errors
from alicloud_emulator.front.signatures.aws_v4 import Parts
from alicloud_emulator.front.signatures.claim import same
from alicloud_emulator.world.errors import ServiceError

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = f"{SIGNED}-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
TRAILERS = frozenset((SIGNED_TRAILER, UNSIGNED_TRAILER))

_LINE_BYTES_MAX = 8 * 1024
_EMPTY = sha256(b"").hexdigest()
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-fA-F]{64}))?")

Found = Callable[[Mapping[str, str]], None]
"""Told of the headers that came after the body; may raise."""


class ChunkedBody:
    """A body taken out of its chunks.

    Args:
        blocks: What comes.
        parts: The signature of the request, which that of the first chunk goes on from.
        secret: The key that signed it.
        length: What the client says of the body's length in bytes.
        found: Told of the headers after the body.
    """

    def __init__(
        self,
        blocks: AsyncIterator[bytes],
        *,
        parts: Parts,
        secret: str,
        length: int | None,
        found: Found,
    ) -> None:
        self._blocks = blocks
        self._parts = parts
        self._secret = secret
        self._last = parts.signature if parts.payload != UNSIGNED_TRAILER else ""
        self._left = length
        self._found = found
        self._read = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in blocks as they come.

        Raises:
            ServiceError: It is not in chunks, or not as it was signed.
        """
        while True:
            match = _CHUNK.fullmatch(await self._line())
            if match is None or bool(match[2]) is not bool(self._last):
                raise _malformed()
            size = int(match[1], 16)
            digest = sha256()
            async for block in self._bytes(size):
                digest.update(block)
                yield block
            if match[2]:
                self._check(match[2].decode().lower(), digest.hexdigest())
            if size == 0:
                break
            if await self._line():
                raise _malformed()
        if self._left:
            raise _malformed()
        self._found(await self._trailers())

    async def read(self, bytes_max: int) -> bytes:
        """Return the whole body.

        Raises:
            ServiceError: EntityTooLarge, and as when it is iterated over.
        """
        return await read_whole(self, bytes_max)

    async def _bytes(self, size: int) -> AsyncIterator[bytes]:
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                raise _malformed()
        while size > 0:
            if not self._read:
                await self._more()
            block, self._read = self._read[:size], self._read[size:]
            size -= len(block)
            yield block

    async def _trailers(self) -> Mapping[str, str]:
        """Return the headers after the body, and see who signed them."""
        lines = []
        if self._parts.payload in TRAILERS:
            while line := await self._line(is_last=True):
                lines.append(line.decode("utf-8", "replace"))
        else:
            await self._line(is_last=True)
        pairs = [line.partition(":") for line in lines]
        found = {name.strip().lower(): value.strip() for name, _, value in pairs}
        signature = found.pop("x-amz-trailer-signature", "")
        if self._last and self._parts.payload == SIGNED_TRAILER:
            text = "".join(f"{name}:{value}\n" for name, value in sorted(found.items()))
            self._compare(
                signature.lower(),
                "AWS4-HMAC-SHA256-TRAILER",
                sha256(text.encode()).hexdigest(),
            )
        async for _ in self._blocks:
            pass
        return found

    def _check(self, signature: str, digest: str) -> None:
        self._compare(signature, "AWS4-HMAC-SHA256-PAYLOAD", _EMPTY, digest)
        self._last = signature

    def _compare(self, signature: str, *fields: str) -> None:
        kind, *digests = fields
        scope = (self._parts.date, self._parts.scope, self._last)
        expected = self._parts.sign(self._secret, "\n".join((kind, *scope, *digests)))
        if not same(expected, signature):
            raise oss_errors.chunk_mismatch(self._parts.access_key_id, signature)

    async def _line(self, *, is_last: bool = False) -> bytes:
        """Return what comes before the end of a line.

        Args:
            is_last: The body may end here, without that.
        """
        while (end := self._read.find(b"\r\n")) < 0:
            if len(self._read) > _LINE_BYTES_MAX:
                raise _malformed()
            try:
                await self._more()
            except ServiceError:
                if is_last and not self._read:
                    return b""
                raise
        line, self._read = self._read[:end], self._read[end + 2 :]
        return line

    async def _more(self) -> None:
        try:
            self._read += await anext(self._blocks)
        except StopAsyncIteration:
            raise _malformed() from None


async def read_whole(body: AsyncIterable[bytes], bytes_max: int) -> bytes:
    """Return the whole body.

    Raises:
        ServiceError: EntityTooLarge, and as when it is iterated over.
    """
    blocks, size = [], 0
    async for block in body:
        size += len(block)
        if size > bytes_max:
            raise ServiceError("EntityTooLarge", 413)
        blocks.append(block)
    return b"".join(blocks)


def refuse_unknown(payload: str, *, trailers: bool) -> None:
    """Refuse chunks of a kind that is not taken.

    Args:
        payload: The request's ``x-amz-content-sha256``.
        trailers: Whether chunks with headers after them are taken.

    Raises:
        ServiceError: InvalidArgument.
    """
    if payload != SIGNED and not (trailers and payload in TRAILERS):
        raise oss_errors.not_chunked_so()


def _malformed() -> ServiceError:
    return ServiceError(
        "InvalidArgument", 400, "The body is not as aws-chunked encoding says."
    )
