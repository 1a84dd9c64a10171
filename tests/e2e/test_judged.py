"""Clouds and weathers that once got the better of the tool, as processes."""

import json
import subprocess
from pathlib import Path

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from emulator.tests.support.waiting import until
from tests.e2e.conftest import FLAGS
from tests.e2e.test_weather import regions, toml_profile
from tests.support.audit import Expected, left_behind, problems
from tests.support.disks import write_image
from tests.support.tool import BIN, ali_import

pytestmark = pytest.mark.e2e


def test_a_source_is_found_beyond_many_regions_that_refuse_uploads(
    disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    profile = toml_profile(tmp_path, "[account]\nfc_enabled = false\n")
    with emulator("--profile", str(profile)) as cloud:
        flags = ("--public", *FLAGS, *regions("cn-hangzhou"))
        ended = ali_import(*flags, disks[0], env=cloud.env)
        assert ended.status == 0, ended.err
        state = cloud.get("/state")
    assert problems(state, wanted[:1], public=True, regions=["cn-hangzhou"]) == []


def test_why_nobody_could_lend_the_image_is_told(
    disks: list[Path], tmp_path: Path
) -> None:
    profile = toml_profile(tmp_path, "[account]\narrears = true\n")
    with emulator("--profile", str(profile)) as cloud:
        ended = ali_import(*FLAGS, *regions("cn-heyuan"), disks[0], env=cloud.env)
        assert ended.status == 4, ended.err
        assert "Account.Arrearage" in ended.err
        assert "outstanding payment" in ended.err
        state = cloud.get("/state")
    assert all(not left_behind(there) for there in state["regions"].values())


def test_cleaning_up_after_a_kill_between_two_renames_loses_no_image(
    disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    other = write_image(tmp_path / "other.img", seed="other")
    flags = ("--public", *FLAGS, *regions("eu-central-1"))
    with emulator() as cloud:
        assert ali_import(*flags, disks[0], env=cloud.env).status == 0
        # The old image is renamed away; the new one is never renamed in.
        cloud.post(
            "/faults", {"do": "hang", "action": "ModifyImageAttribute", "first": 2}
        )
        kill_when_it_hangs(cloud, *flags, "--overwrite", other)
        cloud.call("DELETE", "/faults")
        tidied = ali_import("cleanup", "--all", "--yes", env=cloud.env)
        assert tidied.status == 0, tidied.err
        assert "put demo-1 back" in tidied.err
        state = cloud.get("/state")
    assert problems(state, wanted[:1], public=True, regions=["eu-central-1"]) == []


def test_cleaning_up_finds_the_snapshot_of_a_deleted_image(
    disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    other = write_image(tmp_path / "other.img", seed="other")
    flags = ("--public", *FLAGS, *regions("eu-central-1"))
    with emulator() as cloud:
        assert ali_import(*flags, other, env=cloud.env).status == 0
        cloud.post("/faults", {"do": "hang", "action": "DeleteSnapshot"})
        kill_when_it_hangs(cloud, *flags, "--overwrite", disks[0])
        cloud.call("DELETE", "/faults")
        # The cloud goes on deleting the image.
        until(lambda: any(text.startswith("snapshot") for text in left(cloud)))
        tidied = ali_import("cleanup", "--all", "--yes", env=cloud.env)
        assert tidied.status == 0, tidied.err
        state = cloud.get("/state")
    assert problems(state, wanted[:1], public=True, regions=["eu-central-1"]) == []


def test_an_image_that_takes_the_name_meanwhile_is_overwritten_too(
    disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    other = write_image(tmp_path / "other.img", seed="other")
    flags = ("--public", *FLAGS, *regions("eu-central-1"))
    with emulator() as cloud:
        slow = {"do": "delay", "action": "PutObject", "times": 1, "delay_s": 5}
        cloud.post("/faults", slow)
        words = map(str, (*flags, "--overwrite", disks[0]))
        process = subprocess.Popen([BIN / "ali-import", *words], env=dict(cloud.env))
        try:
            until(
                lambda: (
                    "oss.PutObject" in cloud.get("/requests")["requests"]["by_action"]
                )
            )
            assert ali_import(*flags, other, env=cloud.env).status == 0
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
        state = cloud.get("/state")
    assert problems(state, wanted[:1], public=True, regions=["eu-central-1"]) == []


@pytest.mark.parametrize("fate", ["removed", "shorter", "other"])
def test_an_image_file_that_goes_away_fails_its_placements_and_nothing_else(
    disks: list[Path], tmp_path: Path, fate: str
) -> None:
    mine = tmp_path / "mine.img"
    mine.write_bytes(disks[0].read_bytes())
    report = tmp_path / "report.json"
    flags = (*FLAGS, *regions("eu-central-1", "cn-hangzhou"), "--report", report)
    with emulator() as cloud:
        slow = {"do": "delay", "action": "PutBucket", "times": 2, "delay_s": 3}
        cloud.post("/faults", slow)
        process = run_beside(cloud, *flags, mine)
        try:
            until(
                lambda: (
                    "oss.PutBucket" in cloud.get("/requests")["requests"]["by_action"]
                )
            )
            if fate == "removed":
                mine.unlink()
            else:
                size = mine.stat().st_size
                mine.write_bytes(b"\1" * (size if fate == "other" else 100))
            _, err = process.communicate(timeout=90)
        finally:
            process.kill()
            process.wait()
        state = cloud.get("/state")
    assert process.returncode == 4, err
    assert "ImageFileChanged" in err
    assert "do not change the image files" in err
    assert all(not left_behind(there) for there in state["regions"].values())
    told = json.loads(report.read_text())["placements"]
    assert [placement["code"] for placement in told] == ["ImageFileChanged"] * 2


@pytest.mark.parametrize("places", [("eu-central-1",), ("eu-central-1", "us-west-1")])
def test_a_bad_image_is_told_with_the_clouds_reason_and_not_tried_everywhere(
    disks: list[Path], tmp_path: Path, places: tuple[str, ...]
) -> None:
    report = tmp_path / "report.json"
    flags = (*FLAGS, *regions(*places), "--report", report)
    with emulator() as cloud:
        bad = {"do": "fail-task", "action": "ImportImage", "code": "BadFormat"}
        cloud.post("/faults", bad | {"message": "no disk at all"})
        ended = ali_import(*flags, disks[0], env=cloud.env)
        asked = cloud.get("/requests")["requests"]["by_action"]["ecs.ImportImage"]
    assert ended.status == 4, ended.err
    assert "no disk at all" in ended.err
    assert "a complete disk image" in ended.err
    assert asked <= 6
    placements = json.loads(report.read_text())["placements"]
    assert [placement["code"] for placement in placements] == ["BadFormat"] * len(
        places
    )


def test_a_cloud_that_only_throttles_is_given_up_in_time(disks: list[Path]) -> None:
    with emulator() as cloud:
        busy = {"do": "throttle", "service": "sts", "code": "Throttling.User"}
        cloud.post("/faults", busy | {"status": 400})
        ended = ali_import(*FLAGS, "--timeout", "3", disks[0], env=cloud.env)
        asked = cloud.get("/requests")["requests"]["by_action"]
    assert ended.status == 2
    assert "did not answer within 3 s" in ended.err
    # The waits between the tries are at least 1.0, 1.6 and 2.6 s.
    assert asked["sts.GetCallerIdentity"] <= 3


@pytest.mark.parametrize("action", ["ModifyImageAttribute", "UntagResources"])
def test_a_replacement_that_is_refused_leaves_the_old_image_as_it_was(
    disks: list[Path], wanted: list[Expected], tmp_path: Path, action: str
) -> None:
    other = write_image(tmp_path / "other.img", seed="other")
    report = tmp_path / "report.json"
    flags = ("--public", *FLAGS, *regions("eu-central-1"))
    with emulator() as cloud:
        assert ali_import(*flags, disks[0], env=cloud.env).status == 0
        no = {"do": "refuse", "status": 403, "code": "Forbidden.RAM", "action": action}
        cloud.post("/faults", no)
        words = (*flags, "--overwrite", "--report", report, other)
        ended = ali_import(*words, env=cloud.env)
        state = cloud.get("/state")
    assert ended.status == 4, ended.err
    assert "Forbidden.RAM at replace" in ended.err
    assert "left over" not in ended.err
    [told] = json.loads(report.read_text())["placements"]
    assert (told["code"], told["image_id"]) == ("Forbidden.RAM", None)
    # A tag of ours that could not be taken off marks the old image for removal.
    assert told["old_changed"] is (action == "UntagResources")
    assert ("is untouched" in ended.err) is (action != "UntagResources")
    [old] = state["regions"]["eu-central-1"]["images"]
    assert (old["name"], old["public"]) == (wanted[0].name, True)
    assert old["content_sha256"] == wanted[0].sha256


def test_a_low_limit_of_open_files_is_raised(disks: list[Path]) -> None:
    words = map(str, (BIN / "ali-import", *FLAGS, disks[0]))
    line = 'ulimit -S -n 64; exec "$@"'
    with emulator() as cloud:
        ended = subprocess.run(
            ["bash", "-c", line, "bash", *words],
            env=dict(cloud.env),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    assert "32 placed" in ended.stderr


def run_beside(cloud: RunningEmulator, *arguments: object) -> subprocess.Popen[str]:
    """Start the tool, to do something else while it runs."""
    return subprocess.Popen(
        [BIN / "ali-import", *map(str, arguments)],
        env=dict(cloud.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left(cloud: RunningEmulator) -> list[str]:
    return left_behind(cloud.get("/state")["regions"]["eu-central-1"])


def kill_when_it_hangs(cloud: RunningEmulator, *arguments: object) -> None:
    """Run the tool until a call of its hangs, and kill it then."""
    words = map(str, arguments)
    process = subprocess.Popen(
        [BIN / "ali-import", *words], env=dict(cloud.env), stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: cloud.get("/requests")["requests"]["faults"].get("hang"))
    finally:
        process.kill()
        process.wait()
