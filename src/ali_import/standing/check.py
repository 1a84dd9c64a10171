"""Whether a publication can work: everything that can be asked beforehand.

Nothing is changed. What only a publication finds out is said to be unknown.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

import anyio

from ali_import.cloud.calls import (
    Call,
    DescribeImages,
    DescribeRegions,
    GetCallerIdentity,
    ListBuckets,
    ListFunctions,
    ModifyImageSharePermission,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.steady import BRIEF, PREFLIGHT, Steady
from ali_import.cloud.values import CloudImage, Identity, ImageStatus
from ali_import.errors import CloudError, ConfigurationError
from ali_import.publish.context import wrong_regions
from ali_import.publish.lease import PREFIX, TAG_SHA256
from ali_import.publish.model import Options
from ali_import.standing import import_role, permissions
from ali_import.standing.finding import (
    Finding,
    Grade,
    denied,
    failed,
    refused,
    told,
)
from ali_import.units import MINUTE_S

_REGIONS_TOLD_MAX: Final = 6
_SKEW_S_MAX: Final = 15 * MINUTE_S
"""Signatures are valid for so long before and after their date."""
_CLOCK_CODES: Final = ("InvalidTimeStamp", "RequestTimeTooSkewed")
# The cloud tells its time in whole seconds, and answers take a moment.
_SKEW_S_TOLD_MIN: Final = 5.0


async def check(
    cloud: Steady, options: Options, *, now: Callable[[], float]
) -> tuple[Finding, ...]:
    """Check the account and the regions that a publication would work in.

    Args:
        cloud: The cloud.
        options: How it would be published.
        now: Unix time in seconds.
    """
    try:
        asked_at = now()
        identity = await cloud.call(GetCallerIdentity(), PREFLIGHT)
        clock = _clock(identity.server_time, asked_at, now())
        everywhere = await cloud.call(DescribeRegions(), PREFLIGHT)
    except ConfigurationError as error:
        return (failed("credentials", error.message, error.advice),)
    except CloudError as error:
        about = "clock" if error.code.startswith(_CLOCK_CODES) else "credentials"
        return (refused(about, error),)
    left = [region for region in everywhere if region not in options.excluded]
    regions = [r for r in options.regions or sorted(left) if r in left]
    looking = _Looking(cloud, options, regions)
    async with anyio.create_task_group() as tasks:
        for look in (looking.images, looking.role, looking.store, looking.functions):
            tasks.start_soon(look)
    await looking.terms()
    await looking.permissions(identity.account_id)
    return (
        _identity(identity, options, now()),
        clock,
        _regions(options, regions, everywhere),
        *looking.findings(),
    )


async def fix(cloud: Steady, finding: Finding) -> Finding:
    """Do what a finding's ``fix`` says; return how that ended."""
    assert finding.fix, f"nothing can be done about {finding.subject}"
    try:
        await import_role.mend(cloud)
    except CloudError as error:
        return refused(finding.subject, error)
    return Finding(
        grade=Grade.OK,
        subject=finding.subject,
        text=f"done: {finding.fix}; ECS sees it within a minute or two",
    )


def _identity(identity: Identity, options: Options, now: float) -> Finding:
    who = f"account {identity.account_id}, as {identity.arn}"
    if not identity.temporary:
        return Finding(grade=Grade.OK, subject="credentials", text=who)
    if not identity.expires_at:
        return Finding(
            grade=Grade.WARN,
            subject="credentials",
            text=f"{who}; the keys are temporary, and when they expire is not known",
            advice="make sure that they last as long as the run, or use credentials that "
            "renew themselves (OIDC, a role)",
        )
    left_s = identity.expires_at - now
    life = f"the current keys expire in {left_s / MINUTE_S:.0f} min"
    if left_s >= options.timeout_s:
        return Finding(grade=Grade.OK, subject="credentials", text=f"{who}; {life}")
    # Who tells an expiry is a provider that gets new ones before.
    return Finding(
        grade=Grade.OK,
        subject="credentials",
        text=f"{who}; {life}, and are renewed before that",
    )


def _clock(server_time: float, before: float, after: float) -> Finding:
    """Compare this machine's clock with the cloud's, which it told in between."""
    if not server_time:
        text = "the cloud sent no time, but accepted the signature"
        return Finding(grade=Grade.OK, subject="clock", text=text)
    ahead_s = max(before - server_time - 1, 0.0) - max(server_time - after, 0.0)
    if abs(ahead_s) < _SKEW_S_TOLD_MIN:
        return Finding(
            grade=Grade.OK, subject="clock", text="within seconds of the cloud's"
        )
    way = "ahead of" if ahead_s > 0 else "behind"
    limit = f"signatures are refused from {_SKEW_S_MAX / MINUTE_S:.0f} min on"
    return Finding(
        grade=Grade.WARN,
        subject="clock",
        text=f"{abs(ahead_s):.0f} s {way} the cloud's; {limit}",
        advice="correct this machine's clock",
    )


def _regions(
    options: Options, regions: Sequence[str], everywhere: Sequence[str]
) -> Finding:
    wrong = wrong_regions(options, everywhere)
    if wrong is not None:
        return failed("regions", wrong.message, wrong.advice)
    count = f"{len(regions)} of the {len(everywhere)} open to this account"
    return Finding(grade=Grade.OK, subject="regions", text=count)


class _Looking:
    """Asks about one thing after the other, each for itself."""

    def __init__(self, cloud: Steady, options: Options, regions: Sequence[str]) -> None:
        self._cloud = cloud
        self._options = options
        self._regions = regions
        self._found: dict[str, Finding] = {}
        self._images: dict[str, tuple[CloudImage, ...]] = {}

    def findings(self) -> list[Finding]:
        """Return what was found, in the order in which a publication needs it."""
        order = (
            *("images", import_role.SUBJECT, "object storage", "functions", "terms"),
            *("permissions", "other permissions"),
        )
        return [self._found[subject] for subject in order if subject in self._found]

    def _keep(self, finding: Finding) -> None:
        self._found[finding.subject] = finding

    def _note(self, grade: Grade, subject: str, text: str, advice: str = "") -> None:
        self._keep(Finding(grade=grade, subject=subject, text=text, advice=advice))

    async def images(self) -> None:
        """Look into every region, and count."""
        unseen: dict[str, CloudError] = {}

        async def look_into(region: str) -> None:
            try:
                found = await self._cloud.call(DescribeImages(region=region), BRIEF)
            except CloudError as error:
                unseen[region] = error
            else:
                self._images[region] = found

        await _all(look_into, self._regions)
        if unseen:
            error = next(iter(unseen.values()))
            why = refused("images", error)
            self._note(why.grade, "images", f"{_some(unseen)}: {why.text}", why.advice)
            return
        counts = Counter({region: len(i) for region, i in self._images.items()})
        most = counts.most_common(1)
        text = "none"
        if most and most[0][1]:
            text = f"at most {most[0][1]} in a region ({most[0][0]})"
        self._note(
            Grade.OK, "images", f"{text}; the limit is not known until it is reached"
        )

    async def role(self) -> None:
        """See that there is the role with which ECS reads what it imports."""
        self._keep(await import_role.look(self._cloud))

    async def permissions(self, account_id: str) -> None:
        """Try what can be tried without effect."""
        if not self._regions:
            return
        told_of = self._found.get(import_role.SUBJECT)
        for finding in await permissions.look(
            self._cloud, self._options, self._regions[0], account_id
        ):
            about_role = finding.subject == import_role.SUBJECT
            # Looking at the role itself tells more, where that is permitted.
            if not about_role or (told_of and told_of.grade is Grade.UNKNOWN):
                self._keep(finding)

    async def store(self) -> None:
        """See that object storage is there, and where.

        Listing buckets works for accounts that never activated it, too; only calls about
        data do not (captured, 2026-04).
        """
        refusals: list[CloudError] = []
        there: list[str] = []

        async def ask(region: str) -> None:
            error = await self._refusal(ListBuckets(region=region, prefix=PREFIX))
            if error is None:
                there.append(region)
            elif error.code != "HostNotFound":
                refusals.append(error)

        await _all(ask, self._regions)
        # What some regions refuse, they do for reasons of their own, and copy.
        if refusals and (
            not there or look_up(refusals[0]).meaning is not Meaning.ROUTE
        ):
            self._keep(refused("object storage", refusals[0]))
        else:
            self._note(
                Grade.UNKNOWN,
                "object storage",
                f"{_in(there, self._regions, 'regions')}; "
                "whether OSS is activated is not known until data is stored",
                "activate OSS in its console, unless that has been done",
            )

    async def functions(self) -> None:
        """See that Function Compute is there where a relay will be wanted."""
        wanted = [
            r for r in self._regions if r.startswith("cn-") and r != "cn-hongkong"
        ]
        if not wanted:
            return
        there: list[str] = []
        refusals: dict[str, CloudError] = {}

        async def ask(region: str) -> None:
            error = await self._refusal(ListFunctions(region=region, prefix=PREFIX))
            if error is None:
                there.append(region)
            elif error.code != "HostNotFound":
                refusals[region] = error

        await _all(ask, wanted)
        if refusals:
            why = refused("functions", next(iter(refusals.values())))
            self._note(
                Grade.WARN,
                "functions",
                f"{_some(refusals)}: {why.text}",
                "activate Function Compute; without it, mainland regions copy, which is slow",
            )
            return
        where = _in(there, wanted, "mainland regions")
        self._note(Grade.OK, "functions", f"Function Compute {where}")

    async def terms(self) -> None:
        """See whether images may be public, with one that is there and is not."""
        if not self._options.public:
            return
        subject = "terms"
        for region, images in self._images.items():
            for image in images:
                if not _can_be_shown(image):
                    continue
                error = await self._refusal(
                    ModifyImageSharePermission(
                        region=region,
                        image_id=image.image_id,
                        public=True,
                        dry_run=True,
                    )
                )
                if error is None:
                    text = "images may be made public"
                    self._note(Grade.OK, subject, f"{text} (tested in {region})")
                elif denied(error):
                    self._note(Grade.UNKNOWN, subject, told(error))
                else:
                    self._keep(refused(subject, error))
                return
        self._note(
            Grade.UNKNOWN,
            subject,
            "can be tested only with a private image that ali-import made",
            "accept the Community Image Terms in the ECS console, unless that has been "
            "done",
        )

    async def _refusal(self, call: Call[object]) -> CloudError | None:
        try:
            await self._cloud.call(call, BRIEF)
        except CloudError as error:
            return error
        return None


def _can_be_shown(image: CloudImage) -> bool:
    ours = TAG_SHA256 in image.tags
    return ours and not image.public and image.status is ImageStatus.AVAILABLE


async def _all(
    look: Callable[[str], Coroutine[Any, Any, None]], regions: Sequence[str]
) -> None:
    async with anyio.create_task_group() as tasks:
        for region in regions:
            tasks.start_soon(look, region)


def _in(there: Sequence[str], asked: Sequence[str], what: str) -> str:
    if len(there) == len(asked):
        return f"in each of {len(asked)} {what}"
    return f"in {len(there)} of {len(asked)} {what}; the others copy"


def _some(regions: Iterable[str]) -> str:
    told = sorted(regions)
    more = len(told) - _REGIONS_TOLD_MAX
    text = ", ".join(told[:_REGIONS_TOLD_MAX])
    return f"{text} and {more} more" if more > 0 else text
