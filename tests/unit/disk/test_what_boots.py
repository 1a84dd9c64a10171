"""What surely boots nowhere is refused, unless the user says how it boots.

What firmware does with such disks was tried with OVMF and SeaBIOS in QEMU.
"""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from ali_import.disk import Architecture, BootMode, examine, inspect
from ali_import.errors import ConfigurationError, DiskImageError
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
    overwrite,
    program,
    write_image,
)

MACHINES = {
    "BOOTIA32.EFI": (0x014C, "IA-32"),
    "BOOTRISCV64.EFI": (0x5064, "RISC-V"),
    "BOOTLOONGARCH64.EFI": (0x6264, "LoongArch"),
}
SHAPE = FatShape(clusters=200, names=Names.LONG)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "disk.img"


def refusal(image: Path) -> str:
    with pytest.raises(DiskImageError) as caught:
        inspect(image)
    assert caught.value.advice
    assert examine(image).boot_mode is None
    return caught.value.message


def warning(image: Path, words: str) -> str:
    """Return the one warning with these words about an image that is published."""
    (text,) = [text for text in inspect(image).warnings if words in text]
    assert text in examine(image).warnings
    return text


def efi_disk(files: dict[str, bytes], *, boot_code: bytes = b"") -> bytes:
    return gpt_disk([Slot(content=fat_volume(files, SHAPE))], boot_code=boot_code)


def without_protective_mbr(content: bytes) -> bytes:
    return bytes(512) + content[512:]


def iso(boot_sector: bytes = bytes(512)) -> bytes:
    descriptor = b"\x01CD001\x01".ljust(2048, b"\0")
    record = b"\0CD001\1EL TORITO SPECIFICATION".ljust(0x47, b"\0")
    record = (record + struct.pack("<I", 20)).ljust(2048, b"\0")
    validation = (b"\x01\x00".ljust(30, b"\0")) + b"\x55\xaa"
    entries = b"\x88".ljust(32, b"\0") + b"\x91\xef\x01".ljust(32, b"\0")
    catalog = validation + entries + b"\x88".ljust(32, b"\0")
    head = boot_sector.ljust(32768, b"\0") + descriptor + record
    return head.ljust(20 * 2048, b"\0") + catalog.ljust(2048, b"\0")


def kernel() -> bytes:
    """As a kernel without EFI stub, or ipxe.lkrn: its first sector only looks right."""
    return bytes(510) + b"\x55\xaa\xeb\x65HdrS" + bytes(5000)


CANNOT_BOOT: dict[str, tuple[Callable[[], bytes], str]] = {
    "an empty MBR disk": (lambda: mbr_disk([Slot(content=b"x")]), "no boot code"),
    "an empty GPT disk": (lambda: gpt_disk([Slot(content=b"x")]), "no boot code"),
    "an empty FAT volume": (lambda: fat_volume({}, SHAPE), "no boot code"),
    "no bytes": (lambda: efi_disk({BOOT_X86_64: b""}), "BOOTX64.EFI is empty"),
    "a directory": (
        lambda: efi_disk({f"{BOOT_X86_64}/A.TXT": b"x"}),
        "BOOTX64.EFI is a directory",
    ),
    "a text": (lambda: efi_disk({BOOT_X86_64: b"Hello\n"}), "not an EFI program"),
    "only MZ": (
        lambda: efi_disk({BOOT_X86_64: b"MZ".ljust(3000, b"\0")}),
        "not an EFI program",
    ),
    "the wrong machine": (
        lambda: efi_disk({BOOT_X86_64: program("arm64")}),
        "BOOTX64.EFI is a program for arm64",
    ),
    "a GPT of 4096": (
        lambda: gpt_disk(
            [Slot(content=fat_volume({BOOT_X86_64: program("x")}, SHAPE))],
            sector_bytes=4096,
        ),
        "sectors of 4096 bytes",
    ),
    "an MBR of 4096": (
        lambda: mbr_disk(
            [Slot(content=fat_volume({BOOT_X86_64: program("x")}, SHAPE))],
            sector_bytes=4096,
        ),
        "sectors of 4096 bytes",
    ),
    "no protective MBR": (
        lambda: without_protective_mbr(disk(BOOT_X86_64)),
        "no protective MBR",
    ),
    "a CD": (iso, "boots only from a CD drive"),
    "a kernel": (kernel, "bare Linux kernel"),
    "elsewhere": (
        lambda: efi_disk({"EFI/BOOTX64.EFI": program("x"), "BOOTX64.EFI": b"x"}),
        "no boot code",
    ),
}


@pytest.mark.parametrize("name", CANNOT_BOOT)
def test_what_surely_boots_nowhere_is_refused(image: Path, name: str) -> None:
    make, reason = CANNOT_BOOT[name]
    image.write_bytes(make())
    assert reason in refusal(image)


@pytest.mark.parametrize("name", CANNOT_BOOT)
def test_a_user_who_says_how_it_boots_is_believed(image: Path, name: str) -> None:
    make, _ = CANNOT_BOOT[name]
    image.write_bytes(make())
    told = inspect(image, boot_mode=BootMode.BIOS)
    assert (told.boot_mode, told.architecture) == (BootMode.BIOS, Architecture.X86_64)
    assert any("no boot code was found" in text for text in told.warnings)
    told = inspect(image, architecture=Architecture.ARM64)
    assert (told.boot_mode, told.architecture) == (BootMode.UEFI, Architecture.ARM64)
    assert any("no EFI program for it" in text for text in told.warnings)


@pytest.mark.parametrize("name", MACHINES)
def test_a_disk_for_machines_that_the_cloud_has_not_is_refused(
    image: Path, name: str
) -> None:
    machine, words = MACHINES[name]
    files = {f"EFI/BOOT/{name}": program(name, machine=machine)}
    image.write_bytes(efi_disk(files))
    assert f"{name} is for {words}" in refusal(image)
    # Next to boot code, as on CDs for old and new machines, it is only told.
    image.write_bytes(efi_disk(files, boot_code=BOOT_CODE))
    assert inspect(image).boot_mode is BootMode.BIOS
    assert f"is for {words}" in warning(image, name)


def test_text_where_programs_like_mkfs_put_their_code_boots_nothing(
    image: Path,
) -> None:
    text = b"\x0e\x1f\xbe\x5b\x7cThis is not a bootable disk.  Please insert"
    image.write_bytes(fat_volume({}, FatShape(clusters=200, boot_code=text)))
    assert "no boot code" in refusal(image)


def test_the_serial_number_of_a_disk_is_no_boot_code(image: Path) -> None:
    image.write_bytes(mbr_disk([Slot(content=b"x")]))
    overwrite(image, 440, b"\x12\x34\x56\x78")
    assert "no boot code" in refusal(image)


def test_a_hybrid_cd_boots_from_bios(image: Path) -> None:
    sector = BOOT_CODE.ljust(510, b"\0") + b"\x55\xaa"
    image.write_bytes(iso(sector))
    assert inspect(image).boot_mode is BootMode.BIOS
    assert examine(image).boot.el_torito == ("BIOS", "UEFI")


@pytest.mark.parametrize(
    ("damage", "seen"),
    [
        pytest.param((446, b"\x80"), True, id="marked active"),
        pytest.param((510, b"\0\0"), True, id="without a signature"),
        pytest.param((454, b"\x02"), False, id="starts elsewhere"),
        pytest.param((450, b"\x83"), False, id="of another type"),
        pytest.param((447, b"\x55\x55\x55"), True, id="odd cylinders"),
        pytest.param((458, b"\xff" * 4), True, id="of the largest size"),
    ],
)
def test_firmware_reads_a_gpt_only_behind_its_protective_mbr(
    image: Path, damage: tuple[int, bytes], seen: bool
) -> None:
    image.write_bytes(disk(BOOT_X86_64))
    overwrite(image, *damage)
    if seen:
        assert inspect(image).boot_mode is BootMode.UEFI
        return
    assert "no protective MBR" in refusal(image)


def test_what_firmware_does_not_see_is_told_where_bios_boots(image: Path) -> None:
    files = {BOOT_X86_64: program("x")}
    slots = [Slot(content=fat_volume(files, SHAPE))]
    image.write_bytes(gpt_disk(slots, sector_bytes=4096, boot_code=BOOT_CODE))
    assert inspect(image).boot_mode is BootMode.BIOS
    warning(image, "sectors of 4096 bytes")
    assert examine(image).boot.sector_bytes == 4096
    image.write_bytes(efi_disk(files, boot_code=BOOT_CODE))
    overwrite(image, 446, bytes(16))
    assert inspect(image).boot_mode is BootMode.BIOS
    warning(image, "no protective MBR")


def test_an_efi_system_partition_without_a_program_is_told(image: Path) -> None:
    files = {"EFI/debian/GRUBX64.EFI": program("x")}
    image.write_bytes(efi_disk(files, boot_code=BOOT_CODE))
    warning(image, "without an EFI program")
    warning(image, "no BIOS boot partition")


def test_one_program_of_two_that_is_of_no_use_is_told(image: Path) -> None:
    image.write_bytes(efi_disk({BOOT_X86_64: program("x"), BOOT_ARM64: program("x")}))
    assert inspect(image).architecture is Architecture.X86_64
    assert "is a program for x86_64" in warning(image, "BOOTAA64.EFI")


@pytest.mark.parametrize("signed", [False, True])
def test_whether_a_program_is_signed_is_told_and_not_judged(
    image: Path, signed: bool
) -> None:
    content = bytearray(program("x"))
    certificates_at = 64 + 24 + 112 + 4 * 8
    struct.pack_into("<II", content, certificates_at, 2000, 100 if signed else 0)
    image.write_bytes(efi_disk({BOOT_X86_64: bytes(content)}))
    (found,) = examine(image).boot.programs
    assert found.signed is signed
    assert inspect(image).warnings == ()


def test_an_efi_system_partition_of_an_mbr_is_no_reason_to_warn(image: Path) -> None:
    """Its table, read in sectors of 4096 bytes, leads to nothing there."""
    volume = fat_volume({BOOT_X86_64: program("x")}, SHAPE)
    image.write_bytes(mbr_disk([Slot(content=volume, number=2)]))
    assert inspect(image).suffix == "-uefi-x86-64"
    assert inspect(image).warnings == ()


def test_an_ordinary_image_has_no_warnings(tmp_path: Path) -> None:
    for files in ((), (BOOT_X86_64,), (BOOT_X86_64, BOOT_ARM64)):
        assert inspect(write_image(tmp_path / "disk.img", *files)).warnings == ()


def test_the_backup_of_a_gpt_that_is_gone_or_elsewhere_is_told(image: Path) -> None:
    content = disk(BOOT_X86_64)
    image.write_bytes(content + bytes(512))
    warning(image, "not at the end")
    image.write_bytes(content[:-512])
    warning(image, "backup GPT is missing")


def test_what_is_said_wins_over_what_is_found(image: Path) -> None:
    image.write_bytes(efi_disk({BOOT_X86_64: program("x")}, boot_code=BOOT_CODE))
    told = inspect(image, boot_mode=BootMode.BIOS)
    assert (told.suffix, told.warnings) == ("", ())
    told = inspect(image, architecture=Architecture.ARM64)
    assert told.suffix == "-uefi-arm64"
    image.write_bytes(disk(BOOT_X86_64, BOOT_ARM64))
    told = inspect(image, architecture=Architecture.X86_64)
    assert (told.suffix, told.warnings) == ("-uefi-x86-64", ())
    image.write_bytes(disk())
    told = inspect(image, architecture=Architecture.X86_64)
    assert (told.suffix, told.warnings) == ("", ())


def test_no_arm64_machine_has_a_bios(image: Path) -> None:
    image.write_bytes(disk())
    with pytest.raises(ConfigurationError, match="UEFI only"):
        inspect(image, boot_mode=BootMode.BIOS, architecture=Architecture.ARM64)


def test_damage_is_refused_whatever_is_said(image: Path) -> None:
    image.write_bytes(disk(BOOT_X86_64)[:80_000])
    with pytest.raises(DiskImageError, match="cut short"):
        inspect(image, boot_mode=BootMode.UEFI)
