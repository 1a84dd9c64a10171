"""Rounds of killing ``ali-import`` at random moments in bad weather.

One round: a fresh emulator where one call in ten fails; the tool is started and gets a
signal at a random moment, once or twice; then it runs to its end; then ``cleanup --all``
removes what killed runs left. After that the cloud must be as if nothing had happened.
"""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from emulator.tests.support.emulator import emulator
from tests.support.audit import expected, problems
from tests.support.tool import BIN, ali_import

NAME, FAMILY = "chaos-1", "chaos"
REGIONS = (
    "cn-hangzhou",
    "cn-heyuan",
    "cn-nanjing",
    "cn-shenzhen",
    "ap-southeast-1",
    "eu-central-1",
    "us-west-1",
    "us-southeast-1",
)
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
STOP_S_MAX = 240


@dataclass(frozen=True, kw_only=True)
class Round:
    """What a round did, and what was wrong afterwards (nothing, one hopes)."""

    seed: int
    signals: tuple[str, ...]
    statuses: tuple[int, ...]
    problems: tuple[str, ...]


def play(seed: int, images: Sequence[Path], *, fail_rate: float = 0.1) -> Round:
    """Play one round; the seed draws the signals, their moments and the weather."""
    dice = Random(seed)
    regions = [x for region in REGIONS for x in ("-r", region)]
    command = ["--public", "-n", NAME, "-f", FAMILY, *regions, *map(str, images)]
    signals, statuses = [], []
    with emulator("--seed", str(seed), "--fail-rate", str(fail_rate)) as cloud:
        for _ in range(dice.randint(1, 2)):
            chosen = dice.choice(SIGNALS)
            after_s = dice.uniform(0.3, 9.0)
            signals.append(f"{chosen.name} after {after_s:.1f} s")
            statuses.append(_interrupted(command, cloud.env, chosen, after_s))
        last = ali_import(*command, env=cloud.env)
        statuses.append(last.status)
        found = (
            [] if last.status == 0 else [f"status {last.status}: {last.err[-2000:]}"]
        )
        tidied = ali_import("cleanup", "--all", "--yes", env=cloud.env)
        if tidied.status != 0:
            found.append(f"cleanup: status {tidied.status}: {tidied.err[-2000:]}")
        wanted = expected(images, name=NAME, family=FAMILY)
        state = cloud.get("/state")
        found += problems(state, wanted, public=True, regions=REGIONS)
    return Round(
        seed=seed,
        signals=tuple(signals),
        statuses=tuple(statuses),
        problems=tuple(found),
    )


def _interrupted(
    command: Sequence[str],
    env: Mapping[str, str],
    number: signal.Signals,
    after_s: float,
) -> int:
    """Start the tool, send it a signal after a while, and wait until it has ended."""
    process = subprocess.Popen(
        [BIN / "ali-import", *command],
        env=dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        return process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    try:
        return process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return -999  # it should have cleaned up and ended long ago
