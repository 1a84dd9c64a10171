"""Killed at random moments in bad weather and run again: everything is as it should be.

Thirty rounds: ``make chaos ROUNDS=30``.
"""

from pathlib import Path

import pytest

from tests.support.chaos import play

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_run_is_resumed(seed: int, disks: list[Path]) -> None:
    played = play(seed, disks[:2])
    assert played.problems == (), played
    assert -999 not in played.statuses
