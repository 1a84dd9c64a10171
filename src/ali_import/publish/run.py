"""A run: every target into every region, then published, and nothing left behind."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

import anyio

from ali_import.cloud.calls import Cloud, DescribeRegions, GetCallerIdentity
from ali_import.cloud.retry_table import look_up
from ali_import.cloud.steady import PREFLIGHT, Steady
from ali_import.errors import ApiError, CloudError, ConfigurationError
from ali_import.publish import cleanup
from ali_import.publish.cancel import cancel_making
from ali_import.publish.context import Context
from ali_import.publish.finish import Finish
from ali_import.publish.job import Job
from ali_import.publish.lease import TAG_RUN, Lease
from ali_import.publish.making import find
from ali_import.publish.model import (
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
from ali_import.publish.removal import remove_image
from ali_import.publish.workbench import Workbench
from ali_import.units import MINUTE_S

_PUBLISH_S_MAX: Final = 30 * MINUTE_S
_CLEAN_UP_S_MAX: Final = 30 * MINUTE_S
_CLEAN_UP_INTERRUPTED_S_MAX: Final = 3 * MINUTE_S


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
        self._give_up_at = 0.0
        self._stopping: anyio.CancelScope | None = None
        self._cleaning: anyio.CancelScope | None = None
        self._interrupted = False
        self._timed_out = False
        self._bench: Workbench | None = None
        self._finish: Finish | None = None
        self._placements: list[Placement] = []
        self._unremovable: tuple[Leftover, ...] = ()
        self._snapshots_left: list[Leftover] = []

    def interrupt(self) -> None:
        """Stop starting things; cancel, clean up, and report. Safe to call twice."""
        self._interrupted = True
        if self._stopping is not None:
            self._stopping.cancel()
        if self._finish is not None:
            self._finish.hurry()
        if self._cleaning is not None:
            hurry = anyio.current_time() + _CLEAN_UP_INTERRUPTED_S_MAX
            self._cleaning.deadline = min(self._cleaning.deadline, hurry)

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return the temporary things that exist, or may exist, right now."""
        bench, finish = self._bench, self._finish
        found = [*self._unremovable, *self._snapshots_left]
        if bench is not None:
            for site in bench.sites.values():
                found += site.workspace.leftovers()
            found += [
                self._image_left(job.region, job.name)
                for job in bench.temporary
                if job.temporary
            ]
        if finish is not None:
            found += [self._image_left(r, image.name) for r, image in finish.retired()]
        return tuple(found)

    def _image_left(self, region: str, name: str) -> Leftover:
        return Leftover(
            region=region,
            kind="image",
            name=name,
            run_id=self._lease.run_id,
            expires_at=float(self._lease.expires_at),
        )

    async def execute(self) -> Report:
        """Publish, clean up, and report.

        Raises:
            ConfigurationError: A region does not exist, or the credentials or the
                network will not do; nothing was changed.
        """
        began = anyio.current_time()
        context: Context | None = None
        self._give_up_at = began + self._options.timeout_s
        with anyio.CancelScope() as self._stopping:
            if self._interrupted:
                self._stopping.cancel()
            self._emit(PhaseBegan(phase=Phase.SURVEY))
            context, regions, everywhere = await self._preflight_in_time()
            try:
                await self._place(context, regions, everywhere)
                await self._publish(context)
            except Exception:  # a mistake of ours: even so, nothing is left behind
                await self._clean_up(context)
                raise
        if context is not None:
            await self._clean_up(context)
        self._emit(PhaseBegan(phase=Phase.DONE))
        return Report(
            run_id=self._lease.run_id,
            outcomes=tuple(p.outcome() for p in self._placements),
            leftovers=self.leftovers(),
            interrupted=self._interrupted,
            timed_out=self._timed_out,
            calls=self._cloud.calls,
            retries=self._cloud.retries,
            seconds=anyio.current_time() - began,
        )

    # --- phases -----------------------------------------------------------------------

    async def _preflight_in_time(
        self,
    ) -> tuple[Context, tuple[str, ...], tuple[str, ...]]:
        with anyio.CancelScope(deadline=self._give_up_at):
            return await self._preflight()
        raise ConfigurationError(
            f"the cloud did not say within {self._options.timeout_s:.0f} s who we are and "
            "which regions there are",
            advice="run again, or raise --timeout",
        )

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
            snapshots_left=self._snapshots_left,
        )
        names = tuple(target.name for target in self._targets)
        self._emit(RegionsKnown(regions=regions, names=names))
        return context, regions, everywhere

    async def _place(
        self, context: Context, regions: Sequence[str], everywhere: Sequence[str]
    ) -> None:
        """Run every placement's pipeline; none waits for another, unless for bytes."""
        self._emit(PhaseBegan(phase=Phase.PLACE))
        with anyio.CancelScope(deadline=self._give_up_at) as in_time:
            async with anyio.create_task_group() as tasks:
                self._bench = Workbench(
                    context, tasks, regions=regions, everywhere=everywhere
                )
                self._placements = self._bench.placements(self._targets)
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
                text = f"not done after {self._options.timeout_s:.0f} s"
                if last := self._cloud.troubles.get(placement.region):
                    text += f"; the last answer was {last.code} to {last.operation}"
                error = ApiError(
                    text,
                    region=placement.region,
                    operation="",
                    code="Timeout",
                    http_status=408,
                    advice="run again to go on, or raise --timeout",
                )
                placement.fail(error)

    async def _publish(self, context: Context) -> None:
        self._emit(PhaseBegan(phase=Phase.PUBLISH))
        self._finish = Finish(context, self._placements)
        with anyio.move_on_after(_PUBLISH_S_MAX):
            await self._finish.run()

    async def _clean_up(self, context: Context) -> None:
        """Remove everything temporary, whatever happened before, in bounded time."""
        self._emit(PhaseBegan(phase=Phase.CLEAN_UP))
        bound_s = _CLEAN_UP_S_MAX
        if self._interrupted:
            bound_s = _CLEAN_UP_INTERRUPTED_S_MAX
        with anyio.move_on_after(bound_s, shield=True) as self._cleaning:
            temporary = self._bench.temporary if self._bench is not None else []
            jobs = [
                *(p.job for p in self._placements if not p.job.temporary),
                *temporary,
            ]
            await self._all(cancel_making, jobs)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._settle, context, temporary)
                if self._bench is not None:
                    for site in self._bench.sites.values():
                        tasks.start_soon(site.workspace.clean_up)
                    if not self._interrupted:
                        tasks.start_soon(self._sweep, context)
        if self._cleaning.cancelled_caught:
            context.note("cleaning up took too long", level="WARNING")

    async def _all(
        self, step: Callable[[Job], Awaitable[None]], jobs: Sequence[Job]
    ) -> None:
        async def guarded(job: Job) -> None:
            try:
                await step(job)
            except CloudError as error:
                text = f"cleaning up {job.name}: {error.diagnostics()}"
                job.context.note(text, region=job.region, level="WARNING")

        async with anyio.create_task_group() as tasks:
            for job in jobs:
                tasks.start_soon(guarded, job)

    async def _settle(self, context: Context, temporary: Sequence[Job]) -> None:
        """Bring back or delete what was replaced, then drop what is temporary."""
        finish = self._finish or Finish(context, self._placements)
        await finish.settle()
        await self._all(self._drop, temporary)

    async def _drop(self, job: Job) -> None:
        """Remove a temporary image, if it is there and still temporary.

        A replacement that another run began, or took over, is left to its lease: that
        run may be giving it its name this very moment. (Without a lent image a copy
        fails, and is made from elsewhere.)
        """
        if not job.temporary:
            return
        image = await find(job)
        if image is not None and job.is_ours(image):
            context = job.context
            own = image.tags.get(TAG_RUN) == context.lease.run_id
            if not job.lent and (job.adopted or not own):
                text = f"{job.name} is left: another run may be using it"
                context.note(text, region=job.region)
                return
            await remove_image(context, job.region, image)
            job.image = None
        job.temporary = False

    async def _sweep(self, context: Context) -> None:
        """Remove what other runs left in our regions, once their lease is over."""
        # Regions that fail would only cost time; a later run sweeps them.
        good = [p.region for p in self._placements if p.result and p.result.good]
        regions = tuple(dict.fromkeys(good))
        found = await cleanup.find_in(self._cloud, regions, self._emit)
        over = [thing for thing in found if 0 < thing.expires_at < self._now()]
        # Under another lease: our own relays are being removed at the same time.
        run_id = f"{self._rng.getrandbits(32):08x}"
        lease = dataclasses.replace(context.lease, run_id=run_id)
        context = dataclasses.replace(context, lease=lease, snapshots_left=[])
        self._unremovable = await cleanup.remove(context, over)
