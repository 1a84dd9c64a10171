"""The commands of a release's years, each a process of its own, and their weather."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

import anyio

from ali_import.cloud.calls import Call
from ali_import.errors import ConfigurationError
from ali_import.publish import cleanup
from ali_import.publish.context import steadied
from ali_import.publish.model import Event, Note, Report
from ali_import.publish.run import Run
from ali_import.standing.plan import Intent, make_plan
from ali_import.standing.prune import Pruned, find_prunable, prune
from ali_import.standing.retention import Pruning, Retention
from alicloud_emulator.world.faults import Do, Fault, Rule
from tests.simulation import plan as plans
from tests.simulation.keeping import FINE_S, Eye, Keeper, Stood
from tests.simulation.life import Life
from tests.simulation.scene import Scene
from tests.simulation.troubles import MODEST
from tests.simulation.weather import Sky
from tests.support.bridge import AccountLogin, Killed, WorldCloud

FOUL_S: Final = 30 * 60.0
"""So long after it looked a command may act in bad weather, alone: until it gives up."""

_FORBIDDEN: Final = (
    *("ModifyImageAttribute",) * 3,
    *("DeleteImage",) * 3,
    "ModifyImageSharePermission",
    "TagResources",
    "UntagResources",
    "DeleteSnapshot",
)


class Instances:
    """Instances that use images, which the emulator has not: listings tell of them."""

    def __init__(self, scene: Scene) -> None:
        self.used: set[str] = set()
        self._rules: list[int] = []
        self._world = scene.world
        self._answer = scene.door.answer
        scene.door.answer = self._tell  # type: ignore[method-assign]

    def refuse(self) -> None:
        """Refuse to delete what is used, from now on."""
        faults = self._world.faults
        for rule_id in self._rules:
            faults.remove(rule_id)
        used = Fault(do=Do.REFUSE, code="ImageUsingByInstance", status=403)
        self._rules = [
            faults.add(Rule(fault=used, action="DeleteImage", resource=image_id))
            for image_id in sorted(self.used)
        ]

    async def _tell(self, sent: Any, **how: Any) -> Any:
        answer = await self._answer(sent, **how)
        if b'"Usage"' not in answer.body or not self.used:
            return answer
        told = json.loads(answer.body)
        for row in told.get("Images", {}).get("Image", ()):
            if row["ImageId"] in self.used:
                row["Usage"] = "instance"
        body = json.dumps(told).encode()
        headers = {key.lower(): value for key, value in answer.headers.items()}
        headers["content-length"] = str(len(body))
        return replace(answer, headers=headers, body=body)


class _Reading:
    """A cloud that only lets calls through that change nothing."""

    def __init__(self, cloud: WorldCloud) -> None:
        self._cloud = cloud

    async def call(self, call: Call[Any]) -> Any:
        assert not call.CHANGES, call
        return await self._cloud.call(call)


@dataclass(kw_only=True)
class Ended:
    """How a pruning ended; without endings it was killed, or could not begin."""

    found: Pruning | None = None
    endings: tuple[Pruned, ...] | None = None
    warned: list[str] = field(default_factory=list)


class Commands:
    """Carries out commands in one world.

    Args:
        life: What is published, and by which rules it is pruned.
        dice: Draws the weather.
        deep: Whether the SDKs sign and send, and the emulator checks, every request.

    Attributes:
        instances: Those that use images.
        keeper: Who looks on.
        weathers: What the weather was like, for people.
    """

    def __init__(self, life: Life, dice: Random, *, deep: bool) -> None:
        self.life = life
        self.scene = Scene(life.profile, signed=deep)
        self.instances = Instances(self.scene)
        self.keeper = Keeper(self.scene.world, self.instances.used)
        self.weathers: list[str] = []
        self._dice = dice
        self._deep = deep
        self._clouds: list[WorldCloud] = []
        self._commands = 0

    def close(self) -> None:
        """Let every process end."""
        self.scene.close()
        for cloud in self._clouds:
            cloud.close()

    async def publish(self, version: int, *, kill_at: int = 0) -> Report | None:
        """Publish a version; return how that ended, or None if it was killed."""
        targets = self.life.targets(version)
        eye = Eye(
            keeper=self.keeper,
            command=f"publish {version}",
            names={target.name for target in targets},
            # What is taken back leaves its family, where it may have been alone.
            families={target.family for target in targets}
            if not self.life.all_or_nothing
            else (),
        )
        found: list[Report] = []

        async def work(cloud: WorldCloud) -> None:
            run = Run(
                cloud,
                targets,
                self.life.options,
                run_id=f"{self._dice.getrandbits(32):08x}",
                rng=Random(f"{self.life.seed} {self._commands}"),
                now=self.scene.now,
                emit=self._hear,
            )
            found.append(await run.execute())

        await self._command(eye, work, kill_at=kill_at)
        for outcome in found[0].outcomes if found else ():
            self.met(f"placement {outcome.result}")
        return found[0] if found else None

    async def plan(self, version: int) -> dict[tuple[str, str], Intent]:
        """Say what publishing a version would do, by region and name."""
        eye = Eye(keeper=self.keeper, command=f"plan {version}")
        found: list[Intent] = []

        async def work(cloud: WorldCloud) -> None:
            steady = steadied(_Reading(cloud), Random(1), self._hear)
            targets = self.life.targets(version)
            found.extend((await make_plan(steady, targets, self.life.options)).intents)

        await self._command(eye, work)
        return {(intent.region, intent.name): intent for intent in found}

    async def prune(
        self,
        *,
        kill_at: int = 0,
        kill_after: int = 0,
        interrupt_at: int = 0,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> Ended:
        """Prune by the rules of the release.

        Args:
            kill_at: As in ``_command``.
            kill_after: The same.
            interrupt_at: The same.
            pause: What goes on between looking for what is due and doing it.
        """
        rules = self.life.rules
        eye = Eye(keeper=self.keeper, command=f"prune {self._commands}", rules=rules)
        ended = Ended()
        retention = Retention(
            keep=rules.keep,
            deprecate=rules.deprecate,
            delete_after_s=rules.delete_after_s,
            shared=rules.shared,
        )

        def hear(event: Event) -> None:
            self._hear(event)
            if isinstance(event, Note) and event.level == "WARNING":
                ended.warned.append(event.text)

        async def work(cloud: WorldCloud) -> None:
            dice = Random(f"prune {self.life.seed} {self._commands}")
            self.keeper.finding(eye, begins=True)
            ended.found = await find_prunable(
                cloud,
                rules.families,
                retention,
                now=self.scene.now(),
                rng=dice,
                emit=hear,
            )
            self.keeper.finding(eye, begins=False)
            if pause is not None:
                await pause()
            ended.endings = await prune(
                cloud, ended.found, rng=dice, now=self.scene.now, emit=hear
            )

        await self._command(
            eye,
            work,
            kill_at=kill_at,
            kill_after=kill_after,
            interrupt_at=interrupt_at,
        )
        self.keeper.finding(eye, begins=False)
        return ended

    async def clean_up(self) -> None:
        """Remove what stopped commands have left, all of it."""

        async def work(cloud: WorldCloud) -> None:
            found = await cleanup.find_leftovers(cloud, emit=self._hear)
            left = await cleanup.remove_leftovers(
                cloud, found, rng=Random(3), now=self.scene.now, emit=self._hear
            )
            for leftover in left:
                self.keeper.violated(f"cleanup cannot remove {leftover}")

        await self._command(Eye(keeper=self.keeper, command="cleanup"), work)

    async def _command(
        self,
        eye: Eye,
        work: Callable[[WorldCloud], Awaitable[None]],
        *,
        kill_at: int = 0,
        kill_after: int = 0,
        interrupt_at: int = 0,
    ) -> None:
        """Carry out a command as a process of its own, which may be stopped.

        Args:
            eye: Watches it.
            work: Does it.
            kill_at: The number of the call at which it is killed, as in `WorldCloud`; 0
                for never.
            kill_after: After so many calls that change something it is killed; 0 for
                never.
            interrupt_at: The number of the call at which it hears Ctrl-C; 0 for never.
        """
        self._commands += 1
        cloud = WorldCloud(
            door=self.scene.door,
            login=AccountLogin(self.scene.world),
            rng=Random(f"command {self.life.seed} {self._commands}"),
            deep=self._deep,
            watch=eye,
        )
        self._clouds.append(cloud)
        scope = anyio.CancelScope()

        def kill() -> None:
            cloud.kill()
            scope.cancel()

        if kill_at:
            cloud.at_call[kill_at] = kill
        if interrupt_at:
            cloud.at_call[interrupt_at] = scope.cancel
        if kill_after:
            eye.after_changes[kill_after] = kill
        self.keeper.tell(
            f"{eye.command} begins{f', dies at {kill_at}' * bool(kill_at)}"
        )
        try:
            with scope:
                await work(cloud)
        except* Killed:
            pass
        except* ConfigurationError as refused:
            if self.keeper.race_s == FINE_S:
                self.keeper.violated(f"{eye.command} refused: {refused.exceptions}")
        self.scene.world.agenda.catch_up()
        self.keeper.note()

    # --- weather --------------------------------------------------------------------

    def darken(self) -> Sky:
        """Make some bad weather."""
        seed = self._dice.getrandbits(32)
        drawn = replace(
            plans.draw(seed), profile=self.life.profile, options=self.life.options
        )
        sky = Sky(self.scene.world, self.scene.network, self.scene.lag, drawn)
        sky.make(self._dice.sample(MODEST, self._dice.choice((1, 1, 2, 3))))
        self.weathers.append(", ".join(sky.weather.kinds))
        self.keeper.tell(f"weather: {self.weathers[-1]}")
        for kind in sky.drawn:
            self.met(f"weather: {kind}")
        self.keeper.race_s = FOUL_S
        return sky

    def forbid(self) -> int:
        """Let the cloud refuse some of what pruning does for good; return the rule."""
        action = self._dice.choice(_FORBIDDEN)
        region = self._dice.choice(("*", self.life.profile.regions[0].id))
        first = self._dice.randint(1, 3)
        self.keeper.tell(f"forbidden in {region}: {action}, from call {first} on")
        self.met(f"forbidden: {action}")
        refuse = Fault(do=Do.REFUSE, code="Forbidden.RAM", status=403)
        rule = Rule(fault=refuse, action=action, region=region, first=first)
        return self.scene.world.faults.add(rule)

    async def heal(self, sky: Sky) -> None:
        """Let the weather be good again."""
        sky.heal()
        self.instances.refuse()
        self.keeper.tell("weather: fine")
        await anyio.sleep(60.0)
        self.keeper.race_s = FINE_S

    def stood(self) -> dict[str, Stood]:
        """Return what stands everywhere, by id."""
        self.scene.world.agenda.catch_up()
        self.keeper.note()
        return {i: image for s in self.keeper.everywhere() for i, image in s.items()}

    def _hear(self, event: Event) -> None:
        if isinstance(event, Note):
            self.keeper.tell(f"{event.level} {event.region} {event.text}")

    def met(self, what: str, number: int = 1) -> None:
        """Count something that happened."""
        self.keeper.met[what.lstrip("_")] += number
