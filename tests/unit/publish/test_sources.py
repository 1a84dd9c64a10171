"""Who copies from where, who waits for whom, and that nobody waits for ever."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from ali_import.cloud.values import ObjectSource
from ali_import.publish.sources import (
    CopySlots,
    ImageSource,
    Sources,
)
from emulator.tests.support.virtual import run

HANGZHOU = ImageSource(region="cn-hangzhou", image_id="m-h")
SINGAPORE = ImageSource(region="ap-southeast-1", image_id="m-s")


def table(*regions: str, slots: CopySlots | None = None) -> Sources:
    return Sources(regions, {}, slots or CopySlots())


def forgetting(sources: Sources, *regions: str) -> Sources:
    for region in regions:
        sources.forget(region)
    return sources


async def still_waits(call: Callable[[], Awaitable[object]]) -> bool:
    with anyio.move_on_after(1000) as scope:
        await call()
    return scope.cancelled_caught


def test_the_nearest_of_the_least_busy_regions_is_the_source() -> None:
    async def main() -> None:
        sources = forgetting(table("cn-hangzhou", "ap-southeast-1"), "cn-hangzhou")
        sources.add_image("cn-hangzhou", "m-h")
        sources.add_image("ap-southeast-1", "m-s")
        taken = [await sources.take_image("cn-heyuan", ()) for _ in range(3)]
        assert taken == [HANGZHOU, SINGAPORE, HANGZHOU]
        assert await sources.take_image("ap-southeast-6", ()) == SINGAPORE

    run(main)


def test_no_more_than_five_copies_run_from_a_region() -> None:
    async def main() -> None:
        sources = table()
        sources.add_image("cn-hangzhou", "m-h")
        for _ in range(5):
            assert await sources.take_image("x", ()) == HANGZHOU
        assert await still_waits(lambda: sources.take_image("x", ()))
        sources.slots.give_back(HANGZHOU)
        assert await sources.take_image("x", ()) == HANGZHOU

    run(main)


def test_slots_are_shared_by_all_images() -> None:
    async def main() -> None:
        slots = CopySlots()
        one, other = table(slots=slots), table(slots=slots)
        one.add_image("cn-hangzhou", "m-h")
        other.add_image("cn-hangzhou", "m-other")
        for _ in range(5):
            await one.take_image("x", ())
        assert await still_waits(lambda: other.take_image("x", ()))

    run(main)


def test_where_the_cloud_refuses_it_one_image_is_copied_once_at_a_time() -> None:
    async def main() -> None:
        sources = table()
        sources.slots.serial = True
        sources.add_image("cn-hangzhou", "m-h")
        await sources.take_image("x", ())
        assert await still_waits(lambda: sources.take_image("y", ()))

    run(main)


def test_a_region_that_is_expected_is_waited_for() -> None:
    async def main() -> None:
        sources = forgetting(table("cn-hangzhou", "cn-heyuan"), "cn-heyuan")
        async with anyio.create_task_group() as tasks:
            found: list[ImageSource | None] = []

            async def take() -> None:
                found.append(await sources.take_image("cn-heyuan", ()))

            tasks.start_soon(take)
            await anyio.sleep(100)
            assert found == []
            sources.add_image("cn-hangzhou", "m-h")
        assert found == [HANGZHOU]

    run(main)


@pytest.mark.parametrize("ending", [Sources.no_image, Sources.forget])
def test_who_will_not_come_is_not_waited_for(
    ending: Callable[[Sources, str], None],
) -> None:
    async def main() -> None:
        sources = table("cn-hangzhou", "cn-heyuan")
        ending(sources, "cn-hangzhou")
        assert await sources.take_image("cn-heyuan", ()) is None

    run(main)


def test_refused_sources_do_not_count() -> None:
    async def main() -> None:
        sources = table()
        sources.add_image("cn-hangzhou", "m-h")
        assert await sources.take_image("x", [HANGZHOU]) is None

    run(main)


def test_who_can_only_copy_waits_for_reserves_and_reserves_for_nobody() -> None:
    async def main() -> None:
        sources = table()
        sources.add_reserve("cn-hangzhou")
        sources.add_reserve("cn-shanghai")
        assert await sources.take_image("cn-hangzhou", ()) is None
        assert await still_waits(lambda: sources.take_image("cn-heyuan", ()))
        forgetting(sources, "cn-hangzhou", "cn-shanghai")
        assert await sources.take_image("cn-heyuan", ()) is None

    run(main)


def test_one_region_is_the_seed_until_it_gives_up() -> None:
    async def main() -> None:
        sources = table("a-1", "b-1")
        assert sources.claim_seed("a-1")
        assert not sources.claim_seed("b-1")
        assert await still_waits(sources.seed_settled)
        sources.give_up_seed("a-1")
        assert not await sources.seed_settled()
        assert sources.claim_seed("b-1")
        sources.add_object(ObjectSource(region="b-1", bucket="b", key="k"))
        assert await sources.seed_settled()
        assert not sources.claim_seed("a-1")

    run(main)


def test_a_region_stays_the_seed_when_it_has_ended_with_an_image() -> None:
    async def main() -> None:
        sources = table("a-1", "b-1")
        assert sources.claim_seed("a-1")
        assert await still_waits(sources.seed_settled)
        sources.add_image("a-1", "m-a")
        sources.forget("a-1")
        assert await sources.seed_settled()
        assert not sources.claim_seed("b-1")

    run(main)


def test_an_object_is_waited_for_while_a_region_may_stage_it() -> None:
    async def main() -> None:
        sources = table("a-1", "b-1", "c-1")
        assert await still_waits(lambda: sources.object_known("a-1"))
        sources.no_object("b-1")
        sources.forget("c-1")
        assert not await sources.object_known("a-1")

    run(main)
