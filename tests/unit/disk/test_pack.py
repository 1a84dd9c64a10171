"""What goes up of a file, and that the file can be made of it again."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ali_import.disk.pack import (
    PARTS_MAX,
    USUAL,
    Grain,
    Pack,
    Packer,
)
from ali_import.disk.reader import open_image
from ali_import.units import GIB, KIB, MIB, TIB
from tests.support.memory import MemoryFile

FINE = Grain(
    small_bytes=0,
    block_bytes=16,
    part_bytes=40,
    zeros_bytes=(8, 16),
    extents_max=1000,
)
PATH = Path("/disk.img")


def packed(data: bytes, grain: Grain = FINE) -> Pack:
    packer = Packer(len(data), grain)
    for at in range(0, len(data), grain.block_bytes):
        packer.update(data[at : at + grain.block_bytes])
    return packer.pack()


def sent(pack: Pack, data: bytes) -> bytes:
    """Return what goes up, as it is read part by part."""
    bodies = [pack.body(MemoryFile.of(PATH, data), part) for part in pack.parts]
    read = [b"".join(body.blocks()) for body in bodies]
    for part, body, found in zip(pack.parts, bodies, read, strict=True):
        assert body.length == part.length == len(found)
        assert hashlib.md5(found, usedforsecurity=False).hexdigest() == part.md5
    return b"".join(read)


def remade(pack: Pack, data: bytes) -> bytes:
    """Return the file, made of the pack alone."""
    up = sent(pack, data)
    if not pack.pieces:
        return up
    made = [
        bytes(length) if source is None else up[source : source + length]
        for length, source in pack.pieces
    ]
    return b"".join(made)


def disk(kinds: str, tail: int = 0) -> bytes:
    """Return a block for each letter: ``z`` is zeros, equal letters are equal."""
    blocks = [bytes(16) if kind == "z" else kind.encode() * 16 for kind in kinds]
    return b"".join(blocks) + b"t" * tail


@given(st.text("abcz", max_size=40), st.integers(0, 15), st.integers(1, 6))
def test_a_file_is_made_again_of_its_pack(kinds: str, tail: int, extents: int) -> None:
    data = disk(kinds, tail) or b"x"
    pack = packed(data, replace(FINE, extents_max=extents))
    assert remade(pack, data) == data
    assert pack.data_bytes == sum(
        len(block)
        for block in (data[at : at + 16] for at in range(0, len(data), 16))
        if any(block)
    )


@given(st.text("abcz", max_size=40), st.integers(0, 15))
def test_no_zeros_go_up_and_nothing_goes_up_twice(kinds: str, tail: int) -> None:
    data = disk(kinds, tail) or b"x"
    pack = packed(data)
    distinct = len(set(kinds) - {"z"}) * 16 + (tail or (not kinds))
    assert pack.size_bytes == distinct + pack.zeros
    assert (pack.zeros > 0) == ("z" in kinds)
    assert pack.gap_bytes == 0


def test_what_has_neither_zeros_nor_repetitions_goes_up_as_it_is() -> None:
    data = disk("abcdef", 3)
    pack = packed(data)
    assert sent(pack, data) == data
    assert (pack.pieces, pack.zeros) == ((), 0)
    assert [part.length for part in pack.parts] == [40, 40, 19]


def test_a_small_file_goes_up_whole_whatever_is_in_it() -> None:
    data = disk("azzaz", 3)
    pack = packed(data, replace(FINE, small_bytes=len(data)))
    assert len(pack.parts) == 1
    assert sent(pack, data) == data
    assert not pack.is_large
    assert packed(data).is_large


def test_packs_that_were_cut_otherwise_are_told_apart() -> None:
    data = disk("abcdefz")
    assert packed(data).id == packed(data).id
    assert packed(data).id != packed(data, replace(FINE, part_bytes=48)).id
    assert packed(data).id != packed(disk("abcdegz")).id


def test_where_there_are_too_many_extents_the_smallest_gaps_go_along() -> None:
    letters = [chr(ord("A") + n) for n in range(20)]
    kinds = "z".join(letters[:10]) + "zzzz" + "z".join(letters[10:])
    grain = replace(FINE, extents_max=10)
    assert packed(disk(kinds), replace(grain, extents_max=20)).gap_bytes == 0
    pack = packed(disk(kinds), grain)
    assert remade(pack, disk(kinds)) == disk(kinds)
    assert 0 < pack.gap_bytes < 10 * 16
    # The large gap is none of them.
    assert any(p == (64, None) for p in pack.pieces)


def test_the_zeros_to_copy_from_are_less_than_a_hundredth() -> None:
    for data_bytes in (0, 13 * MIB, 64 * MIB, 256 * MIB, 300 * MIB):
        packer = Packer(GIB)
        for at in range(0, data_bytes, MIB):
            packer.update(at.to_bytes(8, "big") + b"x" * (MIB - 8))
        packer.skip(GIB - data_bytes)
        pack = packer.pack()
        assert 128 * KIB <= pack.zeros <= MIB
        assert pack.zeros <= max(128 * KIB, data_bytes / 100)
        assert pack.size_bytes <= max(data_bytes * 1.01, data_bytes + 128 * KIB)


def test_parts_grow_so_that_a_disk_of_any_size_has_few_enough() -> None:
    lengths = [USUAL.part_length(number + 1) for number in range(PARTS_MAX)]
    assert sum(lengths) > 2 * TIB
    assert max(lengths) <= 5_000_000_000  # what OSS takes
    assert sum(lengths[:1250]) >= 9 * GIB
    assert lengths[0] == lengths[1249] == 8 * MIB


@pytest.mark.parametrize("sparse", [True, False])
def test_a_sparse_file_is_what_it_is_without_holes(
    tmp_path: Path, *, sparse: bool
) -> None:
    path = tmp_path / "disk.img"
    dice = Random(1)
    content = {at * MIB: dice.randbytes(MIB) for at in (0, 1, 40, 41, 90)}
    content[60 * MIB + 5000] = b"in the middle of a block"
    size = 99 * MIB + 700
    with path.open("wb") as file:
        if not sparse:
            file.write(bytes(size))
        for at, data in content.items():
            file.seek(at)
            file.write(data)
        file.truncate(size)
    packer = Packer(size)
    with open_image(path) as reader:
        found = reader.sha256(packer)
    data = path.read_bytes()
    assert found == hashlib.sha256(data).hexdigest()
    pack = packer.pack()
    assert pack.data_bytes == 6 * MIB
    assert remade(pack, data) == data


def test_a_hole_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.write(b"x" * MIB)
        file.truncate(500 * MIB)
    read = 0

    def counting(descriptor: int, size: int, offset: int) -> bytes:
        nonlocal read
        read += size
        return pread(descriptor, size, offset)

    pread = os.pread
    monkeypatch.setattr(os, "pread", counting)
    with open_image(path) as reader:
        reader.sha256(Packer(reader.size_bytes))
    assert read <= 2 * MIB


def test_a_body_is_read_from_any_byte_on_and_says_where_the_file_ends() -> None:
    data = disk("abzc", 5)
    pack = packed(data, replace(FINE, part_bytes=1000))
    (part,) = pack.parts
    body = pack.body(MemoryFile.of(PATH, data), part)
    whole = b"".join(body.blocks())
    assert whole == disk("abc", 5) + bytes(8)
    for start in range(len(whole) + 1):
        assert b"".join(body.blocks(start)) == whole[start:]
    short = pack.body(MemoryFile.of(PATH, data[:-1]), part)
    with pytest.raises(EOFError):
        list(short.blocks())


def test_what_is_remembered_of_two_tebibytes_fits_in_memory() -> None:
    """The worst case: a block of data after each block of zeros."""
    packer = Packer(TIB)
    block = b"x" * 64
    packer._grain = replace(USUAL, block_bytes=64)  # so that it takes a moment
    packer._zero_block = bytes(64)
    for number in range(300_000):
        packer.update(number.to_bytes(8, "big") + block[8:])
        packer.skip(64)
    pack = packer.pack()
    assert len(pack.pieces) <= 2 * 2 * USUAL.extents_max
