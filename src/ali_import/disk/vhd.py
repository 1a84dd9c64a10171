"""VHD images, of fixed size and dynamic.

Source:
    Microsoft, "Virtual Hard Disk Image Format Specification", 11 October 2006.
"""

import struct
from typing import Final

from ali_import.disk.blocks import BlockDisk, Container, Format
from ali_import.disk.reader import Reader
from ali_import.errors import DiskImageError
from ali_import.units import MIB, sized

MAGIC: Final = b"conectix"
FOOTER_BYTES: Final = 512

_FOOTER: Final = struct.Struct(">8s8xQ24xQ4xI")
_CHECKSUM_AT: Final = 64
_FIXED: Final = 2
_DYNAMIC: Final = 3
_DIFFERENCING: Final = 4

_HEADER_MAGIC: Final = b"cxsparse"
_HEADER_BYTES: Final = 1024
_HEADER: Final = struct.Struct(">8s8xQ4xII")
_HEADER_CHECKSUM_AT: Final = 36
_BLOCK_BYTES: Final = 2 * MIB  # the default; every tool writes it
_BLOCK_BYTES_MAX: Final = 256 * MIB
_SECTOR_BYTES: Final = 512
_NOWHERE: Final = 0xFFFF_FFFF

_AGAIN: Final = "copy or download it again"
_NO_COPIES: Final = (
    "the cloud cannot copy images made from a VHD: it will fail in regions that take no "
    "uploads (QCOW2 and RAW have no such limit)"
)


def open_vhd(file: Reader) -> Container:
    """Open a VHD image: a footer, with the disk before it, or blocks of it.

    Raises:
        DiskImageError: It is damaged, cut short, or only what changed in another one.
    """
    footer_at = file.size_bytes - FOOTER_BYTES
    footer = file.read(max(0, footer_at), FOOTER_BYTES)
    if footer_at <= 0 or not footer.startswith(MAGIC):
        raise file.error("is a VHD image cut short: it has no footer", _AGAIN)
    if not _sums_up(footer, _CHECKSUM_AT):
        raise _damaged(file, "its footer has a wrong checksum")
    _magic, header_at, size_bytes, kind = _FOOTER.unpack_from(footer)
    if kind == _DIFFERENCING:
        raise file.error(
            "holds only the changes to another VHD (differencing)",
            "merge it into its parent first",
        )
    if kind == _DYNAMIC:
        return _open_dynamic(file, header_at, size_bytes)
    if kind != _FIXED:
        raise _damaged(file, f"it is of type {kind}")
    if size_bytes != footer_at:
        raise file.error(
            f"is a VHD image of a wrong size: its footer says {size_bytes} bytes, and "
            f"{footer_at} are there",
            _AGAIN,
        )
    return Container(
        format=Format.VHD,
        details="fixed",
        disk=_Fixed(file, size_bytes=size_bytes),
        warnings=(_NO_COPIES,),
    )


def _open_dynamic(file: Reader, header_at: int, size_bytes: int) -> Container:
    header = file.read_all(header_at, _HEADER_BYTES)
    if not (header.startswith(_HEADER_MAGIC) and _sums_up(header, _HEADER_CHECKSUM_AT)):
        raise _damaged(file, "its header is missing or has a wrong checksum")
    _magic, table_at, entries, block_bytes = _HEADER.unpack_from(header)
    if not _is_size(block_bytes):
        raise _damaged(file, f"it has blocks of {block_bytes} bytes")
    if size_bytes > entries * block_bytes:
        raise file.error(
            f"is a VHD image of a wrong size: its footer says {size_bytes} bytes, and "
            f"{entries} blocks of {sized(block_bytes)} are less "
            "(InvalidVHDImage.IncorrectSize)",
            "rewrite it with `qemu-img convert -O vpc`",
        )
    warnings = [_NO_COPIES]
    if size_bytes != entries * block_bytes:
        warnings.append(
            f"its disk is smaller than its {entries} blocks of {sized(block_bytes)}, and "
            "the cloud may refuse it for that (InvalidVHDImage.IncorrectSize)"
        )
    if block_bytes != _BLOCK_BYTES:
        warnings.append(
            f"it has blocks of {sized(block_bytes)} and not of 2 MiB, and the cloud may "
            "refuse it for that (InvalidBlockSize.NotSupport)"
        )
    disk = _Dynamic(
        file,
        size_bytes=size_bytes,
        block_bytes=block_bytes,
        table_at=table_at,
    )
    return Container(
        format=Format.VHD,
        details=f"dynamic, blocks of {sized(block_bytes)}",
        disk=disk,
        warnings=tuple(warnings),
    )


def _sums_up(data: bytes, at: int) -> bool:
    """Check a checksum: the complement of the sum of all bytes but its own four."""
    (checksum,) = struct.unpack_from(">I", data, at)
    total = sum(data) - sum(data[at : at + 4])
    return bool(checksum == ~total & 0xFFFF_FFFF)


def _is_size(block_bytes: int) -> bool:
    power_of_two = block_bytes & (block_bytes - 1) == 0
    return power_of_two and _SECTOR_BYTES <= block_bytes <= _BLOCK_BYTES_MAX


def _damaged(file: Reader, what: str) -> DiskImageError:
    return file.error(f"is a damaged VHD image: {what}", _AGAIN)


class _Fixed(BlockDisk):
    """The disk itself, with the footer behind it."""

    def __init__(self, file: Reader, *, size_bytes: int) -> None:
        super().__init__(file, size_bytes=size_bytes, block_bytes=MIB)

    def _read_block(self, index: int, inside: int, size_bytes: int) -> bytes:
        return self.file.read(index * self.block_bytes + inside, size_bytes)

    def stored_bytes(self) -> int | None:
        """Return all: it is as long as the disk."""
        return self.size_bytes


class _Dynamic(BlockDisk):
    """Blocks, each behind a bitmap of its sectors; QEMU does not ask the bitmap."""

    def __init__(
        self, file: Reader, *, size_bytes: int, block_bytes: int, table_at: int
    ) -> None:
        super().__init__(file, size_bytes=size_bytes, block_bytes=block_bytes)
        self._table_at = table_at
        bits = block_bytes // _SECTOR_BYTES
        self._bitmap_bytes = -(-bits // 8 // _SECTOR_BYTES) * _SECTOR_BYTES

    def _read_block(self, index: int, inside: int, size_bytes: int) -> bytes:
        entry = self.read_entry(self._table_at + index * 4, 4)
        sector = int.from_bytes(entry, "big")
        if sector == _NOWHERE:
            return bytes(size_bytes)
        at = sector * _SECTOR_BYTES + self._bitmap_bytes + inside
        return self.file.read_all(at, size_bytes)

    def stored_bytes(self) -> int | None:
        """Count the blocks that are in the file."""
        count = -(-self.size_bytes // self.block_bytes)
        if not self.file.can_afford(1 + count * 4 // MIB, count * 4):
            return None
        table = self.file.read_all(self._table_at, count * 4)
        blocks = struct.unpack(f">{count}I", table)
        stored: int = sum(block != _NOWHERE for block in blocks)
        return min(stored * self.block_bytes, self.size_bytes)
