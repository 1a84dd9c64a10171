"""Runs programs that know nothing of the emulator in the environment ``exec`` gives."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.tests.support.emulator import RunningEmulator

PROGRAMS = Path(__file__).parent / "programs"
PROGRAM_S_MAX = 60

Run = Callable[..., Any]


@pytest.fixture
def run(shared_emulator: RunningEmulator) -> Run:
    """Run a program on an empty cloud, and return the JSON it prints.

    One emulator serves them all, which is much quicker than ``exec`` for each and gives
    them the same environment.
    """
    shared_emulator.reset()

    def run_program(name: str, *arguments: str) -> Any:
        ended = subprocess.run(
            [sys.executable, str(PROGRAMS / name), *arguments],
            env=dict(shared_emulator.env),
            check=False,
            capture_output=True,
            text=True,
            timeout=PROGRAM_S_MAX,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run_program
