"""Images of other kinds than a small raw disk, as processes over real sockets."""

import gzip
import hashlib
import lzma
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from ali_import.units import GIB, MIB
from emulator.tests.support.emulator import emulator
from tests.e2e.conftest import FAMILY, FLAGS, NAME, Exec
from tests.support.audit import Expected, expected, problems
from tests.support.containers import qcow2, vhd_dynamic, vhd_fixed
from tests.support.disks import BOOT_X86_64, disk
from tests.support.tool import BIN, run

pytestmark = pytest.mark.e2e

REGIONS = ("eu-central-1", "cn-hangzhou", "us-southeast-1")  # direct, relay, copy
IN_THEM = tuple(word for region in REGIONS for word in ("-r", region))


def test_images_become_uefi_preferred_by_every_route(
    execute: Exec, disks: list[Path], wanted: list[Expected]
) -> None:
    said = ("--boot-mode", "uefi-preferred", "--sha256")
    sum_ = f"{disks[1]}={hashlib.sha256(disks[1].read_bytes()).hexdigest()}"
    ended, report = execute(*FLAGS, *IN_THEM, *said, sum_, disks[1])
    assert ended.status == 0, ended.err
    images = [image for r in REGIONS for image in report["regions"][r]["images"]]
    assert [image["created_by"] for image in images] == ["import", "import", "copy"]
    assert {image["boot_mode"] for image in images} == {"UEFI-Preferred"}
    assert {image["name"] for image in images} == {wanted[1].name}


BUILDERS: dict[str, Callable[[bytes], bytes]] = {
    "qcow2": qcow2,
    "vhd": vhd_dynamic,
    "fixed.vhd": vhd_fixed,
}


def image_file(folder: Path, kind: str, *, large: bool) -> Path:
    """Write an image; its disk is of 3 GiB, or what is too large for one part."""
    content = disk(BOOT_X86_64).ljust(2 * MIB, b"\0")
    if large:
        content += random.Random(1).randbytes(36 * MIB)
    data = BUILDERS[kind](content)
    if kind == "qcow2" and not large:  # QEMU takes a larger disk in the same tables
        data = data[:24] + struct.pack(">Q", 2 * GIB + 512) + data[32:]
        data = data[:36] + struct.pack(">I", 5) + data[40:]
    path = folder / f"disk.{kind}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("large", [False, True])
def test_a_qcow2_image_goes_everywhere_as_it_is(
    execute: Exec, tmp_path: Path, large: bool
) -> None:
    path = image_file(tmp_path, "qcow2", large=large)
    wanted = expected([path], name=NAME, family=FAMILY)
    assert wanted[0].size_gib == (1 if large else 3)
    ended, report = execute("--public", *FLAGS, *IN_THEM, path)
    assert ended.status == 0, ended.err
    assert problems(report, wanted, public=True, regions=REGIONS) == []


@pytest.mark.parametrize("kind", ["vhd", "fixed.vhd"])
@pytest.mark.parametrize("large", [False, True])
def test_a_vhd_goes_where_it_can_be_uploaded(
    execute: Exec, tmp_path: Path, kind: str, large: bool
) -> None:
    path = image_file(tmp_path, kind, large=large)
    ended, report = execute("--public", *FLAGS, *IN_THEM, path)
    assert ended.status == 3, ended.err
    wanted = expected([path], name=NAME, family=FAMILY)
    assert problems(report, wanted, public=True, regions=REGIONS[:2]) == []
    lines = ended.err.splitlines()
    assert lines[0].startswith(f"{path}: the cloud cannot copy images made from a VHD")
    failed = [line for line in lines if line.startswith("failed ")]
    assert failed[0].startswith("failed us-southeast-1")
    assert "InvalidOperation.VhdImageUnsupported" in failed[0]
    assert "qemu-img convert -O qcow2" in failed[0]
    assert len(failed) == 1
    assert lines.index(failed[0]) < lines.index("publishing")


def test_a_vhd_of_a_wrong_size_fails_with_the_clouds_reason(
    execute: Exec, tmp_path: Path
) -> None:
    profile = tmp_path / "strict.toml"
    profile.write_text('extends = "fast"\n[habits]\nvhd_whole_blocks = true\n')
    path = tmp_path / "disk.vhd"
    path.write_bytes(vhd_dynamic(disk(BOOT_X86_64)))
    strict = ("--profile", profile)
    ended, _ = execute(*FLAGS, "-r", "eu-central-1", path, options=strict)
    assert ended.status == 4, ended.err
    assert "InvalidVHDImage.IncorrectSize" in ended.err
    assert "qemu-img convert -O qcow2" in ended.err


@pytest.mark.parametrize("large", [False, True])
def test_a_compressed_image_is_published_as_what_is_in_it(
    execute: Exec, tmp_path: Path, disks: list[Path], large: bool
) -> None:
    content = disks[1].read_bytes()
    if large:
        content = content.ljust(30 * MIB, b"\0") + random.Random(2).randbytes(6 * MIB)
    plain, packed = tmp_path / "disk.img", tmp_path / "disk.img.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content, 1))
    wanted = expected([plain], name=NAME, family=FAMILY)
    ended, report = execute("--public", *FLAGS, *IN_THEM, packed)
    assert ended.status == 0, ended.err
    assert problems(report, wanted, public=True, regions=REGIONS) == []


def test_an_image_may_come_from_a_pipe(
    tmp_path: Path, disks: list[Path], wanted: list[Expected]
) -> None:
    packed = tmp_path / "disk.img.xz"
    packed.write_bytes(lzma.compress(disks[2].read_bytes()))
    with emulator() as cloud:
        argv = (BIN / "ali-import", *FLAGS, "-r", "eu-central-1", "-")
        # It is the same, whoever unpacks it.
        for command, result in (("cat", "1 placed"), ("xzcat", "1 unchanged")):
            words = " ".join(map(str, argv))
            ended = run("sh", "-c", f"{command} {packed} | {words}", env=cloud.env)
            assert ended.status == 0, ended.err
            state = cloud.get("/state")
            regions = ["eu-central-1"]
            assert problems(state, wanted[2:], public=False, regions=regions) == []
            assert result in ended.err


def test_what_the_cloud_finds_is_told(execute: Exec, disks: list[Path]) -> None:
    ended, _ = execute("-v", "--detect", *FLAGS, *IN_THEM, disks[0])
    assert ended.status == 0, ended.err
    told = "the cloud's check of demo-1: Nvme: supported"
    regions = [r for r in REGIONS if f"{r}: {told}" in ended.err]
    assert regions == list(REGIONS[:2])  # the third has a copy
