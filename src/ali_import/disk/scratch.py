"""Temporary files of a publication: gone when it ends, and when it was killed, too.

A file is locked for as long as its owner lives, so that whoever comes next can tell what
a killed process has left, and removes it.
"""

import fcntl
import os
import re
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

# Nobody else's files are called so: what is swept goes by its name.
_PREFIX: Final = "ali-import-"
_SUFFIX: Final = ".unpacked"
_TOKEN_BYTES: Final = 8
_NAME: Final = re.compile(rf"{_PREFIX}[0-9a-f]{{{2 * _TOKEN_BYTES}}}\{_SUFFIX}")
_TRIES_MAX: Final = 8


def _directory() -> Path:
    """Return ``TMPDIR``, where it is set, even if it does not exist.

    Python would silently take another, which may be too small, or others' to see.
    """
    return Path(os.environ.get("TMPDIR") or tempfile.gettempdir())


class ScratchClosedError(Exception):
    """The publication is over: nothing more is to be written."""


class Scratch:
    """The temporary files of one publication, in ``TMPDIR``.

    Threads may ask for files, and whoever ends the publication closes it, from any
    thread.

    Attributes:
        closed: Whether the publication is over.
    """

    def __init__(self) -> None:
        self._files: dict[Path, int] = {}
        self.closed = False

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return _directory()

    def create(self) -> tuple[Path, int]:
        """Make an empty file, and return it with a descriptor for the caller to close.

        Raises:
            OSError: It cannot be made.
            ScratchClosedError: The publication is over.
        """
        for _ in range(_TRIES_MAX):
            token = secrets.token_hex(_TOKEN_BYTES)
            path = self.directory / f"{_PREFIX}{token}{_SUFFIX}"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            # Another process may have swept it before it was locked.
            if _lock(descriptor) and _is(path, descriptor):
                theirs = os.dup(descriptor)
                self._files[path] = descriptor
                if self.closed:  # while it was made
                    os.close(theirs)
                    self.close()
                    raise ScratchClosedError
                return path, theirs
            os.close(descriptor)
        raise OSError(f"no file can be locked in {self.directory}")

    def close(self) -> None:
        """Remove every file; twice does no harm.

        A thread that still writes to one writes to a file without a name, whose space is
        free when the thread ends.
        """
        self.closed = True
        while self._files:
            path, descriptor = self._files.popitem()
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)


def sweep() -> None:
    """Remove the temporary files of processes that are dead, as far as they are ours."""
    with suppress(OSError):
        for path in _directory().glob(f"{_PREFIX}*{_SUFFIX}"):
            with suppress(OSError):
                if _NAME.fullmatch(path.name):
                    _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if ours and _lock(descriptor) and _is(path, descriptor):
            path.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file, unless somebody else has; the lock ends with its owner."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is(path: Path, descriptor: int) -> bool:
    """Whether a file still has its name."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except OSError:
        return False
