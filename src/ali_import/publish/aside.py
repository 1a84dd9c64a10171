"""Images that stand aside, replaced by a run that was killed before it was done.

Deleting one would be right if its successor has the name, and a loss if nothing has.
"""

from ali_import.cloud.calls import DescribeImages
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import READY, CloudImage
from ali_import.errors import CloudError
from ali_import.publish import images
from ali_import.publish.context import Context
from ali_import.publish.lease import TAG_WAS, TAG_WAS_PUBLIC


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
    return not any(other.name == name and other.status in READY for other in there)


async def put_back(context: Context, region: str, image: CloudImage) -> None:
    """Make the image what its tags say it was.

    Raises:
        CloudError: It cannot be put back.
    """
    name, public = image.tags[TAG_WAS], TAG_WAS_PUBLIC in image.tags
    await bring_back(context, region, image, name=name, public=public)
    await images.mark_permanent(context, region, image.image_id)
    text = f"put {name} back: what was to replace it was never finished"
    context.note(text, region=region, level="WARNING")


async def bring_back(
    context: Context, region: str, image: CloudImage, *, name: str, public: bool
) -> None:
    """Give the image its name, and show it to everybody if it was public.

    Where images may not be made public any more, that is said and no failure.

    Raises:
        CloudError: It cannot be renamed, or the region does not answer.
    """
    if image.name != name:
        await images.rename(context, region, image.image_id, name)
    if not public:
        return
    try:
        await images.share(context, region, image.image_id, public=True)
    except CloudError as error:
        if look_up(error).meaning is not Meaning.FINAL:
            raise
        text = f"{name} cannot be made public again: {error.diagnostics()}"
        context.note(text, region=region, level="WARNING")
