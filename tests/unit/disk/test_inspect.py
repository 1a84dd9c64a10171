"""What `inspect` concludes from well-formed images, over every shape they come in."""

import hashlib
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from ali_import.disk import Architecture, BootMode, DiskImage, content_sha256, inspect
from ali_import.units import GIB
from tests.support.disks import (
    BOOT_ARM64,
    BOOT_CODE,
    BOOT_X86_64,
    FatShape,
    Names,
    Slot,
    disk,
    fat_volume,
    gpt_disk,
    mbr_disk,
    program,
    sparse,
    write_image,
)

Layout = Callable[[bytes], bytes]

# The clusters make the FATs what their bits say; FAT32 may be small.
CLUSTERS = {12: 500, 16: 4200, 32: 600}

SPELLINGS = {
    "short": (Names.SHORT, BOOT_X86_64),
    "short, shown in lower case": (Names.SHORT_LOWER, BOOT_X86_64),
    "long in capitals": (Names.LONG, BOOT_X86_64),
    "long in lower case": (Names.LONG, "efi/boot/bootx64.efi"),
    "long in mixed case": (Names.LONG_AND_SHORT, "Efi/Boot/BootX64.efi"),
}


def whole_disk(volume: bytes) -> bytes:
    return volume


def on_mbr(volume: bytes) -> bytes:
    return mbr_disk([Slot(content=volume, number=4)], boot_code=BOOT_CODE)


def on_logical(volume: bytes) -> bytes:
    blank = bytes(64 * 1024)
    return mbr_disk(
        [
            Slot(content=blank, number=1),
            Slot(content=blank, number=5),
            Slot(content=blank, number=6),
            Slot(content=volume, number=7),
        ],
        boot_code=BOOT_CODE,
    )


def on_gpt(volume: bytes) -> bytes:
    return gpt_disk([Slot(content=volume, number=15)], boot_code=BOOT_CODE)


def on_gpt_4k(volume: bytes) -> bytes:
    return gpt_disk([Slot(content=volume, number=2)], sector_bytes=4096)


def on_mbr_4k(volume: bytes) -> bytes:
    return mbr_disk([Slot(content=volume, number=1)], sector_bytes=4096)


LAYOUTS: list[Layout] = [whole_disk, on_mbr, on_logical, on_gpt]
LAYOUTS_4K: list[Layout] = [on_gpt_4k, on_mbr_4k]


def fat_shape(bits: int, names: Names = Names.SHORT) -> FatShape:
    """With code for BIOS, so that what does not boot from UEFI is no error."""
    return FatShape(
        bits=bits, clusters=CLUSTERS[bits], names=names, boot_code=BOOT_CODE
    )


def inspected(tmp_path: Path, content: bytes) -> DiskImage:
    path = tmp_path / "disk.img"
    path.write_bytes(content)
    return inspect(path)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bits", CLUSTERS)
def test_a_boot_file_is_found(
    tmp_path: Path, bits: int, layout: Layout, spelling: str
) -> None:
    names, path = SPELLINGS[spelling]
    shape = fat_shape(bits, names)
    volume = fat_volume({"README.TXT": b"x", path: program("x64")}, shape)
    image = inspected(tmp_path, layout(volume))
    assert (image.boot_mode, image.architecture) == (BootMode.UEFI, Architecture.X86_64)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bits", CLUSTERS)
def test_another_name_is_not_a_boot_file(
    tmp_path: Path, bits: int, layout: Layout, spelling: str
) -> None:
    """The counterpart: the same shapes, where one letter of the path is another."""
    names, path = SPELLINGS[spelling]
    shape = fat_shape(bits, names)
    for wrong in (path.replace("4", "5"), path.replace("/", "1/", 1)):
        volume = fat_volume({wrong: program("x64")}, shape)
        assert inspected(tmp_path, layout(volume)).boot_mode is BootMode.BIOS


@pytest.mark.parametrize("fragmented", [False, True])
@pytest.mark.parametrize(
    ("sector_bytes", "sectors_per_cluster"), [(512, 1), (512, 8), (1024, 2), (4096, 1)]
)
@pytest.mark.parametrize("bits", CLUSTERS)
def test_a_boot_file_far_down_long_directories_is_found(
    tmp_path: Path,
    bits: int,
    sector_bytes: int,
    sectors_per_cluster: int,
    fragmented: bool,
) -> None:
    shape = FatShape(
        bits=bits,
        clusters=CLUSTERS[bits],
        sector_bytes=sector_bytes,
        sectors_per_cluster=sectors_per_cluster,
        names=Names.LONG,
        fragmented=fragmented,
    )
    files = {f"EFI/a vendor called {n}/": b"" for n in range(60)}
    files |= {f"EFI/boot/a file called {n}.efi": b"" for n in range(200)}
    files[BOOT_ARM64.replace("BOOT/", "boot/", 1)] = program("arm64")
    image = inspected(tmp_path, fat_volume(files, shape))
    assert image.architecture is Architecture.ARM64


@pytest.mark.parametrize("layout", [whole_disk, on_gpt])
def test_fat32_of_its_proper_size_is_read(tmp_path: Path, layout: Layout) -> None:
    shape = FatShape(bits=32, clusters=65_525)
    volume = fat_volume({BOOT_X86_64: program("x64")}, shape)
    assert inspected(tmp_path, layout(volume)).suffix == "-uefi-x86-64"


@pytest.mark.parametrize(
    ("boot_files", "boot_mode", "architecture", "suffix"),
    [
        ((), BootMode.BIOS, Architecture.X86_64, ""),
        ((BOOT_X86_64,), BootMode.UEFI, Architecture.X86_64, "-uefi-x86-64"),
        ((BOOT_ARM64,), BootMode.UEFI, Architecture.ARM64, "-uefi-arm64"),
        ((BOOT_X86_64, BOOT_ARM64), BootMode.UEFI, None, "-uefi-multi"),
    ],
)
def test_boot_files_decide_boot_mode_architecture_and_suffix(
    tmp_path: Path,
    boot_files: tuple[str, ...],
    boot_mode: BootMode,
    architecture: Architecture | None,
    suffix: str,
) -> None:
    image = inspect(write_image(tmp_path / "disk.img", *boot_files))
    assert image.boot_mode is boot_mode
    assert image.architecture is architecture
    assert image.suffix == suffix


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.permutations([1, 3, 128], 2))
)
def test_the_boot_files_of_all_partitions_count(
    tmp_path: Path, first: int, second: int
) -> None:
    shape = FatShape(clusters=200)
    volumes = [
        fat_volume({path: program(path)}, shape) for path in (BOOT_X86_64, BOOT_ARM64)
    ]
    slots = [
        Slot(content=volume, number=number)
        for volume, number in zip(volumes, (first, second), strict=True)
    ]
    image = inspected(tmp_path, gpt_disk(slots))
    assert image.suffix == "-uefi-multi"


def test_facts_of_a_raw_image(tmp_path: Path) -> None:
    content = disk(BOOT_X86_64, seed="facts")
    image = inspected(tmp_path, content)
    assert image == DiskImage(
        path=tmp_path / "disk.img",
        format="RAW",
        virtual_bytes=len(content),
        file_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        architecture=Architecture.X86_64,
        boot_mode=BootMode.UEFI,
    )
    assert content_sha256(image.path) == image.sha256


@pytest.mark.parametrize(
    ("virtual_bytes", "size_gib"),
    [
        (0, 1),
        (512, 1),
        (GIB, 1),
        (GIB + 1, 2),
        (2047 * GIB + 1, 2048),
        (2048 * GIB, 2048),
    ],
)
def test_the_size_is_rounded_up_to_whole_gib(virtual_bytes: int, size_gib: int) -> None:
    image = DiskImage(
        path=Path("disk.img"),
        format="RAW",
        virtual_bytes=virtual_bytes,
        file_bytes=virtual_bytes,
        sha256="",
        architecture=None,
        boot_mode=BootMode.UEFI,
    )
    assert image.size_gib == size_gib


def test_an_image_of_many_blocks_is_hashed_whole(tmp_path: Path) -> None:
    content = disk(seed="large")
    path = sparse(tmp_path / "disk.img", 5 * 1024 * 1024 + 77, content)
    whole = hashlib.sha256(content.ljust(path.stat().st_size, b"\0")).hexdigest()
    assert inspect(path).sha256 == whole


def test_a_symbolic_link_is_followed_and_keeps_its_name(tmp_path: Path) -> None:
    link = tmp_path / "link.img"
    link.symlink_to(write_image(tmp_path / "disk.img"))
    assert inspect(link).path == link
