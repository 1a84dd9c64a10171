"""One seed of a release's years: it is published, drifts, is mended, and is pruned.

Everything goes through the tool's own adapters and the emulator's door, in virtual time.
`keeping.py` says what pruning may do, `drifting.py` what people do.
"""

import traceback
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final

import anyio
import hypothesis  # noqa: F401  its presence makes trio schedule deterministically
import trio._core._run as trio_run
from trio.testing import MockClock

from ali_import.publish.lease import PREFIX
from ali_import.publish.model import Outcome, Report, Result, Target
from ali_import.standing.plan import Action
from ali_import.standing.prune import Pruned
from ali_import.standing.retention import Fate
from alicloud_emulator.world.ecs.records import Image, ImageStatus
from tests.simulation.commands import Commands, Ended
from tests.simulation.drifting import DRIFTS, STATES, People, action_after, delete
from tests.simulation.harness import Verdict
from tests.simulation.keeping import OURS, SINCE, Deed, Stood, due
from tests.simulation.landscape import _Put, store
from tests.simulation.life import DAY_S, FAMILY, Life, draw
from tests.simulation.plan import ACCOUNT

BUDGET_S: Final = 3 * 365 * DAY_S
OTHER: Final = "rel-extra"
"""Another release of ours, in a family that nobody prunes."""
RETRIED_S: Final = 2 * 60.0
"""So long after it looked a command may act in bad weather while others change things: as
long as one call is made again and again."""
_FINISHED: Final = {OURS, "ali-import:version", "ali-import:run"}
_PASSING: Final = {SINCE, "ali-import:expires", "ali-import:was"}
_FATES: Final = {
    Deed.DEPRECATE: Fate.DEPRECATE,
    Deed.MARK: Fate.DEPRECATE,
    Deed.DELETE: Fate.DELETE,
}


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
        one.tell(verdict, trace=trace)
    return verdict


class Years:
    """The play that every seed gives."""

    def __init__(self, life: Life, *, deep: bool) -> None:
        self._life = life
        self._dice = Random(f"play {life.seed}")
        self._do = Commands(life, self._dice, deep=deep)
        self._scene = self._do.scene
        self._keeper = self._do.keeper
        used = self._do.instances.used
        self._people = People(self._scene, (FAMILY, OTHER), used)
        self._version = 0
        self._kept: dict[str, str] = {}

    def close(self) -> None:
        """Let every process end."""
        self._do.close()

    def tell(self, verdict: Verdict, *, trace: bool) -> None:
        """Put into a verdict what was seen."""
        verdict.violations += self._keeper.violations
        verdict.weather = "; ".join(self._do.weathers) or "fine"
        verdict.tally.met.update(self._keeper.met)
        verdict.tally.struck.update(self._scene.world.faults.struck)
        verdict.tally.calls = self._keeper.calls
        verdict.trace = self._keeper.trace if trace else []

    async def play(self) -> None:
        """Live week after week, and look at what is left in the end."""
        self._furnish()
        for _ in range(self._life.weeks):
            await self._week()
            await anyio.sleep(self._dice.uniform(6.5, 7.5) * DAY_S)
            self._keeper.forget()
        await self._end()

    def _furnish(self) -> None:
        """Put another release of ours there, and something that is nobody's."""
        put = _Put(self._scene.world, Random(f"landscape {self._life.seed}"))
        for region in self._life.profile.regions:
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
        self._keeper.note()

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
        self._keeper.tell(f"people: {self._people.act(self._dice)}")
        self._do.instances.refuse()
        self._keeper.note()

    # --- publishing -----------------------------------------------------------------

    async def _publish(self) -> None:
        """Publish a version, mostly a new one, in whatever weather; then once more."""
        dice = self._dice
        if self._version == 0 or dice.random() < 0.75:
            self._version += 1
        version = self._version
        if dice.random() < 0.1:
            version = dice.randint(1, self._version)
        sky = self._do.darken() if dice.random() < 0.3 else None
        if dice.random() < 0.2:
            self._do.met("a publication that is killed")
            await self._do.publish(version, kill_at=self._some_call(100))
        elif sky is not None:
            await self._do.publish(version)
        if sky is not None:
            await self._do.heal(sky)
        if dice.random() < 0.85:
            await self._publish_well(version)

    async def _publish_well(self, version: int) -> None:
        """Publish in good weather and alone: everything stands then, and as wanted."""
        self._clear_the_way(version)
        report = await self._do.publish(version)
        assert report is not None
        for outcome in report.outcomes:
            if not (outcome.result.good and outcome.published):
                self._keeper.violated(f"not published in good weather: {outcome}")
        await self._check_plan(version)

    def _clear_the_way(self, version: int) -> None:
        """Delete by hand what has a name of ours and does not say what it holds."""
        names = {target.name for target in self._life.targets(version)}
        for image in self._scene.images():
            said = OURS in image.tags or (image.description and not image.tags)
            if image.name in names and not said and image.status in STATES:
                delete(self._scene, image)
        self._keeper.note()

    # --- planning and mending -------------------------------------------------------

    async def _check_plan(
        self,
        version: int,
        expected: Mapping[tuple[str, str], Mapping[str, str] | None] | None = None,
    ) -> None:
        """See that a plan shows what was changed by hand, and nothing else."""
        expected = expected or {}
        planned = await self._do.plan(version)
        for region in self._life.profile.regions:
            for target in self._life.targets(version):
                changes = expected.get((region.id, target.name), {})
                intent = planned.pop((region.id, target.name), None)
                wanted = (action_after(changes), dict(changes or {}))
                told = (intent.action, dict(intent.changes)) if intent else None
                if told != wanted:
                    text = f"{target.name} in {region.id}: {told}, should be {wanted}"
                    self._keeper.violated(f"the plan says of {text}")
        for other in planned.values():
            self._keeper.violated(f"the plan tells of {other}")

    async def _drift_and_mend(self) -> None:
        """People change the newest release; the plan shows it, publishing mends it."""
        version = self._version
        await self._publish_well(version)
        changed: dict[tuple[str, str], Mapping[str, str] | None] = {}
        before = self._do.stood()
        names = {target.name: target for target in self._life.targets(version)}
        for image in self._scene.images():
            if image.name in names and self._dice.random() < 0.4:
                changes = self._change(image, names[image.name])
                changed[image.region, image.name] = changes
        self._keeper.note()
        await anyio.sleep(60.0)
        drifted = self._do.stood()
        await self._check_plan(version, changed)
        report = await self._mend(version)
        self._check_mended(report, changed, before, drifted)
        await self._check_plan(version)

    def _change(self, image: Image, target: Target) -> Mapping[str, str] | None:
        """Change an image by hand, in one way or two; return what is to be mended."""
        changes: dict[str, str] = {}
        for drift in self._dice.sample(DRIFTS, len(DRIFTS)):
            if not drift.fits(image):
                continue
            self._keeper.tell(f"people: {drift.name} {image.name} {image.image_id}")
            self._do.met(f"drift: {drift.name}")
            more = drift.do(self._scene, image, target)
            if more is None:
                return None
            changes |= more
            if self._dice.random() < 0.7:
                break
        return changes

    async def _mend(self, version: int) -> Report | None:
        """Publish again, now and then in bad weather first."""
        if self._dice.random() < 0.25:
            sky = self._do.darken()
            await self._do.publish(version)
            await self._do.heal(sky)
            await self._publish_well(version)
            return None
        return await self._do.publish(version)

    def _check_mended(
        self,
        report: Report | None,
        changed: Mapping[tuple[str, str], Mapping[str, str] | None],
        before: Mapping[str, Stood],
        drifted: Mapping[str, Stood],
    ) -> None:
        for outcome in report.outcomes if report is not None else ():
            self._check_outcome(outcome, changed)
        now = self._do.stood()
        for image_id, image in drifted.items():
            changes = changed.get((image.region, image.name), {})
            if not changes and now.get(image_id) != image:
                self._keeper.violated(f"mending changed {image}: {now.get(image_id)}")
            elif changes and not _is_again(now.get(image_id), before[image_id]):
                text = f"{before[image_id]} became {now.get(image_id)}"
                self._keeper.violated(f"mending did not mend: {text}")

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
            self._keeper.violated(f"after {changes} it ended so: {outcome}")

    # --- pruning --------------------------------------------------------------------

    async def _prune(self) -> None:
        """Prune in one of many ways, and mostly once more, undisturbed."""
        ways: dict[Callable[[], Awaitable[None]], int] = {
            self._prune_well: 3,
            self._prune_in_bad_weather: 1,
            self._prune_without_permission: 2,
            self._prune_and_be_killed: 2,
            self._prune_and_be_interrupted: 1,
            self._prune_beside_a_publication: 2,
            self._prune_twice_at_once: 1,
            self._prune_after_a_pause: 1,
        }
        way = self._dice.choices(list(ways), list(ways.values()))[0]
        self._do.met(way.__name__)
        await way()
        if way != self._prune_well and self._dice.random() < 0.6:
            await anyio.sleep(300.0)
            await self._prune_well()

    async def _prune_well(self) -> None:
        """Prune in good weather and alone: exactly what the rules say is done."""
        self._keeper.forget()
        before = self._do.stood()
        now = self._scene.now()
        wanted = due(self._keeper.everywhere(), self._life.rules, now)
        ended = await self._do.prune()
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
            self._keeper.violated(f"what is due (told, by the rules): {wrong}")
        for ending in ended.endings or ():
            if ending.error is not None or ending.verdict.fate is Fate.KEEP:
                self._keeper.violated(f"not pruned in good weather: {ending}")
        after = self._do.stood()
        for image_id, image in before.items():
            self._check_pruned(image, wanted.get(image_id), after.get(image_id), now)
        self._do.met("deeds of pruning", len(wanted))
        for deed in wanted.values():
            self._do.met(f"pruned: {deed}")
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
            self._keeper.violated(
                f"{deed or 'nothing'} was due: {image} became {is_now}"
            )

    async def _prune_in_bad_weather(self) -> None:
        self._keeper.forget()
        sky = self._do.darken()
        before = self._do.stood()
        ended = await self._do.prune()
        await self._do.heal(sky)
        self._check_endings(ended, before)

    async def _prune_without_permission(self) -> None:
        self._keeper.forget()
        rule_id = self._do.forbid()
        before = self._do.stood()
        ended = await self._do.prune()
        self._scene.world.faults.remove(rule_id)
        self._check_endings(ended, before)

    async def _prune_and_be_killed(self) -> None:
        if self._dice.random() < 0.5:
            self._revive_by_hand()
        sky = self._do.darken() if self._dice.random() < 0.3 else None
        if self._dice.random() < 0.5:
            await self._do.prune(kill_at=self._some_call(40))
        else:
            await self._do.prune(kill_after=self._dice.randint(1, 8))
        if sky is not None:
            await self._do.heal(sky)

    async def _prune_and_be_interrupted(self) -> None:
        """Ctrl-C is heard between two deeds: what is Available is not left hidden."""
        self._keeper.forget()
        before = self._do.stood()
        sky = self._do.darken() if self._dice.random() < 0.3 else None
        await self._do.prune(interrupt_at=self._dice.randint(3, 40))
        now = self._do.stood()
        for image_id, image in before.items():
            there = now.get(image_id)
            if there is None or there.status is not ImageStatus.AVAILABLE:
                continue
            if (there.public, there.shared) != (image.public, image.shared):
                self._keeper.violated(f"interrupted: {image} is {there}")
        if sky is not None:
            await self._do.heal(sky)

    def _revive_by_hand(self) -> None:
        """Make deprecated images Available again, whose tags stay."""
        for image in self._scene.images():
            if image.status is ImageStatus.DEPRECATED and image.family != OTHER:
                self._keeper.tell(f"people: revive {image.name} {image.image_id}")
                image.status = ImageStatus.AVAILABLE
        self._keeper.note()

    async def _prune_beside_a_publication(self) -> None:
        """Prune while another run publishes, mostly what nobody has yet."""
        version = self._version + 1
        if self._dice.random() < 0.4:
            version = self._dice.randint(1, self._version)
        self._version = max(self._version, version)
        head_start_s = self._dice.choice((0.0, 1.0, 5.0, 15.0, 30.0))
        kill_at = self._some_call(80) if self._dice.random() < 0.2 else 0
        sky = self._do.darken() if self._dice.random() < 0.4 else None
        self._keeper.race_s = min(self._keeper.race_s, RETRIED_S)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: self._do.publish(version, kill_at=kill_at))
            await anyio.sleep(head_start_s)
            await self._do.prune()
        if sky is not None:
            await self._do.heal(sky)
        await self._publish_well(self._version)

    async def _prune_twice_at_once(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._do.prune)
            await anyio.sleep(self._dice.uniform(0, 1))
            tasks.start_soon(self._do.prune)

    async def _prune_after_a_pause(self) -> None:
        """Somebody takes time to say yes, and the world goes on."""

        async def pause() -> None:
            for _ in range(3):
                await anyio.sleep(self._dice.uniform(10, 200))
                self._act()
            await anyio.sleep(60.0)

        await self._do.prune(pause=pause)

    def _check_endings(self, ended: Ended, before: Mapping[str, Stood]) -> None:
        """See that a pruning that failed in part tells so, and leaves nothing hidden."""
        for ending in ended.endings or ():
            image = before[ending.verdict.image.image_id]
            there = self._keeper.now(image.region).get(image.image_id)
            if ending.error is None:
                self._check_done(ending, image, there)
            elif there is not None and there.status is image.status:
                said = any("could not be shown again" in text for text in ended.warned)
                shown = (there.public, there.shared) == (image.public, image.shared)
                if not shown and not said:
                    text = f"{image} is {there} after {ending.error!r}"
                    self._keeper.violated(f"left hidden: {text}")

    def _check_done(self, ending: Pruned, image: Stood, there: Stood | None) -> None:
        fate = ending.verdict.fate
        good = {
            Fate.DEPRECATE: there is not None
            and there.status is ImageStatus.DEPRECATED
            and there.marked_at is not None,
            Fate.DELETE: there is None,
        }.get(fate, True)
        if not good:
            self._keeper.violated(f"{fate} is said to be done: {image} is {there}")

    # --- the end --------------------------------------------------------------------

    async def _end(self) -> None:
        """When every lease is over, only images are left, and what the rules keep."""
        await self._publish_well(self._version)
        await self._prune_well()
        await anyio.sleep(30 * DAY_S)
        await self._do.clean_up()
        self._do.instances.used.clear()
        self._do.instances.refuse()
        self._keeper.note()
        await self._prune_well()
        await anyio.sleep(1.0)
        await self._prune_well()
        images = self._scene.images()
        rooms = self._scene.rooms()
        if rooms:
            self._keeper.violated(f"at the end there is {rooms}")
        for image in images:
            if image.name.startswith(PREFIX):
                self._keeper.violated(f"at the end there is {image.name}")
        for image_id, was in self._kept.items():
            if was not in {repr(image) for image in images}:
                self._keeper.violated(f"somebody touched {image_id}: it was {was}")
        self._check_snapshots(strict=True)

    def _check_snapshots(self, *, strict: bool = False) -> None:
        """Each image has its snapshots, and no others are there.

        Args:
            strict: Whether nothing may be left of what was killed, either.
        """
        things = store(self._scene.world)
        standing = {image.image_id: image for image in self._scene.images()}
        for region in self._life.profile.regions:
            there = list(things.snapshots_of(ACCOUNT, region.id))
            ids = {snapshot.snapshot_id for snapshot in there}
            for snapshot in there:
                doomed = "ali-import:expires" in snapshot.tags
                if snapshot.image_id not in standing and (strict or not doomed):
                    self._keeper.violated(f"{snapshot} outlived its image")
            for image in self._scene.images(region.id):
                for disk in image.disks:
                    if image.status in STATES and disk.snapshot_id not in ids:
                        self._keeper.violated(f"{image.name} has lost its snapshot")

    def _some_call(self, most: int) -> int:
        number = self._dice.randint(3, most)
        return self._dice.choice((number, -number))


def _is_again(image: Stood | None, before: Stood) -> bool:
    """Whether an image is again what it was, as far as it was drifted away."""
    if image is None:
        return False
    return (
        image.status is before.status
        and image.public == before.public
        and image.family == before.family
        and set(image.tags) >= _FINISHED
        and _PASSING.isdisjoint(image.tags)
    )
