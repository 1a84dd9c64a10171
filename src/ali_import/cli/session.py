"""What every command does that asks the cloud and then answers."""

import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import NoReturn

import anyio
from anyio import to_thread

import ali_import
from ali_import import Cloud, CloudError
from ali_import.cli import signals, streams
from ali_import.cli.complaints import cloud_line
from ali_import.cli.exit_status import ExitStatus
from ali_import.report import log
from ali_import.report.lines import Messages


async def connected(
    work: Callable[[Cloud], Awaitable[ExitStatus]],
    *,
    verbosity: int,
    say_stopping: Callable[[], None] = lambda: None,
) -> ExitStatus:
    """Connect and work; the first signal cancels it, the second ends the process.

    Args:
        work: What to do.
        verbosity: How much is logged.
        say_stopping: Called at the first signal, where stopping may take a while.

    Raises:
        AliImportError: Nothing could be begun.
        KeyboardInterrupt: A signal came.
    """
    status: ExitStatus | None = None
    working = anyio.CancelScope()

    def first() -> None:
        say_stopping()
        working.cancel()

    async with anyio.create_task_group() as group:
        await group.start(signals.receive, first, _stop_at_once)
        with working:
            async with ali_import.connect() as cloud:
                status = await work(
                    log.logged(cloud, verbosity=verbosity, clock_s=time.monotonic)
                )
        group.cancel_scope.cancel()
    if status is None:
        raise KeyboardInterrupt
    return status


def _stop_at_once() -> NoReturn:
    streams.leave_at_once(ExitStatus.INTERRUPTED)


def may_ask(messages: Messages) -> bool:
    """Tell whether somebody sits at a terminal who could answer."""
    with suppress(ValueError, OSError):
        return sys.stdin is not None and sys.stdin.isatty() and messages.is_terminal
    return False


async def ask(messages: Messages, question: str) -> bool:
    """Ask a question, and return whether the answer was yes."""
    messages.line(f"{question} [y/N]")
    answer = await to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    return answer.strip().lower() in {"y", "yes"}


def tell_unseen(messages: Messages, unseen: Iterable[CloudError]) -> None:
    """Say which regions could not be asked and why, one line a cause."""
    causes: dict[tuple[str, str], list[CloudError]] = {}
    for error in unseen:
        causes.setdefault((error.operation, error.code), []).append(error)
    for errors in causes.values():
        regions = ", ".join(error.region for error in errors)
        why = cloud_line(errors[0]).removeprefix(f"{errors[0].region} ")
        messages.line(f"could not ask {regions}: {why}")
