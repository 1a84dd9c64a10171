"""A raw disk that is sent as a compressed QCOW2 file, which others read."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ali_import.disk import BootMode, inspect
from ali_import.disk.containers import open_container
from ali_import.disk.pack import Grain, Pack
from ali_import.disk.reader import open_image
from ali_import.disk.recode import Recoder, cluster_bits, head_bytes
from ali_import.units import GIB, KIB, MIB, TIB
from tests.support.memory import MemoryFile

CLUSTER = 64 * KIB
SHORT = Grain(part_bytes=100 * KIB)
KINDS = "ztrc"
"""Zeros, text, noise that cannot be compressed, and what becomes very short."""


_DICE = Random(1)
_BLOCKS = {
    "z": bytes(CLUSTER),
    "t": b" ".join(b"%d" % (n * n) for n in range(9000))[:CLUSTER],
    "r": _DICE.randbytes(CLUSTER),
    "c": b"\xff" * CLUSTER,
}


def disk(kinds: str, tail: int = 0) -> bytes:
    """Return a disk with a cluster of each kind."""
    return b"".join(_BLOCKS[kind] for kind in kinds) + b"\x01" * tail


def recoded(data: bytes, grain: Grain = SHORT) -> Pack:
    recoder = Recoder(len(data), grain)
    for at in range(0, len(data), MIB):
        recoder.update(data[at : at + MIB])
    return recoder.pack()


def sent(pack: Pack, data: bytes) -> bytes:
    """Return the file, as it is made part by part when it is sent."""
    path = MemoryFile.of(Path("/disk.img"), data)
    made = b""
    for number, part in enumerate(pack.parts, 1):
        body = pack.body(path, part)
        found = b"".join(body.blocks())
        assert (part.number, part.offset) == (number, len(made))
        assert part.length == body.length == len(found)
        assert hashlib.md5(found, usedforsecurity=False).hexdigest() == part.md5
        made += found
    return made


def read_back(image: Path, size: int) -> bytes:
    """Read the disk with our own reader."""
    with open_image(image) as file:
        container = open_container(file)
        assert container.format == "QCOW2"
        assert container.disk.size_bytes >= size
        found = [
            container.disk.read(at, min(MIB, size - at)) for at in range(0, size, MIB)
        ]
    return b"".join(found)


@settings(max_examples=8, deadline=None)
@given(st.text(KINDS, min_size=1, max_size=12), st.integers(0, 3000))
def test_what_is_sent_is_the_disk(kinds: str, tail: int) -> None:
    data = disk(kinds, tail)
    made = sent(recoded(data), data)
    image = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / "recoded.qcow2"
    image.write_bytes(made)
    try:
        assert read_back(image, len(data)) == data
    finally:
        image.unlink()


def test_a_part_is_made_from_any_byte_on() -> None:
    data = disk("trzctrzctt")
    pack = recoded(data)
    path = MemoryFile.of(Path("/disk.img"), data)
    for part in pack.parts:
        body = pack.body(path, part)
        whole = b"".join(body.blocks())
        for start in (1, 511, 70_000, part.length - 1, part.length):
            if start <= part.length:
                assert b"".join(body.blocks(start)) == whole[start:]


def test_zeros_and_what_compresses_take_little() -> None:
    data = disk("z" * 200 + "c" * 50)
    assert recoded(data).size_bytes < 10 * CLUSTER
    noise = disk("r" * 50)
    assert recoded(noise).size_bytes <= len(noise) + 8 * CLUSTER


def test_every_part_but_the_last_is_one_that_oss_takes() -> None:
    for size in (1, MIB, 128 * GIB, 128 * GIB + 1, 2 * TIB):
        assert head_bytes(size) >= 100 * KIB + 1
        assert size / (1 << cluster_bits(size)) <= 2 << 20  # 12 MB of memory
    pack = recoded(disk("rrrrttzz"))
    assert all(part.length > 100 * 1000 for part in pack.parts[:-1])


def test_a_file_that_changed_is_not_what_was_promised() -> None:
    data = disk("tttttt")
    pack = recoded(data)
    path = MemoryFile.of(Path("/disk.img"), data[::-1])
    sums = [
        hashlib.md5(
            b"".join(pack.body(path, part).blocks()), usedforsecurity=False
        ).hexdigest()
        for part in pack.parts
    ]
    assert sums != [part.md5 for part in pack.parts]


def test_what_is_inspected_for_it_is_the_raw_disk(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    boot = b"\xeb\xfe".ljust(510, b"\0") + b"\x55\xaa"
    data = boot + disk("rtz")[512:] + bytes(GIB // 64)
    image.write_bytes(data)
    plain = inspect(image, BootMode.BIOS)
    found = inspect(image, BootMode.BIOS, as_qcow2=True)
    assert (plain.format, found.format) == ("RAW", "QCOW2")
    assert found.sha256 == plain.sha256 == hashlib.sha256(data).hexdigest()
    assert found.virtual_bytes == plain.virtual_bytes
    assert found.file_bytes == found.pack.size_bytes < plain.file_bytes


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-utils")
@pytest.mark.parametrize("kinds", ["trzctrzc" * 8, "z" * 100 + "t", "c" * 600])
def test_qemu_finds_the_same_disk_and_nothing_wrong(tmp_path: Path, kinds: str) -> None:
    data = disk(kinds, 700)
    raw, image = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    raw.write_bytes(data)
    image.write_bytes(sent(recoded(data), data))
    for command in (
        ("qemu-img", "check", "-f", "qcow2", image),
        ("qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, image),
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_another_library_reads_the_same_disk(tmp_path: Path) -> None:
    pyqcow = pytest.importorskip("pyqcow", reason="needs libqcow-python")
    data = disk("trzctrzc" * 8)
    image = tmp_path / "disk.qcow2"
    image.write_bytes(sent(recoded(data), data))
    file = pyqcow.file()
    file.open(str(image))
    try:
        assert file.get_media_size() == len(data)
        assert file.read_buffer_at_offset(len(data), 0) == data
    finally:
        file.close()
