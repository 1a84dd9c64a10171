"""The workbench: what a run has laid out, from which jobs and placements are made."""

from collections.abc import Sequence
from typing import Final

from anyio.abc import TaskGroup

from ali_import.publish.borrow import Lender
from ali_import.publish.budget import ByteBudget
from ali_import.publish.context import Context
from ali_import.publish.job import Job, Site
from ali_import.publish.lease import temporary_image_name
from ali_import.publish.model import Target
from ali_import.publish.placement import Placement
from ali_import.publish.sources import Bell, CopySlots, Sources
from ali_import.publish.watcher import Watcher
from ali_import.publish.workspace import Workspace
from ali_import.units import MIB

_UPLINK_BYTES_MAX: Final = 48 * MIB
"""Bodies on their way up at once; relayed ones are held in memory meanwhile."""


class Workbench:
    """Makes sites, sources, jobs and placements, and remembers them.

    Attributes:
        sites: Every region that was worked in, staging regions included.
        temporary: Jobs whose image has a temporary name; ``temporary`` of a job turns
            False when its image was renamed in, or removed.
    """

    def __init__(
        self,
        context: Context,
        tasks: TaskGroup,
        *,
        regions: Sequence[str],
        everywhere: Sequence[str],
    ) -> None:
        self.sites: dict[str, Site] = {}
        self.temporary: list[Job] = []
        self._context = context
        self._tasks = tasks
        self._regions = regions
        self._everywhere = everywhere
        self._slots = CopySlots()
        self._bell = Bell()
        self._uplink = ByteBudget(_UPLINK_BYTES_MAX)

    def placements(self, targets: Sequence[Target]) -> list[Placement]:
        """Return one placement a region and target, in region-then-target order."""
        sources = {
            target.name: Sources(self._regions, self._slots, self._bell)
            for target in targets
        }
        lenders = {
            target.name: self._lender(target, sources[target.name])
            for target in targets
        }
        return [
            self._placement(region, target, sources[target.name], lenders[target.name])
            for region in self._regions
            for target in targets
        ]

    def _placement(
        self, region: str, target: Target, sources: Sources, lender: Lender
    ) -> Placement:
        def stand_in() -> Job:
            name = temporary_image_name(
                "new",
                self._context.account_id,
                region,
                target.name,
                target.image.sha256,
            )
            return self._temporary_job(region, target, name, sources, lender)

        job = self._job(region, target, target.name, sources, lender)
        return Placement(job, stand_in)

    def _lender(self, target: Target, sources: Sources) -> Lender:
        def job_at(region: str, name: str) -> Job:
            job = self._temporary_job(region, target, name, sources, lender)
            job.lent = True
            return job

        lender = Lender(self._everywhere, job_at)
        return lender

    def _job(
        self, region: str, target: Target, name: str, sources: Sources, lender: Lender
    ) -> Job:
        return Job(
            context=self._context,
            site=self._site(region),
            target=target,
            name=name,
            sources=sources,
            uplink=self._uplink,
            borrow=lender,
            tags=self._context.image_tags(target),
        )

    def _temporary_job(
        self, region: str, target: Target, name: str, sources: Sources, lender: Lender
    ) -> Job:
        job = self._job(region, target, name, sources, lender)
        job.temporary = True
        job.tags |= self._context.lease.tags()
        self.temporary.append(job)
        return job

    def _site(self, region: str) -> Site:
        if region not in self.sites:
            self.sites[region] = Site(
                region=region,
                workspace=Workspace(self._context, region),
                watcher=Watcher(self._context.cloud, region, self._tasks),
            )
        return self.sites[region]
