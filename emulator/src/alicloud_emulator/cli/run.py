"""``exec``: start the emulator, run a command inside it, keep its exit status.

On a terminal the command shares our process group, so Ctrl-C reaches it as it would
without us, and we only wait for its end. Elsewhere it gets a group of its own and we
pass signals on: somebody who signals our whole group then does not signal it twice.
"""

import argparse
import os
import shlex
import signal
import time
from collections.abc import AsyncIterable, Mapping
from functools import partial

import anyio
from anyio.abc import Process

from alicloud_emulator.cli import isolation
from alicloud_emulator.cli.session import session
from alicloud_emulator.cli.usage import UsageError, usage_errors_unwrapped
from alicloud_emulator.front import environment
from alicloud_emulator.front.environment import REMOVED

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_FROM_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT})
_REPEAT_S = 0.25
"""A signal that comes twice within this was sent to us and to our group: one is meant."""


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status (128 + n if signal n ended it).

    Raises:
        UsageError: The command cannot be started, an option is impossible, or there are
            no namespaces for ``--isolated``.
    """
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("exec needs a command: alicloud-emulator exec -- COMMAND...")
    if options.isolated:
        isolation.enter()
    with usage_errors_unwrapped():
        return anyio.run(_run, options, command)


async def _run(options: argparse.Namespace, command: list[str]) -> int:
    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        async with session(options) as running:
            env = child_environment(os.environ, running.environment(os.environ))
            if options.isolated:
                emulator = running.emulator
                store = emulator.java_store
                isolation.furnish(emulator.bundle, store, emulator.authority)
                env = environment.without_proxies(env)
            own_group = not _is_in_foreground()
            try:
                process = await anyio.open_process(
                    command,
                    stdin=None,
                    stdout=None,
                    stderr=None,
                    env=env,
                    start_new_session=own_group,
                )
            except OSError as error:
                name = shlex.quote(command[0])
                raise UsageError(f"cannot run {name}: {error.strerror}") from error
            async with anyio.create_task_group() as tasks:
                forward = partial(_forward, own_group=own_group)
                tasks.start_soon(forward, signals, process)
                status = await process.wait()
                tasks.cancel_scope.cancel()
    return 128 - status if status < 0 else status


def child_environment(
    env: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Return a child's environment: ours, less what would mislead it, plus ``given``."""
    kept = {name: value for name, value in env.items() if name not in REMOVED}
    return {**kept, **given}


async def _forward(
    signals: AsyncIterable[signal.Signals], process: Process, *, own_group: bool
) -> None:
    """Pass signals on to the command."""
    last: dict[signal.Signals, float] = {}
    async for number in signals:
        now = time.monotonic()
        is_repeat = now - last.get(number, -_REPEAT_S) < _REPEAT_S
        last[number] = now
        if process.returncode is not None or is_repeat:
            continue
        if own_group:
            _signal_group(process.pid, number)
        elif number not in _FROM_TERMINAL:
            process.send_signal(number)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # it ended just now


def _is_in_foreground() -> bool:
    """Whether a terminal sends its signals to our process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
