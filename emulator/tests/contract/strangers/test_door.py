"""Programs that are told an endpoint, and mind neither proxy nor hook."""

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest
import requests

from emulator.tests.contract.strangers.conftest import PROGRAM_S_MAX, PROGRAMS
from emulator.tests.support.emulator import RunningEmulator


def without_proxy(cloud: RunningEmulator) -> dict[str, str]:
    """Return the environment, less all that leads to the emulator by the real names."""
    ways = {
        "ALICLOUD_EMULATOR_PROXY",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "JAVA_TOOL_OPTIONS",
    }
    return {
        name: value
        for name, value in cloud.env.items()
        if name not in ways and not name.upper().endswith("_PROXY")
    }


def test_sdks_at_an_endpoint(shared_emulator: RunningEmulator) -> None:
    shared_emulator.reset()
    ended = subprocess.run(
        [sys.executable, str(PROGRAMS / "door.py")],
        env=without_proxy(shared_emulator),
        check=False,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S_MAX,
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    storage = {"read": "one", "keys": ["a/b c", "big"], "presigned": "one"}
    assert seen == {
        "v1": {**storage, "where": "oss-cn-hangzhou"},
        "v2": {**storage, "where": "oss-cn-hangzhou"},
        "v4": {**storage, "where": "oss-eu-central-1"},
        "newer": "two",
        "calls": {"me": "Account", "regions": 32, "images": 0, "functions": []},
    }
    regions = shared_emulator.get("/state")["regions"]
    assert [one["name"] for one in regions["eu-central-1"]["buckets"]] == ["newer"]


def ask(
    cloud: RunningEmulator, method: str, path: str, headers: Mapping[str, str] = {}
) -> requests.Response:
    endpoint = cloud.given["endpoint"]
    session = requests.Session()
    session.trust_env = False
    with session:
        return session.request(method, endpoint + path, headers=headers, timeout=20)


def test_the_console_is_at_the_door_too(shared_emulator: RunningEmulator) -> None:
    assert "console" in ask(shared_emulator, "GET", "/_emulator").text
    assert ask(shared_emulator, "POST", "/_emulator/reset").status_code == 204
    state = ask(shared_emulator, "GET", "/_emulator/state")
    assert state.json() == shared_emulator.get("/state")
    assert ask(shared_emulator, "HEAD", "/_emulator/requests").text == ""
    assert ask(shared_emulator, "GET", "/_emulator/nothing").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "10.0.0.1"},
        {"Host": "emulator"},
        {"Origin": "https://example.com"},
        {"Sec-Fetch-Site": "same-origin"},  # an object may be a page
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_machine_or_page_reaches_the_console(
    shared_emulator: RunningEmulator, headers: dict[str, str]
) -> None:
    answer = ask(shared_emulator, "POST", "/_emulator/reset", headers)
    assert answer.status_code == 403


def test_a_browser_is_led_to_the_console_s_own_port(
    shared_emulator: RunningEmulator,
) -> None:
    asked = {"Accept": "text/html"}
    page = ask(shared_emulator, "GET", "/_emulator", asked)
    assert "page" in page.text
    assert page.url.startswith(shared_emulator.console)
    other = asked | {"Sec-Fetch-Site": "same-origin"}
    assert ask(shared_emulator, "GET", "/_emulator", other).status_code == 403


def test_events_at_the_door_end_with_their_reader(
    shared_emulator: RunningEmulator,
) -> None:
    ask(shared_emulator, "GET", "/no-such-pail")
    url = f"{shared_emulator.given['endpoint']}/_emulator/events"
    with requests.get(url, stream=True, timeout=20) as answer:
        assert json.loads(next(answer.iter_lines()))["number"] >= 1


def test_env_names_the_endpoint(shared_emulator: RunningEmulator) -> None:
    name = str(shared_emulator.given["name"])
    ended = subprocess.run(
        [sys.executable, "-m", "alicloud_emulator.cli.main", "env", "--name", name],
        check=True,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S_MAX,
    )
    for name in ("OSS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "ALICLOUD_EMULATOR_ENDPOINT"):
        assert f"export {name}={shared_emulator.proxy}\n" in ended.stdout
