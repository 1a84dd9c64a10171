"""Builds small FAT file systems from scratch, for the demo and the tests only.

The same input gives the same bytes: no clock, no chance. It shares no code with the
inspection in ``ali_import.disk``, so that neither can hide the other's mistakes; the
tests show its work to mtools and dosfstools too.

Source:
    Microsoft, "FAT: General Overview of On-Disk Format", version 1.03.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

_TIMESTAMP: Final = (0x6000, 0x5C21)  # 12:00:00 on 2026-01-01
_DIRECTORY: Final = 0x10
_ARCHIVE: Final = 0x20
_LABEL: Final = 0x08
_LONG_NAME: Final = 0x0F
_LOWER_CASE: Final = 0x18  # show stem and extension in lower case (Windows NT)
_END_OF_CHAIN: Final = {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFF_FFFF}


class Names(Enum):
    """How a FAT directory spells a name."""

    SHORT = auto()  # 8.3, in capitals
    SHORT_LOWER = auto()  # 8.3, with the bits that show it in lower case
    LONG = auto()  # a long name as given; its 8.3 alias is another (EFI~1)
    LONG_AND_SHORT = auto()  # a long name as given, and the same as 8.3


@dataclass(frozen=True, kw_only=True)
class FatShape:
    """The shape of a FAT file system.

    Attributes:
        bits: 12, 16 or 32. FAT32 may have any number of clusters, as with mkfs.fat -F.
        fragmented: Scatter the clusters of every file and directory, backwards.
        boot_code: Machine code for the boot sector, or nothing.
    """

    bits: int = 12
    clusters: int = 2000
    sector_bytes: int = 512
    sectors_per_cluster: int = 1
    names: Names = Names.SHORT
    fragmented: bool = False
    label: str = "TEST"
    boot_code: bytes = b""

    @property
    def cluster_bytes(self) -> int:
        """The size of a cluster."""
        return self.sector_bytes * self.sectors_per_cluster

    @property
    def reserved_sectors(self) -> int:
        """Sectors before the first FAT."""
        return 32 if self.bits == 32 else 1

    @property
    def root_entries(self) -> int:
        """Entries in the root directory, where it has a place of its own."""
        return 0 if self.bits == 32 else self.sector_bytes // 32 * 8

    @property
    def fat_sectors(self) -> int:
        """Sectors in each of the two FATs."""
        return _divide_up((self.clusters + 2) * self.bits, 8 * self.sector_bytes)

    @property
    def data_sector(self) -> int:
        """The first sector of the first cluster."""
        root_sectors = self.root_entries * 32 // self.sector_bytes
        return self.reserved_sectors + 2 * self.fat_sectors + root_sectors

    @property
    def sectors(self) -> int:
        """The size of the whole file system."""
        return self.data_sector + self.clusters * self.sectors_per_cluster


@dataclass(kw_only=True)
class _Node:
    """A directory (with children) or a file (with content)."""

    content: bytes = b""
    children: "dict[str, _Node] | None" = None
    clusters: list[int] = field(default_factory=list)


def fat_volume(files: Mapping[str, bytes], shape: FatShape) -> bytes:
    """Return a FAT file system.

    Args:
        files: Content by path, such as ``EFI/BOOT/BOOTX64.EFI``, in directory order. A
            path that ends in a slash is an empty directory.
        shape: Everything else about it.
    """
    return _FatWriter(shape).write(_tree(files))


def _tree(files: Mapping[str, bytes]) -> _Node:
    root = _Node(children={})
    for path, content in files.items():
        node = root
        *parents, name = path.split("/")
        for parent in parents:
            assert node.children is not None
            node = node.children.setdefault(parent, _Node(children={}))
        if name:
            assert node.children is not None
            node.children[name] = _Node(content=content)
    return root


class _FatWriter:
    def __init__(self, shape: FatShape) -> None:
        self._shape = shape
        self._image = bytearray(shape.sectors * shape.sector_bytes)
        end = _END_OF_CHAIN[shape.bits]
        self._fat = {0: end & ~0xFF | 0xF8, 1: end}
        clusters: Sequence[int] = range(2, shape.clusters + 2)
        if shape.fragmented:  # every other cluster, from the last to the first
            clusters = clusters[::-2]
        self._free = iter(clusters)

    def write(self, root: _Node) -> bytes:
        shape = self._shape
        if shape.bits == 32:
            self._allocate(root, is_root=True)
        self._write_directory(root, parent_cluster=None)
        self._put(0, self._boot_sector(root))
        if shape.bits == 32:
            info = struct.pack(
                "<I480xIII12xI", 0x41615252, 0x61417272, *[0xFFFFFFFF] * 2, 0xAA550000
            )
            self._put(shape.sector_bytes, info)
            self._put(6 * shape.sector_bytes, self._boot_sector(root))
        for copy in range(2):
            sector = shape.reserved_sectors + copy * shape.fat_sectors
            self._put(sector * shape.sector_bytes, self._packed_fat())
        return bytes(self._image)

    def _allocate(self, node: _Node, *, is_root: bool = False) -> None:
        """Give a node its clusters, and chain them."""
        size_bytes = len(node.content)
        if node.children is not None:
            own_entries = 1 if is_root else 2  # the label; or "." and ".."
            entries = own_entries + sum(
                1 + _long_entries(name, self._shape.names) for name in node.children
            )
            size_bytes = entries * 32
        count = _divide_up(size_bytes, self._shape.cluster_bytes)
        node.clusters = [next(self._free) for _ in range(count)]
        chain = [*node.clusters, _END_OF_CHAIN[self._shape.bits]]
        self._fat.update(zip(node.clusters, chain[1:], strict=True))

    def _write_directory(self, node: _Node, *, parent_cluster: int | None) -> None:
        assert node.children is not None
        if parent_cluster is None:
            entries = [_entry(_padded(self._shape.label, 11), _LABEL, 0, 0)]
        else:
            entries = [
                _entry(b".          ", _DIRECTORY, node.clusters[0], 0),
                _entry(b"..         ", _DIRECTORY, parent_cluster, 0),
            ]
        # Entries called ".." name the root cluster 0, even where it has another.
        own_cluster = 0 if parent_cluster is None else node.clusters[0]
        for number, (name, child) in enumerate(node.children.items(), start=1):
            self._allocate(child)
            entries.extend(self._named_entries(name, number, child))
            if child.children is not None:
                self._write_directory(child, parent_cluster=own_cluster)
            else:
                self._put_in(child.clusters, child.content)
        data = b"".join(entries)
        if node.clusters:
            self._put_in(node.clusters, data)
        else:
            assert len(entries) <= self._shape.root_entries
            root_sector = self._shape.reserved_sectors + 2 * self._shape.fat_sectors
            self._put(root_sector * self._shape.sector_bytes, data)

    def _named_entries(self, name: str, number: int, child: _Node) -> Iterator[bytes]:
        names = self._shape.names
        stem, _, extension = name.upper().partition(".")
        if names is Names.LONG:
            stem = f"{stem[:6]}~{number}" if number < 10 else f"{stem[:2]}~{number:05}"
        short = _padded(stem, 8) + _padded(extension[:3], 3)
        yield from _long_name_entries(name, short, names)
        yield _entry(
            short,
            _ARCHIVE if child.children is None else _DIRECTORY,
            child.clusters[0] if child.clusters else 0,
            len(child.content),
            lower_case=names is Names.SHORT_LOWER,
        )

    def _packed_fat(self) -> bytes:
        bits = self._shape.bits
        values = [self._fat.get(i, 0) for i in range(self._shape.clusters + 2)]
        if bits == 12:
            pairs = zip(values[::2], [*values[1::2], 0], strict=False)
            return b"".join((a | b << 12).to_bytes(3, "little") for a, b in pairs)
        return struct.pack(f"<{len(values)}{'H' if bits == 16 else 'I'}", *values)

    def _boot_sector(self, root: _Node) -> bytes:
        shape = self._shape
        fat32 = shape.bits == 32
        small = shape.sectors < 0x10000 and not fat32
        parameters = struct.pack(
            "<3s8sHBHBHHBHHHII",
            b"\xeb\x58\x90" if fat32 else b"\xeb\x3c\x90",
            b"MSWIN4.1",
            shape.sector_bytes,
            shape.sectors_per_cluster,
            shape.reserved_sectors,
            2,
            shape.root_entries,
            shape.sectors if small else 0,
            0xF8,
            0 if fat32 else shape.fat_sectors,
            32,  # sectors a track, and heads: nobody asks any more
            64,
            0,
            0 if small else shape.sectors,
        )
        if fat32:
            root_cluster = root.clusters[0]
            parameters += struct.pack(
                "<IHHIHH12x", shape.fat_sectors, 0, 0, root_cluster, 1, 6
            )
        kind = f"FAT{shape.bits}".ljust(8).encode()
        parameters += struct.pack(
            "<BxBI11s8s", 0x80, 0x29, 0x20260101, _padded(shape.label, 11), kind
        )
        sector = (parameters + shape.boot_code).ljust(510, b"\0")
        assert len(sector) == 510
        return sector + b"\x55\xaa"

    def _put(self, offset: int, data: bytes) -> None:
        assert offset + len(data) <= len(self._image)
        self._image[offset : offset + len(data)] = data

    def _put_in(self, clusters: Sequence[int], data: bytes) -> None:
        shape = self._shape
        data_offset = shape.data_sector * shape.sector_bytes
        for index, cluster in enumerate(clusters):
            start = index * shape.cluster_bytes
            block = data[start : start + shape.cluster_bytes]
            self._put(data_offset + (cluster - 2) * shape.cluster_bytes, block)


def _entry(
    short: bytes,
    attributes: int,
    cluster: int,
    size_bytes: int,
    *,
    lower_case: bool = False,
) -> bytes:
    time, date = _TIMESTAMP
    return struct.pack(
        "<11sBBBHHHHHHHI",
        short,
        attributes,
        _LOWER_CASE if lower_case else 0,
        0,
        time,
        date,
        date,
        cluster >> 16,
        time,
        date,
        cluster & 0xFFFF,
        size_bytes,
    )


def _long_entries(name: str, names: Names) -> int:
    """Return how many directory entries the long form of a name needs."""
    if names in {Names.SHORT, Names.SHORT_LOWER}:
        return 0
    return _divide_up(len(name.encode("utf-16-le")) // 2, 13)


def _long_name_entries(name: str, short: bytes, names: Names) -> Iterator[bytes]:
    """Yield the entries of a long name: 13 characters each, the last part first."""
    count = _long_entries(name, names)
    checksum = 0
    for byte in short:
        checksum = ((checksum >> 1 | checksum << 7) + byte) & 0xFF
    text = name.encode("utf-16-le")
    if len(text) % 26:
        text = (text + b"\0\0").ljust(count * 26, b"\xff")
    for number in range(count, 0, -1):
        part = text[(number - 1) * 26 : number * 26]
        order = number | (0x40 if number == count else 0)
        yield struct.pack(
            "<B10sBBB12sH4s",
            order,
            part[:10],
            _LONG_NAME,
            0,
            checksum,
            part[10:22],
            0,
            part[22:],
        )


def _padded(text: str, size: int) -> bytes:
    data = text.encode("ascii").ljust(size)
    assert len(data) == size, text
    return data


def _divide_up(value: int, divisor: int) -> int:
    return -(-value // divisor)
