"""VHDX images, of fixed size and dynamic.

Source:
    Microsoft, [MS-VHDX], "Virtual Hard Disk v2 (VHDX) File Format", sections 2.2 to 2.6.
"""

import struct
import uuid
from typing import Final

from ali_import.disk.blocks import BlockDisk, Container, Format
from ali_import.disk.reader import Reader
from ali_import.errors import DiskImageError
from ali_import.units import KIB, MIB, sized

MAGIC: Final = b"vhdxfile"

_HEADERS_AT: Final = (64 * KIB, 128 * KIB)
_HEADER: Final = struct.Struct("<4sIQ32x16s")
_HEADER_MAGIC: Final = b"head"
_REGIONS_AT: Final = (192 * KIB, 256 * KIB)
_REGIONS_MAGIC: Final = b"regi"
_REGIONS_MAX: Final = 2047
_BAT: Final = uuid.UUID("2dc27766-f623-4200-9d64-115e9bfd4a08").bytes_le
_METADATA: Final = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e").bytes_le
_METADATA_MAGIC: Final = b"metadata"
_METADATA_ITEMS_MAX: Final = 2047
_PARAMETERS: Final = uuid.UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b").bytes_le
_SIZE: Final = uuid.UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8").bytes_le
_SECTOR: Final = uuid.UUID("8141bf1d-a96f-4709-ba47-f233a8faab5f").bytes_le

_HAS_PARENT: Final = 2
_BLOCK_BYTES_MAX: Final = 256 * MIB
_PRESENT: Final = 6
_CHUNK_SECTORS: Final = 1 << 23  # as many as one block of sector bitmaps tells about


def open_vhdx(file: Reader) -> Container:
    """Open a VHDX image. Its checksums (CRC-32C) are not looked at.

    Raises:
        DiskImageError: It is damaged, was not closed, or is only what changed in
            another one.
    """
    _refuse_unclosed(file)
    regions = _regions(file)
    items = _metadata(file, regions[_METADATA])
    block_bytes, flags = struct.unpack("<II", items[_PARAMETERS][:8])
    (size_bytes,) = struct.unpack("<Q", items[_SIZE][:8])
    (sector_bytes,) = struct.unpack("<I", items[_SECTOR][:4])
    if flags & _HAS_PARENT:
        raise file.error(
            "holds only the changes to another VHDX (differencing)",
            "merge it into its parent first",
        )
    power_of_two = block_bytes & (block_bytes - 1) == 0
    if sector_bytes not in {512, 4096} or not (
        power_of_two and MIB <= block_bytes <= _BLOCK_BYTES_MAX
    ):
        raise _damaged(file, "its parameters")
    return Container(
        format=Format.VHDX,
        details=f"blocks of {sized(block_bytes)}, sectors of {sector_bytes}",
        disk=_Vhdx(
            file,
            size_bytes=size_bytes,
            block_bytes=block_bytes,
            table_at=regions[_BAT],
            chunk_blocks=_CHUNK_SECTORS * sector_bytes // block_bytes,
        ),
    )


def _refuse_unclosed(file: Reader) -> None:
    """Pass if the log holds nothing that is yet to be written."""
    newest, log = -1, bytes(16)
    for at in _HEADERS_AT:
        magic, _checksum, sequence, log_guid = _HEADER.unpack(
            file.read(at, _HEADER.size)
        )
        if magic == _HEADER_MAGIC and sequence > newest:
            newest, log = sequence, log_guid
    if newest < 0:
        raise _damaged(file, "its header")
    if log != bytes(16):
        raise file.error(
            "is a VHDX image that is in use or was not closed",
            "repair it with `qemu-img check -r all`",
        )


def _regions(file: Reader) -> dict[bytes, int]:
    """Return where the block table and the metadata are."""
    for at in _REGIONS_AT:
        data = file.read(at, 64 * KIB)
        magic, _checksum, count = struct.unpack_from("<4sII", data)
        if magic != _REGIONS_MAGIC or count > _REGIONS_MAX:
            continue
        found = {}
        for index in range(count):
            guid, offset = struct.unpack_from("<16sQ", data, 16 + 32 * index)
            found[guid] = offset
        if _BAT in found and _METADATA in found:
            return found
    raise _damaged(file, "its region table")


def _metadata(file: Reader, at: int) -> dict[bytes, bytes]:
    data = file.read_all(at, 64 * KIB)
    magic, count = struct.unpack_from("<8s2xH", data)
    if magic != _METADATA_MAGIC or count > _METADATA_ITEMS_MAX:
        raise _damaged(file, "its metadata")
    found = {}
    for index in range(count):
        guid, offset = struct.unpack_from("<16sI", data, 32 + 32 * index)
        if guid in {_PARAMETERS, _SIZE, _SECTOR}:
            found[guid] = file.read_all(at + offset, 8)
    if len(found) != 3:
        raise _damaged(file, "its metadata")
    return found


def _damaged(file: Reader, what: str) -> DiskImageError:
    return file.error(
        f"is a damaged VHDX image: {what} cannot be right", "copy or download it again"
    )


class _Vhdx(BlockDisk):
    """Blocks in a table, in which every so many a block of sector bitmaps follows."""

    def __init__(
        self,
        file: Reader,
        *,
        size_bytes: int,
        block_bytes: int,
        table_at: int,
        chunk_blocks: int,
    ) -> None:
        super().__init__(file, size_bytes=size_bytes, block_bytes=block_bytes)
        self._table_at = table_at
        self._chunk_blocks = chunk_blocks

    def _read_block(self, index: int, inside: int, size_bytes: int) -> bytes:
        number = index + index // self._chunk_blocks
        entry = int.from_bytes(
            self.read_entry(self._table_at + number * 8, 8), "little"
        )
        if entry & 7 != _PRESENT:
            return bytes(size_bytes)
        return self.file.read_all((entry >> 20) * MIB + inside, size_bytes)

    def stored_bytes(self) -> int | None:
        """Count the blocks that are in the file."""
        blocks = -(-self.size_bytes // self.block_bytes)
        count = blocks + blocks // self._chunk_blocks
        if not self.file.can_afford(1 + count * 8 // MIB, count * 8):
            return None
        table = self.file.read_all(self._table_at, count * 8)
        entries = struct.unpack(f"<{count}Q", table)
        stored: int = sum(entry & 7 == _PRESENT for entry in entries)
        return min(stored * self.block_bytes, self.size_bytes)
