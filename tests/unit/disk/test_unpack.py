"""Compressed images, and images on a pipe: what becomes of them, and of their space."""

import bz2
import gzip
import hashlib
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ali_import.disk import DiskImage, inspect, scratch, unpack
from ali_import.disk.scratch import Scratch, ScratchClosedError, sweep
from ali_import.errors import DiskImageError
from ali_import.units import GIB, MIB
from tests.support.containers import qcow2, vmdk
from tests.support.disks import BOOT_X86_64, disk

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files alone."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    return directory


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "disk.img"


@pytest.fixture
def room() -> Iterator[Scratch]:
    with closing(Scratch()) as made:
        yield made


def content() -> bytes:
    return disk(BOOT_X86_64) + bytes(3 * MIB) + b"the end"


def refusal(image: Path, room: Scratch, data: bytes) -> str:
    image.write_bytes(data)
    with pytest.raises(DiskImageError) as caught:
        inspect(image, scratch=room)
    assert caught.value.path == image
    assert caught.value.advice
    assert "\n" not in caught.value.diagnostics()
    return caught.value.diagnostics()


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("streams", [1, 3])
def test_a_compressed_disk_is_what_is_in_it(
    image: Path, room: Scratch, kind: str, streams: int
) -> None:
    data = content()
    step = -(-len(data) // streams)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    image.write_bytes(b"".join(map(PACKERS[kind], pieces)))
    found = inspect(image, scratch=room)
    plain = image.with_name("plain.img")
    plain.write_bytes(data)
    wanted = inspect(plain)
    assert found.path == image
    assert found.content == found.unpacked != image
    assert found.content.read_bytes() == data
    for name in ("format", "virtual_bytes", "file_bytes", "sha256", "suffix", "pack"):
        assert getattr(found, name) == getattr(wanted, name)
    # Zeros take no place.
    assert found.content.stat().st_blocks * 512 < 2 * MIB
    assert found.content.stat().st_mode & 0o777 == 0o600


def test_the_checksum_is_of_the_file_as_it_is(image: Path, room: Scratch) -> None:
    packed = gzip.compress(content())
    image.write_bytes(packed)
    right = hashlib.sha256(packed).hexdigest()
    assert inspect(image, scratch=room, sha256=right).unpacked
    wrong = hashlib.sha256(content()).hexdigest()
    with pytest.raises(DiskImageError, match=f"its SHA-256 is {right}"):
        inspect(image, scratch=room, sha256=wrong)


def test_other_formats_may_be_compressed_too(image: Path, room: Scratch) -> None:
    image.write_bytes(lzma.compress(qcow2(disk(BOOT_X86_64))))
    found = inspect(image, scratch=room)
    assert (found.format, found.suffix) == ("QCOW2", "-uefi-x86-64")
    line = refusal(
        image.with_name("old.vmdk.gz"), room, gzip.compress(vmdk(disk(BOOT_X86_64)))
    )
    assert "unpack it, and convert it: qemu-img convert -O qcow2" in line
    assert line.endswith(f"{image.parent}/old.vmdk {image.parent}/old.qcow2")
    assert "is compressed (bzip2)" in refusal(
        image, room, gzip.compress(bz2.compress(content()))
    )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("step", [1, 100_000])
def test_a_pipe_is_read_to_its_end(
    image: Path, room: Scratch, packed: bool, step: int
) -> None:
    data = disk(BOOT_X86_64)[:200_000].ljust(1_179_648, b"\0")
    sent = gzip.compress(data) if packed else data
    os.mkfifo(image)

    def write() -> None:
        with image.open("wb", buffering=0) as pipe:
            for at in range(0, 8, step):  # the head by single bytes, maybe
                pipe.write(sent[at : at + step])
            pipe.write(sent[max(8, step) :])

    writer = threading.Thread(target=write)
    writer.start()
    found = inspect(image, scratch=room)
    writer.join()
    assert found.path == image
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.suffix == "-uefi-x86-64"


def test_without_room_a_compressed_file_is_refused(image: Path) -> None:
    image.write_bytes(gzip.compress(content()))
    with pytest.raises(DiskImageError, match=r"is compressed \(gzip\)"):
        inspect(image)


@pytest.mark.parametrize("kind", PACKERS)
def test_what_is_not_whole_is_refused(image: Path, room: Scratch, kind: str) -> None:
    packed = PACKERS[kind](content())
    for size in (8, len(packed) // 2, len(packed) - 1):
        assert "cut short" in refusal(image, room, packed[:size])
    damaged = bytearray(packed)
    damaged[len(packed) // 2 : len(packed) // 2 + 20] = b"\xff" * 20
    line = refusal(image, room, bytes(damaged))
    assert "cannot be unpacked" in line or "cut short" in line
    assert "something else behind" in refusal(image, room, packed + b"hello, world")
    image.write_bytes(packed + bytes(1000))  # padding
    assert inspect(image, scratch=room).virtual_bytes == len(content())
    other = PACKERS["xz" if kind != "xz" else "gzip"](content())
    assert "something else behind" in refusal(image, room, packed + other)
    assert f"its {kind} data" in line or "cut short" in line


@pytest.mark.parametrize("kind", PACKERS)
def test_nothing_at_all_is_no_disk(image: Path, room: Scratch, kind: str) -> None:
    assert "is empty" in refusal(image, room, PACKERS[kind](b""))


def test_a_disk_of_40_gib_of_zeros_is_taken(image: Path, room: Scratch) -> None:
    """Frames of blocks that say "128 KiB of this byte", as zstd writes them."""
    size_bytes = 40 * GIB
    head = zstd.compress(disk(BOOT_X86_64).ljust(2 * MIB, b"\0"))
    # Magic, no checksum, a window of 128 KiB; then blocks of the kind RLE (2 << 1).
    block = (131_072 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    last = (131_072 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
    blocks = (size_bytes - 2 * MIB) // 131_072
    zeros = b"\x28\xb5\x2f\xfd\0\x38" + block * (blocks - 1) + last
    image.write_bytes(head + zeros)
    told: list[int] = []
    found = unpack.unpack(image, room, told.append)
    status = found.path.stat()
    assert status.st_size == size_bytes
    assert status.st_blocks * 512 < 2 * MIB
    assert size_bytes > 10_000 * image.stat().st_size
    assert told == sorted(told)
    assert len(told) > 100


def test_a_disk_larger_than_the_clouds_is_stopped(
    image: Path, room: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "UNPACKED_BYTES_MAX", 3 * MIB)
    line = refusal(image, room, gzip.compress(content()))
    assert "2 TiB" in line
    image.write_bytes(gzip.compress(content()[: 3 * MIB]))
    assert inspect(image, scratch=room).virtual_bytes == 3 * MIB


def test_a_gib_is_left_free_for_others(
    image: Path, room: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fstatvfs

    class Full:
        f_frsize = 4096

        def __init__(self, descriptor: int) -> None:
            used = os.fstat(descriptor).st_blocks * 512
            self.f_bavail = (GIB + 2 * MIB - used) // 4096
            assert real(descriptor)

    monkeypatch.setattr(os, "fstatvfs", Full)
    noise = os.urandom(4 * MIB)
    line = refusal(image, room, gzip.compress(disk(BOOT_X86_64) + noise, 1))
    assert "less than 1 GiB would be left free" in line
    assert str(room.directory) in line
    assert "TMPDIR" in line
    # Zeros take none of it.
    image.write_bytes(gzip.compress(disk(BOOT_X86_64).ljust(64 * MIB, b"\0")))
    assert inspect(image, scratch=room).virtual_bytes == 64 * MIB


def test_a_directory_that_cannot_be_written_to_is_named(
    image: Path, room: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (image, image / "missing"):
        monkeypatch.setenv("TMPDIR", str(wrong))
        line = refusal(image, room, gzip.compress(content()))
        assert f"a temporary file in {wrong}," in line
        assert "set TMPDIR" in line


def test_all_files_go_at_the_end(image: Path, temporary: Path) -> None:
    room = Scratch()
    image.write_bytes(gzip.compress(content()))
    for _ in range(2):
        inspect(image, scratch=room)
    assert len(list(temporary.iterdir())) == 2
    room.close()
    room.close()
    assert list(temporary.iterdir()) == []
    with pytest.raises(ScratchClosedError):
        inspect(image, scratch=room)
    assert list(temporary.iterdir()) == []


def test_who_is_unpacking_stops_when_the_publication_ends(
    image: Path, temporary: Path
) -> None:
    room = Scratch()
    image.write_bytes(gzip.compress(bytes(300 * MIB), 1))
    with pytest.raises(ScratchClosedError):
        unpack.unpack(image, room, lambda _: room.close())
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(
    temporary: Path,
) -> None:
    code = (
        "import sys, time; from ali_import.disk.scratch import Scratch;"
        "print(Scratch().create()[0], flush=True); time.sleep(600)"
    )
    argv = [sys.executable, "-c", code]
    env = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        assert left.parent == temporary
        foreign = temporary / "ali-import-demo.img"
        foreign.touch()
        (temporary / "ali-import-demo.unpacked").touch()
        (temporary / f"ali-import-{'a' * 16}.unpacked").symlink_to(foreign)
        (temporary / f"ali-import-{'b' * 16}.unpacked").mkdir()
        os.mkfifo(temporary / f"ali-import-{'c' * 16}.unpacked")
        sweep()
        assert left.exists()  # its owner lives
        other.kill()
        other.wait()
    sweep()
    assert not left.exists()
    assert len(list(temporary.iterdir())) == 5


def test_a_file_that_was_swept_before_it_was_locked_is_made_again(
    monkeypatch: pytest.MonkeyPatch, room: Scratch
) -> None:
    real = scratch._lock
    swept: list[int] = []

    def lock(descriptor: int) -> bool:
        if not swept:
            swept.append(descriptor)
            for path in room.directory.iterdir():
                path.unlink()
        return real(descriptor)

    monkeypatch.setattr(scratch, "_lock", lock)
    path, descriptor = room.create()
    os.close(descriptor)
    assert swept
    assert path.exists()


def test_an_image_says_what_goes_up(image: Path) -> None:
    image.write_bytes(content())
    found: DiskImage = inspect(image, scratch=Scratch())
    assert found.unpacked is None
    assert found.content == image
