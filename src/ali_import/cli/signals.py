"""Ctrl-C, SIGTERM, and a terminal that closes: the first asks to stop, the second stops."""

import signal
from collections.abc import Callable
from typing import Final, NoReturn

import anyio
from anyio.abc import TaskStatus

_ALWAYS: Final = (signal.SIGINT, signal.SIGTERM)

# One Ctrl-C reaches a process twice if its parent, which the terminal tells as well,
# passes it on. No person presses it again so soon.
ECHO_S_MAX: Final = 0.25


def wanted() -> tuple[signal.Signals, ...]:
    """Return the signals that stop the tool; nohup makes us deaf to a hang-up."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return _ALWAYS
    return (*_ALWAYS, signal.SIGHUP)


async def receive(
    first: Callable[[], None],
    second: Callable[[], NoReturn],
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Call ``first`` at the first signal and ``second`` at the next; runs for ever."""
    with anyio.open_signal_receiver(*wanted()) as signals:
        task_status.started()
        first_at_s: float | None = None
        async for _ in signals:
            if first_at_s is None:
                first_at_s = anyio.current_time()
                first()
            elif anyio.current_time() - first_at_s > ECHO_S_MAX:
                second()
