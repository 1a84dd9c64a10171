"""Small real disk images for tests, built from scratch in pure Python.

``write_image(directory / "a.img", BOOT_X86_64)`` is enough for most tests. The pieces
(FAT volumes, MBR and GPT disks) come from ``scripts``, for tests that want a shape.
"""

import hashlib
from pathlib import Path
from typing import Final

from scripts.diskbuilder import MBR_TYPE_FAT, Slot, gpt_disk, mbr_disk
from scripts.fatbuilder import FatShape, Names, fat_volume
from scripts.make_demo_images import efi_program

__all__ = [
    "BOOT_ARM64",
    "BOOT_CODE",
    "BOOT_X86_64",
    "MBR_TYPE_FAT",
    "FatShape",
    "Names",
    "Slot",
    "disk",
    "fat_volume",
    "gpt_disk",
    "mbr_disk",
    "overwrite",
    "program",
    "sparse",
    "write_image",
]

BOOT_X86_64: Final = "EFI/BOOT/BOOTX64.EFI"
BOOT_ARM64: Final = "EFI/BOOT/BOOTAA64.EFI"
BOOT_CODE: Final = b"\xf4\xeb\xfd"  # halts, for a first sector that BIOS would run

_MACHINE_X86_64: Final = 0x8664
_MACHINE_ARM64: Final = 0xAA64


def program(seed: str, size_bytes: int = 3000, machine: int = 0) -> bytes:
    """Content for a boot file: different for every seed, the same in every run.

    It is an EFI program for ``machine`` (a machine type of PE), by default for arm64
    if the seed names such a boot file, else for x86-64.
    """
    if not machine:
        for_arm64 = any(word in seed.upper() for word in ("AA64", "ARM64"))
        machine = _MACHINE_ARM64 if for_arm64 else _MACHINE_X86_64
    block = hashlib.sha256(seed.encode()).digest()
    head = efi_program(machine, block)
    assert size_bytes >= 400, "there must be room for the headers"
    return (head + block * (size_bytes // len(block) + 1))[:size_bytes]


def disk(*boot_files: str, seed: str = "", clusters: int = 2000) -> bytes:
    """Return a disk of about 1 MB: GPT with boot files, MBR with none.

    Args:
        boot_files: Paths, such as ``BOOT_X86_64``; none makes a BIOS image.
        seed: Images with different seeds have different content.
        clusters: 512 bytes each, at most 4084; they decide the size.
    """
    files = {path: program(path + seed) for path in boot_files}
    files["SEED.TXT"] = seed.encode() or b"none"
    volume = fat_volume(files, FatShape(clusters=clusters))
    slot = Slot(content=volume, mbr_type=MBR_TYPE_FAT)
    return gpt_disk([slot]) if boot_files else mbr_disk([slot], boot_code=BOOT_CODE)


def write_image(
    path: Path, *boot_files: str, seed: str = "", clusters: int = 2000
) -> Path:
    """Write what :func:`disk` returns, and return ``path``."""
    path.write_bytes(disk(*boot_files, seed=seed, clusters=clusters))
    return path


def overwrite(path: Path, offset: int, data: bytes) -> None:
    """Damage a file at an offset; a negative one counts from the end."""
    with path.open("r+b") as file:
        file.seek(offset, 0 if offset >= 0 else 2)
        file.write(data)


def sparse(path: Path, size_bytes: int, head: bytes = b"") -> Path:
    """Write a file of any size that occupies next to no space."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size_bytes)
    return path
