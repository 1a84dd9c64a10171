"""The plan and the publication agree: what the plan names is what a publication mends."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import anyio
import pytest

from ali_import.cloud.calls import Call
from ali_import.errors import ConfigurationError
from ali_import.publish.context import steadied
from ali_import.publish.model import Options, Result, Route
from ali_import.standing.plan import Action, Intent, Plan, make_plan
from alicloud_emulator.world.ecs.records import Image, ImageStatus
from alicloud_emulator.world.faults import Do
from tests.simulation.plan import ACCOUNT
from tests.simulation.scene import REGIONS, TARGET, Scene, in_a_scene, profile

OPTIONS = Options(public=True, nvme="supported")


class Reading:
    """A cloud that only lets calls through that change nothing."""

    def __init__(self, scene: Scene) -> None:
        self._cloud = scene.cloud

    async def call(self, call: Call[Any]) -> Any:
        assert not call.CHANGES, call
        return await self._cloud.call(call)


async def planned(scene: Scene, options: Options = OPTIONS) -> Plan:
    cloud = steadied(Reading(scene), Random(1), scene.heard.append)
    return await make_plan(cloud, [TARGET], options)


def actions(plan: Plan) -> list[Action]:
    return [intent.action for intent in plan.intents]


async def published(scene: Scene, options: Options = OPTIONS) -> list[Result]:
    report = await scene.run(options).execute()
    return [outcome.result for outcome in report.outcomes]


def test_an_empty_cloud_is_made_and_then_kept() -> None:
    async def scenario(scene: Scene) -> None:
        before = await planned(scene)
        assert [(i.action, i.route) for i in before.intents] == [
            (Action.MAKE, Route.RELAY),
            (Action.MAKE, Route.DIRECT),
        ]
        assert before.uplink_bytes == 2 * TARGET.image.file_bytes
        assert await published(scene) == [Result.PLACED] * 2
        after = await planned(scene)
        assert actions(after) == [Action.KEEP] * 2
        assert after.uplink_bytes == 0
        ids = [image.image_id for image in scene.images()]
        assert [intent.image_id for intent in after.intents] == ids

    in_a_scene(scenario)


def unshare(image: Image) -> None:
    image.public = False


def deprecate(image: Image) -> None:
    image.status = ImageStatus.DEPRECATED


def lose_nvme(image: Image) -> None:
    image.nvme = "unsupported"


def boot_from_uefi(image: Image) -> None:
    image.boot_mode = "UEFI"


def move(image: Image) -> None:
    image.family = "other"


def untag(image: Image) -> None:
    del image.tags["ali-import:run"]


def go_aside(image: Image) -> None:
    image.tags["ali-import:was"] = "something"


DRIFTS = [
    (unshare, {"public": "true"}),
    (deprecate, {"status": "Available"}),
    (lose_nvme, {"nvme": "supported"}),
    (boot_from_uefi, {"boot-mode": "BIOS"}),
    (move, {"family": "demo"}),
    (untag, {"tags": "ours"}),
    (go_aside, {"tags": "ours"}),
]


@pytest.mark.parametrize(
    ("spoil", "changes"), DRIFTS, ids=[spoil.__name__ for spoil, _ in DRIFTS]
)
def test_what_drifted_is_named_and_then_mended(
    spoil: Callable[[Image], None], changes: dict[str, str]
) -> None:
    async def scenario(scene: Scene) -> None:
        await published(scene)
        good, drifted = scene.images()
        spoil(drifted)
        keep, mend = (await planned(scene)).intents
        assert keep.action is Action.KEEP
        assert (mend.action, mend.image_id) == (Action.MEND, drifted.image_id)
        assert mend.changes == changes
        assert await published(scene) == [Result.UNCHANGED, Result.ADOPTED]
        assert actions(await planned(scene)) == [Action.KEEP] * 2
        assert [image.image_id for image in scene.images()] == [
            good.image_id,
            drifted.image_id,
        ]

    in_a_scene(scenario)


def leave_alone(_image: Image) -> None:
    """Nothing happened."""


def publish_by_hand(image: Image) -> None:
    image.public = True


def tag_by_hand(image: Image) -> None:
    image.tags["team"] = "boot"


def share_by_hand(image: Image) -> None:
    image.shared_with["1" * 16] = 1.0


def harden(image: Image) -> None:
    image.imds = "v2"


@pytest.mark.parametrize(
    "touch", [leave_alone, publish_by_hand, tag_by_hand, share_by_hand, harden]
)
def test_what_nobody_named_is_no_drift(touch: Callable[[Image], None]) -> None:
    async def scenario(scene: Scene) -> None:
        await published(scene, Options())
        for image in scene.images():
            touch(image)
        assert actions(await planned(scene, Options())) == [Action.KEEP] * 2
        assert await published(scene, Options()) == [Result.UNCHANGED] * 2

    in_a_scene(scenario)


def test_other_content_blocks_or_is_replaced() -> None:
    async def scenario(scene: Scene) -> None:
        await published(scene)
        tagged, foreign = scene.images()
        tagged.tags["ali-import:sha256"] = "00" * 32
        del foreign.tags["ali-import:sha256"]
        one, other = (await planned(scene)).intents
        assert (one.action, other.action) == (Action.BLOCKED, Action.BLOCKED)
        assert "other content" in one.why
        assert "no tag of ours" in other.why
        assert await published(scene) == [Result.FAILED] * 2
        over = replace(OPTIONS, overwrite=True)
        assert actions(await planned(scene, over)) == [Action.REPLACE] * 2
        assert await published(scene, over) == [Result.PLACED] * 2
        assert actions(await planned(scene, over)) == [Action.KEEP] * 2

    in_a_scene(scenario)


def test_what_is_being_made_is_waited_for_and_what_failed_is_made_again() -> None:
    async def scenario(scene: Scene) -> None:
        await published(scene)
        making, failed = scene.images()
        making.status = ImageStatus.CREATING
        failed.status = ImageStatus.CREATE_FAILED
        mend, make = (await planned(scene)).intents
        assert (mend.action, mend.changes) == (Action.MEND, {"status": "Available"})
        assert make.action is Action.MAKE

    in_a_scene(scenario)


def test_a_region_that_cannot_be_asked_is_told() -> None:
    async def scenario(scene: Scene) -> None:
        refused = {"region": REGIONS[0], "code": "Forbidden.RAM", "status": 403}
        scene.strike(Do.REFUSE, "DescribeImages", **refused)
        unseen, make = (await planned(scene)).intents
        assert (unseen.action, make.action) == (Action.UNSEEN, Action.MAKE)
        assert unseen.error is not None
        assert unseen.error.code == "Forbidden.RAM"

    in_a_scene(scenario)


def test_a_region_that_can_only_copy_needs_one_that_lends() -> None:
    async def scenario(scene: Scene) -> None:
        only = await planned(scene, Options(regions=("us-southeast-1",)))
        assert routes(only) == [Route.COPY]
        assert only.lent == (TARGET.name,)
        assert only.uplink_bytes == TARGET.image.file_bytes
        both = await planned(scene)
        assert routes(both) == [Route.DIRECT, Route.COPY]
        assert both.lent == ()

    in_a_scene(scenario, profile("eu-central-1", "us-southeast-1"))


def routes(plan: Plan) -> list[Route | None]:
    return [intent.route for intent in plan.intents]


def test_the_order_is_that_of_a_publication() -> None:
    async def scenario(scene: Scene) -> None:
        backwards = Options(regions=REGIONS[::-1])
        intents: tuple[Intent, ...] = (await planned(scene, backwards)).intents
        assert [intent.region for intent in intents] == list(REGIONS[::-1])

    in_a_scene(scenario)


def test_an_excluded_region_is_left_alone_and_lends_nothing() -> None:
    async def scenario(scene: Scene) -> None:
        without = Options(excluded=frozenset({REGIONS[0]}))
        assert [i.region for i in (await planned(scene, without)).intents] == [
            REGIONS[1]
        ]
        assert await published(scene, without) == [Result.PLACED]
        assert scene.images(REGIONS[0]) == []

    in_a_scene(scenario)


@pytest.mark.parametrize(
    "options",
    [
        Options(regions=("eu-centrl-1",)),
        Options(excluded=frozenset({"eu-centrl-1"})),
        Options(allow_failure=frozenset({"eu-centrl-1"})),
    ],
)
def test_a_region_that_does_not_exist_is_refused_by_all_who_ask(
    options: Options,
) -> None:
    """A misspelled exception above all: the images would be where nobody wants them."""

    async def scenario(scene: Scene) -> None:
        for asked in (planned(scene, options), scene.run(options).execute()):
            with pytest.raises(ConfigurationError, match="eu-centrl-1") as refusal:
                await asked
            assert refusal.value.advice.startswith("did you mean eu-central-1?")
        assert scene.images() == []

    in_a_scene(scenario)


def test_a_region_that_does_not_answer_in_time_is_unseen() -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.HANG, "DescribeImages", region=REGIONS[0])
        began = anyio.current_time()
        plan = await planned(scene, replace(OPTIONS, timeout_s=5.0))
        assert anyio.current_time() - began < 6.0
        assert actions(plan) == [Action.UNSEEN, Action.MAKE]
        error = plan.intents[0].error
        assert error is not None
        assert (error.code, error.message) == ("Timeout", "no answer within 5 s")

    in_a_scene(scenario)


def test_a_region_that_is_excluded_is_not_borrowed_from() -> None:
    regions = ("cn-heyuan", "eu-central-1")
    of = profile(*regions)
    heyuan = replace(of.regions[0], fc=False)
    of = replace(of, regions=(heyuan, *of.regions[1:]))

    async def scenario(scene: Scene) -> None:
        alone = Options(regions=("cn-heyuan",), excluded=frozenset({"eu-central-1"}))
        assert await published(scene, alone) == [Result.FAILED]
        assert scene.images("eu-central-1") == []
        assert not any(
            scene.world.oss.state("eu-central-1", ACCOUNT)["buckets"],
        )
        assert await published(scene, Options(regions=("cn-heyuan",))) == [
            Result.PLACED
        ]

    in_a_scene(scenario, of)
