"""A run: every target into every region, then published, and nothing left behind."""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final

import anyio
from anyio.abc import TaskGroup

from ali_import.cloud.ports import Cloud
from ali_import.cloud.requests import DescribeRegions, GetCallerIdentity
from ali_import.cloud.retry_table import look_up
from ali_import.cloud.steady import PREFLIGHT, Steady
from ali_import.errors import ApiError, CloudError, ConfigurationError
from ali_import.publish import cleanup
from ali_import.publish.borrow import Lender
from ali_import.publish.budget import ByteBudget
from ali_import.publish.cancel import cancel_making
from ali_import.publish.context import Context
from ali_import.publish.events import Emit, Phase, PhaseBegan, RegionsKnown
from ali_import.publish.finish import Finish
from ali_import.publish.job import Job, Site
from ali_import.publish.lease import Lease, temporary_image_name
from ali_import.publish.making import find
from ali_import.publish.options import Options, Target
from ali_import.publish.outcome import Leftover, Report, Result, Route
from ali_import.publish.placement import Placement
from ali_import.publish.removal import remove_image
from ali_import.publish.sources import Bell, CopySlots, Sources
from ali_import.publish.watcher import Watcher
from ali_import.publish.workspace import Workspace
from ali_import.units import MIB, MINUTE_S

_PUBLISH_S_MAX: Final = 30 * MINUTE_S
_CLEAN_UP_S_MAX: Final = 30 * MINUTE_S
_CLEAN_UP_INTERRUPTED_S_MAX: Final = 3 * MINUTE_S
_UPLINK_BYTES_MAX: Final = 48 * MIB
"""Bodies on their way up at once; relayed ones are held in memory meanwhile."""


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
        self._cloud = Steady(cloud, rng=rng, on_retry=cleanup.tell_retries(emit))
        self._uplink = ByteBudget(_UPLINK_BYTES_MAX)
        self._bell = Bell()
        self._slots = CopySlots()
        self._stopping = anyio.CancelScope()
        self._interrupted = False
        self._timed_out = False
        self._sites: dict[str, Site] = {}
        self._placements: list[Placement] = []
        self._temporary: list[Job] = []
        self._left: tuple[Leftover, ...] | None = None

    def interrupt(self) -> None:
        """Stop starting things; cancel, clean up, and report. Safe to call twice."""
        self._interrupted = True
        self._stopping.cancel()

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return the temporary things that exist, or may exist, right now."""
        if self._left is not None:
            return self._left
        found = [x for site in self._sites.values() for x in site.workspace.leftovers()]
        found += [
            Leftover(
                region=job.region,
                kind="image",
                name=job.image.image_id if job.image is not None else job.name,
                run_id=self._lease.run_id,
                expires_at=float(self._lease.expires_at),
            )
            for job in self._temporary
            if job.temporary
        ]
        return tuple(found)

    async def execute(self) -> Report:
        """Publish, clean up, and report.

        Raises:
            ConfigurationError: A region does not exist, or the credentials or the
                network will not do; nothing was changed.
        """
        began = anyio.current_time()
        context: Context | None = None
        with self._stopping:
            self._emit(PhaseBegan(phase=Phase.SURVEY))
            context, regions, everywhere = await self._preflight()
            await self._place(context, regions, everywhere)
            await self._publish(context)
        if context is not None:
            await self._clean_up(context)
        self._emit(PhaseBegan(phase=Phase.DONE))
        return Report(
            run_id=self._lease.run_id,
            outcomes=tuple(p.outcome() for p in self._placements),
            leftovers=self._left or (),
            interrupted=self._interrupted,
            timed_out=self._timed_out,
            calls=self._cloud.calls,
            retries=self._cloud.retries,
            seconds=anyio.current_time() - began,
        )

    # --- phases -----------------------------------------------------------------------

    async def _preflight(self) -> tuple[Context, tuple[str, ...], tuple[str, ...]]:
        try:
            identity = await self._cloud.call(GetCallerIdentity(), PREFLIGHT)
            everywhere = await self._cloud.call(DescribeRegions(), PREFLIGHT)
        except CloudError as error:
            advice = error.advice or look_up(error).advice
            text = f"{error.operation} failed: {error.code}: {error.message}"
            raise ConfigurationError(text, advice=advice) from error
        regions = self._options.regions or everywhere
        if unknown := [region for region in regions if region not in everywhere]:
            known = ", ".join(sorted(everywhere))
            raise ConfigurationError(
                f"--region {unknown[0]}: no such region is open to this account",
                advice=f"choose from {known}",
            )
        role, account = self._options.role, identity.account_id
        context = Context(
            cloud=self._cloud,
            account_id=account,
            lease=self._lease,
            options=self._options,
            role_arn=f"acs:ram::{account}:role/{role}" if role else "",
            rng=self._rng,
            now=self._now,
            emit=self._emit,
        )
        names = tuple(target.name for target in self._targets)
        self._emit(RegionsKnown(regions=regions, names=names))
        return context, regions, everywhere

    async def _place(
        self, context: Context, regions: Sequence[str], everywhere: Sequence[str]
    ) -> None:
        """Run every placement's pipeline; none waits for another, unless for bytes."""
        self._emit(PhaseBegan(phase=Phase.PLACE))
        with anyio.move_on_after(self._options.timeout_s) as in_time:
            async with anyio.create_task_group() as tasks:
                work = Workbench(self, context, tasks, everywhere)
                sources = {t.name: work.sources(regions) for t in self._targets}
                self._placements = [
                    work.placement(region, target, sources[target.name])
                    for region in regions
                    for target in self._targets
                ]
                async with anyio.create_task_group() as placing:
                    for placement in self._placements:
                        placing.start_soon(placement.run)
                tasks.cancel_scope.cancel()  # watchers of what nobody waits for now
        self._timed_out = in_time.cancelled_caught and not self._interrupted
        if self._timed_out:
            self._give_up()

    def _give_up(self) -> None:
        for placement in self._placements:
            if placement.result is None:
                error = ApiError(
                    f"not done after {self._options.timeout_s:.0f} s",
                    region=placement.region,
                    operation="",
                    code="Timeout",
                    http_status=408,
                    advice="run again to go on, or raise --timeout",
                )
                placement.fail(error)

    async def _publish(self, context: Context) -> None:
        self._emit(PhaseBegan(phase=Phase.PUBLISH))
        finish = Finish(context, self._placements)
        with anyio.move_on_after(_PUBLISH_S_MAX):
            await finish.run()
            self._left = None
            left = await finish.delete_retired()
            for thing in left:
                context.note(thing.detail, region=thing.region, level="WARNING")

    async def _clean_up(self, context: Context) -> None:
        """Remove everything temporary, whatever happened before, in bounded time."""
        self._emit(PhaseBegan(phase=Phase.CLEAN_UP))
        bound_s = _CLEAN_UP_S_MAX
        if self._interrupted:
            bound_s = _CLEAN_UP_INTERRUPTED_S_MAX
        with anyio.move_on_after(bound_s, shield=True) as in_time:
            async with anyio.create_task_group() as tasks:
                for placement in self._placements:
                    if placement.job.making:
                        tasks.start_soon(self._guarded, cancel_making, placement.job)
            async with anyio.create_task_group() as tasks:
                for job in self._temporary:
                    if job.temporary:
                        tasks.start_soon(self._guarded, self._drop, job)
                for site in self._sites.values():
                    tasks.start_soon(site.workspace.clean_up)
                if not self._interrupted:
                    tasks.start_soon(self._sweep, context)
        left = self.leftovers()
        if in_time.cancelled_caught:
            context.note("cleaning up took too long", level="WARNING")
        self._left = left

    async def _guarded(
        self, step: Callable[[Job], "anyio.abc.Awaitable[None]"], job: Job
    ) -> None:
        try:
            await step(job)
        except CloudError as error:
            text = f"cleaning up {job.name}: {error.diagnostics()}"
            job.context.note(text, region=job.region, level="WARNING")

    async def _drop(self, job: Job) -> None:
        """Remove a temporary image, if it is there and still temporary."""
        image = await find(job)
        if image is not None and job.is_ours(image):
            context = job.context
            await remove_image(context.cloud, job.region, image, context.lease)
        job.temporary = False

    async def _sweep(self, context: Context) -> None:
        """Remove what other runs left in our regions, once their lease is over."""
        found = await cleanup.find_in(self._cloud, tuple(self._sites), self._emit)
        over = [thing for thing in found if 0 < thing.expires_at < self._now()]
        await cleanup.remove(context, over)
