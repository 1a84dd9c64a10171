"""Leftovers: what runs have left in the cloud, and removing what may be removed.

A thing is ours if its name follows the pattern of ``lease.py`` to the letter (buckets,
functions), or if it carries our name *and* our tags, or in their place our description
(images), or our tags (snapshots).
Nothing else is ever touched.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Final

import anyio

from ali_import.cloud.calls import (
    Cloud,
    DeleteFunction,
    DeleteSnapshot,
    DescribeImages,
    DescribeSnapshots,
    ListBuckets,
    ListFunctions,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.steady import BRIEF, Steady
from ali_import.cloud.values import ImageStatus
from ali_import.errors import CloudError
from ali_import.publish import images
from ali_import.publish.context import Context, steadied, survey
from ali_import.publish.guests import IN_USE
from ali_import.publish.lease import (
    PREFIX,
    TAG_EXPIRES,
    Lease,
    is_going_aside,
    is_temporary,
    marks,
    of_name,
    of_tags,
)
from ali_import.publish.model import Emit, Leftover, Note, Options
from ali_import.publish.region import Region
from ali_import.units import HOUR_S, MINUTE_S

_KINDS_IN_ORDER: Final = ("image", "snapshot", "bucket", "function")
"""A function may be needed to empty its region's bucket, so it goes last."""
_OWN_S_MAX: Final = 3 * MINUTE_S
"""Bound for removing the relays that cleaning up made itself."""


async def find_leftovers(cloud: Cloud, *, emit: Emit) -> tuple[Leftover, ...]:
    """List what runs have left, in every region.

    Raises:
        ConfigurationError: The credentials or the network will not do.
    """
    steady = steadied(cloud, Random(0), emit)
    _, regions = await survey(steady)
    return await find_in(steady, regions, emit)


async def remove_leftovers(
    cloud: Cloud,
    leftovers: Sequence[Leftover],
    *,
    rng: Random,
    now: Callable[[], float],
    emit: Emit,
) -> tuple[Leftover, ...]:
    """Remove leftovers, whatever their lease says; return those that would not go.

    Raises:
        ConfigurationError: The credentials or the network will not do.
    """
    steady = steadied(cloud, rng, emit)
    account_id, _ = await survey(steady)
    lease = Lease(run_id=f"{rng.getrandbits(32):08x}", expires_at=int(now() + HOUR_S))
    context = Context(
        cloud=steady,
        account_id=account_id,
        lease=lease,
        options=Options(),
        role_arn="",
        rng=rng,
        now=now,
        emit=emit,
    )
    left = list(leftovers)
    await remove(context, left)
    return tuple(left)


async def find_in(
    cloud: Steady, regions: Sequence[str], emit: Emit
) -> tuple[Leftover, ...]:
    """List leftovers in some regions, in the regions' order."""
    found: list[Leftover] = []

    async def look(
        kind: str, what: Callable[[], Awaitable[Iterable[Leftover]]]
    ) -> None:
        try:
            found.extend(await what())
        except CloudError as error:
            # A region without the service has no leftovers of it.
            if look_up(error).meaning is not Meaning.ROUTE:
                text = f"cannot look for leftover {kind}s: {error.diagnostics()}"
                emit(Note(text=text, region=error.region, level="WARNING"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look, "bucket", lambda: _buckets(cloud, regions))
        for region in regions:
            for kind, find in _FINDERS.items():
                tasks.start_soon(look, kind, lambda f=find, r=region: f(cloud, r))
    order = {region: index for index, region in enumerate(regions)}
    kinds = {kind: index for index, kind in enumerate(_KINDS_IN_ORDER)}
    return tuple(sorted(found, key=lambda x: (order[x.region], kinds[x.kind], x.name)))


async def remove(context: Context, left: list[Leftover]) -> None:
    """Remove leftovers; each is taken off the list as soon as it is gone.

    Cancelling it waits until the relays are gone that were made to empty buckets.

    Args:
        context: Its lease names those relays; so it must not be the lease of a run that
            works in these regions.
        left: What to remove.
    """
    by_region: dict[str, list[Leftover]] = {}
    for thing in left:
        by_region.setdefault(thing.region, []).append(thing)
    async with anyio.create_task_group() as tasks:
        for region_id, things in by_region.items():
            tasks.start_soon(_remove_in, Region(context, region_id), things, left)


async def _remove_in(
    region: Region, things: Sequence[Leftover], left: list[Leftover]
) -> None:
    """Remove leftovers of one region, each kind after the other."""

    async def try_to(thing: Leftover) -> None:
        try:
            await _REMOVERS[thing.kind](region, thing)
        except CloudError as error:
            if error.code == IN_USE:
                region.note(error.message)
                left.remove(thing)
                return
            text = f"cannot remove {thing.kind} {thing.name}: {error.diagnostics()}"
            region.note(text, level="WARNING")
        else:
            left.remove(thing)

    try:
        for kind in _KINDS_IN_ORDER:
            async with anyio.create_task_group() as tasks:
                for thing in things:
                    if thing.kind == kind:
                        tasks.start_soon(try_to, thing)
        await region.delete_doomed()
    finally:
        with anyio.move_on_after(_OWN_S_MAX, shield=True):
            await region.workspace.clean_up()
        left.extend(region.leftovers())


# --- finding --------------------------------------------------------------------------


async def _buckets(cloud: Steady, regions: Sequence[str]) -> list[Leftover]:
    """Ask any region that has OSS: each lists the buckets of all."""
    refused: CloudError | None = None
    for region in regions:
        try:
            buckets = await cloud.call(ListBuckets(region=region, prefix=PREFIX), BRIEF)
        except CloudError as error:
            refused = error
            continue
        leases = [(bucket, of_name(bucket.name)) for bucket in buckets]
        return [
            lease.leftover(bucket.region, "bucket", bucket.name)
            for bucket, lease in leases
            if lease is not None and bucket.region in regions
        ]
    if refused is not None:
        raise refused
    return []


async def _functions(cloud: Steady, region: str) -> list[Leftover]:
    functions = await cloud.call(ListFunctions(region=region, prefix=PREFIX), BRIEF)
    leases = [(function.name, of_name(function.name)) for function in functions]
    return [
        lease.leftover(region, "function", name)
        for name, lease in leases
        if lease is not None
    ]


async def _images(cloud: Steady, region: str) -> list[Leftover]:
    # Not by tag: one may have lost its tags when it was made.
    images = await cloud.call(DescribeImages(region=region), BRIEF)
    return [
        lease.leftover(region, "image", image.image_id, detail=image.name)
        for image in images
        if (is_temporary(image) or is_going_aside(image))
        and (lease := of_tags(marks(image))) is not None
    ]


async def _snapshots(cloud: Steady, region: str) -> list[Leftover]:
    snapshots = await cloud.call(
        DescribeSnapshots(region=region, tags={TAG_EXPIRES: ""}), BRIEF
    )
    leases = [(s.snapshot_id, lease) for s in snapshots if (lease := of_tags(s.tags))]
    if not leases:
        return []
    # One is tagged before its image is deleted; if that never came about, it is in use.
    there = await cloud.call(DescribeImages(region=region), BRIEF)
    in_use = {
        snapshot_id
        for image in there
        if image.status is not ImageStatus.UNAVAILABLE  # it is being deleted
        for snapshot_id in image.snapshot_ids
    }
    return [
        lease.leftover(region, "snapshot", snapshot_id)
        for snapshot_id, lease in leases
        if snapshot_id not in in_use
    ]


_Finder = Callable[[Steady, str], Awaitable[list[Leftover]]]
_FINDERS: Final[dict[str, _Finder]] = {
    "function": _functions,
    "image": _images,
    "snapshot": _snapshots,
}


# --- removing -------------------------------------------------------------------------


async def _remove_image(region: Region, thing: Leftover) -> None:
    found = await region.cloud.call(
        DescribeImages(region=region.id, image_ids=(thing.name,))
    )
    for image in found:
        lease = of_tags(marks(image))
        listed = (thing.run_id, thing.expires_at)
        if lease is None or (lease.run_id, float(lease.expires_at)) != listed:
            continue  # it became somebody's image since, or a run took it over
        if is_going_aside(image):
            await images.put_back(region, image)
        elif not is_temporary(image):
            continue
        elif await images.is_missed(region, image):
            await images.put_back(region, image)
        else:
            await images.remove(region, image)


async def _remove_snapshot(region: Region, thing: Leftover) -> None:
    await region.cloud.call(DeleteSnapshot(region=region.id, snapshot_id=thing.name))


async def _remove_bucket(region: Region, thing: Leftover) -> None:
    await region.workspace.remove_bucket(thing.name)


async def _remove_function(region: Region, thing: Leftover) -> None:
    await region.cloud.call(DeleteFunction(region=region.id, name=thing.name))


_Remover = Callable[[Region, Leftover], Awaitable[None]]
_REMOVERS: Final[dict[str, _Remover]] = {
    "image": _remove_image,
    "snapshot": _remove_snapshot,
    "bucket": _remove_bucket,
    "function": _remove_function,
}
