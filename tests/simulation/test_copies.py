"""Copies of an image that is being copied already."""

from dataclasses import replace

import pytest

from ali_import.publish.model import Result, Route
from alicloud_emulator.world.profile import Limits
from tests.simulation.scene import Scene, in_a_scene, profile


@pytest.mark.parametrize("conflict", ["copying", "refuse", "queue"])
def test_a_source_that_is_being_copied_is_waited_for(conflict: str) -> None:
    """However the cloud says so, and though there is no other source."""

    async def scenario(scene: Scene) -> None:
        report = await scene.publish()
        found = [(outcome.result, outcome.route) for outcome in report.outcomes]
        assert found.count((Result.PLACED, Route.COPY)) == 3
        assert len(scene.images()) == 4

    plain = profile(
        "eu-central-1", "cn-hangzhou", "cn-beijing", "cn-shenzhen", copy_s=60.0
    )
    regions = tuple(replace(r, fc=not r.mainland) for r in plain.regions)
    limits = Limits(copy_conflict=conflict)
    in_a_scene(scenario, replace(plain, regions=regions, limits=limits))
