"""The ways into a region, and the order in which they are tried.

A route is tried and refused by the cloud, never chosen by a region's name:

* ``direct``: upload to a bucket in the region, import it.
* ``relay``: the same, through a function that runs inside the region.
* ``copy``: copy the image from a region that has it.

A large image goes up from here once, to the region that becomes its *seed*; the
others have it fetched, or copy it, before they would make us upload it again.

When nothing is there to copy from, the image is *lent*: imported somewhere for a
while, under a temporary name. That is so when no region asked for can import it
(``--region cn-heyuan`` alone), or when those that have it have published it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import anyio

from ali_import.cloud.calls import CopyImage, ImportImage
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.steady import ASKING
from ali_import.cloud.values import BROKEN, ObjectSource
from ali_import.errors import ApiError, CloudError, TaskFailedError, TransportError
from ali_import.publish.context import NO_IMPORTS, Track
from ali_import.publish.lease import temporary_image_name
from ali_import.publish.make import Attempt, Lent, Made, Making
from ali_import.publish.model import Route, Step, Target
from ali_import.publish.region import Region
from ali_import.publish.sources import ImageSource, Sources, distance
from ali_import.publish.stage import Staging, pack_key
from ali_import.publish.wanted import IMDS, NVME

Way = Callable[[Making, Sources], Awaitable[Made]]

IMPORTING: Final = (Route.DIRECT, Route.RELAY)
"""The routes that end in an import, so that other regions may copy the image."""

_COPY_FAILURES_MAX: Final = 24
_COPY_FAILURES_EACH_MAX: Final = 3
_BEING_COPIED: Final = frozenset(
    {"OperationDenied.ImageCopyConflict", "OperationDenied.ImageCopying"}
)
"""What a second copy of one image is refused with: as documented, and as seen in 2021
(coreos/coreos-assembler#2592)."""

_CONFLICTS_MAX: Final = 60
_CONFLICT_S_MAX: Final = 30.0

_LENDING_FAILURES_MAX: Final = 8
"""Regions that fail cost time; those that merely refuse a bucket or data do not count."""


def routes(target: Target) -> tuple[tuple[Route, Way], ...]:
    """Return the routes to try for a target, in order."""
    seeds = (Route.DIRECT, direct_seed), (Route.RELAY, relay_seed)
    uploads = (Route.DIRECT, direct), (Route.RELAY, relay)
    if target.image.format == "VHD":
        first = seeds if _is_large(target) else ()
        return *first, *uploads, (Route.COPY, no_copy)
    if _is_large(target):
        return *seeds, (Route.COPY, copy), *uploads
    return *uploads, (Route.COPY, copy)


def _is_large(target: Target) -> bool:
    """Whether the image is too large to go up more than once."""
    return target.image.pack.is_large


# --- direct ---------------------------------------------------------------------------


async def direct(making: Making, sources: Sources) -> Made:
    """Upload the file to the region and import it.

    Raises:
        CloudError: OSS is closed to us there, or the import failed.
    """
    return await _import(making, sources, await _stage_directly(making, sources))


async def direct_seed(making: Making, sources: Sources) -> Made:
    """Upload a large file, if this region is the one to upload it to.

    Raises:
        CloudError: OSS is closed to us there, another region is the seed, or the
            import failed.
    """
    region = making.region
    try:
        await region.workspace.need_direct()
    except CloudError:
        sources.will_look(region.id)
        sources.no_object(region.id)
        raise
    sources.add_reserve(region.id)
    image = making.target.image
    await sources.look_for_unfinished(pack_key(image), image.pack, region.context)
    while not sources.claim_seed(region.id):
        if await sources.seed_settled():
            raise _not_the_seed(region)
    try:
        staged = await _stage_directly(making, sources)
    except CloudError:
        sources.will_look(region.id)
        sources.no_object(region.id)
        raise
    return await _import(making, sources, staged)


async def _stage_directly(making: Making, sources: Sources) -> ObjectSource:
    region = making.region
    workspace = region.workspace
    await workspace.need_direct()
    try:
        staging = Staging(
            region,
            making.target.image,
            making.track,
            relay="",
            unfinished=sources.take_unfinished(region.id),
        )
        pack = await staging.bring()
        # Others may fetch it, while the object is made of it here.
        sources.add_object(pack)
        return await staging.make(pack)
    except CloudError as error:
        if error.code == "PublicEndpointForbidden":
            workspace.refuse_direct(error)
        raise


def _not_the_seed(region: Region) -> ApiError:
    """Say that a large file goes up elsewhere, so that the next route is taken."""
    return ApiError(
        "the file goes up to another region, and is fetched or copied from there",
        region=region.id,
        operation="oss.PutObject",
        code="NotTheSeed",
        http_status=409,
    )


# --- relay ----------------------------------------------------------------------------


async def relay(making: Making, sources: Sources) -> Made:
    """Send the file inside invocations, part by part, and import it.

    Raises:
        CloudError: No Function Compute, no bucket, or the import failed.
    """
    region, image = making.region, making.target.image
    await _prepare_relay(region)
    function = region.workspace.function
    if image.pack.is_large:
        key = pack_key(image)
        await sources.look_through_relay(region, key, image.pack, function)
    sent = sources.take_unfinished(region.id)
    staging = Staging(region, image, making.track, relay=function, unfinished=sent)
    return await _import(making, sources, await staging.run())


async def relay_seed(making: Making, sources: Sources) -> Made:
    """Have the function fetch a large file from a region that has staged it.

    If no region can stage it where it can be read, one region gets the file as
    ``relay`` does, and the others copy the image from there.

    Raises:
        CloudError: No Function Compute, no bucket, another region is the seed, or the
            import failed.
    """
    region, image = making.region, making.target.image
    function = region.workspace.function
    try:
        await _prepare_relay(region)
        await sources.look_through_relay(region, pack_key(image), image.pack, function)
    finally:
        sources.has_looked(region.id)
    sources.add_reserve(region.id)
    if await sources.object_known(region.id):
        staging = Staging(region, image, making.track, relay=function, sources=sources)
        return await _import(making, sources, await staging.run())
    if not (sources.has_most(region.id) and sources.claim_seed(region.id)):
        raise _not_the_seed(region)
    try:
        return await relay(making, sources)
    except CloudError:
        sources.give_up_seed(region.id)
        raise


async def _prepare_relay(region: Region) -> None:
    await region.workspace.need_bucket()
    await region.workspace.need_relay()


# --- importing what was staged --------------------------------------------------------


async def _import(making: Making, sources: Sources, staged: ObjectSource) -> Made:
    """Import the staged object, and return the image when it is there.

    Raises:
        TaskFailedError: The import failed; its code is the cloud's reason.
        CloudError: The cloud refused.
    """
    region, disk = making.region, making.target.image
    options, wanted = region.context.options, making.wanted
    if refused := region.context.refused(NO_IMPORTS, region.id):
        raise refused  # another placement found out while this one staged
    if not isinstance(making, Lent):
        sources.have_bytes(region.id)

    async def ask(token: str) -> Attempt:
        started = await region.cloud.call(
            ImportImage(
                region=region.id,
                client_token=token,
                name=making.name,
                description=making.description,
                architecture=disk.architecture or "",
                boot_mode=disk.boot_mode,
                format=disk.format,
                size_gib=disk.size_gib,
                bucket=staged.bucket,
                key=staged.key,
                nvme=wanted.nvme or NVME,
                imds=wanted.imds or IMDS,
                detect=options.detect,
                tags=making.tags_at_first,
            ),
            ASKING,
            on_send=making.note_asking,
        )
        return Attempt(image_id=started.image_id, task_id=started.task_id)

    tried = False
    while True:
        try:
            made = await making.make(Step.IMPORT, ask, "import", staged.key)
        except TaskFailedError as error:
            sources.failed_imports.append(region.id)
            sources.refusal = error
            if tried or sources.is_hopeless:
                raise
            tried = True  # imports fail by chance, too
        else:
            sources.failed_imports.clear()
            return made


# --- copy -----------------------------------------------------------------------------


async def copy(making: Making, sources: Sources) -> Made:
    """Copy the image from the least busy region that has it; on failure, another.

    Raises:
        CloudError: No source is left to try; the error is the last one's.
    """
    region = making.region
    sources.no_image(region.id)
    making.track.enter(Step.COPY)
    failures: Counter[ImageSource] = Counter()
    conflicts = 0
    last: CloudError | None = None
    while failures.total() < _COPY_FAILURES_MAX and conflicts < _CONFLICTS_MAX:
        refused = [s for s, n in failures.items() if n >= _COPY_FAILURES_EACH_MAX]
        source = await sources.take_image(region.id, failures)
        if source is None and len(refused) < len(failures):
            # What failed once may work the next time, when there is no other.
            source = await sources.take_image(region.id, refused)
        if source is None:
            # Nobody has it unpublished: have it imported somewhere, for a while.
            if not await borrow(making, sources, [s.region for s in failures]):
                break
            continue
        try:
            return await _copy_from(making, source)
        except CloudError as error:
            last = error
            if error.code in _BEING_COPIED:
                conflicts += 1
                await _yield_to_other_copies(region, sources, conflicts)
            elif _is_about_the_destination(error, region):
                raise
            else:
                # A copy that broke off may work the next time; a refusal stays one.
                broke_off = isinstance(error, TaskFailedError)
                failures[source] += 1 if broke_off else _COPY_FAILURES_EACH_MAX
        finally:
            sources.slots.give_back(source)
    raise last or _no_source(region, sources)


async def no_copy(making: Making, sources: Sources) -> Made:
    """Say that nothing more can be done: the cloud copies no image of a VHD.

    Raises:
        ApiError: With the code that the cloud would answer.
    """
    sources.no_image(making.region.id)
    raise ApiError(
        "nothing can be uploaded here, and an image of a VHD cannot be copied",
        region=making.region.id,
        operation="ecs.CopyImage",
        code="InvalidOperation.VhdImageUnsupported",
        http_status=403,
    )


async def _copy_from(making: Making, source: ImageSource) -> Made:
    region = making.region

    async def ask(token: str) -> Attempt:
        image_id = await region.cloud.call(
            CopyImage(
                region=source.region,
                client_token=token,
                image_id=source.image_id,
                destination_region=region.id,
                destination_name=making.name,
                description=making.description,
                tags=making.tags_of_a_copy,
            ),
            ASKING,
            on_send=making.note_asking,
        )
        return Attempt(image_id=image_id)

    return await making.make(Step.COPY, ask, "copy", source.region, source.image_id)


def _no_source(region: Region, sources: Sources) -> ApiError:
    text, advice = "no region has the image to copy it from", ""
    if refusal := sources.refusal:
        text += f", nor can import it ({refusal.region}: {refusal.code})"
        advice = refusal.advice or look_up(refusal).advice
    return ApiError(
        text,
        region=region.id,
        operation="ecs.CopyImage",
        code="NoSource",
        http_status=404,
        advice=advice or "-v tells why no other region could make it",
    )


async def _yield_to_other_copies(
    region: Region, sources: Sources, conflicts: int
) -> None:
    """Let the copy that is in the way get on; from now on one at a time."""
    sources.slots.serial = True
    bound_s = min(1.5**conflicts, _CONFLICT_S_MAX)
    await anyio.sleep(bound_s * (0.5 + 0.5 * region.context.rng.random()))


def _is_about_the_destination(error: CloudError, region: Region) -> bool:
    """Whether no other source would help."""
    if isinstance(error, TaskFailedError):
        return False
    if isinstance(error, TransportError):
        return error.region == region.id
    return look_up(error).meaning in {Meaning.FINAL, Meaning.ROUTE}


# --- lending --------------------------------------------------------------------------


async def borrow(making: Making, sources: Sources, avoid: Collection[str]) -> bool:
    """Have the image imported in the nearest region that can, to be copied from there.

    Args:
        making: Who needs a source.
        sources: Where it will be found.
        avoid: Regions that are no use to it.

    Returns:
        Whether there is a source now that it does not know yet.
    """
    loan, here = sources.loan, making.region.id
    async with loan.lock:
        if any(region_id not in avoid for region_id in loan.regions):
            return True  # made for somebody else meanwhile
        others = (r for r in sources.everywhere.values() if r.id != here)
        for region in sorted(others, key=lambda r: distance(r.id, here)):
            if region.id in avoid or region.id in loan.tried:
                continue
            if loan.failures >= _LENDING_FAILURES_MAX:
                return False
            if sources.is_hopeless:
                return False
            loan.tried.append(region.id)
            try:
                with region.lending():
                    made = await _lend(region, making.target, sources)
            except CloudError as error:
                region.note(f"cannot lend the image: {error.code}")
                _learn(sources, error)
                continue
            loan.regions.append(region.id)
            sources.add_image(region.id, made.image.image_id)
            return True
        return False


async def _lend(region: Region, target: Target, sources: Sources) -> Made:
    """Import the image under a temporary name, or take over an earlier run's."""
    context = region.context
    name = temporary_image_name(
        "src", context.account_id, region.id, target.image.sha256
    )
    track = Track(context, region.id, target)
    lent = Lent(region, target, name, track)
    region.add(lent)
    asked = context.options.regions
    region.note(
        f"makes {target.name} for a while, to lend it to regions that can only copy it",
        level="WARNING" if asked and region.id not in asked else "INFO",
    )
    there = await lent.find()
    if there is not None and lent.is_ours(there):
        if there.status in BROKEN:
            await lent.make_room(there)
        else:
            attempt = await lent.adopt(there)
            try:
                return await lent.wait(attempt)
            except TaskFailedError:
                await lent.clear_away()
    try:
        track.route = Route.DIRECT
        return await direct(lent, sources)
    except CloudError:
        track.route = Route.RELAY
        return await relay(lent, sources)


def _learn(sources: Sources, error: CloudError) -> None:
    """Remember why a region cannot lend the image."""
    meaning = look_up(error).meaning
    failed = meaning is not Meaning.ROUTE
    # What two regions refuse for good (arrears, a missing role), all of them refuse.
    half = _LENDING_FAILURES_MAX // 2
    sources.loan.failures += half if meaning is Meaning.FINAL else failed
    if failed or sources.refusal is None:
        sources.refusal = error
