"""What comes from outside while the tool cleans up: a signal, a stranger's page."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from emulator.tests.support.waiting import HANG_S, until
from tests.e2e.conftest import FLAGS
from tests.e2e.test_weather import regions, start, toml_profile, wait_for
from tests.support.audit import Expected, expected, left_behind, problems
from tests.support.tool import ali_import

pytestmark = pytest.mark.e2e

RELAYED = "cn-hangzhou"
DIRECT = "eu-central-1"


def functions(cloud: RunningEmulator) -> set[str]:
    found = cloud.get("/state")["regions"][RELAYED]["functions"]
    return {function["name"] for function in found}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_cleanup_takes_its_own_relay_away(
    disks: list[Path], tmp_path: Path, number: signal.Signals
) -> None:
    slow = toml_profile(tmp_path, "[durations]\nimport_s = 3000.0\n")
    with emulator("--profile", str(slow)) as cloud:
        killed = start(cloud, *FLAGS, *regions(RELAYED), disks[0])
        wait_for(cloud, lambda state: bool(state[RELAYED]["tasks"]))
        killed.kill()
        killed.communicate()
        left = functions(cloud)
        # A bucket of this region is emptied through a relay, which cleanup makes.
        cloud.post("/faults", {"do": "hang", "action": "InvokeFunction"})
        process = start(cloud, "cleanup", "--all", "--yes")
        until(lambda: cloud.get("/requests")["requests"]["faults"].get("hang"))
        assert functions(cloud) - left
        cloud.call("DELETE", "/faults")
        process.send_signal(number)
        _, err = process.communicate(timeout=HANG_S)
        assert process.returncode == 130, err
        assert functions(cloud) <= left


def page(action: str, **more: Any) -> dict[str, Any]:
    """Return a rule: a network's own page comes once in place of the cloud's answer."""
    return {"do": "html", "action": action, "times": 1, "status": 200, **more}


@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("action", ["DeleteBucket", "DeleteFunction"])
def test_a_page_in_place_of_an_answer_deletes_nothing(
    disks: list[Path], wanted: list[Expected], action: str, status: int
) -> None:
    with emulator() as cloud:
        cloud.post("/faults", page(action, status=status))
        ended = ali_import(*FLAGS, *regions(RELAYED), disks[0], env=cloud.env)
        counted = cloud.get("/requests")["requests"]
        state = cloud.get("/state")
    assert counted["faults"] == {"html": 1}
    assert ended.status == 0, ended.err
    assert problems(state, wanted[:1], public=False, regions=[RELAYED]) == []


def test_a_page_that_hides_what_was_done_does_no_harm(
    disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    flags = (*FLAGS, *regions(RELAYED), "--report", report)
    with emulator() as cloud:
        cloud.post("/faults", page("DeleteBucket", do="html-after"))
        cloud.post("/faults", page("DeleteFunction", do="html-after"))
        ended = ali_import(*flags, disks[0], env=cloud.env)
        state = cloud.get("/state")
    assert ended.status == 0, ended.err
    assert problems(state, wanted[:1], public=False, regions=[RELAYED]) == []
    assert json.loads(report.read_text(encoding="utf-8"))["leftovers"] == []


def test_a_page_in_place_of_an_answer_completes_no_upload(
    disks: list[Path], tmp_path: Path
) -> None:
    large = tmp_path / "large.img"
    large.write_bytes(disks[0].read_bytes().ljust(25 * 2**20, b"\1"))
    wanted = expected([large], name=FLAGS[1], family=FLAGS[3])
    with emulator() as cloud:
        cloud.post("/faults", page("CompleteMultipartUpload"))
        ended = ali_import(*FLAGS, *regions(DIRECT), large, env=cloud.env)
        counted = cloud.get("/requests")["requests"]
        state = cloud.get("/state")
    assert counted["faults"] == {"html": 1}
    assert ended.status == 0, ended.err
    assert problems(state, wanted, public=False, regions=[DIRECT]) == []
    # The page was known for what it is, not found out by the import that failed.
    assert counted["by_action"]["ecs.ImportImage"] == 1
    assert not left_behind(state["regions"][DIRECT])
