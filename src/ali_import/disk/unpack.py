"""Compressed images, and images on a pipe: written to a temporary file as they are read.

Zeros become holes, so that what counts is the data. There is no bound on how much more
comes out than goes in: a disk of 40 GiB of zeros is some kB in bzip2, and an honest one.

Sources:
    RFC 1952 (gzip), RFC 8878 (zstd), https://tukaani.org/xz/xz-file-format.txt
"""

import bz2
import errno
import hashlib
import lzma
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ali_import.disk.reader import version_of
from ali_import.disk.scratch import Scratch, ScratchClosedError
from ali_import.errors import DiskImageError
from ali_import.units import GIB, MIB, TIB, sized

UNPACKED_BYTES_MAX: Final = 2 * TIB
FREE_BYTES_MIN: Final = GIB
_READ_BYTES: Final = MIB
_BLOCK_BYTES: Final = 64 * 1024
_ZEROS: Final = bytes(_READ_BYTES)
_TOLD_EVERY_BYTES: Final = 64 * MIB
_GZIP: Final = 31
# What the tools' strongest ordinary settings need (xz -9: 65 MiB, zstd --ultra: 128 MiB).
_MEMORY_BYTES_MAX: Final = 128 * MIB
_ZSTD_WINDOW_LOG_MAX: Final = 27

Progress = Callable[[int], None]
"""Told now and then how many bytes there are."""


class _Decompressor(Protocol):
    """One stream; what comes behind its end is in ``unused_data``."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor, in the manner of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_GZIP)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES_MAX)


def _zstd() -> _Decompressor:
    # Loaded when needed, which is seldom.
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415

    limit = zstd.DecompressionParameter.window_log_max
    made: _Decompressor = zstd.ZstdDecompressor(options={limit: _ZSTD_WINDOW_LOG_MAX})
    return made


@dataclass(frozen=True, kw_only=True)
class _Kind:
    name: str
    magic: bytes
    open: Callable[[], _Decompressor]


_KINDS: Final = (
    _Kind(name="gzip", magic=b"\x1f\x8b\x08", open=_Gzip),
    _Kind(name="xz", magic=b"\xfd7zXZ\0", open=_xz),
    _Kind(name="zstd", magic=b"\x28\xb5\x2f\xfd", open=_zstd),
    _Kind(name="bzip2", magic=b"BZh", open=bz2.BZ2Decompressor),
)
_MAGIC_BYTES_MAX: Final = 6


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """A temporary file that holds what was in another one, or on a pipe.

    Attributes:
        path: The temporary file.
        compression: How it was compressed, or "".
        source_sha256: Of the bytes that were read, in hexadecimal.
    """

    path: Path
    compression: str
    source_sha256: str


def is_pipe(path: Path) -> bool:
    """Return whether ``path`` is a pipe, so that it can be read only once."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def wants_unpacking(path: Path) -> bool:
    """Return whether a file is compressed, or a pipe; not if it cannot be read."""
    if is_pipe(path):
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return _kind_of(file.read(_MAGIC_BYTES_MAX)) is not None
    except (OSError, ValueError):
        return False


def unpack(path: Path, scratch: Scratch, progress: Progress) -> Unpacked:
    """Write what is in a file or comes from a pipe to a temporary file.

    Raises:
        DiskImageError: It cannot be read, or unpacked; it is larger than a disk may be,
            or would leave less than 1 GiB free; or it changes meanwhile.
        ScratchClosedError: The publication ended meanwhile.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DiskImageError(
            f"cannot be read ({reason})", path=path, advice="check the file"
        ) from error
    try:
        return _unpack(_Source(path, descriptor), scratch, progress)
    finally:
        os.close(descriptor)


class _Source:
    """What is read: a file or a pipe, hashed on the way."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._opened = os.fstat(descriptor)
        self._digest = hashlib.sha256()

    def read(self) -> bytes:
        """Return the next bytes; nothing at the end."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except OSError as error:
            raise self.error(
                f"cannot be read ({error.strerror})", "check it"
            ) from error
        self._digest.update(data)
        return data

    def sha256(self) -> str:
        """Return the SHA-256 of what was read."""
        now = os.fstat(self._descriptor)
        regular = stat.S_ISREG(now.st_mode)
        if regular and version_of(now) != version_of(self._opened):
            raise self.error(
                "changed while it was read", "wait until its writer has finished"
            )
        return self._digest.hexdigest()

    def error(self, message: str, advice: str) -> DiskImageError:
        return DiskImageError(message, path=self.path, advice=advice)


def _unpack(source: _Source, scratch: Scratch, progress: Progress) -> Unpacked:
    head = b""
    while len(head) < _MAGIC_BYTES_MAX and (more := source.read()):
        head += more  # a pipe may give a byte at a time
    if not head:
        raise source.error("is empty", "check what writes it")
    kind = _kind_of(head)
    try:
        path, descriptor = scratch.create()
    except OSError as error:
        raise source.error(
            f"needs a temporary file in {scratch.directory}, which cannot be made "
            f"({error.strerror or error})",
            "set TMPDIR to a directory that can be written to",
        ) from error
    try:
        writer = _Writer(source, scratch, descriptor, progress)
        for data in _decompressed(source, head, kind) if kind else _plain(source, head):
            writer.write(data)
        writer.finish()
    finally:
        os.close(descriptor)
    return Unpacked(
        path=path,
        compression=kind.name if kind else "",
        source_sha256=source.sha256(),
    )


def _kind_of(head: bytes) -> _Kind | None:
    return next((kind for kind in _KINDS if head.startswith(kind.magic)), None)


def _plain(source: _Source, head: bytes) -> Iterator[bytes]:
    data = head
    while data:
        yield data
        data = source.read()


def _decompressed(source: _Source, head: bytes, kind: _Kind) -> Iterator[bytes]:
    """Yield what is in the streams of a file, one behind the other."""
    data = head
    while data:
        stream = kind.open()
        while not stream.eof:
            try:
                yield stream.decompress(data, _READ_BYTES)
            except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
                raise _damaged(source, kind, error) from error
            except Exception as error:
                if type(error).__name__ != "ZstdError":  # loaded only when needed
                    raise
                raise _damaged(source, kind, error) from error
            data = b""
            if stream.needs_input and not stream.eof:
                data = source.read()
                if not data:
                    raise source.error(
                        f"is cut short: its {kind.name} data have no end",
                        "copy or download it again",
                    )
        data = _behind(source, stream.unused_data, kind)


def _behind(source: _Source, rest: bytes, kind: _Kind) -> bytes:
    """Return the next stream's beginning; padding of zeros is passed over."""
    while True:
        data = rest.lstrip(b"\0")
        if not data:
            rest = source.read()
            if not rest:
                return b""
            continue
        while len(data) < _MAGIC_BYTES_MAX and (more := source.read()):
            data += more
        if not data.startswith(kind.magic):
            raise source.error(
                f"has something else behind its {kind.name} data",
                "copy or download it again",
            )
        return data


def _damaged(source: _Source, kind: _Kind, error: Exception) -> DiskImageError:
    return source.error(
        f"is damaged: its {kind.name} data cannot be unpacked ({error})",
        "copy or download it again",
    )


class _Writer:
    """Writes a file with holes where there are only zeros."""

    def __init__(
        self, source: _Source, scratch: Scratch, descriptor: int, progress: Progress
    ) -> None:
        self._source = source
        self._scratch = scratch
        self._descriptor = descriptor
        self._progress = progress
        self._size_bytes = 0
        self._told_bytes = 0

    def write(self, data: bytes) -> None:
        """Append some bytes, at most a MiB."""
        if self._scratch.closed:
            raise ScratchClosedError
        if self._size_bytes + len(data) > UNPACKED_BYTES_MAX:
            raise self._source.error(
                "holds more than the cloud's limit of 2 TiB for a disk",
                "make a smaller disk image",
            )
        if data != _ZEROS[: len(data)]:
            self._ask_for(len(data))
            for at in range(0, len(data), _BLOCK_BYTES):
                block = data[at : at + _BLOCK_BYTES]
                if block != _ZEROS[: len(block)]:
                    self._put(block, self._size_bytes + at)
        self._size_bytes += len(data)
        if self._size_bytes - self._told_bytes >= _TOLD_EVERY_BYTES:
            self._told_bytes = self._size_bytes
            self._progress(self._size_bytes)

    def finish(self) -> None:
        """Give the file its length, if it ends with a hole."""
        if not self._size_bytes:
            raise self._source.error("is empty", "check what made it")
        try:
            os.ftruncate(self._descriptor, self._size_bytes)
        except OSError as error:
            raise self._no_room(error.strerror or "") from error

    def _ask_for(self, size_bytes: int) -> None:
        """Pass if so many bytes leave enough for others."""
        room = os.fstatvfs(self._descriptor)
        if room.f_bavail * room.f_frsize - size_bytes < FREE_BYTES_MIN:
            raise self._no_room(f"less than {sized(FREE_BYTES_MIN)} would be left free")

    def _put(self, block: bytes, offset: int) -> None:
        try:
            while block:
                written = os.pwrite(self._descriptor, block, offset)
                block, offset = block[written:], offset + written
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise self._no_room(str(error.strerror)) from error
            raise self._no_room("it is full") from error

    def _no_room(self, why: str) -> DiskImageError:
        return self._source.error(
            f"does not fit into {self._scratch.directory}, where it is unpacked: {why} "
            f"after {sized(self._size_bytes)}",
            "set TMPDIR to a directory with more space",
        )
