"""Cancelling what a run that is stopped still has in the making."""

from typing import Final

import anyio

from ali_import.cloud.calls import CancelCopyImage, CancelTask, DescribeTasks
from ali_import.cloud.values import BROKEN, MAKING, CloudImage, TaskStatus
from ali_import.publish.job import Job
from ali_import.publish.lease import TAG_RUN
from ali_import.publish.making import find
from ali_import.publish.removal import remove_image
from ali_import.units import MINUTE_S

_END_S_MAX: Final = MINUTE_S
_RUNNING: Final = {TaskStatus.WAITING, TaskStatus.PROCESSING, TaskStatus.PAUSED}


async def cancel_making(job: Job) -> None:
    """Cancel the job's import or copy, if it is this run's, and remove the remains.

    What another run began is its own; what is Available already stays, for the next
    run to go on with (temporary images are removed elsewhere).

    Raises:
        CloudError: The region does not answer.
    """
    if not job.making:
        return
    image = await find(job)
    if image is None or image.tags.get(TAG_RUN) != job.context.lease.run_id:
        return
    if image.status in MAKING:
        await _cancel(job, image)
        image = await _until_ended(job)
    if image is not None and image.status in BROKEN:
        await remove_image(job.context, job.region, image)


async def _cancel(job: Job, image: CloudImage) -> None:
    """Cancel by what the image is: an import has a task, a copy has none."""
    cloud = job.context.cloud
    tasks = await cloud.call(
        DescribeTasks(region=job.region, image_ids=(image.image_id,))
    )
    for task in tasks:
        if task.status in _RUNNING:
            await cloud.call(CancelTask(region=job.region, task_id=task.task_id))
    if not tasks:
        await cloud.call(CancelCopyImage(region=job.region, image_id=image.image_id))


async def _until_ended(job: Job) -> CloudImage | None:
    began = anyio.current_time()
    while True:
        image = await find(job)
        if image is None or image.status not in MAKING:
            return image
        if anyio.current_time() - began > _END_S_MAX:
            return image
        await anyio.sleep(0.5)
