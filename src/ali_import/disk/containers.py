"""Which format a file is in, whatever its name says, and what is no disk image at all.

Sources:
    The formats that are read: see their modules. QED and version 1 of QCOW:
    https://www.qemu.org/docs/master/interop/. The others: the signatures in their own
    documentation.
"""

import codecs
import shlex
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ali_import.disk import qcow2, vdi, vhd, vhdx, vmdk
from ali_import.disk.blocks import Container, Format
from ali_import.disk.reader import Disk, Reader
from ali_import.errors import DiskImageError
from ali_import.units import sized

_HEAD_BYTES: Final = 1024


@dataclass(frozen=True, kw_only=True)
class _Signature:
    """Bytes that tell a format, at an offset; negative offsets count from the end."""

    name: str
    magic: bytes
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class _Foreign(_Signature):
    """A disk in a format that is not read, with its size where one field says it.

    Attributes:
        size_at: Where that field is, counted from the magic, or -1.
        size_format: How to read it.
        size_unit_bytes: What it counts.
    """

    size_at: int = -1
    size_format: str = "<Q"
    size_unit_bytes: int = 1


_FOREIGN: Final = (
    _Foreign(
        name="a QCOW image of version 1",
        magic=b"QFI\xfb\0\0\0\1",
        size_at=24,
        size_format=">Q",
    ),
    _Foreign(name="a QED image", magic=b"QED\0", size_at=48),
    _Foreign(
        name="a VMDK image of an ESX server (COWD)",
        magic=b"COWD",
        size_at=12,
        size_format="<I",
        size_unit_bytes=512,
    ),
    _Foreign(
        name="a VMDK descriptor, whose disk is in other files",
        magic=b"# Disk DescriptorFile",
    ),
    _Foreign(name="a Parallels image", magic=b"WithoutFreeSpace"),
    _Foreign(name="a Parallels image", magic=b"WithouFreSpacExt"),
    _Foreign(name="an Apple DMG image", magic=b"koly", offset=-512),
)

_READ: Final = (
    (_Signature(name="QCOW2", magic=qcow2.MAGIC), qcow2.open_qcow2),
    (_Signature(name="VHDX", magic=vhdx.MAGIC), vhdx.open_vhdx),
    (_Signature(name="VMDK", magic=vmdk.MAGIC), vmdk.open_vmdk),
    (_Signature(name="VDI", magic=vdi.MAGIC, offset=vdi.MAGIC_OFFSET), vdi.open_vdi),
    (_Signature(name="VHD", magic=vhd.MAGIC), vhd.open_vhd),
    # A VHD of fixed size is the bare disk with this footer behind it.
    (
        _Signature(name="VHD", magic=vhd.MAGIC, offset=-vhd.FOOTER_BYTES),
        vhd.open_vhd,
    ),
)

_COMPRESSED: Final = (
    _Signature(name="gzip", magic=b"\x1f\x8b\x08"),
    _Signature(name="xz", magic=b"\xfd7zXZ\0"),
    _Signature(name="zstd", magic=b"\x28\xb5\x2f\xfd"),
    _Signature(name="bzip2", magic=b"1AY&SY", offset=4),
    _Signature(name="lz4", magic=b"\x04\x22\x4d\x18"),
    _Signature(name="lzip", magic=b"LZIP"),
    _Signature(name="lzma", magic=b"\x5d\0\0"),
)

_ARCHIVES: Final = (
    _Signature(name="zip", magic=b"PK\x03\x04"),
    _Signature(name="7z", magic=b"7z\xbc\xaf\x27\x1c"),
    _Signature(name="rar", magic=b"Rar!\x1a\x07"),
    _Signature(name="tar", magic=b"ustar", offset=257),
)

_ON_A_FAT_VOLUME: Final = (
    "a bare EFI program cannot be published: put it on a FAT volume as "
    "EFI/BOOT/BOOTX64.EFI or EFI/BOOT/BOOTAA64.EFI and name that disk image"
)
_OTHERS: Final = (
    (_Signature(name="is a program (PE)", magic=b"MZ"), _ON_A_FAT_VOLUME),
    (_Signature(name="is a program (ELF)", magic=b"\x7fELF"), _ON_A_FAT_VOLUME),
    (
        _Signature(name="is a PDF document", magic=b"%PDF"),
        "name a disk image",
    ),
)


def open_container(file: Reader) -> Container:
    """Find the disk in a file: itself, if it is in none of the formats known.

    Raises:
        DiskImageError: It is in a format that has to be converted or unpacked first,
            damaged, or not complete in itself.
    """
    for foreign in _FOREIGN:
        if _carries(file, foreign):
            raise file.error(
                f"is {foreign.name}{_size_of(file, foreign)}, which the cloud does not "
                "take",
                conversion(file.path),
            )
    for signature, open_format in _READ:
        if _carries(file, signature):
            container = open_format(file)
            if not container.disk.size_bytes:
                raise file.error("holds a disk of no bytes", "make it again")
            return container
    for signature in _COMPRESSED:
        if _carries(file, signature):
            raise file.error(f"is compressed ({signature.name})", "decompress it first")
    for signature in _ARCHIVES:
        if _carries(file, signature):
            raise file.error(
                f"is a {signature.name} archive", "unpack the disk image from it first"
            )
    return Container(format=Format.RAW, disk=file)


def conversion(path: Path) -> str:
    """Return the advice to convert an image to one that can be published."""
    output = path.with_suffix(".qcow2")
    if output == path:
        output = path.with_name(f"{path.name}.qcow2")
    return (
        f"convert it: qemu-img convert -O qcow2 {shlex.quote(str(path))} "
        f"{shlex.quote(str(output))}"
    )


def known_as_something_else(disk: Disk) -> DiskImageError | None:
    """Return the error for a file known to be something else than a disk image.

    Its signatures are short, so they count only where nothing looks like a disk.
    """
    for signature, advice in _OTHERS:
        if _carries(disk, signature):
            return disk.error(signature.name, advice)
    head = disk.read(0, min(_HEAD_BYTES, disk.size_bytes))
    if _is_text(head):
        return disk.error(
            "is a text file",
            "name a disk image; a failed download often leaves a text file",
        )
    return None


def _is_text(head: bytes) -> bool:
    try:  # the last character may be cut, which an incremental decoder lets pass
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char.isspace() for char in text)


def _carries(disk: Disk, signature: _Signature) -> bool:
    offset = _place(disk, signature)
    return offset >= 0 and disk.read(offset, len(signature.magic)) == signature.magic


def _place(disk: Disk, signature: _Signature) -> int:
    if signature.offset >= 0:
        return signature.offset
    return disk.size_bytes + signature.offset


def _size_of(file: Reader, foreign: _Foreign) -> str:
    if foreign.size_at < 0:
        return ""
    field = struct.Struct(foreign.size_format)
    offset = _place(file, foreign) + foreign.size_at
    (units,) = field.unpack(file.read(offset, field.size))
    return f" (virtual size {sized(units * foreign.size_unit_bytes)})"
