"""Pruning in a small cloud and in virtual time: what goes, what stays, and how."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Any

import anyio
import pytest

from ali_import.errors import CloudError
from ali_import.publish.lease import TAG_DEPRECATED, TAG_SHA256
from ali_import.publish.model import Options, Result
from ali_import.publish.run import Run
from ali_import.standing.prune import Pruned, find_prunable, prune
from ali_import.standing.retention import Fate, Pruning, Retention
from alicloud_emulator.world.ecs.records import Image, ImageStatus
from alicloud_emulator.world.faults import Do
from emulator.tests.support.virtual import run
from tests.simulation.landscape import store
from tests.simulation.plan import ACCOUNT
from tests.simulation.scene import REGIONS, TARGET, Scene

DAY_S = 86_400.0
RULES = Retention(keep=2, deprecate=True, delete_after_s=90 * DAY_S)
FRIEND = "9" * 16


async def release(scene: Scene, name: str, *where: str, public: bool = True) -> None:
    going_on = Run(
        scene.cloud,
        [replace(TARGET, name=name)],
        Options(public=public, regions=where),
        run_id="0123abcd",
        rng=Random(5),
        now=scene.now,
        emit=scene.heard.append,
    )
    report = await going_on.execute()
    assert all(outcome.published for outcome in report.outcomes)


async def releases(scene: Scene, *names: str, **options: Any) -> None:
    """Publish a version a week."""
    for name in names:
        await release(scene, name, **options)
        await anyio.sleep(7 * DAY_S)


async def due(scene: Scene, rules: Retention = RULES) -> Pruning:
    return await find_prunable(
        scene.cloud,
        ["demo"],
        rules,
        now=scene.now(),
        rng=Random(1),
        emit=scene.heard.append,
    )


async def pruned(scene: Scene, rules: Retention = RULES) -> tuple[Pruned, ...]:
    return await prune(
        scene.cloud,
        await due(scene, rules),
        rng=Random(2),
        now=scene.now,
        emit=scene.heard.append,
    )


def stand(scene: Scene, region: str = REGIONS[0]) -> dict[str, str]:
    """Return the status of each image in a region; public ones are marked."""
    return {
        image.name: image.status.value + "+" * image.public
        for image in scene.images(region)
    }


def image(scene: Scene, name: str, region: str = REGIONS[0]) -> Image:
    return next(i for i in scene.images(region) if i.name == name)


def snapshots(scene: Scene, region: str = REGIONS[0]) -> int:
    return len(list(store(scene.world).snapshots_of(ACCOUNT, region)))


def in_a_year(story: Callable[[Scene], Awaitable[None]]) -> None:
    async def main() -> None:
        scene = Scene()
        try:
            await story(scene)
        finally:
            scene.close()

    run(main, budget_s=365 * DAY_S)


def scenario(
    story: Callable[[Scene], Awaitable[None]],
) -> Callable[[], None]:
    def test() -> None:
        in_a_year(story)

    test.__name__ = story.__name__
    test.__doc__ = story.__doc__
    return test


@scenario
async def test_four_weeks_and_then_ninety_days(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3", "demo-4")
    endings = await pruned(scene)
    assert all(ending.error is None for ending in endings)
    for region in REGIONS:
        assert stand(scene, region) == {
            "demo-1": "Deprecated",
            "demo-2": "Deprecated",
            "demo-3": "Available+",
            "demo-4": "Available+",
        }
    # Again: nothing is due, and the time goes on from where it began.
    assert await pruned(scene) == ()
    await anyio.sleep(89 * DAY_S)
    assert await pruned(scene) == ()
    await anyio.sleep(1 * DAY_S)
    assert [ending.verdict.fate for ending in await pruned(scene)] == [Fate.DELETE] * 4
    for region in REGIONS:
        assert stand(scene, region) == {"demo-3": "Available+", "demo-4": "Available+"}
        assert snapshots(scene, region) == 2


@scenario
async def test_looking_changes_nothing(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    before = stand(scene), [dict(i.tags) for i in scene.images()]
    pruning = await due(scene)
    assert [verdict.image.name for verdict in pruning.due] == ["demo-1"] * 2
    assert (stand(scene), [dict(i.tags) for i in scene.images()]) == before


@scenario
async def test_publishing_again_brings_no_other_version_back(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    await pruned(scene)
    await release(scene, "demo-3")
    assert stand(scene)["demo-1"] == "Deprecated"
    # But the one that is published again is revived, and counts anew later on.
    await release(scene, "demo-1")
    assert stand(scene)["demo-1"] == "Available+"
    revived = image(scene, "demo-1")
    assert TAG_DEPRECATED not in revived.tags
    # So, if a person deprecates it much later, it is not deleted at once.
    await anyio.sleep(91 * DAY_S)
    revived.public, revived.status = False, ImageStatus.DEPRECATED
    (ending,) = [e for e in await pruned(scene) if e.verdict.image.region == REGIONS[0]]
    assert ending.verdict.fate is Fate.DEPRECATE
    assert "starts now" in ending.verdict.why


@scenario
async def test_an_image_is_available_again_only_without_the_time_in_its_tag(
    scene: Scene,
) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    await pruned(scene)
    scene.strike(Do.REFUSE, "UntagResources", code="Forbidden.RAM", status=403)
    # It cannot be brought back wholly, so it is not brought back by half.
    report = await scene.run(Options(public=True)).execute()
    assert [outcome.code for outcome in report.outcomes] == ["Forbidden.RAM"] * 2
    assert stand(scene)["demo-1"] == "Deprecated"


@scenario
async def test_an_older_time_in_the_tag_does_not_count(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    await pruned(scene)
    # Somebody brings one back by hand, and its tag stays.
    back = image(scene, "demo-1")
    back.status = ImageStatus.AVAILABLE
    await anyio.sleep(80 * DAY_S)
    # It is deprecated again, and that is as far as it gets.
    refused = {"region": REGIONS[0], "code": "Forbidden.RAM", "status": 403}
    scene.strike(Do.REFUSE, "TagResources", **refused, times=1)
    (failed,) = await pruned(scene)
    assert failed.error is not None
    assert back.status is ImageStatus.DEPRECATED
    await anyio.sleep(20 * DAY_S)
    endings = {e.verdict.image.region: e.verdict.fate for e in await pruned(scene)}
    assert endings == {REGIONS[0]: Fate.DEPRECATE, REGIONS[1]: Fate.DELETE}


@scenario
async def test_a_private_image_is_not_hidden_and_what_is_public_is(
    scene: Scene,
) -> None:
    await releases(scene, "demo-1", public=False)
    await releases(scene, "demo-2", "demo-3", "demo-4")
    await pruned(scene)
    assert list(stand(scene).values()) == [*["Deprecated"] * 2, *["Available+"] * 2]


@pytest.mark.parametrize("code", ["Forbidden.RAM", "ImageStatus.NotAvailable"])
def test_a_failed_deprecation_leaves_the_image_public(code: str) -> None:
    """Be it one whose refusal may mean that it is deprecated already."""

    async def story(scene: Scene) -> None:
        await releases(scene, "demo-1", "demo-2", "demo-3")
        # The first refusal makes it hide the image, the second one gives up.
        refused = {"region": REGIONS[0], "code": code, "status": 403}
        scene.strike(Do.REFUSE, "ModifyImageAttribute", **refused, first=2)
        failed, done = await pruned(scene)
        assert (failed.verdict.image.region, done.verdict.image.region) == REGIONS
        assert isinstance(failed.error, CloudError)
        assert done.error is None
        assert stand(scene)["demo-1"] == "Available+"
        assert stand(scene, REGIONS[1])["demo-1"] == "Deprecated"

    in_a_year(story)


@scenario
async def test_what_is_shared_goes_only_if_that_is_wanted(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3", public=False)
    old = image(scene, "demo-1")
    old.shared_with[FRIEND] = scene.now()
    (other,) = await pruned(scene)
    assert other.verdict.image.region == REGIONS[1]
    assert stand(scene)["demo-1"] == "Available"
    (ending,) = await pruned(scene, replace(RULES, shared=True))
    assert ending.error is None
    assert old.status is ImageStatus.DEPRECATED
    assert not old.shared_with


@scenario
async def test_shares_are_given_back_where_the_cloud_refuses(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3", public=False)
    old = image(scene, "demo-1")
    accounts = [f"{n:016}" for n in range(1, 24)]
    old.shared_with.update(dict.fromkeys(accounts, scene.now()))
    refused = {"region": REGIONS[0], "code": "Forbidden.RAM", "status": 403}
    scene.strike(Do.REFUSE, "ModifyImageAttribute", **refused, first=2)
    failed, _ = await pruned(scene, replace(RULES, shared=True))
    assert failed.error is not None
    assert sorted(old.shared_with) == accounts


@scenario
async def test_a_deletion_that_a_dry_run_refuses_is_not_begun(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    await pruned(scene)
    await anyio.sleep(91 * DAY_S)
    refused = {"region": REGIONS[0], "code": "ImageUsingByInstance", "status": 403}
    scene.strike(Do.REFUSE, "DeleteImage", **refused)
    failed, done = await pruned(scene)
    assert failed.error is not None
    assert failed.error.code == "ImageUsingByInstance"
    assert done.error is None
    assert stand(scene)["demo-1"] == "Deprecated"
    assert snapshots(scene) == 3
    assert "demo-1" not in stand(scene, REGIONS[1])


@scenario
async def test_what_changed_since_the_question_is_left_alone(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    pruning = await due(scene)
    # Meanwhile, the newer ones go in one region: the old one is what the family has.
    for name in ("demo-2", "demo-3"):
        store(scene.world).remove_image(image(scene, name))
    endings = await prune(
        scene.cloud, pruning, rng=Random(2), now=scene.now, emit=scene.heard.append
    )
    assert [ending.verdict.fate for ending in endings] == [Fate.KEEP, Fate.DEPRECATE]
    assert stand(scene) == {"demo-1": "Available+"}


@scenario
async def test_what_is_not_ours_any_more_is_left_alone(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    pruning = await due(scene)
    # Somebody says no to the question by taking the tag off.
    del image(scene, "demo-1").tags[TAG_SHA256]
    endings = await prune(
        scene.cloud, pruning, rng=Random(2), now=scene.now, emit=scene.heard.append
    )
    assert [ending.verdict.fate for ending in endings] == [Fate.KEEP, Fate.DEPRECATE]
    assert stand(scene)["demo-1"] == "Available+"


@scenario
async def test_what_changes_while_a_dry_run_is_tried_again_is_left_alone(
    scene: Scene,
) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    await pruned(scene)
    await anyio.sleep(91 * DAY_S)
    away = {"region": REGIONS[0], "code": "ServiceUnavailable", "status": 503}
    scene.strike(Do.REFUSE, "DeleteImage", **away, times=5)
    endings: list[Pruned] = []
    async with anyio.create_task_group() as tasks:

        async def go() -> None:
            endings.extend(await pruned(scene))

        tasks.start_soon(go)
        await anyio.sleep(2)
        # Meanwhile, it is what the family has: somebody publishes it again.
        for name in ("demo-2", "demo-3"):
            store(scene.world).remove_image(image(scene, name))
        await release(scene, "demo-1", REGIONS[0])
    assert [ending.verdict.fate for ending in endings] == [Fate.KEEP, Fate.DELETE]
    assert [ending.error for ending in endings] == [None, None]
    assert stand(scene) == {"demo-1": "Available+"}


@scenario
async def test_a_region_that_fails_stops_no_other(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    pruning = await due(scene)
    refused = {"region": REGIONS[0], "code": "Forbidden.RAM", "status": 403}
    scene.strike(Do.REFUSE, "DescribeImages", **refused)
    failed, done = await prune(
        scene.cloud, pruning, rng=Random(2), now=scene.now, emit=scene.heard.append
    )
    assert failed.error is not None
    assert done.error is None
    again = await due(scene)
    assert [error.region for error in again.unseen] == [REGIONS[0]]


@scenario
async def test_an_interrupt_leaves_no_image_hidden_and_available(scene: Scene) -> None:
    await releases(scene, "demo-1", "demo-2", "demo-3")
    for delay_s in (0.0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8):
        with anyio.move_on_after(delay_s):
            await pruned(scene)
        for region in REGIONS:
            assert stand(scene, region)["demo-1"] in {"Available+", "Deprecated"}
    await pruned(scene)
    for region in REGIONS:
        old = image(scene, "demo-1", region)
        assert old.status is ImageStatus.DEPRECATED
        assert old.tags[TAG_DEPRECATED].isdigit()


@pytest.mark.parametrize("seed", range(10))
def test_lost_answers_change_nothing_about_the_end(seed: int) -> None:
    async def story(scene: Scene) -> None:
        await releases(scene, "demo-1", "demo-2", "demo-3")
        for action in ("ModifyImageAttribute", "ModifyImageSharePermission"):
            scene.strike(Do.DROP_AFTER, action, rate=0.5, times=6)
        scene.process(seed)
        endings = await pruned(scene)
        assert [ending.error for ending in endings] == [None, None]
        for region in REGIONS:
            assert stand(scene, region)["demo-1"] == "Deprecated"

    in_a_year(story)


@pytest.mark.parametrize("seed", range(10))
def test_lost_answers_change_nothing_about_bringing_back(seed: int) -> None:
    async def story(scene: Scene) -> None:
        await releases(scene, "demo-1", "demo-2", "demo-3")
        await pruned(scene)
        scene.strike(Do.DROP_AFTER, "ModifyImageAttribute", rate=0.5, times=6)
        scene.process(seed)
        report = await scene.run(Options(public=True)).execute()
        assert [o.result for o in report.outcomes] == [Result.ADOPTED] * 2
        assert stand(scene)["demo-1"] == "Available+"

    in_a_year(story)
