"""What a disk image is: its size, and the machines that its boot files are for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from ali_import.disk.containers import known_as_something_else, refuse_foreign_format
from ali_import.disk.fat import FatVolume
from ali_import.disk.partitions import Mbr, read_gpt, read_mbr
from ali_import.disk.parts import Part, PartHasher
from ali_import.disk.reader import Reader, open_image
from ali_import.units import GIB, TIB, round_up

# ECS: DiskDeviceMapping.N.DiskImageSize is 1 to 2048 GiB.
VIRTUAL_BYTES_MAX: Final = 2 * TIB

# A Linux kernel, or a loader in its shape such as ipxe.lkrn, has this in its header:
# https://docs.kernel.org/arch/x86/boot.html
_LINUX_MAGIC: Final = b"HdrS"
_LINUX_MAGIC_OFFSET: Final = 0x202
# The first volume descriptor of ISO 9660 (ECMA-119, 8.1) is in sector 16 of 2048 bytes.
_ISO_MAGIC: Final = b"CD001"
_ISO_MAGIC_OFFSET: Final = 16 * 2048 + 1


class Architecture(StrEnum):
    """A processor architecture, as the cloud's API spells it."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


class BootMode(StrEnum):
    """A firmware, as the cloud's API spells it."""

    BIOS = "BIOS"
    UEFI = "UEFI"


_BOOT_DIRECTORY: Final = ("EFI", "BOOT")
_BOOT_FILES: Final = {
    "BOOTX64.EFI": Architecture.X86_64,
    "BOOTAA64.EFI": Architecture.ARM64,
}


@dataclass(frozen=True, kw_only=True)
class DiskImage:
    """A local disk image file and what was learned from it.

    Attributes:
        path: The file, as the user named it.
        format: Its container format, as the cloud's API spells it.
        virtual_bytes: The size of the disk it holds.
        file_bytes: The size of the file.
        sha256: Of the file's content, in hexadecimal.
        architecture: None if it boots several.
        boot_mode: The firmware it boots from.
        parts: What the file is uploaded in.
    """

    path: Path
    format: Literal["RAW"]
    virtual_bytes: int
    file_bytes: int
    sha256: str
    architecture: Architecture | None
    boot_mode: BootMode
    parts: tuple[Part, ...] = field(default=(), compare=False, repr=False)

    @property
    def suffix(self) -> str:
        """What its name and family end with, so that siblings differ; BIOS: nothing."""
        if self.boot_mode is BootMode.BIOS:
            return ""
        if self.architecture is None:
            return "-uefi-multi"
        return f"-uefi-{self.architecture.replace('_', '-')}"

    @property
    def size_gib(self) -> int:
        """The disk's size in GiB, rounded up; at least 1."""
        return max(1, round_up(self.virtual_bytes, GIB) // GIB)


def inspect(path: Path) -> DiskImage:
    """Find out what the disk image in a file is, and hash its content.

    An image with ``EFI/BOOT/BOOTX64.EFI`` or ``BOOTAA64.EFI`` on a FAT file system, on
    the whole disk or any partition, boots from UEFI on that architecture, or on both.
    Any other boots from BIOS on x86_64.

    NOTE: El Torito boot entries don't count. They are for firmware that boots a CD, and
    in the cloud the image is a hard disk. So an ISO image that carries its EFI programs
    only there (Debian's ipxe.iso) is a BIOS image; one that has them in a partition too
    (any recent isohybrid) is a UEFI image.

    Raises:
        DiskImageError: The file is missing, unreadable, empty, no raw disk image,
            damaged, larger than 2 TiB, or it changes meanwhile.
    """
    with open_image(path) as reader:
        if reader.size_bytes > VIRTUAL_BYTES_MAX:
            raise reader.error(
                f"holds {reader.size_bytes / GIB:,.1f} GiB, more than the cloud's limit "
                "of 2 TiB (2048 GiB)",
                "make a smaller disk image",
            )
        refuse_foreign_format(reader)
        architectures = _architectures(reader)
        parts = PartHasher(reader.size_bytes)
        return DiskImage(
            path=path,
            format="RAW",
            virtual_bytes=reader.size_bytes,
            file_bytes=reader.size_bytes,
            sha256=reader.sha256(parts),
            architecture=_only(architectures or {Architecture.X86_64}),
            boot_mode=BootMode.UEFI if architectures else BootMode.BIOS,
            parts=parts.parts(),
        )


def _only(architectures: set[Architecture]) -> Architecture | None:
    return next(iter(architectures)) if len(architectures) == 1 else None


def _architectures(reader: Reader) -> set[Architecture]:
    """Return which architectures have a UEFI boot file on the disk.

    Raises:
        DiskImageError: It is no disk, or a damaged one.
    """
    mbr = read_mbr(reader)
    gpt = read_gpt(reader)
    if mbr and mbr.protective and gpt is None:
        raise reader.error(
            "has a damaged GPT: neither its header nor the backup has a right checksum",
            "copy or download it again, or repair it with sgdisk",
        )
    if gpt is None and FatVolume.open(reader, 0) is None:
        _refuse_non_disk(reader, mbr)
    offsets = {0, *(gpt or ()), *(mbr.offsets if mbr else ())}
    volumes = (FatVolume.open(reader, offset) for offset in sorted(offsets))
    return {found for volume in volumes if volume for found in _boot_files(volume)}


def _refuse_non_disk(reader: Reader, mbr: Mbr | None) -> None:
    """Pass if a file without GPT and FAT can be a disk.

    A bare boot sector signature is weak evidence, so a file known to be something else
    is refused in spite of it.
    """
    if _reads(reader, _ISO_MAGIC_OFFSET, _ISO_MAGIC):
        return
    if mbr and _reads(reader, _LINUX_MAGIC_OFFSET, _LINUX_MAGIC):
        return
    other = known_as_something_else(reader)
    if other:
        raise other
    if mbr is None:
        raise reader.error(
            "is not a disk image: it has no boot sector, partition table or FAT file "
            "system",
            "name a raw disk image",
        )


def _reads(reader: Reader, offset: int, expected: bytes) -> bool:
    return reader.read(offset, len(expected)) == expected


def _boot_files(volume: FatVolume) -> Iterator[Architecture]:
    for entry in volume.entries(*_BOOT_DIRECTORY):
        for name, architecture in _BOOT_FILES.items():
            if entry.is_called(name) and volume.has_content(entry):
                yield architecture
