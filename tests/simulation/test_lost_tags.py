"""The cloud may lose the tags that an image is made with: its description says them, too."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

import pytest

from ali_import.cloud.calls import Call, ModifyImageAttribute, TagResources
from ali_import.publish import cleanup
from ali_import.publish.context import steadied
from ali_import.publish.lease import (
    TAG_EXPIRES,
    TAG_RUN,
    TAG_SHA256,
    TAG_VERSION,
    Lease,
    aside_tags,
    of_tags,
    temporary_image_name,
)
from ali_import.publish.model import Options, Result
from ali_import.standing.plan import Action, make_plan
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.faults import Do
from tests.simulation.landscape import _Put
from tests.simulation.plan import ACCOUNT
from tests.simulation.scene import PROFILE, REGIONS, TARGET, Scene, in_a_scene

R = TypeVar("R")

LOSES = replace(PROFILE, habits=replace(PROFILE.habits, tags_kept=False))
SHA256 = TARGET.image.sha256
OURS = {TAG_SHA256, TAG_VERSION, TAG_RUN}


class Counting:
    """A cloud that counts its calls.

    Args:
        after: What happens after each of them, before the answer is there.
    """

    def __init__(
        self,
        scene: Scene,
        after: Callable[[Call[Any]], Awaitable[None]] | None = None,
    ) -> None:
        self._cloud = scene.process()
        self._after = after
        self.calls: Counter[str] = Counter()

    async def call(self, call: Call[R]) -> R:
        self.calls[call.operation()] += 1
        answer = await self._cloud.call(call)
        if self._after is not None:
            await self._after(call)
        return answer


@pytest.mark.parametrize("kept", [True, False])
def test_what_lacks_tags_is_tagged_and_nothing_else_is_asked(kept: bool) -> None:
    async def scenario(scene: Scene) -> None:
        cloud = Counting(scene)
        report = await scene.run(cloud=cloud).execute()
        assert [o.result for o in report.outcomes] == [Result.PLACED] * 2
        assert [set(image.tags) for image in scene.images()] == [OURS] * 2
        assert cloud.calls["ecs.TagResources"] == (0 if kept else 2)
        # One look for leases that are over, one for names; the others wait.
        again = Counting(scene)
        report = await scene.run(cloud=again).execute()
        assert [o.result for o in report.outcomes] == [Result.UNCHANGED] * 2
        assert again.calls["ecs.DescribeImages"] == 2 * 2
        assert again.calls["ecs.TagResources"] == 0

    in_a_scene(scenario, PROFILE if kept else LOSES)


async def published_and_untagged(scene: Scene) -> list[Image]:
    """Publish, and leave the images as a run does that is killed before it tags them."""
    await scene.publish()
    images = scene.images()
    for image in images:
        image.tags.clear()
    return images


def test_a_run_that_was_killed_before_it_tagged_is_resumed() -> None:
    async def scenario(scene: Scene) -> None:
        made = await published_and_untagged(scene)
        cloud = steadied(scene.cloud, Random(1), scene.heard.append)
        plan = await make_plan(cloud, [TARGET], Options())
        assert [intent.action for intent in plan.intents] == [Action.MEND] * 2
        assert [intent.changes for intent in plan.intents] == [{"tags": "ours"}] * 2
        report = await scene.publish()
        assert [o.result for o in report.outcomes] == [Result.ADOPTED] * 2
        assert scene.images() == made
        assert [set(image.tags) for image in made] == [OURS] * 2

    in_a_scene(scenario, LOSES)


def test_a_description_of_other_content_is_refused_as_such() -> None:
    async def scenario(scene: Scene) -> None:
        for image in await published_and_untagged(scene):
            image.description = image.description.replace(SHA256, "0" * 64)
        report = await scene.publish()
        told = [outcome.message for outcome in report.outcomes]
        assert ["has other content" in text for text in told] == [True] * 2

    in_a_scene(scenario, LOSES)


@pytest.mark.parametrize("alter", ["{} ", "Copy: {}", "{}, by hand", ""])
def test_a_description_that_is_not_ours_to_the_letter_says_nothing(alter: str) -> None:
    async def scenario(scene: Scene) -> None:
        for image in await published_and_untagged(scene):
            image.description = alter.format(image.description)
        report = await scene.publish()
        told = [outcome.message for outcome in report.outcomes]
        assert ["has no tag of ours" in text for text in told] == [True] * 2
        assert not any(image.tags for image in scene.images())

    in_a_scene(scenario, LOSES)


def test_who_takes_one_of_our_tags_off_is_believed() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.publish()
        for image in scene.images():
            del image.tags[TAG_SHA256]
        report = await scene.publish()
        assert [o.result for o in report.outcomes] == [Result.FAILED] * 2

    in_a_scene(scenario, LOSES)


def test_what_an_interrupted_import_leaves_without_tags_is_cancelled() -> None:
    async def scenario(scene: Scene) -> None:
        run = scene.run()
        # Asked for, and never answered: it is known by its name alone.
        scene.strike(Do.DROP_AFTER, "ImportImage")
        scene.cloud.at_call[40] = run.interrupt
        report = await run.execute()
        assert report.interrupted
        assert not any(image.in_making for image in scene.images())
        assert report.leftovers == ()

    slow = replace(LOSES, durations=replace(LOSES.durations, import_s=3600.0))
    in_a_scene(scenario, slow)


def test_cleanup_knows_a_lease_by_the_description() -> None:
    async def scenario(scene: Scene) -> None:
        put, region = _Put(scene.world, Random(1)), REGIONS[1]
        now = int(scene.now())
        over = Lease(run_id="deadbeef", expires_at=now - 60)
        live = Lease(run_id="feedbeef", expires_at=now + 3600)
        described = over.description(SHA256)
        name = temporary_image_name("src", ACCOUNT, "1")
        gone = put.image(region, name, description=described)
        others = [
            put.image(region, "copied-by-hand", description=described),
            put.image(region, f"{name[:-1]}x", description=f"{described}."),
            put.image(
                region,
                temporary_image_name("src", ACCOUNT, "2"),
                description=live.description(SHA256),
            ),
            put.image(
                region,
                temporary_image_name("src", ACCOUNT, "3"),
                description=described,
                tags=live.tags(),
            ),
        ]
        found = await cleanup.find_leftovers(scene.cloud, emit=scene.heard.append)
        listed = {thing.name: thing.run_id for thing in found}
        assert listed == {
            gone.image_id: over.run_id,
            others[2].image_id: live.run_id,
            others[3].image_id: live.run_id,
        }
        left = await cleanup.remove_leftovers(
            scene.cloud,
            [thing for thing in found if thing.expires_at < now],
            rng=Random(2),
            now=scene.now,
            emit=scene.heard.append,
        )
        assert left == ()
        assert scene.images(region) == others

    in_a_scene(scenario, LOSES)


def test_a_replacement_that_was_made_without_tags_is_taken_over() -> None:
    async def scenario(scene: Scene) -> None:
        put, region = _Put(scene.world, Random(1)), REGIONS[1]
        put.image(region, TARGET.name, tags={TAG_SHA256: "f" * 64})
        old = Lease(run_id="deadbeef", expires_at=int(scene.now()) + 3600)
        name = temporary_image_name("new", ACCOUNT, region, TARGET.name, SHA256)
        more: dict[str, Any] = {"nvme": "supported", "boot_mode": "BIOS"}
        made = put.image(
            region,
            name,
            content_sha256=SHA256,
            description=old.description(SHA256),
            **more,
        )
        report = await scene.publish(overwrite=True, regions=(region,))
        assert [o.result for o in report.outcomes] == [Result.ADOPTED]
        assert scene.images(region) == [made]
        assert made.name == TARGET.name
        assert set(made.tags) == OURS
        assert TAG_EXPIRES not in made.tags

    in_a_scene(scenario, LOSES)


def test_who_moves_an_image_aside_as_it_gets_its_name_leaves_one_with_a_lease() -> None:
    async def scenario(scene: Scene) -> None:
        region = REGIONS[1]
        _Put(scene.world, Random(1)).image(
            region, TARGET.name, tags={TAG_SHA256: "f" * 64}
        )
        (original,) = scene.images(region)
        rival = Rival(scene)
        denied = {"code": "Forbidden.RAM", "status": 403}
        scene.strike(Do.REFUSE, "ModifyImageSharePermission", **denied)
        options = Options(overwrite=True, public=True, regions=(region,))
        await scene.run(options, Counting(scene, rival.see)).execute()
        names = {image.image_id: image for image in scene.images(region)}
        assert names.pop(original.image_id).name == TARGET.name
        (moved,) = names.values()
        assert moved.name == rival.gives
        lease = of_tags(moved.tags)
        assert lease is not None
        assert lease.run_id == rival.lease.run_id

    in_a_scene(scenario)


class Rival:
    """Another run that replaces an image the moment it has its name."""

    def __init__(self, scene: Scene) -> None:
        self._cloud = scene.process(seed=2)
        self.lease = Lease(run_id="0000000b", expires_at=int(scene.now()) + 7200)
        self.gives = ""

    async def see(self, seen: Call[Any]) -> None:
        named = isinstance(seen, ModifyImageAttribute) and seen.name == TARGET.name
        if not named or self.gives:
            return
        assert isinstance(seen, ModifyImageAttribute)
        self.gives = temporary_image_name("old", ACCOUNT, seen.image_id)
        tags = self.lease.tags() | aside_tags(TARGET.name, public=False)
        await self._cloud.call(
            TagResources(
                region=seen.region,
                resource_type="image",
                resource_ids=(seen.image_id,),
                tags=tags,
            )
        )
        aside = replace(seen, name=self.gives)
        await self._cloud.call(aside)
