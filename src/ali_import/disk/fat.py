"""Reading directories of a FAT12, FAT16 or FAT32 file system.

Only what is needed to find a boot file, to read its beginning, and to be sure that all of
it is there. All numbers come from a hostile file: every chain and every directory has a
bound.

Source:
    Microsoft, "FAT: General Overview of On-Disk Format", version 1.03, 6 December 2000.
"""

import struct
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

from ali_import.disk.reader import Disk
from ali_import.errors import DiskImageError
from ali_import.units import MIB

BOOT_SECTOR_BYTES: Final = 512

# The specification's own limit: 65,536 entries of 32 bytes.
_DIRECTORY_BYTES_MAX: Final = 2 * MIB
_ENTRY_BYTES: Final = 32
# Of a longer file only so much is looked after: 512 MiB in the smallest clusters.
_FILE_CLUSTERS_MAX: Final = 1024 * 1024
# Little, so that a chain that is followed far takes its share of the budget of reads.
_FAT_BLOCK_BYTES: Final = 512

_SECTOR_BYTES: Final = frozenset({512, 1024, 2048, 4096})
_SECTORS_PER_CLUSTER: Final = frozenset({1, 2, 4, 8, 16, 32, 64, 128})
_MEDIA: Final = frozenset({0xF0, *range(0xF8, 0x100)})
_FAT12_CLUSTERS_MAX: Final = 4084
_CLUSTER_FIRST: Final = 2
# The largest cluster numbers; what is above marks an end or a bad cluster.
_CLUSTER_LAST: Final = {12: 0xFF6, 16: 0xFFF6, 32: 0x0FFF_FFF6}

_ATTRIBUTE_VOLUME: Final = 0x08
_ATTRIBUTE_DIRECTORY: Final = 0x10
_ATTRIBUTES_LONG_NAME: Final = 0x0F
_ATTRIBUTES_MASK: Final = 0x3F
_NAME_END: Final = 0x00  # no entry here, nor after it
_NAME_DELETED: Final = 0xE5
_LONG_NAME_LAST: Final = 0x40


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file or a directory.

    Attributes:
        names: Its 8.3 name and, where it has one, its long name.
        directory: Whether it is a directory.
        cluster: The first cluster of its content.
        size_bytes: The size of a file; a directory has none.
    """

    names: tuple[str, ...]
    directory: bool
    cluster: int
    size_bytes: int

    def known_as(self, names: Container[str]) -> str:
        """Return which of ``names`` it has, in any letter case, or "".

        Only ASCII counts, since elsewhere upper case merges what firmware keeps apart:
        the ligature U+FB01 becomes "FI".

        Args:
            names: Names in capitals.
        """
        for own in self.names:
            if own.isascii() and own.upper() in names:
                return own.upper()
        return ""


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where things lie, in bytes from the start of the disk."""

    bits: int
    end: int  # of the volume
    fat_offset: int
    root_offset: int  # FAT12 and FAT16 only
    root_bytes: int
    root_cluster: int  # FAT32 only
    data_offset: int
    cluster_bytes: int
    cluster_last: int


class FatVolume:
    """A FAT file system; made by :meth:`open` only.

    What it needs and finds past the end of the disk is an error: there, a cut disk reads
    as zeros, and a directory of zeros is a valid empty one.
    """

    def __init__(self, disk: Disk, layout: _Layout) -> None:
        self._disk = disk
        self._layout = layout
        self._fat_block = b""
        self._fat_block_at = -1

    @classmethod
    def open(cls, disk: Disk, offset: int) -> Self | None:
        """Return the file system that starts at byte ``offset``, or None."""
        sector = disk.read(offset, BOOT_SECTOR_BYTES)
        layout = _parse_boot_sector(sector, offset)
        return None if layout is None else cls(disk, layout)

    @property
    def kind(self) -> str:
        """``FAT12``, ``FAT16`` or ``FAT32``."""
        return f"FAT{self._layout.bits}"

    @property
    def end(self) -> int:
        """The byte behind it, by its own account."""
        return self._layout.end

    @property
    def code_offset(self) -> int:
        """Where code begins in its boot sector, behind the parameters."""
        return 90 if self._layout.bits == 32 else 62

    def entries(self, *directories: str) -> Iterator[Entry]:
        """Yield what is in a directory, given by its path from the root, in capitals.

        A directory that does not exist is empty.

        Raises:
            DiskImageError: A part of it lies past the end of the disk.
        """
        found = self._read_directory(self._root())
        for name in directories:
            matches = (e for e in found if e.directory and e.known_as({name}))
            directory = next(matches, None)
            if directory is None or directory.cluster < _CLUSTER_FIRST:
                return
            found = self._read_directory(self._directory(directory.cluster))
        yield from found

    def is_whole(self, entry: Entry) -> bool:
        """Return whether a file's chain of clusters is as long as its content.

        Raises:
            DiskImageError: A part of the content lies past the end of the disk.
        """
        layout = self._layout
        count = min(-(-entry.size_bytes // layout.cluster_bytes), _FILE_CLUSTERS_MAX)
        followed = 0
        for cluster in self._chain(entry.cluster, count):
            followed += 1
            rest_bytes = entry.size_bytes - (followed - 1) * layout.cluster_bytes
            end = self._offset_of(cluster) + min(rest_bytes, layout.cluster_bytes)
            if end > self._disk.size_bytes:
                raise self._cut(f"the content of {entry.names[-1]!a}")
        return followed == count

    def head(self, entry: Entry, size_bytes: int) -> bytes:
        """Return the first bytes of a file; fewer where it or its chain is shorter."""
        wanted = min(size_bytes, entry.size_bytes)
        cluster_bytes = self._layout.cluster_bytes
        clusters = self._chain(entry.cluster, -(-wanted // cluster_bytes))
        data = b"".join(
            self._disk.read(self._offset_of(cluster), cluster_bytes)
            for cluster in clusters
        )
        return data[:wanted]

    def _root(self) -> Iterator[bytes]:
        layout = self._layout
        if layout.bits == 32:
            yield from self._directory(layout.root_cluster)
            return
        # At most 65,535 entries, just under the limit of any directory.
        for at in range(0, layout.root_bytes, MIB):
            size_bytes = min(MIB, layout.root_bytes - at)
            yield self._read(layout.root_offset + at, size_bytes, "a directory")

    def _directory(self, cluster: int) -> Iterator[bytes]:
        cluster_bytes = self._layout.cluster_bytes
        for number in self._chain(cluster, _DIRECTORY_BYTES_MAX // cluster_bytes):
            yield self._read(self._offset_of(number), cluster_bytes, "a directory")

    def _chain(self, cluster: int, count_max: int) -> Iterator[int]:
        """Yield the clusters of a chain; one that runs in a circle ends too.

        It comes back to a mark, which is set at step 1, 2, 4 and so on (Brent).
        """
        mark, mark_at = 0, 1
        for step in range(1, count_max + 1):
            known = _CLUSTER_FIRST <= cluster <= self._layout.cluster_last
            if not known or cluster == mark:
                return
            yield cluster
            if step == mark_at:
                mark, mark_at = cluster, 2 * mark_at
            cluster = self._next_cluster(cluster)

    def _offset_of(self, cluster: int) -> int:
        layout = self._layout
        return layout.data_offset + (cluster - _CLUSTER_FIRST) * layout.cluster_bytes

    def _next_cluster(self, cluster: int) -> int:
        layout = self._layout
        at = cluster * layout.bits // 8
        # Two entries of 12 bits share three bytes, so one can begin anywhere.
        block_at = at // _FAT_BLOCK_BYTES * _FAT_BLOCK_BYTES
        if block_at != self._fat_block_at:
            offset = layout.fat_offset + block_at
            self._fat_block = self._disk.read(offset, _FAT_BLOCK_BYTES + 4)
            self._fat_block_at = block_at
        if layout.fat_offset + at + -(-layout.bits // 8) > self._disk.size_bytes:
            raise self._cut("its file allocation table")
        inside = at - block_at
        value = int.from_bytes(self._fat_block[inside : inside + 4], "little")
        if layout.bits == 12:
            return (value >> 4 if cluster % 2 else value) & 0xFFF
        return value & (0xFFFF if layout.bits == 16 else 0x0FFF_FFFF)

    def _read(self, offset: int, size_bytes: int, what: str) -> bytes:
        if offset + size_bytes > self._disk.size_bytes:
            raise self._cut(what)
        return self._disk.read(offset, size_bytes)

    def _cut(self, what: str) -> DiskImageError:
        return self._disk.error(
            f"is cut short: {what} of its {self.kind} file system lies past the end",
            "copy or download it again",
        )

    def _read_directory(self, blocks: Iterable[bytes]) -> Iterator[Entry]:
        long_name = _LongName()
        for block in blocks:
            for at in range(0, len(block), _ENTRY_BYTES):
                raw = block[at : at + _ENTRY_BYTES]
                attributes = raw[11] & _ATTRIBUTES_MASK
                if raw[0] == _NAME_END:
                    return
                if raw[0] == _NAME_DELETED:
                    long_name.forget()
                elif attributes == _ATTRIBUTES_LONG_NAME:
                    long_name.add(raw)
                elif attributes & _ATTRIBUTE_VOLUME:
                    long_name.forget()
                else:
                    yield self._entry(raw, long_name.take(raw[:11]))

    def _entry(self, raw: bytes, long_name: str) -> Entry:
        cluster_high, cluster_low, size_bytes = struct.unpack_from("<H4xHI", raw, 20)
        if self._layout.bits != 32:
            cluster_high = 0  # there the field had other uses
        short_name = _short_name(raw)
        return Entry(
            names=(short_name, long_name) if long_name else (short_name,),
            directory=bool(raw[11] & _ATTRIBUTE_DIRECTORY),
            cluster=cluster_high << 16 | cluster_low,
            size_bytes=size_bytes,
        )


class _LongName:
    """Gathers a long name from the entries before the short one, last part first."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._missing = 0
        self._checksum = -1

    def forget(self) -> None:
        self._parts = []
        self._missing = 0
        self._checksum = -1

    def add(self, raw: bytes) -> None:
        number, checksum = raw[0] & ~_LONG_NAME_LAST, raw[13]
        if raw[0] & _LONG_NAME_LAST:
            self._parts, self._missing, self._checksum = [], number, checksum
        if number == 0 or number != self._missing or checksum != self._checksum:
            self.forget()
            return
        self._parts.insert(0, raw[1:11] + raw[14:26] + raw[28:32])
        self._missing -= 1

    def take(self, short: bytes) -> str:
        """Return the long name that belongs to an 8.3 name, or nothing."""
        checksum = 0
        for byte in short:
            checksum = ((checksum & 1) << 7) + (checksum >> 1) + byte & 0xFF
        ours = self._parts and not self._missing and checksum == self._checksum
        text = b"".join(self._parts).decode("utf-16-le", errors="replace")
        self.forget()
        return text.partition("\0")[0] if ours else ""


def _short_name(raw: bytes) -> str:
    # The code page is unknown, but only ASCII names matter here. The bits that show
    # "BOOT    EFI" in lower case (raw[12]) don't: letter case is not compared.
    stem = raw[0:8].decode("latin-1").rstrip(" ")
    extension = raw[8:11].decode("latin-1").rstrip(" ")
    return f"{stem}.{extension}" if extension else stem


def _parse_boot_sector(sector: bytes, offset: int) -> _Layout | None:
    """Return the layout that a boot sector describes, or None if it describes none."""
    (
        sector_bytes,
        sectors_per_cluster,
        reserved_sectors,
        fats,
        root_entries,
        sectors_16,
        media,
        fat_sectors_16,
        sectors_32,
        fat_sectors_32,
        flags,
        root_cluster,
    ) = struct.unpack_from("<HBHBHHBH8xIIH2xI", sector, 11)
    sectors = sectors_16 or sectors_32
    fat_sectors = fat_sectors_16 or fat_sectors_32
    if sector_bytes not in _SECTOR_BYTES or media not in _MEDIA:
        return None
    if sectors_per_cluster not in _SECTORS_PER_CLUSTER:
        return None
    if not (reserved_sectors and 0 < fats <= 4 and sectors and fat_sectors):
        return None
    root_bytes = root_entries * _ENTRY_BYTES
    fats_end = reserved_sectors + fats * fat_sectors
    data_sector = fats_end + -(-root_bytes // sector_bytes)
    clusters = (sectors - data_sector) // sectors_per_cluster
    if clusters < 1:
        return None
    # Linux goes by this field whatever the count of clusters, and mkfs.fat -F 32 makes
    # small FAT32 volumes. OVMF reads none below 65,525 clusters; what such an image is
    # meant for is clear all the same.
    bits = 32 if not fat_sectors_16 else 12 if clusters <= _FAT12_CLUSTERS_MAX else 16
    if (bits == 32) != (root_entries == 0):
        return None
    active_fat = flags & 0x0F if bits == 32 and flags & 0x80 else 0
    if active_fat >= fats:
        return None
    entries_in_fat = fat_sectors * sector_bytes * 8 // bits
    return _Layout(
        bits=bits,
        end=offset + sectors * sector_bytes,
        fat_offset=offset
        + (reserved_sectors + active_fat * fat_sectors) * sector_bytes,
        root_offset=offset + fats_end * sector_bytes,
        root_bytes=root_bytes,
        root_cluster=root_cluster,
        data_offset=offset + data_sector * sector_bytes,
        cluster_bytes=sectors_per_cluster * sector_bytes,
        cluster_last=min(clusters + 1, entries_in_fat - 1, _CLUSTER_LAST[bits]),
    )
