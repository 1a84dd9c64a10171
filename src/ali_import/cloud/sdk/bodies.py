"""Bodies of uploads, as the HTTP layers read them."""

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from anyio import from_thread

from ali_import.cloud.values import FileRange, ObjectSource
from ali_import.units import KIB

BLOCK_BYTES = 64 * KIB


def content_md5(digest_hex: str) -> str:
    """Return the ``Content-MD5`` header of an MD5 digest in hexadecimal."""
    return base64.b64encode(bytes.fromhex(digest_hex)).decode("ascii")


@dataclass(frozen=True, kw_only=True)
class SignedFetch:
    """A ``Fetch`` as the relay gets it: its sources as presigned URLs.

    Such a URL is a password, so it never shows in a repr.

    Attributes:
        urls: As many as there are sources, in the same order.
    """

    sources: tuple[ObjectSource, ...]
    urls: tuple[str, ...] = field(repr=False)
    offset: int
    length: int


class FileChangedError(Exception):
    """An image's file is not what it was when it was inspected."""


@contextmanager
def opened(body: FileRange, md5: str) -> Iterator["RangeReader"]:
    """Open a range of a file whose MD5 is known, in hexadecimal.

    Raises:
        FileChangedError: The upload failed, and the file is to blame: it is gone, or
            has other bytes there.
    """
    try:
        with RangeReader(body) as reader:
            yield reader
    except Exception as exc:
        if why := _changed(body, md5):
            raise FileChangedError(f"{body.path}: {why}") from exc
        raise


def _changed(body: FileRange, md5: str) -> str:
    """Return what became of the range since it was inspected, or ""."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with RangeReader(body) as reader:
            for block in reader:
                digest.update(block)
    except OSError as exc:
        return f"cannot be read any more: {exc.strerror or exc}"
    except EOFError:
        return "became shorter while it was being uploaded"
    if digest.hexdigest() != md5:
        return "changed while it was being uploaded"
    return ""


class RangeReader:
    """A range of a file as a readable body of known length, never loaded whole.

    Between blocks it looks whether the call was cancelled, so that an upload over a
    slow line stops at once when the run is interrupted.
    """

    def __init__(self, body: FileRange) -> None:
        self._range = body
        self._file = body.path.open("rb")
        self._file.seek(body.offset)
        self._position = 0

    def __len__(self) -> int:
        """Return the length in bytes; the HTTP layer sends it ahead."""
        return self._range.length

    def tell(self) -> int:
        """Return the position within the range."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the range."""
        start = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._position,
            io.SEEK_END: self._range.length,
        }[whence]
        self._position = min(max(start + offset, 0), self._range.length)
        self._file.seek(self._range.offset + self._position)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read at most ``size`` bytes of the range.

        Raises:
            EOFError: The file has become shorter.
        """
        _stop_if_cancelled()
        left = self._range.length - self._position
        wanted = left if size < 0 else min(size, left)
        block = self._file.read(wanted)
        if len(block) != wanted:
            raise EOFError
        self._position += wanted
        return block

    def __iter__(self) -> Iterator[bytes]:
        """Give the rest in blocks."""
        while block := self.read(BLOCK_BYTES):
            yield block

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()


def _stop_if_cancelled() -> None:
    try:
        from_thread.check_cancelled()
    except RuntimeError:
        # Not in a worker thread of an event loop: there is nothing to cancel.
        return
