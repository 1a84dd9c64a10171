"""``ali-import cleanup``: show what runs have left, and remove it."""

import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NoReturn

import anyio

import ali_import
from ali_import import Cloud, ConfigurationError, Event, Leftover, Note
from ali_import.cli import signals, streams
from ali_import.cli.arguments import CleanupArguments
from ali_import.cli.exit_status import ExitStatus
from ali_import.cli.session import ask, may_ask
from ali_import.redaction import one_line
from ali_import.report import log
from ali_import.report.display import PlainDisplay
from ali_import.report.lines import Messages, clock, counted, moment


class State(StrEnum):
    """Whether a leftover may be removed without asking."""

    EXPIRED = "expired"
    IN_USE = "in-use"
    UNKNOWN = "unknown"


def state(leftover: Leftover, now: float) -> State:
    """Return a leftover's state at the Unix time ``now``, in seconds."""
    if not leftover.expires_at:
        return State.UNKNOWN
    return State.EXPIRED if leftover.expires_at <= now else State.IN_USE


class CleanupCommand:
    """One execution of the command."""

    def __init__(self, arguments: CleanupArguments, messages: Messages) -> None:
        self._arguments = arguments
        self._messages = messages
        self._blind = False
        self._removing: tuple[Leftover, ...] = ()
        self._display = (
            log.LogDisplay(clock_s=time.monotonic)
            if arguments.verbosity
            else PlainDisplay(messages, clock_s=time.monotonic)
        )

    async def clean_up(self) -> ExitStatus:
        """List, ask if need be, remove.

        Raises:
            AliImportError: Nothing could be begun.
            KeyboardInterrupt: A signal came.
        """
        if self._arguments.remove_all and not self._may_ask():
            raise ConfigurationError(
                "cleanup --all asks before it removes what may be in use, and there is "
                "no terminal to ask on",
                advice="add --yes to remove everything without asking",
            )
        status: ExitStatus | None = None
        working = anyio.CancelScope()

        def first() -> None:
            if self._removing:
                self._display.say(
                    "interrupted: cleaning up; interrupt again to stop at once"
                )
            working.cancel()

        async with anyio.create_task_group() as group:
            # It listens to the end: what removing made is removed after the first.
            await group.start(signals.receive, first, self._stop_at_once)
            with working:
                status = await self._connect_and_work()
            group.cancel_scope.cancel()
        if status is None:
            self._tell_unfinished()
            raise KeyboardInterrupt
        return status

    def _may_ask(self) -> bool:
        return self._arguments.yes or may_ask(self._messages)

    async def _connect_and_work(self) -> ExitStatus:
        async with ali_import.connect() as cloud:
            verbosity = self._arguments.verbosity
            return await self._work(
                log.logged(cloud, verbosity=verbosity, clock_s=time.monotonic)
            )

    async def _work(self, cloud: Cloud) -> ExitStatus:
        now = time.time()
        found = await ali_import.find_leftovers(cloud, on_event=self._look)
        streams.print_lines(_listed(leftover, now) for leftover in found)
        for line in _by_run(found, now):
            self._messages.line(line)
        doomed = await self._choose(found, now)
        left: tuple[Leftover, ...] = ()
        if doomed:
            self._removing = doomed
            left = await ali_import.remove_leftovers(
                cloud, doomed, on_event=self._display.emit
            )
            self._removing = ()
        self._tell(found, doomed, left)
        if left and len(left) == len(doomed):
            return ExitStatus.ALL_FAILED
        return ExitStatus.SOME_FAILED if left or self._blind else ExitStatus.ALL_PLACED

    def _look(self, event: Event) -> None:
        """Take an event of the search; a warning means that it missed a place."""
        self._display.emit(event)
        if isinstance(event, Note) and event.level == "WARNING":
            self._blind = True

    async def _choose(
        self, found: Sequence[Leftover], now: float
    ) -> tuple[Leftover, ...]:
        """Return what is to be removed."""
        expired = tuple(each for each in found if state(each, now) is State.EXPIRED)
        others = len(found) - len(expired)
        if not (others and self._arguments.remove_all):
            return expired
        agreed = self._arguments.yes or await self._ask(others)
        return tuple(found) if agreed else expired

    async def _ask(self, others: int) -> bool:
        things = counted(others, "thing that has", "things that have")
        them = "it" if others == 1 else "them"
        return await ask(
            self._messages,
            f"also remove {things} not expired? A run in progress may need {them}",
        )

    def _tell_unfinished(self) -> None:
        """Say what may be left, because removing it was stopped half way."""
        for leftover in self._removing:
            self._messages.line(f"may be left: {_line(leftover)} {leftover.detail}")
        if self._removing:
            again = "ali-import cleanup" + " --all" * self._arguments.remove_all
            self._messages.line(f"to remove what is left: {again}")

    def _stop_at_once(self) -> NoReturn:
        """Say what may be left, and end the process."""
        self._messages.line("ali-import: stopped")
        self._tell_unfinished()
        if self._removing:
            self._messages.line(
                "a function that was made to empty a bucket may also be left; it "
                "expires within an hour"
            )
        streams.leave_at_once(ExitStatus.INTERRUPTED)

    def _tell(
        self,
        found: Sequence[Leftover],
        doomed: Sequence[Leftover],
        left: Sequence[Leftover],
    ) -> None:
        for leftover in left:
            self._messages.line(f"not removed: {_line(leftover)} {leftover.detail}")
        kept = len(found) - len(doomed)
        told = f"removed {len(doomed) - len(left)} of {len(found)} found"
        if kept:
            told += f", kept {kept} not expired"
            if not self._arguments.remove_all:
                told += " (to remove them too: ali-import cleanup --all)"
        nothing = "nothing is left over" + (
            " in the regions that answered" if self._blind else ""
        )
        self._messages.line(told if found else nothing)


def _line(leftover: Leftover) -> str:
    return f"{leftover.region} {leftover.kind} {leftover.name}"


def _by_run(found: Sequence[Leftover], now: float) -> Iterator[str]:
    """Yield a line for what each run has left, with when that expires.

    ``run 0123abcd: 3 things in 2 regions, in use until 2026-... (another 4:59:00)``
    """
    runs: dict[tuple[str, State], list[Leftover]] = {}
    for leftover in found:
        runs.setdefault((leftover.run_id, state(leftover, now)), []).append(leftover)
    for (run_id, its_state), things in runs.items():
        regions = counted(len({each.region for each in things}), "region")
        latest = max(each.expires_at for each in things)
        expiry = {
            State.EXPIRED: f"expired {clock(now - latest)} ago",
            State.IN_USE: f"in use until {moment(latest)} (another {clock(latest - now)})",
            State.UNKNOWN: "expiry unknown",
        }[its_state]
        whose = f"run {run_id}" if run_id else "unknown run"
        yield f"{whose}: {counted(len(things), 'thing')} in {regions}, {expiry}"


def _listed(leftover: Leftover, now: float) -> str:
    """Return the line for standard output."""
    return one_line(f"{_line(leftover)} {state(leftover, now)}")
