"""The engine's words as values: what to publish and how, what a run tells, how it ends.

Events carry no secrets: no URL, no header, no body, no credential.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

from ali_import.disk import DiskImage
from ali_import.errors import ConfigurationError
from ali_import.units import HOUR_S, MINUTE_S

# --- what to do -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is wanted of an image that stands; None where nothing is said of it.

    What is not said is never touched.

    Attributes:
        public: Whether it is a community image; False takes back what this tool gave.
        share: Accounts that it is shared with; those that this tool gave it to and that
            are not among them lose it.
        tags: Tags that it has, beside those of this tool and of others.
        description: What the console shows of it.
        nvme: Features.NvmeSupport, ``supported`` or ``unsupported``.
        imds: Features.ImdsSupport; ``v2`` cannot be undone, ``v1`` lowers nothing.
    """

    public: bool | None = None
    share: tuple[str, ...] | None = None
    tags: Mapping[str, str] | None = None
    description: str | None = None
    nvme: str | None = None
    imds: str | None = None

    def over(self, other: "Wanted") -> "Wanted":
        """Return what is said here, and what the other says of the rest."""
        said = {
            each.name: getattr(self, each.name)
            if getattr(self, each.name) is not None
            else getattr(other, each.name)
            for each in fields(Wanted)
        }
        return Wanted(**said)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One local disk image with the name and family it gets in the cloud.

    Attributes:
        wanted: What is wanted of this one, where it is not what is wanted of all.
    """

    image: DiskImage
    name: str
    family: str
    wanted: Wanted = Wanted()


PUBLISH_S_MAX: Final = 30 * MINUTE_S
"""A run that is not stopped, and in time, may publish for so long."""
CLEAN_UP_S_MAX: Final = 30 * MINUTE_S
"""And clean up for so long."""


@dataclass(frozen=True, kw_only=True)
class Options(Wanted):
    """How to publish, and what is wanted of all images.

    Attributes:
        regions: Region ids to publish in; empty means every region.
        excluded: Region ids to leave alone: nothing is made there, nor lent for a while.
        overwrite: Replace an image of the same name with other content.
        all_or_nothing: Publish only if every placement succeeded.
        allow_failure: Regions whose failure does not count: neither in the exit status nor
            with ``all_or_nothing``.
        role: Name of a RAM role to attach to relay functions, or "".
        timeout_s: When nothing more is placed, in seconds; then what is there is
            published for a minute at most, and the run cleans up.
        detect: Have the cloud check the images that are imported, and tell what it finds.
    """

    regions: tuple[str, ...] = ()
    excluded: frozenset[str] = frozenset()
    overwrite: bool = False
    all_or_nothing: bool = False
    allow_failure: frozenset[str] = frozenset()
    role: str = ""
    timeout_s: float = 4 * HOUR_S
    detect: bool = False

    def __post_init__(self) -> None:
        if both := sorted(self.excluded.intersection(self.regions)):
            raise ConfigurationError(
                f"{both[0]} is a region to publish in, and one to leave alone",
                advice="leave it out of --region or of --except",
            )

    @property
    def lease_s(self) -> float:
        """How long temporary things are the run's own, in seconds: longer than it lasts.

        What expires while its own run goes on, another run may take away.
        """
        return self.timeout_s + PUBLISH_S_MAX + CLEAN_UP_S_MAX + HOUR_S


# --- how it ended ---------------------------------------------------------------------


class Result(StrEnum):
    """How one placement ended.

    * ``placed``: we made the image in this run.
    * ``adopted``: an earlier run had begun it; we finished it.
    * ``unchanged``: it was there already, with this content.
    * ``failed``: it is not there; code, step, advice say why.
    * ``skipped``: not attempted or given up because the run was stopped.
    """

    PLACED = "placed"
    ADOPTED = "adopted"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def good(self) -> bool:
        """Whether the image stands in the region."""
        return self in {Result.PLACED, Result.ADOPTED, Result.UNCHANGED}


class Route(StrEnum):
    """How the bytes get into a region."""

    DIRECT = "direct"
    RELAY = "relay"
    COPY = "copy"


class Step(StrEnum):
    """Where a placement is; also where it failed."""

    SURVEY = "survey"
    STAGE = "stage"
    IMPORT = "import"
    COPY = "copy"
    WAIT = "wait"
    REPLACE = "replace"
    PUBLISH = "publish"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one placement ended.

    Attributes:
        code: The cloud's error code (or ours) when it failed.
        operation: The call that was refused or not answered, for example
            ``ecs.ImportImage``; "" where it was none.
        message: One line: what happened.
        advice: One line: what to do about it, or "".
        published: Whether it is public and in its family, as far as was asked.
        old_changed: Whether an image that it was to replace is there and not what it
            was: hidden, or under another name.
        seconds: From the placement's start to its outcome.
    """

    region: str
    name: str
    family: str
    result: Result
    image_id: str = ""
    route: Route | None = None
    step: Step = Step.DONE
    code: str = ""
    operation: str = ""
    message: str = ""
    request_id: str = ""
    advice: str = ""
    published: bool = False
    old_changed: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something temporary of ours that exists in the cloud.

    Attributes:
        kind: ``bucket``, ``function``, ``image`` or ``snapshot``.
        run_id: The run that made it, or "" where unknown.
        expires_at: Unix time in seconds when anybody may remove it; 0 if unknown.
        detail: For people, for example ``3 objects, 1 unfinished upload``.
    """

    region: str
    kind: str
    name: str
    run_id: str = ""
    expires_at: float = 0.0
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """How a run ended.

    Attributes:
        outcomes: One a placement, in region-then-image order.
        leftovers: What cleaning up could not remove.
        interrupted: Whether a person or a signal stopped it.
        calls: API calls made.
        retries: Calls made again after a failure that may pass; to wait for what is in
            use is none.
        seconds: From start to end.
    """

    run_id: str
    outcomes: tuple[Outcome, ...]
    leftovers: tuple[Leftover, ...] = ()
    interrupted: bool = False
    timed_out: bool = False
    calls: int = 0
    retries: int = 0
    seconds: float = 0.0


# --- what is told meanwhile -----------------------------------------------------------


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
    """A call failed in a way that may pass, and will be made again.

    Attributes:
        busy: Nothing failed: what it is about is in use, and will be free.
    """

    operation: str
    region: str
    code: str
    attempt: int
    wait_s: float
    busy: bool = False


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something worth saying: ``level`` is a logging level name (INFO, WARNING)."""

    text: str
    region: str = ""
    level: str = "INFO"


Event = PhaseBegan | RegionsKnown | PlacementMoved | PlacementEnded | CallRetried | Note
Emit = Callable[[Event], None]
