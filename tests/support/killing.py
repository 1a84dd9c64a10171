"""A large upload that is killed again and again, and goes on each time."""

import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from emulator.tests.support.emulator import RunningEmulator
from tests.support.link import Link
from tests.support.tool import BIN, RUN_S_MAX, Ended, ali_import

_START_S_MAX = 600.0


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of it.

    Attributes:
        killed: How often the command was killed while it sent.
        went_on: How often the one after that said that it goes on.
        uplink_bytes: What the cloud received of bodies, whole or not, from outside.
        last: The run that was let live.
    """

    killed: int
    went_on: int
    uplink_bytes: int
    last: Ended


def play(
    cloud: RunningEmulator,
    link: Link,
    arguments: Sequence[str],
    *,
    data_bytes: int,
    kills: int,
    seed: int,
    folder: Path,
    last_s_max: float = RUN_S_MAX,
) -> Played:
    """Kill the command at random places of its upload, and let it end at last.

    Args:
        cloud: Where to.
        link: The line that goes there.
        arguments: What to run; with ``-v``, so that it says that it goes on.
        data_bytes: What has to go up.
        kills: How often it is killed.
        seed: Draws where.
        folder: For what the command says.
        last_s_max: How long the last run may take.
    """
    dice = Random(seed)
    share = data_bytes / (kills + 1)
    env = link.environment(cloud.env)
    killed = went_on = 0
    for number in range(kills):
        told = folder / f"run-{number}.txt"
        begun_at = link.sent_bytes
        with told.open("w") as out:
            process = subprocess.Popen(
                [BIN / "ali-import", *arguments],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=out,
            )
            link.wait_for(begun_at + int(share * dice.uniform(0.8, 1.2)), _START_S_MAX)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        went_on += "resumes the upload of run" in told.read_text()
    last = ali_import(*arguments, env=env, timeout_s=last_s_max)
    went_on += "resumes the upload of run" in last.err
    uplink_bytes = cloud.get("/requests")["traffic"]["uplink_bytes"]
    return Played(killed=killed, went_on=went_on, uplink_bytes=uplink_bytes, last=last)
