"""VMDK images in one file: monolithicSparse and streamOptimized.

Sources:
    VMware, "Virtual Disk Format 5.0", 20 December 2011.
    https://github.com/libyal/libvmdk/blob/main/documentation/VMWare%20Virtual%20Disk%20Format%20(VMDK).asciidoc
"""

import re
import struct
from typing import Final

from ali_import.disk.blocks import (
    BlockDisk,
    Container,
    Format,
    PackedBlocks,
    inflate,
)
from ali_import.disk.reader import Reader
from ali_import.errors import DiskImageError
from ali_import.units import KIB, MIB, sized

MAGIC: Final = b"KDMV"

_HEADER: Final = struct.Struct("<4sIIQQQQIQQQ")
_HEADER_BYTES: Final = 512
_COMPRESSION_AT: Final = 77
_DEFLATE: Final = 1
_SECTOR_BYTES: Final = 512
_GRAIN_BYTES_MAX: Final = MIB
_TABLE_ENTRIES: Final = 512
_AT_THE_END: Final = 0xFFFF_FFFF_FFFF_FFFF  # the footer says where the directory is
_FOOTER_FROM_END: Final = 1024
_HAS_MARKERS: Final = 1 << 17
_ZEROED: Final = 1  # a grain known to be zero
_MARKER_BYTES: Final = 12

_DESCRIPTOR_MAGIC: Final = b"# Disk DescriptorFile"
_DESCRIPTOR_BYTES_MAX: Final = 64 * KIB
_CREATE_TYPE: Final = re.compile(
    rb'createType\s*=\s*"([A-Za-z0-9]{1,40})"', re.IGNORECASE
)
_PARENT: Final = re.compile(rb"parentCID\s*=\s*([0-9a-f]{1,8})", re.IGNORECASE)
_NO_PARENT: Final = b"ffffffff"


def open_vmdk(file: Reader) -> Container:
    """Open a VMDK image.

    Raises:
        DiskImageError: It is damaged, or other files belong to it.
    """
    head = file.read(0, _HEADER_BYTES)
    fields = _HEADER.unpack_from(head)
    (_magic, _version, flags, sectors, grain_sectors) = fields[:5]
    descriptor = file.read(
        fields[5] * _SECTOR_BYTES,
        min(max(1, fields[6] * _SECTOR_BYTES), _DESCRIPTOR_BYTES_MAX),
    )
    if not fields[5] or not descriptor.startswith(_DESCRIPTOR_MAGIC):
        raise file.error(
            "is one part of a split VMDK image, whose descriptor is in another file",
            "name the descriptor to qemu-img: qemu-img convert -O qcow2 NAME.vmdk NAME.qcow2",
        )
    parent = _PARENT.search(descriptor)
    if parent and parent[1].lower() != _NO_PARENT:
        raise file.error(
            "holds only the changes to another VMDK (a snapshot)",
            "convert the whole with qemu-img, its parent beside it",
        )
    directory = fields[9]
    if directory == _AT_THE_END:
        footer = file.read_all(
            max(0, file.size_bytes - _FOOTER_FROM_END), _HEADER_BYTES
        )
        if not footer.startswith(MAGIC):
            raise file.error(
                "is a VMDK image cut short: it has no footer",
                "copy or download it again",
            )
        directory = _HEADER.unpack_from(footer)[9]
    grain_bytes = grain_sectors * _SECTOR_BYTES
    if not 0 < grain_bytes <= _GRAIN_BYTES_MAX or fields[7] != _TABLE_ENTRIES:
        raise file.error(
            "is a damaged VMDK image: its header cannot be right",
            "copy or download it again",
        )
    (compression,) = struct.unpack_from("<H", head, _COMPRESSION_AT)
    kind = _CREATE_TYPE.search(descriptor)
    name = kind[1].decode() if kind else "sparse"
    return Container(
        format=Format.VMDK,
        details=f"{name}, grains of {sized(grain_bytes)}",
        disk=_Vmdk(
            file,
            size_bytes=sectors * _SECTOR_BYTES,
            block_bytes=grain_bytes,
            directory_at=directory * _SECTOR_BYTES,
            packed=compression == _DEFLATE,
            markers=bool(flags & _HAS_MARKERS),
        ),
    )


class _Vmdk(BlockDisk):
    """Grains found by two levels of tables."""

    def __init__(
        self,
        file: Reader,
        *,
        size_bytes: int,
        block_bytes: int,
        directory_at: int,
        packed: bool,
        markers: bool,
    ) -> None:
        super().__init__(file, size_bytes=size_bytes, block_bytes=block_bytes)
        self._directory_at = directory_at
        self._marker_bytes = _MARKER_BYTES if markers else 4
        self._packed = PackedBlocks(file, block_bytes, inflate) if packed else None

    def _read_block(self, index: int, inside: int, size_bytes: int) -> bytes:
        table, number = divmod(index, _TABLE_ENTRIES)
        table_at = self._number(self._directory_at + table * 4) * _SECTOR_BYTES
        if not table_at:
            return bytes(size_bytes)
        grain = self._number(table_at + number * 4)
        if grain in {0, _ZEROED}:
            return bytes(size_bytes)
        at = grain * _SECTOR_BYTES
        if self._packed is None:
            return self.file.read_all(at + inside, size_bytes)
        # A marker before the data: the grain's first sector (8 bytes), their length.
        packed_bytes = self._number(at + self._marker_bytes - 4)
        if not 0 < packed_bytes <= 2 * self.block_bytes + _SECTOR_BYTES:
            raise self._damaged(f"the length of the grain at byte {at}")
        return self._packed.read(
            at + self._marker_bytes, packed_bytes, inside, size_bytes
        )

    def _number(self, at: int) -> int:
        return int.from_bytes(self.read_entry(at, 4), "little")

    def _damaged(self, what: str) -> DiskImageError:
        return self.file.error(
            f"is a damaged VMDK image: {what} cannot be right",
            "copy or download it again",
        )

    def stored_bytes(self) -> int | None:
        """Count the grains that are in the file."""
        count = -(-self.size_bytes // (self.block_bytes * _TABLE_ENTRIES))
        if not self.file.can_afford(1 + count * 4 // MIB, count * 4):
            return None
        directory = struct.unpack(
            f"<{count}I", self.file.read_all(self._directory_at, count * 4)
        )
        tables = [table for table in directory if table]
        if not self.file.can_afford(len(tables), len(tables) * _TABLE_ENTRIES * 4):
            return None
        stored = 0
        for table in tables:
            data = self.file.read_all(table * _SECTOR_BYTES, _TABLE_ENTRIES * 4)
            grains = struct.unpack(f"<{_TABLE_ENTRIES}I", data)
            stored += sum(grain not in {0, _ZEROED} for grain in grains)
        return min(stored * self.block_bytes, self.size_bytes)
