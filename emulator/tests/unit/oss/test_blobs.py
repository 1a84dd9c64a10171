"""Blobs: the bytes behind objects, and their checksums."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from alicloud_emulator.world.blobs import (
    BLOCK_BYTES,
    Blob,
    Blobs,
    DirectoryBlobs,
    JoinedBlob,
    MemoryBlob,
    MemoryBlobs,
    SliceBlob,
)
from alicloud_emulator.world.checksum import crc64, crc64_joined


def test_the_crc_is_the_one_of_the_xz_format() -> None:
    # The check value of CRC-64/XZ in every catalogue of CRCs.
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA
    assert crc64(b"") == 0


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_crcs_of_parts_join(first: bytes, second: bytes) -> None:
    joined = crc64_joined(crc64(first), crc64(second), len(second))
    assert joined == crc64(first + second)


def test_ten_thousand_parts_are_joined_without_reading_them() -> None:
    class Unread(MemoryBlob):
        @override
        def read(self, offset: int, length: int) -> bytes:
            raise AssertionError("its checksum is known")

    joined = JoinedBlob(*[Unread(b"x" * 1000)] * 10_000)
    assert joined.size == 10_000_000
    assert joined.crc64 == crc64(b"x" * 10_000_000)


@pytest.mark.parametrize("kind", ["memory", "directory"])
def test_what_is_written_is_read(kind: str, tmp_path: Path) -> None:
    blobs: Blobs = MemoryBlobs() if kind == "memory" else DirectoryBlobs(tmp_path)
    writer = blobs.writer()
    data = bytes(range(256)) * 3000 + kind.encode()
    for start in range(0, len(data), 100_000):
        writer.write(data[start : start + 100_000])
    blob = writer.finish()
    writer.discard()
    assert (blob.size, blob.crc64) == (len(data), crc64(data))
    assert blob.md5 == hashlib.md5(data).digest()
    assert blob.sha256_known == ""
    assert blob.sha256() == blob.sha256_known == hashlib.sha256(data).hexdigest()
    assert blob.read(255, 3) == b"\xff\x00\x01"
    assert blob.read(len(data) - 1, 99) == b"y"
    assert blob.read(len(data), 99) == b""
    blocks = list(blob.blocks())
    assert max(map(len, blocks)) == BLOCK_BYTES
    assert b"".join(blocks) == data
    assert b"".join(blob.blocks(10, 5)) == data[10:15]


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    """An image that was put into thirty regions took thirty times its size."""
    blobs = DirectoryBlobs(tmp_path)

    def stored(data: bytes) -> Blob:
        writer = blobs.writer()
        writer.write(data)
        return writer.finish()

    first, other, again = stored(b"image"), stored(b"other"), stored(b"image")
    assert again is first
    assert again.read(0, 9) == b"image"
    assert len(list(tmp_path.iterdir())) == 2
    del first, other
    assert again.read(0, 9) == b"image"
    assert len(list(tmp_path.iterdir())) == 1
    del again
    assert not list(tmp_path.iterdir())
    assert stored(b"image").read(0, 9) == b"image"


def test_what_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    writer = DirectoryBlobs(tmp_path).writer()
    writer.write(b"x")
    writer.discard()
    assert not list(tmp_path.iterdir())


@given(
    st.lists(st.binary(max_size=40), max_size=6),
    st.integers(0, 250),
    st.integers(0, 250),
)
def test_joined_blobs_are_the_bytes_in_a_row(
    parts: list[bytes], offset: int, length: int
) -> None:
    whole = b"".join(parts)
    joined = JoinedBlob(*map(MemoryBlob, parts))
    assert (joined.size, joined.crc64) == (len(whole), crc64(whole))
    assert joined.read(offset, length) == whole[offset : offset + length]
    assert b"".join(joined.blocks(offset, length)) == whole[offset : offset + length]
    assert joined.sha256() == hashlib.sha256(whole).hexdigest()


def test_appending_again_and_again_does_not_nest() -> None:
    blob = JoinedBlob()
    for number in range(2000):
        blob = JoinedBlob(blob, MemoryBlob(bytes([number % 256])))
    assert blob.read(1990, 5) == bytes([198, 199, 200, 201, 202])
    assert len(blob.row().parts) == 2000


@given(st.binary(max_size=200), st.integers(0, 250), st.integers(0, 250))
def test_slices_are_ranges(data: bytes, offset: int, length: int) -> None:
    expected = data[offset : offset + length]
    piece = SliceBlob(MemoryBlob(data), offset, length)
    assert (piece.size, piece.crc64) == (len(expected), crc64(expected))
    assert piece.md5 == hashlib.md5(expected).digest()
    assert piece.read(0, 999) == expected
    assert piece.read(1, 2) == expected[1:3]


def test_a_slice_keeps_the_whole_alive(tmp_path: Path) -> None:
    writer = DirectoryBlobs(tmp_path).writer()
    writer.write(b"0123456789")
    piece = SliceBlob(writer.finish(), 3, 4)
    assert piece.read(0, 9) == b"3456"
    assert len(list(tmp_path.iterdir())) == 1
    del piece
    assert not list(tmp_path.iterdir())


def test_appending_copies_nothing_of_what_there_is() -> None:
    """Ten thousand appends took time and memory with the square of their number."""
    log = JoinedBlob(MemoryBlob(b"0"))
    rows = {id(log.row())}
    for number in range(1, 10):
        log = JoinedBlob(log, MemoryBlob(str(number).encode()))
        rows.add(id(log.row()))
    assert len(rows) == 1
    assert log.read(0, 100) == b"0123456789"


def test_what_was_appended_to_twice_is_two_rows_from_there_on() -> None:
    begun = JoinedBlob(MemoryBlob(b"ab"), MemoryBlob(b"c"))
    one, other = (JoinedBlob(begun, MemoryBlob(end)) for end in (b"1", b"22"))
    empty = JoinedBlob(begun, MemoryBlob(b""))
    assert (begun.read(0, 9), empty.read(0, 9)) == (b"abc", b"abc")
    assert (one.read(1, 9), other.read(1, 9)) == (b"bc1", b"bc22")
    assert other.crc64 == MemoryBlob(b"abc22").crc64
    assert JoinedBlob(one, other).read(0, 20) == b"abc1abc22"
    assert JoinedBlob(other, other).read(0, 20) == b"abc22abc22"
