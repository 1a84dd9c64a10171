"""Which calls have had no answer, and since when."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from ali_import.cloud.calls import DescribeRegions, GetCallerIdentity, PutObject
from ali_import.disk.pack import Extent, PartBody
from ali_import.errors import ApiError, TransportError
from ali_import.report.unanswered import Silence, Unanswered
from tests.unit.report.bad_day import Clock

LOST = TransportError("no answer", region="", operation="x", code="NoAnswer")
REFUSED = ApiError("no", region="", operation="x", code="No", http_status=400)


class Far:
    """A cloud that does what a test says, while the clock goes on."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = 0.0
        self.fails: Exception | None = None
        self.meanwhile: Callable[[], None] = lambda: None

    async def call(self, _: Any, /) -> Any:
        self.clock.now_s += self.seconds
        self.meanwhile()
        if self.fails:
            raise self.fails


async def ask(cloud: Unanswered, call: Any) -> None:
    with suppress(TransportError, ApiError):
        await cloud.call(call)


def silent(cloud: Unanswered, seconds_min: float = 0.0) -> list[tuple[str, float]]:
    return [
        (each.operation, each.seconds)
        for each in cloud.silences(seconds_min=seconds_min)
    ]


def test_a_call_is_silent_until_it_is_answered() -> None:
    far = Far(Clock())
    cloud = Unanswered(far, clock_s=far.clock)
    seen: list[list[Silence]] = []
    far.seconds = 31.0
    far.meanwhile = lambda: seen.append(cloud.silences(seconds_min=10))
    anyio.run(ask, cloud, GetCallerIdentity())
    assert seen == [
        [Silence(region="", operation="sts.GetCallerIdentity", seconds=31.0)]
    ]
    assert silent(cloud) == []


def test_repetitions_without_an_answer_add_up_until_one_comes() -> None:
    far = Far(Clock())
    cloud = Unanswered(far, clock_s=far.clock)
    far.seconds, far.fails = 10.0, LOST
    for _ in range(3):
        anyio.run(ask, cloud, DescribeRegions())
        far.clock.now_s += 1
    assert silent(cloud, 10) == [("ecs.DescribeRegions", 33.0)]
    far.fails = REFUSED
    anyio.run(ask, cloud, DescribeRegions())
    assert silent(cloud) == []


def test_what_was_given_up_is_forgotten() -> None:
    far = Far(Clock())
    cloud = Unanswered(far, clock_s=far.clock)
    far.fails = LOST
    anyio.run(ask, cloud, DescribeRegions())
    assert len(silent(cloud)) == 1
    far.clock.now_s += 60
    assert silent(cloud) == []


@pytest.mark.parametrize("lost", [False, True])
def test_sending_bytes_takes_its_time(tmp_path: Path, *, lost: bool) -> None:
    far = Far(Clock())
    cloud = Unanswered(far, clock_s=far.clock)
    body = PartBody(path=tmp_path, extents=(Extent(0, 1),))
    put = PutObject(region="r", bucket="b", key="k", body=body, content_md5="")
    if lost:
        far.fails = LOST
        anyio.run(ask, cloud, put)
        far.fails = None
    seen: list[int] = []
    far.seconds = 31.0
    far.meanwhile = lambda: seen.append(len(silent(cloud, 10)))
    anyio.run(ask, cloud, put)
    assert seen == [int(lost)]


def test_a_cancelled_call_waits_for_nothing() -> None:
    class Hanging:
        async def call(self, _: Any, /) -> Any:
            await anyio.sleep_forever()

    clock = Clock()
    cloud = Unanswered(Hanging(), clock_s=clock)

    async def cancelled() -> None:
        with anyio.move_on_after(0.01):
            await cloud.call(DescribeRegions())

    anyio.run(cancelled)
    clock.now_s += 5
    assert silent(cloud) == []
