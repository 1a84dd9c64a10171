"""Removing an image that is ours, with the snapshots that it would leave behind."""

from collections.abc import Callable
from typing import Final

import anyio

from ali_import.cloud.calls import (
    DeleteImage,
    DeleteSnapshot,
    DescribeImages,
    TagResources,
)
from ali_import.cloud.steady import Steady
from ali_import.cloud.values import MAKING, CloudImage
from ali_import.errors import CloudError, TaskFailedError
from ali_import.publish import images
from ali_import.publish.context import Context
from ali_import.publish.model import Leftover
from ali_import.units import MINUTE_S

_GONE_S_MAX: Final = 10 * MINUTE_S
_MADE_S_MAX: Final = 30 * MINUTE_S


async def remove_image(context: Context, region: str, image: CloudImage) -> None:
    """Delete an image, wait until it is gone, then delete its snapshots.

    Its snapshots are tagged first, so that those left behind by a run that is killed
    half way can be told from others', and removed when the lease is over. Those that
    would not go are noted in the context. An image in the making cannot be deleted and
    has no snapshots yet, so its end is waited for.

    Raises:
        CloudError: It is in use, or will not go.
    """
    cloud, made = context.cloud, image
    if image.status in MAKING:
        ended = await _until(cloud, region, image.image_id, _is_made, _MADE_S_MAX)
        if ended is None:
            return
        made = ended
    if image.public:
        await images.share(context, region, image.image_id, public=False)
    if made.snapshot_ids:
        await cloud.call(
            TagResources(
                region=region,
                resource_type="snapshot",
                resource_ids=made.snapshot_ids,
                tags=context.lease.tags(),
            )
        )
    delete = DeleteImage(region=region, image_id=image.image_id)
    try:
        await cloud.call(delete)
    except CloudError as error:
        if error.code != "ImageIsPublic":
            raise
        # Another run, of the same images, published it since we looked.
        await images.share(context, region, image.image_id, public=False)
        await cloud.call(delete)
    await _until(cloud, region, image.image_id, _never, _GONE_S_MAX)
    for snapshot_id in made.snapshot_ids:
        await _remove_snapshot(context, region, snapshot_id)


async def _remove_snapshot(context: Context, region: str, snapshot_id: str) -> None:
    try:
        await context.cloud.call(DeleteSnapshot(region=region, snapshot_id=snapshot_id))
    except CloudError as error:
        text = f"snapshot {snapshot_id} is left: {error.diagnostics()}"
        context.note(text, region=region, level="WARNING")
        left = Leftover(
            region=region,
            kind="snapshot",
            name=snapshot_id,
            run_id=context.lease.run_id,
            expires_at=float(context.lease.expires_at),
        )
        context.snapshots_left.append(left)


def _is_made(image: CloudImage) -> bool:
    return image.status not in MAKING


def _never(_image: CloudImage) -> bool:
    return False


async def _until(
    cloud: Steady,
    region: str,
    image_id: str,
    so: Callable[[CloudImage], bool],
    bound_s: float,
) -> CloudImage | None:
    """Wait until an image is so, and return it; None when it is gone."""
    began = anyio.current_time()
    wait_s = 0.3
    request = DescribeImages(region=region, image_ids=(image_id,))
    while True:
        found = await cloud.call(request)
        if not found or so(found[0]):
            return found[0] if found else None
        if anyio.current_time() - began > bound_s:
            raise TaskFailedError(
                f"image {image_id} is to be deleted but does not go",
                region=region,
                operation="ecs.DeleteImage",
                code="DeleteTimeout",
            )
        await anyio.sleep(wait_s)
        wait_s = min(wait_s * 1.5, 10.0)
