"""Bounded reads of an image file, which is taken to be hostile.

Everything the inspection learns from a file passes through :class:`Reader`: explicit
offsets, a budget for the whole inspection, and never the whole file in memory. What
reads a disk takes any :class:`Disk`: the file itself where it is a raw image, else one
that finds its blocks in the file (``blocks.py``).
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from ali_import.disk.pack import Taker
from ali_import.errors import DiskImageError
from ali_import.units import MIB

HASH_BLOCK_BYTES: Final = MIB

# An honest image needs some hundred reads: the partition tables, one or two small
# directories, the FAT entries of the boot file. These leave room for a FAT directory of
# the largest size (2 MiB) on every level of several partitions, and end a hostile file's
# work within a second or two.
READS_MAX: Final = 20_000
READ_BYTES_MAX: Final = 32 * MIB
UNPACKED_BYTES_MAX: Final = 64 * MIB
_EXTENTS_MAX: Final = 10_000

_KINDS: Final = (
    (stat.S_ISDIR, "is a directory", "name the image file inside it"),
    (stat.S_ISBLK, "is a block device", "copy it to a file first, with dd"),
    (stat.S_ISCHR, "is a character device", "name a disk image file"),
    (stat.S_ISFIFO, "is a pipe", "save its content to a file first"),
    (stat.S_ISSOCK, "is a socket", "name a disk image file"),
)


class Disk(Protocol):
    """A disk, however a file holds it."""

    @property
    def size_bytes(self) -> int:
        """How large it is."""

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Return exactly that many bytes, at least 1 and at most 1 MiB.

        What lies past the end of the disk is zero.

        Raises:
            DiskImageError: The file cannot be read, is damaged there, or the budget is
                spent.
        """

    def error(self, message: str, advice: str = "") -> DiskImageError:
        """Return an error about the file, for the caller to raise."""


class Budget:
    """How much reading is left; a disk in a container has one besides its file's.

    What is read from a disk need not be read from the file: the blocks of one may be
    kept, or be nowhere.
    """

    def __init__(self) -> None:
        self.reads_left = READS_MAX
        self.bytes_left = READ_BYTES_MAX

    def spend(self, size_bytes: int) -> bool:
        """Take one read off; return whether it may be done."""
        self.reads_left -= 1
        self.bytes_left -= size_bytes
        return self.reads_left >= 0 and self.bytes_left >= 0


class Reader:
    """A regular file open for reading; made by :func:`open_image` only.

    Attributes:
        path: The file, as the user named it.
        size_bytes: Its size when it was opened.
    """

    def __init__(self, path: Path, descriptor: int, status: os.stat_result) -> None:
        self.path = path
        self.size_bytes = status.st_size
        self._descriptor = descriptor
        self._opened = status
        self._budget = Budget()
        self._unpacked_bytes_left = UNPACKED_BYTES_MAX

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Return exactly ``size_bytes`` bytes from ``offset``.

        Bytes past the end of the file are zero, as they will be on the cloud's disk,
        which is the file padded to whole GiB. So a truncated structure needs no special
        case: it is a structure full of zeros, and fails its own checks.

        Raises:
            DiskImageError: The file cannot be read, or the budget is spent.
        """
        assert offset >= 0
        assert 0 < size_bytes <= MIB
        if not self._budget.spend(size_bytes):
            raise self.too_large()
        if offset >= self.size_bytes:
            return bytes(size_bytes)
        data = self._pread(min(size_bytes, self.size_bytes - offset), offset)
        return data.ljust(size_bytes, b"\0")

    def read_all(self, offset: int, size_bytes: int) -> bytes:
        """Return as many bytes as are asked for, all of which must be in the file.

        For what a container says is there. Large ones are read in several pieces.

        Raises:
            DiskImageError: As with :meth:`read`, or the file ends before.
        """
        if offset + size_bytes > self.size_bytes:
            raise self.error(
                f"is cut short or damaged: it needs {size_bytes} bytes at byte {offset}, "
                f"and has only {self.size_bytes}",
                "copy or download it again",
            )
        ends = range(offset, offset + size_bytes, MIB)
        pieces = [self.read(at, min(MIB, offset + size_bytes - at)) for at in ends]
        return b"".join(pieces)

    def data_bytes(self) -> int | None:
        """Return how much of the file is no hole; None if it has too many to count.

        Source:
            lseek(2): SEEK_DATA, SEEK_HOLE. Where the file system knows no holes, all
            is data.
        """
        total = at = 0
        for _ in range(_EXTENTS_MAX):
            try:
                start = os.lseek(self._descriptor, at, os.SEEK_DATA)
                at = os.lseek(self._descriptor, start, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:  # no data any more
                    return total
                raise _unreadable(self.path, error) from error
            total += at - start
            if at >= self.size_bytes:
                return total
        return None

    def can_afford(self, reads: int, size_bytes: int) -> bool:
        """Return whether so much reading would leave half of the budget."""
        return (
            reads <= self._budget.reads_left - READS_MAX // 2
            and size_bytes <= self._budget.bytes_left - READ_BYTES_MAX // 2
        )

    def spend_unpacking(self, size_bytes: int) -> None:
        """Take what is about to be unpacked off the budget.

        Raises:
            DiskImageError: It is spent.
        """
        self._unpacked_bytes_left -= size_bytes
        if self._unpacked_bytes_left < 0:
            raise self.too_large()

    def sha256(self, packer: Taker | None = None) -> str:
        """Return the SHA-256 of the whole content in hexadecimal; outside the budget.

        Args:
            packer: Shown every block in passing.

        Raises:
            DiskImageError: The file cannot be read, or it changed since it was opened.
        """
        digest = hashlib.sha256()
        zeros = bytes(HASH_BLOCK_BYTES)
        offset = data_at = 0
        while offset < self.size_bytes:
            wanted = min(HASH_BLOCK_BYTES, self.size_bytes - offset)
            if offset + wanted <= data_at:  # a hole
                digest.update(zeros[:wanted])
                if packer is not None:
                    packer.skip(wanted)
                offset += wanted
                continue
            block = self._whole_block(wanted, offset)
            if len(block) < wanted:
                break  # it shrank; told below
            digest.update(block)
            if packer is not None:
                packer.update(block)
            offset += wanted
            if block == zeros[:wanted]:  # a hole may follow
                data_at = self._next_data(offset)
        now = os.fstat(self._descriptor)
        if version_of(now) != version_of(self._opened):
            raise self.error(
                "changed while it was read", "wait until its writer has finished"
            )
        return digest.hexdigest()

    def _whole_block(self, size_bytes: int, offset: int) -> bytes:
        """Read a block; one read may bring less of it."""
        block = self._pread(size_bytes, offset)
        while block and len(block) < size_bytes:
            more = self._pread(size_bytes - len(block), offset + len(block))
            if not more:
                break
            block += more
        return block

    def _next_data(self, offset: int) -> int:
        """Return where the next data of a sparse file are, from ``offset`` on.

        Source:
            lseek(2): SEEK_DATA; ENXIO says that there are none.
        """
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            return self.size_bytes if error.errno == errno.ENXIO else offset

    def error(self, message: str, advice: str = "") -> DiskImageError:
        """Return an error about this file, for the caller to raise."""
        return DiskImageError(message, path=self.path, advice=advice)

    def too_large(self) -> DiskImageError:
        """Return the error that a budget is spent, for the caller to raise."""
        return self.error(
            "its tables or directories are too large to be real",
            "check how the image was made",
        )

    def _pread(self, size_bytes: int, offset: int) -> bytes:
        try:
            return os.pread(self._descriptor, size_bytes, offset)
        except OSError as error:
            raise _unreadable(self.path, error) from error


@contextmanager
def open_image(path: Path, named: Path | None = None) -> Iterator[Reader]:
    """Open the regular, non-empty file ``path``.

    Args:
        path: The file.
        named: What it is called in errors, if not by its path.

    Raises:
        DiskImageError: It is missing, unreadable, empty, or not a regular file.
    """
    try:
        # Ask before opening: to open a device or a pipe may already do something.
        _refuse_other_kinds(path, path.stat())
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(path, error) from error
    try:
        status = os.fstat(descriptor)
        _refuse_other_kinds(path, status)
        if status.st_size == 0:
            raise DiskImageError(
                "is empty", path=path, advice="build or download it again"
            )
        yield Reader(named or path, descriptor, status)
    finally:
        os.close(descriptor)


def content_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal, read in 1 MiB blocks.

    Raises:
        DiskImageError: The file cannot be read, is empty, or changes meanwhile.
    """
    with open_image(path) as reader:
        return reader.sha256()


def version_of(status: os.stat_result) -> tuple[int, int]:
    """Return what changes when a file does."""
    return status.st_size, status.st_mtime_ns


def _refuse_other_kinds(path: Path, status: os.stat_result) -> None:
    for is_kind, message, advice in _KINDS:
        if is_kind(status.st_mode):
            raise DiskImageError(message, path=path, advice=advice)


def _unreadable(path: Path, error: OSError | ValueError) -> DiskImageError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return DiskImageError("does not exist", path=path, advice="check the file name")
    if isinstance(error, PermissionError):
        return DiskImageError(
            "may not be read (permission denied)",
            path=path,
            advice="check the permissions of the file and its directories",
        )
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return DiskImageError(
        f"cannot be read ({reason})", path=path, advice="check the file and its disk"
    )
