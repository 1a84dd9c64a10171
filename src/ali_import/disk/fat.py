"""Reading directories of a FAT12, FAT16 or FAT32 file system.

Only what is needed to answer "is there a file of that name, with content". All numbers
come from a hostile file: every chain and every directory has a bound.

Source:
    Microsoft, "FAT: General Overview of On-Disk Format", version 1.03, 6 December 2000.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

from ali_import.disk.reader import Reader
from ali_import.units import MIB

BOOT_SECTOR_BYTES: Final = 512

# The specification's own limit: 65,536 entries of 32 bytes.
_DIRECTORY_BYTES_MAX: Final = 2 * MIB
_ENTRY_BYTES: Final = 32

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

    def is_called(self, name: str) -> bool:
        """Return whether a name is ``name``, which is ASCII, in any letter case.

        Only ASCII counts, since elsewhere upper case merges what firmware keeps apart:
        the ligature U+FB01 becomes "FI".
        """
        return any(own.isascii() and own.upper() == name.upper() for own in self.names)


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where things lie, in bytes from the start of the disk."""

    bits: int
    fat_offset: int
    root_offset: int  # FAT12 and FAT16 only
    root_bytes: int
    root_cluster: int  # FAT32 only
    data_offset: int
    cluster_bytes: int
    cluster_last: int


class FatVolume:
    """A FAT file system; made by :meth:`open` only."""

    def __init__(self, reader: Reader, layout: _Layout) -> None:
        self._reader = reader
        self._layout = layout

    @classmethod
    def open(cls, reader: Reader, offset: int) -> Self | None:
        """Return the file system that starts at byte ``offset``, or None."""
        sector = reader.read(offset, BOOT_SECTOR_BYTES)
        layout = _parse_boot_sector(sector, offset)
        return None if layout is None else cls(reader, layout)

    def entries(self, *directories: str) -> Iterator[Entry]:
        """Yield what is in a directory, given by its path from the root.

        A directory that does not exist is empty.
        """
        found = self._read_directory(self._root())
        for name in directories:
            matches = (e for e in found if e.directory and e.is_called(name))
            directory = next(matches, None)
            if directory is None or directory.cluster < _CLUSTER_FIRST:
                return
            found = self._read_directory(self._clusters(directory.cluster))
        yield from found

    def has_content(self, entry: Entry) -> bool:
        """Return whether an entry is a file with at least one byte, really there.

        Raises:
            DiskImageError: Its content would begin past the end of the file.
        """
        known = _CLUSTER_FIRST <= entry.cluster <= self._layout.cluster_last
        if entry.directory or not entry.size_bytes or not known:
            return False
        if self._offset_of(entry.cluster) >= self._reader.size_bytes:
            raise self._reader.error(
                f"is cut short: the content of {entry.names[-1]!r} is missing",
                "copy or download it again",
            )
        return True

    def _root(self) -> Iterator[bytes]:
        layout = self._layout
        if layout.bits == 32:
            yield from self._clusters(layout.root_cluster)
            return
        # At most 65,535 entries, just under the limit of any directory.
        for at in range(0, layout.root_bytes, MIB):
            size_bytes = min(MIB, layout.root_bytes - at)
            yield self._reader.read(layout.root_offset + at, size_bytes)

    def _clusters(self, cluster: int) -> Iterator[bytes]:
        """Yield the content of a directory's chain; a chain in a circle ends too."""
        layout = self._layout
        for _ in range(_DIRECTORY_BYTES_MAX // layout.cluster_bytes):
            if not _CLUSTER_FIRST <= cluster <= layout.cluster_last:
                return
            yield self._reader.read(self._offset_of(cluster), layout.cluster_bytes)
            cluster = self._next_cluster(cluster)

    def _offset_of(self, cluster: int) -> int:
        layout = self._layout
        return layout.data_offset + (cluster - _CLUSTER_FIRST) * layout.cluster_bytes

    def _next_cluster(self, cluster: int) -> int:
        layout = self._layout
        offset = layout.fat_offset + cluster * layout.bits // 8
        value = int.from_bytes(self._reader.read(offset, 4), "little")
        if layout.bits == 12:  # two entries share three bytes
            return (value >> 4 if cluster % 2 else value) & 0xFFF
        return value & (0xFFFF if layout.bits == 16 else 0x0FFF_FFFF)

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
        fat_offset=offset
        + (reserved_sectors + active_fat * fat_sectors) * sector_bytes,
        root_offset=offset + fats_end * sector_bytes,
        root_bytes=root_bytes,
        root_cluster=root_cluster,
        data_offset=offset + data_sector * sector_bytes,
        cluster_bytes=sectors_per_cluster * sector_bytes,
        cluster_last=min(clusters + 1, entries_in_fat - 1, _CLUSTER_LAST[bits]),
    )
