"""What is named is wanted and mended; what is not named is never touched."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ali_import.cloud import calls
from ali_import.publish.context import steadied
from ali_import.publish.lease import TAG_PUBLIC, TAG_SHA256, TAG_SHARED
from ali_import.publish.model import Options, Result, Target, Wanted
from ali_import.publish.run import Run
from ali_import.standing.plan import Action, Intent, make_plan
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.faults import Do
from tests.simulation.scene import REGIONS, TARGET, Scene, in_a_scene
from tests.support.bridge import Killed

FRIEND, OTHER, STRANGER = "1111111111", "2222222222", "3333333333"
FRIENDS = tuple(f"4{number:09}" for number in range(15))


async def publish(
    scene: Scene, *, target: Target = TARGET, **named: Any
) -> set[Result]:
    """Publish, and see that a plan then finds nothing to do."""
    options = Options(regions=REGIONS, **named)
    scene.process()
    run = Run(
        scene.cloud,
        [target],
        options,
        run_id="0123abcd",
        rng=Random(2),
        now=scene.now,
        emit=scene.heard.append,
    )
    report = await run.execute()
    assert all(o.result.good and o.published for o in report.outcomes), report
    intents = await planned(scene, target=target, **named)
    assert {intent.action for intent in intents} == {Action.KEEP}, intents
    return {outcome.result for outcome in report.outcomes}


async def planned(
    scene: Scene, *, target: Target = TARGET, **named: Any
) -> tuple[Intent, ...]:
    cloud = steadied(scene.process(3), Random(1), scene.heard.append)
    options = Options(regions=REGIONS, **named)
    return (await make_plan(cloud, [target], options)).intents


def shared(scene: Scene) -> list[set[str]]:
    return [set(image.shared_with) for image in scene.images()]


# What somebody does by hand to every image, and the attribute that shows it.
BY_HAND: dict[str, tuple[Callable[[Image], None], Callable[[Image], Any]]] = {
    "public": (lambda i: setattr(i, "public", True), lambda i: i.public),
    "share": (
        lambda i: i.shared_with.update({STRANGER: 0.0}),
        lambda i: set(i.shared_with),
    ),
    "tag": (lambda i: i.tags.update({"team": "kernel"}), lambda i: i.tags["team"]),
    "description": (
        lambda i: setattr(i, "description", "ours"),
        lambda i: i.description,
    ),
    "nvme": (lambda i: setattr(i, "nvme", "unsupported"), lambda i: i.nvme),
    "imds": (lambda i: setattr(i, "imds", "v2"), lambda i: i.imds),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_what_is_not_named_is_never_touched(what: str) -> None:
    change, seen = BY_HAND[what]

    async def scenario(scene: Scene) -> None:
        await publish(scene)
        for image in scene.images():
            change(image)
        before = [seen(image) for image in scene.images()]
        assert await publish(scene) == {Result.UNCHANGED}
        assert [seen(image) for image in scene.images()] == before

    in_a_scene(scenario)


@pytest.mark.parametrize(
    ("named", "seen", "drifted"),
    [
        ({"public": True}, lambda i: i.public, {"public": "true"}),
        ({"share": (FRIEND, OTHER)}, lambda i: set(i.shared_with), {"share": f"+{FRIEND}"}),
        ({"tags": {"team": "x"}}, lambda i: i.tags["team"], {"tags": "team:x"}),
        ({"description": "for you"}, lambda i: i.description, {"description": "for you"}),
        ({"nvme": "supported"}, lambda i: i.nvme, {"nvme": "supported"}),
        ({"imds": "v2"}, lambda i: i.imds, {"imds": "v2"}),
    ],
)  # fmt: skip
def test_what_is_named_is_mended_and_the_plan_says_so(
    named: dict[str, Any], seen: Callable[[Image], Any], drifted: dict[str, str]
) -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene, **named)
        wanted = [seen(image) for image in scene.images()]
        for image in scene.images():
            image.public = False
            image.shared_with.pop(FRIEND, None)
            image.tags["team"] = "y"
            image.description = "by hand"
            image.nvme, image.imds = "unsupported", "v1"
        intents = await planned(scene, **named)
        assert [dict(intent.changes) for intent in intents] == [drifted] * len(REGIONS)
        assert await publish(scene, **named) == {Result.ADOPTED}
        assert [seen(image) for image in scene.images()] == wanted

    in_a_scene(scenario)


def test_only_what_this_tool_showed_is_hidden() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene, public=True)
        for image in scene.images(REGIONS[0]):  # by somebody else, that is
            image.tags.pop(TAG_PUBLIC)
        intents = await planned(scene, public=False)
        assert [dict(i.changes) for i in intents] == [{}, {"public": "false"}]
        await publish(scene, public=False)
        assert [image.public for image in scene.images(*REGIONS)] == [True, False]
        assert not any(TAG_PUBLIC in i.tags for i in scene.images())

    in_a_scene(scenario)


def test_an_image_that_is_shown_later_is_noted_as_shown_by_us() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene)
        await publish(scene, public=True)
        assert all(TAG_PUBLIC in image.tags for image in scene.images())

    in_a_scene(scenario)


def test_only_what_this_tool_shared_is_taken_back() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene, share=(FRIEND, OTHER))
        for image in scene.images():
            image.shared_with[STRANGER] = 0.0
        await publish(scene)
        assert shared(scene) == [{FRIEND, OTHER, STRANGER}] * 2
        await publish(scene, share=(OTHER,))
        assert shared(scene) == [{OTHER, STRANGER}] * 2
        await publish(scene, share=())
        assert shared(scene) == [{STRANGER}] * 2
        tags = [key for image in scene.images() for key in image.tags]
        assert not any(key.startswith(TAG_SHARED) for key in tags)

    in_a_scene(scenario)


def test_more_accounts_than_a_call_takes_and_a_tag_holds() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene, share=FRIENDS)
        assert shared(scene) == [set(FRIENDS)] * 2
        await publish(scene, share=FRIENDS[:3])
        assert shared(scene) == [set(FRIENDS[:3])] * 2
        await publish(scene, share=())
        assert shared(scene) == [set()] * 2

    in_a_scene(scenario)


def test_what_was_public_is_shared_with_accounts_and_back() -> None:
    """The cloud shares only private images with accounts, and stops that for them alone."""

    async def scenario(scene: Scene) -> None:
        await publish(scene, public=True)
        await publish(scene, public=False, share=(FRIEND,))
        assert [image.public for image in scene.images()] == [False] * 2
        assert shared(scene) == [{FRIEND}] * 2
        await publish(scene, public=True, share=())
        assert [image.public for image in scene.images()] == [True] * 2
        assert shared(scene) == [set()] * 2

    in_a_scene(scenario)


def test_what_stays_public_is_not_said_to_be_shared_with_accounts() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene, public=True)
        scene.process(4)
        report = await scene.publish(regions=REGIONS, share=(FRIEND,))
        assert {o.code for o in report.outcomes} == {"ImageIsPublic"}
        assert [image.public for image in scene.images()] == [True] * 2
        assert shared(scene) == [set()] * 2
        tags = [key for image in scene.images() for key in image.tags]
        assert not any(key.startswith(TAG_SHARED) for key in tags)

    in_a_scene(scenario)


def test_accounts_that_we_gave_a_replaced_image_do_not_keep_it() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene, share=FRIENDS)
        for image in scene.images():
            image.tags[TAG_SHA256] = "f" * 64
        strangers, _ = scene.images()
        strangers.shared_with[STRANGER] = 0.0
        assert await publish(scene, share=(OTHER,), overwrite=True) == {Result.PLACED}
        # One that somebody else has shared is left and told.
        assert [i.name for i in scene.images()].count(TARGET.name) == 2
        assert [i for i in scene.images() if i.name != TARGET.name] == [strangers]
        assert set(strangers.shared_with) == {STRANGER}
        assert [set(i.shared_with) for i in scene.images() if i is not strangers] == [
            {OTHER}
        ] * 2

    in_a_scene(scenario)


def test_imds_is_never_lowered() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene, imds="v2")
        assert await publish(scene, imds="v1") == {Result.UNCHANGED}
        assert [image.imds for image in scene.images()] == ["v2", "v2"]

    in_a_scene(scenario)


def test_what_an_image_says_of_itself_wins() -> None:
    own = replace(TARGET, wanted=Wanted(tags={"team": "own"}, public=False))

    async def scenario(scene: Scene) -> None:
        await publish(scene, target=own, tags={"team": "all"}, public=True)
        assert {image.tags["team"] for image in scene.images()} == {"own"}
        assert not any(image.public for image in scene.images())

    in_a_scene(scenario)


def test_what_is_taken_back_with_all_or_nothing_is_so_for_shares() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene)
        scene.process()
        for image in scene.images(REGIONS[0]):
            image.family = "elsewhere"
        scene.strike(
            Do.REFUSE,
            "ModifyImageAttribute",
            code="Forbidden.RAM",
            status=403,
            region=REGIONS[0],
        )
        report = await scene.publish(
            regions=REGIONS, share=(FRIEND,), all_or_nothing=True
        )
        assert not any(outcome.published for outcome in report.outcomes)
        assert shared(scene) == [set()] * 2

    in_a_scene(scenario)


def test_a_copy_that_lost_its_attributes_is_repaired_by_the_next_run() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene)
        for image in scene.images():
            image.tags.pop("ali-import:version")  # as a copy that is not finished
            image.nvme = "unsupported"
        await publish(scene)
        assert {image.nvme for image in scene.images()} == {"supported"}

    in_a_scene(scenario)


def test_an_image_that_only_its_description_marks_stays_ours() -> None:
    """Some clouds lose the tags; who gives it another description may be killed then."""

    async def scenario(scene: Scene) -> None:
        await publish(scene)
        for image in scene.images():
            image.tags.clear()
        cloud = scene.process(4)

        class Dying:
            async def call(self, call: calls.Call[Any], /) -> Any:
                result = await cloud.call(call)
                if isinstance(call, calls.ModifyImageAttribute):
                    cloud.kill()
                return result

        run = scene.run(Options(regions=REGIONS, description="for you"), Dying())
        try:
            await run.execute()
        except* Killed:
            pass
        assert any(image.description == "for you" for image in scene.images())
        assert await publish(scene, description="for you") == {Result.ADOPTED}

    in_a_scene(scenario)


def test_calls_do_not_grow_where_nothing_is_named() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene)
        asked: list[calls.Call[Any]] = []

        class Noting:
            async def call(self, call: calls.Call[Any], /) -> Any:
                asked.append(call)
                return await scene.cloud.call(call)

        scene.process()
        run = scene.run(Options(regions=REGIONS), Noting())
        await run.execute()
        changing = [call for call in asked if call.CHANGES]
        assert changing == []
        assert not any(
            isinstance(call, calls.DescribeImageSharePermission) for call in asked
        )

    in_a_scene(scenario)
