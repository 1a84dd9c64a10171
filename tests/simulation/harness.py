"""One seed: a cloud, a weather, a run that may be cut short, and what comes of it."""

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from random import Random
from typing import Final

import anyio
import hypothesis  # noqa: F401  its presence makes trio schedule deterministically
import trio._core._run as trio_run
from trio.testing import MockClock

from ali_import.disk import DiskImage
from ali_import.publish import cleanup
from ali_import.publish.lease import Lease
from ali_import.publish.model import Event, Leftover, Note, Report
from ali_import.publish.run import Run
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.world import World
from tests.simulation import checks, coverage, landscape
from tests.simulation.landscape import LIVE_S, store
from tests.simulation.monitor import START, Monitor, Tally, line
from tests.simulation.plan import ACCOUNT, FINE, ROLE, STOPS, WHEN_MADE, End, Plan
from tests.simulation.plays import Play, draw
from tests.simulation.process import Process
from tests.simulation.stopping import ROOMS_S, TEMPORARY_S
from tests.simulation.troubles import LIKELY, TROUBLES
from tests.simulation.weather import Sky
from tests.support.bridge import (
    AccountLogin,
    Door,
    Login,
    Network,
    RoleLogin,
    WorldCloud,
    pages,
)
from tests.support.bridge.door import EmulatorBrokenError

BUDGET_S: Final = 7 * 86_400.0
INTERRUPTED_S_MAX: Final = 4 * 60.0
"""Three minutes to clean up, and a call or two that hang until they time out."""
RENAMES_S_MAX: Final = 30.0
"""So much longer it may take to give a name back that two renames have taken away."""
AFTER_TIMEOUT_S: Final = 75 * 60.0
"""A run that is in time may publish for half an hour, and clean up for another."""


@dataclass(kw_only=True)
class Verdict:
    """What came of a seed."""

    seed: int
    headline: str
    weather: str = ""
    violations: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not self.violations


def simulate(seed: int, *, trace: bool = False, deep: bool = False) -> Verdict:
    """Run one seed in virtual time.

    Args:
        seed: What draws everything.
        trace: Whether to give every call as text.
        deep: Whether the SDKs sign and send, and the emulator checks, every request.
    """
    trio_run._r.seed(seed)
    plan, play = draw(seed)
    verdict = Verdict(seed=seed, headline=plan.headline())
    stage = Stage(plan, verdict, play=play, deep=deep)

    async def bounded() -> None:
        with anyio.fail_after(BUDGET_S):
            await stage.play()

    clock = MockClock(autojump_threshold=0)
    try:
        with pages.of(plan.page_rows):
            anyio.run(bounded, backend="trio", backend_options={"clock": clock})
    except TimeoutError:
        verdict.violations.append("nothing goes on any more")
    except Exception:  # noqa: BLE001  whatever it is, the seed shall be told
        verdict.violations.append(f"it broke:\n{traceback.format_exc()[-1500:]}")
    except BaseExceptionGroup as group:
        broken, others = group.split(EmulatorBrokenError)
        if broken is None or others is not None:
            raise
        text = "".join(traceback.format_exception(_cause(broken)))
        verdict.violations.append(f"the emulator broke:\n{text[-1500:]}")
    finally:
        stage.close()
    verdict.violations += stage.violations()
    if trace:
        verdict.trace = stage.trace()
    return verdict


def _cause(error: BaseException) -> BaseException:
    """Return what the emulator stumbled over."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error.__cause__ or error


def _data_bytes(image: DiskImage) -> int:
    """Return how much of a large image has to go up: no zeros, nothing twice."""
    with image.path.open("rb") as file:
        data = file.read()
    step = FINE.block_bytes
    blocks = [data[at : at + step] for at in range(0, len(data), step)]
    found = sum(len(block) for block in {*blocks} if any(block))
    has_zeros = any(not any(block) for block in blocks)
    return found + image.pack.gap_bytes + has_zeros * FINE.zeros_bytes[1]


class Stage:
    """The play that every seed gives."""

    def __init__(
        self, plan: Plan, verdict: Verdict, *, play: Play | None, deep: bool
    ) -> None:
        self._deep = deep
        self._plan = plan
        self._play = play
        self._verdict = verdict
        self._processes: list[Process] = []
        self._monitor: Monitor | None = None
        self._notes: list[str] = []

    def close(self) -> None:
        """Let every process end."""
        for process in self._processes:
            process.cloud.close()

    def violations(self) -> list[str]:
        """Return what the monitor saw."""
        return self._monitor.violations if self._monitor else []

    def trace(self) -> list[str]:
        """Return every call, as text."""
        rows = self._monitor.trace if self._monitor else []
        return [line(row) for row in rows] + self._notes

    async def play(self) -> None:
        """Build the world, run, run again, clean up, and check after each."""
        plan = self._plan
        began = anyio.current_time()

        def clock() -> float:
            return START + anyio.current_time() - began

        self._clock = clock
        self._world = World(plan.profile, clock=clock, seed=plan.seed)
        self._network = Network(clock)
        self._door = Door(self._world, self._network, signed=self._deep)
        self._lag = self._door.lag
        self._land = landscape.furnish(self._world, plan)
        self._monitor = Monitor(self._world, plan)
        self._monitor.begin(self._land)
        self._sky = Sky(self._world, self._network, self._lag, plan)
        if self._play is None:
            self._sky.darken(TROUBLES, LIKELY)
        else:
            self._sky.make(self._play.troubles)
        self._monitor.away = self._sky.weather.spoiled
        self._verdict.weather = ", ".join(self._sky.weather.kinds) or "fine"
        self._verdict.tally = self._monitor.tally
        async with anyio.create_task_group() as self._tasks:
            await self._first()
            await self._again()
            await self._clean_up()
            self._tasks.cancel_scope.cancel()
        tally = self._monitor.tally
        tally.struck.update(self._world.faults.struck)
        tally.met.update(self._sky.drawn)
        self._met(self._play.name if self._play else "")
        for what in self._monitor.uploads.met:
            self._met(what)
        tally.met.update({str(out): n for out, n in self._network.met.items()})
        tally.met[coverage.STALE] += self._lag.stale
        tally.met[coverage.UNUSABLE] += sum(p.eye.unusable for p in self._processes)

    # --- acts ---------------------------------------------------------------------

    async def _first(self) -> None:
        plan = self._plan
        first = self._start("first")
        if plan.end is End.KILL and plan.end_at_making:
            first.eye.when_answered[plan.end_at_making] = first.kill
        elif plan.end is End.KILL:
            number = -plan.end_at_call if plan.late_kill else plan.end_at_call
            first.cloud.at_call[number] = first.kill
        elif plan.end in STOPS:
            stop = first.interrupt if plan.end is End.INTERRUPT else first.cancel
            first.on_stop = partial(self._watch_stop, first)
            if plan.end_at_making:
                first.eye.when_answered[plan.end_at_making] = stop
            else:
                first.cloud.at_call[plan.end_at_call] = stop
        running = [first]
        if plan.second_after_s is not None:
            await anyio.sleep(plan.second_after_s)
            running.append(self._start("second"))
        for process in running:
            process.eye.alone = len(running) == 1
        for process in running:
            await self._wait(process)
        ends = {End.KILL: first.cloud.killed, End.CLEAN: plan.end is End.CLEAN}
        if ends.get(plan.end, first.stopped_at is not None):
            self._met(f"a run that ended by {plan.end}")
        for process in running:
            self._check_run(process, alone=len(running) == 1)

    async def _again(self) -> None:
        """The same command once more, in better weather or not."""
        if self._plan.again_kill:
            doomed = self._start("doomed")
            end = doomed.interrupt if self._plan.again_stops else doomed.kill
            doomed.cloud.at_call[-self._plan.again_kill] = end
            await self._wait(doomed)
            self._check_run(doomed, alone=True)
        if self._plan.heals:
            self._sky.heal()
        if self._plan.gives_up:
            return
        again = self._start("again")
        await self._wait(again)
        self._check_run(again, alone=True)

    async def _clean_up(self) -> None:
        """When every lease is over, nothing that is ours is left, but the images."""
        self._sky.heal()
        await anyio.sleep(LIVE_S + self._plan.options.lease_s + 3600)
        if self._plan.cleanup_kill:
            doomed = self._process("doomed cleanup")
            doomed.cloud.at_call[-self._plan.cleanup_kill] = doomed.kill
            await self._cleanup_command(doomed)
            await anyio.sleep(2 * 3600.0)
        if self._plan.cleanup_stop:
            stopped = self._process("stopped cleanup")
            if self._plan.cleanup_stop == WHEN_MADE:
                stopped.eye.when_answered["CreateFunction"] = stopped.cancel
            else:
                stopped.cloud.at_call[self._plan.cleanup_stop] = stopped.cancel
            await self._cleanup_command(stopped)
            self._check_stopped_cleanup(stopped)
            await anyio.sleep(2 * 3600.0)
        if self._plan.cleanup_renews:
            await self._cleanup_command(self._process("late cleanup"), renews=True)
            await anyio.sleep(LIVE_S + 3600)
        await self._cleanup_command(self._process("cleanup"))
        self._check_end()

    async def _cleanup_command(self, process: Process, *, renews: bool = False) -> None:
        """Do what ``ali-import cleanup`` does: what has expired goes.

        Args:
            process: Who does it.
            renews: Another run takes over some images that were found, before they go.
        """
        rng = Random(f"{process.name} {self._plan.seed}")

        async def work() -> None:
            found = await cleanup.find_leftovers(process.cloud, emit=self._hear)
            over = [x for x in found if 0 < x.expires_at < self._clock()]
            renewed = self._renew(over) if renews else []
            left = await cleanup.remove_leftovers(
                process.cloud, over, rng=rng, now=self._clock, emit=self._hear
            )
            self._check_renewed(process, renewed)
            for leftover in left:
                # A copy to a region that is stuck keeps its source busy for ever.
                if not self._owes() and not self._plan.stuck:
                    self._violated(f"cleanup cannot remove {leftover}")

        self._tasks.start_soon(process.execute, work)
        await self._wait(process)

    def _renew(self, over: Sequence[Leftover]) -> list[Leftover]:
        """Give images a new lease, as a run does that takes them over."""
        if self._owes():
            return []
        dice = Random(f"renew {self._plan.seed}")
        lease = Lease(run_id="4e4e4e4e", expires_at=int(self._clock() + LIVE_S))
        images = [x for x in over if x.kind == "image" and dice.random() < 0.5]
        # What is being deleted already, nobody can take over any more.
        renewed = [x for x in images if x.name in self._standing(x.region)]
        for thing in renewed:
            self._standing(thing.region)[thing.name].tags.update(lease.tags())
        return renewed

    def _standing(self, region: str) -> dict[str, Image]:
        """Return the images that are there, and not being deleted, by their ids."""
        found = store(self._world).images_of(ACCOUNT, region)
        return {image.image_id: image for image in found if not image.deleting}

    def _check_renewed(self, process: Process, renewed: Sequence[Leftover]) -> None:
        self._world.agenda.catch_up()
        self._met(coverage.RENEWED, len(renewed))
        for thing in renewed:
            if thing.name not in self._standing(thing.region):
                text = f"{process.name} removed {thing.name} in {thing.region}"
                self._violated(f"{text}, which another run had taken over")

    def _check_stopped_cleanup(self, process: Process) -> None:
        """Who stops ``cleanup`` is left with nothing that it made itself."""
        if process.stopped_at is None:
            return
        self._met(coverage.STOPPED)
        took_s = process.ended_at - process.stopped_at
        if took_s > INTERRUPTED_S_MAX and not self._plan.stuck:
            self._violated(f"{process.name} went on for {took_s:.0f} s")
        for region, name in sorted(process.eye.functions):
            there = self._world.fc.functions_of(ACCOUNT, region)
            if name in there and region not in self._plan.stuck:
                self._violated(f"{process.name} left its function {name} in {region}")

    # --- processes ----------------------------------------------------------------

    def _process(self, name: str) -> Process:
        assert self._monitor is not None
        rival = name == "second"
        targets = self._plan.rivals if rival else self._plan.targets
        eye = self._monitor.eye(name, targets)
        cloud = WorldCloud(
            door=self._door,
            login=self._login(),
            rng=Random(f"{name} {self._plan.seed}"),
            deep=self._deep,
            watch=eye,
        )
        process = Process(name, cloud, eye)
        process.found_hidden = set(self._hidden())
        self._processes.append(process)
        return process

    def _hidden(self) -> Iterator[tuple[str, str]]:
        assert self._monitor is not None
        not_shown = self._monitor.not_shown
        return checks.hidden(self._world, self._plan, self._land, not_shown)

    def _login(self) -> Login:
        if not self._plan.token_s:
            return AccountLogin(self._world)
        return RoleLogin(
            self._world,
            ROLE,
            duration_s=self._plan.token_s,
            late_s=self._plan.token_late_s,
        )

    def _start(self, name: str) -> Process:
        """Start the command."""
        process = self._process(name)
        dice = Random(f"run {name} {self._plan.seed}")
        process.run_id = process.eye.run_id = f"{dice.getrandbits(32):08x}"

        def emit(event: Event) -> None:
            process.eye.emit(event)
            self._hear(event)

        process.run = Run(
            process.cloud,
            process.eye.targets,
            self._plan.options,
            run_id=process.run_id,
            rng=dice,
            now=self._clock,
            emit=emit,
        )

        async def work() -> None:
            assert process.run is not None
            process.report = await process.run.execute()

        self._tasks.start_soon(process.execute, work)
        self._tasks.start_soon(self._watch_time_out, process)
        return process

    async def _watch_time_out(self, process: Process) -> None:
        await anyio.sleep(self._plan.options.timeout_s)
        if process.stopped_at is None and not process.ended.is_set():
            process.eye.stop.at = anyio.current_time()
            self._watch_stop(process)

    async def _wait(self, process: Process) -> None:
        bound_s = self._plan.options.timeout_s + AFTER_TIMEOUT_S
        with anyio.move_on_after(bound_s) as in_time:
            await process.ended.wait()
        if in_time.cancelled_caught:
            self._violated(f"{process.name} does not end within {bound_s:.0f} s")
            process.kill()

    def _hear(self, event: Event) -> None:
        if isinstance(event, Note):
            when = self._clock() - START
            self._notes.append(f"{when:10.3f} {event.region} {event.text}")

    def _met(self, what: str, number: int = 1) -> None:
        assert self._monitor is not None
        if what:
            self._monitor.tally.met[what] += number

    def _violated(self, text: str) -> None:
        assert self._monitor is not None
        self._monitor.violated(text)

    # --- checks -------------------------------------------------------------------

    def _check_run(self, process: Process, *, alone: bool) -> None:
        self._world.agenda.catch_up()
        over = self._clock() > START + LIVE_S
        for text in landscape.touched(self._world, self._land, leases_over=over):
            self._violated(f"{process.name} touched {text}")
        self._check_stop(process)
        report = process.report
        if report is None:
            self._check_cancelled(process)
            if process.refused is not None and not self._may_refuse():
                self._violated(f"{process.name} refused: {process.refused}")
            return
        self._count(report)
        self._check_told(process, report)
        if alone:
            self._check_report(process, report)
        if process.name == "again":
            self._notes += [repr(outcome) for outcome in report.outcomes]

    def _check_cancelled(self, process: Process) -> None:
        """Who cancels a run hears of what it leaves by asking it."""
        if process.stopped_at is None or process.run is None:
            return
        left = self._left_by(process)
        for text in checks.untold(left, process.run.leftovers()):
            self._violated(f"{process.name} was cancelled and left {text}")

    def _left_by(self, process: Process) -> list[tuple[str, str]]:
        """Return what a run has left: what is temporary, and what is being made yet."""
        mine = {process.run_id}
        return [
            *checks.leftovers(self._world, self._plan, self._land, run_ids=mine),
            *checks.in_making(self._world, mine),
        ]

    def _check_told(self, process: Process, report: Report) -> None:
        """What a run says of its own things is true, whoever else runs."""
        assert self._monitor is not None
        world, plan, targets = self._world, self._plan, process.eye.targets
        taken_back = self._monitor.withdrawn_lately(process.eye)
        spoiled = self._sky.weather.spoiled if plan.second_after_s is not None else ()
        for text in checks.report_equals_world(
            world, plan, report, targets, taken_back
        ):
            # The other run may be unable to take its lease off again.
            if checks.STILL_TAGGED in text and text.split()[0] in spoiled:
                continue
            self._violated(f"{process.name}: {text}")
        left = self._left_by(process)
        if plan.second_after_s is not None:
            # The other run may have taken back what this one had published by then.
            left = [(where, text) for where, text in left if "-new-" not in text]
        for text in checks.untold(left, report.leftovers):
            self._violated(f"{process.name} left {text}")
        possible = self._monitor.possible
        for text in checks.impossible(world, possible, report.leftovers):
            self._violated(f"{process.name} tells of {text}, which never was")
        for leftover in report.leftovers:
            if (leftover.region, leftover.name) in process.eye.gone:
                text = f"{leftover.kind} {leftover.name} in {leftover.region}"
                self._violated(f"{process.name} tells of {text}, and heard it is gone")

    def _check_report(self, process: Process, report: Report) -> None:
        """What comes of a run that nobody disturbs."""
        assert self._monitor is not None
        world, plan = self._world, self._plan
        spoiled = self._sky.weather.spoiled | plan.stuck
        if not (report.interrupted or report.timed_out):
            for text in checks.unexcused(world, plan, report, spoiled):
                self._violated(f"{process.name}: {text}")
        left = checks.leftovers(world, plan, self._land, run_ids={process.run_id})
        found = [(region, text) for region, text in left if region not in spoiled]
        # Who is stopped before it comes to them does not show what others have hidden.
        stopped = report.interrupted or report.timed_out
        before = process.found_hidden if stopped else set()
        for region, text in sorted(set(self._hidden()) - before):
            if region not in spoiled and not process.eye.stop.is_throttled(region):
                self._violated(f"{process.name} left {text} hidden")
        if process.name == "first":
            for text in checks.half_published(world, plan, report, spoiled):
                self._violated(text)
        if not spoiled and not (report.interrupted or report.timed_out):
            unsure = self._monitor.unsure
            for text in checks.imagined(world, found, report.leftovers, unsure):
                self._violated(f"{process.name} tells of {text}, which is not there")
        self._check_blocks(process)
        if self._all_fine() or (process.name == "again" and plan.heals):
            self._check_uplink(process)
        if self._all_fine():
            self._check_calls(process, report)
            for text in self._monitor.made_twice():
                self._violated(f"in the best of weathers {text}")
        told = {leftover.name for leftover in report.leftovers}
        # Cleaning up has an end then; what it left was told of.
        stopped = report.interrupted or report.timed_out
        for region, text in () if stopped or plan.stuck else found:
            # What another run may be using is left to its lease, and told of; so is
            # what is where nobody answers, be it that every answer came too late.
            may_stay = "ali-import-new-" in text or region in process.eye.silent
            if not may_stay or told.isdisjoint(text.split()):
                self._violated(f"{process.name} left {text} in {region}")

    def _owes(self) -> bool:
        """Whether the account owes money, so that nothing can be changed."""
        return self._plan.profile.accounts[0].arrears

    def _all_fine(self) -> bool:
        """Whether nothing ever went wrong: no weather, no kill, no second run."""
        plan = self._plan
        return (
            self._verdict.weather == "fine"
            and plan.end is End.CLEAN
            and not plan.again_kill
            and plan.second_after_s is None
            and not plan.stuck
            and not any(there.status != "Available" for there in plan.existing)
            and plan.options.timeout_s > 3600
        )

    def _check_blocks(self, process: Process) -> None:
        """No zeros go up, and no block twice, to whatever region and in any weather."""
        for target in self._plan.targets:
            image = target.image
            if not image.pack.is_large:
                continue
            most = _data_bytes(image)
            for region in self._plan.profile.regions:
                parts = process.eye.parts.get((image.path, region.id), {})
                if sum(parts.values()) > most:
                    self._violated(
                        f"{process.name} sent {sum(parts.values())} bytes of "
                        f"{target.name} to {region.id}, not {most}"
                    )

    def _check_uplink(self, process: Process) -> None:
        """A large file goes up once, where functions or copies can do the rest."""
        assert self._monitor is not None
        plan, report = self._plan, process.report
        profile = plan.profile
        limits = profile.limits
        fetched = (
            all(checks.fetches(plan, region) for region in profile.regions)
            and process.eye not in self._monitor.uploads.let_down
        )
        easy = (
            report is not None
            and all(outcome.result.good for outcome in report.outcomes)
            and (
                all(region.copy_in and region.copy_out for region in profile.regions)
                or fetched
            )
            and min(limits.images_per_region, limits.buckets_per_region) >= 100
            and plan.second_after_s is None
        )
        for target in plan.targets:
            image = target.image
            most = _data_bytes(image) if image.pack.is_large else inf
            sent = process.eye.uplink[image.path]
            if easy and sent > most:
                self._violated(
                    f"{process.name} sent {sent} bytes of {target.name}, not {most}"
                )

    def _check_calls(self, process: Process, report: Report) -> None:
        assert self._monitor is not None
        if self._plan.profile.limits.calls_per_minute:
            return
        asked = [row[2] for row in self._monitor.trace if row[1] == process.name]
        for text in checks.too_many_calls(self._plan, self._land, report, asked):
            self._violated(f"{process.name} {text}")

    def _check_stop(self, process: Process) -> None:
        """A run that was told to stop ends soon, also if it is between two renames.

        One whose time is over still publishes what it has; then it cleans up as soon.
        """
        timed_out = process.report is not None and process.report.timed_out
        self._met(coverage.OVER if timed_out else "")
        if process.stopped_at is None and not timed_out:
            return
        began = process.stopped_at or process.eye.cleaned_from
        took_s = process.ended_at - began
        bound_s = INTERRUPTED_S_MAX + RENAMES_S_MAX * self._plan.options.overwrite
        if took_s > bound_s:
            self._violated(f"{process.name} went on for {took_s:.0f} s")
        for text in process.late:
            self._violated(text)

    def _watch_stop(self, process: Process) -> None:
        process.spoiled = self._sky.weather.spoiled | self._plan.stuck
        self._tasks.start_soon(self._see_it_stop, process)

    async def _see_it_stop(self, process: Process) -> None:
        """See how each region gets rid of what the run put there, in time."""
        stop = process.eye.stop
        for kinds, within_s in (
            ({"bucket", "function"}, ROOMS_S),
            ({"bucket", "function", "image"}, TEMPORARY_S),
        ):
            waiting = {region.id for region in self._plan.profile.regions}
            while waiting:
                now = anyio.current_time()
                left_s = {
                    region: stop.at + within_s + stop.delay_s(region) - now
                    for region in waiting
                }
                for region in sorted(waiting):
                    if left_s[region] <= 0:
                        waiting.discard(region)
                        after_s = now - stop.at
                        process.late += self._still_there(
                            process, region, kinds, after_s
                        )
                if waiting:
                    await anyio.sleep(max(1.0, min(left_s[r] for r in waiting)))

    def _still_there(
        self, process: Process, region: str, kinds: set[str], after_s: float
    ) -> Iterator[str]:
        """Give what a run has in a region though it ought to be gone by now."""
        stop = process.eye.stop
        if region in process.spoiled or stop.is_throttled(region):
            return
        assert process.run is not None
        assert self._monitor is not None
        self._world.agenda.catch_up()
        told = {leftover.name for leftover in process.run.leftovers()}
        for where, text in checks.leftovers(
            self._world, self._plan, self._land, run_ids={process.run_id}
        ):
            words = text.split()
            if where != region or words[0] not in kinds or self._is_going(words):
                continue
            if words[1] in told and self._monitor.uploads.is_shared(words[1]):
                continue  # a guest removes it
            if not (region in stop.refused and told & set(words)):
                yield f"{process.name} still has {text} {after_s:.0f} s after its end"

    def _is_going(self, words: list[str]) -> bool:
        """Whether an image is being deleted, or is left to another run that may use it."""
        images = store(self._world).images_of(ACCOUNT, words[-1])
        image = next((i for i in images if i.image_id == words[1]), None)
        return image is not None and (image.deleting or "-new-" in image.name)

    def _may_refuse(self) -> bool:
        """Whether the weather may keep a run from beginning."""
        return bool(self._sky.weather.kinds)

    def _count(self, report: Report) -> None:
        assert self._monitor is not None
        for outcome in report.outcomes:
            route = outcome.route.value if outcome.route else "-"
            self._monitor.tally.outcomes[f"{outcome.result.value} {route}"] += 1

    def _check_end(self) -> None:
        self._world.agenda.catch_up()
        world, plan, land = self._world, self._plan, self._land
        for text in landscape.touched(world, land, leases_over=True):
            self._violated(f"somebody touched {text}")
        if self._owes():
            return
        assert self._monitor is not None
        for region, name in self._monitor.unresolved():
            if region not in plan.stuck:
                self._violated(f"at the end nothing has the name {name} in {region}")
        if plan.stuck:
            return
        for _region, text in self._hidden():
            self._violated(f"at the end {text} is not public any more")
        for _region, text in checks.leftovers(world, plan, land, run_ids=None):
            self._violated(f"at the end there is {text}")
        for text in checks.strange_images(world, plan, land):
            self._violated(f"at the end there is {text}")
