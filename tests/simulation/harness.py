"""One seed: a cloud, a weather, a run that may be cut short, and what comes of it."""

import traceback
from dataclasses import dataclass, field
from random import Random
from typing import Final

import anyio
import hypothesis  # noqa: F401  its presence makes trio schedule deterministically
import trio._core._run as trio_run
from trio.testing import MockClock

from ali_import.publish import cleanup
from ali_import.publish.model import Event, Note, Report
from ali_import.publish.run import Run
from alicloud_emulator.world.profile import Limits
from alicloud_emulator.world.throttle import Throttle
from alicloud_emulator.world.world import World
from tests.simulation import checks, landscape
from tests.simulation.landscape import LIVE_S
from tests.simulation.monitor import START, Monitor, Tally, line
from tests.simulation.plan import ROLE, End, Plan, draw
from tests.simulation.process import Process
from tests.simulation.troubles import TROUBLES
from tests.simulation.weather import Sky
from tests.support.bridge import (
    AccountLogin,
    Lag,
    Login,
    Network,
    RoleLogin,
    WorldCloud,
)

BUDGET_S: Final = 7 * 86_400.0
INTERRUPTED_S_MAX: Final = 4 * 60.0
"""Three minutes to clean up, and a call or two that hang until they time out."""
AFTER_TIMEOUT_S: Final = 75 * 60.0
"""A run may publish for half an hour and clean up for another, after its time-out."""


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


def simulate(seed: int, *, trace: bool = False) -> Verdict:
    """Run one seed in virtual time."""
    trio_run._r.seed(seed)
    plan = draw(seed)
    verdict = Verdict(seed=seed, headline=plan.headline())
    stage = Stage(plan, verdict)

    async def bounded() -> None:
        with anyio.fail_after(BUDGET_S):
            await stage.play()

    clock = MockClock(autojump_threshold=0)
    try:
        anyio.run(bounded, backend="trio", backend_options={"clock": clock})
    except TimeoutError:
        verdict.violations.append("nothing goes on any more")
    except Exception:  # noqa: BLE001  whatever it is, the seed shall be told
        verdict.violations.append(f"it broke:\n{traceback.format_exc()[-1500:]}")
    verdict.violations += stage.violations()
    if trace:
        verdict.trace = stage.trace()
    return verdict


class Stage:
    """The play that every seed gives."""

    def __init__(self, plan: Plan, verdict: Verdict) -> None:
        self._plan = plan
        self._verdict = verdict
        self._processes: list[Process] = []
        self._monitor: Monitor | None = None
        self._notes: list[str] = []

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
        self._throttle = Throttle(plan.profile, self._world.agenda)
        self._lag = Lag(self._world)
        self._land = landscape.furnish(self._world, plan)
        self._monitor = Monitor(self._world, plan)
        self._monitor.begin()
        self._sky = Sky(self._world, self._network, self._lag, plan)
        self._sky.darken(TROUBLES)
        self._monitor.away = self._sky.weather.spoiled
        self._verdict.weather = ", ".join(self._sky.weather.kinds) or "fine"
        self._verdict.tally = self._monitor.tally
        async with anyio.create_task_group() as self._tasks:
            await self._first()
            await self._again()
            await self._clean_up()
            self._tasks.cancel_scope.cancel()
        self._monitor.tally.struck.update(self._world.faults.struck)

    # --- acts ---------------------------------------------------------------------

    async def _first(self) -> None:
        plan = self._plan
        first = self._start("first")
        if plan.end is End.KILL:
            number = -plan.end_at_call if plan.late_kill else plan.end_at_call
            first.cloud.at_call[number] = first.kill
        elif plan.end_at_making:
            first.eye.when_answered[plan.end_at_making] = first.interrupt
        elif plan.end is End.INTERRUPT:
            first.cloud.at_call[plan.end_at_call] = first.interrupt
        running = [first]
        if plan.second_after_s is not None:
            await anyio.sleep(plan.second_after_s)
            running.append(self._start("second"))
        for process in running:
            process.eye.alone = len(running) == 1
        for process in running:
            await self._wait(process)
        for process in running:
            self._check_run(process, alone=len(running) == 1)

    async def _again(self) -> None:
        """The same command once more, in better weather or not."""
        if self._plan.again_kill:
            doomed = self._start("doomed")
            doomed.cloud.at_call[-self._plan.again_kill] = doomed.kill
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
        await self._cleanup_command(self._process("cleanup"))
        self._check_end()

    async def _cleanup_command(self, process: Process) -> None:
        """Do what ``ali-import cleanup`` does: what has expired goes."""
        rng = Random(f"{process.name} {self._plan.seed}")

        async def work() -> None:
            found = await cleanup.find_leftovers(
                process.cloud, now=self._clock, emit=self._hear
            )
            over = [x for x in found if 0 < x.expires_at < self._clock()]
            left = await cleanup.remove_leftovers(
                process.cloud, over, rng=rng, now=self._clock, emit=self._hear
            )
            for leftover in left:
                # A copy to a region that is stuck keeps its source busy for ever.
                if not self._owes() and not self._plan.stuck:
                    self._violated(f"cleanup cannot remove {leftover}")

        self._tasks.start_soon(process.execute, work)
        await self._wait(process)

    # --- processes ----------------------------------------------------------------

    def _process(self, name: str) -> Process:
        assert self._monitor is not None
        rival = name == "second"
        targets = self._plan.rivals if rival else self._plan.targets
        eye = self._monitor.eye(name, targets)
        cloud = WorldCloud(
            world=self._world,
            login=self._login(),
            rng=Random(f"{name} {self._plan.seed}"),
            network=self._network,
            throttle=self._throttle,
            lag=self._lag,
            files=self._plan.files,
            watch=eye,
        )
        process = Process(name, cloud, eye)
        self._processes.append(process)
        return process

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
        process.run_id = f"{dice.getrandbits(32):08x}"

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
        return process

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

    def _violated(self, text: str) -> None:
        assert self._monitor is not None
        self._monitor.violated(text)

    # --- checks -------------------------------------------------------------------

    def _check_run(self, process: Process, *, alone: bool) -> None:
        self._world.agenda.catch_up()
        over = self._clock() > START + LIVE_S
        for text in landscape.touched(self._world, self._land, leases_over=over):
            self._violated(f"{process.name} touched {text}")
        report = process.report
        if report is None:
            if process.refused is not None and not self._may_refuse():
                self._violated(f"{process.name} refused: {process.refused}")
            return
        self._count(report)
        if alone:
            self._check_report(process, report)
        if process.name == "again":
            self._notes += [repr(outcome) for outcome in report.outcomes]

    def _check_report(self, process: Process, report: Report) -> None:
        assert self._monitor is not None
        world, plan = self._world, self._plan
        spoiled = self._sky.weather.spoiled | plan.stuck
        for text in checks.report_equals_world(world, plan, report):
            self._violated(f"{process.name}: {text}")
        if not (report.interrupted or report.timed_out):
            for text in checks.unexcused(world, plan, report, spoiled):
                self._violated(f"{process.name}: {text}")
        found = [
            (region, text)
            for region, text in checks.leftovers(
                world, plan, self._land, run_ids={process.run_id}
            )
            if region not in spoiled
        ]
        if process.name == "first":
            for text in checks.half_published(world, plan, report, spoiled):
                self._violated(text)
        for text in checks.untold(found, report.leftovers):
            self._violated(f"{process.name} left {text}")
        self._check_interrupt(process)
        if not spoiled and not report.interrupted:
            for text in checks.imagined(world, found, report.leftovers):
                self._violated(f"{process.name} tells of {text}, which is not there")
        if self._all_fine():
            self._check_uplink(process)
            for text in self._monitor.made_twice():
                self._violated(f"in the best of weathers {text}")
        told = {leftover.name for leftover in report.leftovers}
        for region, text in () if report.interrupted or plan.stuck else found:
            # What another run may be using is left to its lease, and told of.
            shared = "ali-import-new-" in text and not told.isdisjoint(text.split())
            if not shared:
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

    def _check_uplink(self, process: Process) -> None:
        """A large file goes up once, where functions or copies can do the rest."""
        profile, report = self._plan.profile, process.report
        easy = (
            report is not None
            and all(outcome.result.good for outcome in report.outcomes)
            and all(region.copy_in and region.copy_out for region in profile.regions)
            and profile.limits == Limits(copy_conflict=profile.limits.copy_conflict)
        )
        for target in self._plan.targets:
            image = target.image
            sent = process.eye.uplink[image.path]
            if easy and len(image.parts) > 1 and sent > image.file_bytes:
                times = sent / image.file_bytes
                self._violated(f"{process.name} sent {target.name} {times:.2f} times")

    def _check_interrupt(self, process: Process) -> None:
        """After Ctrl-C a run ends soon, unless it is between two renames."""
        if process.interrupted_at is None or self._plan.options.overwrite:
            return
        took_s = process.ended_at - process.interrupted_at
        if took_s > INTERRUPTED_S_MAX:
            self._violated(f"{process.name} went on for {took_s:.0f} s")

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
        for _region, text in checks.leftovers(world, plan, land, run_ids=None):
            self._violated(f"at the end there is {text}")
        for text in checks.strange_images(world, plan, land):
            self._violated(f"at the end there is {text}")
