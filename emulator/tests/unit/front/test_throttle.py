"""Flow control by account, action and region, in windows."""

from dataclasses import replace

import pytest

from alicloud_emulator.world.agenda import Agenda
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.profile import load_profile, with_secrets
from alicloud_emulator.world.throttle import Throttle


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def throttle(clock: Clock, calls: int) -> tuple[Throttle, Agenda]:
    fast = with_secrets(load_profile("fast"), lambda: "emulator-secret")
    limits = replace(fast.limits, calls_per_minute=calls)
    durations = replace(fast.durations, throttle_window_s=10.0)
    agenda = Agenda(clock)
    return Throttle(replace(fast, limits=limits, durations=durations), agenda), agenda


def test_what_is_throttled_stays_so_until_the_window_ends(clock: Clock) -> None:
    flow, agenda = throttle(clock, 3)
    for _ in range(3):
        flow.check("1", "ecs.ImportImage", "cn-hangzhou")
    for now, left_ms in ((1004.0, 6000), (1009.5, 500)):
        clock.now = now
        agenda.catch_up()
        with pytest.raises(ServiceError) as caught:
            flow.check("1", "ecs.ImportImage", "cn-hangzhou")
        assert caught.value.code == "Throttling.User"
        assert caught.value.retry_after_ms == left_ms
    clock.now = 1010.0
    agenda.catch_up()
    flow.check("1", "ecs.ImportImage", "cn-hangzhou")


@pytest.mark.parametrize(
    "other",
    [
        ("2", "ecs.ImportImage", "cn-hangzhou"),
        ("1", "ecs.CopyImage", "cn-hangzhou"),
        ("1", "ecs.ImportImage", "cn-beijing"),
    ],
)
def test_one_throttled_action_slows_nothing_else(
    clock: Clock, other: tuple[str, str, str]
) -> None:
    flow, _ = throttle(clock, 1)
    flow.check("1", "ecs.ImportImage", "cn-hangzhou")
    flow.check(*other)


def test_no_limit_means_no_throttling(clock: Clock) -> None:
    flow, _ = throttle(clock, 0)
    for _ in range(1000):
        flow.check("1", "ecs.ImportImage", "cn-hangzhou")
