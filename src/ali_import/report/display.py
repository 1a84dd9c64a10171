"""What shows a run while it works: which kind suits the place, and the plain kind."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, Self

from ali_import.publish.model import (
    Event,
    Note,
    Phase,
    PhaseBegan,
    PlacementEnded,
    RegionsKnown,
    Target,
)
from ali_import.report.lines import (
    PHASES,
    Messages,
    clock,
    counted,
    described,
    joined,
)
from ali_import.report.log import LogDisplay
from ali_import.report.tally import FAILED, Tally
from ali_import.report.unanswered import Unanswered

_NO_CURSOR = frozenset({"", "dumb", "unknown"})


class Display(Protocol):
    """Shows events; a context manager, so that a live one stops before results."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def emit(self, event: Event) -> None:
        """Take an event."""
        ...

    def say(self, text: str) -> None:
        """Write one line now."""
        ...

    def know(self, targets: Iterable[Target]) -> None:
        """Learn what is to be published, once it is known."""
        ...

    def watch(self, unanswered: Unanswered) -> None:
        """Learn who knows which calls have had no answer."""
        ...


def choose(
    messages: Messages,
    *,
    verbosity: int,
    clock_s: Callable[[], float],
    environment: Mapping[str, str],
) -> Display:
    """Choose: a log with -v, else live on a terminal, else a few plain lines."""
    if verbosity:
        return LogDisplay(clock_s=clock_s)
    if messages.is_terminal and environment.get("TERM", "") not in _NO_CURSOR:
        from ali_import.report.live import LiveDisplay  # noqa: PLC0415  slow: rich

        return LiveDisplay(messages, clock_s=clock_s)
    return PlainDisplay(messages, clock_s=clock_s)


# --- the plain display ----------------------------------------------------------------


# Often enough to see that it lives, seldom enough for a log.
PROGRESS_EVERY_S: Final = 10.0

WAITING_TOLD_MAX: Final = 4

# The first takes a moment, or ends in an error that stands better alone; the results
# tell of the last.
_SILENT_PHASES: Final = frozenset({Phase.SURVEY, Phase.DONE})


class PlainDisplay:
    """Writes phases, failures and warnings at once, and progress now and then.

    Args:
        messages: Where to write.
        clock_s: Any clock that only goes forward, in seconds.
    """

    def __init__(self, messages: Messages, *, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._tally = Tally(clock_s)
        self._began_s = self._told_s = clock_s()
        self.say = messages.line
        self.know = self._tally.know
        self.watch = self._tally.watch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def emit(self, event: Event) -> None:
        """Take an event, and write a line if it deserves one."""
        before = self._tally.phase
        self._tally.take(event)
        level, text = described(event)
        match event:
            case PlacementEnded() if not event.outcome.result.good:
                self.say(text)
            case Note() if level >= logging.WARNING:
                self.say(text)
            case PhaseBegan() if event.phase is not before:
                if event.phase not in _SILENT_PHASES:
                    self.say(text)
            case RegionsKnown():
                placements = counted(self._tally.total, "placement")
                regions = counted(len(event.regions), "region")
                self.say(f"{placements} in {regions}")
            case _:
                self._tell_progress(text)

    def _tell_progress(self, latest: str) -> None:
        now_s = self._clock_s()
        if now_s - self._told_s < PROGRESS_EVERY_S:
            return
        self._told_s = now_s
        elapsed = clock(now_s - self._began_s)
        waiting = self._tally.waiting_for(at_most=WAITING_TOLD_MAX)
        waits = f"waiting for {', '.join(waiting)}" if waiting else ""
        if not self._tally.total:  # it does not get through to the cloud
            self.say(f"{elapsed} {waits or latest}")
            return
        if self._tally.phase is Phase.CLEAN_UP:
            # All counts are final: what takes long?
            prefix = PHASES[Phase.CLEAN_UP]
            told = joined(prefix, latest.removeprefix(prefix + ": "))
            self.say(f"{elapsed} {joined(told, waits, separator='; ')}")
            return
        counts = self._tally.columns()
        told = ", ".join(
            f"{number} {column}"
            for column, number in counts.items()
            if column not in {FAILED, "done"}
        )
        done = f"{counts['done']} of {self._tally.total} done"
        failed = f"{counts[FAILED]} failed" if counts[FAILED] else ""
        line = joined(done, failed, told, separator=", ")
        moving = ", ".join(self._tally.moving())
        self.say(f"{elapsed} {joined(line, moving, waits, separator='; ')}")
