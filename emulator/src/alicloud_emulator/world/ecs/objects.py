"""What an imported object says of its disk: its format, and the size of the disk.

Sources:
    https://www.qemu.org/docs/master/interop/qcow2.html
    Microsoft, "Virtual Hard Disk Image Format Specification", 11 October 2006.
    VMware, "Virtual Disk Format 5.0", 20 December 2011.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.profile import Habits

_SECTOR_BYTES = 512
_QCOW2 = b"QFI\xfb"
_QCOW2_VERSIONS = (2, 3)
_VHD = b"conectix"
_VHD_HEADER = b"cxsparse"
_VHD_DYNAMIC = 3
_VMDK = b"KDMV"


@dataclass(frozen=True, kw_only=True)
class Content:
    """The disk in an object; ``format`` is as ImportImage spells it."""

    format: str
    size_bytes: int


def disk_in(blob: Blob, declared: str, habits: Habits | None = None) -> Content:
    """Return what disk an object holds.

    Args:
        blob: The object's content.
        declared: Format given to ImportImage, upper case; "" means: find out.
        habits: What the cloud does where nobody knows.

    Raises:
        ServiceError: ``InvalidImageFormat.Malformed``: it is not of the declared format.
            ``InvalidVHDImage.IncorrectSize``: a VHD has fewer blocks than its size
            needs.
    """
    habits = habits or Habits()
    for name, read in _READERS.items():
        if declared in ("", name):
            size_bytes = read(blob, habits)
            if size_bytes is not None:
                return Content(format=name, size_bytes=size_bytes)
    if declared in ("", "RAW"):
        return Content(format="RAW", size_bytes=blob.size)
    if habits.import_garbage:
        return Content(format=declared, size_bytes=blob.size)
    raise refusal("InvalidImageFormat.Malformed")


def _qcow2(blob: Blob, _: Habits) -> int | None:
    fields = struct.Struct(">4sIQIIQ")
    head = blob.read(0, _SECTOR_BYTES)
    if not head.startswith(_QCOW2):
        return None
    if len(head) < fields.size:
        raise refusal("InvalidImageFormat.Malformed")
    _magic, version, _backing, _backing_bytes, _bits, size_bytes = fields.unpack_from(
        head
    )
    if version not in _QCOW2_VERSIONS:
        raise refusal("InvalidImageFormat.Malformed")
    return int(size_bytes)


def _vhd(blob: Blob, habits: Habits) -> int | None:
    """Return the "current size" of the footer, which fixed disks have at their end."""
    footer = blob.read(max(0, blob.size - _SECTOR_BYTES), _SECTOR_BYTES)
    if len(footer) < _SECTOR_BYTES or not footer.startswith(_VHD):
        return None
    fields = struct.Struct(">16xQ24xQ4xI")
    header_at, size_bytes, kind = fields.unpack_from(footer)
    if kind != _VHD_DYNAMIC:
        return int(size_bytes)
    fields = struct.Struct(">8s20xII")
    header = blob.read(header_at, fields.size) if header_at < blob.size else b""
    if len(header) < fields.size or not header.startswith(_VHD_HEADER):
        raise refusal("InvalidImageFormat.Malformed")
    _magic, entries, block_bytes = fields.unpack(header)
    table_bytes = entries * block_bytes
    fits = size_bytes == table_bytes if habits.vhd_whole_blocks else True
    if size_bytes > table_bytes or not fits:
        raise refusal("InvalidVHDImage.IncorrectSize")
    return int(size_bytes)


def _vmdk(blob: Blob, _: Habits) -> int | None:
    """Return the "capacity", which counts sectors."""
    fields = struct.Struct("<4s8xQ")
    head = blob.read(0, fields.size)
    if not head.startswith(_VMDK):
        return None
    if len(head) < fields.size:
        raise refusal("InvalidImageFormat.Malformed")
    return _SECTOR_BYTES * int(fields.unpack(head)[1])


_READERS: dict[str, Callable[[Blob, Habits], int | None]] = {
    "QCOW2": _qcow2,
    "VHD": _vhd,
    "VMDK": _vmdk,
}
