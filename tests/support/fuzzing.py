"""Disk images of every kind with bytes changed at random, from seeds.

Whatever comes of one is a result or a DiskImageError, soon, and without growth. Every
mutation is done in place and taken back: files of many MiB are written once.
"""

import bz2
import ctypes
import gc
import gzip
import lzma
import os
import random
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from ali_import.disk import Inspection, examine, inspect
from ali_import.disk.scratch import Scratch
from ali_import.errors import DiskImageError
from ali_import.report import findings
from ali_import.units import KIB, MIB, sized
from tests.support.containers import BUILDERS
from tests.support.disks import (
    BOOT_ARM64,
    BOOT_CODE,
    BOOT_X86_64,
    FatShape,
    Slot,
    disk,
    fat_volume,
    gpt_disk,
    mbr_disk,
    program,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Of processor time, for one inspection, on a slow machine.
SECONDS_MAX = 60
# What is kept also shows in Python's own count of the blocks that it has given out.
GROWN_BYTES_MAX = 128 * MIB
GROWN_BLOCKS_MAX = 20_000

VALUES = (
    b"\0",
    b"\xff",
    b"\0" * 4,
    b"\xff" * 4,
    b"\xff" * 8,
    b"\x80" + b"\0" * 7,
    b"\x7f" + b"\xff" * 7,
    struct.pack("<I", 1),
    struct.pack(">I", 1),
    struct.pack("<Q", 1 << 40),
    struct.pack(">Q", 1 << 40),
    bytes(512),
)


def volume(bits: int) -> bytes:
    shape = FatShape(bits=bits, clusters=4100 if bits == 16 else 200)
    files = {BOOT_X86_64: program("x"), BOOT_ARM64: program("arm64")}
    return fat_volume(files, shape)


RAW = {
    "FAT12": lambda: volume(12),
    "FAT16": lambda: volume(16),
    "FAT32": lambda: volume(32),
    "GPT": lambda: gpt_disk([Slot(content=volume(12))], boot_code=BOOT_CODE),
    "GPT of 4096": lambda: gpt_disk([Slot(content=volume(12))], sector_bytes=4096),
    "MBR": lambda: mbr_disk(
        [Slot(content=b"-", number=5), Slot(content=volume(12), number=6)]
    ),
}


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
}
KINDS = (*RAW, *BUILDERS, *PACKERS)


def seed_image(kind: str) -> bytes:
    """Return an image that is in order."""
    if kind in RAW:
        return RAW[kind]()
    content = disk(BOOT_X86_64, BOOT_ARM64, clusters=300)
    return (BUILDERS | PACKERS)[kind](content)


def places(content: bytes) -> list[int]:
    """Return where bytes mean something: those of blocks that are not all zero."""
    step = 64
    return [
        at for at in range(0, len(content), step) if any(content[at : at + step])
    ] or [0]


@contextmanager
def mutated(
    path: Path, content: bytes, where: list[int], dice: random.Random
) -> Iterator[None]:
    """Change some bytes, or cut the file, and put it back."""
    changes = []
    for _ in range(dice.choice((1, 1, 1, 2, 4, 8))):
        at = dice.choice(where) if dice.random() < 0.7 else dice.randrange(4 * KIB)
        value = dice.choice(VALUES)
        if dice.random() < 0.4:
            value = dice.randbytes(dice.choice((1, 2, 4, 8)))
        at = min(at + dice.randrange(64), len(content) - len(value))
        changes.append((at, value))
    descriptor = os.open(path, os.O_RDWR)
    try:
        for at, value in changes:
            os.pwrite(descriptor, value, at)
        if dice.random() < 0.1:
            os.truncate(descriptor, dice.randrange(1, len(content)))
        yield
        size = os.fstat(descriptor).st_size
        if size < len(content):
            os.pwrite(descriptor, content[size:], size)
        for at, value in changes:
            os.pwrite(descriptor, content[at : at + len(value)], at)
    finally:
        os.close(descriptor)


@contextmanager
def no_hang() -> Iterator[None]:
    """End what takes absurdly long, by the process's own time, not the clock's."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"not done after {SECONDS_MAX} s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def look(path: Path, *, packed: bool = False) -> Inspection | DiskImageError | None:
    """Look into a file, and tell it to people and programs; None: it was unpacked."""
    with no_hang():
        try:
            if packed:
                with closing(Scratch()) as room:
                    inspect(path, scratch=room)
                return None
            found: Inspection | DiskImageError = examine(path)
        except DiskImageError as error:
            found = error
        assert list(findings.lines(found)) or isinstance(found, DiskImageError)
        assert findings.as_json([found])["files"]
        return found


def resident_bytes() -> int:
    """Return how much memory this process has now; where that is not told, had at most.

    Now, because a header that asks for a window of 128 MiB gets it for a moment; and
    without what C's heap keeps for later: tables of every size come and go.
    """
    with suppress(AttributeError, OSError):  # where there is another C library
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    return pages * resource.getpagesize()


@dataclass
class Fuzzed:
    """What came of one kind of image, mutated again and again.

    Attributes:
        found: How often it could be read.
        refused: How often it was no good.
        wrong: What must not be, with the seeds.
    """

    found: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


class Fuzz:
    """One kind of image in a file, to be mutated."""

    def __init__(self, kind: str, path: Path) -> None:
        self._kind = kind
        self._path = path
        self._content = seed_image(kind)
        self._packed = kind in PACKERS
        path.write_bytes(self._content)
        self._where = places(self._content)
        self._untouched = look(path, packed=self._packed)
        self._grown_from = resident_bytes(), sys.getallocatedblocks()
        self.result = Fuzzed()
        if isinstance(self._untouched, DiskImageError):
            self._complain(f"is refused as it is: {self._untouched}")

    def mutate(self, seed: int) -> None:
        """Mutate the image, look at it, and put it back."""
        dice = random.Random(f"{self._kind} {seed}")
        with mutated(self._path, self._content, self._where, dice):
            try:
                outcome = look(self._path, packed=self._packed)
            except Exception as error:  # noqa: BLE001  this is what is looked for
                self._complain(f"seed {seed}: {type(error).__name__}: {error}")
                return
        if isinstance(outcome, DiskImageError):
            self.result.refused += 1
            if "\n" in outcome.diagnostics() or not outcome.advice:
                self._complain(f"seed {seed}: says {outcome.diagnostics()!r}")
        else:
            self.result.found += 1
            self.result.refused += bool(outcome and outcome.boot.refusal)

    def end(self) -> Fuzzed:
        """See that nothing has grown, and that the image is what it was."""
        gc.collect()
        grown_bytes = resident_bytes() - self._grown_from[0]
        grown_blocks = sys.getallocatedblocks() - self._grown_from[1]
        if grown_bytes > GROWN_BYTES_MAX or grown_blocks > GROWN_BLOCKS_MAX:
            self._complain(
                f"memory grew by {sized(grown_bytes)}, {grown_blocks} blocks"
            )
        if self._path.read_bytes() != self._content:
            self._complain("the file was not put back")
        elif look(self._path, packed=self._packed) != self._untouched:
            self._complain("the same file is not the same any more")
        return self.result

    def _complain(self, what: str) -> None:
        self.result.wrong.append(f"{self._kind}: {what}")
