"""What is on a disk that a machine could boot from, and what will not boot.

The disk is taken as a hard disk of the cloud: sectors of 512 bytes, firmware that is
EDK II for UEFI and SeaBIOS for BIOS.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from ali_import.disk.containers import known_as_something_else
from ali_import.disk.efi import Architecture, EfiProgram, find_programs
from ali_import.disk.fat import FatVolume
from ali_import.disk.iso import el_torito, is_iso
from ali_import.disk.partitions import (
    BIOS_BOOT,
    EFI_SYSTEM,
    SECTOR_BYTES,
    SECTOR_BYTES_OTHER,
    Gpt,
    Mbr,
    Partition,
    guards_gpt,
    read_gpt,
    read_mbr,
    refuse_cut_mbr,
)
from ali_import.disk.reader import Disk

# A Linux kernel, or a loader in its shape such as ipxe.lkrn, has this in its header:
# https://docs.kernel.org/arch/x86/boot.html
_LINUX_MAGIC: Final = b"HdrS"
_LINUX_MAGIC_OFFSET: Final = 0x202

_BOOT_SIGNATURE: Final = b"\x55\xaa"
_MBR_CODE_END: Final = 440
# Code in boot sectors that boots nothing, by a piece of it: mkfs.fat's asks for another
# disk, and mformat's loads the first sector of the first hard disk, which is itself.
_CODE_FOR_NOTHING: Final = (
    b"This is not a bootable disk",
    b"\xb8\x01\x02\xbb\x00\x7c\xba\x80\x00\xb9\x01\x00\xcd\x13",
)

_SECTORS_OF_4096: Final = (
    "its partition table counts sectors of 4096 bytes, and the cloud's disks have 512"
)
_NO_PROTECTIVE_MBR: Final = (
    "its GPT has no protective MBR, without which firmware does not read it"
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why an image cannot be published.

    Attributes:
        message: What is wrong, to follow the name of the file.
        advice: What to do about it.
        overrulable: Whether a user who says how it boots is believed.
    """

    message: str
    advice: str
    overrulable: bool = False


@dataclass(frozen=True, kw_only=True)
class Boot:
    """What firmware finds on a disk.

    Attributes:
        table: ``GPT``, ``MBR``, or "" for a disk that is one volume.
        sector_bytes: The sectors that the table counts.
        partitions: Of that table; of a hybrid one, those of the GPT.
        programs: EFI programs where firmware looks for them, usable or not.
        bios_code: Whether the boot sector holds code that may boot something.
        el_torito: What a CD drive would boot: ``BIOS``, ``UEFI``.
        warnings: What a publisher may want to know.
        refusal: Why it surely cannot boot in the cloud, or None.
    """

    table: str
    sector_bytes: int
    partitions: tuple[Partition, ...]
    programs: tuple[EfiProgram, ...]
    bios_code: bool
    el_torito: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    refusal: Refusal | None = None

    @property
    def architectures(self) -> frozenset[Architecture]:
        """The architectures whose firmware boots the disk in UEFI mode."""
        return frozenset(
            program.architecture
            for program in self.programs
            if program.architecture and not program.problem
        )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a FAT volume may be.

    Attributes:
        number: Of the partition; 0 for the whole disk.
        hidden: Why firmware does not see it, or "".
        system: Whether it is of the type of EFI system partitions.
    """

    offset: int
    number: int = 0
    hidden: str = ""
    system: bool = False


def read_boot(disk: Disk) -> Boot:
    """Find what boots from a disk.

    Raises:
        DiskImageError: It is no disk, or a damaged or cut one.
    """
    mbr = read_mbr(disk)
    gpt = read_gpt(disk)
    whole = FatVolume.open(disk, 0)
    if mbr and mbr.protective and gpt is None:
        raise disk.error(
            "has a damaged GPT: neither its header nor the backup has a right checksum",
            "copy or download it again, or repair it with sgdisk",
        )
    warnings = list(gpt.warnings if gpt else ())
    if mbr and not whole:
        warnings += refuse_cut_mbr(disk)
    kernel = not gpt and not whole and _is_kernel(disk)
    iso = is_iso(disk)
    if not (gpt or whole or iso or kernel):
        _refuse_non_disk(disk, mbr)
    primary = () if whole or mbr is None else mbr.partitions
    places = _places(disk, mbr, gpt)
    programs = tuple(_look_into_volumes(disk, places, warnings))
    sector_bytes = gpt.sector_bytes if gpt else SECTOR_BYTES
    if any(program.problem == _SECTORS_OF_4096 for program in programs):
        sector_bytes = SECTOR_BYTES_OTHER
        other = None if gpt else read_mbr(disk, sector_bytes)
        primary = other.partitions if other else primary
    boot = Boot(
        table="GPT" if gpt else "MBR" if primary else "",
        sector_bytes=sector_bytes,
        partitions=gpt.partitions if gpt else primary,
        programs=programs,
        bios_code=not kernel and _has_boot_code(disk, whole),
        el_torito=el_torito(disk) if iso else (),
    )
    warnings += _oddities(disk, boot, gpt)
    refusal = None
    if not boot.architectures and not boot.bios_code:
        refusal = _refusal(boot, iso=iso, kernel=kernel)
    return replace(boot, warnings=tuple(dict.fromkeys(warnings)), refusal=refusal)


def _refuse_non_disk(disk: Disk, mbr: Mbr | None) -> None:
    """Pass if a file without GPT and FAT can be a disk.

    A bare boot sector signature is weak evidence, so a file known to be something else
    is refused in spite of it.
    """
    other = known_as_something_else(disk)
    if other:
        raise other
    if mbr is None:
        raise disk.error(
            "is not a disk image: it has no boot sector, partition table or FAT file "
            "system",
            "name a disk image",
        )


def _is_kernel(disk: Disk) -> bool:
    sector = disk.read(0, 1024)
    magic = sector[_LINUX_MAGIC_OFFSET:][: len(_LINUX_MAGIC)]
    return sector[510:512] == _BOOT_SIGNATURE and magic == _LINUX_MAGIC


def _has_boot_code(disk: Disk, whole: FatVolume | None) -> bool:
    sector = disk.read(0, SECTOR_BYTES)
    code = sector[whole.code_offset : 510] if whole else sector[:_MBR_CODE_END]
    if sector[510:512] != _BOOT_SIGNATURE:
        return False
    return any(code) and not any(known in code for known in _CODE_FOR_NOTHING)


def _places(disk: Disk, mbr: Mbr | None, gpt: Gpt | None) -> list[_Place]:
    """Return where FAT volumes may be, each place once, the best reason to look first."""

    def places(partitions: tuple[Partition, ...], hidden: str) -> Iterator[_Place]:
        for partition in partitions:
            yield _Place(
                offset=partition.offset,
                number=partition.number,
                hidden=hidden,
                system=partition.kind in EFI_SYSTEM,
            )

    found = [_Place(offset=0)]
    if gpt:
        hidden = ""
        if gpt.sector_bytes != SECTOR_BYTES:
            hidden = _SECTORS_OF_4096
        elif not guards_gpt(disk):
            hidden = _NO_PROTECTIVE_MBR
        found += places(gpt.partitions, hidden)
    if mbr:
        found += places(mbr.partitions, "")
        other = read_mbr(disk, SECTOR_BYTES_OTHER)
        found += places(other.partitions if other else (), _SECTORS_OF_4096)
    found.sort(key=lambda place: (place.hidden != "", not place.system))
    once: dict[int, _Place] = {}
    for place in found:
        once.setdefault(place.offset, place)
    return sorted(once.values(), key=lambda place: place.offset)


def _look_into_volumes(
    disk: Disk, places: list[_Place], warnings: list[str]
) -> Iterator[EfiProgram]:
    """Yield the EFI programs of every FAT volume."""
    for place in places:
        volume = FatVolume.open(disk, place.offset)
        where = f"partition {place.number}" if place.number else "the disk"
        found: list[EfiProgram] = []
        if volume:
            found += find_programs(volume, partition=place.number, hidden=place.hidden)
            if volume.end > disk.size_bytes:
                warnings.append(
                    f"the {volume.kind} file system of {where} ends at byte "
                    f"{volume.end}, but the disk has only {disk.size_bytes}: it may be "
                    "cut short"
                )
        # In sectors of 4096 bytes, most tables lead to nothing: they count others.
        if place.system and not found and place.hidden != _SECTORS_OF_4096:
            warnings.append(
                f"{where} is an EFI system partition without an EFI program in EFI/BOOT"
            )
        yield from found


def _oddities(disk: Disk, boot: Boot, gpt: Gpt | None) -> Iterator[str]:
    """Yield what is wrong with an image that something may boot in spite of it."""
    for program in boot.programs:
        if program.problem and program.problem not in {
            _SECTORS_OF_4096,
            _NO_PROTECTIVE_MBR,
        }:
            yield f"{program.path} {program.problem}"
    if boot.sector_bytes != SECTOR_BYTES:
        yield _SECTORS_OF_4096
    elif gpt and not guards_gpt(disk):
        yield _NO_PROTECTIVE_MBR
    kinds = {partition.kind for partition in boot.partitions}
    if gpt and not boot.architectures and kinds & EFI_SYSTEM and BIOS_BOOT not in kinds:
        yield (
            "it has an EFI system partition and no BIOS boot partition, like a system that "
            "boots from UEFI, but no EFI program that the cloud's firmware would find"
        )


def _refusal(boot: Boot, *, iso: bool, kernel: bool) -> Refusal:
    """Say why nothing boots a disk that has neither EFI program nor boot code."""
    if kernel:
        message = (
            "is a bare Linux kernel, or a boot loader in a kernel's format: no firmware "
            "boots it from a disk"
        )
        advice = "put it on a disk with a boot loader (of iPXE, build ipxe.usb)"
    elif boot.programs:
        first = boot.programs[0]
        message = f"cannot boot in the cloud: its {first.path} {first.problem}"
        if first.problem in {_SECTORS_OF_4096, _NO_PROTECTIVE_MBR}:
            message = f"cannot boot in the cloud: {first.problem}"
        advice = "make the image for x86_64 or arm64 disks with sectors of 512 bytes"
        if first.problem == _NO_PROTECTIVE_MBR:
            advice = "write the table again with gdisk (its command w)"
    elif iso:
        message = (
            "is a CD image without a boot sector, and the cloud uses it as a hard disk"
        )
        if boot.el_torito:
            message = (
                "is a CD image that boots only from a CD drive, and the cloud has none"
            )
        advice = "make a hybrid of it with isohybrid or xorriso"
    else:
        message = (
            "cannot boot in the cloud: it has no boot code in its first sector, and "
            "no EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI on a FAT file system"
        )
        advice = "install a boot loader on it"
    return Refusal(message=message, advice=advice, overrulable=True)
