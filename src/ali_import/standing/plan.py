"""What a publication would do: the same look at the regions, and nothing changed.

No call here writes, dry runs included: whether a region takes a bucket, or data from
here, only a publication finds out. So the routes are what is to be expected.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import anyio

from ali_import.cloud.calls import (
    Call,
    DescribeImages,
    DescribeImageSharePermission,
    ListBuckets,
    ListFunctions,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.steady import BRIEF, Steady
from ali_import.cloud.values import BROKEN, READY, CloudImage, ImageStatus
from ali_import.errors import ApiError, CloudError
from ali_import.publish.lease import PREFIX, TAG_SHA256, marks
from ali_import.publish.model import Options, Route, Target
from ali_import.publish.wanted import asks_for_shares, wanted_of
from ali_import.standing.drift import drift
from ali_import.standing.images import chosen_regions

_PREFIX_CHARACTERS_MIN: Final = 2
# What to expect of regions by their names; a publication asks instead. Object stores in
# mainland China refuse data from outside to newer accounts; Nanjing and Fuzhou are being
# closed, and Atlanta is not on the list of object storage (OSS, "Regions and endpoints").
_MAINLAND: Final = "cn-"
_OUTSIDE: Final = frozenset({"cn-hongkong"})
_NO_BUCKETS: Final = frozenset({"cn-nanjing", "cn-fuzhou", "us-southeast-1"})


class Action(StrEnum):
    """What a publication would do about a placement.

    * ``keep``: nothing, it is as wanted.
    * ``make``: make the image.
    * ``mend``: set what is not as wanted, or wait for what is in the making.
    * ``replace``: make it, and take the name from an image with other content.
    * ``blocked``: nothing, it would fail.
    * ``unseen``: unknown, the region could not be asked.
    """

    KEEP = "keep"
    MAKE = "make"
    MEND = "mend"
    REPLACE = "replace"
    BLOCKED = "blocked"
    UNSEEN = "unseen"


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What a publication would do about one placement.

    Attributes:
        image_id: The image that is kept, mended, replaced or in the way.
        changes: What would be set, and to what.
        route: By which route its bytes are expected to get there.
        why: What is in the way; "" unless it is blocked.
        error: Why the region could not be asked, or None.
    """

    region: str
    name: str
    family: str
    action: Action
    image_id: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)
    route: Route | None = None
    why: str = ""
    error: CloudError | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a publication would do.

    Attributes:
        intents: One a placement, in region-then-image order.
        uplink_bytes: What would go up from here, if the expected routes hold.
        lent: Names of images that another region would have to lend for a while, since
            every region that lacks them can only copy.
    """

    intents: tuple[Intent, ...]
    uplink_bytes: int = 0
    lent: tuple[str, ...] = ()


async def make_plan(cloud: Steady, targets: Sequence[Target], options: Options) -> Plan:
    """Look into every region, and say what a publication would do there.

    Raises:
        ConfigurationError: A region does not exist, or the credentials or the network
            will not do.
    """
    over_at = anyio.current_time() + options.timeout_s
    regions = await chosen_regions(cloud, options)
    by_region: dict[str, list[Intent]] = {}
    sources: set[str] = set()

    async def look_into(region: str) -> None:
        there = await _look(cloud, region, targets)
        if isinstance(there, CloudError):
            by_region[region] = [_unseen(region, each, there) for each in targets]
            return
        intents = [
            await _compared(cloud, region, each, there.get(each.name), options)
            for each in targets
        ]
        sources.update(
            image.name for image in there.values() if _can_be_copied(image, targets)
        )
        if any(intent.action in _MAKING for intent in intents):
            route = await _expected_route(cloud, region)
            intents = [_by(route, intent) for intent in intents]
        by_region[region] = intents

    async def in_time(region: str) -> None:
        with anyio.CancelScope(deadline=over_at):
            await look_into(region)
        if region not in by_region:
            late = _too_late(region, options.timeout_s)
            by_region[region] = [_unseen(region, each, late) for each in targets]

    async with anyio.create_task_group() as tasks:
        for region in regions:
            tasks.start_soon(in_time, region)
    order = options.regions or regions
    intents = tuple(each for region in order for each in by_region[region])
    lent = _lent(intents, targets, sources)
    return Plan(
        intents=intents, lent=lent, uplink_bytes=_uplink(intents, targets, lent)
    )


# --- one region -----------------------------------------------------------------------


async def _look(
    cloud: Steady, region: str, targets: Sequence[Target]
) -> dict[str, CloudImage] | CloudError:
    """Return the images that have the targets' names, in one call."""
    names = [target.name for target in targets]
    pattern = names[0]
    if len(names) > 1:
        common = _common_beginning(names)
        pattern = f"{common}*" if len(common) >= _PREFIX_CHARACTERS_MIN else ""
    try:
        found = await cloud.call(DescribeImages(region=region, name=pattern), BRIEF)
    except CloudError as error:
        return error
    return {image.name: image for image in found if image.name in names}


def _common_beginning(names: Sequence[str]) -> str:
    shortest = min(names, key=len)
    beginnings = (shortest[:end] for end in range(len(shortest), -1, -1))
    return next(b for b in beginnings if all(name.startswith(b) for name in names))


async def _compared(
    cloud: Steady,
    region: str,
    target: Target,
    there: CloudImage | None,
    options: Options,
) -> Intent:
    """Compare what stands with what should; with whom it is shared has to be asked."""
    accounts: tuple[str, ...] = ()
    if there is not None and asks_for_shares(there, wanted_of(target, options)):
        ask = DescribeImageSharePermission(region=region, image_id=there.image_id)
        try:
            accounts = await cloud.call(ask, BRIEF)
        except CloudError as error:
            return _unseen(region, target, error)
    return _intent(region, target, there, options, accounts)


def _intent(
    region: str,
    target: Target,
    there: CloudImage | None,
    options: Options,
    accounts: Collection[str],
) -> Intent:
    image_id = there.image_id if there is not None else ""

    def intend(action: Action, why: str = "", **changes: str) -> Intent:
        return Intent(
            region=region,
            name=target.name,
            family=target.family,
            action=action,
            image_id=image_id,
            changes=changes,
            why=why,
        )

    if there is None:
        return intend(Action.MAKE)
    if marks(there).get(TAG_SHA256) != target.image.sha256:
        if options.overwrite:
            return intend(Action.REPLACE)
        tagged = TAG_SHA256 in marks(there)
        what = (
            "other content" if tagged else "no tag of ours, so its content is unknown"
        )
        why = f"an image of this name ({image_id}) has {what}; --overwrite replaces it"
        return intend(Action.BLOCKED, why)
    if there.status in BROKEN:
        return intend(Action.MAKE)
    if there.status not in READY:
        return intend(Action.MEND, status=ImageStatus.AVAILABLE.value)
    changes = drift(there, target, options, accounts)
    if there.usable is False:
        changes["usable"] = "true"
    return intend(Action.MEND if changes else Action.KEEP, **changes)


def _unseen(region: str, target: Target, error: CloudError) -> Intent:
    return Intent(
        region=region,
        name=target.name,
        family=target.family,
        action=Action.UNSEEN,
        error=error,
    )


def _too_late(region: str, timeout_s: float) -> CloudError:
    return ApiError(
        f"no answer within {timeout_s:g} s",
        region=region,
        operation="ecs.DescribeImages",
        code="Timeout",
        http_status=408,
        advice="run again, or raise --timeout",
    )


# --- the routes to expect -------------------------------------------------------------

_MAKING: Final = frozenset({Action.MAKE, Action.REPLACE})


async def _expected_route(cloud: Steady, region: str) -> Route:
    """Return the route to expect; only a publication finds out whether it is open."""
    if region in _NO_BUCKETS:
        return Route.COPY
    if not await _is_there(cloud, ListBuckets(region=region, prefix=PREFIX)):
        return Route.COPY
    if not region.startswith(_MAINLAND) or region in _OUTSIDE:
        return Route.DIRECT
    if await _is_there(cloud, ListFunctions(region=region, prefix=PREFIX)):
        return Route.RELAY
    return Route.COPY


async def _is_there(cloud: Steady, call: Call[object]) -> bool:
    """Whether a region has a service; if it does not say, that it has."""
    try:
        await cloud.call(call, BRIEF)
    except CloudError as error:
        return look_up(error).meaning is not Meaning.ROUTE
    return True


def _by(route: Route, intent: Intent) -> Intent:
    if intent.action not in _MAKING:
        return intent
    return dataclasses.replace(intent, route=route)


def _can_be_copied(image: CloudImage, targets: Sequence[Target]) -> bool:
    """Whether other regions may copy a target's image from where it is."""
    return (
        image.status is ImageStatus.AVAILABLE
        and not image.public
        and any(
            (image.name, marks(image).get(TAG_SHA256)) == (each.name, each.image.sha256)
            for each in targets
        )
    )


def _lent(
    intents: Sequence[Intent], targets: Sequence[Target], sources: set[str]
) -> tuple[str, ...]:
    """Return the targets that some region lacks, and none asked for can import."""
    found = []
    for target in targets:
        routes = {i.route for i in intents if i.name == target.name and i.route}
        if routes == {Route.COPY} and target.name not in sources:
            found.append(target.name)
    return tuple(found)


def _uplink(
    intents: Sequence[Intent], targets: Sequence[Target], lent: Sequence[str]
) -> int:
    """Return the bytes that go up: a large image goes up once, a small one each time."""
    total = 0
    for target in targets:
        uploads = sum(
            intent.name == target.name and intent.route in {Route.DIRECT, Route.RELAY}
            for intent in intents
        )
        uploads += target.name in lent
        if target.image.pack.is_large:
            uploads = min(uploads, 1)
        total += uploads * target.image.pack.size_bytes
    return total
