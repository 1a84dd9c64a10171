"""How each runtime is started on this machine."""

import os
import shutil
import site
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alicloud_emulator.functions.launch import PIPES
from alicloud_emulator.functions.network import NetworkEnv
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc.refusals import refusal

_HERE = Path(__file__).resolve().parent
_MIB = 1024 * 1024
_NPM_TIMEOUT_S = 10.0

# Beyond memorySize, the data a Python process may map: thread stacks of 8 MiB each
# count although they are hardly touched. The watcher enforces memorySize itself; this
# keeps a single huge allocation from ever reaching the machine's memory.
_PYTHON_DATA_SLACK_MIB = 256


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a process is started with."""

    runtime: str
    memory_mib: int
    code: Path
    network: NetworkEnv


def command(start: Start, lifeline: int) -> list[str]:
    """Return the command that starts a function's process.

    Args:
        start: What to start.
        lifeline: File descriptor of the pipe that launch.py watches.

    Raises:
        ServiceError: FunctionNotStarted (412): the emulator does not run this runtime.
    """
    family = next((f for f in _COMMANDS if start.runtime.startswith(f)), "")
    if not family:
        raise not_started(f"the emulator does not run runtime '{start.runtime}'")
    return [
        sys.executable,
        *("-I", "-S", "-X", "utf8"),
        str(_HERE / "launch.py"),
        str(lifeline),
        *_COMMANDS[family](start),
    ]


def _python(start: Start) -> list[str]:
    return [
        str((start.memory_mib + _PYTHON_DATA_SLACK_MIB) * _MIB),
        "python",
        str(_HERE / "bootstrap_python.py"),
        str(start.code),
        start.runtime,
        start.network.python_path,
        *site.getsitepackages(),
    ]


def _node(start: Start) -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise not_started(f"runtime '{start.runtime}' needs 'node' on this machine")
    preload = start.network.node_preload
    return [
        "0",
        "exec",
        node,
        f"--max-old-space-size={start.memory_mib}",
        *(("--require", preload) if preload else ()),
        str(_HERE / "bootstrap_node.cjs"),
        PIPES,
        str(start.code),
        start.runtime,
    ]


def runtime_environment(runtime: str) -> dict[str, str]:
    """Return the variables that a runtime needs. May run ``npm``, once."""
    return {"NODE_PATH": _node_path()} if runtime.startswith("nodejs") else {}


@cache
def _node_path() -> str:
    """Return where Node.js finds what the real runtimes bundle (``ali-oss``).

    NODE_PATH as the emulator has it, then npm's global root, as npm says.
    """
    folders = [entry for entry in os.environ.get("NODE_PATH", "").split(":") if entry]
    npm = shutil.which("npm")
    if npm is not None:
        with suppress(OSError, subprocess.SubprocessError):
            asked = subprocess.run(  # the same npm that the user installs with
                [npm, "root", "--global"],
                capture_output=True,
                check=True,
                timeout=_NPM_TIMEOUT_S,
                encoding="utf-8",
            )
            folders.append(asked.stdout.strip())
    return ":".join([*folders, "/usr/local/lib/node_modules", "/usr/share/nodejs"])


def not_started(reason: str) -> ServiceError:
    """Return the error for a function that this machine cannot run."""
    return refusal("FunctionNotStarted", reason)


_COMMANDS: dict[str, Callable[[Start], list[str]]] = {
    "python": _python,
    "nodejs": _node,
}
