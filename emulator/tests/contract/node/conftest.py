"""What the programs here need: Node.js, and packages from the npm registry, once."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from emulator.tests.support.programs import need

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
LOCK_FILE = HERE / "package-lock.json"
INSTALL_S_MAX = 300
PROGRAM_S_MAX = 120

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of packages, installed as the lock file says if it is not there."""
    need("node", "nodejs")
    wanted = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()
    mark = MODULES / ".installed"
    # Test processes that run side by side must not install at the same time.
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != wanted:
            install()
            mark.write_text(wanted)
    return MODULES


def install() -> None:
    need("npm", "npm")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        ended = subprocess.run(
            command,
            cwd=HERE,
            check=False,
            capture_output=True,
            text=True,
            timeout=INSTALL_S_MAX,
        )
    except subprocess.TimeoutExpired:
        unavailable(f"npm ci took more than {INSTALL_S_MAX} s")
    if ended.returncode != 0:
        unavailable(f"npm ci failed; is the registry in reach? {ended.stderr[-500:]}")


def unavailable(reason: str) -> NoReturn:
    """Skip, but fail in CI: there a test that did not run counts as one that failed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def run(node_modules: Path) -> Run:
    """Run a program under ``alicloud-emulator exec`` and return the JSON it prints.

    Functions inside find ``ali-oss`` where NODE_PATH leads.
    """

    def run_program(name: str, *arguments: str) -> Any:
        emulator = [sys.executable, "-m", "alicloud_emulator.cli.main", "exec"]
        program = ["node", str(HERE / "programs" / name), *arguments]
        ended = subprocess.run(
            [*emulator, "--seed", "1", "--", *program],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROGRAM_S_MAX,
            env={**os.environ, "NODE_PATH": str(node_modules)},
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run_program
