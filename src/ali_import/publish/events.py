"""What a run tells while it works, for progress displays and logs.

Events carry no secrets: no URL, no header, no body, no credential.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ali_import.publish.outcome import Outcome, Route, Step


class Phase(StrEnum):
    """What the run as a whole is doing."""

    SURVEY = "survey"
    PLACE = "place"
    PUBLISH = "publish"
    CLEAN_UP = "clean up"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class PhaseBegan:
    """The run as a whole moved on."""

    phase: Phase
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class RegionsKnown:
    """The regions of this run are settled; one placement each region and image."""

    regions: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlacementMoved:
    """A placement entered a step, or made progress in it (percent, 0 to 100)."""

    region: str
    name: str
    step: Step
    route: Route | None = None
    progress: int = 0


@dataclass(frozen=True, kw_only=True)
class PlacementEnded:
    """A placement has its outcome (it may still be taken back, by a later failure)."""

    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class CallRetried:
    """A call failed in a way that may pass, and will be made again."""

    operation: str
    region: str
    code: str
    attempt: int
    wait_s: float


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something worth saying: ``level`` is a logging level name (INFO, WARNING)."""

    text: str
    region: str = ""
    level: str = "INFO"


Event = PhaseBegan | RegionsKnown | PlacementMoved | PlacementEnded | CallRetried | Note
Emit = Callable[[Event], None]
