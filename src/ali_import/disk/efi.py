"""EFI programs where firmware looks for them: ``EFI/BOOT`` on a FAT file system.

Sources:
    UEFI Specification 2.10, section 3.5.1.1 (removable media: names by machine), and
    2.1.1 (images are PE32+; machine types).
    Microsoft, "PE Format" (where the machine and the certificate table stand).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ali_import.disk.fat import Entry, FatVolume


class Architecture(StrEnum):
    """A processor architecture, as the cloud's API spells it."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


_DIRECTORY: Final = ("EFI", "BOOT")

# The cloud has machines for the first two only.
_FILES: Final = {
    "BOOTX64.EFI": 0x8664,
    "BOOTAA64.EFI": 0xAA64,
    "BOOTIA32.EFI": 0x014C,
    "BOOTARM.EFI": 0x01C2,
    "BOOTIA64.EFI": 0x0200,
    "BOOTRISCV64.EFI": 0x5064,
    "BOOTLOONGARCH64.EFI": 0x6264,
}
_MACHINES: Final = {
    0x8664: "x86_64",
    0xAA64: "arm64",
    0x014C: "IA-32",
    0x01C2: "32-bit Arm",
    0x0200: "Itanium",
    0x5064: "RISC-V",
    0x6264: "LoongArch",
}
_ARCHITECTURES: Final = {0x8664: Architecture.X86_64, 0xAA64: Architecture.ARM64}

# Enough for the headers of a PE file, wherever its DOS stub ends.
_HEAD_BYTES: Final = 4096
_PE_OFFSET_AT: Final = 0x3C
_MACHINE_AT: Final = 4  # from "PE\0\0", as the next ones
_MAGIC_AT: Final = 24
_CERTIFICATES_AT: Final = {0x10B: 24 + 96 + 4 * 8, 0x20B: 24 + 112 + 4 * 8}


@dataclass(frozen=True, kw_only=True)
class EfiProgram:
    """A file with a name that firmware boots from.

    Attributes:
        path: On its file system, for example ``EFI/BOOT/BOOTX64.EFI``.
        partition: The number of its partition; 0 for the whole disk.
        machine: What its name says it is for, for example ``x86_64`` or ``RISC-V``.
        architecture: The same where the cloud has such machines.
        signed: Whether it carries a signature for Secure Boot; nobody checks it here.
        problem: Why it cannot boot in the cloud, or "".
    """

    path: str
    partition: int
    machine: str
    architecture: Architecture | None
    signed: bool
    problem: str


def find_programs(
    volume: FatVolume, *, partition: int, hidden: str
) -> Iterator[EfiProgram]:
    """Yield every file in ``EFI/BOOT`` that some firmware would boot.

    Args:
        volume: The file system.
        partition: The number of its partition, or 0.
        hidden: Why firmware does not see this partition, or "".

    Raises:
        DiskImageError: A part of a directory or of a program lies past the end.
    """
    seen: dict[str, Entry] = {}  # of two with one name, firmware takes the first
    for entry in volume.entries(*_DIRECTORY):
        name = entry.known_as(_FILES)
        if name:
            seen.setdefault(name, entry)
    for name, entry in seen.items():
        machine = _FILES[name]
        signed, problem = _look_into(volume, entry, machine)
        yield EfiProgram(
            path="/".join((*_DIRECTORY, name)),
            partition=partition,
            machine=_MACHINES[machine],
            architecture=_ARCHITECTURES.get(machine),
            signed=signed,
            problem=problem or hidden,
        )


def _look_into(volume: FatVolume, entry: Entry, machine: int) -> tuple[bool, str]:
    """Return whether a program is signed, and what is wrong with it."""
    if entry.directory:
        return False, "is a directory"
    if not entry.size_bytes:
        return False, "is empty"
    if not volume.is_whole(entry):
        return False, "is damaged: it has fewer clusters than its size needs"
    head = volume.head(entry, _HEAD_BYTES).ljust(_HEAD_BYTES, b"\0")
    (at,) = struct.unpack_from("<I", head, _PE_OFFSET_AT)
    if head[:2] != b"MZ" or at > _HEAD_BYTES - 256 or head[at : at + 4] != b"PE\0\0":
        return False, "is not an EFI program (PE)"
    (found,) = struct.unpack_from("<H", head, at + _MACHINE_AT)
    (magic,) = struct.unpack_from("<H", head, at + _MAGIC_AT)
    certificates_at = _CERTIFICATES_AT.get(magic, 0)
    size_bytes = 0
    if certificates_at:
        (size_bytes,) = struct.unpack_from("<I", head, at + certificates_at + 4)
    if found != machine:
        name = _MACHINES.get(found, f"machine type {found:#x}")
        return size_bytes > 0, f"is a program for {name}"
    if machine not in _ARCHITECTURES:
        return (
            size_bytes > 0,
            f"is for {_MACHINES[machine]}, which the cloud does not have",
        )
    return size_bytes > 0, ""
