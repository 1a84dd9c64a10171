"""What can be learned from an image file without reading all of it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from ali_import.disk.boot import Boot, Refusal, read_boot
from ali_import.disk.containers import refuse_foreign_format
from ali_import.disk.efi import Architecture
from ali_import.disk.reader import Reader, open_image
from ali_import.units import TIB

# ECS: DiskDeviceMapping.N.DiskImageSize is 1 to 2048 GiB.
VIRTUAL_BYTES_MAX: Final = 2 * TIB


class BootMode(StrEnum):
    """A firmware, as the cloud's API spells it."""

    BIOS = "BIOS"
    UEFI = "UEFI"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a file holds, found by reading little of it.

    Attributes:
        path: The file, as the user named it.
        virtual_bytes: The size of the disk it holds.
        file_bytes: The size of the file.
        boot: What firmware finds on the disk.
        boot_mode: What it would be published as; None if it boots nowhere.
        architecture: Likewise; None if it boots several or nowhere.
        warnings: What a publisher may want to know before 32 regions have it.
        refusals: Why it cannot be published, the weightiest first; empty if it can.
    """

    path: Path
    virtual_bytes: int
    file_bytes: int
    boot: Boot
    boot_mode: BootMode | None
    architecture: Architecture | None
    warnings: tuple[str, ...]
    refusals: tuple[Refusal, ...]


def examine(path: Path) -> Inspection:
    """Find out what the disk image in a file is, reading at most 64 MiB of it.

    Raises:
        DiskImageError: The file is missing, unreadable, empty, no disk image, or
            damaged.
    """
    with open_image(path) as file:
        return look_into(file)


def look_into(file: Reader) -> Inspection:
    """Do what :func:`examine` does, with a file that is open.

    Raises:
        DiskImageError: It is no disk image, or a damaged one.
    """
    refuse_foreign_format(file)
    disk = file
    boot = read_boot(disk)
    mode = None
    if boot.architectures:
        mode = BootMode.UEFI
    elif boot.bios_code:
        mode = BootMode.BIOS
    architectures = boot.architectures or frozenset({Architecture.X86_64})
    refusals = [] if boot.refusal is None else [boot.refusal]
    if disk.size_bytes > VIRTUAL_BYTES_MAX:
        refusals.insert(
            0,
            Refusal(
                message=(
                    f"holds a disk of {disk.size_bytes:,} bytes, more than the cloud's "
                    f"limit of 2 TiB (2048 GiB, {VIRTUAL_BYTES_MAX:,} bytes)"
                ),
                advice="make a smaller disk image",
            ),
        )
    return Inspection(
        path=file.path,
        virtual_bytes=disk.size_bytes,
        file_bytes=file.size_bytes,
        boot=boot,
        boot_mode=mode,
        architecture=only(architectures) if mode else None,
        warnings=boot.warnings,
        refusals=tuple(refusals),
    )


def only(architectures: frozenset[Architecture]) -> Architecture | None:
    """Return the architecture if it is one, else None."""
    return next(iter(architectures)) if len(architectures) == 1 else None
