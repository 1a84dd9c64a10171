"""QCOW2 images, versions 2 and 3.

Source:
    https://www.qemu.org/docs/master/interop/qcow2.html
"""

import struct
from typing import Final

from ali_import.disk.blocks import (
    BlockDisk,
    Container,
    Format,
    PackedBlocks,
    decompress_zstd,
    inflate_raw,
)
from ali_import.disk.reader import Reader
from ali_import.errors import DiskImageError
from ali_import.units import MIB, sized

MAGIC: Final = b"QFI\xfb"

_HEADER: Final = struct.Struct(">4sIQIIQIIQQIIQ")
_HEADER_3: Final = struct.Struct(">QQQII")
_COMPRESSION_AT: Final = 104
_VERSIONS: Final = (2, 3)
_CLUSTER_BITS: Final = range(9, 22)
_CLUSTER_BITS_EXTENDED_MIN: Final = 14
_L1_BYTES_MAX: Final = 32 * MIB  # QEMU's own limit

_DIRTY: Final = 1 << 0
_CORRUPT: Final = 1 << 1
_EXTERNAL_DATA: Final = 1 << 2
_COMPRESSION: Final = 1 << 3
_EXTENDED_L2: Final = 1 << 4
_KNOWN: Final = _DIRTY | _CORRUPT | _EXTERNAL_DATA | _COMPRESSION | _EXTENDED_L2

_OFFSET_MASK: Final = 0x00FF_FFFF_FFFF_FE00
_COMPRESSED: Final = 1 << 62
_ZERO: Final = 1
_SUBCLUSTERS: Final = 32
_SECTOR_BYTES: Final = 512
_COMPRESSIONS: Final = {0: ("zlib", inflate_raw), 1: ("zstd", decompress_zstd)}


def open_qcow2(file: Reader) -> Container:
    """Open a QCOW2 image.

    Raises:
        DiskImageError: It is damaged, or not complete in itself.
    """
    (
        _magic,
        version,
        backing_offset,
        _backing_bytes,
        cluster_bits,
        size_bytes,
        encryption,
        l1_entries,
        l1_offset,
        _refcounts_offset,
        _refcount_clusters,
        snapshots,
        _snapshots_offset,
    ) = _HEADER.unpack(file.read(0, _HEADER.size))
    if version not in _VERSIONS:
        raise file.error(
            f"is a QCOW2 image of version {version}, which is not supported",
            "convert it to version 3 with qemu-img",
        )
    features = header_bytes = compression = 0
    if version > 2:
        features, _compatible, _autoclear, _order, header_bytes = _HEADER_3.unpack(
            file.read(_HEADER.size, _HEADER_3.size)
        )
        if header_bytes > _COMPRESSION_AT:
            compression = file.read(_COMPRESSION_AT, 1)[0]
    _refuse_incomplete(file, features, backing_offset, encryption)
    extended = bool(features & _EXTENDED_L2)
    sane = (
        cluster_bits in _CLUSTER_BITS
        and not (extended and cluster_bits < _CLUSTER_BITS_EXTENDED_MIN)
        and compression in _COMPRESSIONS
        and l1_entries * 8 <= _L1_BYTES_MAX
    )
    if not sane:
        raise _damaged(file, "its header")
    disk = _Qcow2(
        file,
        size_bytes=size_bytes,
        cluster_bits=cluster_bits,
        l1=(l1_offset, l1_entries),
        extended=extended,
        compression=compression,
    )
    details = [f"version {version}", f"clusters of {sized(disk.block_bytes)}"]
    if compression:
        details.append(f"{_COMPRESSIONS[compression][0]} clusters")
    if extended:
        details.append("extended L2")
    warnings = []
    if snapshots:
        warnings.append(
            f"it holds {snapshots} internal snapshots, which are uploaded with it "
            "(qemu-img snapshot -d removes one)"
        )
    if compression or extended:
        warnings.append(
            f"it has {' and '.join(details[2:])}, which older versions of QEMU cannot "
            "read, and maybe the cloud cannot (qemu-img convert -O qcow2 writes it "
            "without)"
        )
    return Container(
        format=Format.QCOW2,
        disk=disk,
        details=", ".join(details),
        warnings=tuple(warnings),
    )


def _refuse_incomplete(
    file: Reader, features: int, backing_offset: int, encryption: int
) -> None:
    """Pass if the image is whole without any other file or key."""
    convert = "rewrite it with `qemu-img convert -O qcow2`, which makes it whole"
    repair = "repair it with `qemu-img check -r all`"
    unknown = features & ~_KNOWN
    for wrong, message, advice in (
        (unknown, f"is a QCOW2 image with unknown features ({unknown:#x})", convert),
        (features & _EXTERNAL_DATA, "keeps its data in another file", convert),
        (backing_offset, "holds only the changes to a backing file", convert),
        (encryption, "is an encrypted QCOW2 image", convert),
        (features & _CORRUPT, "is a QCOW2 image marked as corrupt", repair),
        (
            features & _DIRTY,
            "is a QCOW2 image that is in use or was not closed",
            f"close it, or {repair}",
        ),
    ):
        if wrong:
            raise file.error(message, advice)


def _damaged(file: Reader, what: str) -> DiskImageError:
    return file.error(
        f"is a damaged QCOW2 image: {what} cannot be right", "copy or download it again"
    )


class _Qcow2(BlockDisk):
    """Clusters found by two levels of tables."""

    def __init__(
        self,
        file: Reader,
        *,
        size_bytes: int,
        cluster_bits: int,
        l1: tuple[int, int],
        extended: bool,
        compression: int,
    ) -> None:
        super().__init__(file, size_bytes=size_bytes, block_bytes=1 << cluster_bits)
        self._extended = extended
        self._entry_bytes = 16 if extended else 8
        self._entries = self.block_bytes // self._entry_bytes  # of one L2 table
        self._l1_offset, self._l1_entries = l1
        self._offset_bits = 62 - (cluster_bits - 8)  # of a compressed cluster
        unpack = _COMPRESSIONS[compression][1]
        self._packed = PackedBlocks(file, self.block_bytes, unpack)
        needed = -(-size_bytes // (self.block_bytes * self._entries))
        if self._l1_entries < needed or self._l1_offset % self.block_bytes:
            raise _damaged(file, "its L1 table")

    def _read_block(self, index: int, inside: int, size_bytes: int) -> bytes:
        entry, bitmap = self._entry(index)
        if entry & _COMPRESSED:
            return self._read_packed(entry, inside, size_bytes)
        offset = entry & _OFFSET_MASK
        if offset % self.block_bytes:
            raise _damaged(self.file, f"the place of cluster {index}")
        if not self._extended:
            if not offset or entry & _ZERO:
                return bytes(size_bytes)
            return self.file.read_all(offset + inside, size_bytes)
        return self._read_subclusters(offset, bitmap, inside, size_bytes)

    def _read_subclusters(
        self, offset: int, bitmap: int, inside: int, size_bytes: int
    ) -> bytes:
        """Read where every 32nd of a cluster is there or not, for itself."""
        step = self.block_bytes // _SUBCLUSTERS
        pieces = []
        at = inside
        while at < inside + size_bytes:
            length = min(inside + size_bytes, at // step * step + step) - at
            if offset and bitmap >> at // step & 1:
                pieces.append(self.file.read_all(offset + at, length))
            else:
                pieces.append(bytes(length))
            at += length
        return b"".join(pieces)

    def _read_packed(self, entry: int, inside: int, size_bytes: int) -> bytes:
        offset = entry & (1 << self._offset_bits) - 1
        sectors = (entry & _COMPRESSED - 1) >> self._offset_bits
        end = (offset // _SECTOR_BYTES + sectors + 1) * _SECTOR_BYTES
        # The last sector of the file may be cut where the data end.
        end = max(offset + 1, min(end, self.file.size_bytes))
        return self._packed.read(offset, end - offset, inside, size_bytes)

    def _entry(self, index: int) -> tuple[int, int]:
        """Return a cluster's entry of its L2 table, and its bitmap of subclusters."""
        table, number = divmod(index, self._entries)
        l1_entry = self.read_entry(self._l1_offset + table * 8, 8)
        offset = int.from_bytes(l1_entry, "big") & _OFFSET_MASK
        if not offset:
            return 0, 0
        if offset % self.block_bytes:
            raise _damaged(self.file, f"the place of L2 table {table}")
        at = offset + number * self._entry_bytes
        data = self.read_entry(at, self._entry_bytes)
        return int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big")

    def stored_bytes(self) -> int | None:
        """Count the clusters, or subclusters, that are somewhere in the file."""
        if not self.file.can_afford(1 + self._l1_entries * 8 // MIB, self._l1_entries):
            return None
        l1 = self.file.read_all(self._l1_offset, self._l1_entries * 8)
        tables = [
            entry & _OFFSET_MASK
            for (entry,) in struct.iter_unpack(">Q", l1)
            if entry & _OFFSET_MASK
        ]
        reads = len(tables) * (1 + self.block_bytes // MIB)
        if not self.file.can_afford(reads, len(tables) * self.block_bytes):
            return None
        step = self.block_bytes // _SUBCLUSTERS
        stored = 0
        for offset in tables:
            table = self.file.read_all(offset, self.block_bytes)
            for fields in struct.iter_unpack(">QQ" if self._extended else ">Q", table):
                entry = fields[0]
                if entry & _COMPRESSED:
                    stored += self.block_bytes
                elif self._extended:
                    stored += step * (fields[1] & 0xFFFF_FFFF).bit_count()
                elif entry & _OFFSET_MASK and not entry & _ZERO:
                    stored += self.block_bytes
        return min(stored, self.size_bytes)
