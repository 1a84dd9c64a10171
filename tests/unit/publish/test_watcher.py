"""Waiting: few calls, the cloud's own reasons, and an end in every case."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import anyio
import pytest

from ali_import.cloud.calls import (
    Call,
    DescribeImages,
    DescribeTaskAttribute,
    DescribeTasks,
)
from ali_import.cloud.steady import Steady
from ali_import.cloud.values import (
    CloudImage,
    ImageStatus,
    Task,
    TaskDetail,
    TaskStatus,
)
from ali_import.errors import ApiError, TaskFailedError
from ali_import.publish.watcher import ImageGoneError, Watcher
from emulator.tests.support.virtual import run
from tests.support.virtual import ScriptedCloud, refusal


class Making:
    """Images in the making: each ends at its time, in its status; "" is vanishing."""

    def __init__(self, **ends: tuple[float, str]) -> None:
        self.ends = {name.replace("_", "-"): end for name, end in ends.items()}
        self.reason = ("ImportImageFailed", "the disk is not bootable")

    def __call__(self, request: Call[Any]) -> object:
        now = anyio.current_time()
        if isinstance(request, DescribeImages):
            return tuple(
                image for i in request.image_ids if (image := self._image(i, now))
            )
        if isinstance(request, DescribeTasks):
            return tuple(
                Task(task_id=t, status=TaskStatus.PROCESSING) for t in request.task_ids
            )
        assert isinstance(request, DescribeTaskAttribute)
        code, message = self.reason
        return TaskDetail(
            task_id=request.task_id,
            status=TaskStatus.FAILED,
            error_code=code,
            error_message=message,
        )

    def _image(self, image_id: str, now: float) -> CloudImage | None:
        at_s, status = self.ends[image_id]
        if now < at_s:
            return CloudImage(
                image_id=image_id,
                name="n",
                status=ImageStatus.CREATING,
                progress=int(100 * now / at_s),
            )
        if not status:
            return None
        return CloudImage(
            image_id=image_id, name="n", status=ImageStatus(status), progress=100
        )


def watching(
    cloud: ScriptedCloud, scenario: Callable[[Watcher], Awaitable[object]]
) -> object:
    async def main() -> object:
        steady = Steady(cloud, rng=Random(1))
        return await scenario(Watcher(steady, "cn-hangzhou"))

    return run(main)


def test_an_image_is_given_back_soon_after_it_is_available() -> None:
    cloud = ScriptedCloud(Making(m_1=(300.0, "Available")))

    async def scenario(watcher: Watcher) -> float:
        image = await watcher.available("m-1")
        assert image.status is ImageStatus.AVAILABLE
        return anyio.current_time()

    ended = watching(cloud, scenario)
    assert isinstance(ended, float)
    assert 300 <= ended < 300 * 1.09
    assert len(cloud.calls) < 80


def test_a_hundred_images_are_asked_about_in_one_call() -> None:
    names = {f"m_{n}": (100.0, "Available") for n in range(100)}
    cloud = ScriptedCloud(Making(**names))

    async def scenario(watcher: Watcher) -> None:
        async with anyio.create_task_group() as waits:
            for name in names:
                waits.start_soon(watcher.available, name.replace("_", "-"), "t-1")

    watching(cloud, scenario)
    asked = [r for _, r in cloud.calls if isinstance(r, DescribeImages)]
    assert all(len(request.image_ids) == 100 for request in asked)
    assert len(cloud.calls) < 150


def test_progress_is_told_when_it_changes() -> None:
    cloud = ScriptedCloud(Making(m_1=(60.0, "Available")))
    told: list[int] = []

    async def scenario(watcher: Watcher) -> None:
        await watcher.available("m-1", "", told.append)

    watching(cloud, scenario)
    assert told == sorted(set(told))
    assert len(told) > 5


def test_a_failed_import_fails_with_the_clouds_own_reason() -> None:
    cloud = ScriptedCloud(Making(m_1=(5.0, "CreateFailed")))

    async def scenario(watcher: Watcher) -> float:
        with pytest.raises(TaskFailedError, match="not bootable") as caught:
            await watcher.available("m-1", "t-1")
        assert caught.value.code == "ImportImageFailed"
        return anyio.current_time()

    ended = watching(cloud, scenario)
    assert isinstance(ended, float)
    assert ended < 7


def test_a_failed_copy_has_no_task_to_ask() -> None:
    cloud = ScriptedCloud(Making(m_1=(5.0, "CreateFailed")))

    async def scenario(watcher: Watcher) -> None:
        with pytest.raises(TaskFailedError) as caught:
            await watcher.available("m-1")
        assert caught.value.code == "CreateFailed"

    watching(cloud, scenario)
    assert not any(isinstance(r, DescribeTaskAttribute) for _, r in cloud.calls)


def test_an_image_that_vanishes_is_told_from_one_that_fails() -> None:
    cloud = ScriptedCloud(Making(m_1=(5.0, "")))

    async def scenario(watcher: Watcher) -> None:
        with pytest.raises(ImageGoneError):
            await watcher.available("m-1")

    watching(cloud, scenario)


def test_an_error_of_the_region_ends_every_wait_in_it() -> None:
    cloud = ScriptedCloud(refusal("Forbidden.RAM", 403))
    ended: list[str] = []

    async def scenario(watcher: Watcher) -> None:
        async def one(image_id: str) -> None:
            with pytest.raises(ApiError):
                await watcher.available(image_id)
            ended.append(image_id)

        async with anyio.create_task_group() as waits:
            waits.start_soon(one, "m-1")
            waits.start_soon(one, "m-2")

    watching(cloud, scenario)
    assert sorted(ended) == ["m-1", "m-2"]


def test_nobody_polls_when_nobody_waits_and_a_later_wait_starts_anew() -> None:
    cloud = ScriptedCloud(Making(m_1=(5.0, "Available"), m_2=(1010.0, "Available")))

    async def scenario(watcher: Watcher) -> None:
        await watcher.available("m-1")
        before = len(cloud.calls)
        await anyio.sleep(1000)
        assert len(cloud.calls) == before
        await watcher.available("m-2")
        assert len(cloud.calls) > before

    watching(cloud, scenario)
