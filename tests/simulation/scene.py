"""One small world and one target, for scenarios that are written by hand."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import anyio

from ali_import.cloud.calls import Cloud
from ali_import.publish.model import Event, Options, Report, Target
from ali_import.publish.run import Run
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.faults import Do, Fault, Rule
from alicloud_emulator.world.profile import Account, Profile, Region
from alicloud_emulator.world.world import World
from emulator.tests.support.virtual import run
from tests.simulation.landscape import store
from tests.simulation.plan import ACCOUNT, disk_image
from tests.support.bridge import AccountLogin, Door, Network, WorldCloud

REGIONS = ("cn-hangzhou", "eu-central-1")
FILE = Path("/disk.img")
DATA = b"disk" * 50
TARGET = Target(image=disk_image(FILE, DATA), name="demo-1", family="demo")
EPOCH_S = 1.79e9


def profile(*regions: str, **durations: float) -> Profile:
    """Return a cloud of some regions; those in mainland China want a relay."""
    plain = Profile(
        name="some regions",
        regions=tuple(Region(id=name, mainland=name[:2] == "cn") for name in regions),
        accounts=(Account(id=ACCOUNT, access_key_id="LTAI-x", access_key_secret="x"),),
    )
    return replace(plain, durations=replace(plain.durations, **durations))


PROFILE = profile(*REGIONS)


class Scene:
    """A world, and ways into it.

    Args:
        of: The cloud.
        signed: Whether signatures are checked.

    Attributes:
        cloud: The way in of the process that runs now.
        heard: What it told.
    """

    def __init__(self, of: Profile = PROFILE, *, signed: bool = False) -> None:
        self.profile = of
        self.world = World(of, clock=self.now, seed=1)
        self.network = Network(anyio.current_time)
        self.door = Door(self.world, self.network, signed=signed)
        self.lag = self.door.lag
        self._clouds: list[WorldCloud] = []
        self.heard: list[Event] = []
        self.cloud = self.process()

    def now(self) -> float:
        return EPOCH_S + anyio.current_time()

    def process(self, seed: int = 1) -> WorldCloud:
        """Return the way into the world of one more process."""
        self.cloud = WorldCloud(
            door=self.door, login=AccountLogin(self.world), rng=Random(seed)
        )
        self._clouds.append(self.cloud)
        return self.cloud

    def close(self) -> None:
        """Let every process end."""
        for cloud in self._clouds:
            cloud.close()

    def run(
        self,
        options: Options | None = None,
        cloud: Cloud | None = None,
        *,
        run_id: str = "0123abcd",
        of: Target | None = None,
    ) -> Run:
        return Run(
            cloud or self.cloud,
            [of or TARGET],
            options or Options(),
            run_id=run_id,
            rng=Random(2),
            now=self.now,
            emit=self.heard.append,
        )

    async def publish(self, **options: Any) -> Report:
        return await self.run(Options(**options)).execute()

    def strike(self, do: Do, action: str, **more: Any) -> None:
        """Let a fault strike an action."""
        kinds = ("code", "status", "message", "delay_s", "retry_after_ms")
        fault = Fault(do=do, **{key: more.pop(key) for key in kinds if key in more})
        self.world.faults.add(Rule(fault=fault, action=action, **more))

    def images(self, *regions: str) -> list[Image]:
        """Return the account's images in some regions, or in all."""
        ids = regions or [region.id for region in self.profile.regions]
        return [i for r in ids for i in store(self.world).images_of(ACCOUNT, r)]

    def buckets(self, region: str) -> list[str]:
        return [b["name"] for b in self.world.oss.state(region, ACCOUNT)["buckets"]]

    def functions(self, region: str) -> list[str]:
        return [f["name"] for f in self.world.fc.state(region, ACCOUNT)["functions"]]

    def rooms(self) -> list[str]:
        """Return the names of all buckets and functions, everywhere."""
        ids = [region.id for region in self.profile.regions]
        return [name for r in ids for name in (*self.buckets(r), *self.functions(r))]


def in_a_scene(
    scenario: Callable[[Scene], Awaitable[None]], of: Profile = PROFILE
) -> None:
    async def main() -> None:
        scene = Scene(of)
        try:
            await scenario(scene)
        finally:
            scene.close()

    run(main)
