"""Waiting: a region's waiters share one question about everything in flight there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio

from ali_import.cloud.calls import DescribeImages, DescribeTaskAttribute, DescribeTasks
from ali_import.cloud.steady import Steady
from ali_import.cloud.values import MAKING, READY, CloudImage, TaskStatus
from ali_import.errors import CloudError, TaskFailedError
from ali_import.publish.context import LATE_S
from ali_import.units import HOUR_S, MINUTE_S

_POLL_S_MIN: Final = 1.5
_POLL_S_MAX: Final = 15.0
_PACE: Final = 0.08
"""Polls come every 8 % of the time already waited: 8 % late at most, few calls."""
_PACE_NEAR_END: Final = 0.02
_LEFT: Final = 0.3
"""Where progress tells how much is left, they come after 30 % of that, since it may be
wrong; but not more often than every 2 % of the time waited."""
_BATCH_IMAGES: Final = 100
_WAIT_S_MAX: Final = 3 * HOUR_S
_USABLE_S_MAX: Final = 30 * MINUTE_S
"""An image is Available before it can be used (terraform-provider-alicloud#10176)."""

_BROKEN_TASKS: Final = {TaskStatus.FAILED, TaskStatus.DELETED}


class ImageGoneError(TaskFailedError):
    """The image that was being made is no longer there, and nothing says why."""


@dataclass(kw_only=True, eq=False)
class _Wait:
    """One image somebody waits for."""

    image_id: str
    task_id: str
    since: float
    on_progress: Callable[[int], None]
    progress: int = 0
    missed_since: float | None = None
    ready_since: float | None = None
    image: CloudImage | None = None
    error: CloudError | None = None

    def pause_s(self) -> float:
        """Return after how many seconds it is worth to ask again."""
        since = self.since if self.ready_since is None else self.ready_since
        waited_s = anyio.current_time() - since
        pause_s = waited_s * _PACE
        if self.ready_since is None and 0 < self.progress < 100:
            left_s = waited_s * (100 - self.progress) / self.progress
            pause_s = min(pause_s, max(left_s * _LEFT, waited_s * _PACE_NEAR_END))
        return pause_s


class Watcher:
    """Watches a region's images in the making.

    It polls only while somebody waits, at a pace that follows the waiting time, and
    fails a wait at once when the cloud says CreateFailed, with the task's own reason.
    Whoever waits may be the one who asks, for all; when he is done, another goes on.
    """

    def __init__(self, cloud: Steady, region: str) -> None:
        self._cloud = cloud
        self._region = region
        self._waits: list[_Wait] = []
        self._asking = False
        self._asked = anyio.Event()

    async def available(
        self,
        image_id: str,
        task_id: str = "",
        on_progress: Callable[[int], None] = lambda _percent: None,
    ) -> CloudImage:
        """Wait until an image is Available and usable, and return it as it is then.

        One that is not usable half an hour after it became Available is returned, too.

        Args:
            image_id: The image.
            task_id: Its import task, or "" for a copy.
            on_progress: Told the percentage whenever it changes.

        Raises:
            ImageGoneError: The image vanished.
            TaskFailedError: Its import or copy failed; ``code`` is the cloud's reason.
            CloudError: The region does not answer.
        """
        wait = _Wait(
            image_id=image_id,
            task_id=task_id,
            since=anyio.current_time(),
            on_progress=on_progress,
        )
        self._waits.append(wait)
        try:
            while wait.image is None and wait.error is None:
                if self._asking:
                    await self._asked.wait()
                else:
                    await self._ask()
        finally:
            if wait in self._waits:
                self._waits.remove(wait)
        if wait.error is not None:
            raise wait.error
        assert wait.image is not None
        return wait.image

    async def _ask(self) -> None:
        """Ask once about everything that is waited for, when it is time to."""
        self._asking = True
        try:
            soonest_s = min(wait.pause_s() for wait in self._waits)
            await anyio.sleep(min(max(soonest_s, _POLL_S_MIN), _POLL_S_MAX))
            await self._poll()
        except CloudError as error:
            for wait in list(self._waits):
                self._end(wait, error=error)
        finally:
            self._asking = False
            self._asked.set()
            self._asked = anyio.Event()

    async def _poll(self) -> None:
        waits = sorted(self._waits, key=lambda wait: wait.image_id)
        for start in range(0, len(waits), _BATCH_IMAGES):
            batch = waits[start : start + _BATCH_IMAGES]
            ids = tuple(dict.fromkeys(wait.image_id for wait in batch))
            looked_at = anyio.current_time()  # the answer may take its time
            seen = await self._cloud.call(
                DescribeImages(region=self._region, image_ids=ids)
            )
            images = {image.image_id: image for image in seen}
            missing = [wait for wait in batch if wait.image_id not in images]
            broken = await self._broken_tasks(missing)
            for wait in batch:
                if (image := images.get(wait.image_id)) is not None:
                    await self._judge(wait, image)
                else:
                    await self._judge_missing(wait, looked_at, broken)

    async def _broken_tasks(self, waits: list[_Wait]) -> dict[str, TaskStatus]:
        """Ask about the tasks of images that are not seen: a few end in that alone."""
        task_ids = [wait.task_id for wait in waits if wait.task_id]
        if not task_ids:
            return {}
        tasks = await self._cloud.call(
            DescribeTasks(region=self._region, task_ids=task_ids)
        )
        return {t.task_id: t.status for t in tasks if t.status in _BROKEN_TASKS}

    async def _judge_missing(
        self, wait: _Wait, looked_at: float, broken: dict[str, TaskStatus]
    ) -> None:
        if wait.missed_since is None:
            wait.missed_since = looked_at
        lasting = looked_at - wait.missed_since >= LATE_S
        task = broken.get(wait.task_id)
        if task is TaskStatus.FAILED:
            failed = self._error(wait, "CreateFailed", "the import failed")
            self._end(wait, error=await self._reason(wait, failed))
        elif task is TaskStatus.DELETED or lasting:
            # Somebody removed it, or cancelled its making: worth another try.
            gone = self._error(wait, "ImageGone", "the image is no longer there")
            self._end(wait, error=gone)

    async def _judge(self, wait: _Wait, image: CloudImage) -> None:
        wait.missed_since = None
        if image.progress != wait.progress:
            wait.progress = image.progress
            wait.on_progress(image.progress)
        if image.status in MAKING:
            if anyio.current_time() - wait.since > _WAIT_S_MAX:
                text = f"not ready after {_WAIT_S_MAX / HOUR_S:.0f} hours"
                self._end(wait, error=self._error(wait, "WaitTimeout", text))
        elif image.status in READY:
            now = anyio.current_time()
            wait.ready_since = now if wait.ready_since is None else wait.ready_since
            if image.usable is not False or now - wait.ready_since >= _USABLE_S_MAX:
                self._end(wait, image=image)
        else:
            failed = self._error(wait, "CreateFailed", f"the image is {image.status}")
            self._end(wait, error=await self._reason(wait, failed))

    async def _reason(self, wait: _Wait, error: CloudError) -> CloudError:
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

    def _error(self, wait: _Wait, code: str, text: str) -> CloudError:
        kinds = {"ImageGone": ImageGoneError, "WaitTimeout": CloudError}
        kind = kinds.get(code, TaskFailedError)
        operation = "ecs.ImportImage" if wait.task_id else "ecs.CopyImage"
        return kind(text, region=self._region, operation=operation, code=code)

    def _end(
        self,
        wait: _Wait,
        *,
        image: CloudImage | None = None,
        error: CloudError | None = None,
    ) -> None:
        wait.image, wait.error = image, error
        if wait in self._waits:
            self._waits.remove(wait)
