"""What a disk image is published as: its size, and the machines that it is for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ali_import.disk.blocks import Format
from ali_import.disk.containers import open_container
from ali_import.disk.efi import Architecture
from ali_import.disk.inspection import (
    PUBLISHED_FORMATS,
    BootMode,
    Inspection,
    look_into,
    only,
    refusal_of_format,
    suffix_of,
    whole_gib,
)
from ali_import.disk.pack import Pack, Packer
from ali_import.disk.reader import Reader, open_image
from ali_import.disk.recode import Recoder
from ali_import.disk.scratch import Scratch
from ali_import.disk.unpack import Progress, Unpacked, unpack, wants_unpacking
from ali_import.errors import ConfigurationError, DiskImageError


def _ignore(_: int) -> None:
    """Take no notice of what was unpacked."""


@dataclass(frozen=True, kw_only=True)
class DiskImage:
    """A local disk image file and what was learned from it.

    Attributes:
        path: The file, as the user named it.
        format: Its container format, as the cloud's API spells it.
        virtual_bytes: The size of the disk it holds.
        file_bytes: The size of the file that the cloud gets.
        sha256: Of the content of the file that was named, in hexadecimal.
        architecture: None if it boots several.
        boot_mode: The firmware it boots from: BIOS or UEFI.
        uefi_preferred: Whether it is to be UEFI-Preferred: a machine without UEFI boots
            it from BIOS.
        warnings: What its publisher may want to know, a sentence each.
        unpacked: The temporary file that it was unpacked to, if it was compressed or
            came from a pipe; then sizes and ``sha256`` are of that.
        pack: What of the file goes up, in parts, and how it is made again of that.
    """

    path: Path
    format: Literal["RAW", "QCOW2", "VHD"]
    virtual_bytes: int
    file_bytes: int
    sha256: str
    architecture: Architecture | None
    boot_mode: BootMode
    uefi_preferred: bool = False
    warnings: tuple[str, ...] = ()
    unpacked: Path | None = None
    pack: Pack = field(default=Pack(), compare=False, repr=False)

    @property
    def content(self) -> Path:
        """The file that is uploaded."""
        return self.unpacked or self.path

    @property
    def suffix(self) -> str:
        """What its name and family end with, so that siblings differ; BIOS: nothing."""
        return suffix_of(self.boot_mode, self.architecture)

    @property
    def size_gib(self) -> int:
        """The disk's size in GiB, rounded up; at least 1."""
        return whole_gib(self.virtual_bytes)


def inspect(
    path: Path,
    boot_mode: BootMode | None = None,
    architecture: Architecture | None = None,
    *,
    sha256: str = "",
    as_qcow2: bool = False,
    scratch: Scratch | None = None,
    progress: Progress = _ignore,
) -> DiskImage:
    """Find out what the disk image in a file is, and hash its content.

    An image with ``EFI/BOOT/BOOTX64.EFI`` or ``BOOTAA64.EFI`` on a FAT file system, on
    the whole disk or any partition, boots from UEFI on that architecture, or on both;
    the file must be a program for it. Any other with boot code in its first sector
    boots from BIOS on x86_64. What has neither boots nowhere and is refused.

    NOTE: El Torito boot entries don't count. They are for firmware that boots a CD, and
    in the cloud the image is a hard disk. So an ISO image that carries its EFI programs
    only there (Debian's ipxe.iso) is a BIOS image; one that has them in a partition too
    (any recent isohybrid) is a UEFI image.

    Args:
        path: The file.
        boot_mode: How it boots, whatever is found; None goes by what is found.
        architecture: What it is for, likewise; arm64 alone means UEFI.
        sha256: What the file's SHA-256 must be, in hexadecimal; "" for anything. It is
            of the file as it is, compressed or not.
        as_qcow2: Send a raw disk as a compressed QCOW2 file; a QCOW2 file goes as it is.
        scratch: Where to unpack it, if it is compressed or a pipe; without one it is
            refused for that.
        progress: Told now and then how many bytes were unpacked.

    Raises:
        ConfigurationError: There are no arm64 machines with BIOS.
        DiskImageError: The file is missing, unreadable, empty, no disk image that the
            cloud takes, damaged, larger than 2 TiB, boots nowhere, has another SHA-256, or it
            changes meanwhile.
        ScratchClosedError: The publication ended meanwhile.
    """
    if architecture is Architecture.ARM64:
        if boot_mode in {BootMode.BIOS, BootMode.UEFI_PREFERRED}:
            raise ConfigurationError(
                "arm64 machines boot from UEFI only",
                advice="leave out the boot mode or the architecture",
            )
        boot_mode = BootMode.UEFI
    unpacked: Unpacked | None = None
    if scratch is not None and wants_unpacking(path):
        unpacked = unpack(path, scratch, progress)
        _check_sum(path, unpacked.source_sha256, sha256)
        sha256 = ""
    temporary = unpacked.path if unpacked else None
    with open_image(temporary or path, named=path) as file:
        packed = unpacked is not None and unpacked.compression != ""
        found = _fit_to_publish(file, packed=packed, told=boot_mode is not None)
        recode = as_qcow2 and _can_be_recoded(file, found)
        packer = Recoder(file.size_bytes) if recode else Packer(file.size_bytes)
        preferred = boot_mode is BootMode.UEFI_PREFERRED
        mode, machine = _told(found, boot_mode, architecture)
        content_sha256 = file.sha256(packer)
        _check_sum(path, content_sha256, sha256)
        pack = packer.pack()
        return DiskImage(
            path=path,
            format="QCOW2" if recode else PUBLISHED_FORMATS[found.format],
            virtual_bytes=found.virtual_bytes,
            file_bytes=pack.size_bytes if recode else found.file_bytes,
            sha256=content_sha256,
            architecture=machine,
            boot_mode=mode,
            uefi_preferred=preferred and machine is not Architecture.ARM64,
            warnings=(
                *found.warnings,
                *_contradictions(found, mode, machine, preferred=preferred),
            ),
            unpacked=temporary,
            pack=pack,
        )


def _fit_to_publish(file: Reader, *, packed: bool, told: bool) -> Inspection:
    """Look into a file, and pass if it can be published.

    Args:
        file: The file, or what was in it.
        packed: Whether it was compressed.
        told: Whether somebody said how it boots.

    Raises:
        DiskImageError: It cannot.
    """
    container = open_container(file)
    # Before the disk inside is looked at: how it boots does not matter then.
    path = file.path.with_suffix("") if packed else file.path
    foreign = refusal_of_format(path, container)
    if foreign:
        first = "unpack it, and " if packed else ""
        raise file.error(foreign.message, f"{first}{foreign.advice}")
    found = look_into(file, container)
    for refusal in found.refusals:
        if not (refusal.overrulable and told):
            raise file.error(refusal.message, refusal.advice)
    return found


def _can_be_recoded(file: Reader, found: Inspection) -> bool:
    """Whether a file is to be sent as QCOW2, and is none yet.

    Raises:
        DiskImageError: It is a VHD.
    """
    if found.format is Format.VHD:
        raise file.error(
            "is a VHD, and cannot be sent as qcow2",
            "convert it with `qemu-img convert -O qcow2 -c`",
        )
    return found.format is Format.RAW


def _check_sum(path: Path, found: str, wanted: str) -> None:
    if wanted and found != wanted.lower():
        raise DiskImageError(
            f"is not the file it should be: its SHA-256 is {found}, not "
            f"{wanted.lower()}",
            path=path,
            advice="download it again, or correct the sum",
        )


def _told(
    found: Inspection, boot_mode: BootMode | None, architecture: Architecture | None
) -> tuple[BootMode, Architecture | None]:
    """Return what to publish as: what was said, then what was found."""
    mode = boot_mode or found.boot_mode
    assert mode, "an image that boots nowhere was refused"
    if mode is BootMode.UEFI_PREFERRED:
        mode = BootMode.UEFI
    if mode is BootMode.BIOS:
        return mode, Architecture.X86_64
    if architecture:
        return mode, architecture
    return mode, only(found.boot.architectures or frozenset({Architecture.X86_64}))


def _contradictions(
    found: Inspection,
    mode: BootMode,
    machine: Architecture | None,
    *,
    preferred: bool,
) -> Iterator[str]:
    """Yield a warning where an image is published as what it does not seem to be."""
    if preferred and machine is Architecture.ARM64:
        yield "stays UEFI, since arm64 machines cannot boot from BIOS"
    elif (mode is BootMode.BIOS or preferred) and not found.boot.bios_code:
        what = f"{mode} or BIOS" if preferred else mode
        yield f"published for {what} as requested, but no boot code was found"
    if mode is BootMode.UEFI and machine and machine not in found.boot.architectures:
        yield (
            f"published for UEFI and {machine} as requested, but no EFI program for it was "
            "found"
        )
