"""Pruning with the installed command: a release a week, and what is left of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from tests.support.audit import left_behind
from tests.support.tool import Ended, ali_import

pytestmark = pytest.mark.e2e

REGIONS = ("cn-beijing", "eu-central-1")
WHERE = ("-r", REGIONS[0], "-r", REGIONS[1])
RELEASE = """\
name = "demo-{version}"
family = "demo"
public = true
region = ["cn-beijing", "eu-central-1"]

[prune]
keep = 2
deprecate = true
delete-after = "30d"
"""

# What the calendar would do: every image that pruning deprecated was so 30 days ago.
AGE = """
import anyio, ali_import
from ali_import.cloud.calls import TagResources

async def main():
    async with ali_import.connect() as cloud:
        for image in (await ali_import.list_images(cloud)).images:
            if image.status == "Deprecated":
                old = str(int(image.tags["ali-import:deprecated"]) - 30 * 86400)
                await cloud.call(
                    TagResources(
                        region=image.region,
                        resource_type="image",
                        resource_ids=(image.image_id,),
                        tags={"ali-import:deprecated": old},
                    )
                )

anyio.run(main)
"""


def stand(cloud: RunningEmulator) -> dict[str, set[tuple[str, str]]]:
    regions = cloud.get("/state")["regions"]
    return {
        region: {(i["name"], i["status"]) for i in regions[region]["images"]}
        for region in REGIONS
    }


def test_a_release_a_week_and_what_is_left(tmp_path: Path, disks: list[Path]) -> None:
    path = tmp_path / "release.toml"
    path.write_text(RELEASE, encoding="utf-8")

    def command(*arguments: object) -> Ended:
        return ali_import(*arguments, env=cloud.env)

    with emulator() as cloud:
        for version in "1234":
            flags = ("-c", path, "--set", f"version={version}", *disks[:2])
            assert command(*flags).status == 0

        plan = command("prune", "-c", path, "--plan")
        assert plan.status == 5, plan.err
        assert {line.split()[-1] for line in plan.lines} == {"deprecate"}
        assert len(plan.lines) == 2 * 2 * 2

        first = command("prune", "-c", path, "-y")
        assert first.status == 0, first.err
        assert "demo: 2 versions stay: demo-4, demo-3" in first.err
        names = [f"demo-{v}{s}" for v in "1234" for s in ("", "-uefi-x86-64")]
        expected = {
            (name, "Available" if name[5] in "34" else "Deprecated") for name in names
        }
        assert stand(cloud) == dict.fromkeys(REGIONS, expected)

        again = command("prune", "-c", path, "-y")
        assert (again.status, again.out) == (0, "")
        assert "nothing is due" in again.err

        aged = [sys.executable, "-c", AGE]
        subprocess.run(aged, env=dict(cloud.env), check=True, timeout=60)
        deleted = command("prune", "-c", path, "-y")
        assert deleted.status == 0, deleted.err
        assert {line.split()[-1] for line in deleted.lines} == {"deleted"}
        kept = {(name, status) for name, status in expected if status == "Available"}
        assert stand(cloud) == dict.fromkeys(REGIONS, kept)
        regions = cloud.get("/state")["regions"]
        assert [left_behind(regions[region]) for region in REGIONS] == [[], []]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "no family is named"),
        (["-f", "demo", "--keep", "0", "--deprecate", "-y"], "--keep: 0 is not"),
        (["-f", "demo", "--keep", "1", "-y"], "what to do with older versions"),
        (["-f", "demo", "--keep", "1", "--deprecate"], "--yes"),
        (["-c", "none.toml"], "none.toml: cannot be read"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], complaint: str) -> None:
    with emulator() as cloud:
        ended = ali_import("prune", *arguments, env=cloud.env)
        assert (ended.status, ended.out) == (2, "")
        (line,) = ended.err.splitlines()
        assert complaint in line
        assert cloud.get("/requests")["requests"]["by_action"] == {}
