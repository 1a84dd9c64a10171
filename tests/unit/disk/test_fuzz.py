"""Images of every kind with bytes changed at random, from fixed seeds.

Whatever comes of it is a result or a DiskImageError, soon, and without growth. Every
mutation is done in place and taken back: files of many MiB are written once.
"""

import os
import random
import resource
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from ali_import.disk import Inspection, examine
from ali_import.errors import DiskImageError
from ali_import.units import KIB, MIB
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

ROUNDS = 1000
# Of processor time, for one inspection, on a slow machine.
SECONDS_MAX = 60

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


def seed_image(kind: str) -> bytes:
    if kind in RAW:
        return RAW[kind]()
    return BUILDERS[kind](disk(BOOT_X86_64, BOOT_ARM64, clusters=300))


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


def look(path: Path) -> Inspection | DiskImageError:
    with no_hang():
        try:
            return examine(path)
        except DiskImageError as error:
            return error


@pytest.mark.parametrize("kind", [*RAW, *BUILDERS])
def test_mutations_end_in_a_result_or_an_error_of_ours(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "image"
    content = seed_image(kind)
    path.write_bytes(content)
    where = places(content)
    untouched = look(path)
    assert isinstance(untouched, Inspection)
    grown_from = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = refused = 0
    for seed in range(ROUNDS // 10 if "large" in kind else ROUNDS):
        with mutated(path, content, where, random.Random(f"{kind} {seed}")):
            outcome = look(path)
        if isinstance(outcome, Inspection):
            found += 1
            refused += outcome.boot.refusal is not None
        else:
            refused += 1
            assert "\n" not in outcome.diagnostics(), seed
            assert outcome.advice, seed
    assert found, "nothing came through: the mutations are too wild to test much"
    assert refused, "nothing was refused: the mutations are too tame to test much"
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown_from
    assert grown_kib * KIB < 100 * MIB
    assert path.read_bytes() == content
    assert look(path) == untouched
