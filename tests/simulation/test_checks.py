"""The checks that a seed must pass can fail, and hold nobody to what he cannot do."""

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.errors import ApiError, CloudError, TransportError
from ali_import.publish.model import Leftover
from alicloud_emulator.world.ecs.store import Store
from emulator.tests.support.virtual import run
from tests.simulation import checks
from tests.simulation.harness import simulate
from tests.simulation.stopping import Stop

HERE, THERE = "cn-hangzhou", "eu-central-1"


def left(kind: str, name: str, region: str = HERE) -> Leftover:
    return Leftover(region=region, kind=kind, name=name)


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ((), 3),
        ((left("bucket", "b"),), 2),
        ((left("bucket", "b", THERE),), 3),
        ((left("image", "i-name"),), 1),  # and its snapshot
        ((left("bucket", "b"), left("image", "m-1")), 0),
        ((left("snapshot", "s-1"),), 2),
    ],
)
def test_each_thing_is_told_of_by_its_name(
    told: tuple[Leftover, ...], missing: int
) -> None:
    found = [
        (HERE, f"bucket b in {HERE}"),
        (HERE, f"image m-1 i-name in {HERE}"),
        (HERE, f"snapshot s-1 {{}} in {HERE}"),
    ]
    assert len(checks.untold(found, told)) == missing


DELETE = calls.DeleteBucket(region=HERE, bucket="b")


def api_error(code: str, status: int) -> ApiError:
    return ApiError(
        "no",
        region=HERE,
        operation=DELETE.operation(),
        code=code,
        http_status=status,
    )


LOST = TransportError(
    "no answer", region=HERE, operation=DELETE.operation(), code="NoAnswer"
)


@pytest.mark.parametrize(
    ("answer", "took_s", "delay_s"),
    [
        (None, 1.0, 0.0),
        (None, 22.0, 20.0),
        (LOST, 30.0, 40.0),
        (api_error("ServiceUnavailable", 503), 1.0, 11.0),
    ],
)
def test_a_region_gets_as_much_longer_as_its_own_calls_took(
    answer: CloudError | None, took_s: float, delay_s: float
) -> None:
    async def scenario() -> None:
        stop = Stop()
        await anyio.sleep(100)
        stop.at = anyio.current_time()
        stop.asked(DELETE)
        await anyio.sleep(took_s)
        assert stop.delay_s(HERE) == pytest.approx(max(0.0, took_s - 2.0))
        stop.answered(DELETE, answer)
        assert stop.delay_s(HERE) == pytest.approx(delay_s)
        assert stop.delay_s(THERE) == 0
        assert not stop.is_throttled(HERE)
        assert not stop.refused

    run(scenario)


def test_what_a_call_took_before_the_end_is_no_excuse() -> None:
    async def scenario() -> None:
        stop = Stop()
        stop.asked(DELETE)
        await anyio.sleep(50)
        stop.at = anyio.current_time()
        await anyio.sleep(1)
        stop.answered(DELETE, None)
        assert stop.delay_s(HERE) == 0

    run(scenario)


def test_regions_that_throttle_or_refuse_are_known() -> None:
    async def scenario() -> None:
        stop = Stop()
        await anyio.sleep(100)
        stop.asked(DELETE)
        stop.answered(DELETE, api_error("QpsLimitExceeded", 503))
        await anyio.sleep(60)
        stop.at = anyio.current_time()
        assert stop.is_throttled(HERE)  # calls may be held back yet
        assert not stop.is_throttled(THERE)
        stop.asked(DELETE)
        stop.answered(DELETE, api_error("AccessDenied", 403))
        assert stop.refused == {HERE}

    run(scenario)


def test_an_emulator_that_breaks_is_no_weather(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise LookupError("a mistake of the emulator's")

    monkeypatch.setattr(Store, "images", broken)
    verdict = simulate(0)
    assert any("a mistake of the emulator's" in text for text in verdict.violations)
