"""Large images: no byte goes up twice, and no zeros go anywhere."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

import pytest

from ali_import.cloud.calls import Call, Cloud, ImportImage
from ali_import.cloud.values import Fetch, LocalBody
from ali_import.publish import assembly
from ali_import.publish.model import Note, Options, Report, Target
from ali_import.publish.run import Run
from alicloud_emulator.world.faults import Do
from tests.simulation.plan import PART_BYTES, disk_image, shaped
from tests.simulation.scene import FILE, TARGET, Scene, in_a_scene, profile
from tests.support.bridge import Killed

R = TypeVar("R")

ONE = ("eu-central-1",)

FIVE = profile(
    "cn-hangzhou", "cn-beijing", "eu-central-1", "us-west-1", "ap-southeast-1"
)


def target(shape: str) -> Target:
    image = disk_image(FILE, shaped("disk", shape), large=True)
    return replace(TARGET, image=image)


async def publish(
    scene: Scene,
    of: Target,
    cloud: Cloud | None = None,
    run_id: str = "0123abcd",
    **options: Any,
) -> Report:
    run = Run(
        cloud or scene.cloud,
        [of],
        Options(**options),
        run_id=run_id,
        rng=Random(2),
        now=scene.now,
        emit=scene.heard.append,
    )
    return await run.execute()


def calls(scene: Scene) -> Counter[str]:
    return scene.world.traffic.by_action


class Counting:
    """A cloud that counts the bytes of what is stored, by where they come from."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.stored: Counter[str] = Counter()

    async def call(self, request: Call[R]) -> R:
        result = await self._cloud.call(request)
        body = getattr(request, "body", None)
        if isinstance(body, LocalBody | Fetch):
            self.stored[type(body).__name__] += body.length
        return result


@pytest.mark.parametrize("shape", ["012", "0z1", "z", "0zz1z2z", "0101z0", "0z0z1"])
def test_what_goes_up_and_between_regions_is_the_pack_and_nothing_else(
    shape: str,
) -> None:
    large = target(shape)
    pack = large.image.pack

    async def scenario(scene: Scene) -> None:
        counting = Counting(scene.cloud)
        report = await publish(scene, large, counting)
        assert [o.result for o in report.outcomes] == ["placed"] * 5
        for image in scene.images():
            assert image.content_sha256 == large.image.sha256
        fetched = sum(o.route == "relay" for o in report.outcomes)
        assert fetched == 4
        assert counting.stored == {
            "PartBody": pack.size_bytes,
            "Fetch": fetched * pack.size_bytes,
        }
        assert scene.rooms() == []

    in_a_scene(scenario, FIVE)


def test_where_nothing_can_be_read_from_the_pack_goes_through_a_relay_once() -> None:
    large = target("0zz1z")

    async def scenario(scene: Scene) -> None:
        report = await publish(scene, large)
        assert sorted(str(o.route) for o in report.outcomes) == ["copy", "relay"]
        assert all(o.published for o in report.outcomes)
        assert calls(scene)["oss.UploadPart"] == len(large.image.pack.parts)
        for image in scene.images():
            assert image.content_sha256 == large.image.sha256

    in_a_scene(scenario, profile("cn-hangzhou", "cn-beijing"))


def test_who_is_late_copies_what_the_only_relay_got() -> None:
    """An import that an earlier run began fails when the file has gone up elsewhere."""
    large = target("0zz1z")
    abroad, mainland = "eu-central-1", "cn-hangzhou"

    async def scenario(scene: Scene) -> None:
        scene.strike(Do.FAIL_TASK, "ImportImage", region=abroad, times=1)
        await killed_when_importing(scene, large, abroad)
        counting = Counting(scene.process(2))
        report = await publish(scene, large, counting, "0000000b")
        assert all(outcome.published for outcome in report.outcomes)
        routes = {outcome.region: outcome.route for outcome in report.outcomes}
        assert routes == {abroad: "copy", mainland: "relay"}
        assert counting.stored["PartBody"] == large.image.pack.size_bytes

    in_a_scene(scenario, profile(mainland, abroad, import_s=30.0))


async def killed_when_importing(scene: Scene, of: Target, region: str) -> None:
    """Let a run be killed when it has asked for the image in a region, its only one."""
    cloud = scene.process()

    class Dying(Counting):
        async def call(self, request: Call[R]) -> R:
            result = await super().call(request)
            if isinstance(request, ImportImage):
                cloud.kill()
            return result

    try:
        await publish(scene, of, Dying(cloud), "0000000a", regions=(region,))
    except* Killed:
        pass


def test_zeros_are_made_of_zeros_where_that_saves_calls() -> None:
    large = target(10 * "z" + "0" + 60 * "z")

    async def scenario(scene: Scene) -> None:
        report = await publish(scene, large, regions=ONE)
        assert report.outcomes[0].result == "placed"
        # Without larger zeros it were 72.
        assert calls(scene)["oss.UploadPartCopy"] < 30
        assert scene.images()[0].content_sha256 == large.image.sha256

    in_a_scene(scenario)


def test_a_file_of_more_pieces_than_an_object_may_have_is_made_of_slabs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assembly, "PARTS_MAX", 4)
    monkeypatch.setattr(assembly, "COPY_BYTES_MAX", 3 * PART_BYTES)
    large = target("0z1z23451z67z")

    async def scenario(scene: Scene) -> None:
        report = await publish(scene, large, regions=ONE)
        assert report.outcomes[0].result == "placed"
        assert scene.images()[0].content_sha256 == large.image.sha256
        assert scene.rooms() == []

    in_a_scene(scenario)


def test_zeros_that_go_along_are_told_of() -> None:
    large = target("0z1z2z3z4z5z6")
    assert large.image.pack.gap_bytes

    async def scenario(scene: Scene) -> None:
        await publish(scene, large, regions=ONE)
        told = [e.text for e in scene.heard if isinstance(e, Note)]
        assert "uploading 1004.9 KiB of disk.img, 200 KiB of it zeros" in " ".join(told)

    in_a_scene(scenario)
