"""The parts in which a file is uploaded, each with its MD5, made in one pass.

The MD5 goes with each part as Content-MD5, so that the object store itself refuses
bytes that changed on any of the ways there.
"""

from dataclasses import dataclass
from hashlib import md5
from typing import Final

from ali_import.relay.package import INLINE_BYTES_MAX
from ali_import.units import MIB, round_up

PART_BYTES_MIN: Final = 16 * MIB
PARTS_MAX: Final = 10_000
"""OSS: part numbers run from 1 to 10,000."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a file; offset and length in bytes, ``md5`` in hexadecimal."""

    number: int
    offset: int
    length: int
    md5: str


def part_bytes(file_bytes: int) -> int:
    """Return the length of every part but the last; small files are one part."""
    if file_bytes <= INLINE_BYTES_MAX:
        return INLINE_BYTES_MAX
    return max(PART_BYTES_MIN, round_up(-(-file_bytes // PARTS_MAX), MIB))


class PartHasher:
    """Cuts a stream of blocks into parts and takes the MD5 of each."""

    def __init__(self, file_bytes: int) -> None:
        self._part_bytes = part_bytes(file_bytes)
        self._parts: list[Part] = []
        self._offset = 0
        self._length = 0
        self._hash = md5(usedforsecurity=False)

    def update(self, block: bytes) -> None:
        """Take in the next bytes of the file."""
        view = memoryview(block)
        while view:
            piece = view[: self._part_bytes - self._length]
            self._hash.update(piece)
            self._length += len(piece)
            view = view[len(piece) :]
            if self._length == self._part_bytes:
                self._cut()

    def parts(self) -> tuple[Part, ...]:
        """Return the parts, when the whole file was taken in."""
        if self._length:
            self._cut()
        return tuple(self._parts)

    def _cut(self) -> None:
        self._parts.append(
            Part(
                number=len(self._parts) + 1,
                offset=self._offset,
                length=self._length,
                md5=self._hash.hexdigest(),
            )
        )
        self._offset += self._length
        self._length = 0
        self._hash = md5(usedforsecurity=False)
