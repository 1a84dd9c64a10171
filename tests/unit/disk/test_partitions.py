"""Partition tables: damaged, hybrid, circular."""

import struct
import zlib
from pathlib import Path

import pytest

from ali_import.disk import BootMode, examine, inspect
from ali_import.errors import DiskImageError
from tests.support.disks import (
    BOOT_ARM64,
    BOOT_CODE,
    BOOT_X86_64,
    FatShape,
    Slot,
    fat_volume,
    gpt_disk,
    mbr_disk,
    overwrite,
    program,
)

SMALL = FatShape(clusters=200)
MBR_TABLE = 446


def volume(path: str = BOOT_X86_64) -> bytes:
    return fat_volume({path: program(path)}, SMALL)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "disk.img"


def found(image: Path) -> list[str]:
    """Return the EFI programs found, whether firmware would find them or not."""
    return [program.path for program in examine(image).boot.programs]


def mbr_entry(kind: int, start: int, sectors: int) -> bytes:
    return struct.pack("<4xB3xII", kind, start, sectors)


@pytest.mark.parametrize("sector_bytes", [512, 4096])
@pytest.mark.parametrize(
    "at", [0, 9, 17, 24, 72, 80, 88], ids=lambda at: f"header byte {at}"
)
def test_a_damaged_gpt_header_is_replaced_by_the_backup(
    image: Path, sector_bytes: int, at: int
) -> None:
    disk = gpt_disk([Slot(content=volume())], sector_bytes=sector_bytes)
    image.write_bytes(disk)
    overwrite(image, sector_bytes + at, b"\xa5")
    assert found(image) == [BOOT_X86_64]
    assert any("GPT at the start" in text for text in examine(image).warnings)


@pytest.mark.parametrize("sector_bytes", [512, 4096])
def test_a_damaged_gpt_table_is_replaced_by_the_backup(
    image: Path, sector_bytes: int
) -> None:
    disk = gpt_disk([Slot(content=volume(), number=7)], sector_bytes=sector_bytes)
    image.write_bytes(disk)
    overwrite(image, 2 * sector_bytes + 6 * 128 + 32, b"\xff\xff")
    assert found(image) == [BOOT_X86_64]


def test_the_backup_is_found_where_the_header_says_when_the_file_grew(
    image: Path,
) -> None:
    disk = gpt_disk([Slot(content=volume())])
    image.write_bytes(disk + bytes(1_000_000))
    overwrite(image, 2 * 512 + 32, b"\xff\xff")
    assert inspect(image).suffix == "-uefi-x86-64"


def test_the_backup_is_not_needed(image: Path) -> None:
    image.write_bytes(gpt_disk([Slot(content=volume())])[: -64 * 1024])
    assert inspect(image).suffix == "-uefi-x86-64"


def test_a_gpt_of_which_nothing_is_right_is_refused(image: Path) -> None:
    image.write_bytes(gpt_disk([Slot(content=volume())]))
    overwrite(image, 512 + 60, b"\xa5")
    overwrite(image, -512 + 60, b"\xa5")
    with pytest.raises(DiskImageError, match="damaged GPT"):
        inspect(image)


def test_a_gpt_header_that_belongs_elsewhere_is_not_believed(image: Path) -> None:
    """The backup, copied over the header; its checksum is right, its position wrong."""
    disk = bytearray(gpt_disk([Slot(content=volume())]))
    disk[512:1024] = disk[-512:]
    disk[-512:] = bytes(512)
    image.write_bytes(disk)
    with pytest.raises(DiskImageError, match="damaged GPT"):
        inspect(image)


def test_a_gpt_partition_beyond_the_end_is_refused_as_cut_short(image: Path) -> None:
    disk = gpt_disk([Slot(content=volume()), Slot(content=bytes(500_000), number=2)])
    image.write_bytes(disk[:300_000])
    with pytest.raises(DiskImageError, match="cut short: GPT partition 2"):
        inspect(image)


@pytest.mark.parametrize("entries", [4, 128, 1000])
def test_gpts_of_any_number_of_entries_are_read(image: Path, entries: int) -> None:
    slot = Slot(content=volume(), number=entries)
    image.write_bytes(gpt_disk([slot], entries=entries))
    assert inspect(image).suffix == "-uefi-x86-64"


def test_a_gpt_with_an_absurd_number_of_entries_is_not_believed(image: Path) -> None:
    """Its own checksum is right, so only the bound speaks against it."""
    disk = bytearray(gpt_disk([Slot(content=volume())]))
    for offset in (512, len(disk) - 512):
        struct.pack_into("<I", disk, offset + 80, 0xFFFF_FFFF)
        struct.pack_into("<I", disk, offset + 16, 0)
        crc32 = zlib.crc32(disk[offset : offset + 92])
        struct.pack_into("<I", disk, offset + 16, crc32)
    image.write_bytes(disk)
    with pytest.raises(DiskImageError, match="damaged GPT"):
        inspect(image)


def test_partitions_of_gpt_and_of_a_hybrid_mbr_are_united(image: Path) -> None:
    slots = [
        Slot(content=volume(BOOT_X86_64), number=1),
        Slot(content=volume(BOOT_ARM64), number=2),
    ]
    disk = bytearray(gpt_disk(slots))
    # Only the MBR still knows the second one.
    start, last = struct.unpack_from("<QQ", disk, 2 * 512 + 128 + 32)
    without_second = gpt_disk(slots[:1])
    disk[512 : 34 * 512] = without_second[512 : 34 * 512]
    entry = mbr_entry(0x0C, start, last - start + 1)
    disk[MBR_TABLE + 16 : MBR_TABLE + 32] = entry
    image.write_bytes(disk)
    assert inspect(image).suffix == "-uefi-multi"


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [0x01, 0x06, 0x0C, 0xEF, 0x17, 0xDA])
def test_primary_partitions_of_any_number_and_type(
    image: Path, number: int, kind: int
) -> None:
    image.write_bytes(mbr_disk([Slot(content=volume(), number=number, mbr_type=kind)]))
    assert inspect(image).suffix == "-uefi-x86-64"


@pytest.mark.parametrize("kind", [0x00, 0xEE])
def test_an_unused_mbr_entry_is_no_partition(image: Path, kind: int) -> None:
    blank = Slot(content=bytes(1000), number=2, mbr_type=0x83)
    slot = Slot(content=volume(), number=1, mbr_type=kind)
    image.write_bytes(mbr_disk([slot, blank], boot_code=BOOT_CODE))
    assert inspect(image).boot_mode is BootMode.BIOS


@pytest.mark.parametrize("kind", [0x05, 0x0F, 0x85])
@pytest.mark.parametrize("count", [1, 2, 100])
def test_the_last_of_many_logical_partitions_is_found(
    image: Path, count: int, kind: int
) -> None:
    slots = [Slot(content=b"-", number=5 + index) for index in range(count - 1)]
    disk = bytearray(
        mbr_disk([*slots, Slot(content=volume(), number=4 + count)], align_bytes=4096)
    )
    disk[MBR_TABLE + 3 * 16 + 4] = kind
    image.write_bytes(disk)
    assert inspect(image).suffix == "-uefi-x86-64"


def test_a_circle_of_extended_boot_records_ends(image: Path) -> None:
    """A second record names itself as the next."""
    slot = Slot(content=b"-", number=5)
    disk = bytearray(mbr_disk([slot], align_bytes=4096, boot_code=BOOT_CODE))
    (first,) = struct.unpack_from("<I", disk, MBR_TABLE + 3 * 16 + 8)
    link_at = first * 512 + MBR_TABLE + 16
    second = len(disk) // 512
    again = mbr_entry(0x05, second - first, 8)
    disk[link_at : link_at + 16] = again
    record = bytes(MBR_TABLE) + mbr_entry(0x83, 1, 1) + again
    disk += record.ljust(510, b"\0") + b"\x55\xaa" + bytes(512)
    image.write_bytes(disk)
    assert inspect(image).boot_mode is BootMode.BIOS


def test_a_disk_with_only_a_boot_sector_is_a_bios_disk(image: Path) -> None:
    image.write_bytes(mbr_disk([], boot_code=b"\xf4\xeb\xfd"))
    assert inspect(image).boot_mode is BootMode.BIOS


def test_an_efi_partition_of_an_isohybrid_counts(image: Path) -> None:
    slot = Slot(content=volume(), number=2, mbr_type=0xEF)
    disk = bytearray(mbr_disk([slot], align_bytes=128 * 1024))
    disk[32769 : 32769 + 5] = b"CD001"
    image.write_bytes(disk)
    assert inspect(image).suffix == "-uefi-x86-64"
