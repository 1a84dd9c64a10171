"""A raw disk as a compressed QCOW2 file that is nowhere: written while it is sent.

The disk is compressed twice. The pass that hashes it keeps how long each cluster became,
and the MD5 of each part; when a part is sent, its clusters are compressed again. So it
takes 14 MiB of memory at most, no space on disk, and a part can be sent any number of
times.

The file: one part with header and L1 table, which are known last; then the clusters,
packed without gaps; then L2 tables, refcount blocks and the refcount table. A cluster
that does not become shorter is stored as it is, where a cluster may begin; one of zeros is
not stored.

Source:
    https://www.qemu.org/docs/master/interop/qcow2.html (2026-11). The window of deflate
    has 12 bits, as QEMU has it.
"""

import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import md5
from pathlib import Path
from typing import Final

from typing_extensions import override

from ali_import.disk.pack import USUAL, Grain, Pack, Part, Parts
from ali_import.disk.qcow2 import MAGIC
from ali_import.units import GIB, KIB, round_up

_SECTOR_BYTES: Final = 512
_CLUSTER_BITS_MIN: Final = 16
_SMALL_CLUSTERS_BYTES_MAX: Final = 128 * GIB
"""Of larger disks clusters are larger, so that there are 2 million at most."""
_HEAD_BYTES_MIN: Final = 128 * KIB
"""OSS takes no part of less than 100 KB before the last one."""
_LEVEL: Final = 6
_WINDOW_BITS: Final = -12
_COMPRESSED: Final = 1 << 62
_COPIED: Final = 1 << 63
_AS_IT_IS: Final = 0xFFFF_FFFF
_MARK_EVERY: Final = 1024
_HEADER: Final = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_REFCOUNT_BITS_LOG: Final = 4


def cluster_bits(disk_bytes: int) -> int:
    """Return how large the clusters of a disk are: 64 KiB to 1 MiB."""
    bits = _CLUSTER_BITS_MIN
    while _SMALL_CLUSTERS_BYTES_MAX << (bits - _CLUSTER_BITS_MIN) < disk_bytes:
        bits += 1
    return bits


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where everything is in the file.

    Attributes:
        disk_bytes: Of the disk, whole sectors.
        bits: A cluster has two to the power of so many bytes.
        lengths: Of each cluster in the file: 0 for zeros; ``_AS_IT_IS`` uncompressed.
        marks: Where every 1024th cluster begins in the file, at the earliest.
        data_end: Where the clusters end.
    """

    disk_bytes: int
    bits: int
    lengths: "array[int]"
    marks: "array[int]"
    data_end: int

    @property
    def cluster(self) -> int:
        """The size of a cluster."""
        return 1 << self.bits

    @property
    def entries(self) -> int:
        """How many clusters an L2 table is about."""
        return self.cluster // 8

    @property
    def l1_entries(self) -> int:
        """How many L2 tables the disk would have, if none were left out."""
        return -(-len(self.lengths) // self.entries)

    @property
    def l1_clusters(self) -> int:
        """How many clusters they take in the file."""
        return round_up(8 * self.l1_entries, self.cluster) // self.cluster

    @property
    def head_bytes(self) -> int:
        """The size of the first part."""
        return head_bytes(self.disk_bytes)

    def places(self, first: int = 0) -> Iterator[tuple[int, int, int]]:
        """Give (number, offset, length) of each cluster that is stored, from one on.

        ``first`` is a multiple of 1024; a length of ``_AS_IT_IS`` is that of a cluster.
        """
        at = self.marks[first // _MARK_EVERY]
        for number in range(first, len(self.lengths)):
            length = self.lengths[number]
            if length:
                at = place_of(at, length, self.cluster)
                yield number, at, length
                at += self.cluster if length == _AS_IT_IS else length

    def l2_entry(self, offset: int, length: int) -> int:
        """Return what an L2 table says of a cluster."""
        if length == _AS_IT_IS:
            return _COPIED | offset
        sectors = (offset + length - 1) // _SECTOR_BYTES - offset // _SECTOR_BYTES
        return _COMPRESSED | sectors << 62 - (self.bits - 8) | offset


def head_bytes(disk_bytes: int) -> int:
    """Return the size of header and L1 table, in whole clusters."""
    cluster = 1 << cluster_bits(disk_bytes)
    tables = -(-disk_bytes // (cluster * cluster // 8))
    return max(_HEAD_BYTES_MIN, cluster + round_up(8 * tables, cluster))


def place_of(at: int, length: int, cluster: int) -> int:
    """Return where a cluster goes behind what ends at ``at``."""
    return round_up(at, cluster) if length == _AS_IT_IS else at


def squeezed(cluster: bytes) -> bytes:
    """Return a cluster compressed, or as it is where that is no gain."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, 9)
    packed = packer.compress(cluster) + packer.flush()
    return packed if len(packed) < len(cluster) else cluster


class Recoder:
    """Finds what the file will be, while the disk is read once from start to end.

    Args:
        disk_bytes: The size of the disk.
        grain: How long parts are.
    """

    def __init__(self, disk_bytes: int, grain: Grain = USUAL) -> None:
        self._disk_bytes = round_up(disk_bytes, _SECTOR_BYTES)
        self._bits = cluster_bits(disk_bytes)
        self._zeros = bytes(1 << self._bits)
        self._lengths = array("I")
        self._marks = array("Q")
        self._head_bytes = head_bytes(disk_bytes)
        self._at = self._head_bytes
        self._parts = Parts(grain)
        self._data_bytes = 0

    def update(self, block: bytes) -> None:
        """Take in the next MiB of the disk, or what is left of it."""
        cluster = len(self._zeros)
        for at in range(0, len(block), cluster):
            self._take(block[at : at + cluster].ljust(cluster, b"\0"))

    def skip(self, length: int) -> None:
        """Take in that the next bytes are zeros, without having them."""
        for _ in range(-(-length // len(self._zeros))):
            self._take(self._zeros)

    def pack(self) -> Pack:
        """Return the file, when the whole disk was taken in."""
        layout = Layout(
            disk_bytes=self._disk_bytes,
            bits=self._bits,
            lengths=self._lengths,
            marks=self._marks,
            data_end=self._at,
        )
        tables = Tables(layout)
        for block in tables.blocks():
            self._parts.update(block)
        head = tables.head()
        first = Part(
            number=1,
            offset=0,
            length=len(head),
            md5=md5(head, usedforsecurity=False).hexdigest(),
        )
        behind = (
            replace(part, number=part.number + 1, offset=part.offset + len(head))
            for part in self._parts.parts()
        )
        return RecodedPack(
            parts=(first, *behind), data_bytes=self._data_bytes, tables=tables
        )

    def _take(self, cluster: bytes) -> None:
        if len(self._lengths) % _MARK_EVERY == 0:
            self._marks.append(self._at)
        if cluster == self._zeros:
            self._lengths.append(0)
            return
        self._data_bytes += len(cluster)
        packed = squeezed(cluster)
        length = _AS_IT_IS if packed is cluster else len(packed)
        place = place_of(self._at, length, len(cluster))
        self._parts.update(bytes(place - self._at))
        self._parts.update(packed)
        self._lengths.append(length)
        self._at = place + len(packed)


class Tables:
    """Everything in the file that is no cluster of the disk."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        cluster = layout.cluster
        self.start = round_up(layout.data_end, cluster)
        # An L2 table of nothing but zeros is left out.
        used = {number // layout.entries for number, _, _ in layout.places()}
        self._l2_offsets = {
            table: self.start + index * cluster
            for index, table in enumerate(sorted(used))
        }
        self._blocks_at = self.start + len(used) * cluster
        self._blocks = self._table_clusters = 0
        per_block = cluster // 2
        while True:  # refcounts count the blocks and the table that hold them, too
            end = self._blocks_at + (self._blocks + self._table_clusters) * cluster
            blocks = -(-end // cluster // per_block)
            table_clusters = -(-8 * blocks // cluster)
            if (blocks, table_clusters) == (self._blocks, self._table_clusters):
                break
            self._blocks, self._table_clusters = blocks, table_clusters
        self._table_at = self._blocks_at + self._blocks * cluster
        self.end = self._table_at + self._table_clusters * cluster

    def head(self) -> bytes:
        """Return header and L1 table."""
        layout = self.layout
        header = _HEADER.pack(
            MAGIC,
            3,
            *(0, 0),  # no backing file
            layout.bits,
            layout.disk_bytes,
            0,  # not encrypted
            layout.l1_entries,
            layout.cluster,
            self._table_at,
            self._table_clusters,
            *(0, 0),  # no snapshots
            *(0, 0, 0),  # no features
            _REFCOUNT_BITS_LOG,
            _HEADER.size,
        )
        l1 = array("Q", bytes(8 * layout.l1_entries))
        for table, offset in self._l2_offsets.items():
            l1[table] = _COPIED | offset
        head = header.ljust(layout.cluster, b"\0") + _big_endian(l1)
        return head.ljust(layout.head_bytes, b"\0")

    def blocks(self) -> Iterator[bytes]:
        """Give all that follows the clusters."""
        layout = self.layout
        yield bytes(self.start - layout.data_end)
        for table in self._l2_offsets:
            yield self._l2_table(table)
        counts = self._refcounts()
        per_block = layout.cluster // 2
        for block in range(self._blocks):
            some = counts[block * per_block : (block + 1) * per_block]
            yield _big_endian(some).ljust(layout.cluster, b"\0")
        places = array("Q", range(self._blocks_at, self._table_at, layout.cluster))
        whole = self._table_clusters * layout.cluster
        yield _big_endian(places).ljust(whole, b"\0")

    def _l2_table(self, table: int) -> bytes:
        layout = self.layout
        first = table * layout.entries
        found = array("Q", bytes(layout.cluster))
        for number, offset, length in layout.places(first):
            if number >= first + layout.entries:
                break
            found[number - first] = layout.l2_entry(offset, length)
        return _big_endian(found)

    def _refcounts(self) -> "array[int]":
        """Return how often each cluster of the file is referred to.

        A compressed cluster refers to every cluster of the file that has a sector of it.
        """
        layout = self.layout
        bits = layout.bits
        counts = array("H", bytes(2 * (self.end >> bits)))
        for host in range(1 + layout.l1_clusters):
            counts[host] = 1
        for _, offset, length in layout.places():
            if length == _AS_IT_IS:
                counts[offset >> bits] = 1
                continue
            end = round_up(offset + length, _SECTOR_BYTES)
            for host in range(offset >> bits, (end - 1 >> bits) + 1):
                counts[host] += 1
        for host in range(self.start >> bits, self.end >> bits):
            counts[host] += 1
        return counts


def _big_endian(values: "array[int]") -> bytes:
    turned = values[:]
    turned.byteswap()
    return turned.tobytes()


@dataclass(frozen=True, kw_only=True)
class RecodedPack(Pack):
    """The file in parts, made of the disk."""

    tables: Tables

    @override
    def body(self, path: Path, part: Part) -> "RecodedBody":
        return RecodedBody(path=path, part=part, tables=self.tables)


@dataclass(frozen=True, kw_only=True)
class RecodedBody:
    """The bytes of a part, made of the disk when they are sent."""

    path: Path
    part: Part
    tables: Tables

    @property
    def length(self) -> int:
        """How many there are."""
        return self.part.length

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Make them, from ``start`` on.

        Raises:
            OSError: The disk cannot be read.
        """
        first = self.part.offset + start
        left = self.part.length - start
        for offset, block in self._stream(first):
            wanted = block[max(0, first - offset) :][:left]
            if wanted:
                left -= len(wanted)
                yield wanted
            if not left:
                return

    def _stream(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Give the file with its offsets, from somewhere before ``first`` on."""
        layout = self.tables.layout
        if first < layout.head_bytes:
            yield 0, self.tables.head()
        at = layout.head_bytes
        if first < layout.data_end:
            mark = max(0, bisect_right(layout.marks, first) - 1)
            at = layout.marks[mark]
            for offset, block in self._clusters(mark * _MARK_EVERY, first):
                if offset > at:
                    yield at, bytes(offset - at)
                yield offset, block
                at = offset + len(block)
        at = layout.data_end
        for block in self.tables.blocks():
            yield at, block
            at += len(block)

    def _clusters(self, number: int, first: int) -> Iterator[tuple[int, bytes]]:
        """Compress clusters again; those that end before ``first`` are not looked at."""
        layout = self.tables.layout
        with self.path.open("rb") as file:
            for each, offset, length in layout.places(number):
                size = layout.cluster if length == _AS_IT_IS else length
                if offset + size <= first:
                    yield offset, bytes(size)
                    continue
                file.seek(each * layout.cluster)
                block = file.read(layout.cluster).ljust(layout.cluster, b"\0")
                # Had the file changed, the part's MD5 would tell.
                packed = block if length == _AS_IT_IS else squeezed(block)
                yield offset, packed[:size].ljust(size, b"\0")
