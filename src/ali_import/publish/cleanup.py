"""Leftovers: what runs have left in the cloud, and removing what may be removed.

A thing is ours if its name follows the pattern of ``lease.py`` to the letter (buckets,
functions), or if it carries our name *and* our tags (images), or our tags (snapshots).
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
    DescribeRegions,
    DescribeSnapshots,
    GetCallerIdentity,
    ListBuckets,
    ListFunctions,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.steady import BRIEF, PREFLIGHT, Steady
from ali_import.errors import CloudError, ConfigurationError
from ali_import.publish.aside import is_going_aside, is_missed, put_back
from ali_import.publish.context import Context
from ali_import.publish.lease import (
    PREFIX,
    TAG_EXPIRES,
    Lease,
    is_temporary_image,
    of_name,
    of_tags,
)
from ali_import.publish.model import CallRetried, Emit, Leftover, Note, Options
from ali_import.publish.removal import remove_image
from ali_import.publish.workspace import Workspace
from ali_import.units import HOUR_S

_KINDS_IN_ORDER: Final = ("image", "snapshot", "bucket", "function")
"""A function may be needed to empty its region's bucket, so it goes last."""


async def find_leftovers(
    cloud: Cloud, *, now: Callable[[], float], emit: Emit
) -> tuple[Leftover, ...]:
    """List what runs have left, in every region.

    Raises:
        ConfigurationError: The credentials or the network will not do.
    """
    del now  # whether a lease is over is for the reader to see
    steady = _steady(cloud, Random(0), emit)
    try:
        await steady.call(GetCallerIdentity(), PREFLIGHT)  # keys that are wrong say so
        regions = await steady.call(DescribeRegions(), PREFLIGHT)
    except CloudError as error:
        raise ConfigurationError(error.message, advice=error.advice) from error
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
    steady = _steady(cloud, rng, emit)
    try:
        identity = await steady.call(GetCallerIdentity(), PREFLIGHT)
    except CloudError as error:
        raise ConfigurationError(error.message, advice=error.advice) from error
    lease = Lease(run_id=f"{rng.getrandbits(32):08x}", expires_at=int(now() + HOUR_S))
    context = Context(
        cloud=steady,
        account_id=identity.account_id,
        lease=lease,
        options=Options(),
        role_arn="",
        rng=rng,
        now=now,
        emit=emit,
    )
    return await remove(context, leftovers)


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


async def remove(
    context: Context, leftovers: Iterable[Leftover]
) -> tuple[Leftover, ...]:
    """Remove leftovers, each kind after the other; return those that would not go.

    Args:
        context: Its lease names the relays that it takes to empty buckets; so it must
            not be the lease of a run that works in these regions.
        leftovers: What to remove.
    """
    left: list[Leftover] = []
    things = tuple(leftovers)
    workspaces = {
        region: Workspace(context, region)
        for region in dict.fromkeys(thing.region for thing in things)
    }

    async def try_to(thing: Leftover) -> None:
        try:
            await _REMOVERS[thing.kind](workspaces[thing.region], context, thing)
        except CloudError as error:
            text = f"cannot remove {thing.kind} {thing.name}: {error.diagnostics()}"
            context.note(text, region=thing.region, level="WARNING")
            left.append(thing)

    for kind in _KINDS_IN_ORDER:
        async with anyio.create_task_group() as tasks:
            for thing in things:
                if thing.kind == kind:
                    tasks.start_soon(try_to, thing)
    async with anyio.create_task_group() as tasks:
        for workspace in workspaces.values():
            tasks.start_soon(workspace.clean_up)
    return (*left, *context.snapshots_left)


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
            _leftover(bucket.region, "bucket", bucket.name, lease)
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
        _leftover(region, "function", name, lease)
        for name, lease in leases
        if lease is not None
    ]


async def _images(cloud: Steady, region: str) -> list[Leftover]:
    # A tag with an empty value asks for the key alone.
    images = await cloud.call(
        DescribeImages(region=region, tags={TAG_EXPIRES: ""}), BRIEF
    )
    return [
        _leftover(region, "image", image.image_id, lease, detail=image.name)
        for image in images
        if (is_temporary_image(image.name, image.tags) or is_going_aside(image))
        and (lease := of_tags(image.tags)) is not None
    ]


async def _snapshots(cloud: Steady, region: str) -> list[Leftover]:
    snapshots = await cloud.call(
        DescribeSnapshots(region=region, tags={TAG_EXPIRES: ""}), BRIEF
    )
    leases = [(s.snapshot_id, lease) for s in snapshots if (lease := of_tags(s.tags))]
    if not leases:
        return []
    # One is tagged before its image is deleted; if that never came about, it is in use.
    images = await cloud.call(DescribeImages(region=region), BRIEF)
    in_use = {snapshot_id for image in images for snapshot_id in image.snapshot_ids}
    return [
        _leftover(region, "snapshot", snapshot_id, lease)
        for snapshot_id, lease in leases
        if snapshot_id not in in_use
    ]


_Finder = Callable[[Steady, str], Awaitable[list[Leftover]]]
_FINDERS: Final[dict[str, _Finder]] = {
    "function": _functions,
    "image": _images,
    "snapshot": _snapshots,
}


def _leftover(
    region: str, kind: str, name: str, lease: Lease, *, detail: str = ""
) -> Leftover:
    return Leftover(
        region=region,
        kind=kind,
        name=name,
        run_id=lease.run_id,
        expires_at=float(lease.expires_at),
        detail=detail,
    )


# --- removing -------------------------------------------------------------------------


async def _remove_image(_: Workspace, context: Context, thing: Leftover) -> None:
    found = await context.cloud.call(
        DescribeImages(region=thing.region, image_ids=(thing.name,))
    )
    for image in found:
        # It may have become somebody's image since: then it is no leftover any more.
        if is_going_aside(image):
            await put_back(context, thing.region, image)
        elif not is_temporary_image(image.name, image.tags):
            continue
        elif await is_missed(context, thing.region, image):
            await put_back(context, thing.region, image)
        else:
            await remove_image(context, thing.region, image)


async def _remove_snapshot(_: Workspace, context: Context, thing: Leftover) -> None:
    await context.cloud.call(
        DeleteSnapshot(region=thing.region, snapshot_id=thing.name)
    )


async def _remove_bucket(workspace: Workspace, _: Context, thing: Leftover) -> None:
    await workspace.remove_bucket(thing.name)


async def _remove_function(_: Workspace, context: Context, thing: Leftover) -> None:
    await context.cloud.call(DeleteFunction(region=thing.region, name=thing.name))


_Remover = Callable[[Workspace, Context, Leftover], Awaitable[None]]
_REMOVERS: Final[dict[str, _Remover]] = {
    "image": _remove_image,
    "snapshot": _remove_snapshot,
    "bucket": _remove_bucket,
    "function": _remove_function,
}


def _steady(cloud: Cloud, rng: Random, emit: Emit) -> Steady:
    return Steady(cloud, rng=rng, on_retry=tell_retries(emit))


def tell_retries(emit: Emit) -> Callable[[str, str, str, int, float], None]:
    """Return a listener that tells of repeated calls as events."""

    def tell(
        operation: str, region: str, code: str, attempt: int, wait_s: float
    ) -> None:
        emit(
            CallRetried(
                operation=operation,
                region=region,
                code=code,
                attempt=attempt,
                wait_s=wait_s,
            )
        )

    return tell
