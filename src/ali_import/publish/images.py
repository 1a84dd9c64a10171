"""Single calls about an image that several modules make.

All of them raise CloudError if the region refuses or does not answer.
"""

from collections.abc import Mapping

from ali_import.cloud.calls import (
    ModifyImageAttribute,
    ModifyImageSharePermission,
    TagResources,
    UntagResources,
)
from ali_import.publish.context import Context
from ali_import.publish.lease import TEMPORARY_TAGS


async def rename(context: Context, region: str, image_id: str, name: str) -> None:
    """Give an image another name."""
    await context.cloud.call(
        ModifyImageAttribute(region=region, image_id=image_id, name=name)
    )


async def share(context: Context, region: str, image_id: str, *, public: bool) -> None:
    """Make an image public (a community image), or private again."""
    await context.cloud.call(
        ModifyImageSharePermission(region=region, image_id=image_id, public=public)
    )


async def tag(
    context: Context, region: str, image_id: str, tags: Mapping[str, str]
) -> None:
    """Add tags to an image, or change their values."""
    await context.cloud.call(
        TagResources(
            region=region, resource_type="image", resource_ids=(image_id,), tags=tags
        )
    )


async def mark_permanent(context: Context, region: str, image_id: str) -> None:
    """Take the tags off that nothing has which is there to stay."""
    await context.cloud.call(
        UntagResources(
            region=region,
            resource_type="image",
            resource_ids=(image_id,),
            keys=TEMPORARY_TAGS,
        )
    )
