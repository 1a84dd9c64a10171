"""Runs in weathers too rare for seeds to meet often."""

from typing import TypeVar

import anyio
import pytest

from ali_import.cloud.calls import Call, Cloud, ImportImage, ModifyImageAttribute
from ali_import.publish.model import Options
from ali_import.publish.placement import HELD_FAMILY
from alicloud_emulator.world.faults import Do, Fault, Rule
from tests.simulation.plan import ACCOUNT
from tests.simulation.scene import REGIONS, Scene, in_a_scene

R = TypeVar("R")


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
        assert {image.family for image in scene.images()} <= {"", HELD_FAMILY}
        scene.world.faults.clear()
        report = await scene.run(Options(all_or_nothing=True)).execute()
        assert [outcome.published for outcome in report.outcomes] == [True] * 2
        assert [image.family for image in scene.images()] == ["demo"] * 2

    in_a_scene(scenario)


def test_all_or_nothing_believes_the_last_look_about_families() -> None:
    async def scenario(scene: Scene) -> None:
        here, _ = REGIONS
        (placed,) = (await scene.publish(regions=(here,))).outcomes
        scene.lag.set(here, 1.0)
        await anyio.sleep(10)
        # Another run takes it back just before this one looks.
        hide = ModifyImageAttribute(
            region=here, image_id=placed.image_id, family=HELD_FAMILY
        )
        await scene.cloud.call(hide)
        report = await scene.publish(all_or_nothing=True)
        assert [outcome.published for outcome in report.outcomes] == [True] * 2
        assert [image.family for image in scene.images()] == ["demo"] * 2

    in_a_scene(scenario)
