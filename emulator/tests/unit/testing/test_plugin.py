"""The fixtures, in a pytest of their own: alone, and on several processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import os, urllib.error, urllib.request
import pytest
from emulator.tests.support.oss_url import presigned

def put(cloud, bucket):
    url = presigned(cloud.access_key, "PUT", bucket)
    urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers={"Content-Type": ""}))
    with open(os.environ["PIDS"], "a") as file:
        file.write(f"{cloud.pid}\\n")

@pytest.mark.parametrize("number", range(6))
def test_each_begins_with_nothing(alicloud, number):
    assert alicloud.things() == []
    put(alicloud, "pail")
    assert len(alicloud.things("bucket")) == 1

def test_one_of_its_own(alicloud, own_alicloud):
    put(own_alicloud, "pail")
    assert own_alicloud.pid != alicloud.pid
    assert alicloud.things() == []

@pytest.mark.alicloud(
    profile={"extends": "fast", "regions": {"eu-central-1": {"oss": "none"}}},
    faults=[{"do": "refuse", "action": "GetObject", "code": "Oops", "status": 500}],
)
class TestMarked:
    def test_which_cloud(self, alicloud):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            put(alicloud, "pail")

    @pytest.mark.alicloud(faults=[], seed=7)
    def test_the_nearest_mark_wins(self, alicloud):
        assert alicloud.state()["seed"] == 7
        assert alicloud.state()["profile"].endswith("profile.json")

def test_without_one_nothing_is_changed():
    assert "ALICLOUD_EMULATOR_PROXY" not in os.environ
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_the_fixtures_pass_and_leave_nothing(tmp_path: Path, processes: str) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nalicloud_profile = no-mainland-fc\n"
    )
    pids = tmp_path / "pids"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", processes, "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**kept, "PIDS": str(pids), "PYTHONPATH": str(Path(__file__).parents[4])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "10 passed" in done.stdout, done.stdout + done.stderr
    started = {int(line) for line in pids.read_text().split()}
    assert started
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
