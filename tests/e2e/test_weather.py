"""Bad weather, stops and leftovers, as processes over real sockets."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from emulator.tests.support.waiting import until
from tests.e2e.conftest import FLAGS, Exec
from tests.support.audit import Expected, left_behind, problems
from tests.support.tool import BIN, ali_import

pytestmark = pytest.mark.e2e

DOCS = Path(__file__).parents[2] / "docs"


def regions(*names: str) -> list[str]:
    return [word for name in names for word in ("-r", name)]


def toml_profile(folder: Path, text: str) -> Path:
    path = folder / "profile.toml"
    path.write_text(f'extends = "fast"\n{text}', encoding="utf-8")
    return path


def test_one_call_in_five_fails_and_half_of_the_downloads(
    execute: Exec, disks: list[Path], wanted: list[Expected]
) -> None:
    names = ["cn-hangzhou", "cn-heyuan", "eu-central-1", "us-southeast-1"]
    weather = ("--fail-rate", "0.2", "--download-fail-rate", "0.5", "--seed", "7")
    ended, report = execute(
        "--public", *FLAGS, *regions(*names), *disks, options=weather
    )
    assert ended.status == 0, ended.err
    assert problems(report, wanted, public=True, regions=names) == []
    assert sum(report["requests"]["faults"].values()) > 20


@pytest.mark.parametrize("status", [200, 204])
def test_pages_of_somebody_else_count_for_nothing(
    execute: Exec,
    disks: list[Path],
    wanted: list[Expected],
    tmp_path: Path,
    status: int,
) -> None:
    actions = ["PutBucket", "PutObject", "DeleteBucket", "DeleteFunction", "Create*"]
    rules = [
        f'[[faults]]\ndo = "{do}"\naction = "{action}"\nstatus = {status}\ntimes = 1\n'
        for do in ("html", "html-after")
        for action in actions
    ]
    path = tmp_path / "faults.toml"
    path.write_text("".join(rules), encoding="utf-8")
    names = ["cn-hangzhou", "eu-central-1"]
    ended, report = execute(
        *FLAGS, *regions(*names), *disks[:1], options=("--faults", path)
    )
    assert ended.status == 0, ended.err
    assert problems(report, wanted[:1], public=False, regions=names) == []
    # The calls that take effect are struck once each, and those that do not.
    assert report["requests"]["faults"]["html"] == len(actions)
    assert report["requests"]["faults"]["html-after"] == len(actions)


def test_the_documented_policy_is_enough(
    execute: Exec, disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    page = (DOCS / "permissions.md").read_text(encoding="utf-8")
    policy = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    user = f"""
[[account.users]]
name = "publisher"
access_key_id = "LTAI-publisher"
access_key_secret = "publisher-secret"
policies = [{inline(policy)}]
"""
    names = ["cn-hangzhou", "cn-heyuan", "eu-central-1"]
    options = ("--profile", toml_profile(tmp_path, user), "--as", "publisher")
    ended, report = execute(
        "--public", *FLAGS, *regions(*names), *disks[:2], options=options
    )
    assert ended.status == 0, ended.err
    assert problems(report, wanted[:2], public=True, regions=names) == []
    codes = {error.rpartition(":")[2] for error in report["requests"]["errors"]}
    assert not codes & {"Forbidden.RAM", "AccessDenied", "NoPermission"}


def inline(value: Any) -> str:
    """Write a JSON value as inline TOML."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(k)} = {inline(v)}" for k, v in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def test_a_user_without_rights_is_told_what_is_missing(
    execute: Exec, disks: list[Path], tmp_path: Path
) -> None:
    user = """
[[account.users]]
name = "nobody"
access_key_id = "LTAI-nobody"
access_key_secret = "nobody-secret"
policies = [{ Version = "1", Statement = [{ Effect = "Allow", Action = "ecs:Describe*", Resource = "*" }] }]
"""
    options = ("--profile", toml_profile(tmp_path, user), "--as", "nobody")
    ended, report = execute(*FLAGS, *regions("eu-central-1"), disks[0], options=options)
    assert ended.status == 4, ended.err
    assert "ali-import check --policy" in ended.err
    assert all(not left_behind(state) for state in report["regions"].values())


def test_a_missing_import_role_is_explained(
    execute: Exec, disks: list[Path], tmp_path: Path
) -> None:
    profile = toml_profile(tmp_path, "[account]\nimport_role = false\n")
    ended, report = execute(
        *FLAGS,
        *regions("eu-west-1", "cn-beijing"),
        disks[0],
        options=("--profile", profile),
    )
    assert ended.status == 4, ended.err
    assert "AliyunECSImageImportDefaultRole" in ended.err
    assert all(not left_behind(state) for state in report["regions"].values())


def test_one_refused_region_does_not_stop_the_others(
    disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    names = ["eu-central-1", "us-west-1", "cn-beijing"]
    with emulator() as cloud:
        cloud.post("/faults", quota_is_full("us-west-1"))
        report = tmp_path / "report.json"
        flags = ("--public", *FLAGS, *regions(*names))
        ended = ali_import(*flags, "--report", report, disks[0], env=cloud.env)
        assert ended.status == 3, ended.err
        assert re.search(r"us-west-1.*QuotaExceed\.Image.*Quota Center", ended.err)
        cause = "QuotaExceed.Image at import (ecs.ImportImage), 1 image: us-west-1"
        assert f"1 cause, 1 of 3 failed\n1. {cause}\n" in ended.err
        assert ended.err.splitlines()[-1].startswith("then run again: ali-import ")
        made = json.loads(report.read_text())["placements"]
        told = {placement["region"]: placement for placement in made}
        assert told["us-west-1"]["operation"] == "ecs.ImportImage"
        for name in names:
            stored = [step["bytes"] for step in told[name]["steps"] if step["bytes"]]
            assert stored == [disks[0].stat().st_size]
            assert all(step["attempts"] == 1 for step in told[name]["steps"])
        allowed = ali_import(
            *flags, "--allow-failure", "us-west-1", disks[0], env=cloud.env
        )
        assert allowed.status == 0, allowed.err
        good = ["eu-central-1", "cn-beijing"]
        state = cloud.get("/state")
        assert problems(state, wanted[:1], public=True, regions=good) == []


def test_all_or_nothing_publishes_nothing_by_half(
    disks: list[Path], wanted: list[Expected]
) -> None:
    names = ["eu-central-1", "us-west-1"]
    with emulator() as cloud:
        rule = cloud.post("/faults", quota_is_full("us-west-1"))
        flags = ("--public", "--all-or-nothing", *FLAGS, *regions(*names))
        ended = ali_import(*flags, disks[0], env=cloud.env)
        assert ended.status == 3, ended.err
        held = cloud.get("/state")["regions"]["eu-central-1"]["images"]
        assert [image["public"] for image in held] == [False]
        cloud.call("DELETE", f"/faults/{rule['ids'][0]}")
        again = ali_import(*flags, disks[0], env=cloud.env)
        assert again.status == 0, again.err
        state = cloud.get("/state")
        assert problems(state, wanted[:1], public=True, regions=names) == []


def quota_is_full(region: str) -> dict[str, Any]:
    return {
        "service": "ecs",
        "action": "ImportImage",
        "region": region,
        "do": "refuse",
        "code": "QuotaExceed.Image",
        "status": 403,
    }


def test_a_failed_import_is_told_by_its_own_reason_and_copied_instead(
    disks: list[Path], wanted: list[Expected]
) -> None:
    names = ["eu-central-1", "us-west-1"]
    with emulator() as cloud:
        cloud.post(
            "/faults",
            {
                "service": "ecs",
                "action": "ImportImage",
                "region": "us-west-1",
                "do": "fail-task",
                "code": "ImageCheckFailed",
                "message": "the partition table is not to my taste",
            },
        )
        flags = ("-v", *FLAGS, *regions(*names))
        ended = ali_import(*flags, disks[0], env=cloud.env)
        assert ended.status == 0, ended.err
        assert "ImageCheckFailed" in ended.err
        state = cloud.get("/state")
        assert problems(state, wanted[:1], public=False, regions=names) == []
        image = state["regions"]["us-west-1"]["images"][0]
        assert image["created_by"] == "copy"


def test_a_timeout_bounds_the_run(disks: list[Path], tmp_path: Path) -> None:
    slow = toml_profile(tmp_path, "[durations]\nimport_s = 3000.0\n")
    with emulator("--profile", str(slow)) as cloud:
        # An import takes 50 minutes: nobody waited for one, or the command would be
        # killed long before it ended.
        ended = ali_import(
            *FLAGS,
            *regions("eu-central-1", "cn-beijing"),
            "--timeout",
            "4s",
            disks[0],
            env=cloud.env,
        )
        assert ended.status == 4, ended.err
        assert "not done after 4 s" in ended.err
        state = cloud.get("/state")
        assert all(not left_behind(region) for region in state["regions"].values())
        assert not [i for r in state["regions"].values() for i in r["images"]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_and_cleans_up(
    disks: list[Path], tmp_path: Path, number: signal.Signals
) -> None:
    slow = toml_profile(tmp_path, "[durations]\nimport_s = 3000.0\ncopy_s = 3000.0\n")
    with emulator("--profile", str(slow)) as cloud:
        process = start(cloud, *FLAGS, *regions("eu-central-1", "cn-beijing"), disks[0])
        wait_for(cloud, lambda state: bool(state["eu-central-1"]["tasks"]))
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 130, err
        state = cloud.get("/state")["regions"]
        assert all(not left_behind(region) for region in state.values())
        assert not [image for region in state.values() for image in region["images"]]


def test_cleanup_removes_what_a_killed_run_left_and_nothing_else(
    disks: list[Path], tmp_path: Path
) -> None:
    slow = toml_profile(tmp_path, "[durations]\nimport_s = 3000.0\n")
    with emulator("--profile", str(slow)) as cloud:
        process = start(cloud, *FLAGS, *regions("eu-central-1", "cn-beijing"), disks[0])
        wait_for(cloud, lambda state: bool(state["cn-beijing"]["tasks"]))
        process.kill()
        process.communicate(timeout=20)
        kept = ali_import("cleanup", env=cloud.env)
        assert kept.status == 0, kept.err
        state = cloud.get("/state")["regions"]
        assert len(state["cn-beijing"]["buckets"]) == 1
        assert len(state["cn-beijing"]["functions"]) == 1
        unasked = ali_import("cleanup", "--all", env=cloud.env)
        assert unasked.status == 2, unasked.err
        removed = ali_import("cleanup", "--all", "--yes", env=cloud.env)
        assert removed.status == 0, removed.err
        state = cloud.get("/state")["regions"]
        for region in state.values():
            assert (region["buckets"], region["functions"]) == ([], [])


def test_an_interrupted_cleanup_takes_its_own_relay_along(
    disks: list[Path], tmp_path: Path
) -> None:
    slow = toml_profile(tmp_path, "[durations]\nimport_s = 3000.0\n")
    with emulator("--profile", str(slow)) as cloud:
        process = start(cloud, *FLAGS, *regions("cn-beijing"), disks[0])
        wait_for(cloud, lambda state: bool(state["cn-beijing"]["tasks"]))
        process.kill()
        process.communicate(timeout=20)
        state = cloud.get("/state")["regions"]["cn-beijing"]
        (bucket,) = [each["name"] for each in state["buckets"]]
        before = [each["name"] for each in state["functions"]]
        wait = {"service": "oss", "region": "cn-beijing", "do": "delay", "delay_s": 3}
        cloud.post("/faults", wait)
        process = start(cloud, "cleanup", "--all", "--yes")
        wait_for(
            cloud,
            lambda state: any(
                function["name"] not in before
                for function in state["cn-beijing"]["functions"]
            ),
        )
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=200)
        assert process.returncode == 130, err
        assert "interrupt again to stop at once" in err
        assert f"may be left: cn-beijing bucket {bucket}" in err
        assert "to remove what is left: ali-import cleanup --all" in err
        state = cloud.get("/state")["regions"]["cn-beijing"]
        assert {each["name"] for each in state["functions"]} <= set(before)
        cloud.call("DELETE", "/faults")
        again = ali_import("cleanup", "--all", "--yes", env=cloud.env)
        assert again.status == 0, again.err
        for region in cloud.get("/state")["regions"].values():
            assert (region["buckets"], region["functions"]) == ([], [])


def start(cloud: RunningEmulator, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [BIN / "ali-import", *map(str, arguments)],
        env=dict(cloud.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(cloud: RunningEmulator, condition: Any) -> None:
    """Wait until the cloud's regions are as ``condition`` says."""
    until(lambda: condition(cloud.get("/state")["regions"]))
