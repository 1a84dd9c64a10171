"""What was found in a disk image, for people and for programs (docs/images.md)."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from ali_import import __version__
from ali_import.disk import Inspection
from ali_import.disk.boot import Refusal
from ali_import.disk.efi import EfiProgram
from ali_import.disk.partitions import Partition
from ali_import.errors import DiskImageError
from ali_import.redaction import one_line, with_bytes
from ali_import.report.lines import joined
from ali_import.units import sized

SCHEMA: Final = 1

_LABEL_WIDTH: Final = 12


# --- for people -----------------------------------------------------------------------


def lines(found: Inspection | DiskImageError) -> Iterator[str]:
    """Yield the lines about one file; none if it is no disk image."""
    if isinstance(found, DiskImageError):
        return
    yield one_line(
        f"{found.path}: {joined(found.format, found.details, separator=', ')}"
    )
    for label, text in _rows(found):
        yield f"  {label:<{_LABEL_WIDTH}}{one_line(text)}"


def _rows(found: Inspection) -> Iterator[tuple[str, str]]:
    boot = found.boot
    data = found.data_bytes
    told = (
        "unknown, too much to read"
        if data is None
        else f"{sized(data)} ({data:,} bytes)"
    )
    yield "disk", f"{sized(found.virtual_bytes)} ({found.virtual_bytes:,} bytes)"
    yield "data", told
    table = f"{boot.table}, sectors of {boot.sector_bytes} bytes" if boot.table else ""
    yield "partitions", table or "none: the disk is one volume, or empty"
    for partition in boot.partitions:
        yield "", _partition(partition)
    label = "boots"
    for text in _evidence(found):
        yield label, text
        label = ""
    if found.refusals:
        for refusal in found.refusals:
            yield "refused", f"{refusal.message}; {refusal.advice}"
    else:
        yield "published", _published(found)
    for warning in found.warnings:
        yield "warning", warning


def _partition(partition: Partition) -> str:
    kind = joined(partition.kind_name, partition.kind, separator=", ")
    name = f" {partition.name!r}" if partition.name else ""
    return (
        f"{partition.number}: {sized(partition.size_bytes)} at {sized(partition.offset)}"
        f", {kind}{name}"
    )


def _evidence(found: Inspection) -> Iterator[str]:
    boot = found.boot
    for program in boot.programs:
        where = f" of partition {program.partition}" if program.partition else ""
        signed = "signed" if program.signed else "not signed for Secure Boot"
        yield f"{program.path}{where}: {program.machine}, {program.problem or signed}"
    if boot.bios_code:
        yield "BIOS code in the first sector"
    if boot.el_torito:
        yield f"El Torito, from a CD only: {', '.join(boot.el_torito)}"
    if not (boot.programs or boot.bios_code or boot.el_torito):
        yield "nothing that was found"


def _published(found: Inspection) -> str:
    machine = found.architecture or "x86_64 and arm64"
    suffix = f", names end with {found.suffix}" if found.suffix else ""
    return f"{found.format}, {found.boot_mode}, {machine}, {found.size_gib} GiB{suffix}"


# --- for programs ---------------------------------------------------------------------


def as_json(found: Sequence[Inspection | DiskImageError]) -> dict[str, Any]:
    """Return the document about all files, in their order."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "ali-import", "version": __version__},
        "files": [
            _error(each) if isinstance(each, DiskImageError) else _file(each)
            for each in found
        ],
    }


def _error(error: DiskImageError) -> dict[str, Any]:
    return {
        "path": with_bytes(str(error.path)),
        "error": error.message.removeprefix(f"{error.path}: "),
        "advice": error.advice or None,
    }


def _file(found: Inspection) -> dict[str, Any]:
    boot = found.boot
    return {
        "path": with_bytes(str(found.path)),
        "error": None,
        "format": found.format.value,
        "details": found.details or None,
        "file_bytes": found.file_bytes,
        "virtual_bytes": found.virtual_bytes,
        "data_bytes": found.data_bytes,
        "table": boot.table or None,
        "sector_bytes": boot.sector_bytes,
        "partitions": [_partition_row(partition) for partition in boot.partitions],
        "efi_programs": [_program(program) for program in boot.programs],
        "bios_code": boot.bios_code,
        "el_torito": list(boot.el_torito),
        "boot_mode": found.boot_mode.value if found.boot_mode else None,
        "architecture": found.architecture.value if found.architecture else None,
        "suffix": found.suffix,
        "size_gib": found.size_gib,
        "warnings": list(found.warnings),
        "refusals": [_refusal(refusal) for refusal in found.refusals],
    }


def _partition_row(partition: Partition) -> dict[str, Any]:
    return {
        "number": partition.number,
        "type": partition.kind,
        "type_name": partition.kind_name or None,
        "name": partition.name or None,
        "offset": partition.offset,
        "size_bytes": partition.size_bytes,
    }


def _program(program: EfiProgram) -> dict[str, Any]:
    return {
        "path": program.path,
        "partition": program.partition or None,
        "machine": program.machine,
        "signed": program.signed,
        "problem": program.problem or None,
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "message": refusal.message,
        "advice": refusal.advice,
        "overrulable": refusal.overrulable,
    }
