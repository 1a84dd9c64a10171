"""What the head of an imported object says of its disk."""

import struct

from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.ecs.refusals import refusal

_QCOW2 = b"QFI\xfb"
_VHD = b"conectix"
_VMDK = b"KDMV"


def virtual_size_bytes(blob: Blob, declared: str) -> int:
    """Return the size of the disk that an object holds.

    Args:
        blob: The object's content.
        declared: Format given to ImportImage, upper case; "" means: find out.

    Raises:
        ServiceError: ``InvalidImageFormat.Malformed``: it is not of the declared format.
    """
    head = blob.read(0, 512)
    if declared in ("", "QCOW2") and head.startswith(_QCOW2):
        # Version, backing file, cluster bits, then the size as 64 bits big-endian.
        return _number(head[24:32], ">Q")
    footer = blob.read(max(0, blob.size - 512), 512)
    if declared in ("", "VHD") and footer.startswith(_VHD):
        return _number(footer[48:56], ">Q")  # "current size" of the VHD footer
    if declared in ("", "VMDK") and head.startswith(_VMDK):
        return 512 * _number(head[12:20], "<Q")  # "capacity" in sectors
    if declared in ("", "RAW"):
        return blob.size
    raise refusal("InvalidImageFormat.Malformed")


def _number(data: bytes, form: str) -> int:
    if len(data) < struct.calcsize(form):
        raise refusal("InvalidImageFormat.Malformed")
    value: int = struct.unpack(form, data)[0]
    return value
