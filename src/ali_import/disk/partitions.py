"""Where the partitions of a disk lie: MBR (primary and logical) and GPT.

Sources:
    UEFI Specification 2.10, chapter 5 (MBR, GPT, their checks and the backup header).
    The extended boot record has no standard; this follows what Linux and firmware read:
    https://en.wikipedia.org/wiki/Extended_boot_record
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from ali_import.disk.reader import Reader
from ali_import.units import MIB, round_up

# A table counts in the sectors of the disk it was made for, and does not say which.
SECTOR_BYTES: Final = (512, 4096)

MBR_BYTES: Final = 512
_MBR_SIGNATURE: Final = b"\x55\xaa"
_TYPE_UNUSED: Final = 0x00
_TYPE_PROTECTIVE: Final = 0xEE
_TYPES_EXTENDED: Final = frozenset({0x05, 0x0F, 0x85})
_LOGICAL_PARTITIONS_MAX: Final = 128

_GPT_SIGNATURE: Final = b"EFI PART"
_GPT_HEADER: Final = struct.Struct("<8s4sII4xQQQQ16sQIII")
_GPT_ENTRY: Final = struct.Struct("<16s16sQQ")
_GPT_ENTRY_BYTES_MIN: Final = 128
# 128 entries of 128 bytes are the rule; 32,768 of them should satisfy anybody.
_GPT_TABLE_BYTES_MAX: Final = 4 * MIB


@dataclass(frozen=True, kw_only=True)
class Mbr:
    """A master boot record.

    Attributes:
        offsets: Where primary and logical partitions start, in bytes, by every sector
            size that the table may count in.
        protective: It says only "this disk has a GPT".
    """

    offsets: tuple[int, ...]
    protective: bool


@dataclass(frozen=True, kw_only=True)
class _MbrEntry:
    kind: int
    start: int  # in sectors
    sectors: int


@dataclass(frozen=True, kw_only=True)
class _GptHeader:
    backup_lba: int
    table_lba: int
    entries: int
    entry_bytes: int
    table_crc32: int


def read_mbr(reader: Reader) -> Mbr | None:
    """Return what the master boot record says, or None if there is none.

    A FAT boot sector has the same signature, and code where the table would be, so its
    partitions are nonsense: whoever uses one must look whether something is there.
    """
    entries = _mbr_entries(reader, 0)
    if entries is None:
        return None
    kinds = {entry.kind for entry in entries} - {_TYPE_UNUSED}
    return Mbr(
        offsets=tuple(
            sector * sector_bytes
            for sector_bytes in SECTOR_BYTES
            for sector in _mbr_starts(reader, entries, sector_bytes)
        ),
        protective=kinds == {_TYPE_PROTECTIVE},
    )


def read_gpt(reader: Reader) -> tuple[int, ...] | None:
    """Return where the partitions of a GPT start, in bytes, or None if there is none.

    The header is the one in sector 1 or, where that or its table is damaged, the backup
    in the disk's last sector; signature, position and both checksums must be right.

    Raises:
        DiskImageError: A partition ends past the end of the file.
    """
    for sector_bytes in SECTOR_BYTES:
        primary = _gpt_header(reader, 1, sector_bytes)
        backup_lbas = [reader.size_bytes // sector_bytes - 1]
        if primary is not None:  # an image that grew has its backup elsewhere
            backup_lbas.insert(0, primary.backup_lba)
        backups = (_gpt_header(reader, lba, sector_bytes) for lba in backup_lbas)
        for header in chain([primary], backups):
            table = header and _gpt_table(reader, header, sector_bytes)
            if header and table:
                return tuple(_gpt_offsets(reader, header, table, sector_bytes))
    return None


def _mbr_entries(reader: Reader, offset: int) -> tuple[_MbrEntry, ...] | None:
    sector = reader.read(offset, MBR_BYTES)
    if sector[510:512] != _MBR_SIGNATURE:
        return None
    fields = struct.iter_unpack("<4xB3xII", sector[446:510])
    return tuple(
        _MbrEntry(kind=kind, start=start, sectors=sectors)
        for kind, start, sectors in fields
    )


def _mbr_starts(
    reader: Reader, entries: tuple[_MbrEntry, ...], sector_bytes: int
) -> Iterator[int]:
    """Yield the first sector of every partition, primary and logical."""
    for entry in entries:
        if entry.kind in _TYPES_EXTENDED:
            yield from _logical_starts(reader, entry.start, sector_bytes)
        elif entry.kind not in {_TYPE_UNUSED, _TYPE_PROTECTIVE} and entry.sectors:
            yield entry.start


def _logical_starts(
    reader: Reader, extended_start: int, sector_bytes: int
) -> Iterator[int]:
    """Follow the chain of extended boot records, each one partition and one link.

    A partition counts from its own record, a link from the first record. A chain that
    is too long or runs in a circle is followed for a bounded number of steps.
    """
    record_start = extended_start
    for _ in range(_LOGICAL_PARTITIONS_MAX):
        entries = _mbr_entries(reader, record_start * sector_bytes)
        if entries is None:
            return
        data, link = entries[:2]
        if data.kind != _TYPE_UNUSED and data.sectors:
            yield record_start + data.start
        if link.kind not in _TYPES_EXTENDED or not link.start:
            return
        record_start = extended_start + link.start


def _gpt_header(reader: Reader, lba: int, sector_bytes: int) -> _GptHeader | None:
    if lba < 1:
        return None
    sector = reader.read(lba * sector_bytes, sector_bytes)
    (
        signature,
        _revision,
        header_bytes,
        crc32,
        own_lba,
        backup_lba,
        _first_usable_lba,
        _last_usable_lba,
        _disk_guid,
        table_lba,
        entries,
        entry_bytes,
        table_crc32,
    ) = _GPT_HEADER.unpack_from(sector)
    if signature != _GPT_SIGNATURE or own_lba != lba:
        return None
    if not _GPT_HEADER.size <= header_bytes <= sector_bytes:
        return None
    # The checksum is computed with its own field as zero.
    checked = sector[:16] + bytes(4) + sector[20:header_bytes]
    if zlib.crc32(checked) != crc32:
        return None
    return _GptHeader(
        backup_lba=backup_lba,
        table_lba=table_lba,
        entries=entries,
        entry_bytes=entry_bytes,
        table_crc32=table_crc32,
    )


def _gpt_table(reader: Reader, header: _GptHeader, sector_bytes: int) -> bytes:
    """Return the partition entries, or nothing if they are damaged."""
    table_bytes = header.entries * header.entry_bytes
    if header.entry_bytes < _GPT_ENTRY_BYTES_MIN or header.table_lba < 1:
        return b""
    if not 0 < table_bytes <= _GPT_TABLE_BYTES_MAX:
        return b""
    offset = header.table_lba * sector_bytes
    blocks = [
        reader.read(offset + at, min(MIB, table_bytes - at))
        for at in range(0, round_up(table_bytes, MIB), MIB)
    ]
    table = b"".join(blocks)
    return table if zlib.crc32(table) == header.table_crc32 else b""


def _gpt_offsets(
    reader: Reader, header: _GptHeader, table: bytes, sector_bytes: int
) -> Iterator[int]:
    for index in range(header.entries):
        kind, _guid, first_lba, last_lba = _GPT_ENTRY.unpack_from(
            table, index * header.entry_bytes
        )
        if kind == bytes(16) or not 0 < first_lba <= last_lba:
            continue
        end = (last_lba + 1) * sector_bytes
        if end > reader.size_bytes:
            raise reader.error(
                f"is cut short: GPT partition {index + 1} ends at byte {end}, "
                f"but the file has only {reader.size_bytes}",
                "copy or download it again",
            )
        yield first_lba * sector_bytes
