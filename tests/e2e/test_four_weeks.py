"""A release a week for four weeks: drift by hand, plan, mending, pruning.

Two disks of 1 GiB, most of it zeros. All by the installed command, as a user who has nothing but the policy that
``ali-import check --policy`` printed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ali_import.units import GIB
from emulator.tests.support.emulator import RunningEmulator, emulator
from tests.e2e.test_prune import AGE
from tests.e2e.test_weather import inline, toml_profile
from tests.support.audit import left_behind
from tests.support.tool import RUN_S_MAX, Ended, ali_import

pytestmark = pytest.mark.e2e

REGIONS = ("cn-beijing", "eu-central-1", "us-west-1")
RELEASE = """\
name = "debian-{version}"
family = "debian"
public = true
region = ["cn-beijing", "eu-central-1", "us-west-1"]
image = ["amd64.img", "bios.img"]

[prune]
keep = 2
deprecate = true
delete-after = "30d"
"""
NAMES = ("debian-{}-uefi-x86-64", "debian-{}")

# What people do by hand, as the account itself: KIND REGION NAME for each deed.
DRIFT = """
import sys, anyio, ali_import
from ali_import.cloud import calls
from ali_import.cloud.values import ImageStatus

async def drift(cloud, kind, region, name):
    (image,) = await cloud.call(calls.DescribeImages(region=region, name=name))
    one = dict(region=region, image_id=image.image_id)
    hide = calls.ModifyImageSharePermission(**one, public=False)
    tags = dict(
        region=region,
        resource_type="image",
        resource_ids=(image.image_id,),
        keys=("ali-import:run",),
    )
    deprecated = ImageStatus.DEPRECATED
    deeds = {
        "unshare": [hide],
        "untag": [calls.UntagResources(**tags)],
        "family": [calls.ModifyImageAttribute(**one, family="elsewhere")],
        "deprecate": [hide, calls.ModifyImageAttribute(**one, status=deprecated)],
        "delete": [hide, calls.DeleteImage(**one)],
    }
    for deed in deeds[kind]:
        await cloud.call(deed)
    for snapshot_id in image.snapshot_ids if kind == "delete" else ():
        delete = calls.DeleteSnapshot(region=region, snapshot_id=snapshot_id)
        while True:
            try:
                await cloud.call(delete)
                break
            except ali_import.ApiError as error:  # until the image is gone
                assert error.code == "SnapshotCreatedImage"
                await anyio.sleep(0.1)

async def main():
    words = iter(sys.argv[1:])
    async with ali_import.connect() as cloud:
        for kind, region, name in zip(words, words, words):
            await drift(cloud, kind, region, name)

anyio.run(main)
"""

DRIFTS = [
    ("unshare", "cn-beijing", NAMES[0], "mend", "public=true"),
    ("untag", "cn-beijing", NAMES[1], "mend", "tags=ours"),
    ("family", "eu-central-1", NAMES[0], "mend", "family=debian-uefi-x86-64"),
    ("deprecate", "eu-central-1", NAMES[1], "mend", "status=Available public=true"),
    ("delete", "us-west-1", NAMES[0], "make", ""),
]


@pytest.fixture
def release(tmp_path: Path, disks: list[Path]) -> Path:
    """A release file with two images beside it."""
    for disk, name in ((disks[1], "amd64.img"), (disks[0], "bios.img")):
        (tmp_path / name).write_bytes(disk.read_bytes())
        os.truncate(tmp_path / name, GIB)
    path = tmp_path / "release.toml"
    path.write_text(RELEASE, encoding="utf-8")
    return path


@contextmanager
def under_the_printed_policy(
    release: Path, folder: Path
) -> Iterator[tuple[RunningEmulator, Callable[..., Ended]]]:
    """Run an emulator and, in it, commands as a user with the least policy."""
    flags = ("-c", release, "--set", "version=0")
    printed = ali_import("check", "--policy", *flags, env={})
    assert printed.status == 0, printed.err
    user = f"""
[[account.users]]
name = "publisher"
access_key_id = "LTAI-publisher"
access_key_secret = "publisher-secret"
policies = [{inline(json.loads(printed.out))}]
"""
    with emulator("--profile", str(toml_profile(folder, user))) as cloud:
        keys = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-publisher",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "publisher-secret",
        }

        def command(*arguments: object) -> Ended:
            return ali_import(*arguments, env={**cloud.env, **keys})

        yield cloud, command


def by_hand(cloud: RunningEmulator, program: str, *arguments: str) -> None:
    command = [sys.executable, "-c", program, *arguments]
    subprocess.run(command, env=dict(cloud.env), check=True, timeout=RUN_S_MAX)


def stand(cloud: RunningEmulator) -> dict[str, dict[str, str]]:
    """Return the status of every image, by region and name."""
    regions = cloud.get("/state")["regions"]
    return {
        region: {image["name"]: image["status"] for image in regions[region]["images"]}
        for region in REGIONS
    }


def expected(**versions: str) -> dict[str, dict[str, str]]:
    """Say how the images of some versions stand in every region."""
    images = {
        name.format(version.removeprefix("v")): status
        for version, status in versions.items()
        for name in NAMES
    }
    return dict.fromkeys(REGIONS, images)


def test_four_weeks_of_a_release(tmp_path: Path, release: Path) -> None:
    with under_the_printed_policy(release, tmp_path) as (cloud, command):
        checked = command("check", "-c", release, "--set", "version=1")
        assert checked.status == 0, checked.out
        assert "ok permissions: " in checked.out
        for week in "1234":
            flags = ("-c", release, "--set", f"version={week}")
            published = command(*flags)
            assert published.status == 0, published.err
        _drift_and_mend(cloud, command, release, "4")
        alive = {f"v{week}": "Available" for week in "1234"}
        assert stand(cloud) == expected(**alive)
        _prune(cloud, command, release)
        errors = cloud.get("/requests")["requests"]["errors"]
        denied = {"Forbidden.RAM", "AccessDenied", "NoPermission"}
        # Looking at the import role is what the check says that it may not.
        refused = {each for each in errors if each.rpartition(":")[2] in denied}
        assert all("GetRole" in each for each in refused), refused


def _drift_and_mend(
    cloud: RunningEmulator,
    command: Callable[..., Ended],
    release: Path,
    week: str,
) -> None:
    """Change things by hand: the plan shows just that, and publishing mends just that."""
    flags = ("-c", release, "--set", f"version={week}")
    assert command("--plan", *flags).status == 0
    deeds = [(kind, region, name.format(week)) for kind, region, name, _, _ in DRIFTS]
    by_hand(cloud, DRIFT, *(word for deed in deeds for word in deed))
    planned = command("--plan", *flags)
    assert planned.status == 5, planned.err
    found = {tuple(line.split()[:2]): line.split()[3:] for line in planned.lines}
    for _, region, name, action, changes in DRIFTS:
        told = found.pop((region, name.format(week)))
        assert told[0] == action
        assert " ".join(told[2:]) == changes
    assert {told[0] for told in found.values()} == {"keep"}
    mended = command(*flags)
    assert mended.status == 0, mended.err
    unchanged = len(REGIONS) * len(NAMES) - len(DRIFTS)
    assert f"1 placed, 4 adopted, {unchanged} unchanged" in mended.err
    assert command("--plan", *flags).status == 0


def _prune(
    cloud: RunningEmulator, command: Callable[..., Ended], release: Path
) -> None:
    """Deprecate all versions but two, and delete them 30 days later; nothing else."""
    planned = command("prune", "-c", release, "--plan")
    assert planned.status == 5, planned.err
    first = command("prune", "-c", release, "-y")
    assert first.status == 0, first.err
    kept = {"v3": "Available", "v4": "Available"}
    old = {"v1": "Deprecated", "v2": "Deprecated"}
    assert stand(cloud) == expected(**old, **kept)
    assert command("--plan", "-c", release, "--set", "version=4").status == 0
    by_hand(cloud, AGE)
    deleted = command("prune", "-c", release, "-y")
    assert deleted.status == 0, deleted.err
    assert stand(cloud) == expected(**kept)
    regions = cloud.get("/state")["regions"]
    assert [left_behind(regions[region]) for region in REGIONS] == [[], [], []]
    where = [word for region in REGIONS for word in ("-r", region)]
    listed = command("list", "-f", "debian", *where)
    assert listed.status == 0
    assert [line.split()[1] for line in listed.lines[1:]] == ["debian-4", "debian-3"]
