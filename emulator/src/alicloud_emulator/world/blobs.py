"""Contents of objects: bytes that never change once they are written.

A blob is shared by everything that needs it (an object, its copies, a running import,
a download under way); its file goes when the last of them lets go of it. That is why
copying an object of any size costs nothing, and why replacing an object while it is
read does no harm.
"""

import hashlib
import weakref
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from typing_extensions import override

from alicloud_emulator.world.checksum import Crc64, crc64, crc64_joined

BLOCK_BYTES = 256 * 1024
"""Read and written in one go: about a third of a millisecond of checksumming."""

Identity = tuple[int, int, bytes]
"""Size, CRC-64 and MD5 (of parts: of their MD5s): blobs that share it are taken for alike."""

_KNOWN_MAX = 100_000


class _Known:
    """Checksums of what was read once, wherever the same bytes are again.

    A program that puts one object into thirty regions would have each copy of it read.
    """

    def __init__(self) -> None:
        self.slices: dict[tuple[Identity, int, int], tuple[int, bytes]] = {}
        self.sha256s: dict[Identity, str] = {}

    def trim(self) -> None:
        """Forget everything when there is too much of it."""
        for found in (self.slices, self.sha256s):
            if len(found) > _KNOWN_MAX:
                found.clear()


_KNOWN = _Known()


def unlinked(path: Path) -> None:
    """Remove a file that may be gone already."""
    path.unlink(missing_ok=True)


class Blob(ABC):
    """Some bytes.

    Attributes:
        size: In bytes.
        crc64: CRC-64 as OSS shows it.
        md5: MD5, or b"" where nobody ever read the bytes in one row (joined blobs).
    """

    def __init__(self, *, size: int, crc64: int, md5: bytes) -> None:
        self.size = size
        self.crc64 = crc64
        self.md5 = md5
        self._sha256 = ""

    @abstractmethod
    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset`` on; fewer only at the end."""

    def blocks(self, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range (default: everything) in blocks of at most BLOCK_BYTES."""
        end = self.size if length is None else min(self.size, offset + length)
        while offset < end:
            block = self.read(offset, min(BLOCK_BYTES, end - offset))
            yield block
            offset += len(block)

    def know_md5(self) -> None:
        """Compute the MD5 if it is not known: call it from a worker thread."""
        if not self.md5:
            digest = _md5()
            for block in self.blocks():
                digest.update(block)
            self.md5 = digest.digest()

    def sha256(self) -> str:
        """Return the SHA-256 in hex.

        The first call reads the whole blob (about a second a GiB), so call it from a
        worker thread when the blob may be large; later calls remember.
        """
        if not self.sha256_known:
            digest = hashlib.sha256()
            for block in self.blocks():
                digest.update(block)
            self._sha256 = _KNOWN.sha256s[self.identity] = digest.hexdigest()
            _KNOWN.trim()
        return self._sha256

    @property
    def identity(self) -> Identity:
        """What tells its bytes from others."""
        return self.size, self.crc64, self.md5

    @property
    def sha256_known(self) -> str:
        """The SHA-256 in hex if it has been computed, else ""."""
        if not self._sha256:
            self._sha256 = _KNOWN.sha256s.get(self.identity, "")
        return self._sha256


class MemoryBlob(Blob):
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(size=len(data), crc64=crc64(data), md5=_md5(data).digest())
        self._data = data

    @override
    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


class FileBlob(Blob):
    """Bytes in a file of their own, which is removed with the blob.

    Args:
        path: The file.
        size: As of a blob, and so the checksums.
        crc64: CRC-64.
        md5: MD5.
        sha256: In hex, if it is known.
        remove: Removes the file, given its path.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: int,
        crc64: int,
        md5: bytes,
        sha256: str = "",
        remove: Callable[[Path], None] = unlinked,
    ) -> None:
        super().__init__(size=size, crc64=crc64, md5=md5)
        self._sha256 = sha256
        self.path = path
        self._remove = weakref.finalize(self, remove, path)

    @property
    def known(self) -> dict[str, Any]:
        """All that there is to know of it but its folder."""
        return {
            "name": self.path.name,
            "size": self.size,
            "crc64": self.crc64,
            "md5": self.md5,
            "sha256": self._sha256,
        }

    @override
    def read(self, offset: int, length: int) -> bytes:
        with self.path.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(length)


@dataclass
class _Row:
    """Blobs that follow each other, and where each ends."""

    parts: list[Blob] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


class JoinedBlob(Blob):
    """Several blobs in a row, without copying a byte of them."""

    def __init__(self, *blobs: Blob) -> None:
        crc = size = 0
        # Appending to what was appended to before neither nests without end nor copies
        # what there is: the longest of such blobs share one list, and each knows how
        # much of it is its own.
        row = _Row()
        if blobs and isinstance(blobs[0], JoinedBlob):
            first, blobs = blobs[0], blobs[1:]
            crc, size, row = first.crc64, first.size, first.row()
        for blob in blobs:
            crc = crc64_joined(crc, blob.crc64, blob.size)
            parts = list(blob.row().parts) if isinstance(blob, JoinedBlob) else [blob]
            for part in parts:
                if part.size:
                    size += part.size
                    row.parts.append(part)
                    row.ends.append(size)
        self._row = row
        self._identity: Identity | None = None
        super().__init__(size=size, crc64=crc, md5=b"")

    @property
    @override
    def identity(self) -> Identity:
        if self._identity is None:
            digest = _md5()
            for part in self.row().parts:
                digest.update(f"{part.identity}".encode())
            self._identity = self.size, self.crc64, digest.digest()
        return self._identity

    def row(self) -> "_Row":
        """Return the parts to append to: a copy if somebody did so already."""
        row = self._row
        if not row.ends or row.ends[-1] == self.size:
            return row
        mine = bisect_right(row.ends, self.size)
        return _Row(row.parts[:mine], row.ends[:mine])

    @override
    def read(self, offset: int, length: int) -> bytes:
        pieces = []
        end = min(self.size, offset + length)
        while offset < end:
            index = bisect_right(self._row.ends, offset)
            part, part_end = self._row.parts[index], self._row.ends[index]
            upto = min(end, part_end)
            pieces.append(part.read(offset - (part_end - part.size), upto - offset))
            offset = upto
        return b"".join(pieces)


class SliceBlob(Blob):
    """A range of another blob, without copying it.

    Making one reads the range for its checksums (about two seconds a GiB): do it in a
    worker thread when the range may be large.
    """

    def __init__(self, whole: Blob, offset: int, length: int) -> None:
        size = max(0, min(length, whole.size - offset))
        known = whole.identity, offset, size
        sums = _KNOWN.slices.get(known)
        if sums is None:
            crc, md5 = Crc64(), _md5()
            for block in whole.blocks(offset, size):
                crc.update(block)
                md5.update(block)
            _KNOWN.trim()
            sums = _KNOWN.slices[known] = crc.value, md5.digest()
        super().__init__(size=size, crc64=sums[0], md5=sums[1])
        self._whole = whole
        self._offset = offset

    @override
    def read(self, offset: int, length: int) -> bytes:
        allowed = max(0, min(length, self.size - offset))
        return self._whole.read(self._offset + offset, allowed)


class BlobWriter(Protocol):
    """Takes a blob's bytes as they come."""

    def write(self, data: bytes) -> None:
        """Take in more bytes."""

    def finish(self) -> Blob:
        """Return the blob; nothing may be written any more."""

    def discard(self) -> None:
        """Forget what was written; does nothing after ``finish``."""


class Blobs(Protocol):
    """Where blobs are kept."""

    def writer(self) -> BlobWriter:
        """Start a new blob."""


class MemoryBlobs:
    """Keeps blobs in memory: for simulation and small tests."""

    def writer(self) -> BlobWriter:
        """Start a new blob."""
        return _MemoryWriter()


class DirectoryBlobs:
    """Keeps each blob in a file of ``directory``, which must exist and be ours.

    The same bytes are kept once, however often they are stored: a program that puts one
    image into thirty regions fills neither the disk nor the page cache with it.

    Args:
        directory: The folder.
        remove: Removes the file of a blob that nobody needs any more.
    """

    def __init__(
        self, directory: Path, remove: Callable[[Path], None] = unlinked
    ) -> None:
        self._directory = directory
        self._remove = remove
        there = (file.name for file in directory.iterdir())
        used = (int(name) for name in there if name.isdecimal())
        self._numbers = count(max(used, default=0) + 1)
        self._kept: weakref.WeakValueDictionary[Identity, FileBlob]
        self._kept = weakref.WeakValueDictionary()

    def writer(self) -> BlobWriter:
        """Start a new blob."""
        path = self._directory / f"{next(self._numbers):08d}"
        return _FileWriter(path, self._once)

    def opened(self, name: str, known: Mapping[str, Any]) -> FileBlob:
        """Return a blob whose file is there.

        Args:
            name: The file's.
            known: What ``FileBlob.known`` said of it.

        Raises:
            ValueError: The file is not there, or of another size.
        """
        path = self._directory / name
        if not name.isdecimal() or not path.is_file():
            raise ValueError(f"there is no file {name!r}")
        if path.stat().st_size != known["size"]:
            raise ValueError(f"the file {name} is of another size")
        more = {key: known[key] for key in ("size", "crc64", "md5", "sha256")}
        blob = FileBlob(path, **more, remove=self._remove)
        self._kept[blob.identity] = blob
        return blob

    def _once(self, path: Path, *, size: int, crc64: int, md5: bytes) -> FileBlob:
        """Return the blob of a new file; the file goes if there is such a blob."""
        kept = self._kept.get((size, crc64, md5))
        if kept is not None:
            unlinked(path)
            return kept
        blob = FileBlob(path, size=size, crc64=crc64, md5=md5, remove=self._remove)
        self._kept[blob.identity] = blob
        return blob


class _MemoryWriter:
    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        self._data += data

    def finish(self) -> Blob:
        return MemoryBlob(bytes(self._data))

    def discard(self) -> None:
        self._data.clear()


class _FileWriter:
    """Checksums while writing, so that a blob is never read back for them."""

    def __init__(self, path: Path, blob_of: Callable[..., FileBlob]) -> None:
        self._path = path
        self._blob_of = blob_of
        self._file = path.open("xb", buffering=0)
        self._finished = False
        self._size = 0
        self._crc = Crc64()
        self._md5 = _md5()

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            # An unbuffered write may take less than it is given.
            view = view[self._file.write(view) :]
        self._size += len(data)
        self._crc.update(data)
        self._md5.update(data)

    def finish(self) -> Blob:
        self._file.close()
        self._finished = True
        return self._blob_of(
            self._path,
            size=self._size,
            crc64=self._crc.value,
            md5=self._md5.digest(),
        )

    def discard(self) -> None:
        self._file.close()
        if not self._finished:
            self._path.unlink(missing_ok=True)


def _md5(data: bytes = b"") -> "hashlib._Hash":
    """Return an MD5: a checksum of the protocol, not a safeguard."""
    return hashlib.md5(data, usedforsecurity=False)
