"""How a run went: which step each placement was in, when, and for how long."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ali_import.publish.model import (
    Event,
    Phase,
    PhaseBegan,
    PlacementEnded,
    PlacementMoved,
    RegionsKnown,
    Route,
    Step,
    Target,
)

# What a placement that has its image may still go through. Another image of its name
# may be made in its region meanwhile, to be copied from there: that is none of its steps.
_AFTER_THE_END: Final = frozenset({Step.REPLACE, Step.PUBLISH})


@dataclass(frozen=True, kw_only=True)
class StepTaken:
    """One step of a placement, as it was taken.

    Attributes:
        began_s: From the command's start to the step's, in seconds.
        seconds: How long it took.
        attempts: How often it had been begun by this route then, this time included.
        stored_bytes: What is in the region's bucket when it ends; None where the step
            stores nothing.
    """

    step: Step
    route: Route | None
    began_s: float
    seconds: float
    attempts: int
    stored_bytes: int | None = None


@dataclass
class _Open:
    """A step that is being taken."""

    step: Step
    route: Route | None
    began_s: float
    percent: int = 0


@dataclass
class _Placement:
    current: _Open | None = None
    ended: bool = False
    begun: Counter[tuple[Step, Route | None]] = field(default_factory=Counter)
    over: list[StepTaken] = field(default_factory=list)


class History:
    """Learns from events how the run went.

    Args:
        clock_s: Any clock that only goes forward, in seconds.

    Attributes:
        phases: When the run as a whole entered each phase, in seconds from the start.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._began_s = clock_s()
        self._placements: dict[tuple[str, str], _Placement] = {}
        self._sizes: dict[str, int] = {}
        self.phases: dict[Phase, float] = {}

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return self._clock_s() - self._began_s

    def know(self, targets: Iterable[Target]) -> None:
        """Learn how many bytes each image has to have stored."""
        self._sizes = {target.name: target.image.pack.size_bytes for target in targets}

    def take(self, event: Event) -> None:
        """Learn from one event."""
        match event:
            case PhaseBegan():
                self.phases.setdefault(event.phase, self.now_s)
            case RegionsKnown():
                for region in event.regions:
                    for name in event.names:
                        self._placements[region, name] = _Placement()
            case PlacementMoved():
                placement = self._placements.get((event.region, event.name))
                if placement is not None:
                    self._move(event, placement)
            case PlacementEnded(outcome=outcome):
                placement = self._placements.get((outcome.region, outcome.name))
                if placement is not None:
                    self._close(outcome.name, placement)
                    placement.ended = True
            case _:
                pass

    def _move(self, event: PlacementMoved, placement: _Placement) -> None:
        if placement.ended and event.step not in _AFTER_THE_END:
            return
        current, way = placement.current, (event.step, event.route)
        if current and event.progress and (current.step, current.route) == way:
            current.percent = event.progress
            return
        self._close(event.name, placement, stored=event.step is Step.IMPORT)
        if event.step is Step.DONE:
            return
        placement.begun[way] += 1
        placement.current = _Open(event.step, event.route, self.now_s)
        if event.step is Step.PUBLISH:
            # It is told when it failed; it began with everybody's.
            placement.current.began_s = self.phases.get(Phase.PUBLISH, self.now_s)
            self._close(event.name, placement)

    def _close(self, name: str, placement: _Placement, *, stored: bool = False) -> None:
        """End the current step; ``stored`` means that all bytes are in the bucket."""
        current = placement.current
        if current is None:
            return
        placement.current = None
        stored_bytes = None
        if current.step is Step.STAGE:
            percent = 100 if stored else current.percent
            stored_bytes = self._sizes.get(name, 0) * percent // 100
        placement.over.append(
            StepTaken(
                step=current.step,
                route=current.route,
                began_s=current.began_s,
                seconds=self.now_s - current.began_s,
                attempts=placement.begun[current.step, current.route],
                stored_bytes=stored_bytes,
            )
        )

    def end(self) -> None:
        """Let every step that is still going on end now."""
        for (_, name), placement in self._placements.items():
            self._close(name, placement)

    def steps(self, region: str, name: str) -> Sequence[StepTaken]:
        """Return the steps of a placement that are over, in their order."""
        placement = self._placements.get((region, name))
        return tuple(placement.over) if placement is not None else ()
