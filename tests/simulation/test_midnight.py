"""A run that was cut short before midnight goes on under the name that it began with."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ali_import.cloud import calls
from ali_import.publish.context import steadied
from ali_import.publish.model import Options, Result
from ali_import.standing.unfinished import is_unfinished
from tests.simulation.plan import disk_image
from tests.simulation.scene import REGIONS, TARGET, Scene, in_a_scene
from tests.support.bridge import Killed, WorldCloud

ALL = Options(regions=REGIONS)
OTHER = replace(TARGET, image=disk_image(Path("/other.img"), b"other" * 50))


async def unfinished(
    scene: Scene, options: Options = ALL, *, of: Any = TARGET, later_s: float = 0.0
) -> bool:
    cloud = steadied(scene.process(2), Random(1), scene.heard.append)
    return await is_unfinished(cloud, [of], options, lambda: scene.now() + later_s)


class UntilImported:
    """A cloud whose process is killed when its first import has begun."""

    def __init__(self, cloud: WorldCloud) -> None:
        self._cloud = cloud

    async def call(self, call: calls.Call[Any], /) -> Any:
        answer = await self._cloud.call(call)
        if isinstance(call, calls.ImportImage):
            self._cloud.kill()
        return answer


async def cut_short(scene: Scene) -> None:
    run = scene.run(ALL, UntilImported(scene.cloud), run_id="deadbeef")
    with pytest.RaisesGroup(Killed, flatten_subgroups=True, allow_unwrapped=True):
        await run.execute()


def test_where_nothing_was_begun_there_is_nothing_to_go_on_with() -> None:
    async def scenario(scene: Scene) -> None:
        assert not await unfinished(scene)

    in_a_scene(scenario)


def test_a_release_that_was_finished_yesterday_is_not_gone_on_with() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.publish(regions=REGIONS)
        assert not await unfinished(scene)
        # Not even if it has left a bucket behind.
        await scene.cloud.call(
            calls.PutBucket(
                region=REGIONS[1],
                bucket=f"ali-import-0123abcd-{int(scene.now()) + 999:08x}-x",
            )
        )
        assert not await unfinished(scene)
        assert await unfinished(scene, replace(ALL, public=True))

    in_a_scene(scenario)


def test_a_run_that_was_cut_short_is_gone_on_with_until_its_lease_is_over() -> None:
    async def scenario(scene: Scene) -> None:
        await cut_short(scene)
        assert await unfinished(scene)
        assert not await unfinished(scene, later_s=86400.0)
        assert not await unfinished(scene, of=OTHER)
        scene.process(3)
        report = await scene.publish(regions=REGIONS)
        assert all(outcome.result.good for outcome in report.outcomes)
        assert Result.ADOPTED in {outcome.result for outcome in report.outcomes}

    in_a_scene(scenario)
