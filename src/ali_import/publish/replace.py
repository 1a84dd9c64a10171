"""Replacing an image without a hole: the name always resolves to a complete image.

The new image is Available under a temporary name. The old one is unpublished and
renamed away, the new one renamed in, with nothing between the two renames; the old one
is deleted at the very end. A failure at any point leaves the old or the new image
under the name; a run killed between the renames is finished by the next one.
"""

from typing import Final

from ali_import.cloud.requests import (
    DescribeImages,
    ModifyImageAttribute,
    ModifyImageSharePermission,
    TagResources,
    UntagResources,
)
from ali_import.cloud.values import CloudImage, ImageStatus
from ali_import.errors import ApiError, CloudError
from ali_import.publish.job import Job
from ali_import.publish.lease import TAG_EXPIRES, temporary_image_name
from ali_import.publish.making import BROKEN
from ali_import.publish.removal import remove_image

_ROUNDS_MAX: Final = 5


async def replace(job: Job) -> CloudImage | None:
    """Give the job's image its target's name; return the image it replaced, if any.

    Raises:
        CloudError: One of the two images cannot be renamed.
    """
    assert job.image is not None
    for _ in range(_ROUNDS_MAX):
        old = await _under_target_name(job)
        if old is not None and old.image_id == job.image.image_id:
            return None
        if old is not None and _is_twin(job, old):
            # Another run was quicker: its image is as good as ours, which is surplus.
            surplus, job.image = job.image, old
            job.temporary = False
            await remove_image(
                job.context.cloud, job.region, surplus, job.context.lease
            )
            return None
        retired = await _retire(job, old) if old is not None else None
        try:
            if await _take_name(job):
                return retired
        except CloudError:
            if retired is not None:
                await _restore(job, retired)
            raise
    raise ApiError(
        f"the name {job.target.name} is taken again and again",
        region=job.region,
        operation="ecs.ModifyImageAttribute",
        code="InvalidImageName.Duplicated",
        http_status=400,
        advice="somebody else is making images of this name; run again",
    )


async def _under_target_name(job: Job) -> CloudImage | None:
    name = job.target.name
    found = await job.context.cloud.call(DescribeImages(region=job.region, name=name))
    return next((image for image in found if image.name == name), None)


def _is_twin(job: Job, image: CloudImage) -> bool:
    return job.is_ours(image) and image.status is ImageStatus.AVAILABLE


async def _retire(job: Job, old: CloudImage) -> CloudImage | None:
    """Move the old image away from the name, marked as ours to delete."""
    cloud, lease = job.context.cloud, job.context.lease
    if old.status in BROKEN:
        await remove_image(cloud, job.region, old, lease)
        return None
    await cloud.call(
        TagResources(
            region=job.region,
            resource_type="image",
            resource_ids=(old.image_id,),
            tags=lease.tags(),
        )
    )
    if old.public:
        await cloud.call(
            ModifyImageSharePermission(
                region=job.region, image_id=old.image_id, public=False
            )
        )
    name = temporary_image_name("old", job.context.account_id, old.image_id)
    await cloud.call(
        ModifyImageAttribute(region=job.region, image_id=old.image_id, name=name)
    )
    return old


async def _restore(job: Job, old: CloudImage) -> None:
    """Put the old image back as it was: the new one could not take its name."""
    cloud = job.context.cloud
    await cloud.call(
        ModifyImageAttribute(region=job.region, image_id=old.image_id, name=old.name)
    )
    if old.public:
        await cloud.call(
            ModifyImageSharePermission(
                region=job.region, image_id=old.image_id, public=True
            )
        )
    await cloud.call(
        UntagResources(
            region=job.region,
            resource_type="image",
            resource_ids=(old.image_id,),
            keys=(TAG_EXPIRES,),
        )
    )


async def _take_name(job: Job) -> bool:
    """Rename the new image in; False if the name was taken in the meantime."""
    assert job.image is not None
    cloud, image_id = job.context.cloud, job.image.image_id
    try:
        await cloud.call(
            ModifyImageAttribute(
                region=job.region, image_id=image_id, name=job.target.name
            )
        )
    except CloudError as error:
        if error.code != "InvalidImageName.Duplicated":
            raise
        return False
    job.temporary = False
    await cloud.call(
        UntagResources(
            region=job.region,
            resource_type="image",
            resource_ids=(image_id,),
            keys=(TAG_EXPIRES,),
        )
    )
    return True
