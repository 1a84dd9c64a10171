"""Images in containers: recognised by content, and the disk inside inspected."""

import hashlib
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ali_import.disk import Architecture, BootMode, examine, inspect, reader
from ali_import.disk.blocks import Format
from ali_import.disk.containers import open_container
from ali_import.errors import DiskImageError
from ali_import.units import GIB, MIB, TIB
from scripts.diskbuilder import EFI_SYSTEM_GUID, LINUX_DATA_GUID
from tests.support.containers import (
    BUILDERS,
    qcow2,
    vdi,
    vhd_dynamic,
    vhd_fixed,
    vhd_footer,
    vhdx,
    vmdk,
)
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
    overwrite,
    program,
    sparse,
)

FORMATS = {
    "qcow2": Format.QCOW2,
    "vhd": Format.VHD,
    "vmdk": Format.VMDK,
    "vdi": Format.VDI,
    "vhdx": Format.VHDX,
}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Its name says nothing, or the wrong thing."""
    return tmp_path / "disk.raw"


def scattered() -> bytes:
    """A disk of 5 MiB: some noise, much nothing, boot files."""
    content = bytearray(disk(BOOT_X86_64, BOOT_ARM64, clusters=4000)) + bytes(3 * MIB)
    noise = random.Random(1)
    for at in (MIB - 100, 3 * MIB + 512, len(content) - 5000):
        content[at : at + 4000] = noise.randbytes(4000)
    return bytes(content)


def refusal(image: Path, content: bytes) -> str:
    image.write_bytes(content)
    with pytest.raises(DiskImageError) as caught:
        examine(image)
    assert caught.value.advice
    return caught.value.message


@pytest.fixture
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test read whole disks, which an inspection does not."""
    for limit in ("READS_MAX", "READ_BYTES_MAX", "UNPACKED_BYTES_MAX"):
        monkeypatch.setattr(reader, limit, GIB)


def content_of(image: Path) -> bytes:
    """Return the whole disk, read in pieces that fit no block."""
    with reader.open_image(image) as file:
        inside = open_container(file).disk
        step = 60_000 + 7
        pieces = [
            inside.read(at, min(step, inside.size_bytes - at))
            for at in range(0, inside.size_bytes, step)
        ]
        assert inside.read(inside.size_bytes, 100) == bytes(100)
    return b"".join(pieces)


@pytest.mark.usefixtures("unbounded")
@pytest.mark.parametrize("kind", BUILDERS)
def test_every_byte_of_the_disk_inside_is_read(image: Path, kind: str) -> None:
    content = scattered()
    image.write_bytes(BUILDERS[kind](content))
    assert content_of(image) == content


@pytest.mark.parametrize("kind", BUILDERS)
def test_the_disk_inside_is_inspected(image: Path, kind: str) -> None:
    content = scattered()
    image.write_bytes(BUILDERS[kind](content))
    found = examine(image)
    assert found.format is FORMATS[kind.split(maxsplit=1)[0]]
    assert found.virtual_bytes == len(content)
    assert found.file_bytes == image.stat().st_size
    assert (found.boot_mode, found.architecture) == (BootMode.UEFI, None)
    assert found.boot.table == "GPT"
    (partition,) = found.boot.partitions
    assert partition.name == "partition 1"
    image.write_bytes(BUILDERS[kind](disk()))
    assert examine(image).boot_mode is BootMode.BIOS


SLOTS = st.lists(
    st.builds(
        Slot,
        content=st.sampled_from(
            [
                b"-",
                fat_volume({BOOT_X86_64: program("x64")}, FatShape(clusters=200)),
                fat_volume({BOOT_ARM64: program("arm64")}, FatShape(clusters=90)),
                fat_volume({BOOT_ARM64: b""}, FatShape(bits=32, clusters=90)),
            ]
        ),
        number=st.sampled_from([1, 2, 3, 5, 6, 7, 8]),
        gpt_type=st.sampled_from([EFI_SYSTEM_GUID, LINUX_DATA_GUID]),
        mbr_type=st.sampled_from([0x0C, 0x83, 0xEF]),
    ),
    max_size=5,
    unique_by=lambda slot: slot.number,
)


@given(
    kind=st.sampled_from([kind for kind in BUILDERS if kind != "vhdx"]),
    slots=SLOTS.map(lambda slots: sorted(slots, key=lambda slot: slot.number)),
    table=st.sampled_from([gpt_disk, mbr_disk]),
    sector_bytes=st.sampled_from([512, 512, 4096]),
)
@settings(max_examples=100, deadline=None)
def test_a_disk_is_the_same_in_any_container(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    slots: list[Slot],
    table: Callable[..., bytes],
    sector_bytes: int,
) -> None:
    content = table(slots, sector_bytes=sector_bytes, boot_code=BOOT_CODE)
    image = tmp_path_factory.getbasetemp() / "any"
    image.write_bytes(content)
    bare = examine(image)
    if table is gpt_disk or bare.boot.sector_bytes == sector_bytes:
        assert len(bare.boot.partitions) == len(slots)
    image.write_bytes(BUILDERS[kind](content))
    assert examine(image).boot == bare.boot


@pytest.mark.parametrize("kind", BUILDERS)
def test_the_data_of_the_disk_inside_are_counted_in_blocks(
    image: Path, kind: str
) -> None:
    data_bytes = 64 * 1024
    content = disk().ljust(16 * MIB, b"\0")
    content = content[: -2 * MIB] + random.Random(2).randbytes(data_bytes)
    image.write_bytes(BUILDERS[kind](content))
    found = examine(image)
    assert found.data_bytes is not None
    if "fixed" in kind:
        assert found.data_bytes == len(content)
        return
    block_bytes = {"vhdx": 8 * MIB, "qcow2 of large clusters": 2 * MIB}
    most = 4 * block_bytes.get(kind, 2 * MIB)
    assert data_bytes < found.data_bytes <= min(most, len(content))


def test_the_data_of_a_raw_image_are_what_is_no_hole(image: Path) -> None:
    content = disk(BOOT_X86_64)
    sparse(image, 8 * GIB, content)
    data_bytes = examine(image).data_bytes
    assert data_bytes is not None
    assert data_bytes < 8 * MIB
    image.write_bytes(content)
    assert examine(image).data_bytes == len(content)


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_container_that_was_cut_is_never_taken_for_another_disk(
    image: Path, kind: str
) -> None:
    content = BUILDERS[kind](scattered())
    image.write_bytes(content)
    steps = range(700, len(content), max(512, len(content) // 60))
    for size in reversed(steps):
        with image.open("r+b") as file:
            file.truncate(size)
        try:
            found = examine(image)
        except DiskImageError:
            continue
        assert found.boot.architectures == {Architecture.X86_64, Architecture.ARM64}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (qcow2(disk(), backing="base.img"), "only the changes to a backing file"),
        (qcow2(disk(), version=2, backing="base.img"), "changes to a backing file"),
        (qcow2(disk(), encryption=1), "encrypted"),
        (qcow2(disk(), encryption=2), "encrypted"),
        (qcow2(disk(), incompatible=1), "was not closed"),
        (qcow2(disk(), incompatible=2), "marked as corrupt"),
        (qcow2(disk(), incompatible=4), "data in another file"),
        (qcow2(disk(), incompatible=1 << 40), "unknown features (0x10000000000)"),
        (qcow2(b""), "a disk of no bytes"),
        (vhd_footer(0), "no footer"),
        (disk() + vhd_footer(len(disk()), kind=4), "differencing"),
        (disk() + vhd_footer(len(disk()), kind=5), "of type 5"),
        (disk() + vhd_footer(len(disk()) + 512), "wrong size"),
        (disk()[:-512] + vhd_footer(len(disk())), "wrong size"),
        (vhd_dynamic(disk())[:-512], "cut short: it has no footer"),
        (vhd_dynamic(disk(), block_bytes=MIB, entries=1), "wrong size"),
        (vmdk(disk(), parent="1234abcd"), "changes to another VMDK"),
        (vmdk(disk(), descriptor=False), "one part of a split VMDK"),
        (vmdk(disk(), stream=True)[:-1024], "cut short"),
        (vdi(disk(), kind=4), "changes to another VDI"),
        (vhdx(disk(), log=True), "was not closed"),
        (vhdx(disk(), parent=True), "differencing"),
        (qcow2(bytes(MIB)), "its disk is not a disk image"),
        (vhd_dynamic(b"Hello world\n" * 4096), "its disk is a text file"),
        (vmdk(disk(BOOT_X86_64)[:80_384]), "its disk is cut short"),
    ],
)
def test_what_is_not_whole_in_itself_is_refused_with_its_reason(
    image: Path, content: bytes, words: str
) -> None:
    assert words in refusal(image, content)


@pytest.mark.parametrize(
    ("content", "at", "value"),
    [
        pytest.param(qcow2(disk()), 4, b"\0\0\0\4", id="QCOW2 of a later version"),
        pytest.param(qcow2(disk()), 20, b"\0\0\0\x08", id="clusters too small"),
        pytest.param(qcow2(disk()), 20, b"\0\0\0\x16", id="clusters too large"),
        pytest.param(qcow2(disk()), 36, b"\0\0\0\0", id="no L1 table"),
        pytest.param(qcow2(disk()), 36, b"\x7f\0\0\0", id="a huge L1 table"),
        pytest.param(qcow2(disk()), 40, b"\0" * 7 + b"\x08", id="L1 not aligned"),
        pytest.param(qcow2(disk()), 40, b"\x7f" + b"\0" * 7, id="L1 far away"),
        pytest.param(qcow2(disk()), 104, b"\2", id="another compression"),
        pytest.param(vhd_fixed(disk()), -400, b"\1", id="VHD footer"),
        pytest.param(vhd_dynamic(disk()), 512 + 900, b"\1", id="VHD header"),
        pytest.param(vmdk(disk()), 20, b"\0" * 8, id="VMDK of no grains"),
        pytest.param(vmdk(disk()), 27, b"\1", id="VMDK of huge grains"),
        pytest.param(vdi(disk()), 376, b"\0" * 4, id="VDI of no blocks"),
        pytest.param(vdi(disk()), 68, b"\2", id="VDI of another version"),
        pytest.param(vhdx(disk()), 2 * MIB, b"x", id="VHDX metadata"),
    ],
)
def test_a_damaged_header_is_refused(
    image: Path, content: bytes, at: int, value: bytes
) -> None:
    image.write_bytes(content)
    overwrite(image, at, value)
    with pytest.raises(DiskImageError, match=r"damaged|cannot be right|nobody here"):
        examine(image)


@pytest.mark.parametrize("packed", ["zlib", "zstd"])
def test_damaged_compressed_data_are_refused(image: Path, packed: str) -> None:
    content = qcow2(disk(BOOT_X86_64), packed=packed)
    (entry,) = struct.unpack_from(">Q", content, 5 * 65536)
    image.write_bytes(content)
    overwrite(image, entry & 0xFFFF_FFFF, b"\xff" * 40)
    with pytest.raises(DiskImageError, match="cannot be unpacked"):
        examine(image)


def test_internal_snapshots_are_told(image: Path) -> None:
    image.write_bytes(qcow2(disk(), snapshots=3))
    (text,) = examine(image).warnings
    assert "3 internal snapshots" in text


def test_sizes_of_vhds_that_the_cloud_may_refuse_are_told(image: Path) -> None:
    image.write_bytes(vhd_dynamic(disk().ljust(2 * MIB, b"\0")))
    (no_copies,) = examine(image).warnings
    assert "cannot copy images made from a VHD" in no_copies
    image.write_bytes(vhd_fixed(disk()))
    assert examine(image).warnings == (no_copies,)
    image.write_bytes(vhd_dynamic(disk()))
    _, text = examine(image).warnings
    assert "InvalidVHDImage.IncorrectSize" in text
    content = disk().ljust(2 * MIB, b"\0")
    image.write_bytes(vhd_dynamic(content, block_bytes=512 * 1024))
    _, text = examine(image).warnings
    assert "InvalidBlockSize.NotSupport" in text


@pytest.mark.parametrize(
    ("packed", "extended", "words"),
    [
        ("", False, ""),
        ("zlib", False, ""),
        ("zstd", False, "it has zstd clusters, which"),
        ("", True, "it has extended L2, which"),
        ("zstd", True, "it has zstd clusters and extended L2, which"),
    ],
)
def test_features_of_qcow2_that_the_cloud_may_not_know_are_told(
    image: Path, packed: str, extended: bool, words: str
) -> None:
    image.write_bytes(qcow2(disk(), packed=packed, extended=extended))
    (text,) = examine(image).warnings or ("",)
    assert text.startswith(words)
    assert bool(text) == bool(words)


@pytest.mark.parametrize(
    "kind", [kind for kind in BUILDERS if not kind.startswith(("qcow2", "vhd "))]
)
def test_what_the_cloud_does_not_take_is_refused_with_the_way_to_convert_it(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "my disk.img"
    path.write_bytes(BUILDERS[kind](disk().ljust(2 * MIB, b"\0")))
    with pytest.raises(DiskImageError) as caught:
        inspect(path)
    line = caught.value.diagnostics()
    assert "image (virtual size 2 MiB), which" in line
    assert "the cloud does not take" in line
    output = path.with_suffix(".qcow2")
    assert f"qemu-img convert -O qcow2 '{path}' '{output}'" in line
    assert examine(path).refusals[0].message in line
    with pytest.raises(DiskImageError, match="the cloud does not take"):
        inspect(path, boot_mode=BootMode.BIOS)  # cannot be overruled


@pytest.mark.parametrize("build", [qcow2, vhd_fixed, vhd_dynamic])
def test_what_goes_up_is_the_file_as_it_is(
    image: Path, build: Callable[[bytes], bytes]
) -> None:
    """Its hash and its pack are of the file, its size is of the disk."""
    content = build(scattered())
    image.write_bytes(content)
    found = inspect(image)
    assert found.format == ("QCOW2" if build is qcow2 else "VHD")
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.file_bytes == found.pack.size_bytes == len(content)
    assert found.virtual_bytes == len(scattered())
    assert found.suffix == "-uefi-multi"


def test_the_size_that_counts_is_that_of_the_disk(image: Path) -> None:
    content = bytearray(qcow2(disk(), cluster_bits=21, version=2))
    struct.pack_into(">I", content, 36, 5)  # L1 entries, each for 512 GiB
    for size_bytes in (2 * TIB, 2 * TIB + 512):
        struct.pack_into(">Q", content, 24, size_bytes)
        image.write_bytes(content)
        if size_bytes == 2 * TIB:
            assert inspect(image).size_gib == 2048
        else:
            with pytest.raises(DiskImageError) as caught:
                inspect(image)
            assert "2,199,023,256,064 bytes, more than" in caught.value.message


def test_an_empty_block_of_every_kind_is_zero(image: Path) -> None:
    """QCOW2: unallocated, or marked as zero with and without a place."""
    content = bytearray(qcow2(gpt_disk([]).ljust(4 * MIB, b"\0")))
    l2_at = 5 * 65536
    image.write_bytes(content)
    before = content_before(image)
    (first,) = struct.unpack_from(">Q", content, l2_at)
    for entry in (1, first | 1):
        struct.pack_into(">Q", content, l2_at + 8 * 20, entry)
        image.write_bytes(content)
        assert content_before(image) == before


def content_before(image: Path) -> bytes:
    with reader.open_image(image) as file:
        inside = open_container(file).disk
        return inside.read(20 * 65536, 65536)


def foreign() -> Iterator[tuple[bytes, str]]:
    size = struct.pack(">Q", 10 * GIB)
    yield b"QFI\xfb\0\0\0\1" + bytes(16) + size, "QCOW image of version 1 (virtual size"
    yield b"QED\0" + bytes(44) + struct.pack("<Q", 3 * GIB), "QED image (virtual size"
    yield b"COWD" + bytes(8) + struct.pack("<I", 8), "(virtual size 4 KiB)"
    yield b"# Disk DescriptorFile\nversion=1\n", "VMDK descriptor"
    yield b"WithoutFreeSpace", "Parallels image"
    yield b"QFI\xfb\0\0\0\1" + bytes(22) + b"\2\0", "(virtual size 512 bytes)"


@pytest.mark.parametrize(("head", "words"), list(foreign()))
def test_a_format_that_is_not_read_is_refused_with_the_way_to_convert_it(
    image: Path, head: bytes, words: str
) -> None:
    line = refusal(image, head.ljust(100_000, b"\0"))
    assert words in line
    assert "which the cloud does not take" in line
