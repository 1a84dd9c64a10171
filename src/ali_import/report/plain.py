"""A few plain lines while a run works, for pipes and log files."""

import logging
from collections.abc import Callable
from typing import Final, Self

from ali_import.publish.model import (
    Event,
    Note,
    Outcome,
    Phase,
    PhaseBegan,
    PlacementEnded,
    RegionsKnown,
)
from ali_import.report.messages import Messages
from ali_import.report.tally import FAILED, Tally
from ali_import.report.words import clock, counted, described

# Often enough to see that it lives, seldom enough for a log.
PROGRESS_EVERY_S: Final = 10.0

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
        self._tally = Tally()
        self._began_s = self._told_s = clock_s()
        self.say = messages.line
        self.shown = set[Outcome]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def emit(self, event: Event) -> None:
        """Take an event, and write a line if it deserves one."""
        self._tally.take(event)
        level, text = described(event)
        match event:
            case PlacementEnded(outcome=outcome) if not outcome.result.good:
                self.shown.add(outcome)
                self.say(text)
            case Note() if level >= logging.WARNING:
                self.say(text)
            case PhaseBegan():
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
        if not self._tally.total:  # it does not get through to the cloud
            self.say(f"{elapsed} {latest}")
            return
        counts = self._tally.columns()
        told = ", ".join(
            f"{number} {column}"
            for column, number in counts.items()
            if column not in {FAILED, "done"}
        )
        done = f"{counts['done']} of {self._tally.total} done"
        failed = f"{counts[FAILED]} failed" if counts[FAILED] else ""
        line = ", ".join(part for part in (done, failed, told) if part)
        self.say(f"{elapsed} {line}")
