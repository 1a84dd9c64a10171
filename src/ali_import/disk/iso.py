"""CD images: whether a disk holds an ISO 9660 file system, and what a CD boots from it.

Sources:
    ECMA-119, section 8 (volume descriptors).
    "El Torito" Bootable CD-ROM Format Specification, version 1.0, 25 January 1995.
"""

import struct
from collections.abc import Iterator
from typing import Final

from ali_import.disk.reader import Disk

_SECTOR_BYTES: Final = 2048
_DESCRIPTOR_SECTOR: Final = 16
_MAGIC: Final = b"CD001"
_BOOT_SYSTEM: Final = b"EL TORITO SPECIFICATION"
_CATALOG_AT: Final = 0x47

_ENTRY_BYTES: Final = 32
_VALIDATION: Final = 0x01
_BOOTABLE: Final = 0x88
_HEADERS: Final = frozenset({0x90, 0x91})  # of a section; 0x91: the last one
_PLATFORMS: Final = {0x00: "BIOS", 0x01: "PowerPC", 0x02: "Mac", 0xEF: "UEFI"}


def is_iso(disk: Disk) -> bool:
    """Return whether the disk holds an ISO 9660 file system."""
    offset = _DESCRIPTOR_SECTOR * _SECTOR_BYTES + 1
    return disk.read(offset, len(_MAGIC)) == _MAGIC


def el_torito(disk: Disk) -> tuple[str, ...]:
    """Return which firmware can boot the disk as a CD, for example ``("BIOS", "UEFI")``.

    The catalog is read as far as one sector goes.
    """
    record = disk.read((_DESCRIPTOR_SECTOR + 1) * _SECTOR_BYTES, _SECTOR_BYTES)
    if record[1:6] != _MAGIC or record[7:30] != _BOOT_SYSTEM:
        return ()
    (sector,) = struct.unpack_from("<I", record, _CATALOG_AT)
    catalog = disk.read(sector * _SECTOR_BYTES, _SECTOR_BYTES)
    if catalog[0] != _VALIDATION or catalog[30:32] != b"\x55\xaa":
        return ()
    return tuple(dict.fromkeys(_bootable(catalog)))


def _bootable(catalog: bytes) -> Iterator[str]:
    platform = catalog[1]
    for at in range(_ENTRY_BYTES, len(catalog), _ENTRY_BYTES):
        kind = catalog[at]
        if kind in _HEADERS:
            platform = catalog[at + 1]
        elif kind == _BOOTABLE:
            yield _PLATFORMS.get(platform, f"platform {platform:#04x}")
