"""One seed of a release's years: it is published, drifts, is mended, and is pruned.

Everything goes through the tool's own adapters and the emulator's door, in virtual time.
`keeping.py` says what pruning may do, `drifting.py` what people do.
"""

import json
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

import anyio
import hypothesis  # noqa: F401  its presence makes trio schedule deterministically
import trio._core._run as trio_run
from trio.testing import MockClock

from ali_import.cloud.calls import Call
from ali_import.disk import Architecture, BootMode
from ali_import.errors import ConfigurationError
from ali_import.publish import cleanup
from ali_import.publish.context import steadied
from ali_import.publish.lease import PREFIX
from ali_import.publish.model import (
    Event,
    Note,
    Options,
    Outcome,
    Report,
    Result,
    Target,
)
from ali_import.publish.run import Run
from ali_import.standing.plan import Action, Intent, make_plan
from ali_import.standing.prune import Pruned, find_prunable, prune
from ali_import.standing.retention import Fate, Pruning, Retention
from alicloud_emulator.world.ecs.records import ImageStatus
from alicloud_emulator.world.faults import Do, Fault, Rule
from alicloud_emulator.world.profile import Profile
from tests.simulation import plan as plans
from tests.simulation.drifting import DRIFTS, People, action_after, delete
from tests.simulation.harness import Verdict
from tests.simulation.keeping import FINE_S, OURS, Deed, Eye, Keeper, Rules, Stood, due
from tests.simulation.landscape import _Put, store
from tests.simulation.plan import ABROAD, ACCOUNT, MAINLAND, content, disk_image
from tests.simulation.scene import Scene, profile
from tests.simulation.troubles import MODEST
from tests.simulation.weather import Sky
from tests.support.bridge import AccountLogin, Killed, WorldCloud

DAY_S: Final = 86_400.0
BUDGET_S: Final = 3 * 365 * DAY_S
FAMILY: Final = "rel"
OTHER: Final = "rel-extra"
"""Another release of ours, in a family that nobody prunes."""
FOUL_S: Final = 30 * 60.0
"""So long after it looked a command may act in bad weather, alone: until it gives up."""
RETRIED_S: Final = 2 * 60.0
"""The same if somebody else changes things: while one call is made again and again."""
_KINDS: Final = (
    (Architecture.X86_64, BootMode.BIOS),
    (Architecture.X86_64, BootMode.UEFI),
    (Architecture.ARM64, BootMode.UEFI),
)
_FATES: Final = {
    Deed.DEPRECATE: Fate.DEPRECATE,
    Deed.MARK: Fate.DEPRECATE,
    Deed.DELETE: Fate.DELETE,
}


@dataclass(frozen=True, kw_only=True)
class Life:
    """What a seed draws once and for all."""

    seed: int
    profile: Profile
    kinds: tuple[tuple[Architecture, BootMode], ...]
    public: bool
    all_or_nothing: bool
    rules: Rules
    weeks: int

    @property
    def options(self) -> Options:
        """How it is published; nothing is named that is not wanted."""
        return Options(
            **({"public": True} if self.public else {}),  # type: ignore[arg-type]
            **({"all_or_nothing": True} if self.all_or_nothing else {}),  # type: ignore[arg-type]
        )

    def targets(self, version: int) -> tuple[Target, ...]:
        """Return the images of a version."""
        found = []
        for number, (architecture, boot_mode) in enumerate(self.kinds):
            label = f"{version}-{number}"
            image = disk_image(
                Path(f"/images/{label}.img"),
                content(f"{self.seed} {label}", 1000 + number),
                architecture=architecture,
                boot_mode=boot_mode,
            )
            found.append(
                Target(
                    image=image,
                    name=f"{FAMILY}-{version}{image.suffix}",
                    family=f"{FAMILY}{image.suffix}",
                )
            )
        return tuple(found)

    def headline(self) -> str:
        """Return what the seed is about, for people who debug it."""
        regions = ", ".join(region.id for region in self.profile.regions)
        flags = " public" * self.public + " all-or-nothing" * self.all_or_nothing
        suffixes = [target.name for target in self.targets(0)]
        return (
            f"years of seed {self.seed}: {self.weeks} weeks of {', '.join(suffixes)} "
            f"in {regions};{flags}; {self.rules}"
        )


def draw(seed: int) -> Life:
    """Draw what stays the same over the years."""
    rng = Random(f"years {seed}")
    names = rng.sample(MAINLAND, rng.randint(0, 2)) + rng.sample(ABROAD, 2)
    cloud = profile(*names[: rng.randint(2, 4)], usable_s=0.0)
    cloud = replace(cloud, habits=replace(cloud.habits, tags_kept=rng.random() < 0.7))
    kinds = rng.sample(_KINDS, rng.choice((1, 2, 2, 3)))
    suffixes = ("", "-uefi-x86-64")
    return Life(
        seed=seed,
        profile=cloud,
        kinds=tuple(kinds),
        public=rng.random() < 0.6,
        all_or_nothing=rng.random() < 0.25,
        rules=Rules(
            families=(FAMILY + rng.choice(suffixes) * (rng.random() < 0.2),),
            keep=rng.randint(1, 3),
            deprecate=rng.random() < 0.9,
            delete_after_s=rng.choice((0.0, 6 * DAY_S, 13 * DAY_S, 20 * DAY_S, None)),
            shared=rng.random() < 0.2,
        ),
        weeks=rng.randint(5, 9),
    )


def live(seed: int, *, trace: bool = False, deep: bool = False) -> Verdict:
    """Play one seed in virtual time.

    Args:
        seed: What draws everything.
        trace: Whether to give every call as text.
        deep: Whether the SDKs sign and send, and the emulator checks, every request.
    """
    trio_run._r.seed(seed)
    life = draw(seed)
    verdict = Verdict(seed=seed, headline=life.headline())
    years: list[Years] = []

    async def bounded() -> None:
        years.append(Years(life, deep=deep))
        with anyio.fail_after(BUDGET_S):
            await years[0].play()

    clock = MockClock(autojump_threshold=0)
    try:
        anyio.run(bounded, backend="trio", backend_options={"clock": clock})
    except Exception:  # noqa: BLE001  whatever it is, the seed shall be told
        verdict.violations.append(f"it broke:\n{traceback.format_exc()[-3000:]}")
    finally:
        for one in years:
            one.close()
    for one in years:
        verdict.violations += one.keeper.violations
        verdict.weather = "; ".join(one.weathers) or "fine"
        verdict.tally.met.update(one.keeper.met)
        verdict.tally.struck.update(one.scene.world.faults.struck)
        verdict.tally.calls = one.keeper.calls
        verdict.trace = one.keeper.trace if trace else []
    return verdict


class _Instances:
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
        return replace(answer, body=json.dumps(told).encode())


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


class Years:
    """The play that every seed gives."""

    def __init__(self, life: Life, *, deep: bool) -> None:
        self.life = life
        self._deep = deep
        self.scene = Scene(life.profile)
        instances = _Instances(self.scene)
        self._instances = instances
        self.keeper = Keeper(self.scene.world, instances.used)
        self._people = People(self.scene, (FAMILY, OTHER), instances.used)
        self._dice = Random(f"play {life.seed}")
        self._clouds: list[WorldCloud] = []
        self._version = 0
        self._commands = 0
        self._kept: dict[str, str] = {}
        self.weathers: list[str] = []

    def close(self) -> None:
        """Let every process end."""
        self.scene.close()
        for cloud in self._clouds:
            cloud.close()

    async def play(self) -> None:
        """Live week after week, and look at what is left in the end."""
        self._furnish()
        for _ in range(self.life.weeks):
            await self._week()
            await anyio.sleep(self._dice.uniform(6.5, 7.5) * DAY_S)
            self.keeper.forget()
        await self._end()

    def _furnish(self) -> None:
        """Put another release of ours there, and something that is nobody's."""
        put = _Put(self.scene.world, Random(f"landscape {self.life.seed}"))
        for region in self.life.profile.regions:
            for number in range(3):
                tags = {"ali-import:sha256": "a" * 64, "ali-import:deprecated": "1"}
                image = put.image(
                    region.id,
                    f"{OTHER}-{number}",
                    family=OTHER,
                    tags=tags,
                    status=ImageStatus.DEPRECATED if number else ImageStatus.AVAILABLE,
                )
                self._kept[image.image_id] = repr(image)
        self.keeper.note()

    async def _week(self) -> None:
        dice = self._dice
        await self._publish()
        if dice.random() < 0.5:
            await self._drift_and_mend()
        for _ in range(dice.choice((0, 0, 1, 2, 4))):
            self._act()
        await anyio.sleep(300.0)
        if dice.random() < 0.8:
            await self._prune()

    def _act(self) -> None:
        """Let somebody do something by hand."""
        self.keeper.tell(f"people: {self._people.act(self._dice)}")
        self._instances.refuse()
        self.keeper.note()

    # --- publishing -----------------------------------------------------------------

    async def _publish(self) -> None:
        """Publish a version, mostly a new one, in whatever weather; then once more."""
        dice = self._dice
        if self._version == 0 or dice.random() < 0.75:
            self._version += 1
        version = self._version
        if dice.random() < 0.1:
            version = dice.randint(1, self._version)
        sky = self._darken() if dice.random() < 0.3 else None
        if dice.random() < 0.2:
            self._met("a publication that is killed")
            await self._run(version, kill_at=self._some_call(100))
        elif sky is not None:
            await self._run(version)
        if sky is not None:
            await self._heal(sky)
        if dice.random() < 0.85:
            await self._publish_well(version)

    async def _publish_well(self, version: int) -> None:
        """Publish in good weather and alone: everything stands then, and as wanted."""
        self._clear_the_way(version)
        report = await self._run(version)
        assert report is not None
        for outcome in report.outcomes:
            if not (outcome.result.good and outcome.published):
                self.keeper.violated(f"not published in good weather: {outcome}")
        await self._check_plan(version)

    def _clear_the_way(self, version: int) -> None:
        """Delete by hand what has a name of ours and does not say what it holds."""
        names = {target.name for target in self.life.targets(version)}
        for image in self.scene.images():
            said = OURS in image.tags or (image.description and not image.tags)
            if image.name in names and not said and image.status in _MADE:
                delete(self.scene, image)
        self.keeper.note()

    async def _run(self, version: int, *, kill_at: int = 0) -> Report | None:
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
        return found[0] if found else None

    # --- planning and mending -------------------------------------------------------

    async def _plan(self, version: int) -> dict[tuple[str, str], Intent]:
        eye = Eye(keeper=self.keeper, command=f"plan {version}")
        found: list[Intent] = []

        async def work(cloud: WorldCloud) -> None:
            steady = steadied(_Reading(cloud), Random(1), self._hear)
            targets = self.life.targets(version)
            found.extend((await make_plan(steady, targets, self.life.options)).intents)

        await self._command(eye, work)
        return {(intent.region, intent.name): intent for intent in found}

    async def _check_plan(
        self,
        version: int,
        expected: Mapping[tuple[str, str], Mapping[str, str] | None] | None = None,
    ) -> None:
        """See that a plan shows what was changed by hand, and nothing else."""
        expected = expected or {}
        planned = await self._plan(version)
        for region in self.life.profile.regions:
            for target in self.life.targets(version):
                changes = expected.get((region.id, target.name), {})
                intent = planned.pop((region.id, target.name), None)
                wanted = (action_after(changes), dict(changes or {}))
                told = (intent.action, dict(intent.changes)) if intent else None
                if told != wanted:
                    text = f"{target.name} in {region.id}: {told}, should be {wanted}"
                    self.keeper.violated(f"the plan says of {text}")
        for other in planned.values():
            self.keeper.violated(f"the plan tells of {other}")

    async def _drift_and_mend(self) -> None:
        """People change the newest release; the plan shows it, publishing mends it."""
        version = self._version
        await self._publish_well(version)
        changed: dict[tuple[str, str], Mapping[str, str] | None] = {}
        before = {i.image_id: i for i in self._stood()}
        names = {target.name: target for target in self.life.targets(version)}
        for image in self.scene.images():
            fits = [drift for drift in DRIFTS if drift.fits(image)]
            if image.name in names and self._dice.random() < 0.4:
                drift = self._dice.choice(fits)
                self.keeper.tell(f"people: {drift.name} {image.name} {image.image_id}")
                self._met(f"drift: {drift.name}")
                changes = drift.do(self.scene, image, names[image.name])
                changed[image.region, image.name] = changes
        self.keeper.note()
        await anyio.sleep(60.0)
        drifted = {i.image_id: i for i in self._stood()}
        await self._check_plan(version, changed)
        report = await self._mend(version)
        self._check_mended(report, changed, before, drifted)
        await self._check_plan(version)

    async def _mend(self, version: int) -> Report | None:
        """Publish again, now and then in bad weather first."""
        if self._dice.random() < 0.25:
            sky = self._darken()
            await self._run(version)
            await self._heal(sky)
            await self._publish_well(version)
            return None
        return await self._run(version)

    def _check_mended(
        self,
        report: Report | None,
        changed: Mapping[tuple[str, str], Mapping[str, str] | None],
        before: Mapping[str, Stood],
        drifted: Mapping[str, Stood],
    ) -> None:
        for outcome in report.outcomes if report is not None else ():
            self._check_outcome(outcome, changed)
        now = {i.image_id: i for i in self._stood()}
        for image_id, image in drifted.items():
            changes = changed.get((image.region, image.name), {})
            if not changes and now.get(image_id) != image:
                self.keeper.violated(f"mending changed {image}: {now.get(image_id)}")
            elif changes and not _is_again(now.get(image_id), before[image_id]):
                text = f"{before[image_id]} became {now.get(image_id)}"
                self.keeper.violated(f"mending did not mend: {text}")

    def _check_outcome(
        self,
        outcome: Outcome,
        changed: Mapping[tuple[str, str], Mapping[str, str] | None],
    ) -> None:
        changes = changed.get((outcome.region, outcome.name), {})
        results = {
            Action.MAKE: Result.PLACED,
            Action.MEND: Result.ADOPTED,
            Action.KEEP: Result.UNCHANGED,
        }
        if outcome.result is not results[action_after(changes)]:
            self.keeper.violated(f"after {changes} it ended so: {outcome}")

    # --- pruning --------------------------------------------------------------------

    async def _prune(self) -> None:
        """Prune in one of many ways, and mostly once more, undisturbed."""
        ways: dict[Callable[[], Awaitable[None]], int] = {
            self._prune_well: 3,
            self._prune_in_bad_weather: 2,
            self._prune_and_be_killed: 2,
            self._prune_beside_a_publication: 2,
            self._prune_twice_at_once: 1,
            self._prune_after_a_pause: 1,
        }
        way = self._dice.choices(list(ways), list(ways.values()))[0]
        self._met(way.__name__)
        await way()
        if way != self._prune_well and self._dice.random() < 0.6:
            await anyio.sleep(300.0)
            await self._prune_well()

    async def _prune_well(self) -> None:
        """Prune in good weather and alone: exactly what the rules say is done."""
        self.keeper.forget()
        before = {i.image_id: i for i in self._stood()}
        now = self.scene.now()
        wanted = due(self.keeper.everywhere(), self.life.rules, now)
        ended = await self._prune_command()
        assert ended.found is not None
        told = {v.image.image_id: v.fate for v in ended.found.due}
        should = {image_id: _FATES[deed] for image_id, deed in wanted.items()}
        if told != should:
            names = {i: (before[i].region, before[i].name) for i in before}
            wrong = {
                names[i]: (told.get(i), should.get(i))
                for i in {**told, **should}
                if told.get(i) != should.get(i)
            }
            self.keeper.violated(f"what is due (told, by the rules): {wrong}")
        for ending in ended.endings or ():
            if ending.error is not None or ending.verdict.fate is Fate.KEEP:
                self.keeper.violated(f"not pruned in good weather: {ending}")
        after = {i.image_id: i for i in self._stood()}
        for image_id, image in before.items():
            self._check_pruned(image, wanted.get(image_id), after.get(image_id), now)
        self._met("deeds of pruning", len(wanted))
        for deed in wanted.values():
            self._met(f"pruned: {deed}")
        self._check_snapshots()

    def _check_pruned(
        self, image: Stood, deed: Deed | None, is_now: Stood | None, now: float
    ) -> None:
        """See that what was due about an image was done, and nothing else."""
        if deed is Deed.DELETE:
            good = is_now is None
        elif deed is None or is_now is None:
            good = is_now == image
        else:
            marked_at = is_now.marked_at or 0.0
            good = is_now.status is ImageStatus.DEPRECATED
            good = good and now - 1 <= marked_at <= now + 60
            good = good and is_now.family == image.family
            if deed is Deed.DEPRECATE:
                good = good and not is_now.public and not is_now.shared
        if not good:
            self.keeper.violated(
                f"{deed or 'nothing'} was due: {image} became {is_now}"
            )

    async def _prune_in_bad_weather(self) -> None:
        self.keeper.forget()
        sky = self._darken()
        before = {i.image_id: i for i in self._stood()}
        ended = await self._prune_command()
        await self._heal(sky)
        self._check_endings(ended, before)

    async def _prune_and_be_killed(self) -> None:
        if self._dice.random() < 0.5:
            self._revive_by_hand()
        sky = self._darken() if self._dice.random() < 0.3 else None
        if self._dice.random() < 0.5:
            await self._prune_command(kill_at=self._some_call(40))
        else:
            await self._prune_command(kill_after=self._dice.randint(1, 8))
        if sky is not None:
            await self._heal(sky)

    def _revive_by_hand(self) -> None:
        """Make deprecated images Available again, whose tags stay."""
        for image in self.scene.images():
            if image.status is ImageStatus.DEPRECATED and image.family != OTHER:
                self.keeper.tell(f"people: revive {image.name} {image.image_id}")
                image.status = ImageStatus.AVAILABLE
        self.keeper.note()

    async def _prune_beside_a_publication(self) -> None:
        """Prune while another run publishes, mostly what nobody has yet."""
        version = self._version + 1
        if self._dice.random() < 0.4:
            version = self._dice.randint(1, self._version)
        self._version = max(self._version, version)
        head_start_s = self._dice.choice((0.0, 1.0, 5.0, 15.0, 30.0))
        kill_at = self._some_call(80) if self._dice.random() < 0.2 else 0
        sky = self._darken() if self._dice.random() < 0.4 else None
        self.keeper.race_s = min(self.keeper.race_s, RETRIED_S)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: self._run(version, kill_at=kill_at))
            await anyio.sleep(head_start_s)
            await self._prune_command()
        if sky is not None:
            await self._heal(sky)
        await self._publish_well(self._version)

    async def _prune_twice_at_once(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._prune_command)
            await anyio.sleep(self._dice.uniform(0, 1))
            tasks.start_soon(self._prune_command)

    async def _prune_after_a_pause(self) -> None:
        """Somebody takes time to say yes, and the world goes on."""

        async def pause() -> None:
            for _ in range(3):
                await anyio.sleep(self._dice.uniform(10, 200))
                self._act()
            await anyio.sleep(60.0)

        await self._prune_command(pause=pause)

    async def _prune_command(
        self,
        *,
        kill_at: int = 0,
        kill_after: int = 0,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> Ended:
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

        await self._command(eye, work, kill_at=kill_at, kill_after=kill_after)
        self.keeper.finding(eye, begins=False)
        return ended

    def _check_endings(self, ended: Ended, before: Mapping[str, Stood]) -> None:
        """See that a pruning that failed in part tells so, and leaves nothing hidden."""
        for ending in ended.endings or ():
            image = before[ending.verdict.image.image_id]
            there = self.keeper.now(image.region).get(image.image_id)
            if ending.error is None:
                self._check_done(ending, image, there)
            elif there is not None and there.status is ImageStatus.AVAILABLE:
                said = any("could not be shown again" in text for text in ended.warned)
                shown = (there.public, there.shared) == (image.public, image.shared)
                if not shown and not said:
                    text = f"{image} is {there} after {ending.error!r}"
                    self.keeper.violated(f"left hidden: {text}")

    def _check_done(self, ending: Pruned, image: Stood, there: Stood | None) -> None:
        fate = ending.verdict.fate
        good = {
            Fate.DEPRECATE: there is not None
            and there.status is ImageStatus.DEPRECATED
            and there.marked_at is not None,
            Fate.DELETE: there is None,
        }.get(fate, True)
        if not good:
            self.keeper.violated(f"{fate} is said to be done: {image} is {there}")

    # --- the end --------------------------------------------------------------------

    async def _end(self) -> None:
        """When every lease is over, only images are left, and what the rules keep."""
        await self._publish_well(self._version)
        await self._prune_well()
        await anyio.sleep(30 * DAY_S)
        await self._clean_up()
        self._instances.used.clear()
        self._instances.refuse()
        self.keeper.note()
        await self._prune_well()
        await anyio.sleep(1.0)
        await self._prune_well()
        images = self.scene.images()
        rooms = self.scene.rooms()
        if rooms:
            self.keeper.violated(f"at the end there is {rooms}")
        for image in images:
            if image.name.startswith(PREFIX):
                self.keeper.violated(f"at the end there is {image.name}")
        for image_id, was in self._kept.items():
            if was not in {repr(image) for image in images}:
                self.keeper.violated(f"somebody touched {image_id}: it was {was}")
        self._check_snapshots(strict=True)

    async def _clean_up(self) -> None:
        async def work(cloud: WorldCloud) -> None:
            found = await cleanup.find_leftovers(cloud, emit=self._hear)
            left = await cleanup.remove_leftovers(
                cloud, found, rng=Random(3), now=self.scene.now, emit=self._hear
            )
            for leftover in left:
                self.keeper.violated(f"cleanup cannot remove {leftover}")

        await self._command(Eye(keeper=self.keeper, command="cleanup"), work)

    def _check_snapshots(self, *, strict: bool = False) -> None:
        """Each image has its snapshots, and no others are there.

        Args:
            strict: Whether nothing may be left of what was killed, either.
        """
        things = store(self.scene.world)
        standing = {image.image_id: image for image in self.scene.images()}
        for region in self.life.profile.regions:
            there = list(things.snapshots_of(ACCOUNT, region.id))
            ids = {snapshot.snapshot_id for snapshot in there}
            for snapshot in there:
                doomed = "ali-import:expires" in snapshot.tags
                if snapshot.image_id not in standing and (strict or not doomed):
                    self.keeper.violated(f"{snapshot} outlived its image")
            for image in self.scene.images(region.id):
                for disk in image.disks:
                    if image.status in _MADE and disk.snapshot_id not in ids:
                        self.keeper.violated(f"{image.name} has lost its snapshot")

    # --- help -----------------------------------------------------------------------

    async def _command(
        self,
        eye: Eye,
        work: Callable[[WorldCloud], Awaitable[None]],
        *,
        kill_at: int = 0,
        kill_after: int = 0,
    ) -> None:
        """Carry out a command as a process of its own, which may be killed.

        Args:
            eye: Watches it.
            work: Does it.
            kill_at: The number of the call at which it is killed, as in `WorldCloud`; 0
                for never.
            kill_after: After so many calls that change something it is killed; 0 for
                never.
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

    def _some_call(self, most: int) -> int:
        number = self._dice.randint(3, most)
        return self._dice.choice((number, -number))

    def _darken(self) -> Sky:
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
            self._met(f"weather: {kind}")
        self.keeper.race_s = FOUL_S
        return sky

    async def _heal(self, sky: Sky) -> None:
        sky.heal()
        self._instances.refuse()
        self.keeper.tell("weather: fine")
        await anyio.sleep(60.0)
        self.keeper.race_s = FINE_S

    def _stood(self) -> Sequence[Stood]:
        self.scene.world.agenda.catch_up()
        self.keeper.note()
        return [i for state in self.keeper.everywhere() for i in state.values()]

    def _hear(self, event: Event) -> None:
        if isinstance(event, Note):
            self.keeper.tell(f"{event.level} {event.region} {event.text}")

    def _met(self, what: str, number: int = 1) -> None:
        self.keeper.met[what.lstrip("_")] += number


_MADE: Final = (ImageStatus.AVAILABLE, ImageStatus.DEPRECATED)


def _is_again(image: Stood | None, before: Stood) -> bool:
    """Whether an image is again what it was, as far as it was drifted away."""
    if image is None:
        return False
    ours = {"ali-import:sha256", "ali-import:version", "ali-import:run"}
    return (
        image.status is before.status
        and image.public == before.public
        and image.family == before.family
        and {key for key in image.tags if key.startswith("ali-import:")} == ours
    )
