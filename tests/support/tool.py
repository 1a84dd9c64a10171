"""The installed ``ali-import`` as a process of its own."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
RUN_S_MAX = 240


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def ali_import(
    *arguments: object, env: Mapping[str, str], timeout_s: float = RUN_S_MAX
) -> Ended:
    """Run ``ali-import`` to its end."""
    return run(BIN / "ali-import", *arguments, env=env, timeout_s=timeout_s)


def run(
    *command: object,
    env: Mapping[str, str] | None = None,
    timeout_s: float = RUN_S_MAX,
) -> Ended:
    """Run a command to its end, in bounded time."""
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
    )
    return Ended(status=done.returncode, out=done.stdout, err=done.stderr)
