"""Copies of an image that is being copied already."""

from dataclasses import replace

import pytest

from ali_import.publish.model import Note, Result, Route
from alicloud_emulator.world.profile import Limits, OssMode
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


def test_a_region_that_nobody_named_and_that_lends_is_told() -> None:
    """Who asks for one region sees why another one has to make the image, too."""

    async def scenario(scene: Scene) -> None:
        (outcome,) = (await scene.publish(regions=("us-southeast-1",))).outcomes
        assert (outcome.result, outcome.route) == (Result.PLACED, Route.COPY)
        told = [
            (note.region, note.text)
            for note in scene.heard
            if isinstance(note, Note) and note.level == "WARNING"
        ]
        text = "makes demo-1 for a while, to lend it to regions that can only copy it"
        assert told == [("us-west-1", text)]
        assert [image.name for image in scene.images()] == ["demo-1"]

    plain = profile("us-southeast-1", "us-west-1")
    here, there = plain.regions
    closed = replace(here, oss=OssMode.NO_NEW_BUCKETS, fc=False)
    in_a_scene(scenario, replace(plain, regions=(closed, there)))
