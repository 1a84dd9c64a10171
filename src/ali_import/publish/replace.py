"""Replacing an image without a hole: the name always resolves to a complete image.

The new image is Available under a temporary name. The old one is unpublished and
renamed away, the new one renamed in, with nothing between the two renames; the old one
is deleted when the new one is published, or else put back. A failure at any point
leaves the old or the new image under the name; a run killed between the renames is
finished by the next one.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

import anyio

from ali_import.cloud.calls import DescribeImages
from ali_import.cloud.values import BROKEN, READY, CloudImage, ImageStatus
from ali_import.errors import ApiError, CloudError
from ali_import.publish import images
from ali_import.publish.aside import aside_tags, bring_back
from ali_import.publish.job import Job
from ali_import.publish.lease import (
    TAG_RUN,
    TAG_WAS_PUBLIC,
    of_tags,
    temporary_image_name,
)
from ali_import.publish.removal import remove_image
from ali_import.publish.watcher import LAG_S_MAX

_ROUNDS_MAX: Final = 5
_GONE: Final = frozenset({"InvalidImageId.NotFound", "InvalidResourceId.NotFound"})


async def replace(job: Job) -> None:
    """Give the job's image its target's name; ``job.retired`` is what it replaced.

    Raises:
        CloudError: One of the two images cannot be renamed.
    """
    assert job.image is not None
    for _ in range(_ROUNDS_MAX):
        old = await _under_target_name(job)
        if old is not None and old.image_id == job.image.image_id:
            await _named(job)
            return
        if old is not None and _is_twin(job, old):
            # Another run was quicker: its image is as good as ours. Ours is surplus,
            # and dropped with all that is temporary.
            job.image = old
            return
        if old is not None and not await _retire(job, old):
            await anyio.sleep(1.0)  # listings lag behind
            continue
        try:
            taken = await _take_name(job)
        except CloudError:
            if job.retired is not None:
                await _restore(job, job.retired)
            raise
        if taken:
            await _named(job)
            return
    raise ApiError(
        f"the name {job.target.name} is taken again and again",
        region=job.region,
        operation="ecs.ModifyImageAttribute",
        code="InvalidImageName.Duplicated",
        http_status=400,
        advice="somebody else is making images of this name; run again",
    )


async def stands(job: Job) -> bool:
    """Whether the job's image has its target's name in the region.

    A listing may lag behind a renaming, so that nothing has the name is believed late.
    """
    assert job.image is not None
    began = anyio.current_time()
    while (there := await _under_target_name(job)) is None:
        if anyio.current_time() - began > LAG_S_MAX:
            return False
        await anyio.sleep(1.0)
    return there.image_id == job.image.image_id


async def is_published(job: Job) -> bool:
    """Whether the new image has name and family, maybe by another run's doing."""
    there = await _under_target_name(job)
    return (
        there is not None
        and job.image is not None
        and there.image_id == job.image.image_id
        and there.family == job.target.family
    )


async def discard(job: Job) -> None:
    """Delete what was replaced, unless another run has put it back.

    Raises:
        CloudError: It is in use, or will not go.
    """
    assert job.retired is not None
    await _discard_one(job, job.retired)
    job.retired = None
    while job.superseded:
        await _discard_one(job, job.superseded[-1])
        job.superseded.pop()


async def _discard_one(job: Job, old: CloudImage) -> None:
    found = await job.context.cloud.call(
        DescribeImages(region=job.region, image_ids=(old.image_id,))
    )
    for image in found:
        if image.name != _aside(job, old):
            continue
        if of_tags(image.tags) is None:
            # A run that was naming it as we retired it has taken our tags off.
            tags = aside_tags(job.target.name, public=old.public)
            await _tag_temporary(job, image, tags)
        await remove_image(job.context, job.region, image)


async def put_back(job: Job) -> None:
    """Undo a replacement: the old image gets its name back, the new one a temporary one.

    Raises:
        CloudError: One of the two images cannot be renamed.
    """
    old = job.retired
    assert old is not None
    found = await job.context.cloud.call(
        DescribeImages(region=job.region, image_ids=(old.image_id,))
    )
    if not found:
        job.retired = None
        return  # somebody deleted it: rather the new image than none
    there = await _under_target_name(job)
    new = job.image
    third = there is not None and there.image_id not in _ids(old, new)
    if there is not None and third and there.status in READY:
        await discard(job)  # somebody's image has superseded both
        return
    if there is not None and new is not None and there.image_id == new.image_id:
        await _tag_temporary(job, there)
        job.temporary = True
        job.image = await _rename(job, new, job.name)
    try:
        await _restore(job, found[0])
    except CloudError:
        if job.temporary and await _take_name(job):
            await _named(job)  # rather the new image than none
        raise


async def _under_target_name(job: Job) -> CloudImage | None:
    name = job.target.name
    found = await job.context.cloud.call(DescribeImages(region=job.region, name=name))
    return next((image for image in found if image.name == name), None)


def _is_twin(job: Job, image: CloudImage) -> bool:
    return job.is_ours(image) and image.status is ImageStatus.AVAILABLE


def _ids(*images: CloudImage | None) -> set[str]:
    return {image.image_id for image in images if image is not None}


async def _retire(job: Job, old: CloudImage) -> bool:
    """Move the old image away from the name; False if it is gone, and who knows where.

    Another run, of the same images or others, may have replaced and deleted it.
    """
    if old.status in BROKEN:
        await remove_image(job.context, job.region, old)
        return True
    earlier = job.retired
    try:
        await _move_aside(job, old)
    except CloudError as error:
        if error.code not in _GONE:
            raise
        job.retired = earlier
        return False
    finally:
        if earlier is not None and job.retired is not earlier:
            job.superseded.append(earlier)
    return True


async def _move_aside(job: Job, old: CloudImage) -> None:
    """Mark the old image as ours to delete, hide it, and rename it."""
    await _tag_temporary(job, old, aside_tags(job.target.name, public=old.public))
    job.retired = old
    if old.public:
        await images.share(job.context, job.region, old.image_id, public=False)
    job.retired = await _rename(job, old, _aside(job, old))


def _aside(job: Job, old: CloudImage) -> str:
    return temporary_image_name("old", job.context.account_id, old.image_id)


async def _restore(job: Job, old: CloudImage) -> None:
    """Make the old image, as it stands now, what it was."""
    assert job.retired is not None
    name = job.target.name
    public = job.retired.public or TAG_WAS_PUBLIC in old.tags  # hidden by us or earlier
    await bring_back(job.context, job.region, old, name=name, public=public)
    job.retired = None
    await images.mark_permanent(job.context, job.region, old.image_id)


async def _take_name(job: Job) -> bool:
    """Rename the new image in; False if the name was taken in the meantime."""
    assert job.image is not None
    try:
        await _rename(job, job.image, job.target.name)
    except CloudError as error:
        if error.code != "InvalidImageName.Duplicated":
            raise
        return False
    return True


async def _named(job: Job) -> None:
    """Note that the new image has its name for good."""
    assert job.image is not None
    job.temporary = False
    job.image = dataclasses.replace(job.image, name=job.target.name)
    await images.mark_permanent(job.context, job.region, job.image.image_id)


async def _rename(job: Job, image: CloudImage, name: str) -> CloudImage:
    await images.rename(job.context, job.region, image.image_id, name)
    return dataclasses.replace(image, name=name)


async def _tag_temporary(
    job: Job, image: CloudImage, more: Mapping[str, str] | None = None
) -> None:
    """Mark an image as ours to delete; one of content like ours stays whose it is.

    Another run may have taken over the image that we made: then it is not ours to drop.
    """
    tags = job.context.lease.tags() | dict(more or {})
    if job.is_ours(image) and TAG_RUN in image.tags:
        tags[TAG_RUN] = image.tags[TAG_RUN]
    await images.tag(job.context, job.region, image.image_id, tags)
