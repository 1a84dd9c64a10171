"""Pruning: deprecating older versions, and deleting them later.

Each region works by itself; one that fails stops no other. Right before anything is
done in a region, and after the dry runs of what is to be deleted there, it is looked at
again, and only what is still due is done: somebody may have published meanwhile.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import anyio

from ali_import.cloud.calls import (
    Cloud,
    DeleteImage,
    DescribeImages,
    DescribeImageSharePermission,
    UntagResources,
)
from ali_import.cloud.steady import BRIEF
from ali_import.cloud.values import CloudImage, ImageStatus
from ali_import.errors import CloudError
from ali_import.publish import images
from ali_import.publish.context import Context, steadied, survey
from ali_import.publish.lease import TAG_DEPRECATED, Lease
from ali_import.publish.model import Emit, Options
from ali_import.publish.region import Region
from ali_import.standing.images import StandingImage, look, standing_image
from ali_import.standing.retention import (
    Fate,
    Pruning,
    Retention,
    Verdict,
    judge,
    judge_again,
)
from ali_import.units import HOUR_S

# What a dry run is told about an image that is still public or shared; it would not be
# by then.
_NOT_YET: Final = frozenset({"ImageIsPublic", "ImageUseShared"})


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What became of an image that something was due about.

    Attributes:
        verdict: What was done; ``KEEP`` with the reason if it was not due any more.
        error: Why it could not be done; None if it was, or was not to be.
    """

    verdict: Verdict
    error: CloudError | None = None


async def find_prunable(
    cloud: Cloud,
    families: Sequence[str],
    retention: Retention,
    *,
    now: float,
    rng: Random,
    emit: Emit,
) -> Pruning:
    """Look into every region, and say what is due; changes nothing.

    Raises:
        ConfigurationError: The credentials or the network will not do.
    """
    standing = await look(steadied(cloud, rng, emit), wanted=_everything)
    return judge(standing, families, retention, now=now)


def _everything(_image: StandingImage) -> bool:
    return True


async def prune(
    cloud: Cloud,
    pruning: Pruning,
    *,
    rng: Random,
    now: Callable[[], float],
    emit: Emit,
) -> tuple[Pruned, ...]:
    """Do what is due; return what became of each image, in the order of ``due``.

    Raises:
        ConfigurationError: The credentials or the network will not do.
    """
    steady = steadied(cloud, rng, emit)
    account_id, _ = await survey(steady)
    context = Context(
        cloud=steady,
        account_id=account_id,
        lease=Lease(
            run_id=f"{rng.getrandbits(32):08x}", expires_at=int(now() + HOUR_S)
        ),
        options=Options(),
        role_arn="",
        rng=rng,
        now=now,
        emit=emit,
    )
    by_region: dict[str, list[Verdict]] = {}
    for verdict in pruning.due:
        by_region.setdefault(verdict.image.region, []).append(verdict)
    endings: dict[str, Pruned] = {}

    async def prune_in(region_id: str, due: Sequence[Verdict]) -> None:
        region = Region(context, region_id)
        # They may take their time, so that what they allow is looked at after them.
        refusals = await _try_deletions(region, due)
        try:
            found = await steady.call(DescribeImages(region=region_id), BRIEF)
        except CloudError as error:
            endings.update(
                {_key(each): Pruned(verdict=each, error=error) for each in due}
            )
            return
        there = [standing_image(region_id, image) for image in found]
        by_id = {image.image_id: image for image in found}

        async def prune_one(verdict: Verdict) -> None:
            image_id = verdict.image.image_id
            again = judge_again(pruning, verdict, there, now=now())
            error = None
            try:
                await _carry_out(
                    region, by_id.get(image_id), again, refusals.get(image_id)
                )
            except CloudError as failure:
                error = failure
            endings[_key(verdict)] = Pruned(verdict=again, error=error)

        async with anyio.create_task_group() as tasks:
            for verdict in due:
                tasks.start_soon(prune_one, verdict)
        await region.delete_doomed()

    async with anyio.create_task_group() as tasks:
        for region_id, due in by_region.items():
            tasks.start_soon(prune_in, region_id, due)
    return tuple(endings[_key(verdict)] for verdict in pruning.due)


def _key(verdict: Verdict) -> str:
    return f"{verdict.image.region} {verdict.image.image_id}"


async def _try_deletions(
    region: Region, due: Sequence[Verdict]
) -> dict[str, CloudError]:
    """Make a dry run of each deletion; return refusals, by image id."""
    refusals: dict[str, CloudError] = {}

    async def try_one(image_id: str) -> None:
        try:
            await region.cloud.call(
                DeleteImage(region=region.id, image_id=image_id, dry_run=True)
            )
        except CloudError as error:
            refusals[image_id] = error

    async with anyio.create_task_group() as tasks:
        for verdict in due:
            if verdict.fate is Fate.DELETE:
                tasks.start_soon(try_one, verdict.image.image_id)
    return refusals


async def _carry_out(
    region: Region,
    image: CloudImage | None,
    verdict: Verdict,
    refusal: CloudError | None,
) -> None:
    """Do what is due about an image.

    Args:
        region: Where it is.
        image: It, or None if it is not there any more.
        verdict: What is due.
        refusal: What the dry run of its deletion was told, if that was no.
    """
    if verdict.fate is Fate.DEPRECATE:
        assert image is not None
        # An interrupt must not fall between hiding and deprecating.
        with anyio.CancelScope(shield=True):
            await _deprecate(region, image)
    elif verdict.fate is Fate.DELETE:
        assert image is not None
        hidden = image.public or image.shared
        if refusal is not None and not (hidden and refusal.code in _NOT_YET):
            raise refusal
        await _delete(region, image)


async def _deprecate(region: Region, image: CloudImage) -> None:
    """Deprecate an image, and note when; it is hidden only if the cloud insists.

    The time of an earlier deprecation goes first: nothing may come in between after
    which it would be taken for the time of this one.
    """
    if image.status is not ImageStatus.DEPRECATED:
        if TAG_DEPRECATED in image.tags:
            await region.cloud.call(
                UntagResources(
                    region=region.id,
                    resource_type="image",
                    resource_ids=(image.image_id,),
                    keys=(TAG_DEPRECATED,),
                )
            )
        try:
            await images.deprecate(region, image.image_id)
        except CloudError as error:
            if error.code != "ImageUseShared":
                raise
            await _hidden(
                region, image, lambda: images.deprecate(region, image.image_id)
            )
    now = str(int(region.context.now()))
    await images.tag(region, image, {TAG_DEPRECATED: now})


async def _delete(region: Region, image: CloudImage) -> None:
    """Delete an image, and its snapshots."""
    hidden = dataclasses.replace(image, public=False, shared=False)
    await _hidden(region, image, lambda: images.remove(region, hidden))
    region.note(f"deleted {image.name} ({image.image_id})")


async def _hidden(
    region: Region, image: CloudImage, work: Callable[[], Awaitable[None]]
) -> None:
    """Do what the cloud refuses while others see an image; if it still does, show it."""
    accounts: tuple[str, ...] = ()
    if image.shared:
        shares = DescribeImageSharePermission(region=region.id, image_id=image.image_id)
        accounts = await region.cloud.call(shares)
    try:
        if image.public:
            await images.share(region, image.image_id, public=False)
        await images.share_with(region, image.image_id, remove=accounts)
        await work()
    except CloudError:
        await _show_again(region, image, accounts)
        raise


async def _show_again(
    region: Region, image: CloudImage, accounts: Sequence[str]
) -> None:
    """Let everybody see an image again who saw it before; what fails is told."""
    try:
        await images.share_with(region, image.image_id, add=accounts)
        if image.public:
            await images.share(region, image.image_id, public=True)
    except CloudError as error:
        text = f"{image.name} was made private and could not be made public or shared again: "
        region.note(text + error.diagnostics(), level="WARNING")
