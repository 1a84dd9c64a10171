"""Bytes on their way out: ranges, blocks, and the faults that spoil them."""

import re
import zlib
from collections.abc import AsyncIterator
from typing import Self

from alicloud_emulator.world.blobs import BLOCK_BYTES, Blob
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.oss.refusals import refusal

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def asked_range(header: str, size: int, *, strict: bool) -> tuple[int, int] | None:
    """Return offset and length that a Range header asks for, or None for everything.

    A range that is malformed or reaches beyond the end gets the whole object, unless
    ``x-oss-range-behavior: standard`` makes OSS follow the HTTP standard.

    Args:
        header: The Range header, or "".
        size: Of the object, in bytes.
        strict: Whether to follow the standard.

    Raises:
        ServiceError: InvalidRange: nothing of it exists (strict only).
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
        beyond = int(last) > size
        nothing = int(last) == 0 or size == 0
    else:
        start, end = int(first), int(last) if last else size - 1
        beyond = end >= size or start >= size
        nothing = start >= size
        if last and int(last) < start:
            return None
    if (beyond or nothing) and not strict:
        return None
    if nothing:
        raise refusal("InvalidRange", ActualObjectSize=str(size), RangeHeader=header)
    end = min(end, size - 1)
    return start, end - start + 1


class BlobBody:
    """A range of a blob, block by block.

    It holds the blob, so that replacing or deleting the object does no harm to a
    download under way. A ``truncate`` fault ends it half way, a ``corrupt`` fault
    turns the bits of its first byte over.
    """

    def __init__(
        self, blob: Blob, offset: int, length: int, faults: tuple[Fault, ...] = ()
    ) -> None:
        doings = {fault.do for fault in faults}
        self._blob = blob
        self._offset = offset
        self._end = offset + (length // 2 if Do.TRUNCATE in doings else length)
        self._corrupt = Do.CORRUPT in doings

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        length = min(BLOCK_BYTES, self._end - self._offset)
        if length <= 0:
            raise StopAsyncIteration
        block = self._blob.read(self._offset, length)
        self._offset += length
        if self._corrupt:
            self._corrupt = False
            block = bytes([block[0] ^ 0xFF]) + block[1:]
        return block


# What OSS compresses on the way when a client accepts gzip: at least 1 KB of these.
_SQUEEZED_BYTES_MIN = 1024
_SQUEEZED_TYPES = {
    "application/javascript",
    "application/json",
    "application/rss+xml",
    "application/x-javascript",
    "application/xml",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
    "text/x-component",
    "text/xml",
}


def is_squeezed(accepted: str, headers: dict[str, str], length: int) -> bool:
    """Whether OSS compresses this answer; it then has no Content-Length.

    Args:
        accepted: The request's Accept-Encoding.
        headers: The answer's headers.
        length: Of the body in bytes.
    """
    content_type = headers["Content-Type"].partition(";")[0].strip().lower()
    return (
        "gzip" in accepted.lower()
        and length >= _SQUEEZED_BYTES_MIN
        and content_type in _SQUEEZED_TYPES
        and "Content-Encoding" not in headers
    )


class SqueezedBody:
    """A body compressed with gzip, block by block."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        # Level 1: tests want the format, not the ratio. 31: a window, and gzip's frame.
        self._squeeze = zlib.compressobj(level=1, wbits=31)
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._ended:
            try:
                squeezed = self._squeeze.compress(await anext(self._body))
            except StopAsyncIteration:
                self._ended = True
                squeezed = self._squeeze.flush()
            if squeezed:
                return squeezed
        raise StopAsyncIteration
