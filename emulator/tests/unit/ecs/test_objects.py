import struct

import pytest

from alicloud_emulator.world.blobs import MemoryBlob
from alicloud_emulator.world.ecs.objects import Content, disk_in
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.profile import Habits

MIB = 1024**2
GIB = 1024**3


def qcow2(size_bytes: int = 3 * GIB, version: int = 3) -> bytes:
    head = b"QFI\xfb" + struct.pack(">I", version) + bytes(16)
    return head + struct.pack(">Q", size_bytes) + bytes(480)


def vhd(size_bytes: int = 5 * GIB, kind: int = 2, *, entries: int = 0) -> bytes:
    """Return a footer, behind the header of a dynamic one."""
    header = b"cxsparse" + bytes(20) + struct.pack(">II", entries, 2 * MIB)
    at = 100
    footer = b"conectix" + bytes(8) + struct.pack(">Q", at) + bytes(24)
    footer += struct.pack(">Q4xI", size_bytes, kind)
    return bytes(at) + header.ljust(1024, b"\0") + footer.ljust(512, b"\0")


VMDK = b"KDMV" + bytes(8) + struct.pack("<Q", 7 * GIB // 512) + bytes(600)
RAW = bytes(1000)


@pytest.mark.parametrize(
    ("data", "declared", "format_", "size_bytes"),
    [
        (qcow2(), "QCOW2", "QCOW2", 3 * GIB),
        (qcow2(version=2), "", "QCOW2", 3 * GIB),
        (qcow2(), "RAW", "RAW", len(qcow2())),  # taken at its word
        (vhd(), "VHD", "VHD", 5 * GIB),
        (vhd(), "", "VHD", 5 * GIB),
        (vhd(), "RAW", "RAW", len(vhd())),
        (vhd(5 * GIB, 3, entries=2560), "VHD", "VHD", 5 * GIB),
        (VMDK, "VMDK", "VMDK", 7 * GIB),
        (VMDK, "", "VMDK", 7 * GIB),
        (RAW, "RAW", "RAW", 1000),
        (RAW, "", "RAW", 1000),
        (b"x", "", "RAW", 1),
    ],
)
def test_the_disk_in_an_object(
    data: bytes, declared: str, format_: str, size_bytes: int
) -> None:
    found = disk_in(MemoryBlob(data), declared)
    assert found == Content(format=format_, size_bytes=size_bytes)


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (RAW, "QCOW2"),
        (RAW, "VHD"),
        (RAW, "VMDK"),
        (qcow2(), "VHD"),
        (vhd()[:-1], "VHD"),
        (vhd(), "QCOW2"),
    ],
)
def test_an_object_that_is_not_what_it_was_called(data: bytes, declared: str) -> None:
    with pytest.raises(ServiceError, match=r"InvalidImageFormat\.Malformed"):
        disk_in(MemoryBlob(data), declared)
    found = disk_in(MemoryBlob(data), declared, Habits(import_garbage=True))
    assert found == Content(format=declared, size_bytes=len(data))


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (b"QFI\xfb", "QCOW2"),
        (qcow2(version=1), "QCOW2"),
        (vhd(kind=3)[100:], "VHD"),  # its header is not where the footer says
        (b"KDMV\x00", ""),
    ],
)
def test_an_object_whose_head_says_nonsense(data: bytes, declared: str) -> None:
    with pytest.raises(ServiceError, match=r"InvalidImageFormat\.Malformed"):
        disk_in(MemoryBlob(data), declared)


@pytest.mark.parametrize(
    ("entries", "whole", "taken"),
    [
        (2560, False, True),
        (2560, True, True),
        (2561, False, True),
        (2561, True, False),
        (2559, False, False),
        (2559, True, False),
    ],
)
def test_the_size_of_a_dynamic_vhd_and_its_blocks(
    entries: int, whole: bool, taken: bool
) -> None:
    blob = MemoryBlob(vhd(5 * GIB, 3, entries=entries))
    habits = Habits(vhd_whole_blocks=whole)
    if taken:
        assert disk_in(blob, "VHD", habits).size_bytes == 5 * GIB
    else:
        with pytest.raises(ServiceError, match=r"InvalidVHDImage\.IncorrectSize"):
            disk_in(blob, "VHD", habits)
