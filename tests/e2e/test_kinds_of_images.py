"""Images of other kinds than a small raw disk, as processes over real sockets."""

import hashlib
from pathlib import Path

import pytest

from tests.e2e.conftest import FLAGS, Exec
from tests.support.audit import Expected

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
