"""Runs in weathers too rare for seeds to meet often."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import TypeVar

import anyio
import pytest

from ali_import.cloud.calls import Call, Cloud, ImportImage
from ali_import.publish.model import Options, Target
from ali_import.publish.placement import HELD_FAMILY
from ali_import.publish.run import Run
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.faults import Do, Fault, Rule
from alicloud_emulator.world.profile import Account, Profile, Region
from alicloud_emulator.world.throttle import Throttle
from alicloud_emulator.world.world import World
from emulator.tests.support.virtual import run
from tests.simulation.landscape import store
from tests.simulation.plan import ACCOUNT, disk_image
from tests.support.bridge import AccountLogin, Lag, Network, WorldCloud

R = TypeVar("R")
REGIONS = ("cn-hangzhou", "eu-central-1")
FILE = Path("/disk.img")
DATA = b"disk" * 50
TARGET = Target(image=disk_image(FILE, DATA), name="demo-1", family="demo")
PROFILE = Profile(
    name="two regions",
    regions=tuple(Region(id=name, mainland=name[:2] == "cn") for name in REGIONS),
    accounts=(Account(id=ACCOUNT, access_key_id="LTAI-x", access_key_secret="x"),),
)
EPOCH_S = 1.79e9


class Scene:
    """A world, and a way into it."""

    def __init__(self) -> None:
        self.world = World(PROFILE, clock=self.now, seed=1)
        self.lag = Lag(self.world)
        self.cloud = WorldCloud(
            world=self.world,
            login=AccountLogin(self.world),
            rng=Random(1),
            network=Network(anyio.current_time),
            throttle=Throttle(PROFILE, self.world.agenda),
            lag=self.lag,
            files={FILE: DATA},
        )

    def now(self) -> float:
        return EPOCH_S + anyio.current_time()

    def run(self, options: Options, cloud: Cloud | None = None) -> Run:
        return Run(
            cloud or self.cloud,
            [TARGET],
            options,
            run_id="0123abcd",
            rng=Random(2),
            now=self.now,
            emit=lambda _event: None,
        )


def in_a_scene(scenario: Callable[[Scene], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario(Scene())

    run(main)


class Mistaken:
    """A cloud port with a mistake in it."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def call(self, request: Call[R]) -> R:
        """Carry out a request, unless it is an import."""
        if isinstance(request, ImportImage):
            raise ZeroDivisionError
        return await self._cloud.call(request)


def test_a_mistake_of_ours_is_told_and_leaves_nothing_behind() -> None:
    async def scenario(scene: Scene) -> None:
        publishing = scene.run(Options(), Mistaken(scene.cloud))
        with pytest.raises(ExceptionGroup) as caught:
            await publishing.execute()
        # Each region may have made it before the first one ended them all.
        assert caught.value.split(ZeroDivisionError)[1] is None
        for region in REGIONS:
            assert scene.world.oss.state(region, ACCOUNT)["buckets"] == []
            assert scene.world.fc.state(region, ACCOUNT)["functions"] == []
        # For all it knows the images were asked for: a listing cannot say for ever.
        assert {left.kind for left in publishing.leftovers()} <= {"image"}

    in_a_scene(scenario)


def test_a_run_that_nobody_stopped_does_not_say_that_it_was_interrupted() -> None:
    async def scenario(scene: Scene) -> None:
        report = await scene.run(Options()).execute()
        assert (report.interrupted, report.timed_out) == (False, False)

    in_a_scene(scenario)


def test_who_is_out_of_time_hears_what_was_in_the_way() -> None:
    async def scenario(scene: Scene) -> None:
        away = Fault(do=Do.REFUSE, code="ServiceUnavailable", status=503)
        scene.world.faults.add(Rule(fault=away, action="ImportImage"))
        report = await scene.run(Options(timeout_s=60.0)).execute()
        for outcome in report.outcomes:
            assert outcome.code == "Timeout"
            assert "ServiceUnavailable to ecs.ImportImage" in outcome.message

    in_a_scene(scenario)


def test_all_or_nothing_takes_families_back_until_all_can_join() -> None:
    async def scenario(scene: Scene) -> None:
        full = Fault(do=Do.REFUSE, code="ImageFamilyQuotaFull", status=400)
        rule = Rule(fault=full, action="ModifyImageAttribute", region=REGIONS[0])
        scene.world.faults.add(rule)
        report = await scene.run(Options(all_or_nothing=True)).execute()
        assert [outcome.published for outcome in report.outcomes] == [False] * 2
        assert {image.family for image in images(scene)} <= {"", HELD_FAMILY}
        scene.world.faults.clear()
        report = await scene.run(Options(all_or_nothing=True)).execute()
        assert [outcome.published for outcome in report.outcomes] == [True] * 2
        assert [image.family for image in images(scene)] == ["demo"] * 2

    def images(scene: Scene) -> list[Image]:
        return [i for r in REGIONS for i in store(scene.world).images_of(ACCOUNT, r)]

    in_a_scene(scenario)
