"""What every part of a run shares, and where a placement stands."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from ali_import import __version__, syntax
from ali_import.cloud.calls import Cloud, DescribeRegions, GetCallerIdentity
from ali_import.cloud.retry_table import look_up
from ali_import.cloud.steady import PREFLIGHT, Steady
from ali_import.errors import ApiError, CloudError, ConfigurationError
from ali_import.publish.lease import TAG_RUN, TAG_SHA256, TAG_VERSION, Lease
from ali_import.publish.model import (
    CallRetried,
    Emit,
    Note,
    Options,
    PlacementMoved,
    Route,
    Step,
    Target,
)

LATE_S: Final = 15.0
"""How late a listing may show what was done (see `images.look_again`). A guess: no page
of the cloud's says."""


NO_IMPORTS: Final = ("NoSetRoletoECSServiceAcount", "NoSetRoletoECSServiceAccount")
NO_PUBLIC: Final = ("PublicImageAgreement.NotSigned",)
"""What an account lacks altogether, so that no other placement needs to try."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """One run's surroundings: the cloud, the dice, the clock, and who is told.

    Attributes:
        now: Unix time in seconds, for leases only.
        role_arn: Role to attach to relay functions, or "".
        refusals: What the cloud refuses the whole account, by code: found out by the
            first placement that asked, so that the others need not.
    """

    cloud: Steady
    account_id: str
    lease: Lease
    options: Options
    role_arn: str
    rng: Random
    now: Callable[[], float]
    emit: Emit
    refusals: dict[str, ApiError] = field(default_factory=dict)

    def image_tags(self, target: Target) -> dict[str, str]:
        """Tags of an image that is there to stay."""
        return {
            TAG_SHA256: target.image.sha256,
            TAG_VERSION: f"ali-import/{__version__}",
            TAG_RUN: self.lease.run_id,
        }

    def refused(self, codes: Collection[str], region: str) -> ApiError | None:
        """Return one of these refusals of the account, as told to another placement."""
        found = next((self.refusals[c] for c in codes if c in self.refusals), None)
        if found is None:
            return None
        error = found.anew()
        error.region = region
        return error

    def note(self, text: str, *, region: str = "", level: str = "INFO") -> None:
        """Tell something worth saying."""
        self.emit(Note(text=text, region=region, level=level))


class Track:
    """Where the making of one target in one region is, told whenever it changes.

    Attributes:
        step: Where it is, or where it failed.
        route: The route taken, or the last one that was tried.
    """

    def __init__(self, context: Context, region: str, target: Target) -> None:
        self.step = Step.SURVEY
        self.route: Route | None = None
        self._emit = context.emit
        self._region = region
        self._name = target.name

    def enter(self, step: Step, progress: int = 0) -> None:
        """Enter a step, or get on in it (percent, 0 to 100)."""
        self.step = step
        self._emit(
            PlacementMoved(
                region=self._region,
                name=self._name,
                step=step,
                route=self.route,
                progress=progress,
            )
        )


def steadied(cloud: Cloud, rng: Random, emit: Emit) -> Steady:
    """Return a cloud that tries again, and tells of every call that it repeats."""

    def tell(  # noqa: PLR0917  as the callback has it
        operation: str,
        region: str,
        code: str,
        attempt: int,
        wait_s: float,
        busy: bool,  # noqa: FBT001
    ) -> None:
        emit(
            CallRetried(
                operation=operation,
                region=region,
                code=code,
                attempt=attempt,
                wait_s=wait_s,
                busy=busy,
            )
        )

    return Steady(cloud, rng=rng, on_retry=tell)


async def survey(cloud: Steady) -> tuple[str, tuple[str, ...]]:
    """Ask who we are and where: the account's id, and the regions open to it.

    Raises:
        ConfigurationError: The credentials or the network will not do.
    """
    try:
        identity = await cloud.call(GetCallerIdentity(), PREFLIGHT)
        regions = await cloud.call(DescribeRegions(), PREFLIGHT)
    except CloudError as error:
        advice = error.advice or look_up(error).advice
        text = f"{error.operation} failed: {error.code}: {error.message}"
        raise ConfigurationError(text, advice=advice) from error
    return identity.account_id, regions


def wrong_regions(
    options: Options, everywhere: Collection[str]
) -> ConfigurationError | None:
    """Return an error that names regions that are not open to the account."""
    named = {
        "--region": options.regions,
        "--except": sorted(options.excluded),
        "--allow-failure": sorted(options.allow_failure),
    }
    found = (_strangers(flag, ids, everywhere) for flag, ids in named.items())
    return next((wrong for wrong in found if wrong is not None), None)


def _strangers(
    flag: str, named: Iterable[str], everywhere: Collection[str]
) -> ConfigurationError | None:
    """Return an error that names all regions that are not open to the account."""
    wrong = [region for region in dict.fromkeys(named) if region not in everywhere]
    if not wrong:
        return None
    meant = "".join(syntax.meant(region, everywhere) for region in wrong)
    return ConfigurationError(
        f"{flag} {', '.join(wrong)}: no such region is open to this account",
        advice=f"{meant}choose from {', '.join(sorted(everywhere))}",
    )
