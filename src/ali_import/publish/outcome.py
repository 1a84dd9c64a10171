"""How placements and runs end."""

from dataclasses import dataclass
from enum import StrEnum


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
        message: One line: what happened.
        advice: One line: what to do about it, or "".
        published: Whether it is public and in its family, as far as was asked.
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
    message: str = ""
    request_id: str = ""
    advice: str = ""
    published: bool = False
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
        retries: Calls made again after a failure that may pass.
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
