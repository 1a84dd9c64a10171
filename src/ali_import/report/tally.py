"""Where every placement is, what a run waits for, and how quickly bytes move.

Every display draws from a ``Tally``, which learns from events.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
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
    Target,
)
from ali_import.report.lines import (
    clock,
    counted,
    duration,
    joined,
    short_failure_line,
)
from ali_import.report.unanswered import Silence, Unanswered
from ali_import.units import MIB, sized

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

# Less is there in no time.
_WORTH_TELLING_BYTES_MIN: Final = 16 * MIB
# Long enough to even out parts that come in bunches.
_RATE_OVER_S: Final = 20.0
_RATE_OVER_S_MIN: Final = 1.0

# A call that takes longer than this is worth naming: most take less than a second.
_SILENT_S_MIN: Final = 10.0
# When all placements are settled, what is being asked is all there is to name.
_ASKING_S_MIN: Final = 2.0


@dataclass
class _Placement:
    step: Step = Step.SURVEY
    route: Route | None = None
    progress: int = 0
    stored_bytes: int = 0
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

    @property
    def doing(self) -> str:
        """What it is about: ``survey``, ``stage 40 %``, ``copy 62 %``."""
        step = self.step.value
        if self.step is Step.WAIT:  # for what?
            step = Step.COPY if self.route is Route.COPY else Step.IMPORT
        return f"{step} {self.progress} %" if self.progress else step


@dataclass(frozen=True, kw_only=True)
class RegionState:
    """A region in which something is still to be done.

    Attributes:
        percent: How far its placements are on average, 0 to 100.
        doing: What the one that is least far is about.
        done: How many of its placements have ended, of ``total``.
    """

    region: str
    percent: float
    doing: str
    done: int
    total: int


class Tally:
    """Counts placements by step.

    Args:
        clock_s: Any clock that only goes forward, in seconds.

    Attributes:
        phase: What the run as a whole is doing.
        recent: The latest notes, oldest first.
        failures: Every failure in a few words.
        retries: Calls made again so far.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self.phase = Phase.SURVEY
        self.recent: deque[str] = deque(maxlen=_RECENT_MAX)
        self.failures: list[str] = []
        self.retries = 0
        self._clock_s = clock_s
        self._placements: dict[tuple[str, str], _Placement] = {}
        self._known = False
        self._sizes: dict[str, int] = {}
        self._stored: deque[tuple[float, int]] = deque()
        self._unanswered: Unanswered | None = None

    def know(self, targets: Iterable[Target]) -> None:
        """Learn how many bytes each image has."""
        self._sizes = {target.name: target.image.pack.size_bytes for target in targets}

    def watch(self, unanswered: Unanswered) -> None:
        """Learn who knows which calls have had no answer."""
        self._unanswered = unanswered

    # --- learning ---------------------------------------------------------------------

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
                self._move(event)
            case PlacementEnded(outcome=outcome):
                placement = self._placement(outcome.region, outcome.name)
                placement.outcome = outcome
                placement.route = outcome.route or placement.route
                if not outcome.result.good:
                    self.failures.append(short_failure_line(outcome))
            case CallRetried():
                self.retries += not event.busy
                # Nothing else to show: these are what is in the way.
                if not self._placements or self.phase is Phase.CLEAN_UP:
                    what = joined(event.region, event.operation, separator=" ")
                    how = "in use, waiting" if event.busy else "trying again"
                    self._tell(f"{what}: {event.code}, {how}")
            case Note():
                self._tell(joined(event.region, event.text))

    def _move(self, event: PlacementMoved) -> None:
        placement = self._placement(event.region, event.name)
        whole = self._sizes.get(event.name, 0)
        if event.step is Step.STAGE:
            placement.stored_bytes = whole * event.progress // 100
            self._sample()
        elif placement.step is Step.STAGE and event.step is Step.IMPORT:
            placement.stored_bytes = whole
            self._sample()
        placement.step = event.step
        placement.route = event.route or placement.route
        placement.progress = event.progress
        placement.outcome = None

    def _sample(self) -> None:
        now_s = self._clock_s()
        total = sum(each.stored_bytes for each in self._placements.values())
        self._stored.append((now_s, total))
        while self._stored[0][0] < now_s - _RATE_OVER_S and len(self._stored) > 2:
            self._stored.popleft()

    def _tell(self, news: str) -> None:
        # Every image of a region may have the same to tell: once is enough.
        if news not in self.recent:
            self.recent.append(news)

    def _is_borrowed(self, event: PlacementMoved) -> bool:
        """Whether an image is made somewhere only to be copied from there."""
        return self._known and (event.region, event.name) not in self._placements

    def _placement(self, region: str, name: str) -> _Placement:
        return self._placements.setdefault((region, name), _Placement())

    # --- telling ----------------------------------------------------------------------

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

    def moving(self) -> list[str]:
        """Say how the bytes get on: ``1 GiB of 3 GiB stored``, ``45 MiB/s``, ``0:46 left``.

        Nothing unless enough bytes are on their way for it to matter.
        """
        staging = [
            (each, self._sizes.get(name, 0))
            for (_, name), each in self._placements.items()
            if each.step is Step.STAGE and each.outcome is None
        ]
        whole = sum(size for _, size in staging)
        if whole < _WORTH_TELLING_BYTES_MIN:
            return []
        there = sum(each.stored_bytes for each, _ in staging)
        told = f"{sized(there)} of {sized(whole)} stored"
        rate = self._bytes_per_s()
        if rate < 1:
            return [told]
        left = f"{clock((whole - there) / rate)} left"
        return [told, f"{sized(int(rate))}/s", left]

    def _bytes_per_s(self) -> float:
        if not self._stored:
            return 0.0
        began_s, before = self._stored[0]
        seconds = self._clock_s() - began_s
        if seconds < _RATE_OVER_S_MIN:
            return 0.0
        return max(0.0, (self._stored[-1][1] - before) / seconds)

    def unfinished(self) -> list[RegionState]:
        """Return the regions that have something to do, in their order."""
        by_region: dict[str, list[_Placement]] = {}
        for (region, _), placement in self._placements.items():
            by_region.setdefault(region, []).append(placement)
        silent = self._silent_regions()
        return [
            _state(region, placements, silent.get(region))
            for region, placements in by_region.items()
            if any(each.outcome is None for each in placements)
        ]

    def _silent_regions(self) -> dict[str, Silence]:
        return {each.region: each for each in reversed(self._silences(_SILENT_S_MIN))}

    def _silences(self, seconds_min: float) -> Sequence[Silence]:
        if self._unanswered is None:
            return ()
        return self._unanswered.silences(seconds_min=seconds_min)

    def waiting_for(self, *, at_most: int) -> list[str]:
        """Name what the run waits for, the slowest first: ``cn-heyuan (copy 62 %)``.

        The last says how many more there are, if there are.
        """
        if self.phase is Phase.PLACE and self._placements:
            silent = self._silent_regions()
            slowest = sorted(
                self.unfinished(),
                key=lambda each: (each.region not in silent, each.percent),
            )
            told = [f"{each.region} ({each.doing})" for each in slowest]
        else:
            longest: dict[str, Silence] = {}
            for silence in self._silences(_ASKING_S_MIN):
                longest.setdefault(silence.region, silence)
            told = [_asking(each) for each in longest.values()]
        if len(told) > at_most:
            more = counted(len(told) - at_most, "more", "more")
            told = [*told[:at_most], more]
        return told


def _state(
    region: str, placements: Sequence[_Placement], silence: Silence | None
) -> RegionState:
    least = min(
        (each for each in placements if each.outcome is None),
        key=lambda each: each.percent,
    )
    doing = f"no answer for {_whole(silence.seconds)}" if silence else least.doing
    return RegionState(
        region=region,
        percent=sum(each.percent for each in placements) / len(placements),
        doing=doing,
        done=sum(each.outcome is not None for each in placements),
        total=len(placements),
    )


def _asking(silence: Silence) -> str:
    if silence.seconds >= _SILENT_S_MIN:
        how = f"no answer for {_whole(silence.seconds)}"
    else:
        how = _whole(silence.seconds)
    if silence.region:
        return f"{silence.region} ({silence.operation}, {how})"
    return f"{silence.operation} ({how})"


def _whole(seconds: float) -> str:
    """Return whole seconds, or minutes: ``31 s``, ``2:05``."""
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)
