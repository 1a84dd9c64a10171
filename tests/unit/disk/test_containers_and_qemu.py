"""Containers that qemu-img wrote, and what qemu-img makes of ours.

It is by another hand than the builders in ``tests/support/containers.py``, and than what
reads them.
"""

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from ali_import.disk import BootMode, examine, reader
from ali_import.disk.containers import open_container
from ali_import.errors import DiskImageError
from ali_import.units import GIB, MIB
from emulator.tests.support.programs import need, run
from tests.support.containers import BUILDERS
from tests.support.disks import BOOT_ARM64, BOOT_X86_64, disk
from tests.support.real_images import make_real_images, skip_reason

NAMES = {"qcow2": "qcow2", "vhd": "vpc", "vmdk": "vmdk", "vdi": "vdi", "vhdx": "vhdx"}

WRITTEN = [
    *(("qcow2", f"compat={compat}") for compat in ("0.10", "1.1")),
    *(
        ("qcow2", f"cluster_size={size}")
        for size in (512, 4096, 65536, 262_144, 2 * MIB)
    ),
    ("qcow2", "compression_type=zstd"),
    ("qcow2", "extended_l2=on,cluster_size=16k"),
    ("qcow2", "extended_l2=on,cluster_size=2M"),
    ("qcow2", "extended_l2=on,cluster_size=64k,compression_type=zstd"),
    ("qcow2", "preallocation=metadata"),
    ("qcow2", "preallocation=full"),
    ("qcow2", "lazy_refcounts=on"),
    ("qcow2", "refcount_bits=1"),
    ("vpc", "subformat=dynamic"),
    ("vpc", "subformat=dynamic,force_size=on"),
    ("vpc", "subformat=fixed"),
    ("vpc", "subformat=fixed,force_size=on"),
    ("vmdk", "subformat=monolithicSparse"),
    ("vmdk", "subformat=monolithicSparse,compat6=on"),
    ("vmdk", "subformat=streamOptimized"),
    ("vdi", "static=off"),
    ("vdi", "static=on"),
    ("vhdx", "subformat=dynamic"),
    ("vhdx", "subformat=fixed"),
    ("vhdx", "block_size=1M"),
]


def may_pack(options: str) -> bool:
    """Return whether qemu-img can compress with these options."""
    ours = ("compat=", "cluster_size", "compression_type", "extended_l2", "refcount")
    return options.startswith(ours)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk of 12 MiB with noise at the edges of blocks of every size."""
    content = bytearray(disk(BOOT_X86_64, BOOT_ARM64)) + bytes(12 * MIB)
    del content[12 * MIB :]
    noise = random.Random(3)
    for at in (MIB + 512, 2 * MIB - 512, 4 * MIB - 40_000, 12 * MIB - 3000):
        content[at : at + 3000] = noise.randbytes(3000)
    path = tmp_path_factory.mktemp("raw") / "disk.raw"
    path.write_bytes(content)
    return path


@pytest.fixture
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test read whole disks, which an inspection does not."""
    for limit in ("READS_MAX", "READ_BYTES_MAX", "UNPACKED_BYTES_MAX"):
        monkeypatch.setattr(reader, limit, GIB)


def content_of(image: Path) -> bytes:
    with reader.open_image(image) as file:
        inside = open_container(file).disk
        return b"".join(
            inside.read(at, min(MIB, inside.size_bytes - at))
            for at in range(0, inside.size_bytes, MIB)
        )


@pytest.mark.usefixtures("unbounded")
@pytest.mark.parametrize(
    ("name", "options", "packed"),
    [
        *((name, options, False) for name, options in WRITTEN),
        *((name, options, True) for name, options in WRITTEN if may_pack(options)),
    ],
)
def test_what_qemu_wrote_is_read_as_it_was(
    tmp_path: Path, raw: Path, name: str, options: str, packed: bool
) -> None:
    need("qemu-img", "qemu-utils")
    image = tmp_path / "image"
    flags = ["-c"] if packed else []
    run("qemu-img", "convert", *flags, "-O", name, "-o", options, raw, image)
    content = content_of(image)
    # Virtual PC's geometry rounds a disk up; what is added is zero.
    assert content.rstrip(b"\0") == raw.read_bytes().rstrip(b"\0")
    found = examine(image)
    told = json.loads(run("qemu-img", "info", "-f", name, "--output=json", image))
    assert found.virtual_bytes == told["virtual-size"]
    assert found.format == {"vpc": "VHD"}.get(name, name.upper())
    assert (found.boot_mode, found.architecture) == (BootMode.UEFI, None)


OF_ALL_KINDS = [
    ("qcow2", "compat=0.10,cluster_size=512"),
    ("qcow2", "extended_l2=on"),
    ("vpc", "subformat=dynamic"),
    ("vpc", "subformat=fixed"),
    ("vmdk", "subformat=monolithicSparse"),
    ("vmdk", "subformat=streamOptimized"),
    ("vdi", "static=off"),
    ("vhdx", "subformat=dynamic"),
]


def test_real_images_boot_the_same_in_every_container(tmp_path: Path) -> None:
    """Loaders of others, converted by others: what they are must not change."""
    need("qemu-img", "qemu-utils")
    if reason := skip_reason():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    for real in make_real_images(tmp_path):
        wanted = examine(real.path)
        for name, options in OF_ALL_KINDS:
            image = tmp_path / "image"
            flags = ("-f", "raw", "-O", name, "-o", options)
            run("qemu-img", "convert", *flags, real.path, image)
            found = examine(image)
            boot = replace(found.boot, warnings=wanted.boot.warnings)
            assert boot == wanted.boot, (real.path.name, name, options)
            assert found.boot_mode == real.boot_mode
            assert found.architecture == real.architecture


@pytest.mark.parametrize("kind", BUILDERS)
def test_qemu_reads_what_our_tests_are_made_of(
    tmp_path: Path, raw: Path, kind: str
) -> None:
    need("qemu-img", "qemu-utils")
    image = tmp_path / "image"
    image.write_bytes(BUILDERS[kind](raw.read_bytes()))
    name = NAMES[kind.split(maxsplit=1)[0]]
    told = run("qemu-img", "compare", "-f", name, "-F", "raw", image, raw)
    assert "identical" in told


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (
            "qcow2",
            "encrypt.format=aes,encrypt.key-secret=key",
            "encrypted",
        ),
        ("qcow2", "data_file=other,data_file_raw=on", "in another file"),
        ("vmdk", "subformat=monolithicFlat", "whose disk is in other files"),
        ("vmdk", "subformat=twoGbMaxExtentSparse", "whose disk is in other files"),
        ("qcow", "", "QCOW image of version 1 (virtual size 12 MiB)"),
        ("qed", "", "QED image (virtual size 12 MiB)"),
        ("parallels", "", "Parallels image"),
    ],
)
def test_what_qemu_wrote_and_is_not_read_is_refused(
    tmp_path: Path, name: str, options: str, words: str
) -> None:
    need("qemu-img", "qemu-utils")
    image = tmp_path / "image"
    flags = ["-o", options.replace("=other", f"={tmp_path}/other")] if options else []
    secret = ["--object", "secret,id=key,data=abcdef"]
    run("qemu-img", "create", *secret, "-f", name, *flags, image, "12M")
    with pytest.raises(DiskImageError) as caught:
        examine(image)
    assert words in caught.value.message
    for part in tmp_path.glob("image-s0*"):
        with pytest.raises(DiskImageError, match="split VMDK"):
            examine(part)


def test_a_backing_file_and_snapshots_of_qemu_are_seen(
    tmp_path: Path, raw: Path
) -> None:
    need("qemu-img", "qemu-utils")
    image = tmp_path / "image"
    run("qemu-img", "convert", "-O", "qcow2", raw, image)
    run("qemu-img", "snapshot", "-c", "before", image)
    (text,) = (text for text in examine(image).warnings if "snapshot" in text)
    assert "1 internal snapshots" in text
    above = tmp_path / "above"
    run("qemu-img", "create", "-f", "qcow2", "-b", image, "-F", "qcow2", above)
    with pytest.raises(DiskImageError, match="changes to a backing file"):
        examine(above)
    base, child = tmp_path / "base", tmp_path / "child"
    run("qemu-img", "convert", "-O", "vmdk", raw, base)
    run("qemu-img", "create", "-f", "vmdk", "-b", base, "-F", "vmdk", child)
    with pytest.raises(DiskImageError, match="changes to another VMDK"):
        examine(child)


@pytest.mark.parametrize("size", ["40G", "2T"])
@pytest.mark.parametrize("name", ["qcow2", "vmdk", "vdi", "vhdx", "vpc"])
def test_the_size_of_an_empty_disk_is_what_qemu_says(
    tmp_path: Path, name: str, size: str
) -> None:
    need("qemu-img", "qemu-utils")
    if (name, size) == ("vpc", "2T"):
        size = "2040G"  # as much as it can
    image = tmp_path / "image"
    run("qemu-img", "create", "-f", name, image, size)
    told = json.loads(run("qemu-img", "info", "--output=json", image))
    with reader.open_image(image) as file:
        inside = open_container(file).disk
        assert inside.size_bytes == told["virtual-size"]
        assert inside.read(inside.size_bytes - 512, 512) == bytes(512)
    with pytest.raises(DiskImageError, match="its disk is not a disk image"):
        examine(image)
