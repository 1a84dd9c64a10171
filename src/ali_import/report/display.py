"""What shows a run while it works: which kind suits the place, and the plain kind.

``Tally`` learns from events where every placement is; every display draws from it.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, Self

from ali_import.publish.model import (
    CallRetried,
    Event,
    Note,
    Outcome,
    Phase,
    PhaseBegan,
    PlacementEnded,
    PlacementMoved,
    RegionsKnown,
    Route,
    Step,
)
from ali_import.report.lines import (
    PHASES,
    Messages,
    clock,
    counted,
    described,
    joined,
    short_failure_line,
)
from ali_import.report.log import LogDisplay

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


def choose(
    messages: Messages,
    *,
    verbosity: int,
    clock_s: Callable[[], float],
    environment: Mapping[str, str],
) -> Display:
    """Choose: a log with -v, else live on a terminal, else a few plain lines."""
    if verbosity:
        return LogDisplay()
    if messages.is_terminal and environment.get("TERM", "") not in _NO_CURSOR:
        from ali_import.report.live import LiveDisplay  # noqa: PLC0415  slow: rich

        return LiveDisplay(messages, clock_s=clock_s)
    return PlainDisplay(messages, clock_s=clock_s)


# --- the plain display ----------------------------------------------------------------


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
        if not self._tally.total:  # it does not get through to the cloud
            self.say(f"{elapsed} {latest}")
            return
        if (
            self._tally.phase is Phase.CLEAN_UP
        ):  # all counts are final: what takes long?
            prefix = PHASES[Phase.CLEAN_UP]
            self.say(f"{elapsed} {joined(prefix, latest.removeprefix(prefix + ': '))}")
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


# --- where every placement is ---------------------------------------------------------


# How far a placement is when it enters a step and when it leaves it, in percent: a guess
# made so that the bar moves evenly. Importing and waiting take most of the time.
_SPANS: Final = {
    Step.SURVEY: (0, 0),
    Step.STAGE: (2, 20),
    Step.IMPORT: (20, 25),
    Step.COPY: (20, 25),
    Step.WAIT: (25, 90),
    Step.REPLACE: (90, 95),
    Step.PUBLISH: (95, 100),
    Step.DONE: (100, 100),
}
_RECENT_MAX: Final = 8

FAILED: Final = "failed"
COLUMNS: Final = (*(step.value for step in Step), FAILED)


@dataclass
class _Placement:
    step: Step = Step.SURVEY
    route: Route | None = None
    progress: int = 0
    outcome: Outcome | None = None

    @property
    def column(self) -> str:
        if self.outcome is None:
            return self.step
        return Step.DONE if self.outcome.result.good else FAILED

    @property
    def percent(self) -> float:
        if self.outcome is not None:
            return 100
        begin, end = _SPANS[self.step]
        return begin + (end - begin) * min(max(self.progress, 0), 100) / 100


class Tally:
    """Counts placements by step and route.

    Attributes:
        phase: What the run as a whole is doing.
        recent: The latest failures and notes, oldest first.
        retries: Calls made again so far.
    """

    def __init__(self) -> None:
        self.phase = Phase.SURVEY
        self.recent: deque[str] = deque(maxlen=_RECENT_MAX)
        self.retries = 0
        self._placements: dict[tuple[str, str], _Placement] = {}
        self._known = False

    def take(self, event: Event) -> None:
        """Learn from one event; the latest about a placement wins."""
        match event:
            case PhaseBegan():
                self.phase = event.phase
                if event.detail:
                    self._tell(event.detail)
            case RegionsKnown():
                self._known = True
                self._placements = {
                    (region, name): _Placement()
                    for region in event.regions
                    for name in event.names
                }
            case PlacementMoved() if self._is_borrowed(event):
                pass
            case PlacementMoved():
                placement = self._placement(event.region, event.name)
                placement.step = event.step
                placement.route = event.route or placement.route
                placement.progress = event.progress
                placement.outcome = None
            case PlacementEnded(outcome=outcome):
                placement = self._placement(outcome.region, outcome.name)
                placement.outcome = outcome
                placement.route = outcome.route or placement.route
                if not outcome.result.good:
                    self._tell(short_failure_line(outcome))
            case CallRetried():
                self.retries += 1
                # Nothing else to show: these are what is in the way.
                if not self._placements or self.phase is Phase.CLEAN_UP:
                    what = joined(event.region, event.operation, separator=" ")
                    self._tell(f"{what}: {event.code}, trying again")
            case Note():
                self._tell(joined(event.region, event.text))

    def _tell(self, news: str) -> None:
        # Every image of a region may have the same to tell: once is enough.
        if news not in self.recent:
            self.recent.append(news)

    def _is_borrowed(self, event: PlacementMoved) -> bool:
        """Whether an image is made somewhere only to be copied from there."""
        return self._known and (event.region, event.name) not in self._placements

    def _placement(self, region: str, name: str) -> _Placement:
        return self._placements.setdefault((region, name), _Placement())

    @property
    def total(self) -> int:
        """How many placements there are; 0 before the regions are known."""
        return len(self._placements)

    @property
    def percent(self) -> float:
        """How far the placements are on average, 0 to 100."""
        if not self._placements:
            return 0.0
        return sum(each.percent for each in self._placements.values()) / self.total

    def columns(self) -> Counter[str]:
        """Count placements by where they are: a step's name or ``failed``."""
        return Counter(each.column for each in self._placements.values())

    def by_route(self) -> dict[Route | None, Counter[str]]:
        """Count placements by route, then by where they are; no empty rows."""
        rows: dict[Route | None, Counter[str]] = {}
        for route in (*Route, None):
            here = [each for each in self._placements.values() if each.route is route]
            if here:
                rows[route] = Counter(each.column for each in here)
        return rows
