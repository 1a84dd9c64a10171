"""Where every placement is, learned from events: what the displays draw."""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

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
from ali_import.report.failures import failure_line
from ali_import.report.words import joined

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
                    self._tell(failure_line(outcome))
            case CallRetried():
                self.retries += 1
                if not self._placements:  # nothing else to show
                    self._tell(f"{event.operation}: {event.code}, trying again")
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
