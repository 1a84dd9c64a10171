"""Images that stand aside, replaced by a run that was killed before it was done.

Deleting one would be right if its successor has the name, and a loss if nothing has.
"""

from typing import Final

from ali_import.cloud.requests import (
    DescribeImages,
    ModifyImageAttribute,
    ModifyImageSharePermission,
    UntagResources,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import CloudImage, ImageStatus
from ali_import.errors import CloudError
from ali_import.publish.context import Context
from ali_import.publish.lease import TAG_WAS, TAG_WAS_PUBLIC, TEMPORARY_TAGS

_COMPLETE: Final = frozenset({ImageStatus.AVAILABLE, ImageStatus.DEPRECATED})


def aside_tags(name: str, *, public: bool) -> dict[str, str]:
    """Tag an image that goes aside with what it was, and what it takes to put it back."""
    tags = {TAG_WAS: name}
    if public:
        tags[TAG_WAS_PUBLIC] = "true"
    return tags


def is_going_aside(image: CloudImage) -> bool:
    """Whether a run meant to replace the image, hid it maybe, and got no further."""
    return image.tags.get(TAG_WAS, "") == image.name


async def is_missed(context: Context, region: str, image: CloudImage) -> bool:
    """Whether the image was replaced, and nothing complete has the name that it had.

    Raises:
        CloudError: The region does not say.
    """
    name = image.tags.get(TAG_WAS, "")
    if not name:
        return False
    there = await context.cloud.call(DescribeImages(region=region, name=name))
    return not any(other.name == name and other.status in _COMPLETE for other in there)


async def put_back(context: Context, region: str, image: CloudImage) -> None:
    """Make the image what it was: its name, for everybody if it was public.

    Raises:
        CloudError: It cannot be put back.
    """
    cloud, image_id, name = context.cloud, image.image_id, image.tags[TAG_WAS]
    if image.name != name:
        await cloud.call(
            ModifyImageAttribute(region=region, image_id=image_id, name=name)
        )
    if TAG_WAS_PUBLIC in image.tags and not image.public:
        await show_again(context, region, image)
    await cloud.call(
        UntagResources(
            region=region,
            resource_type="image",
            resource_ids=(image_id,),
            keys=TEMPORARY_TAGS,
        )
    )
    text = f"put {name} back: what was to replace it was never finished"
    context.note(text, region=region, level="WARNING")


async def show_again(context: Context, region: str, image: CloudImage) -> None:
    """Make an image public again; where that is not allowed any more, say so.

    Raises:
        CloudError: The region does not answer.
    """
    try:
        await context.cloud.call(
            ModifyImageSharePermission(
                region=region, image_id=image.image_id, public=True
            )
        )
    except CloudError as error:
        if look_up(error).meaning is not Meaning.FINAL:
            raise
        text = f"{image.name} cannot be made public again: {error.diagnostics()}"
        context.note(text, region=region, level="WARNING")
