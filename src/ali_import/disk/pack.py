"""What has to go up of a file, in parts: no byte twice, and no zeros.

A large file is cut into blocks. Blocks of zeros, and blocks that were there before, do
not go up; the others follow each other in the file's *pack*, which goes up in parts. The
*pieces* say of which ranges of the pack, and of which zeros, the file is made again; the
object store does that by copies of its own. The pack ends with some zeros to copy from.

All of it is found in the one pass that hashes the file. The MD5 of each part goes along
as Content-MD5, so that the object store itself refuses bytes that changed on the way.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import md5, sha256
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from ali_import.relay.package import INLINE_BYTES_MAX
from ali_import.units import KIB, MIB

READ_BYTES: Final = 64 * KIB
PARTS_MAX: Final = 10_000
"""OSS: part numbers run from 1 to 10,000; a part that is not the last has over 100 KB."""
_PARTS_ALIKE: Final = 1250
_KNOWN_BLOCKS_MAX: Final = 200_000
"""Some 160 bytes of memory each."""
_DIGEST_BYTES: Final = 16


@dataclass(frozen=True, kw_only=True)
class Grain:
    """How finely a file is cut; sizes in bytes.

    Attributes:
        small_bytes: A file of at most so many bytes goes up whole, in one part.
        block_bytes: What is zero, or there already, is so in whole blocks.
        part_bytes: The length of the first parts.
        zeros_bytes: How many zeros the pack ends with, at least and at most.
        extents_max: From so many extents of data on, the smallest gaps go along.
    """

    small_bytes: int = INLINE_BYTES_MAX
    block_bytes: int = MIB
    part_bytes: int = 8 * MIB
    zeros_bytes: tuple[int, int] = (128 * KIB, MIB)
    extents_max: int = 10_000

    def part_length(self, number: int) -> int:
        """Return the length of a part, unless it is the last.

        Every 1250 parts it doubles, so that 10,000 parts hold 2.4 TiB, and those of a
        pack of up to 10 GiB are short: one that is interrupted costs little.
        """
        return self.part_bytes << (number - 1) // _PARTS_ALIKE


USUAL: Final = Grain()


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a pack; offset and length in bytes, ``md5`` in hexadecimal."""

    number: int
    offset: int
    length: int
    md5: str


class Piece(NamedTuple):
    """A range of the file, the one after the piece before.

    Attributes:
        length: In bytes.
        source: Where in the pack its bytes are; None if they are zeros.
    """

    length: int
    source: int | None


class Extent(NamedTuple):
    """A range of the file that is in the pack, the one after the extent before."""

    offset: int
    length: int


@dataclass(frozen=True, kw_only=True)
class Pack:
    """What goes up of a file, and how the file is made of it.

    Attributes:
        parts: The pack in parts.
        extents: The ranges of the file that it holds, in its order.
        zeros: How many zeros follow them.
        pieces: What the file is made of; none if the pack is the file.
        data_bytes: The blocks of the file that are not zero.
        gap_bytes: The zeros in the extents, which would have been too many pieces.
    """

    parts: tuple[Part, ...] = ()
    extents: tuple[Extent, ...] = ()
    zeros: int = 0
    pieces: tuple[Piece, ...] = ()
    data_bytes: int = 0
    gap_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        """How large it is."""
        return sum(part.length for part in self.parts)

    @property
    def zeros_at(self) -> int:
        """Where its zeros are."""
        return self.size_bytes - self.zeros

    @property
    def is_large(self) -> bool:
        """Whether it goes up once, and is fetched or copied from there on."""
        return len(self.parts) > 1 or bool(self.pieces)

    @cached_property
    def id(self) -> str:
        """What its parts are called by: eight hexadecimal digits.

        Two packs of one file may have been cut otherwise.
        """
        digest = sha256()
        for part in self.parts:
            digest.update(f"{part.length} {part.md5}\n".encode())
        return digest.hexdigest()[:8]

    def body(self, path: Path, part: Part) -> "Body":
        """Return the bytes of a part, which are read from the file when they are sent."""
        found: list[Extent] = []
        at, end = part.offset, part.offset + part.length
        index = max(0, bisect_right(self._starts, at) - 1)
        while at < end and index < len(self.extents):
            inside = at - self._starts[index]
            extent = self.extents[index]
            length = min(end - at, extent.length - inside)
            if length > 0:
                found.append(Extent(extent.offset + inside, length))
                at += length
            index += 1
        return PartBody(path=path, extents=tuple(found), zeros=end - at)

    @cached_property
    def _starts(self) -> list[int]:
        """Where in the pack each extent begins."""
        starts, at = [], 0
        for extent in self.extents:
            starts.append(at)
            at += extent.length
        return starts


class Body(Protocol):
    """The bytes of a part; ``cloud/values.py`` says what of them is used."""

    @property
    def path(self) -> Path:
        """The file that they are made of."""

    @property
    def length(self) -> int:
        """How many there are."""

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Give them, from ``start`` on, a little at a time."""
        ...


@dataclass(frozen=True, kw_only=True)
class PartBody:
    """The bytes of a part: some ranges of a file, and zeros behind them."""

    path: Path
    extents: tuple[Extent, ...]
    zeros: int = 0

    @property
    def length(self) -> int:
        """How many there are."""
        return sum(extent.length for extent in self.extents) + self.zeros

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Read them, from ``start`` on, a little at a time.

        Raises:
            EOFError: The file has become shorter.
            OSError: It cannot be read.
        """
        skip = start
        with self.path.open("rb") as file:
            for extent in self.extents:
                at, end = extent.offset + skip, extent.offset + extent.length
                skip = max(0, skip - extent.length)
                if at >= end:
                    continue
                file.seek(at)
                while at < end:
                    block = file.read(min(READ_BYTES, end - at))
                    if not block:
                        raise EOFError
                    at += len(block)
                    yield block
        left = self.zeros - skip
        while left > 0:
            yield bytes(min(READ_BYTES, left))
            left -= READ_BYTES


class Taker(Protocol):
    """Is shown a file, block by block, while it is hashed."""

    def update(self, block: bytes) -> None:
        """Take in the next block, which is whole unless it is the last."""

    def skip(self, length: int) -> None:
        """Take in that the next bytes are zeros."""

    def pack(self) -> Pack:
        """Return what goes up, when the whole file was taken in."""
        ...


class Packer:
    """Finds what has to go up of a file, while it is read once from start to end.

    Args:
        file_bytes: The size of the file.
        grain: How finely it is cut.
    """

    def __init__(self, file_bytes: int, grain: Grain = USUAL) -> None:
        self._grain = grain
        self._whole = file_bytes <= grain.small_bytes
        self._parts = Parts(grain if not self._whole else Grain(part_bytes=file_bytes))
        self._zero_block = bytes(grain.block_bytes)
        self._known: dict[bytes, int] = {}
        self._extents: list[Extent] = []
        self._pieces: list[Piece] = []
        self._offset = 0
        self._gap = 0
        self._data_bytes = 0
        self._gap_bytes = 0

    def update(self, block: bytes) -> None:
        """Take in the next block of the file, which is whole unless it is the last."""
        if block == self._zero_block[: len(block)]:
            self.skip(len(block))
            return
        self._close_gap()
        self._data_bytes += len(block)
        digest = self._digest(block)
        there = self._known.get(digest) if digest else None
        if there is None:
            if digest and len(self._known) < _KNOWN_BLOCKS_MAX:
                self._known[digest] = self._parts.size_bytes
            self._store(self._offset, block)
        else:
            self._add_piece(len(block), there)
        self._offset += len(block)

    def skip(self, length: int) -> None:
        """Take in that the next bytes are zeros, without having them."""
        if self._whole:
            self._store(self._offset, bytes(length))
        else:
            self._gap += length
        self._offset += length

    def pack(self) -> Pack:
        """Return the pack, when the whole file was taken in."""
        if self._gap:
            self._add_piece(self._gap, None)
        least, most = self._grain.zeros_bytes
        zeros = 0
        if any(piece.source is None for piece in self._pieces):
            zeros = least
            while zeros < most and 256 * zeros <= self._parts.size_bytes:
                zeros *= 2
            self._parts.update(bytes(zeros))
        parts = self._parts.parts()
        whole = len(self._pieces) == 1 and not zeros
        return Pack(
            parts=parts,
            extents=tuple(self._extents),
            zeros=zeros,
            pieces=() if whole else tuple(self._pieces),
            data_bytes=self._data_bytes,
            gap_bytes=self._gap_bytes,
        )

    def _close_gap(self) -> None:
        """Leave out the zeros before a block, or let them go along."""
        gap, self._gap = self._gap, 0
        crowds = len(self._pieces) // (2 * self._grain.extents_max)
        if gap >= self._grain.block_bytes << crowds:
            self._add_piece(gap, None)
        elif gap:
            self._gap_bytes += gap
            for at in range(self._offset - gap, self._offset, len(self._zero_block)):
                self._store(at, self._zero_block[: self._offset - at])

    def _digest(self, block: bytes) -> bytes:
        """Return what a block is known by; nothing for one that is not looked for."""
        crowded = len(self._pieces) >= 2 * self._grain.extents_max
        if self._whole or crowded or len(block) < self._grain.block_bytes:
            return b""
        return sha256(block).digest()[:_DIGEST_BYTES]

    def _store(self, offset: int, block: bytes) -> None:
        """Put a block of the file into the pack."""
        at = self._parts.size_bytes
        self._parts.update(block)
        self._add_piece(len(block), at)
        last = self._extents[-1] if self._extents else Extent(0, 0)
        if self._extents and last.offset + last.length == offset:
            self._extents[-1] = Extent(last.offset, last.length + len(block))
        else:
            self._extents.append(Extent(offset, len(block)))

    def _add_piece(self, length: int, source: int | None) -> None:
        last = self._pieces[-1] if self._pieces else Piece(0, None)
        if source is not None and last.source == source - last.length:
            self._pieces[-1] = Piece(last.length + length, last.source)
            return
        self._pieces.append(Piece(length, source))


class Parts:
    """Cuts a stream of bytes into parts and takes the MD5 of each."""

    def __init__(self, grain: Grain) -> None:
        self.size_bytes = 0
        self._grain = grain
        self._parts: list[Part] = []
        self._begin()

    def update(self, data: bytes) -> None:
        """Take in the next bytes of the pack."""
        view = memoryview(data)
        self.size_bytes += len(view)
        while view:
            piece = view[: self._left]
            self._hash.update(piece)
            self._left -= len(piece)
            view = view[len(piece) :]
            if not self._left:
                self._cut(len(view))

    def parts(self) -> tuple[Part, ...]:
        """Return the parts, when all was taken in."""
        if self.size_bytes > self._start:
            self._cut(0)
        return tuple(self._parts)

    def _cut(self, behind: int) -> None:
        """End a part; so many bytes that were taken in come after it."""
        end = self.size_bytes - behind
        self._parts.append(
            Part(
                number=len(self._parts) + 1,
                offset=self._start,
                length=end - self._start,
                md5=self._hash.hexdigest(),
            )
        )
        self._begin()

    def _begin(self) -> None:
        last = self._parts[-1] if self._parts else None
        self._start = last.offset + last.length if last else 0
        self._left = self._grain.part_length(len(self._parts) + 1)
        self._hash = md5(usedforsecurity=False)
