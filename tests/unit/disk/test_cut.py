"""A file that was cut short is refused where the missing part matters, and told else.

Bytes past the end of a file read as zeros, and a directory of zeros is a valid one.
"""

import struct
from pathlib import Path

import pytest

from ali_import.disk import BootMode, inspect
from ali_import.errors import DiskImageError
from tests.support.disks import (
    BOOT_CODE,
    BOOT_X86_64,
    MBR_TYPE_FAT,
    FatShape,
    Slot,
    fat_volume,
    mbr_disk,
    overwrite,
    program,
)

CLUSTERS = {12: 3000, 16: 4200, 32: 3000}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "disk.img"


def boot_file() -> bytes:
    """A program of which every cluster is another."""
    blocks = (f"block {number}".encode().ljust(512) for number in range(40))
    return program("x", 1024) + b"".join(blocks)


def volume(bits: int, *, fragmented: bool = False) -> bytes:
    """Fragmented, everything is at its end."""
    shape = FatShape(
        bits=bits,
        clusters=CLUSTERS[bits],
        fragmented=fragmented,
        boot_code=BOOT_CODE,
    )
    return fat_volume({BOOT_X86_64: boot_file()}, shape)


@pytest.mark.parametrize("partitioned", [False, True])
@pytest.mark.parametrize("bits", CLUSTERS)
def test_half_of_an_image_does_not_become_a_bios_image(
    image: Path, bits: int, partitioned: bool
) -> None:
    content = volume(bits, fragmented=True)
    if partitioned:
        content = mbr_disk([Slot(content=content)], boot_code=BOOT_CODE)
    image.write_bytes(content)
    assert inspect(image).boot_mode is BootMode.UEFI
    image.write_bytes(content[: len(content) // 2])
    with pytest.raises(DiskImageError, match="cut short"):
        inspect(image)


@pytest.mark.parametrize("bits", CLUSTERS)
@pytest.mark.parametrize("fragmented", [False, True])
def test_every_place_to_cut_is_refused_or_told(
    image: Path, bits: int, fragmented: bool
) -> None:
    """Up to where the last byte of the boot file is; from there on nothing matters."""
    content = volume(bits, fragmented=fragmented)
    program = boot_file()
    pieces = {program[at : at + 512] for at in range(1024, len(program), 512)}
    end = max(content.index(piece) + len(piece) for piece in pieces)
    if fragmented:  # backwards
        end = content.index(program[:512]) + 512
    for size in {*range(512, len(content), 37 * 512), end - 1}:
        image.write_bytes(content[:size])
        if size < end:
            with pytest.raises(DiskImageError, match="cut short"):
                inspect(image)
        else:
            found = inspect(image)
            assert found.boot_mode is BootMode.UEFI
            assert any("may be cut short" in text for text in found.warnings)


def entry(kind: int, start: int, sectors: int) -> bytes:
    return struct.pack("<4xB3xII", kind, start, sectors)


@pytest.mark.parametrize("kind", [0x83, 0x05, 0x0C])
def test_an_mbr_partition_that_starts_past_the_end_is_refused(
    image: Path, kind: int
) -> None:
    image.write_bytes(
        mbr_disk(
            [Slot(content=bytes(1000), mbr_type=MBR_TYPE_FAT)], boot_code=BOOT_CODE
        )
    )
    sectors = image.stat().st_size // 512
    overwrite(image, 446 + 16, entry(kind, sectors, 100))
    with pytest.raises(DiskImageError, match="cut short: MBR partition 2 starts"):
        inspect(image)
    overwrite(image, 446 + 16, entry(0x83, sectors - 1, 1))
    assert inspect(image).warnings == ()


def test_an_mbr_partition_that_ends_past_the_end_is_told(image: Path) -> None:
    image.write_bytes(
        mbr_disk(
            [Slot(content=bytes(1000), mbr_type=MBR_TYPE_FAT)], boot_code=BOOT_CODE
        )
    )
    sectors = image.stat().st_size // 512
    overwrite(image, 446 + 16, entry(0x83, sectors - 1, 2))
    (text,) = inspect(image).warnings
    assert "MBR partition 2 ends" in text


@pytest.mark.parametrize("last", [5, 6, 8])
def test_a_logical_partition_that_starts_past_the_end_is_refused(
    image: Path, last: int
) -> None:
    slots = [
        Slot(content=b"-", number=number, mbr_type=MBR_TYPE_FAT)
        for number in range(5, last + 1)
    ]
    content = mbr_disk(slots, align_bytes=4096, boot_code=BOOT_CODE)
    image.write_bytes(content[:-4096])  # the content of the last one is missing
    with pytest.raises(DiskImageError, match=f"MBR partition {last} starts"):
        inspect(image)
    image.write_bytes(content[: -2 * 4096])  # and its record
    with pytest.raises(DiskImageError, match=r"cut short: (the record|MBR partition)"):
        inspect(image)


def test_code_where_a_table_would_be_is_no_table(image: Path) -> None:
    """As in the boot sectors of loaders that need no partitions."""
    sector = (BOOT_CODE * 200)[:510] + b"\x55\xaa"
    image.write_bytes(sector + bytes(5000))
    found = inspect(image)
    assert (found.boot_mode, found.warnings) == (BootMode.BIOS, ())
