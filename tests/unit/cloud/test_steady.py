"""Retrying: long enough, not for ever, and never more than the table allows."""

from random import Random
from typing import Any

import anyio
import pytest

from ali_import.cloud.calls import (
    Call,
    DeleteImage,
    DescribeImages,
    DescribeRegions,
    ImportImage,
    PutBucket,
)
from ali_import.cloud.steady import Patience, Steady
from ali_import.errors import ApiError, HostNotFoundError, TransportError
from ali_import.units import MINUTE_S
from emulator.tests.support.virtual import run
from tests.support.virtual import ScriptedCloud, refusal, silence

LOOK = DescribeImages(region="cn-hangzhou")


def steady(cloud: ScriptedCloud, **more: Any) -> Steady:
    return Steady(cloud, rng=Random(7), **more)


def call(cloud: ScriptedCloud, request: Call[Any] = LOOK, **more: Any) -> object:
    """Make one call in virtual time."""

    async def main() -> object:
        return await steady(cloud, **more).call(request)

    return run(main)


def test_what_may_pass_is_tried_again_until_it_works() -> None:
    cloud = ScriptedCloud(
        refusal("ServiceUnavailable", 503), silence(), refusal("Odd", 502), ("done",)
    )
    assert call(cloud) == ("done",)
    assert len(cloud.calls) == 4


def test_every_try_sends_the_very_same_request() -> None:
    request = ImportImage(
        region="cn-hangzhou",
        client_token="t",
        name="n",
        architecture="x86_64",
        boot_mode="UEFI",
        size_gib=1,
        bucket="b",
        key="k",
    )
    cloud = ScriptedCloud(silence(), silence(), "made")
    assert call(cloud, request) == "made"
    assert {id(made) for _, made in cloud.calls} == {id(request)}


def test_waits_are_jittered_below_a_bound_that_doubles() -> None:
    cloud = ScriptedCloud(silence("GarbledAnswer"))
    with pytest.raises(TransportError):
        call(cloud)
    waits = [b - a for a, b in zip(cloud.times, cloud.times[1:], strict=False)]
    bounds = [min(0.4 * 2**n, 20.0) for n in range(len(waits))]
    assert all(0 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert len(set(waits)) == len(waits)
    assert len(waits) > 40


def test_patience_ends_and_the_last_error_is_told() -> None:
    cloud = ScriptedCloud(refusal("ServiceUnavailable", 503))
    with pytest.raises(ApiError, match="no") as caught:
        call(cloud)
    assert caught.value.code == "ServiceUnavailable"
    assert 7 * MINUTE_S < cloud.times[-1] < 9 * MINUTE_S


def test_what_is_final_is_tried_once_and_comes_with_advice() -> None:
    cloud = ScriptedCloud(refusal("Forbidden.RAM", 403))
    with pytest.raises(ApiError) as caught:
        call(cloud)
    assert len(cloud.calls) == 1
    assert "in the caller's policy" in caught.value.advice


def test_already_done_is_success() -> None:
    gone = refusal("InvalidImageId.NotFound", 404, operation="ecs.DeleteImage")
    request = DeleteImage(region="cn-hangzhou", image_id="m-1")
    assert call(ScriptedCloud(gone), request) is None


def test_a_host_that_does_not_exist_is_asked_once() -> None:
    gone = HostNotFoundError(
        "?", region="cn-heyuan", operation="oss.PutBucket", code="HostNotFound"
    )
    cloud = ScriptedCloud(gone)
    with pytest.raises(HostNotFoundError):
        call(cloud, PutBucket(region="cn-heyuan", bucket="b"))
    assert len(cloud.calls) == 1


def test_an_error_that_is_shared_is_not_changed_on_the_way() -> None:
    shared = refusal("Forbidden.RAM", 403)
    for _ in range(3):
        with pytest.raises(ApiError) as caught:
            call(ScriptedCloud(shared))
        assert "in the caller's policy" in caught.value.advice
        assert caught.value is not shared
        assert caught.value.__dict__ == {
            **shared.__dict__,
            "advice": caught.value.advice,
        }
    assert shared.advice == ""


def test_what_is_busy_is_waited_for_half_an_hour() -> None:
    busy = refusal("ImageIsImporting", 403, operation="ecs.DeleteImage")
    cloud = ScriptedCloud(busy)
    with pytest.raises(ApiError):
        call(cloud, DeleteImage(region="cn-hangzhou", image_id="m-1"))
    assert 25 * MINUTE_S < cloud.times[-1] <= 30 * MINUTE_S
    assert len(cloud.calls) < 250


def test_throttling_waits_as_long_as_it_is_told_and_a_little_more() -> None:
    throttled = refusal("Throttling.User", retry_after_s=20)
    cloud = ScriptedCloud(throttled, ())
    call(cloud)
    assert 20 <= cloud.times[1] <= 25


def test_throttling_holds_back_its_own_action_and_region_only() -> None:
    def answer(request: Call[Any]) -> object:
        if request == LOOK and anyio.current_time() < 30:
            return refusal("Throttling.User", retry_after_s=30)
        return ()

    cloud = ScriptedCloud(answer)
    others = (
        DescribeImages(region="cn-shanghai"),
        DescribeRegions(),
        DeleteImage(region="cn-hangzhou", image_id="m-1"),
    )

    async def main() -> None:
        one = steady(cloud)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.call, LOOK)
            await anyio.sleep(1)
            tasks.start_soon(one.call, DescribeImages(region="cn-hangzhou", name="x"))
            for other in others:
                tasks.start_soon(one.call, other)

    run(main)
    came = {
        type(r).__name__ + r.region + getattr(r, "name", ""): t for t, r in cloud.calls
    }
    assert came["DescribeImagescn-hangzhoux"] >= 30
    assert came["DescribeImagescn-shanghai"] == 1
    assert came["DescribeRegions"] == 1
    assert came["DeleteImagecn-hangzhou"] == 1


def test_being_throttled_leaves_no_less_patience_for_other_trouble() -> None:
    """A lost answer before and after ten minutes of throttling is no reason to stop."""
    cloud = ScriptedCloud(
        silence("GarbledAnswer"),
        *[refusal("Throttling.User", retry_after_s=60)] * 10,
        silence("GarbledAnswer"),
        ("done",),
    )
    assert call(cloud) == ("done",)
    assert cloud.times[-1] > 10 * MINUTE_S


def test_a_service_that_answers_nobody_is_given_up_by_all_together() -> None:
    cloud = ScriptedCloud(silence(), latency_s=30.0)
    ended: list[float] = []

    async def one(steadily: Steady) -> None:
        with pytest.raises(TransportError):
            await steadily.call(LOOK)
        ended.append(anyio.current_time())

    async def main() -> None:
        steadily = steady(cloud)
        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(one, steadily)

    run(main)
    assert 2 * MINUTE_S < max(ended) < 4 * MINUTE_S


def test_a_service_that_hangs_is_given_up_by_a_single_caller_too() -> None:
    cloud = ScriptedCloud(silence(), latency_s=30.0)
    with pytest.raises(TransportError):
        call(cloud)
    assert 4 <= len(cloud.calls) <= 5


def test_one_answer_shows_that_the_service_is_there() -> None:
    cloud = ScriptedCloud(
        *[silence()] * 4, refusal("ServiceUnavailable", 503), *[silence()] * 4, "done",
        latency_s=20.0,
    )  # fmt: skip
    assert call(cloud) == "done"


def test_a_service_that_nobody_asked_for_a_while_was_not_silent_meanwhile() -> None:
    cloud = ScriptedCloud(*[silence()] * 9, "done", latency_s=1.0)

    async def main() -> object:
        steadily = steady(cloud)
        for _ in range(8):
            with pytest.raises(TransportError):
                await steadily.call(LOOK, Patience(unanswered_max=1))
        await anyio.sleep(30 * MINUTE_S)
        return await steadily.call(LOOK)

    assert run(main) == "done"


def test_a_caller_may_have_less_patience() -> None:
    cloud = ScriptedCloud(refusal("InternalError", 500))

    async def main() -> None:
        await steady(cloud).call(LOOK, Patience(transient_s=10))

    with pytest.raises(ApiError):
        run(main)
    assert cloud.times[-1] < 10


def test_calls_and_retries_are_counted_and_told() -> None:
    told: list[tuple[str, str, str, int, bool]] = []

    def on_retry(  # noqa: PLR0917
        op: str, region: str, code: str, attempt: int, wait_s: float, busy: bool
    ) -> None:
        assert wait_s >= 0
        told.append((op, region, code, attempt, busy))

    in_use = refusal("TaskConflict", 400)
    cloud = ScriptedCloud(silence(), in_use, silence("GarbledAnswer"), ())

    async def main() -> Steady:
        one = steady(cloud, on_retry=on_retry)
        await one.call(LOOK)
        return one

    one = run(main)
    # What is in use is waited for: that is no retry.
    assert (one.calls, one.retries) == (4, 2)
    assert told == [
        ("ecs.DescribeImages", "cn-hangzhou", "NoAnswer", 1, False),
        ("ecs.DescribeImages", "cn-hangzhou", "TaskConflict", 2, True),
        ("ecs.DescribeImages", "cn-hangzhou", "GarbledAnswer", 3, False),
    ]
