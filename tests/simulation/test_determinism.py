"""A seed decides everything; otherwise no failure could be looked at twice."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import trio._core._run as trio_run
from trio.testing import MockClock

from tests.simulation.harness import simulate

ROOT = Path(__file__).resolve().parents[2]
SEED = 89


def test_the_same_seed_gives_the_same_trace() -> None:
    first, second = simulate(SEED, trace=True), simulate(SEED, trace=True)
    assert len(first.trace) > 50
    assert first.trace == second.trace


def test_another_seed_gives_another_trace() -> None:
    assert simulate(SEED, trace=True).trace != simulate(SEED + 1, trace=True).trace


def test_the_trace_does_not_depend_on_the_hash_seed() -> None:
    traces = {_trace(hash_seed) for hash_seed in ("0", "1", "4711")}
    assert len(traces) == 1


_PROGRAM = f"""
from tests.simulation.harness import simulate
print("\\n".join(simulate({SEED}, trace=True).trace))
"""


def _trace(hash_seed: str) -> str:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            _PROGRAM,
        ],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.count("\n") > 50
    return done.stdout


def test_trio_schedules_by_its_own_seeded_dice() -> None:
    """It does so when Hypothesis is imported; with another version it might not."""

    def order(seed: int) -> list[int]:
        trio_run._r.seed(seed)
        found: list[int] = []

        async def note(number: int) -> None:
            await anyio.sleep(1)
            found.append(number)

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                for number in range(8):
                    tasks.start_soon(note, number)

        clock = MockClock(autojump_threshold=0)
        anyio.run(main, backend="trio", backend_options={"clock": clock})
        return found

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(10)}) > 1
