"""Disk images that nobody here wrote, from the packages of a Debian machine.

``ipxe`` brings an EFI program, an ISO image and an ``.lkrn`` file (which is no disk);
``grub-rescue-pc`` a ready USB disk. The EFI program becomes a disk with mtools where they are installed, so
that nothing of the image is ours, else with our own builder.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.support.disks import FatShape, Slot, fat_volume, gpt_disk

_IPXE_EFI: Final = Path("/boot/ipxe.efi")
IPXE_LKRN: Final = Path("/boot/ipxe.lkrn")
_IPXE_ISO: Final = Path("/usr/lib/ipxe/ipxe.iso")
_GRUB_USB: Final = Path("/usr/lib/grub-rescue/grub-rescue-usb.img")
_NEEDED: Final = (_IPXE_EFI, IPXE_LKRN, _IPXE_ISO, _GRUB_USB)

_BOOT_FILE: Final = "EFI/BOOT/BOOTX64.EFI"
_VOLUME_KIB: Final = 2880


@dataclass(frozen=True, kw_only=True)
class RealImage:
    """A real disk image and what is known to be true of it."""

    path: Path
    architecture: Literal["x86_64", "arm64"]
    boot_mode: Literal["BIOS", "UEFI"]
    suffix: str


def skip_reason() -> str:
    """Return why the images cannot be made here, or nothing.

    Raises:
        RuntimeError: They cannot, and the environment says CI=true: there, a test that
            did not run is a failure.
    """
    missing = [str(path) for path in _NEEDED if not path.exists()]
    if not missing:
        return ""
    reason = f"apt-get install ipxe grub-rescue-pc: there is no {', '.join(missing)}"
    if os.environ.get("CI") == "true":
        raise RuntimeError(reason)
    return reason


def make_real_images(directory: Path) -> list[RealImage]:
    """Put all real images into a directory; call where :func:`skip_reason` is empty."""
    volume = _volume(directory)
    whole_disk = directory / "ipxe-fat.img"
    whole_disk.write_bytes(volume)
    in_gpt = directory / "ipxe-gpt.img"
    in_gpt.write_bytes(gpt_disk([Slot(content=volume)]))
    copies = [
        shutil.copyfile(source, directory / source.name)
        for source in (_IPXE_ISO, _GRUB_USB)
    ]
    uefi = [
        RealImage(
            path=path, architecture="x86_64", boot_mode="UEFI", suffix="-uefi-x86-64"
        )
        for path in (whole_disk, in_gpt)
    ]
    bios = [
        RealImage(path=path, architecture="x86_64", boot_mode="BIOS", suffix="")
        for path in copies
    ]
    return uefi + bios


def _volume(directory: Path) -> bytes:
    """Return a FAT volume with iPXE as its boot file."""
    if shutil.which("mformat") is None:
        shape = FatShape(clusters=4000)
        return fat_volume({_BOOT_FILE: _IPXE_EFI.read_bytes()}, shape)
    path = directory / "volume.tmp"
    commands = (
        ["mformat", "-C", "-f", str(_VOLUME_KIB), "-i", str(path), "::"],
        ["mmd", "-i", str(path), "::EFI", "::EFI/BOOT"],
        ["mcopy", "-i", str(path), str(_IPXE_EFI), f"::{_BOOT_FILE}"],
    )
    for command in commands:
        subprocess.run(command, check=True, timeout=30, capture_output=True)
    content = path.read_bytes()
    path.unlink()
    return content
