"""``ali-import list`` as a process, over a cloud that somebody has published to."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from tests.e2e.conftest import FLAGS
from tests.support.tool import ali_import

pytestmark = pytest.mark.e2e

WHERE = ("-r", "eu-central-1", "-r", "us-west-1")
READS = ("Describe", "List", "Get")


@pytest.fixture(scope="module")
def cloud(disks: list[Path]) -> Iterator[RunningEmulator]:
    """A cloud with three images in two of its regions."""
    with emulator() as running:
        ended = ali_import("--public", *FLAGS, *WHERE, *disks, env=running.env)
        assert ended.status == 0, ended.err
        yield running


def test_a_release_is_a_line(cloud: RunningEmulator) -> None:
    before = cloud.get("/requests")["requests"]["by_action"]
    ended = ali_import("list", *WHERE, env=cloud.env)
    after = cloud.get("/requests")["requests"]["by_action"]
    assert ended.status == 0, ended.err
    head, line = ended.lines
    assert head.split()[:2] == ["FAMILY", "VERSION"]
    assert line.split()[:6] == ["demo", "demo-1", "3", "2", "Available", "public"]
    assert ended.err == "6 images in 2 regions\n"
    new = {action for action in after if after[action] != before.get(action, 0)}
    assert all(action.split(".")[1].startswith(READS) for action in new), new


def test_json_has_every_image(cloud: RunningEmulator) -> None:
    ended = ali_import("list", "-f", "demo-uefi-arm64", "--json", env=cloud.env)
    assert ended.status == 0, ended.err
    document = json.loads(ended.out)
    assert len(document["regions"]) == 32
    state = cloud.get("/state")["regions"]
    assert {image["image_id"] for image in document["images"]} == {
        image["image_id"]
        for region in ("eu-central-1", "us-west-1")
        for image in state[region]["images"]
        if image["family"] == "demo-uefi-arm64"
    }


def test_nothing_that_matches_is_no_error(cloud: RunningEmulator) -> None:
    ended = ali_import("list", "-n", "other-*", env=cloud.env)
    assert (ended.status, ended.out) == (0, "")
    assert ended.err == "0 images that match in 32 regions\n"


def test_a_region_that_does_not_tell_makes_the_status_3(
    cloud: RunningEmulator,
) -> None:
    rule = {
        "action": "DescribeImages",
        "region": "us-west-1",
        "do": "refuse",
        "code": "Forbidden.RAM",
        "status": 403,
    }
    cloud.post("/faults", [rule])
    try:
        ended = ali_import("list", *WHERE, env=cloud.env)
        alone = ali_import("list", *WHERE[2:], env=cloud.env)
    finally:
        cloud.post("/faults", [])
    assert ended.status == 3
    assert len(ended.lines) == 2
    assert "could not ask us-west-1: ecs.DescribeImages: Forbidden.RAM" in ended.err
    assert (alone.status, alone.out) == (4, "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-r", "cn-nowhere"), "no such region"),
        (("-r", "Hangzhou"), "not a region id"),
        (("disk.img",), "disk.img"),
        (("--public",), "--public"),
    ],
)
def test_wrong_input_is_one_line(
    cloud: RunningEmulator, arguments: tuple[str, ...], complaint: str
) -> None:
    ended = ali_import("list", *arguments, env=cloud.env)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert complaint in line
