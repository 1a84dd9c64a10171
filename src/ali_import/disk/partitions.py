"""Where the partitions of a disk lie: MBR (primary and logical) and GPT.

Sources:
    UEFI Specification 2.10, chapter 5 (MBR, GPT, their checks and the backup header).
    The extended boot record has no standard; this follows what Linux and firmware read:
    https://en.wikipedia.org/wiki/Extended_boot_record
"""

import struct
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from ali_import.disk.reader import Disk
from ali_import.errors import DiskImageError
from ali_import.units import MIB, round_up

# A table counts in the sectors of the disk it was made for, and does not say which.
# The cloud's disks have sectors of 512 bytes.
SECTOR_BYTES: Final = 512
SECTOR_BYTES_OTHER: Final = 4096

MBR_BYTES: Final = 512
_MBR_SIGNATURE: Final = b"\x55\xaa"
_MBR_STATUS: Final = frozenset({0x00, 0x80})
_TYPE_UNUSED: Final = 0x00
_TYPE_PROTECTIVE: Final = 0xEE
_TYPES_EXTENDED: Final = frozenset({0x05, 0x0F, 0x85})
_LOGICAL_PARTITIONS_MAX: Final = 128

_GPT_SIGNATURE: Final = b"EFI PART"
_GPT_HEADER: Final = struct.Struct("<8s4sII4xQQQQ16sQIII")
_GPT_ENTRY: Final = struct.Struct("<16s16sQQQ72s")
_GPT_ENTRY_BYTES_MIN: Final = 128
# 128 entries of 128 bytes are the rule; 32,768 of them should satisfy anybody.
_GPT_TABLE_BYTES_MAX: Final = 4 * MIB

EFI_SYSTEM: Final = frozenset({"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0xef"})
BIOS_BOOT: Final = "21686148-6449-6e6f-744e-656564454649"
KIND_NAMES: Final = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    BIOS_BOOT: "BIOS boot",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "Linux root (arm64)",
    "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux extended boot",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "9e1a2d38-c612-4316-aa26-8b49521e5a8b": "PReP boot",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "basic data",
    "0x01": "FAT12",
    "0x04": "FAT16",
    "0x06": "FAT16",
    "0x07": "NTFS",
    "0x0b": "FAT32",
    "0x0c": "FAT32",
    "0x0e": "FAT16",
    "0x17": "hidden",
    "0x82": "Linux swap",
    "0x83": "Linux",
    "0x8e": "Linux LVM",
    "0xef": "EFI system",
}
"""What the types of partitions are called, by :attr:`Partition.kind`; not all."""


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition of an MBR or a GPT.

    Attributes:
        number: As other tools count, from 1; logical partitions from 5.
        kind: Its type: a GUID, or a byte as ``0x0c``.
        name: Its name; MBR partitions have none.
        offset: Where it starts, in bytes.
        size_bytes: How long it is.
    """

    number: int
    kind: str
    name: str
    offset: int
    size_bytes: int

    @property
    def kind_name(self) -> str:
        """What its type is called, or "" if nobody here knows."""
        return KIND_NAMES.get(self.kind, "")


@dataclass(frozen=True, kw_only=True)
class Mbr:
    """A master boot record.

    Attributes:
        partitions: Primary and logical ones.
        protective: It says only "this disk has a GPT".
    """

    partitions: tuple[Partition, ...]
    protective: bool


@dataclass(frozen=True, kw_only=True)
class Gpt:
    """A GUID partition table.

    Attributes:
        sector_bytes: The sectors that it counts.
        partitions: What it holds.
        warnings: What is odd about its copies.
    """

    sector_bytes: int
    partitions: tuple[Partition, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _MbrEntry:
    status: int
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


def read_mbr(disk: Disk, sector_bytes: int = SECTOR_BYTES) -> Mbr | None:
    """Return what the master boot record says, or None if there is none.

    A FAT boot sector has the same signature, and code where the table would be, so its
    partitions are nonsense: whoever uses one must look whether something is there, and
    ask :func:`refuse_cut_mbr` only where sector 0 is no such boot sector.
    """
    entries = _mbr_entries(disk, 0)
    if entries is None:
        return None
    kinds = {entry.kind for entry in entries} - {_TYPE_UNUSED}
    return Mbr(
        partitions=tuple(_mbr_partitions(disk, entries, sector_bytes)),
        protective=kinds == {_TYPE_PROTECTIVE},
    )


def guards_gpt(disk: Disk) -> bool:
    """Return whether firmware reads a GPT on this disk.

    EDK II wants to see an MBR entry of type EE that starts at sector 1. It asks neither
    for the signature of the MBR nor whether the entry is marked active (tried with
    OVMF 2022.11).
    """
    return any(
        entry.kind == _TYPE_PROTECTIVE and entry.start == 1
        for entry in _entries(disk.read(0, MBR_BYTES))
    )


def refuse_cut_mbr(disk: Disk) -> tuple[str, ...]:
    """Return a warning for every MBR partition that ends past the end of the disk.

    Raises:
        DiskImageError: One starts there, or the record of a logical one is there.
    """
    entries = _mbr_entries(disk, 0)
    if entries is None or any(entry.status not in _MBR_STATUS for entry in entries):
        return ()  # code, not a table: Linux asks the same question
    for number, entry in enumerate(entries, start=1):
        used = entry.kind not in {_TYPE_UNUSED, _TYPE_PROTECTIVE} and entry.sectors
        if used and entry.start * SECTOR_BYTES >= disk.size_bytes:
            raise _starts_past_the_end(disk, number, entry.start * SECTOR_BYTES)
    for record_start in _records(disk, entries, SECTOR_BYTES):
        if record_start * SECTOR_BYTES >= disk.size_bytes:
            raise disk.error(
                "is cut short: the record of a logical partition lies at byte "
                f"{record_start * SECTOR_BYTES}, but the disk has only "
                f"{disk.size_bytes}",
                "copy or download it again",
            )
    warnings = []
    for partition in _mbr_partitions(disk, entries, SECTOR_BYTES):
        if partition.offset >= disk.size_bytes:
            raise _starts_past_the_end(disk, partition.number, partition.offset)
        end = partition.offset + partition.size_bytes
        if end > disk.size_bytes:
            warnings.append(
                f"MBR partition {partition.number} ends at byte {end}, but the disk has "
                f"only {disk.size_bytes}: it may be cut short"
            )
    return tuple(warnings)


def read_gpt(disk: Disk) -> Gpt | None:
    """Return the GUID partition table, or None if there is none.

    The header is the one in sector 1 or, where that or its table is damaged, the backup
    in the disk's last sector; signature, position and both checksums must be right.

    Raises:
        DiskImageError: A partition ends past the end of the disk. A GPT ends with its
            backup, behind all partitions, so such a disk was surely cut.
    """
    for sector_bytes in (SECTOR_BYTES, SECTOR_BYTES_OTHER):
        primary = _gpt_header(disk, 1, sector_bytes)
        last_lba = disk.size_bytes // sector_bytes - 1
        backup_lbas = [last_lba]
        if primary is not None:  # an image that grew has its backup elsewhere
            backup_lbas.insert(0, primary.backup_lba)
        backups = (
            (lba, _gpt_header(disk, lba, sector_bytes))
            for lba in dict.fromkeys(backup_lbas)
        )
        for lba, header in chain([(1, primary)], backups):
            table = header and _gpt_table(disk, header, sector_bytes)
            if header and table:
                return Gpt(
                    sector_bytes=sector_bytes,
                    partitions=tuple(
                        _gpt_partitions(disk, header, table, sector_bytes)
                    ),
                    warnings=tuple(_gpt_oddities(disk, header, lba, sector_bytes)),
                )
    return None


def _starts_past_the_end(disk: Disk, number: int, offset: int) -> DiskImageError:
    return disk.error(
        f"is cut short: MBR partition {number} starts at byte {offset}, but the disk "
        f"has only {disk.size_bytes}",
        "copy or download it again",
    )


def _mbr_entries(disk: Disk, offset: int) -> tuple[_MbrEntry, ...] | None:
    sector = disk.read(offset, MBR_BYTES)
    return _entries(sector) if sector[510:512] == _MBR_SIGNATURE else None


def _entries(sector: bytes) -> tuple[_MbrEntry, ...]:
    fields = struct.iter_unpack("<B3xB3xII", sector[446:510])
    return tuple(
        _MbrEntry(status=status, kind=kind, start=start, sectors=sectors)
        for status, kind, start, sectors in fields
    )


def _mbr_partitions(
    disk: Disk, entries: tuple[_MbrEntry, ...], sector_bytes: int
) -> Iterator[Partition]:
    """Yield every partition, primary, then logical."""

    def partition(number: int, entry: _MbrEntry, base: int) -> Partition:
        return Partition(
            number=number,
            kind=f"0x{entry.kind:02x}",
            name="",
            offset=(base + entry.start) * sector_bytes,
            size_bytes=entry.sectors * sector_bytes,
        )

    for number, entry in enumerate(entries, start=1):
        other = {_TYPE_UNUSED, _TYPE_PROTECTIVE} | _TYPES_EXTENDED
        if entry.kind not in other and entry.sectors:
            yield partition(number, entry, 0)
    number = 5
    for record_start in _records(disk, entries, sector_bytes):
        record = _mbr_entries(disk, record_start * sector_bytes)
        if record and record[0].kind != _TYPE_UNUSED and record[0].sectors:
            yield partition(number, record[0], record_start)
            number += 1


def _records(
    disk: Disk, entries: tuple[_MbrEntry, ...], sector_bytes: int
) -> Iterator[int]:
    """Yield the sector of every extended boot record: one partition and one link each.

    A partition counts from its own record, a link from the first record. A chain that
    is too long or runs in a circle is followed for a bounded number of steps.
    """
    for extended in entries:
        if extended.kind not in _TYPES_EXTENDED:
            continue
        record_start = extended.start
        for _ in range(_LOGICAL_PARTITIONS_MAX):
            yield record_start
            record = _mbr_entries(disk, record_start * sector_bytes)
            if record is None:
                break
            link = record[1]
            if link.kind not in _TYPES_EXTENDED or not link.start:
                break
            record_start = extended.start + link.start


def _gpt_header(disk: Disk, lba: int, sector_bytes: int) -> _GptHeader | None:
    if lba < 1:
        return None
    sector = disk.read(lba * sector_bytes, sector_bytes)
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


def _gpt_table(disk: Disk, header: _GptHeader, sector_bytes: int) -> bytes:
    """Return the partition entries, or nothing if they are damaged."""
    table_bytes = header.entries * header.entry_bytes
    if header.entry_bytes < _GPT_ENTRY_BYTES_MIN or header.table_lba < 1:
        return b""
    if not 0 < table_bytes <= _GPT_TABLE_BYTES_MAX:
        return b""
    offset = header.table_lba * sector_bytes
    blocks = [
        disk.read(offset + at, min(MIB, table_bytes - at))
        for at in range(0, round_up(table_bytes, MIB), MIB)
    ]
    table = b"".join(blocks)
    return table if zlib.crc32(table) == header.table_crc32 else b""


def _gpt_partitions(
    disk: Disk, header: _GptHeader, table: bytes, sector_bytes: int
) -> Iterator[Partition]:
    for index in range(header.entries):
        kind, _guid, first_lba, last_lba, _attributes, name = _GPT_ENTRY.unpack_from(
            table, index * header.entry_bytes
        )
        if kind == bytes(16) or not 0 < first_lba <= last_lba:
            continue
        end = (last_lba + 1) * sector_bytes
        if end > disk.size_bytes:
            raise disk.error(
                f"is cut short: GPT partition {index + 1} ends at byte {end}, "
                f"but the disk has only {disk.size_bytes}",
                "copy or download it again",
            )
        text = name.decode("utf-16-le", errors="replace").partition("\0")[0]
        yield Partition(
            number=index + 1,
            kind=str(uuid.UUID(bytes_le=kind)),
            name=text,
            offset=first_lba * sector_bytes,
            size_bytes=end - first_lba * sector_bytes,
        )


def _gpt_oddities(
    disk: Disk, header: _GptHeader, lba: int, sector_bytes: int
) -> Iterator[str]:
    """Yield warnings about the copies of the table; ``lba`` is where the used one is."""
    if lba != 1:
        yield (
            "the GPT at the start of the disk is damaged; firmware finds the backup at "
            "its end only if the disk's size is whole GiB (sgdisk --load-backup repairs)"
        )
        return
    backup = _gpt_header(disk, header.backup_lba, sector_bytes)
    if backup is None or not _gpt_table(disk, backup, sector_bytes):
        yield "the backup GPT is missing or damaged (sgdisk -e rewrites it)"
    elif header.backup_lba != disk.size_bytes // sector_bytes - 1:
        yield "the backup GPT is not at the end of the disk (sgdisk -e moves it there)"
