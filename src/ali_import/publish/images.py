"""Calls about one image: its name, tags and visibility, and its removal.

All of them raise CloudError if the region refuses or does not answer.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import anyio

from ali_import.cloud.calls import (
    DeleteImage,
    DescribeImages,
    ModifyImageAttribute,
    ModifyImageSharePermission,
    TagResources,
    UntagResources,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import MAKING, READY, CloudImage, ImageStatus
from ali_import.errors import CloudError, TaskFailedError
from ali_import.publish.context import LATE_S
from ali_import.publish.lease import (
    TAG_DEPRECATED,
    TAG_WAS,
    TAG_WAS_PUBLIC,
    TEMPORARY_TAGS,
    marks,
)
from ali_import.publish.region import Region
from ali_import.publish.wanted import shared_by_us
from ali_import.units import MINUTE_S

T = TypeVar("T")

GONE: Final = frozenset({"InvalidImageId.NotFound", "InvalidResourceId.NotFound"})
"""What the cloud says of an image, or of a snapshot, that somebody has deleted."""
ACCOUNTS_PER_CALL_MAX: Final = 10
"""More are silently ignored (ModifyImageSharePermission)."""
_LOOK_S: Final = 1.0
_GONE_S_MAX: Final = 10 * MINUTE_S
_MADE_S_MAX: Final = 30 * MINUTE_S


async def look_again(
    look: Callable[[], Awaitable[T]], believed: Callable[[T], bool], *, since: float
) -> T:
    """Look again and again, until a listing cannot be late any more.

    A listing may show for `LATE_S` what was before the last change. Whoever has just
    changed something, or asked for it and lost the answer, looks like this:

    * at an image that was asked for: `Making._find_late`, when asking again, cancelling,
      dropping;
    * at a name that was given or taken away: `Replacement.take_name`, ``put_back``,
      ``discard``; `Placement.see_it_stands`, ``settle``;
    * the watcher does it at a pace of its own.

    Whoever has changed nothing looks once and believes it (`Look`, `Making.find`, cleaning
    up after other runs). If that was late, the cloud refuses the next call, or the next
    run sees what there is.

    Args:
        look: Looks.
        believed: Whether what is seen is certainly not from before the change.
        since: When the change was asked for, on the event loop's clock; ``-inf`` if
            nothing was, so that the first look is believed.
    """
    while True:
        looked_at = anyio.current_time()  # the answer may take its time
        seen = await look()
        if believed(seen) or looked_at - since >= LATE_S:
            return seen
        await anyio.sleep(_LOOK_S)


async def named(region: Region, name: str) -> CloudImage | None:
    """Return the image that has a name in the region, in any status."""
    found = await region.cloud.call(DescribeImages(region=region.id, name=name))
    return next((image for image in found if image.name == name), None)


class Look:
    """A first look at several names in a region, in as few calls as it takes.

    Where the names begin with the shortest of them, as those of siblings do, one call
    sees them all.
    """

    def __init__(self, region: Region, names: Sequence[str]) -> None:
        shortest = min(names, key=len)
        together = all(name.startswith(shortest) for name in names)
        self._region = region
        self._pattern = f"{shortest}*" if together and len(names) > 1 else ""
        self._lock = anyio.Lock()
        self._seen: dict[str, CloudImage] | CloudError | None = None

    async def at(self, name: str) -> CloudImage | None:
        """Return the image that has a name in the region, in any status."""
        if not self._pattern:
            return await named(self._region, name)
        async with self._lock:
            if self._seen is None:
                await self._look()
        if isinstance(self._seen, CloudError):
            raise self._seen.anew()
        assert self._seen is not None
        return self._seen.get(name)

    async def _look(self) -> None:
        look = DescribeImages(region=self._region.id, name=self._pattern)
        try:
            found = await self._region.cloud.call(look)
        except CloudError as error:
            self._seen = error
        else:
            self._seen = {image.name: image for image in found}


async def rename(region: Region, image_id: str, name: str) -> None:
    """Give an image another name."""
    await region.cloud.call(
        ModifyImageAttribute(region=region.id, image_id=image_id, name=name)
    )


async def share(region: Region, image_id: str, *, public: bool) -> None:
    """Make an image public (a community image), or private again."""
    await region.cloud.call(
        ModifyImageSharePermission(region=region.id, image_id=image_id, public=public)
    )


async def share_with(
    region: Region,
    image_id: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> None:
    """Share a private image with single accounts, or take that back; any number of them.

    The cloud refuses both for a public one.
    """
    for start in range(0, max(len(add), len(remove)), ACCOUNTS_PER_CALL_MAX):
        batch = slice(start, start + ACCOUNTS_PER_CALL_MAX)
        await region.cloud.call(
            ModifyImageSharePermission(
                region=region.id,
                image_id=image_id,
                public=False,
                add=add[batch],
                remove=remove[batch],
            )
        )


async def untag(region: Region, image_id: str, keys: Sequence[str]) -> None:
    """Take tags off an image."""
    await region.cloud.call(
        UntagResources(
            region=region.id,
            resource_type="image",
            resource_ids=(image_id,),
            keys=keys,
        )
    )


async def deprecate(region: Region, image_id: str) -> None:
    """Let a family not resolve to an image any more."""
    await _set_status(region, image_id, ImageStatus.DEPRECATED)


async def revive(region: Region, image: CloudImage) -> CloudImage:
    """Make a deprecated image Available again: who publishes it wants it to be found."""
    # The tag first: a run may be killed in between, and an image that is Available and
    # has the tag would be deleted as old as soon as somebody deprecates it by hand.
    if TAG_DEPRECATED in image.tags:
        await untag(region, image.image_id, [TAG_DEPRECATED])
    await _set_status(region, image.image_id, ImageStatus.AVAILABLE)
    text = f"{image.name} was deprecated; made it Available again"
    region.note(text, level="WARNING")
    return dataclasses.replace(image, status=ImageStatus.AVAILABLE)


_ALREADY: Final = {
    ImageStatus.DEPRECATED: "ImageStatus.NotAvailable",
    ImageStatus.AVAILABLE: "ImageStatus.NotDeprecated",
}
"""How the cloud refuses a status that an image has already."""


async def _set_status(region: Region, image_id: str, status: ImageStatus) -> None:
    """Set the status, unless it is set: by a try whose answer got lost, or by others."""

    def is_set(found: Sequence[CloudImage]) -> bool:
        return any(image.status is status for image in found)

    asked_at = anyio.current_time()
    try:
        await region.cloud.call(
            ModifyImageAttribute(region=region.id, image_id=image_id, status=status)
        )
    except CloudError as error:
        if error.code != _ALREADY[status]:
            raise
        look = DescribeImages(region=region.id, image_ids=(image_id,))
        found = await look_again(
            lambda: region.cloud.call(look), is_set, since=asked_at
        )
        if not is_set(found):
            raise


async def tag(region: Region, image: CloudImage, tags: Mapping[str, str]) -> None:
    """Add tags to an image, or change their values; and those it lost when it was made.

    Where one of ours is there, its description does not count any more.
    """
    lost = {k: v for k, v in marks(image).items() if k not in image.tags}
    await region.cloud.call(
        TagResources(
            region=region.id,
            resource_type="image",
            resource_ids=(image.image_id,),
            tags=lost | dict(tags),
        )
    )


async def mark_permanent(region: Region, image_id: str) -> None:
    """Take the tags off that nothing has which is there to stay."""
    await untag(region, image_id, TEMPORARY_TAGS)


# --- images that stand aside ----------------------------------------------------------
# They were replaced by a run that was killed before it was done. Deleting one would be
# right if its successor has the name, and a loss if nothing has.


async def is_missed(region: Region, image: CloudImage) -> bool:
    """Whether the image was replaced, and nothing complete has the name that it had."""
    name = image.tags.get(TAG_WAS, "")
    if not name:
        return False
    there = await region.cloud.call(DescribeImages(region=region.id, name=name))
    return not any(other.name == name and other.status in READY for other in there)


async def put_back(region: Region, image: CloudImage) -> None:
    """Make the image what its tags say it was."""
    name, public = image.tags[TAG_WAS], TAG_WAS_PUBLIC in image.tags
    await bring_back(region, image, name=name, public=public)
    await mark_permanent(region, image.image_id)
    text = f"put {name} back: what was to replace it was never finished"
    region.note(text, level="WARNING")


async def bring_back(
    region: Region, image: CloudImage, *, name: str, public: bool
) -> None:
    """Give the image its name, and show it to everybody if it was public.

    Where images may not be made public any more, that is said and no failure. A name
    whose giving was not answered may be there: the image is shown all the same.
    """
    unanswered: CloudError | None = None
    if image.name != name:
        try:
            await rename(region, image.image_id, name)
        except CloudError as error:
            if not error.unsure:
                raise
            unanswered = error
    if public:
        try:
            await share(region, image.image_id, public=True)
        except CloudError as error:
            if look_up(error).meaning is not Meaning.FINAL:
                raise
            text = f"{name} cannot be made public again: {error.diagnostics()}"
            region.note(text, level="WARNING")
    if unanswered is not None:
        raise unanswered


# --- removal --------------------------------------------------------------------------


async def remove(region: Region, image: CloudImage) -> None:
    """Delete an image, wait until it is gone, then delete its snapshots.

    Its snapshots are tagged first, so that those left behind by a run that is killed
    half way can be told from others', and removed by anybody who finds them. Those that
    would not go are told by the region. An image in the making cannot be deleted
    and has no snapshots yet, so its end is waited for. It is taken back from the accounts
    that this tool shared it with; if others see it, the cloud refuses.
    """
    made = image
    if image.status in MAKING:
        ended = await _until(region, image.image_id, _is_made, _MADE_S_MAX)
        if ended is None:
            return
        made = ended
    # A late listing may have shown what another run has deleted already.
    if image.public:
        await _unless_gone(share(region, image.image_id, public=False))
    if image.shared and (given := shared_by_us(image.tags)):
        await _unless_gone(share_with(region, image.image_id, remove=given))
    if made.snapshot_ids:
        doom = TagResources(
            region=region.id,
            resource_type="snapshot",
            resource_ids=made.snapshot_ids,
            tags=_doomed(region),
        )
        await _unless_gone(region.cloud.call(doom))
    try:
        await _delete(region, made)
    except CloudError as error:
        if error.code != "ImageIsPublic":
            raise
        # Another run, of the same images, published it since we looked.
        await share(region, image.image_id, public=False)
        await _delete(region, made)
    await _until(region, image.image_id, _never, _GONE_S_MAX)
    if made.snapshot_ids:
        await region.delete_doomed(made.snapshot_ids)


async def _unless_gone(change: Awaitable[None]) -> None:
    try:
        await change
    except CloudError as error:
        if error.code not in GONE:
            raise


async def _delete(region: Region, image: CloudImage) -> None:
    """Delete an image; from the asking on, its snapshots are the region's to delete."""
    delete = DeleteImage(region=region.id, image_id=image.image_id)
    try:
        await region.cloud.call(delete, on_send=lambda: region.doom(image.snapshot_ids))
    except CloudError as error:
        if not error.unsure:
            region.spare(image.snapshot_ids)
        raise


def _doomed(region: Region) -> dict[str, str]:
    """Tag a snapshot that is of no use to anybody once its image is gone."""
    context = region.context
    return dataclasses.replace(context.lease, expires_at=int(context.now())).tags()


def _is_made(image: CloudImage) -> bool:
    return image.status not in MAKING


def _never(_image: CloudImage) -> bool:
    return False


async def _until(
    region: Region, image_id: str, so: Callable[[CloudImage], bool], bound_s: float
) -> CloudImage | None:
    """Wait until an image is so, and return it; None when it is gone."""
    began = anyio.current_time()
    wait_s = 0.3
    look = DescribeImages(region=region.id, image_ids=(image_id,))
    while True:
        found = await region.cloud.call(look)
        if not found or so(found[0]):
            return found[0] if found else None
        if anyio.current_time() - began > bound_s:
            raise TaskFailedError(
                f"image {image_id} is still there after it was deleted",
                region=region.id,
                operation="ecs.DeleteImage",
                code="DeleteTimeout",
            )
        await anyio.sleep(wait_s)
        wait_s = min(wait_s * 1.5, 10.0)
