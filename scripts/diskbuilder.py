"""Builds small partitioned disks from scratch, for the demo and the tests only.

The same input gives the same bytes: no clock, no chance. It shares no code with the
inspection in ``ali_import.disk``, so that neither can hide the other's mistakes; the
tests show its work to gdisk and fdisk too.

Source:
    UEFI Specification 2.10, chapter 5.
"""

import struct
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

KIB: Final = 1024

EFI_SYSTEM_GUID: Final = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
LINUX_DATA_GUID: Final = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
_OUR_NAMESPACE: Final = uuid.UUID("5b1f5a52-66c4-5e7e-9d3e-5a0d8a0f7e11")

MBR_TYPE_FAT: Final = 0x0C
MBR_TYPE_EFI: Final = 0xEF
_MBR_TYPE_EXTENDED: Final = 0x0F
_MBR_TYPE_PROTECTIVE: Final = 0xEE


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A partition to be: its content and its number.

    Attributes:
        number: On an MBR disk, 1 to 4 are primary and from 5 on logical partitions.
        mbr_type: Its type on an MBR disk.
        gpt_type: Its type on a GPT disk.
    """

    content: bytes
    number: int = 1
    mbr_type: int = MBR_TYPE_EFI
    gpt_type: uuid.UUID = EFI_SYSTEM_GUID


def mbr_disk(
    slots: Sequence[Slot],
    *,
    sector_bytes: int = 512,
    align_bytes: int = 64 * KIB,
    boot_code: bytes = b"",
) -> bytes:
    """Return a disk with a master boot record; logical partitions must come last."""
    step = align_bytes // sector_bytes
    disk = bytearray(align_bytes)
    table: dict[int, bytes] = {}
    record_at = extended_at = 0  # in sectors; of the current and the first record
    for slot in slots:
        content = _whole(slot.content, align_bytes)
        sectors = len(content) // sector_bytes
        if slot.number <= 4:
            start = len(disk) // sector_bytes
            table[slot.number] = _mbr_entry(slot.mbr_type, start, sectors)
            disk += content
            continue
        here = len(disk) // sector_bytes
        if not extended_at:
            extended_at = here
        else:  # link the record before to this one
            link = _mbr_entry(_MBR_TYPE_EXTENDED, here - extended_at, step + sectors)
            at = record_at * sector_bytes + 446 + 16
            disk[at : at + 16] = link
        record_at = here
        record = _boot_record({1: _mbr_entry(slot.mbr_type, step, sectors)}, b"")
        disk += record.ljust(align_bytes, b"\0") + content
    if extended_at:
        free = next(number for number in (4, 3, 2, 1) if number not in table)
        sectors = len(disk) // sector_bytes - extended_at
        table[free] = _mbr_entry(_MBR_TYPE_EXTENDED, extended_at, sectors)
    disk[:512] = _boot_record(table, boot_code)
    return bytes(disk)


def gpt_disk(
    slots: Sequence[Slot],
    *,
    sector_bytes: int = 512,
    align_bytes: int = 64 * KIB,
    entries: int = 128,
    boot_code: bytes = b"",
) -> bytes:
    """Return a disk with a GUID partition table, its backup and a protective MBR."""
    table_bytes = _divide_up(entries * 128, sector_bytes) * sector_bytes
    disk = bytearray(
        _divide_up(2 * sector_bytes + table_bytes, align_bytes) * align_bytes
    )
    table = bytearray(entries * 128)
    for slot in slots:
        content = _whole(slot.content, align_bytes)
        entry = struct.pack(
            "<16s16sQQQ72s",
            slot.gpt_type.bytes_le,
            uuid.uuid5(_OUR_NAMESPACE, f"partition {slot.number}").bytes_le,
            len(disk) // sector_bytes,
            (len(disk) + len(content)) // sector_bytes - 1,
            0,
            f"partition {slot.number}".encode("utf-16-le"),
        )
        table[(slot.number - 1) * 128 : slot.number * 128] = entry
        disk += content
    disk += bytes(_divide_up(table_bytes + sector_bytes, align_bytes) * align_bytes)
    last_lba = len(disk) // sector_bytes - 1
    backup_table_lba = last_lba - table_bytes // sector_bytes
    usable = 2 + table_bytes // sector_bytes, backup_table_lba - 1
    guid = uuid.uuid5(_OUR_NAMESPACE, "disk").bytes_le
    table_crc32 = zlib.crc32(table)
    for lba, other_lba, table_lba in (
        (1, last_lba, 2),
        (last_lba, 1, backup_table_lba),
    ):
        fields = (lba, other_lba, *usable, guid, table_lba, entries, 128, table_crc32)
        header = _gpt_header(fields)
        disk[lba * sector_bytes : lba * sector_bytes + len(header)] = header
        disk[table_lba * sector_bytes : table_lba * sector_bytes + len(table)] = table
    protective = _mbr_entry(_MBR_TYPE_PROTECTIVE, 1, last_lba, active=False)
    disk[:512] = _boot_record({1: protective}, boot_code)
    return bytes(disk)


def _gpt_header(fields: tuple[int | bytes, ...]) -> bytes:
    """Return a header with the right checksum, which counts its own field as zero."""
    header = bytearray(
        struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, *fields)
    )
    struct.pack_into("<I", header, 16, zlib.crc32(header))
    return bytes(header)


def _mbr_entry(kind: int, start: int, sectors: int, *, active: bool = True) -> bytes:
    # The cylinder numbers say "beyond what they can say".
    status = 0x80 if active and kind != _MBR_TYPE_EXTENDED else 0
    far = b"\xfe\xff\xff"
    return struct.pack("<B3sB3sII", status, far, kind, far, start, sectors)


def _boot_record(table: Mapping[int, bytes], boot_code: bytes) -> bytes:
    assert len(boot_code) <= 440
    entries = (table.get(number, bytes(16)) for number in range(1, 5))
    return boot_code.ljust(446, b"\0") + b"".join(entries) + b"\x55\xaa"


def _whole(content: bytes, align_bytes: int) -> bytes:
    return content.ljust(_divide_up(len(content), align_bytes) * align_bytes, b"\0")


def _divide_up(value: int, divisor: int) -> int:
    return -(-value // divisor)
