"""What every part of a run shares."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from ali_import import __version__
from ali_import.cloud.steady import Steady
from ali_import.publish.lease import TAG_RUN, TAG_SHA256, TAG_VERSION, Lease
from ali_import.publish.model import (
    Emit,
    Leftover,
    Note,
    Options,
    PlacementMoved,
    Route,
    Step,
    Target,
)


@dataclass(frozen=True, kw_only=True)
class Context:
    """One run's surroundings: the cloud, the dice, the clock, and who is told.

    Attributes:
        now: Unix time in seconds, for leases only.
        role_arn: Role to attach to relay functions, or "".
        snapshots_left: Snapshots of images that were deleted, which would not go.
    """

    cloud: Steady
    account_id: str
    lease: Lease
    options: Options
    role_arn: str
    rng: Random
    now: Callable[[], float]
    emit: Emit
    snapshots_left: list[Leftover] = field(default_factory=list)

    def image_tags(self, target: Target) -> dict[str, str]:
        """Tags of an image that is there to stay."""
        return {
            TAG_SHA256: target.image.sha256,
            TAG_VERSION: f"ali-import/{__version__}",
            TAG_RUN: self.lease.run_id,
        }

    def note(self, text: str, *, region: str = "", level: str = "INFO") -> None:
        """Tell something worth saying."""
        self.emit(Note(text=text, region=region, level=level))

    def moved(
        self,
        region: str,
        target: Target,
        step: Step,
        route: Route | None = None,
        progress: int = 0,
    ) -> None:
        """Tell that a placement entered a step, or made progress in it."""
        self.emit(
            PlacementMoved(
                region=region,
                name=target.name,
                step=step,
                route=route,
                progress=progress,
            )
        )
