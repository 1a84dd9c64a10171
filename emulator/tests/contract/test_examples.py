"""The sample projects pass where only the built wheel is installed."""

import os
import subprocess
from pathlib import Path

import pytest

from emulator.tests.support.programs import need
from emulator.tests.support.wheel import EMULATOR, built_wheel, clean_environment

EXAMPLES = EMULATOR / "examples"
SAMPLE_S_MAX = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_environment(tmp_path_factory.mktemp("clean") / "env", wheel)


def run(folder: str, bin_folder: Path, *command: str) -> str:
    kept = ("HOME", "LANG", "TMPDIR")
    done = subprocess.run(
        command,
        cwd=EXAMPLES / folder,
        env={
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=SAMPLE_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_python_without_anything_else(clean: Path) -> None:
    assert "Ran 3 tests" in run("python", clean, "python", "-m", "unittest")
    missing = "import importlib.util as u; print(u.find_spec('pytest'))"
    assert run("python", clean, "python", "-c", missing) == "None\n"


def test_python_with_pytest(wheel: Path, tmp_path: Path) -> None:
    with_pytest = clean_environment(tmp_path / "env", wheel, "pytest")
    # The fixtures are found by the wheel's own word.
    said = run(
        "python", with_pytest, "python", "-m", "pytest", "-p", "no:cacheprovider"
    )
    assert "7 passed" in said


def test_node(clean: Path) -> None:
    need("node", "nodejs")
    need("npm", "npm")
    assert "# pass 2" in run("node", clean, "npm", "test")


def test_curl(clean: Path) -> None:
    need("curl", "curl")
    need("openssl", "openssl")
    assert run("curl", clean, "./test.sh").count("ok: ") == 2
