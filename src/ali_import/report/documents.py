"""The report as JSON, for programs; docs/report.md describes every field.

Stable: within one ``schema`` number fields are added, never changed or removed.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ali_import import __version__
from ali_import.publish.model import Leftover, Outcome, Report, Result, Target
from ali_import.redaction import Redactor, with_bytes
from ali_import.report.lines import moment, stands

SCHEMA: Final = 1

_FILE_MODE: Final = 0o666  # as for any file, less the umask


def as_json(
    report: Report,
    targets: Sequence[Target],
    *,
    exit_status: int,
    started_at: float,
    redactor: Redactor,
) -> dict[str, Any]:
    """Return the document.

    Args:
        report: How the run ended.
        targets: What it was to publish.
        exit_status: What the command exits with.
        started_at: When it began, Unix time in seconds.
        redactor: For texts that come from the cloud.
    """
    return {
        "schema": SCHEMA,
        "tool": {"name": "ali-import", "version": __version__},
        "run_id": report.run_id,
        "started_at": moment(started_at),
        "seconds": round(report.seconds, 3),
        "exit_status": exit_status,
        "interrupted": report.interrupted,
        "timed_out": report.timed_out,
        "calls": report.calls,
        "retries": report.retries,
        "counts": {
            result.value: sum(outcome.result is result for outcome in report.outcomes)
            for result in Result
        },
        "images": [_image(target) for target in targets],
        "placements": [_placement(outcome, redactor) for outcome in report.outcomes],
        "leftovers": [_leftover(leftover, redactor) for leftover in report.leftovers],
    }


def check_writable(path: Path) -> None:
    """Try out whether a report can be written to ``path``, leaving nothing behind.

    Raises:
        OSError: It cannot.
    """
    if _is_special(path):
        return
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory")
    scratch = _scratch(path)
    os.close(_create(scratch))
    scratch.unlink()


def write(document: dict[str, Any], path: Path) -> None:
    """Write the document so that a reader sees the old file or the whole new one.

    A path that is no ordinary file (a terminal, a pipe) is simply written to.

    Raises:
        OSError: It cannot be written.
    """
    data = (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
    if _is_special(path):
        path.write_bytes(data)
        return
    scratch = _scratch(path)
    descriptor = _create(scratch)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        scratch.replace(path.resolve())
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _scratch(path: Path) -> Path:
    """Return a name beside the file itself (not beside a link to it)."""
    real = path.resolve()
    return real.with_name(f".{real.name}.{os.getpid()}.tmp")


def _create(scratch: Path) -> int:
    scratch.unlink(missing_ok=True)  # of a dead process that had our id
    return os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)


def _image(target: Target) -> dict[str, Any]:
    image = target.image
    return {
        "path": with_bytes(str(image.path)),
        "name": target.name,
        "family": target.family,
        "format": image.format,
        "architecture": image.architecture.value if image.architecture else None,
        "boot_mode": image.boot_mode.value,
        "uefi_preferred": image.uefi_preferred,
        "size_gib": image.size_gib,
        "file_bytes": image.file_bytes,
        "virtual_bytes": image.virtual_bytes,
        "sha256": image.sha256,
    }


def _placement(outcome: Outcome, redactor: Redactor) -> dict[str, Any]:
    return {
        "region": outcome.region,
        "name": outcome.name,
        "family": outcome.family,
        "result": outcome.result.value,
        "image_id": outcome.image_id or None,
        "published": stands(outcome),
        "route": outcome.route.value if outcome.route else None,
        "step": outcome.step.value,
        "code": outcome.code or None,
        "message": redactor.line(outcome.message) or None,
        "request_id": outcome.request_id or None,
        "advice": redactor.line(outcome.advice) or None,
        "seconds": round(outcome.seconds, 3),
    }


def _leftover(leftover: Leftover, redactor: Redactor) -> dict[str, Any]:
    return {
        "region": leftover.region,
        "kind": leftover.kind,
        "name": leftover.name,
        "run_id": leftover.run_id or None,
        "expires_at": moment(leftover.expires_at) or None,
        "detail": redactor.line(leftover.detail) or None,
    }
