"""VDI images, of fixed size and dynamic.

Source:
    VirtualBox, ``src/VBox/Storage/VDICore.h`` (the header, version 1.1).
"""

import struct
from typing import Final

from ali_import.disk.blocks import BlockDisk, Container, Format
from ali_import.disk.reader import Reader
from ali_import.units import MIB, sized

MAGIC: Final = b"\x7f\x10\xda\xbe"
MAGIC_OFFSET: Final = 64

_HEADER: Final = struct.Struct("<II4xI260xII20xQIII")
_HEADER_OFFSET: Final = 64
_VERSION: Final = 0x0001_0001
_KINDS: Final = {1: "dynamic", 2: "fixed"}
_BLOCK_BYTES_MAX: Final = 256 * MIB
_NOWHERE: Final = 0xFFFF_FFFE  # and the number above it


def open_vdi(file: Reader) -> Container:
    """Open a VDI image.

    Raises:
        DiskImageError: It is damaged, or only what changed in another one.
    """
    (
        _magic,
        version,
        kind,
        table_at,
        data_at,
        size_bytes,
        block_bytes,
        extra_bytes,
        blocks,
    ) = _HEADER.unpack(file.read(_HEADER_OFFSET, _HEADER.size))
    if version == _VERSION and kind not in _KINDS:
        raise file.error(
            "holds only the changes to another VDI (a snapshot)",
            "merge it into its parent first",
        )
    sane = (
        version == _VERSION
        and 0 < block_bytes <= _BLOCK_BYTES_MAX
        and extra_bytes <= block_bytes
        and size_bytes <= blocks * block_bytes
    )
    if not sane:
        raise file.error(
            "is a damaged VDI image: its header cannot be right",
            "copy or download it again",
        )
    return Container(
        format=Format.VDI,
        details=f"{_KINDS[kind]}, blocks of {sized(block_bytes)}",
        disk=_Vdi(
            file,
            size_bytes=size_bytes,
            block_bytes=block_bytes,
            places=(table_at, data_at, extra_bytes),
        ),
    )


class _Vdi(BlockDisk):
    """Blocks in a table."""

    def __init__(
        self,
        file: Reader,
        *,
        size_bytes: int,
        block_bytes: int,
        places: tuple[int, int, int],
    ) -> None:
        super().__init__(file, size_bytes=size_bytes, block_bytes=block_bytes)
        self._table_at, self._data_at, self._extra_bytes = places

    def _read_block(self, index: int, inside: int, size_bytes: int) -> bytes:
        entry = self.read_entry(self._table_at + index * 4, 4)
        number = int.from_bytes(entry, "little")
        if number >= _NOWHERE:
            return bytes(size_bytes)
        step = self.block_bytes + self._extra_bytes
        at = self._data_at + number * step + self._extra_bytes
        return self.file.read_all(at + inside, size_bytes)

    def stored_bytes(self) -> int | None:
        """Count the blocks that are in the file."""
        count = -(-self.size_bytes // self.block_bytes)
        if not self.file.can_afford(1 + count * 4 // MIB, count * 4):
            return None
        table = self.file.read_all(self._table_at, count * 4)
        numbers = struct.unpack(f"<{count}I", table)
        stored: int = sum(number < _NOWHERE for number in numbers)
        return min(stored * self.block_bytes, self.size_bytes)
