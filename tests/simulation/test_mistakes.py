"""Even a mistake of ours leaves nothing behind."""

from pathlib import Path
from random import Random
from typing import TypeVar

import anyio
import pytest

from ali_import.cloud.requests import ImportImage, Request
from ali_import.publish.options import Options, Target
from ali_import.publish.run import Run
from alicloud_emulator.world.profile import Account, Profile, Region
from alicloud_emulator.world.throttle import Throttle
from alicloud_emulator.world.world import World
from tests.simulation.plan import ACCOUNT, disk_image
from tests.support.bridge import AccountLogin, Network, WorldCloud
from tests.support.virtual import run

R = TypeVar("R")
REGIONS = ("cn-hangzhou", "eu-central-1")
FILE = Path("/disk.img")
DATA = b"disk" * 50
PROFILE = Profile(
    name="mistakes",
    regions=tuple(Region(id=name, mainland=name[:2] == "cn") for name in REGIONS),
    accounts=(Account(id=ACCOUNT, access_key_id="LTAI-x", access_key_secret="x"),),
)


class Mistaken:
    """A cloud port with a mistake in it."""

    def __init__(self, cloud: WorldCloud) -> None:
        self._cloud = cloud

    async def call(self, request: Request[R]) -> R:
        """Carry out a request, unless it is an import."""
        if isinstance(request, ImportImage):
            raise ZeroDivisionError
        return await self._cloud.call(request)


def test_a_mistake_is_told_and_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        world = World(PROFILE, clock=lambda: 1.79e9 + anyio.current_time(), seed=1)
        cloud = WorldCloud(
            world=world,
            login=AccountLogin(world),
            rng=Random(1),
            network=Network(anyio.current_time),
            throttle=Throttle(PROFILE, world.agenda),
            files={FILE: DATA},
        )
        publishing = Run(
            Mistaken(cloud),
            [Target(image=disk_image(FILE, DATA), name="demo", family="demo")],
            Options(),
            run_id="0123abcd",
            rng=Random(2),
            now=lambda: 1.79e9 + anyio.current_time(),
            emit=lambda _event: None,
        )
        with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
            await publishing.execute()
        for region in REGIONS:
            assert world.oss.state(region, ACCOUNT)["buckets"] == []
            assert world.fc.state(region, ACCOUNT)["functions"] == []
        assert publishing.leftovers() == ()

    run(scenario)
