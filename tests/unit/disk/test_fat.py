"""FAT directories with things in them that only look like a boot file."""

import struct
from pathlib import Path

import pytest

from ali_import.disk import BootMode, inspect
from ali_import.errors import DiskImageError
from tests.support.disks import (
    BOOT_CODE,
    BOOT_X86_64,
    FatShape,
    Names,
    fat_volume,
    overwrite,
    program,
)

# With code for BIOS, so that what does not boot from UEFI is no error.
SHAPE = FatShape(clusters=500, boot_code=BOOT_CODE)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "disk.img"


def write(image: Path, files: dict[str, bytes], shape: FatShape = SHAPE) -> bytes:
    content = fat_volume(files, shape)
    image.write_bytes(content)
    return content


def entry_offset(content: bytes, name: bytes) -> int:
    """Return where the 8.3 entry of a name is; there must be one only."""
    assert content.count(name) == 1
    return content.index(name)


def boots_uefi(image: Path) -> bool:
    return inspect(image).boot_mode is BootMode.UEFI


def test_a_directory_called_like_the_boot_file_does_not_count(image: Path) -> None:
    write(image, {f"{BOOT_X86_64}/INNER.TXT": b"x"})
    assert not boots_uefi(image)


def test_a_directory_does_not_count_even_if_it_claims_a_size(image: Path) -> None:
    content = write(image, {f"{BOOT_X86_64}/INNER.TXT": b"x"})
    at = entry_offset(content, b"BOOTX64 EFI") + 28
    overwrite(image, at, struct.pack("<I", 3000))
    assert not boots_uefi(image)


def test_an_empty_boot_file_does_not_count(image: Path) -> None:
    content = write(image, {BOOT_X86_64: b""})
    assert not boots_uefi(image)
    # Nor if it claims a cluster.
    at = entry_offset(content, b"BOOTX64 EFI") + 26
    overwrite(image, at, struct.pack("<H", 9))
    assert not boots_uefi(image)


def test_a_file_called_like_the_directory_does_not_count(image: Path) -> None:
    content = write(image, {BOOT_X86_64: program("x")})
    overwrite(image, entry_offset(content, b"EFI        ") + 11, b"\x20")
    assert not boots_uefi(image)


def test_a_volume_label_called_like_the_boot_file_does_not_count(image: Path) -> None:
    content = write(image, {BOOT_X86_64: program("x")})
    overwrite(image, entry_offset(content, b"BOOTX64 EFI") + 11, b"\x08")
    assert not boots_uefi(image)


@pytest.mark.parametrize("bits", [12, 16])
def test_the_upper_half_of_a_cluster_number_means_nothing_before_fat32(
    image: Path, bits: int
) -> None:
    clusters = 500 if bits == 12 else 4200
    shape = FatShape(bits=bits, clusters=clusters, boot_code=BOOT_CODE)
    content = write(image, {BOOT_X86_64: program("x")}, shape)
    overwrite(image, entry_offset(content, b"EFI        ") + 20, b"\x01\x00")
    assert boots_uefi(image)


def test_a_deleted_boot_file_does_not_count(image: Path) -> None:
    content = write(image, {BOOT_X86_64: program("x")})
    overwrite(image, entry_offset(content, b"BOOTX64 EFI"), b"\xe5")
    assert not boots_uefi(image)


def test_what_follows_the_end_of_a_directory_does_not_count(image: Path) -> None:
    content = write(image, {"EFI/BOOT/FIRST.TXT": b"x", BOOT_X86_64: program("x")})
    overwrite(image, entry_offset(content, b"FIRST   TXT"), b"\0")
    assert not boots_uefi(image)


def test_a_volume_label_called_like_the_directory_does_not_count(image: Path) -> None:
    content = write(image, {BOOT_X86_64: program("x")})
    overwrite(image, entry_offset(content, b"EFI        ") + 11, b"\x08")
    assert not boots_uefi(image)


def test_a_volume_label_before_it_does_not_hide_a_directory(image: Path) -> None:
    write(
        image,
        {BOOT_X86_64: program("x")},
        FatShape(clusters=500, boot_code=BOOT_CODE, label="EFI"),
    )
    assert boots_uefi(image)


@pytest.mark.parametrize("attributes", [0x01, 0x02, 0x04, 0x07, 0x27])
def test_hidden_system_and_read_only_files_count(image: Path, attributes: int) -> None:
    content = write(image, {BOOT_X86_64: program("x")})
    overwrite(image, entry_offset(content, b"BOOTX64 EFI") + 11, bytes([attributes]))
    assert boots_uefi(image)


@pytest.mark.parametrize("cluster", [0, 1, 502, 0xFF8, 0xFFFF])
def test_a_boot_file_at_an_impossible_cluster_does_not_count(
    image: Path, cluster: int
) -> None:
    content = write(image, {BOOT_X86_64: program("x")})
    at = entry_offset(content, b"BOOTX64 EFI") + 26
    overwrite(image, at, struct.pack("<H", cluster))
    assert not boots_uefi(image)


@pytest.mark.parametrize("cluster", [0, 1, 502, 0xFF8, 0xFFFF])
def test_a_directory_at_an_impossible_cluster_is_empty(
    image: Path, cluster: int
) -> None:
    content = write(image, {BOOT_X86_64: program("x")})
    at = entry_offset(content, b"BOOT       ") + 26
    overwrite(image, at, struct.pack("<H", cluster))
    assert not boots_uefi(image)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param((13, 0xFF), id="another checksum"),
        pytest.param((0, 0x02), id="another order"),
        pytest.param((1, ord("X")), id="another letter"),
    ],
)
def test_a_long_name_that_is_not_its_own_does_not_count(
    image: Path, damage: tuple[int, int]
) -> None:
    """Its alias is BOOTX6~1.EFI, so that the file has no other right name."""
    path = "EFI/BOOT/bootx64.efi"
    content = write(
        image, {path: program("x")}, FatShape(names=Names.LONG, boot_code=BOOT_CODE)
    )
    assert boots_uefi(image)
    long_entry = entry_offset(content, b"BOOTX6~1EFI") - 32
    at, value = damage
    assert content[long_entry + at] != value
    overwrite(image, long_entry + at, bytes([value]))
    assert not boots_uefi(image)


def test_the_parts_of_a_long_name_must_be_in_order(image: Path) -> None:
    """It ends at a NUL, so that one as long as needs two parts can still be right."""
    shape = FatShape(names=Names.LONG, boot_code=BOOT_CODE)
    path = "EFI/BOOT/bootx64.efi\0padding"
    content = write(image, {path: program("x")}, shape)
    assert boots_uefi(image)
    first_part = entry_offset(content, b"BOOTX6~1EFI") - 32
    assert content[first_part] == 1
    overwrite(image, first_part, b"\x02")
    assert not boots_uefi(image)


@pytest.mark.parametrize("name", ["bootx64.efi.bak", "bootx64", "a bootx64.efi"])
def test_a_longer_name_does_not_count(image: Path, name: str) -> None:
    write(
        image,
        {f"EFI/BOOT/{name}": program("x")},
        FatShape(names=Names.LONG, boot_code=BOOT_CODE),
    )
    assert not boots_uefi(image)


@pytest.mark.parametrize(
    "path", ["EFI/BOOT/bootx64.e\ufb01", "ef\u0131/BOOT/BOOTX64.EFI"]
)
def test_letters_that_only_become_alike_in_capitals_do_not_count(
    image: Path, path: str
) -> None:
    assert path.upper() == BOOT_X86_64
    write(image, {path: program("x")}, FatShape(names=Names.LONG, boot_code=BOOT_CODE))
    assert not boots_uefi(image)


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_a_circular_directory_ends(image: Path, bits: int) -> None:
    """Cluster after cluster of files, the last of which is followed by the first."""
    clusters = 4200 if bits == 16 else 600
    shape = FatShape(bits=bits, clusters=clusters, boot_code=BOOT_CODE)
    files = {f"EFI/BOOT/F{n}.TXT": b"" for n in range(16 * 3 - 2)}
    content = bytearray(fat_volume(files, shape))
    boot_entry = entry_offset(bytes(content), b"BOOT       ")
    high, low = struct.unpack_from("<H4xH", content, boot_entry + 20)
    first, last = high << 16 | low, (high << 16 | low) + 1
    # The directory was allocated at once: its clusters follow each other.
    at = shape.reserved_sectors * 512 + (last + 1) * bits // 8
    old = int.from_bytes(content[at : at + 4], "little")
    mask, shift = (1 << min(bits, 28)) - 1, 4 if bits == 12 and (last + 1) % 2 else 0
    assert old >> shift & mask >= (1 << min(bits, 28)) - 8, "not the end of a chain"
    new = old & ~(mask << shift) | first << shift
    content[at : at + 4] = new.to_bytes(4, "little")
    image.write_bytes(content)
    assert not boots_uefi(image)


def test_a_boot_file_cut_off_is_refused(image: Path) -> None:
    content = write(image, {BOOT_X86_64: program("x")})
    image.write_bytes(content[: (SHAPE.data_sector + 2) * 512])
    with pytest.raises(DiskImageError, match=r"cut short: .*BOOTX64\.EFI"):
        inspect(image)


def test_the_active_fat_of_a_fat32_is_used(image: Path) -> None:
    """With mirroring off, the other FAT may be stale."""
    shape = FatShape(bits=32, clusters=600, boot_code=BOOT_CODE)
    files = {f"EFI/BOOT/F{n}.TXT": b"" for n in range(40)} | {BOOT_X86_64: program("x")}
    content = bytearray(fat_volume(files, shape))
    first_fat = shape.reserved_sectors * 512
    content[first_fat : first_fat + shape.fat_sectors * 512] = bytes(
        shape.fat_sectors * 512
    )
    image.write_bytes(content)
    assert not boots_uefi(image)
    struct.pack_into("<H", content, 40, 0x81)
    image.write_bytes(content)
    assert boots_uefi(image)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        pytest.param(11, b"\x00\x01", id="sectors of 256 bytes"),
        pytest.param(13, b"\x03", id="clusters of three sectors"),
        pytest.param(14, b"\x00\x00", id="no reserved sector"),
        pytest.param(16, b"\x00", id="no FAT"),
        pytest.param(17, b"\x00\x00", id="no root directory"),
        pytest.param(19, b"\x01\x00", id="no room for data"),
        pytest.param(21, b"\x12", id="an unknown medium"),
    ],
)
def test_an_impossible_boot_sector_is_no_fat(
    image: Path, offset: int, value: bytes
) -> None:
    write(image, {BOOT_X86_64: program("x")})
    assert boots_uefi(image)
    overwrite(image, offset, value)
    assert not boots_uefi(image)
