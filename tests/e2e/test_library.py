"""The library as other programs call it, each in a process of its own."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from tests.support.audit import left_behind

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PROGRAM_S_MAX = 200
BACKENDS = ["asyncio", "trio"]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


@pytest.fixture
def folder(tmp_path: Path, disks: list[Path]) -> Path:
    """A working directory with a ``disk.img``."""
    shutil.copy(disks[1], tmp_path / "disk.img")
    return tmp_path


def run(cloud: RunningEmulator, folder: Path, *command: str) -> tuple[str, str]:
    """Run a Python program that must end well; return its two outputs."""
    inherited = cloud.env.get("PYTHONPATH", "")
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**cloud.env, "PYTHONPATH": f"{ROOT}:{inherited}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PROGRAM_S_MAX,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def program(cloud: RunningEmulator, folder: Path, which: str, backend: str) -> Any:
    """Run one of ``library_program``; what it printed itself must be all there is."""
    out, err = run(cloud, folder, "-m", "tests.e2e.library_program", which, backend)
    assert err == ""
    (line,) = out.splitlines()
    return json.loads(line)


def images(cloud: RunningEmulator) -> list[tuple[str, str]]:
    """Return (region, name) of every image; nothing else may be there."""
    regions = cloud.get("/state")["regions"]
    assert {
        r: left for r, state in regions.items() if (left := left_behind(state))
    } == {}
    return sorted(
        (region, image["name"])
        for region, state in regions.items()
        for image in state["images"]
    )


def samples(page: str) -> list[Any]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    return [pytest.param(each, id=f"{page}-{n}") for n, each in enumerate(found, 1)]


@pytest.mark.parametrize("sample", [*samples("README.md"), *samples("docs/library.md")])
def test_the_samples_run(cloud: RunningEmulator, folder: Path, sample: str) -> None:
    (folder / "sample.py").write_text(sample, encoding="utf-8")
    _, err = run(cloud, folder, "sample.py")
    assert err == ""
    expected = re.findall(r'name="([^"]+)"', sample)
    assert {name for _, name in images(cloud)} == {f"{x}-uefi-x86-64" for x in expected}


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_prints_nothing_and_changes_nothing_of_the_process(
    cloud: RunningEmulator, folder: Path, backend: str
) -> None:
    found = program(cloud, folder, "quietly", backend)
    assert found["changed nothing"]
    assert found["times looked"] > 5
    assert images(cloud) == [("cn-hangzhou", "demo-1"), ("eu-central-1", "demo-1")]


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_publications_run_at_once(
    cloud: RunningEmulator, folder: Path, backend: str
) -> None:
    assert program(cloud, folder, "two_at_once", backend) == [
        ["demo-1", "cn-hangzhou", "placed"],
        ["demo-1", "eu-central-1", "placed"],
        ["demo-2", "cn-hangzhou", "placed"],
        ["demo-2", "eu-central-1", "placed"],
    ]
    assert len(images(cloud)) == 4


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cancellation_cleans_up_and_goes_on(
    cloud: RunningEmulator, folder: Path, backend: str
) -> None:
    found = program(cloud, folder, "cancelled", backend)
    assert found == {"ended": "cancelled", "told": []}
    assert images(cloud) == []


def test_ctrl_c_in_the_synchronous_form_cleans_up_first(
    cloud: RunningEmulator, folder: Path
) -> None:
    found = program(cloud, folder, "interrupted", "asyncio")
    assert found == {"ended": "interrupted", "told": [], "same": True}
    assert images(cloud) == []
