"""Whether a publication can work: everything that can be asked beforehand.

Nothing is changed. What only a publication finds out is said to be unknown.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import anyio

from ali_import.cloud.calls import (
    Call,
    DescribeImages,
    DescribeRegions,
    GetCallerIdentity,
    GetRole,
    ListBuckets,
    ListFunctions,
    ModifyImageSharePermission,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.steady import BRIEF, PREFLIGHT, Steady
from ali_import.cloud.values import CloudImage, Identity, ImageStatus
from ali_import.errors import CloudError, ConfigurationError
from ali_import.publish.lease import PREFIX, TAG_SHA256
from ali_import.publish.model import Options
from ali_import.units import MINUTE_S

IMPORT_ROLE: Final = "AliyunECSImageImportDefaultRole"
_DENIED: Final = frozenset(
    {"Forbidden.RAM", "NoPermission", "Forbidden", "AccessDenied", "Forbbiden"}
)
_REGIONS_TOLD_MAX: Final = 6


class Grade(StrEnum):
    """What a check found: all is well, it may matter, it will fail, nobody can tell."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was checked.

    Attributes:
        subject: What it is about, in a word or two.
        text: What was found.
        advice: What to do about it, or "".
    """

    grade: Grade
    subject: str
    text: str
    advice: str = ""


async def check(cloud: Steady, options: Options, *, now: float) -> tuple[Finding, ...]:
    """Check the account and the regions that a publication would work in.

    Args:
        cloud: The cloud.
        options: How it would be published.
        now: Unix time in seconds.
    """
    try:
        identity = await cloud.call(GetCallerIdentity(), PREFLIGHT)
        everywhere = await cloud.call(DescribeRegions(), PREFLIGHT)
    except ConfigurationError as error:
        return (_failed("credentials", error.message, error.advice),)
    except CloudError as error:
        return (_refused("credentials", error),)
    everywhere = tuple(r for r in everywhere if r not in options.excluded)
    strangers = [r for r in options.regions if r not in everywhere]
    regions = [r for r in options.regions or sorted(everywhere) if r in everywhere]
    looking = _Looking(cloud, options, regions)
    async with anyio.create_task_group() as tasks:
        for look in (looking.images, looking.role, looking.store, looking.functions):
            tasks.start_soon(look)
    await looking.terms()
    return (
        _identity(identity, options, now),
        Finding(
            grade=Grade.OK,
            subject="clock",
            text="within what the cloud accepts of a signature",
        ),
        *_regions(strangers, regions, everywhere),
        *looking.findings(),
        Finding(
            grade=Grade.UNKNOWN,
            subject="permissions",
            text="those to change anything show only when they are used",
            advice="`ali-import check --policy` prints what is needed",
        ),
    )


def _identity(identity: Identity, options: Options, now: float) -> Finding:
    who = f"account {identity.account_id}, as {identity.arn}"
    left_s = identity.expires_at - now
    if not identity.expires_at or left_s >= options.timeout_s:
        return Finding(grade=Grade.OK, subject="credentials", text=who)
    return Finding(
        grade=Grade.WARN,
        subject="credentials",
        text=f"{who}; the keys at hand expire in {left_s / MINUTE_S:.0f} min",
        advice="fine if they are renewed by themselves (OIDC, a role); else get new ones "
        "first, or lower --timeout",
    )


def _regions(
    strangers: Sequence[str], regions: Sequence[str], everywhere: Sequence[str]
) -> list[Finding]:
    if strangers:
        return [
            _failed(
                "regions",
                f"not open to this account: {', '.join(strangers)}",
                f"choose from {', '.join(sorted(everywhere))}",
            )
        ]
    count = f"{len(regions)} of {len(everywhere)} that are open to this account"
    return [Finding(grade=Grade.OK, subject="regions", text=count)]


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
        order = ("images", "import role", "object storage", "functions", "terms")
        return [self._found[subject] for subject in order if subject in self._found]

    def _note(self, grade: Grade, subject: str, text: str, advice: str = "") -> None:
        self._found[subject] = Finding(
            grade=grade, subject=subject, text=text, advice=advice
        )

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
            why = _refused("images", error)
            self._note(why.grade, "images", f"{_some(unseen)}: {why.text}", why.advice)
            return
        counts = Counter({region: len(i) for region, i in self._images.items()})
        most = counts.most_common(1)
        text = "none"
        if most and most[0][1]:
            text = f"at most {most[0][1]} in a region ({most[0][0]})"
        self._note(
            Grade.OK, "images", f"{text}; the limit shows only when it is reached"
        )

    async def role(self) -> None:
        """See that there is the role with which ECS reads what it imports."""
        try:
            await self._cloud.call(GetRole(name=IMPORT_ROLE), BRIEF)
        except CloudError as error:
            subject = "import role"
            if error.code == "EntityNotExist.Role":
                text = f"there is no role {IMPORT_ROLE}"
                advice = "create it once: ECS console, Import Image, authorize"
                self._note(Grade.FAIL, subject, text, advice)
            else:
                advice = "the permission ram:GetRole would show it" * _denied(error)
                self._note(Grade.UNKNOWN, subject, _told(error), advice)
        else:
            self._note(Grade.OK, "import role", IMPORT_ROLE)

    async def store(self) -> None:
        """See that object storage is there.

        Listing buckets works for accounts that never activated it, too; only calls about
        data do not (captured, 2026-04).
        """
        error: CloudError | None = None
        for region in self._regions:
            error = await self._refusal(ListBuckets(region=region, prefix=PREFIX))
            if error is None:
                self._note(
                    Grade.UNKNOWN,
                    "object storage",
                    "answers; whether the account has activated it shows only when data "
                    "is stored",
                    "activate OSS once in its console, if nobody has",
                )
                return
            if look_up(error).meaning is not Meaning.ROUTE:
                break
        if error is not None:
            why = _refused("object storage", error)
            self._note(why.grade, "object storage", why.text, why.advice)

    async def functions(self) -> None:
        """See that Function Compute is there where a relay will be wanted."""
        wanted = [
            r for r in self._regions if r.startswith("cn-") and r != "cn-hongkong"
        ]
        if not wanted:
            return
        there: list[str] = []
        refused: dict[str, CloudError] = {}

        async def ask(region: str) -> None:
            error = await self._refusal(ListFunctions(region=region, prefix=PREFIX))
            if error is None:
                there.append(region)
            elif error.code != "HostNotFound":
                refused[region] = error

        await _all(ask, wanted)
        if refused:
            why = _refused("functions", next(iter(refused.values())))
            self._note(
                Grade.WARN,
                "functions",
                f"{_some(refused)}: {why.text}",
                "activate Function Compute, or mainland regions copy, which is slow",
            )
            return
        text = f"Function Compute in {len(there)} of {len(wanted)} mainland regions"
        self._note(Grade.OK, "functions", f"{text}; the others copy")

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
                    self._note(Grade.OK, subject, f"{text} (asked in {region})")
                elif _denied(error):
                    self._note(Grade.UNKNOWN, subject, _told(error))
                else:
                    why = _refused(subject, error)
                    self._note(why.grade, subject, why.text, why.advice)
                return
        self._note(
            Grade.UNKNOWN,
            subject,
            "whether images may be public, only a private image of ours could tell",
            "accept the Community Image Terms once in the ECS console",
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


def _refused(subject: str, error: CloudError) -> Finding:
    """Say what a refusal means: what may pass is no failure."""
    passing = {Meaning.TRANSIENT, Meaning.THROTTLED, Meaning.BUSY}
    grade = Grade.UNKNOWN if look_up(error).meaning in passing else Grade.FAIL
    return Finding(grade=grade, subject=subject, text=_told(error), advice=error.advice)


def _failed(subject: str, text: str, advice: str) -> Finding:
    return Finding(grade=Grade.FAIL, subject=subject, text=text, advice=advice)


def _told(error: CloudError) -> str:
    return f"{error.operation}: {error.code}: {error.message}"


def _denied(error: CloudError) -> bool:
    return error.code in _DENIED


def _some(regions: Iterable[str]) -> str:
    told = sorted(regions)
    more = len(told) - _REGIONS_TOLD_MAX
    text = ", ".join(told[:_REGIONS_TOLD_MAX])
    return f"{text} and {more} more" if more > 0 else text
