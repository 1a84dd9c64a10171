"""``ali-import --plan`` as a process: a release, drift by hand, and mending."""

from pathlib import Path

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from tests.e2e.conftest import FLAGS
from tests.support.tool import Ended, ali_import

pytestmark = pytest.mark.e2e

WHERE = ("-r", "cn-beijing", "-r", "eu-central-1")
READS = ("Describe", "List", "Get", "Head")


def actions(cloud: RunningEmulator) -> dict[str, int]:
    counts: dict[str, int] = cloud.get("/requests")["requests"]["by_action"]
    return counts


def plan(cloud: RunningEmulator, *arguments: object) -> Ended:
    """Plan, which must not make a single call that writes."""
    before = actions(cloud)
    ended = ali_import("--plan", *arguments, env=cloud.env)
    after = actions(cloud)
    new = {action for action in after if after[action] != before.get(action, 0)}
    assert all(action.split(".")[1].startswith(READS) for action in new), new
    return ended


def test_a_plan_says_what_a_publication_then_does(disks: list[Path]) -> None:
    flags = (*FLAGS, "--public", *WHERE, *disks)
    with emulator() as cloud:
        first = plan(cloud, *flags)
        assert first.status == 5, first.err
        assert [line.split()[-1] for line in first.lines] == ["make"] * 6
        assert "expected routes: direct 3, relay 3" in first.err

        assert ali_import(*flags, env=cloud.env).status == 0
        after = plan(cloud, *flags)
        assert after.status == 0, after.err
        assert [line.split()[3] for line in after.lines] == ["keep"] * 6

        moved = plan(cloud, *flags, "-f", "other")
        assert moved.status == 5
        assert all(" family=other" in line for line in moved.lines)

        wider = plan(cloud, *flags, "-r", "us-west-1")
        assert wider.status == 5
        assert [line.split()[3] for line in wider.lines] == [
            *["keep"] * 6,
            *["make"] * 3,
        ]


def test_a_plan_over_all_regions_asks_little(disks: list[Path]) -> None:
    with emulator() as cloud:
        ended = plan(cloud, *FLAGS, *disks)
        assert len(ended.lines) == 96
        counts = actions(cloud)
    assert counts["ecs.DescribeImages"] == 32
    assert sum(counts.values()) <= 2 + 3 * 32


def test_wrong_input_is_as_for_a_publication(tmp_path: Path, disks: list[Path]) -> None:
    with emulator() as cloud:
        wrong = [
            (["-r", "cn-beijng", "-r", "mars-1"], "--region cn-beijng, mars-1"),
            (["-r", "cn-beijng"], "did you mean cn-beijing?"),
            (["--allow-failure", "us-weest-1"], "did you mean us-west-1?"),
        ]
        for flags, complaint in wrong:
            ended = plan(cloud, *FLAGS, *flags, disks[0])
            assert (ended.status, ended.out) == (2, "")
            (line,) = ended.err.splitlines()
            assert complaint in line
        ended = plan(cloud, *FLAGS, tmp_path / "none.img")
        assert (ended.status, ended.out) == (2, "")
        assert len(ended.err.splitlines()) == 1
