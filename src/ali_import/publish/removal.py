"""Removing an image that is ours, with the snapshots that it would leave behind."""

from typing import Final

import anyio

from ali_import.cloud.requests import (
    DeleteImage,
    DeleteSnapshot,
    DescribeImages,
    ModifyImageSharePermission,
    TagResources,
)
from ali_import.cloud.steady import Steady
from ali_import.cloud.values import CloudImage
from ali_import.errors import TaskFailedError
from ali_import.publish.lease import Lease
from ali_import.units import MINUTE_S

_GONE_S_MAX: Final = 10 * MINUTE_S


async def remove_image(
    cloud: Steady, region: str, image: CloudImage, lease: Lease
) -> None:
    """Delete an image, wait until it is gone, then delete its snapshots.

    Its snapshots are tagged first, so that those left behind by a run that is killed
    half way can be told from others', and removed when the lease is over.

    Raises:
        CloudError: It is in use, or will not go.
    """
    if image.public:
        await cloud.call(
            ModifyImageSharePermission(
                region=region, image_id=image.image_id, public=False
            )
        )
    if image.snapshot_ids:
        await cloud.call(
            TagResources(
                region=region,
                resource_type="snapshot",
                resource_ids=image.snapshot_ids,
                tags=lease.tags(),
            )
        )
    await cloud.call(DeleteImage(region=region, image_id=image.image_id))
    await _until_gone(cloud, region, image.image_id)
    for snapshot_id in image.snapshot_ids:
        await cloud.call(DeleteSnapshot(region=region, snapshot_id=snapshot_id))


async def _until_gone(cloud: Steady, region: str, image_id: str) -> None:
    began = anyio.current_time()
    wait_s = 0.3
    request = DescribeImages(region=region, image_ids=(image_id,))
    while await cloud.call(request):
        if anyio.current_time() - began > _GONE_S_MAX:
            raise TaskFailedError(
                f"image {image_id} was deleted but does not go",
                region=region,
                operation="ecs.DeleteImage",
                code="DeleteTimeout",
            )
        await anyio.sleep(wait_s)
        wait_s = min(wait_s * 1.5, 10.0)
