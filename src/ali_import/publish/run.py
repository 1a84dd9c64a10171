"""A run: every target into every region, then published, and nothing left behind.

Every region of the cloud has a task of its own, be it asked for or not, since it may have
to lend its image. It places the targets, keeps what other regions can fetch or copy until
every region has the bytes, and cleans up. Publishing waits until every placement is there
or given up, and temporary images go when nothing will be published any more.

What a stop (Ctrl-C, the caller's cancellation, a mistake of ours) and ``--timeout`` do:

* ``_going_on``: placing, lending and publishing, which a stop ends at once;
* ``_life``: all that the regions do, cleaning up too; its deadline is what bounds that;
* ``_hearing``: takes the caller's cancellation for an interrupt;
* ``_decided``: set when nothing will be published any more.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from random import Random
from typing import Final

import anyio

from ali_import.cloud.calls import Cloud
from ali_import.errors import ConfigurationError
from ali_import.publish import cleanup, images
from ali_import.publish.context import Context, steadied, survey, wrong_regions
from ali_import.publish.finish import Finish
from ali_import.publish.lease import Lease
from ali_import.publish.model import (
    CLEAN_UP_S_MAX,
    PUBLISH_S_MAX,
    Emit,
    Leftover,
    Options,
    Phase,
    PhaseBegan,
    RegionsKnown,
    Report,
    Target,
)
from ali_import.publish.placement import Placement
from ali_import.publish.region import Region
from ali_import.publish.sources import CopySlots, Sources
from ali_import.units import MINUTE_S

_PUBLISH_LATE_S_MAX: Final = MINUTE_S
"""After a time-out, what is there is still published, if that is quick."""
_CLEAN_UP_STOPPED_S_MAX: Final = 3 * MINUTE_S
"""After an interrupt or a time-out somebody waits for the end."""


class Run:
    """One execution of the tool.

    Args:
        cloud: The cloud; calls are repeated here, not there.
        targets: What to publish; names are unique.
        options: How.
        run_id: Eight hexadecimal digits; goes into names and tags.
        rng: The dice, for jitter.
        now: Unix time in seconds, for leases.
        emit: Told what happens.
    """

    def __init__(
        self,
        cloud: Cloud,
        targets: Sequence[Target],
        options: Options,
        *,
        run_id: str,
        rng: Random,
        now: Callable[[], float],
        emit: Emit,
    ) -> None:
        self._targets = tuple(targets)
        self._options = options
        self._lease = Lease(run_id=run_id, expires_at=int(now() + options.lease_s))
        self._rng = rng
        self._now = now
        self._emit = emit
        self._cloud = steadied(cloud, rng, emit)
        self._regions: dict[str, Region] = {}
        self._sources: dict[str, Sources] = {}
        self._placements: list[Placement] = []
        self._finish: Finish | None = None
        self._not_swept: list[Leftover] = []
        self._mistakes: list[Exception] = []
        self._interrupted = False
        self._stopped = False
        self._timed_out = False
        self._going_on: list[anyio.CancelScope] = []
        self._life = anyio.CancelScope(shield=True)
        self._hearing = anyio.CancelScope()
        self._decided = anyio.Event()

    # --- from outside -----------------------------------------------------------------

    def interrupt(self) -> None:
        """Stop starting things; cancel, clean up, and report. Safe to call twice."""
        self._interrupted = True
        self._stop()

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return the temporary things that exist, or may exist, right now."""
        here = [left for r in self._regions.values() for left in r.leftovers()]
        return (*self._not_swept, *here)

    async def execute(self) -> Report:
        """Publish, clean up, and report.

        Cancelling it is interrupting it: it cleans up before the cancellation goes on.

        Raises:
            ConfigurationError: A region does not exist, or the credentials or the
                network will not do; nothing was changed.
        """
        began = anyio.current_time()
        give_up_at = began + self._options.timeout_s
        self._emit(PhaseBegan(phase=Phase.SURVEY))
        context = await self._survey(give_up_at)
        if context is not None:
            async with anyio.create_task_group() as outside:
                outside.start_soon(self._hear_of_cancellation)
                # In a task of its own, which nobody outside can cancel: asyncio's own
                # Task.cancel() would end even what is shielded.
                outside.start_soon(self._to_the_end, context, give_up_at)
            if self._life.cancelled_caught:
                context.note("cleaning up took too long", level="WARNING")
        if self._finish is not None:
            self._finish.judge()
        if self._mistakes:
            raise ExceptionGroup("bugs in ali-import", self._mistakes)
        self._emit(PhaseBegan(phase=Phase.DONE))
        return Report(
            run_id=self._lease.run_id,
            outcomes=tuple(placement.outcome() for placement in self._placements),
            leftovers=self.leftovers(),
            interrupted=self._interrupted,
            timed_out=self._timed_out,
            calls=self._cloud.calls,
            retries=self._cloud.retries,
            seconds=anyio.current_time() - began,
        )

    # --- being stopped ----------------------------------------------------------------

    def _stop(self) -> None:
        """End what is going on; from here on cleaning up has to be quick."""
        self._stopped = True
        for scope in self._going_on:
            scope.cancel()
        if self._finish is not None:
            self._finish.hurry()
        self._bound_cleaning()

    def _until_stopped(self, deadline: float = inf) -> anyio.CancelScope:
        """Return a scope for what goes on until the run is stopped, or time is over."""
        scope = anyio.CancelScope(deadline=deadline)
        self._going_on.append(scope)
        if self._stopped:
            scope.cancel()
        return scope

    def _bound_cleaning(self) -> None:
        hurried = self._stopped or self._timed_out
        bound_s = _CLEAN_UP_STOPPED_S_MAX if hurried else CLEAN_UP_S_MAX
        over_at = anyio.current_time() + bound_s
        self._life.deadline = min(self._life.deadline, over_at)

    async def _to_the_end(self, context: Context, give_up_at: float) -> None:
        with self._life:
            await self._carry_out(context, give_up_at)
        self._hearing.cancel()

    async def _hear_of_cancellation(self) -> None:
        """Take the cancellation of whoever called for an interrupt."""
        with self._hearing:
            try:
                await anyio.sleep_forever()
            finally:
                if not self._hearing.cancel_called:
                    self.interrupt()

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do a piece of work; after a mistake of ours there is nothing left behind."""
        try:
            await work()
        except Exception as mistake:  # noqa: BLE001  it is told when all is cleaned up
            self._mistakes.append(mistake)
            self._stop()

    # --- the survey -------------------------------------------------------------------

    async def _survey(self, give_up_at: float) -> Context | None:
        """Learn who we are, and lay out the regions; None if the run was stopped."""
        with self._until_stopped(give_up_at):
            account_id, everywhere = await survey(self._cloud)
            return self._lay_out(account_id, everywhere)
        if self._stopped:
            return None
        raise ConfigurationError(
            f"the cloud did not answer within {self._options.timeout_s:.0f} s which "
            "account this is and which regions it has",
            advice="run again, or raise --timeout",
        )

    def _lay_out(self, account_id: str, everywhere: Sequence[str]) -> Context:
        """Make the regions and, in region-then-target order, the placements."""
        wrong = wrong_regions(self._options, everywhere)
        if wrong is not None:
            raise wrong
        excluded = self._options.excluded
        everywhere = [region for region in everywhere if region not in excluded]
        # Sorted, as iPXE's script has them; scripts compare the lines of two runs.
        regions = self._options.regions or tuple(sorted(everywhere))
        if not regions:
            raise ConfigurationError("every region is excluded")
        role = self._options.role
        context = Context(
            cloud=self._cloud,
            account_id=account_id,
            lease=self._lease,
            options=self._options,
            role_arn=f"acs:ram::{account_id}:role/{role}" if role else "",
            rng=self._rng,
            now=self._now,
            emit=self._emit,
        )
        names = tuple(target.name for target in self._targets)
        self._emit(RegionsKnown(regions=regions, names=names))
        self._regions = {id_: Region(context, id_) for id_ in everywhere}
        slots = CopySlots()
        self._sources = {name: Sources(regions, self._regions, slots) for name in names}
        for id_ in regions:
            region = self._regions[id_]
            look = images.Look(region, names)
            for target in self._targets:
                sources = self._sources[target.name]
                placement = Placement(region, target, sources, look)
                region.add(placement)
                self._placements.append(placement)
        return context

    # --- the work ---------------------------------------------------------------------

    async def _carry_out(self, context: Context, give_up_at: float) -> None:
        """Let every region work and end, and publish in between."""
        self._emit(PhaseBegan(phase=Phase.PLACE))
        finish = self._finish = Finish(context, self._placements)
        placing = _Countdown(len(self._regions))
        async with anyio.create_task_group() as tasks:
            for region in self._regions.values():
                tasks.start_soon(self._live, region, give_up_at, placing)
            with self._until_stopped():
                await placing.over.wait()
                self._give_up_unfinished()
                self._emit(PhaseBegan(phase=Phase.PUBLISH))
                await self._publish(finish, give_up_at)
            finish.conclude()
            self._emit(PhaseBegan(phase=Phase.CLEAN_UP))
            self._bound_cleaning()
            self._decided.set()
            for region in self._regions.values():
                region.wake()
            if not self._stopped:
                tasks.start_soon(self._guarded, lambda: self._sweep(context))

    async def _publish(self, finish: Finish, give_up_at: float) -> None:
        """Publish what was placed, in what is left of the time, or in a minute."""
        now = anyio.current_time()
        over_at = min(max(give_up_at, now + _PUBLISH_LATE_S_MAX), now + PUBLISH_S_MAX)
        with anyio.CancelScope(deadline=over_at) as in_time:
            await self._guarded(lambda: finish.run(over_at))
        self._timed_out = self._timed_out or in_time.cancelled_caught

    async def _live(
        self, region: Region, give_up_at: float, placing: "_Countdown"
    ) -> None:
        """A region's part in the run: place, lend, and leave nothing behind."""
        here = [p for p in self._placements if p.region is region]
        with self._until_stopped(give_up_at):
            await self._guarded(lambda: _place_all(here))
        placing.one_less()
        with self._until_stopped(give_up_at):
            while not self._decided.is_set():
                news = region.news
                await self._keep_while_needed(region)
                await news.wait()
        await self._guarded(lambda: region.end(self._decided))

    async def _keep_while_needed(self, region: Region) -> None:
        """Keep what the region has for others until no region lacks the bytes."""
        while used := [s for s in self._sources.values() if self._is_used(s, region)]:
            await used[0].until_nobody_lacks()
        await self._guarded(region.stop_lending)
        if region.workspace.idle:
            for sources in self._sources.values():
                sources.withdraw(region.id)

    def _is_used(self, sources: Sources, region: Region) -> bool:
        """Whether a region has what others lack yet."""
        return sources.are_lacked and sources.may_be_in_use(region.id)

    def _give_up_unfinished(self) -> None:
        """Let placements fail that were not done in time."""
        for placement in self._placements:
            if placement.result is not None:
                continue
            self._timed_out = True
            text = f"not done after {self._options.timeout_s:.0f} s"
            placement.fail(placement.out_of_time(text))

    async def _sweep(self, context: Context) -> None:
        """Remove what other runs left in our regions, once their lease is over."""
        # Regions that fail would only cost time; a later run sweeps them.
        good = [p.region.id for p in self._placements if p.good]
        regions = tuple(dict.fromkeys(good))
        found = await cleanup.find_in(self._cloud, regions, self._emit)
        over = [thing for thing in found if 0 < thing.expires_at < self._now()]
        # Under another lease: our own relays are being removed at the same time.
        run_id = f"{self._rng.getrandbits(32):08x}"
        lease = dataclasses.replace(context.lease, run_id=run_id)
        context = dataclasses.replace(context, lease=lease)
        self._not_swept = over
        await cleanup.remove(context, self._not_swept)


async def _place_all(placements: Sequence[Placement]) -> None:
    async with anyio.create_task_group() as tasks:
        for placement in placements:
            tasks.start_soon(placement.run)


class _Countdown:
    """Tells when so many have said that they are done."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.over = anyio.Event()

    def one_less(self) -> None:
        """Say that one more is done."""
        self._count -= 1
        if not self._count:
            self.over.set()
