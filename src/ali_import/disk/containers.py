"""What a file is if it is not a raw disk image, and what to do with it.

Sources:
    qcow2: https://www.qemu.org/docs/master/interop/qcow2.html
    VHD: Microsoft, "Virtual Hard Disk Image Format Specification", 11 October 2006.
    VHDX: Microsoft, [MS-VHDX], section 2.2 (file type identifier).
    VMDK: VMware, "Virtual Disk Format 5.0".
    The others: the signatures in their own documentation.
"""

import codecs
import shlex
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ali_import.disk.reader import Disk, Reader
from ali_import.errors import DiskImageError
from ali_import.units import sized

_HEAD_BYTES: Final = 1024
_FOOTER_BYTES: Final = 512


@dataclass(frozen=True, kw_only=True)
class _Signature:
    """Bytes that tell a format, at an offset; negative offsets count from the end."""

    name: str
    magic: bytes
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class _Container(_Signature):
    """A disk in a format of its own, with its virtual size where one field says it.

    Attributes:
        size_at: Where that field is, counted from the magic, or -1.
        size_format: How to read it.
        size_unit_bytes: What it counts.
    """

    size_at: int = -1
    size_format: str = "<Q"
    size_unit_bytes: int = 1


_CONTAINERS: Final = (
    _Container(
        name="QCOW (version 1)", magic=b"QFI\xfb\0\0\0\1", size_at=24, size_format=">Q"
    ),
    _Container(name="qcow2", magic=b"QFI\xfb", size_at=24, size_format=">Q"),
    _Container(name="QED", magic=b"QED\0", size_at=48),
    _Container(name="VHD", magic=b"conectix", size_at=48, size_format=">Q"),
    # A VHD of fixed size is the bare disk with this footer behind it.
    _Container(
        name="VHD",
        magic=b"conectix",
        offset=-_FOOTER_BYTES,
        size_at=48,
        size_format=">Q",
    ),
    _Container(name="VHDX", magic=b"vhdxfile"),
    _Container(name="VMDK", magic=b"KDMV", size_at=12, size_unit_bytes=512),
    _Container(
        name="VMDK", magic=b"COWD", size_at=12, size_format="<I", size_unit_bytes=512
    ),
    _Container(name="VMDK", magic=b"# Disk DescriptorFile"),
    _Container(name="VDI", magic=b"\x7f\x10\xda\xbe", offset=64, size_at=304),
    _Container(name="Parallels", magic=b"WithoutFreeSpace"),
    _Container(name="Parallels", magic=b"WithouFreSpacExt"),
    _Container(name="Apple DMG", magic=b"koly", offset=-_FOOTER_BYTES),
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
        "name a raw disk image",
    ),
)


def refuse_foreign_format(reader: Reader) -> None:
    """Pass if the file may be a raw disk image.

    Raises:
        DiskImageError: It is in a format that has to be converted or unpacked first.
    """
    for container in _CONTAINERS:
        if _carries(reader, container):
            raise reader.error(
                f"is a {container.name} image{_virtual_size(reader, container)}, "
                "which cannot be published yet",
                f"convert it: {_conversion(reader.path)}",
            )
    for signature in _COMPRESSED:
        if _carries(reader, signature):
            raise reader.error(
                f"is compressed ({signature.name})", "decompress it first"
            )
    for signature in _ARCHIVES:
        if _carries(reader, signature):
            raise reader.error(
                f"is a {signature.name} archive", "unpack the disk image from it first"
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
            "name a raw disk image; a failed download often leaves a text file",
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


def _virtual_size(reader: Reader, container: _Container) -> str:
    if container.size_at < 0:
        return ""
    field = struct.Struct(container.size_format)
    offset = _place(reader, container) + container.size_at
    (units,) = field.unpack(reader.read(offset, field.size))
    return f" (virtual size {sized(units * container.size_unit_bytes)})"


def _conversion(path: Path) -> str:
    output = path.with_suffix(".raw")
    if output == path:
        output = path.with_name(f"{path.name}.raw")
    return (
        f"qemu-img convert -O raw {shlex.quote(str(path))} {shlex.quote(str(output))}"
    )
