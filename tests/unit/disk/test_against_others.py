"""Our reader on what others wrote, and others' readers on what we write.

The builder in ``scripts`` and the inspection could share a misunderstanding of a format;
mtools, dosfstools and gdisk do not share it with them.
"""

from pathlib import Path

import pytest

from ali_import.disk import examine, inspect
from ali_import.errors import DiskImageError
from emulator.tests.support.programs import need, run
from tests.support.disks import (
    BOOT_ARM64,
    BOOT_CODE,
    BOOT_X86_64,
    FatShape,
    Names,
    Slot,
    fat_volume,
    gpt_disk,
    mbr_disk,
    program,
    sparse,
)
from tests.support.real_images import (
    IPXE_LKRN,
    RealImage,
    make_real_images,
    skip_reason,
)

MIB = 1024 * 1024


@pytest.fixture
def boot_file(tmp_path: Path) -> Path:
    path = tmp_path / "program.efi"
    path.write_bytes(program("x64"))
    return path


def copy_in(volume: str, boot_file: Path, path: str) -> None:
    """Make the directories of a path and the file itself with mtools."""
    parents = path.split("/")[:-1]
    for depth in range(len(parents)):
        run("mmd", "-i", volume, "::" + "/".join(parents[: depth + 1]))
    run("mcopy", "-i", volume, boot_file, f"::{path}")


@pytest.mark.parametrize(
    "path", [BOOT_X86_64, "efi/boot/bootx64.efi", "Efi/Boot/BootX64.Efi"]
)
@pytest.mark.parametrize(
    ("size_bytes", "options"),
    [
        pytest.param(1440 * 1024, ["-F", "12"], id="FAT12"),
        pytest.param(16 * MIB, ["-F", "16"], id="FAT16"),
        pytest.param(64 * MIB, ["-F", "16", "-s", "16"], id="FAT16 of large clusters"),
        pytest.param(40 * MIB, ["-F", "32", "-s", "1"], id="FAT32"),
        pytest.param(8 * MIB, ["-F", "12", "-S", "4096"], id="4096 byte sectors"),
        pytest.param(8 * MIB, ["-f", "1", "-r", "112"], id="one FAT"),
        pytest.param(8 * MIB, ["-R", "20", "-h", "64"], id="reserved sectors"),
    ],
)
def test_file_systems_that_mkfs_made_are_read(
    tmp_path: Path, boot_file: Path, size_bytes: int, options: list[str], path: str
) -> None:
    need("mkfs.fat", "dosfstools")
    need("mcopy", "mtools")
    image = sparse(tmp_path / "disk.img", size_bytes)
    run("mkfs.fat", *options, image)
    with pytest.raises(DiskImageError, match="no boot code"):
        inspect(image)
    copy_in(str(image), boot_file, path)
    assert inspect(image).suffix == "-uefi-x86-64"


@pytest.mark.parametrize("kilobytes", [160, 360, 720, 1200, 1440, 2880])
def test_floppies_that_mformat_made_are_read(
    tmp_path: Path, boot_file: Path, kilobytes: int
) -> None:
    need("mformat", "mtools")
    image = tmp_path / "disk.img"
    boot_file.write_bytes(program("arm64"))
    run("mformat", "-C", "-f", kilobytes, "-i", image, "::")
    with pytest.raises(DiskImageError, match="no boot code"):
        inspect(image)
    copy_in(str(image), boot_file, BOOT_ARM64)
    assert inspect(image).suffix == "-uefi-arm64"


@pytest.mark.parametrize("number", [1, 128])
def test_partition_tables_that_sgdisk_made_are_read(
    tmp_path: Path, boot_file: Path, number: int
) -> None:
    need("sgdisk", "gdisk")
    need("mformat", "mtools")
    image = sparse(tmp_path / "disk.img", 8 * MIB)
    run("sgdisk", "-n", f"{number}:2048:+4M", "-t", f"{number}:ef00", image)
    volume = f"{image}@@{MIB}"
    run("mformat", "-T", 4 * MIB // 512, "-h", 64, "-s", 32, "-i", volume, "::")
    copy_in(volume, boot_file, BOOT_X86_64)
    assert inspect(image).suffix == "-uefi-x86-64"


@pytest.mark.parametrize("names", Names)
@pytest.mark.parametrize("fragmented", [False, True])
@pytest.mark.parametrize(("bits", "clusters"), [(12, 500), (16, 4200), (32, 65_525)])
def test_others_find_our_file_systems_in_order(
    tmp_path: Path, bits: int, clusters: int, fragmented: bool, names: Names
) -> None:
    need("fsck.fat", "dosfstools")
    need("mcopy", "mtools")
    content = program("x64", 20_000)
    files = {f"EFI/BOOT/FILE{n}.TXT": b"x" * n for n in range(40)}
    shape = FatShape(bits=bits, clusters=clusters, fragmented=fragmented, names=names)
    image = tmp_path / "disk.img"
    image.write_bytes(fat_volume({**files, BOOT_X86_64: content}, shape))
    run("fsck.fat", "-n", image)
    copy = tmp_path / "copy"
    run("mcopy", "-i", image, f"::{BOOT_X86_64}", copy)
    assert copy.read_bytes() == content


@pytest.mark.parametrize("count", [1, 3])
def test_others_find_our_gpts_in_order(tmp_path: Path, count: int) -> None:
    need("sgdisk", "gdisk")
    image = tmp_path / "disk.img"
    slots = [Slot(content=bytes(MIB), number=1 + n) for n in range(count)]
    image.write_bytes(gpt_disk(slots))
    assert "No problems found" in run("sgdisk", "--verify", image)


def test_others_find_our_partitions_where_we_put_them(tmp_path: Path) -> None:
    need("mdir", "mtools")
    need("sfdisk", "fdisk")
    volume = fat_volume({BOOT_X86_64: program("x64")}, FatShape(clusters=500))
    image = tmp_path / "disk.img"
    slots = [Slot(content=volume, number=number) for number in (1, 2, 5, 6, 7)]
    image.write_bytes(mbr_disk(slots))
    starts = {}
    for line in run("sfdisk", "--dump", image).splitlines():
        if ": start=" in line:
            name, facts = line.split(" : start=")
            starts[int(name.removeprefix(str(image)))] = int(facts.split(",")[0])
    assert sorted(starts) == [1, 2, 4, 5, 6, 7]
    for slot in slots:
        at = starts[slot.number] * 512
        assert BOOT_X86_64 in run("mdir", "-/", "-b", "-i", f"{image}@@{at}", "::")


@pytest.fixture(scope="module")
def real_images(tmp_path_factory: pytest.TempPathFactory) -> list[RealImage]:
    reason = skip_reason()
    if reason:
        pytest.skip(reason)
    return make_real_images(tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize(
    "name",
    [
        "ipxe-fat.img",
        "ipxe-gpt.img",
        "ipxe.iso",
        "grub-rescue-usb.img",
    ],
)
def test_real_images_are_what_they_are_known_to_be(
    real_images: list[RealImage], name: str
) -> None:
    (real,) = [image for image in real_images if image.path.name == name]
    image = inspect(real.path)
    assert image.architecture == real.architecture
    assert image.boot_mode == real.boot_mode
    assert image.suffix == real.suffix
    assert image.size_gib == 1


@pytest.mark.parametrize(
    ("platform", "boot_mode", "el_torito"),
    [
        ("i386-pc", "BIOS", ("BIOS",)),
        ("x86_64-efi", "UEFI", ("UEFI",)),
        ("", "UEFI", ("BIOS", "UEFI")),
    ],
)
def test_hybrid_cds_that_grub_made_are_read(
    tmp_path: Path, platform: str, boot_mode: str, el_torito: tuple[str, ...]
) -> None:
    need("grub-mkrescue", "grub-common grub-pc-bin grub-efi-amd64-bin")
    need("xorriso", "xorriso")
    need("mformat", "mtools")
    (tmp_path / "files").mkdir()
    image = tmp_path / "grub.iso"
    choice = ["-d", f"/usr/lib/grub/{platform}"] if platform else []
    run("grub-mkrescue", *choice, "-o", image, tmp_path / "files")
    found = inspect(image)
    assert (found.boot_mode, found.architecture) == (boot_mode, "x86_64")
    assert examine(image).boot.el_torito == el_torito


def test_a_cd_without_a_boot_sector_that_xorriso_made_is_refused(
    tmp_path: Path,
) -> None:
    need("xorriso", "xorriso")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "README").write_text("no boot loader")
    image = tmp_path / "plain.iso"
    run("xorriso", "-as", "mkisofs", "-quiet", "-o", image, tmp_path / "files")
    with pytest.raises(DiskImageError, match="CD image without a boot sector"):
        inspect(image)


def test_the_partitions_that_sgdisk_made_are_told_as_sgdisk_tells_them(
    tmp_path: Path,
) -> None:
    need("sgdisk", "gdisk")
    image = sparse(tmp_path / "disk.img", 64 * MIB)
    run("sgdisk", "-n", "1:2048:+1M", "-t", "1:ef02", "-c", "1:boot", image)
    run("sgdisk", "-n", "2:0:+8M", "-t", "2:ef00", "-n", "9:0:0", "-t", "9:8304", image)
    with image.open("r+b") as file:
        file.write(BOOT_CODE)
    found = examine(image)
    assert "No problems found" in run("sgdisk", "--verify", image)
    for partition in found.boot.partitions:
        told = run("sgdisk", "-i", partition.number, image)
        assert f"code: {partition.kind.upper()} " in told
        assert f"First sector: {partition.offset // 512} " in told
        assert f"Partition size: {partition.size_bytes // 512} sectors" in told
        assert f"Partition name: '{partition.name}'" in told
    assert [partition.number for partition in found.boot.partitions] == [1, 2, 9]
    (text,) = found.warnings
    assert "partition 2 is an EFI system partition without" in text
    run("sgdisk", "-d", "1", image)
    assert any("no BIOS boot partition" in text for text in examine(image).warnings)


def test_a_loader_in_the_shape_of_a_kernel_is_refused(
    real_images: list[RealImage],
) -> None:
    """SeaBIOS says "Booting from Hard Disk..." to it, and nothing follows."""
    assert real_images
    with pytest.raises(DiskImageError, match="no firmware boots it from a disk"):
        inspect(IPXE_LKRN)
