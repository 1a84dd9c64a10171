"""What can be learned from an image file without reading all of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from ali_import.disk.blocks import BlockDisk, Container, Format
from ali_import.disk.boot import Boot, Refusal, read_boot
from ali_import.disk.containers import conversion, open_container
from ali_import.disk.efi import Architecture
from ali_import.disk.reader import Reader, open_image
from ali_import.units import GIB, TIB, round_up, sized

# ECS: DiskDeviceMapping.N.DiskImageSize is 1 to 2048 GiB.
VIRTUAL_BYTES_MAX: Final = 2 * TIB

PUBLISHED_FORMATS: Final[Mapping[Format, Literal["RAW", "QCOW2", "VHD"]]] = {
    Format.RAW: "RAW",
    Format.QCOW2: "QCOW2",
    Format.VHD: "VHD",
}
"""What the cloud takes, as its API spells it. (It takes VMDK from those it invites.)"""


class BootMode(StrEnum):
    """A firmware, as the cloud's API spells it.

    ``UEFI_PREFERRED`` is never found in an image, and nothing is imported with it: it is
    asked for, and set when the image is there.
    """

    BIOS = "BIOS"
    UEFI = "UEFI"
    UEFI_PREFERRED = "UEFI-Preferred"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a file holds, found by reading little of it.

    Attributes:
        path: The file, as the user named it.
        format: The format of the file.
        details: The variant of that format in a few words, or "".
        virtual_bytes: The size of the disk it holds.
        file_bytes: The size of the file.
        data_bytes: How much of the disk the file stores, in blocks of its format; for a
            raw image, what is no hole. None if to find out would take too much reading.
        boot: What firmware finds on the disk.
        boot_mode: What it would be published as; None if it boots nowhere.
        architecture: Likewise; None if it boots several or nowhere.
        warnings: What a publisher may want to know before 32 regions have it.
        refusals: Why it cannot be published, the weightiest first; empty if it can.
    """

    path: Path
    format: Format
    details: str
    virtual_bytes: int
    file_bytes: int
    data_bytes: int | None
    boot: Boot
    boot_mode: BootMode | None
    architecture: Architecture | None
    warnings: tuple[str, ...]
    refusals: tuple[Refusal, ...]

    @property
    def suffix(self) -> str:
        """What name and family would end with."""
        return suffix_of(self.boot_mode, self.architecture) if self.boot_mode else ""

    @property
    def size_gib(self) -> int:
        """The size that the cloud's disk would have."""
        return whole_gib(self.virtual_bytes)


def examine(path: Path) -> Inspection:
    """Find out what the disk image in a file is, reading at most 64 MiB of it.

    Raises:
        DiskImageError: The file is missing, unreadable, empty, no disk image, or
            damaged.
    """
    with open_image(path) as file:
        return look_into(file, open_container(file))


def look_into(file: Reader, container: Container) -> Inspection:
    """Do what :func:`examine` does, with a file that is open.

    Raises:
        DiskImageError: It holds no disk, or a damaged one.
    """
    disk = container.disk
    boot = read_boot(disk)
    mode = None
    if boot.architectures:
        mode = BootMode.UEFI
    elif boot.bios_code:
        mode = BootMode.BIOS
    architectures = boot.architectures or frozenset({Architecture.X86_64})
    refusals = (
        refusal_of_format(file.path, container),
        _refusal_of_size(disk.size_bytes),
        boot.refusal,
    )
    return Inspection(
        path=file.path,
        format=container.format,
        details=container.details,
        virtual_bytes=disk.size_bytes,
        file_bytes=file.size_bytes,
        data_bytes=(
            disk.stored_bytes() if isinstance(disk, BlockDisk) else file.data_bytes()
        ),
        boot=boot,
        boot_mode=mode,
        architecture=only(architectures) if mode else None,
        warnings=(*container.warnings, *boot.warnings),
        refusals=tuple(refusal for refusal in refusals if refusal),
    )


def refusal_of_format(path: Path, container: Container) -> Refusal | None:
    """Return why an image in this format cannot be published, or None."""
    if container.format in PUBLISHED_FORMATS:
        return None
    size = sized(container.disk.size_bytes)
    return Refusal(
        message=(
            f"is a {container.format} image (virtual size {size}), which the cloud does "
            "not take"
        ),
        advice=conversion(path),
    )


def _refusal_of_size(size_bytes: int) -> Refusal | None:
    if size_bytes <= VIRTUAL_BYTES_MAX:
        return None
    return Refusal(
        message=(
            f"holds a disk of {size_bytes:,} bytes, more than the cloud's limit of 2 TiB "
            f"(2048 GiB, {VIRTUAL_BYTES_MAX:,} bytes)"
        ),
        advice="make a smaller disk image",
    )


def suffix_of(boot_mode: BootMode, architecture: Architecture | None) -> str:
    """Return what tells an image from its siblings for other machines; BIOS: nothing."""
    if boot_mode is BootMode.BIOS:
        return ""
    if architecture is None:
        return "-uefi-multi"
    return f"-uefi-{architecture.replace('_', '-')}"


def whole_gib(size_bytes: int) -> int:
    """Return a disk's size in GiB, rounded up; at least 1."""
    return max(1, round_up(size_bytes, GIB) // GIB)


def only(architectures: frozenset[Architecture]) -> Architecture | None:
    """Return the architecture if it is one, else None."""
    return next(iter(architectures)) if len(architectures) == 1 else None
