import struct

import pytest

from alicloud_emulator.world.blobs import MemoryBlob
from alicloud_emulator.world.ecs.objects import virtual_size_bytes
from alicloud_emulator.world.errors import ServiceError

GIB = 1024**3
QCOW2 = b"QFI\xfb" + bytes(20) + struct.pack(">Q", 3 * GIB) + bytes(480)
VHD = bytes(700) + b"conectix" + bytes(40) + struct.pack(">Q", 5 * GIB) + bytes(456)
VMDK = b"KDMV" + bytes(8) + struct.pack("<Q", 7 * GIB // 512) + bytes(600)
RAW = bytes(1000)


@pytest.mark.parametrize(
    ("data", "declared", "size_bytes"),
    [
        (QCOW2, "QCOW2", 3 * GIB),
        (QCOW2, "", 3 * GIB),
        (QCOW2, "RAW", len(QCOW2)),  # taken at its word
        (VHD, "VHD", 5 * GIB),
        (VHD, "", 5 * GIB),
        (VMDK, "VMDK", 7 * GIB),
        (VMDK, "", 7 * GIB),
        (RAW, "RAW", 1000),
        (RAW, "", 1000),
        (b"x", "", 1),
    ],
)
def test_the_disk_in_an_object(data: bytes, declared: str, size_bytes: int) -> None:
    assert virtual_size_bytes(MemoryBlob(data), declared) == size_bytes


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (RAW, "QCOW2"),
        (RAW, "VHD"),
        (RAW, "VMDK"),
        (QCOW2, "VHD"),
        (b"QFI\xfb", "QCOW2"),
        (b"KDMV\x00", ""),
    ],
)
def test_an_object_that_is_not_what_it_was_called(data: bytes, declared: str) -> None:
    with pytest.raises(ServiceError, match=r"InvalidImageFormat\.Malformed"):
        virtual_size_bytes(MemoryBlob(data), declared)
