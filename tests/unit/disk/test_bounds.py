"""However a file is made, inspection reads and unpacks little of it; counted here."""

import os
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ali_import.cli import main
from ali_import.disk import examine
from ali_import.errors import DiskImageError
from ali_import.units import GIB, MIB
from tests.support.containers import BUILDERS, qcow2
from tests.support.disks import (
    BOOT_ARM64,
    BOOT_X86_64,
    FatShape,
    Slot,
    disk,
    fat_volume,
    gpt_disk,
    overwrite,
    program,
    sparse,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@dataclass
class Counted:
    """What was read from files and unpacked from what was read."""

    reads: int = 0
    read_bytes: int = 0
    unpacked_bytes: int = 0

    def within_bounds(self) -> bool:
        return (
            self.reads <= 20_000
            and self.read_bytes <= 64 * MIB
            and self.unpacked_bytes <= 64 * MIB
        )


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Count at the system call and at zlib and zstd, not where the budget is kept."""
    count = Counted()
    pread, decompressobj = os.pread, zlib.decompressobj
    decompressor = zstd.ZstdDecompressor

    def counting_pread(descriptor: int, size_bytes: int, offset: int) -> bytes:
        data = pread(descriptor, size_bytes, offset)
        count.reads += 1
        count.read_bytes += len(data)
        return data

    class Counting:
        def __init__(self, bits: int = 15) -> None:
            self._real = decompressobj(bits)

        def decompress(self, data: bytes, size_bytes_max: int) -> bytes:
            unpacked = self._real.decompress(data, size_bytes_max)
            count.unpacked_bytes += len(unpacked)
            return unpacked

    class CountingZstd:
        def __init__(self, options: Any = None) -> None:
            self._real = decompressor(options=options)

        def decompress(self, data: bytes, size_bytes_max: int) -> bytes:
            unpacked = self._real.decompress(data, size_bytes_max)
            count.unpacked_bytes += len(unpacked)
            return unpacked

    monkeypatch.setattr(os, "pread", counting_pread)
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    monkeypatch.setattr(zstd, "ZstdDecompressor", CountingZstd)
    return count


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "disk.img"


def many_volumes(count: int = 4000) -> bytes:
    """A GPT of FAT volumes that all share one full directory of the largest size."""
    boot_sector = bytearray(fat_volume({}, FatShape(clusters=100))[:512])
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
    return bytes(content)


def many_partitions(count: int = 30_000) -> bytes:
    """A GPT with a partition at every sector."""
    content = bytearray(gpt_disk([], entries=count))
    start = len(content) // 512
    content += bytes(512 * count)
    table = b"".join(
        struct.pack("<16s16sQQ80x", b"type", b"guid", start + number, start + number)
        for number in range(count)
    )
    content[1024 : 1024 + len(table)] = table
    struct.pack_into("<I", content, 512 + 88, zlib.crc32(table))
    struct.pack_into("<I", content, 512 + 16, 0)
    struct.pack_into("<I", content, 512 + 16, zlib.crc32(content[512 : 512 + 92]))
    return bytes(content)


def unpacking_to_much(packed: str = "zlib") -> bytes:
    """Partitions that each begin at the end of a large compressed cluster."""
    content = bytearray(gpt_disk([Slot(content=b"x")], entries=128))
    entries = b"".join(
        struct.pack("<16s16sQQ80x", b"type", b"guid", 4096 * n - 1, 4096 * n - 1)
        for n in range(1, 129)
    )
    content = content.ljust(129 * 2 * MIB, b"\0")
    content[1024 : 1024 + len(entries)] = entries
    for n in range(1, 129):  # or the cluster would be nowhere
        content[2 * MIB * n - 1] = 1
    struct.pack_into("<I", content, 512 + 88, zlib.crc32(entries))
    struct.pack_into("<I", content, 512 + 16, 0)
    struct.pack_into("<I", content, 512 + 16, zlib.crc32(content[512 : 512 + 92]))
    return qcow2(bytes(content), packed=packed, cluster_bits=21)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "many volumes": many_volumes,
    "many volumes in zlib": lambda: qcow2(
        many_volumes(), packed="zlib", cluster_bits=21
    ),
    "many volumes in small clusters": lambda: qcow2(many_volumes(), cluster_bits=9),
    "many partitions": many_partitions,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_takes_no_more_than_the_bounds(
    image: Path, counted: Counted, name: str
) -> None:
    image.write_bytes(HOSTILE[name]())
    with pytest.raises(DiskImageError, match="too large to be real"):
        examine(image)
    assert counted.reads > 10
    assert counted.within_bounds(), counted


def test_the_command_stays_within_them_for_each_file(
    image: Path, counted: Counted, capsys: pytest.CaptureFixture[str]
) -> None:
    image.write_bytes(qcow2(many_volumes(), packed="zstd", cluster_bits=21))
    assert main.main(["inspect", "--json", str(image)]) == 2
    assert "too large to be real" in capsys.readouterr().err
    assert counted.reads > 10
    assert counted.within_bounds(), counted


@pytest.mark.parametrize("kind", BUILDERS)
def test_an_honest_image_takes_a_small_part_of_them(
    image: Path, counted: Counted, kind: str
) -> None:
    content = disk(BOOT_X86_64, BOOT_ARM64, clusters=4000).ljust(16 * MIB, b"\0")
    image.write_bytes(BUILDERS[kind](content))
    assert len(examine(image).boot.programs) == 2
    assert counted.reads < (1000 if "small clusters" in kind else 250)
    assert counted.read_bytes < 8 * MIB
    assert counted.unpacked_bytes < MIB


def test_a_boot_file_of_100_mib_in_the_smallest_clusters_is_no_problem(
    image: Path, counted: Counted
) -> None:
    shape = FatShape(bits=32, clusters=220_000)
    content = fat_volume({BOOT_X86_64: program("x", 100 * MIB)}, shape)
    image.write_bytes(content)
    assert examine(image).boot.architectures == {"x86_64"}
    assert counted.reads < 4000


def test_a_disk_of_the_largest_size_is_no_problem(
    image: Path, counted: Counted
) -> None:
    sparse(image, 2048 * GIB, disk(BOOT_X86_64))
    assert examine(image).boot.architectures == {"x86_64"}
    assert counted.reads < 250


@pytest.mark.parametrize("packed", ["zlib", "zstd"])
def test_clusters_that_unpack_to_much_more_than_themselves_end_it(
    image: Path, counted: Counted, packed: str
) -> None:
    image.write_bytes(unpacking_to_much(packed))
    with pytest.raises(DiskImageError, match="too large to be real"):
        examine(image)
    assert counted.unpacked_bytes > 32 * MIB
    assert counted.within_bounds(), counted


def test_a_chain_in_a_circle_is_not_followed_as_far_as_its_size_says(
    image: Path, counted: Counted
) -> None:
    shape = FatShape(bits=32, clusters=70_000)
    content = fat_volume({BOOT_X86_64: program("x")}, shape)
    image.write_bytes(content)
    at = content.index(b"BOOTX64 EFI")
    overwrite(image, at + 28, b"\xff\xff\xff\xff")
    (first,) = struct.unpack_from("<H", content, at + 26)
    overwrite(image, 32 * 512 + (first + 2) * 4, struct.pack("<I", first))
    (found,) = examine(image).boot.programs
    assert "fewer clusters" in found.problem
    assert counted.reads < 100


def test_memory_stays_small(image: Path) -> None:
    image.write_bytes(unpacking_to_much())
    tracemalloc.start()
    try:
        with pytest.raises(DiskImageError, match="too large to be real"):
            examine(image)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 32 * MIB  # eight blocks of 2 MiB are kept
