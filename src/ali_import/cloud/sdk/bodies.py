"""Bodies of uploads, as the HTTP layers read them."""

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from anyio import from_thread

from ali_import.cloud.values import LocalBody, ObjectSource
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
def opened(body: LocalBody, md5: str) -> Iterator["BodyReader"]:
    """Open a body whose MD5 is known, in hexadecimal.

    Raises:
        FileChangedError: The upload failed, and the file is to blame: it is gone, or
            has other bytes there.
    """
    try:
        with BodyReader(body) as reader:
            yield reader
    except Exception as exc:
        if why := _changed(body, md5):
            raise FileChangedError(f"{body.path}: {why}") from exc
        raise


def _changed(body: LocalBody, md5: str) -> str:
    """Return what became of a body since its file was inspected, or ""."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with BodyReader(body) as reader:
            for block in reader:
                digest.update(block)
    except OSError as exc:
        return f"cannot be read any more: {exc.strerror or exc}"
    except EOFError:
        return "became shorter while it was being uploaded"
    if digest.hexdigest() != md5:
        return "changed while it was being uploaded"
    return ""


class BodyReader:
    """A local body as a readable file of known length, never loaded whole.

    Between blocks it looks whether the call was cancelled, so that an upload over a
    slow line stops at once when the run is interrupted.
    """

    def __init__(self, body: LocalBody) -> None:
        self._body = body
        self._position = 0
        self._blocks = body.blocks()
        self._rest = b""

    def __len__(self) -> int:
        """Return the length in bytes; the HTTP layer sends it ahead."""
        return self._body.length

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the body."""
        start = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._position,
            io.SEEK_END: self._body.length,
        }[whence]
        position = min(max(start + offset, 0), self._body.length)
        if position != self._position:
            self._position = position
            self._blocks = self._body.blocks(position)
            self._rest = b""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read at most ``size`` bytes.

        Raises:
            EOFError: The file has become shorter.
        """
        _stop_if_cancelled()
        left = self._body.length - self._position
        wanted = left if size < 0 else min(size, left)
        pieces = [self._rest[:wanted]]
        self._rest = self._rest[wanted:]
        missing = wanted - len(pieces[0])
        while missing:
            block = next(self._blocks, b"")
            if not block:
                raise EOFError
            pieces.append(block[:missing])
            self._rest = block[missing:]
            missing -= len(pieces[-1])
        self._position += wanted
        return b"".join(pieces)

    def __iter__(self) -> Iterator[bytes]:
        """Give the rest in blocks."""
        while block := self.read(BLOCK_BYTES):
            yield block

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._blocks = iter(())  # closes the file


def _stop_if_cancelled() -> None:
    try:
        from_thread.check_cancelled()
    except RuntimeError:
        # Not in a worker thread of an event loop: there is nothing to cancel.
        return
