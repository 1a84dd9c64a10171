"""Waiting: one watcher a region asks about everything in flight there, in few calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.abc import TaskGroup

from ali_import.cloud.calls import (
    DescribeImages,
    DescribeTaskAttribute,
    DescribeTasks,
)
from ali_import.cloud.steady import Steady
from ali_import.cloud.values import MAKING, READY, CloudImage, TaskStatus
from ali_import.errors import CloudError, TaskFailedError
from ali_import.units import HOUR_S

_POLL_S_MIN: Final = 0.5
_POLL_S_MAX: Final = 15.0
_PACE: Final = 0.08
"""Polls come every 8 % of the time already waited: 8 % late at most, few calls."""
_BATCH_IMAGES: Final = 100
LAG_S_MAX: Final = 15.0
"""A listing may lag behind: an image just asked for is not gone at the first miss."""
_WAIT_S_MAX: Final = 3 * HOUR_S

_BROKEN_TASKS: Final = {TaskStatus.FAILED, TaskStatus.DELETED}


class ImageGoneError(TaskFailedError):
    """The image that was being made is no longer there, and nothing says why."""


@dataclass(kw_only=True)
class _Wait:
    """One image somebody waits for."""

    image_id: str
    task_id: str
    since: float
    on_progress: Callable[[int], None] | None = None
    progress: int = 0
    missed_since: float | None = None
    image: CloudImage | None = None
    error: CloudError | None = None
    done: anyio.Event = field(default_factory=anyio.Event)


class Watcher:
    """Watches a region's images in the making.

    It polls only while somebody waits, at a pace that follows the waiting time, and
    fails a wait at once when the cloud says CreateFailed, with the task's own reason.
    """

    def __init__(self, cloud: Steady, region: str, tasks: TaskGroup) -> None:
        self._cloud = cloud
        self._region = region
        self._tasks = tasks
        self._waits: dict[str, _Wait] = {}
        self._running = False

    async def available(
        self,
        image_id: str,
        task_id: str = "",
        on_progress: Callable[[int], None] | None = None,
    ) -> CloudImage:
        """Wait until an image is Available, and return it as it is then.

        Args:
            image_id: The image.
            task_id: Its import task, or "" for a copy.
            on_progress: Told the percentage whenever it changes.

        Raises:
            ImageGoneError: The image vanished.
            TaskFailedError: Its import or copy failed; ``code`` is the cloud's reason.
            CloudError: The region does not answer.
        """
        wait = self._waits.get(image_id)
        if wait is None:
            wait = _Wait(image_id=image_id, task_id=task_id, since=anyio.current_time())
            self._waits[image_id] = wait
        wait.task_id = wait.task_id or task_id
        wait.on_progress = on_progress or wait.on_progress
        if not self._running:
            self._running = True
            self._tasks.start_soon(self._watch)
        await wait.done.wait()
        if wait.error is not None:
            raise wait.error
        assert wait.image is not None
        return wait.image

    async def _watch(self) -> None:
        while self._waits:
            newest = max(wait.since for wait in self._waits.values())
            waited_s = anyio.current_time() - newest
            await anyio.sleep(min(max(waited_s * _PACE, _POLL_S_MIN), _POLL_S_MAX))
            try:
                await self._poll()
            except CloudError as error:
                for image_id in list(self._waits):
                    self._end(image_id, error=error)
        self._running = False

    async def _poll(self) -> None:
        ids = sorted(self._waits)
        for start in range(0, len(ids), _BATCH_IMAGES):
            batch = ids[start : start + _BATCH_IMAGES]
            seen = await self._cloud.call(
                DescribeImages(region=self._region, image_ids=batch)
            )
            images = {image.image_id: image for image in seen}
            broken = await self._broken_tasks(batch)
            for image_id in batch:
                await self._judge(image_id, images.get(image_id), broken)

    async def _broken_tasks(self, image_ids: list[str]) -> set[str]:
        task_ids = [self._waits[i].task_id for i in image_ids if self._waits[i].task_id]
        if not task_ids:
            return set()
        tasks = await self._cloud.call(
            DescribeTasks(region=self._region, task_ids=task_ids)
        )
        return {t.task_id for t in tasks if t.status in _BROKEN_TASKS}

    async def _judge(
        self, image_id: str, image: CloudImage | None, broken: set[str]
    ) -> None:
        wait = self._waits[image_id]
        if image is None:
            now = anyio.current_time()
            wait.missed_since = now if wait.missed_since is None else wait.missed_since
            lasting = now - wait.missed_since >= LAG_S_MAX
            if wait.task_id in broken or lasting:
                # Somebody removed it, or cancelled its making: worth another try.
                gone = self._error(wait, "ImageGone", "the image is no longer there")
                self._end(image_id, error=gone)
            return
        wait.missed_since = None
        if image.progress != wait.progress:
            wait.progress = image.progress
            if wait.on_progress is not None:
                wait.on_progress(image.progress)
        if image.status in MAKING and wait.task_id not in broken:
            if anyio.current_time() - wait.since > _WAIT_S_MAX:
                text = f"not ready after {_WAIT_S_MAX / HOUR_S:.0f} hours"
                self._end(image_id, error=self._error(wait, "WaitTimeout", text))
        elif image.status in READY:
            self._end(image_id, image=image)
        else:
            failed = self._error(wait, "CreateFailed", f"the image is {image.status}")
            self._end(image_id, error=await self._reason(wait, failed))

    async def _reason(self, wait: _Wait, error: TaskFailedError) -> CloudError:
        """Ask the task, the only one who knows, why it failed."""
        if not wait.task_id:
            return error
        try:
            task = await self._cloud.call(
                DescribeTaskAttribute(region=self._region, task_id=wait.task_id)
            )
        except CloudError:
            return error  # the failure itself matters more than its unknown reason
        if not task.error_code and not task.error_message:
            return error
        text = f"the import failed: {task.error_message or task.error_code}"
        code = task.error_code or error.code
        return TaskFailedError(
            text, region=self._region, operation="ecs.ImportImage", code=code
        )

    def _error(self, wait: _Wait, code: str, text: str) -> TaskFailedError:
        kind = ImageGoneError if code == "ImageGone" else TaskFailedError
        operation = "ecs.ImportImage" if wait.task_id else "ecs.CopyImage"
        return kind(text, region=self._region, operation=operation, code=code)

    def _end(
        self,
        image_id: str,
        *,
        image: CloudImage | None = None,
        error: CloudError | None = None,
    ) -> None:
        wait = self._waits.pop(image_id)
        wait.image, wait.error = image, error
        wait.done.set()
