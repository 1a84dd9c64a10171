"""Disks that a file keeps in blocks, each where a table says, some of them compressed."""

import sys
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ali_import.disk.reader import Budget, Disk, Reader
from ali_import.errors import DiskImageError
from ali_import.units import KIB

_RAW_DEFLATE: Final = -15
_UNPACKED_BYTES_MIN: Final = 64 * KIB
_KEPT_BLOCKS_MAX: Final = 8
_TABLE_PIECE_BYTES: Final = 4 * KIB
_TABLE_ENTRY_BYTES_MAX: Final = 16
# Blocks have at most 2 MiB, so no honest one needs a larger window than 8 MiB.
_ZSTD_WINDOW_LOG_MAX: Final = 23


class Format(StrEnum):
    """A format of disk images; where the cloud takes it, as its API spells it."""

    RAW = "RAW"
    QCOW2 = "QCOW2"
    VHD = "VHD"
    VHDX = "VHDX"
    VDI = "VDI"
    VMDK = "VMDK"


@dataclass(frozen=True, kw_only=True)
class Container:
    """A disk and what the file around it says.

    Attributes:
        format: The format of the file.
        details: The variant in a few words, for people; "" if there is nothing to say.
        disk: The disk inside.
        warnings: What its publisher may want to know.
    """

    format: Format
    disk: Disk
    details: str = ""
    warnings: tuple[str, ...] = ()


class BlockDisk(ABC):
    """A disk in blocks of one size; a block may be nowhere, and is zero then.

    Attributes:
        file: What holds it.
        size_bytes: Of the disk.
        block_bytes: Of a block; the last one may be cut by the end of the disk.
    """

    def __init__(self, file: Reader, *, size_bytes: int, block_bytes: int) -> None:
        self.file = file
        self.size_bytes = size_bytes
        self.block_bytes = block_bytes
        self._budget = Budget()
        self._table_pieces: dict[int, bytes] = {}

    def read(self, offset: int, size_bytes: int) -> bytes:
        """See :meth:`Disk.read`."""
        assert offset >= 0
        if not self._budget.spend(size_bytes):
            raise self.file.too_large()
        pieces = []
        end = min(offset + size_bytes, self.size_bytes)
        at = offset
        while at < end:
            index, inside = divmod(at, self.block_bytes)
            length = min(end - at, self.block_bytes - inside)
            pieces.append(self._read_block(index, inside, length))
            at += length
        return b"".join(pieces).ljust(size_bytes, b"\0")

    def error(self, message: str, advice: str = "") -> DiskImageError:
        """See :meth:`Disk.error`."""
        return self.file.error(f"its disk {message}", advice)

    def read_entry(self, at: int, size_bytes: int) -> bytes:
        """Return an entry of a table in the file, at most 16 bytes.

        The last few pieces of tables are kept: neighbours are asked for one by one.

        Raises:
            DiskImageError: It is not in the file.
        """
        assert size_bytes <= _TABLE_ENTRY_BYTES_MAX
        if at + size_bytes > self.file.size_bytes:
            return self.file.read_all(at, size_bytes)  # which says so
        inside = at % _TABLE_PIECE_BYTES
        start = at - inside
        piece = self._table_pieces.pop(start, b"")
        if not piece:
            length = _TABLE_PIECE_BYTES + _TABLE_ENTRY_BYTES_MAX
            piece = self.file.read(start, length)
        self._table_pieces[start] = piece
        if len(self._table_pieces) > _KEPT_BLOCKS_MAX:
            del self._table_pieces[next(iter(self._table_pieces))]
        return piece[inside : inside + size_bytes]

    @abstractmethod
    def _read_block(self, index: int, inside: int, size_bytes: int) -> bytes:
        """Return bytes of one block, from ``inside`` on."""

    @abstractmethod
    def stored_bytes(self) -> int | None:
        """Return how much of the disk has a place in the file, in whole blocks.

        None if to find out would take too much reading.
        """


def inflate(data: bytes, size_bytes_max: int) -> bytes:
    """Unpack the beginning of a zlib stream (RFC 1950).

    Raises:
        zlib.error: It is none.
    """
    return zlib.decompressobj().decompress(data, size_bytes_max)


def inflate_raw(data: bytes, size_bytes_max: int) -> bytes:
    """Unpack the beginning of a deflate stream (RFC 1951).

    Raises:
        zlib.error: It is none.
    """
    return zlib.decompressobj(_RAW_DEFLATE).decompress(data, size_bytes_max)


def decompress_zstd(data: bytes, size_bytes_max: int) -> bytes:
    """Unpack the beginning of a zstd frame (RFC 8878).

    Raises:
        zlib.error: It is none.
    """
    # Loaded when needed, which is seldom.
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415

    options: dict[int, int] = {
        zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG_MAX
    }
    try:
        return zstd.ZstdDecompressor(options=options).decompress(data, size_bytes_max)
    except zstd.ZstdError as error:
        raise zlib.error(str(error)) from error


class PackedBlocks:
    """Blocks that are compressed in the file, the last few of them kept unpacked.

    Only as much of a block is unpacked as is asked for: most of what inspection wants
    lies at the start of one.
    """

    def __init__(
        self,
        file: Reader,
        block_bytes: int,
        unpack: Callable[[bytes, int], bytes],
    ) -> None:
        self._file = file
        self._block_bytes = block_bytes
        self._unpack = unpack
        self._kept: dict[int, bytes] = {}

    def read(
        self, offset: int, packed_bytes: int, inside: int, size_bytes: int
    ) -> bytes:
        """Return bytes of the block that is packed at ``offset`` of the file.

        Raises:
            DiskImageError: It cannot be unpacked, or the budget is spent.
        """
        wanted = inside + size_bytes
        data = self._kept.pop(offset, b"")
        if len(data) < wanted:
            length = max(wanted, 2 * len(data), _UNPACKED_BYTES_MIN)
            data = self._unpacked(offset, packed_bytes, min(length, self._block_bytes))
        if len(data) < wanted:
            raise self._damaged(offset)
        self._kept[offset] = data
        if len(self._kept) > _KEPT_BLOCKS_MAX:
            del self._kept[next(iter(self._kept))]
        return data[inside:wanted]

    def _unpacked(self, offset: int, packed_bytes: int, size_bytes: int) -> bytes:
        self._file.spend_unpacking(size_bytes)
        packed = self._file.read_all(offset, packed_bytes)
        try:
            return self._unpack(packed, size_bytes)
        except zlib.error as error:
            raise self._damaged(offset) from error

    def _damaged(self, offset: int) -> DiskImageError:
        return self._file.error(
            f"is damaged: the compressed data at byte {offset} cannot be unpacked",
            "copy or download it again",
        )
