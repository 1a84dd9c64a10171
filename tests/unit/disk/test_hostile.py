"""Whatever a file holds, inspection ends soon, with a result or a DiskImageError."""

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ali_import import disk as disk_package
from ali_import.disk import inspect, reader
from ali_import.errors import DiskImageError
from tests.support.disks import (
    BOOT_ARM64,
    BOOT_X86_64,
    FatShape,
    Names,
    Slot,
    disk,
    fat_volume,
    gpt_disk,
    mbr_disk,
    program,
)
from tests.support.work import at_most

# A few thousand are usual; more than this many take some seconds.
LINES_MAX = 10_000_000


def small(bits: int, names: Names = Names.LONG) -> bytes:
    shape = FatShape(bits=bits, clusters=4100 if bits == 16 else 100, names=names)
    files = {BOOT_X86_64: program("a", 700), BOOT_ARM64: program("b", 700)}
    return fat_volume(files, shape)


SEEDS = [
    *(small(bits) for bits in (12, 16, 32)),
    gpt_disk([Slot(content=small(12))]),
    gpt_disk([Slot(content=small(32))], sector_bytes=4096),
    mbr_disk([Slot(content=b"-", number=5), Slot(content=small(12), number=6)]),
]
# Where a changed byte means something: tables, boot sectors, FATs, directories.
SENSITIVE_BYTES = 80 * 1024


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def inspect_with_bounded_work(path: Path) -> None:
    try:
        with at_most(LINES_MAX, disk_package):
            image = inspect(path)
    except DiskImageError as error:
        assert "\n" not in error.diagnostics()  # noqa: PT017 - both ends are right
    else:
        assert image.suffix in {"", "-uefi-x86-64", "-uefi-arm64", "-uefi-multi"}


@given(content=st.binary(max_size=5000))
@settings(max_examples=200)
def test_garbage(directory: Path, content: bytes) -> None:
    path = directory / "garbage"
    path.write_bytes(content)
    inspect_with_bounded_work(path)


@given(content=st.binary(min_size=1, max_size=5000))
@settings(max_examples=200)
def test_garbage_with_a_boot_sector_signature(directory: Path, content: bytes) -> None:
    path = directory / "garbage"
    path.write_bytes(content[:510].ljust(510, b"\0") + b"\x55\xaa" + content[510:])
    inspect_with_bounded_work(path)


@given(
    seed=st.sampled_from(SEEDS),
    size=st.integers(1, 3_000_000),
)
@settings(max_examples=100)
def test_truncation(directory: Path, seed: bytes, size: int) -> None:
    path = directory / "truncated"
    path.write_bytes(seed[:size])
    inspect_with_bounded_work(path)


@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(
        st.tuples(
            st.integers(0, SENSITIVE_BYTES),
            st.one_of(
                st.binary(min_size=1, max_size=8),
                st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\xff" * 512]),
            ),
        ),
        min_size=1,
        max_size=8,
    ),
)
@settings(max_examples=300)
@example(seed=SEEDS[0], changes=[(11, b"\x00\x10\x80\xff\xff\x02\xff\xff")])
def test_damage(directory: Path, seed: bytes, changes: list[tuple[int, bytes]]) -> None:
    content = bytearray(seed)
    for offset, data in changes:
        content[offset : offset + len(data)] = data
    path = directory / "damaged"
    path.write_bytes(content)
    inspect_with_bounded_work(path)


def test_thousands_of_volumes_with_full_directories(directory: Path) -> None:
    """Each is in order, and their sum is absurd: only the budget ends the work."""
    count = 4000
    boot_sector = bytearray(small(12)[:512])
    struct.pack_into("<H", boot_sector, 14, count)  # FAT and root lie behind them all
    struct.pack_into("<H", boot_sector, 17, 0xFFFF)
    struct.pack_into("<H", boot_sector, 19, 0xFFFF)
    entry = b"FILE    TXT\x20" + bytes(20)
    volumes = bytes(boot_sector) * count + entry * (2 * 65_536)
    content = bytearray(gpt_disk([Slot(content=volumes)], entries=count))
    first, last = struct.unpack_from("<QQ", content, 1024 + 32)
    table = b"".join(
        struct.pack("<16s16sQQ80x", b"type", b"guid", first + number, last)
        for number in range(count)
    )
    content[1024 : 1024 + len(table)] = table
    struct.pack_into("<I", content, 512 + 88, zlib.crc32(table))
    struct.pack_into("<I", content, 512 + 16, 0)
    struct.pack_into("<I", content, 512 + 16, zlib.crc32(content[512 : 512 + 92]))
    path = directory / "many"
    path.write_bytes(content)
    with pytest.raises(DiskImageError, match="too large to be real"):
        inspect(path)


@pytest.mark.parametrize("limit", ["READS_MAX", "READ_BYTES_MAX"])
def test_the_budget_ends_the_work(
    directory: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    path = directory / "disk"
    path.write_bytes(disk(BOOT_X86_64))
    assert inspect(path).suffix == "-uefi-x86-64"
    monkeypatch.setattr(reader, limit, 10)
    with pytest.raises(DiskImageError, match="too large to be real"):
        inspect(path)


def test_an_honest_image_needs_a_small_part_of_the_budget(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = directory / "disk"
    path.write_bytes(disk(BOOT_X86_64, BOOT_ARM64))
    monkeypatch.setattr(reader, "READS_MAX", reader.READS_MAX // 100)
    monkeypatch.setattr(reader, "READ_BYTES_MAX", reader.READ_BYTES_MAX // 100)
    assert inspect(path).suffix == "-uefi-multi"
