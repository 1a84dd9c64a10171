"""Where reports go, and in which format: what ``--report [FORMAT:]FILE`` means.

Imports nothing slow: ``ali-import --help`` answers before anything else loads.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

_FILE_MODE: Final = 0o666  # as for any file, less the umask

STANDARD_OUTPUT: Final = "-"


class Format(StrEnum):
    """What a report looks like; docs/reports.md shows each."""

    JSON = "json"
    IMAGES = "images"
    TFVARS = "tfvars"
    MARKDOWN = "md"
    HTML = "html"
    GITHUB_OUTPUT = "github-output"


_SUFFIXES: Final = {
    ".json": Format.JSON,
    ".tfvars": Format.TFVARS,
    ".md": Format.MARKDOWN,
    ".html": Format.HTML,
    ".htm": Format.HTML,
}

# Files that several steps of a workflow write to, one after the other, and what goes
# into them. https://docs.github.com/actions/reference/workflow-commands-for-github-actions
_RUNNERS_FILES: Final = {
    "GITHUB_STEP_SUMMARY": Format.MARKDOWN,
    "GITHUB_OUTPUT": Format.GITHUB_OUTPUT,
}


@dataclass(frozen=True, kw_only=True)
class Destination:
    """One ``--report``.

    Attributes:
        given: The argument, as it was written.
        path: The file; None for standard output.
        appended: Whether the file is the runner's, so that what is in it stays.
    """

    given: str
    format: Format
    path: Path | None
    appended: bool = False


def destination(given: str, environment: Mapping[str, str]) -> Destination:
    """Understand one ``[FORMAT:]FILE``.

    Args:
        given: The argument. A prefix counts only if it names a format.
        environment: Says which files are a workflow runner's.

    Raises:
        ValueError: It names no file, or no format can be told from it; the text says
            what to write instead.
    """
    prefix, colon, rest = given.partition(":")
    named = Format(prefix) if colon and prefix in set(Format) else None
    file = rest if named else given
    if not file:
        raise ValueError("names no file; is a shell variable not set?")
    if file == STANDARD_OUTPUT:
        if named is None:
            raise ValueError("standard output needs a format, for example json:-")
        return Destination(given=given, format=named, path=None)
    path = Path(file)
    runners = _runners_format(path, environment)
    form = named or runners or _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise ValueError(
            f"the format cannot be told from the name; write FORMAT:{file}, where FORMAT "
            f"is one of {', '.join(Format)}"
        )
    return Destination(given=given, format=form, path=path, appended=bool(runners))


def _runners_format(path: Path, environment: Mapping[str, str]) -> Format | None:
    for variable, form in _RUNNERS_FILES.items():
        owned = environment.get(variable, "")
        if owned and (same_file(path, Path(owned)) or path == Path(owned)):
            return form
    return None


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, by whatever links; not if one is missing."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


# --- writing --------------------------------------------------------------------------


def check_writable(path: Path, *, appended: bool = False) -> None:
    """Try out whether a report can be written to ``path``, leaving nothing behind.

    Raises:
        OSError: It cannot.
    """
    if _is_special(path):
        return
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory")
    if appended and path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
        return
    scratch = _scratch(path)
    os.close(_create(scratch))
    scratch.unlink()


def write(text: str, path: Path, *, appended: bool = False) -> None:
    """Write a report so that a reader sees the old file or the whole new one.

    A path that is no ordinary file (a terminal, a pipe) is simply written to.

    Args:
        text: The report; it ends with a new line.
        path: The file.
        appended: Keep what is in the file, and add to it.

    Raises:
        OSError: It cannot be written.
    """
    data = text.encode(errors="backslashreplace")
    if _is_special(path):
        path.write_bytes(data)
        return
    if appended:
        with path.open("ab") as file:
            file.write(data)
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
