"""Borrowing: importing an image somewhere for a while, only to copy it from there.

It is needed when no region asked for can import the image (``--region cn-heyuan``
alone), or when those that have it have published it: public images cannot be copied.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

import anyio

from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import BROKEN, CloudImage
from ali_import.errors import CloudError, TaskFailedError
from ali_import.publish.job import Job
from ali_import.publish.lease import temporary_image_name
from ali_import.publish.making import (
    adopt,
    clear_away,
    find,
    make_room,
    wait,
)
from ali_import.publish.model import Route
from ali_import.publish.routes.direct import direct
from ali_import.publish.routes.relay import relay
from ali_import.publish.sources import distance

_FAILURES_MAX: Final = 8
"""Regions that fail cost time; those that merely refuse a bucket or data do not count."""

_FAILED_IMPORTS_MAX: Final = 3
"""Imports that failed, with none that worked, before lending is no hope either."""

JobAt = Callable[[str, str], Job]
"""Makes a job for a temporary image: (region, name)."""


class Lender:
    """Has an image imported, under a temporary name, in the nearest region that can.

    One for each target; the images are removed when the run ends.
    """

    def __init__(self, regions: Sequence[str], job_at: JobAt) -> None:
        self._regions = regions
        self._job_at = job_at
        self._failures = 0
        self._lock = anyio.Lock()
        self._tried: list[str] = []
        self._lent: list[str] = []

    async def __call__(self, borrower: Job, avoid: Collection[str]) -> bool:
        """Have a source made for ``borrower``, in a region not to be avoided.

        Returns:
            Whether there is a source that the borrower does not know yet.
        """
        async with self._lock:
            if any(region not in avoid for region in self._lent):
                return True  # made for somebody else meanwhile
            for region in self._nearest(borrower.region):
                if region in avoid or region in self._tried:
                    continue
                if self._failures >= _FAILURES_MAX:
                    return False
                if borrower.sources.failed_imports >= _FAILED_IMPORTS_MAX:
                    return False  # it is about the image, not about a region
                self._tried.append(region)
                try:
                    job = await self._import(region, borrower)
                except CloudError as error:
                    text = f"cannot lend the image: {error.code}"
                    borrower.context.note(text, region=region)
                    self._learn(borrower, error)
                    continue
                assert job.image is not None
                self._lent.append(region)
                borrower.sources.add_image(region, job.image.image_id)
                return True
            return False

    def _nearest(self, region: str) -> list[str]:
        others = [r for r in self._regions if r != region]
        others.sort(key=lambda r: distance(r, region))
        return others

    def _learn(self, borrower: Job, error: CloudError) -> None:
        sources = borrower.sources
        meaning = look_up(error).meaning
        failed = meaning is not Meaning.ROUTE
        # What two regions refuse for good (arrears, a missing role), all of them refuse.
        self._failures += _FAILURES_MAX // 2 if meaning is Meaning.FINAL else failed
        if failed or sources.refusal is None:
            sources.refusal = error

    async def _import(self, region: str, borrower: Job) -> Job:
        context, target = borrower.context, borrower.target
        name = temporary_image_name(
            "src", context.account_id, region, target.image.sha256
        )
        job = self._job_at(region, name)
        text = f"lends {target.name} to regions that can only copy it"
        context.note(text, region=region)
        there = await find(job)
        if there is not None and job.is_ours(there):
            if there.status in BROKEN:
                await make_room(job, there)
            elif await self._adopted(job, there):
                return job
        await self._by_first_route(job)
        return job

    async def _adopted(self, job: Job, there: CloudImage) -> bool:
        """Wait for what another run began; False if that fails."""
        await adopt(job, there)
        try:
            await wait(job, there.image_id)
        except TaskFailedError:
            await clear_away(job)
            return False
        return True

    async def _by_first_route(self, job: Job) -> None:
        ways: tuple[tuple[Route, Callable[[Job], Awaitable[object]]], ...] = (
            (Route.DIRECT, direct),
            (Route.RELAY, relay),
        )
        last: CloudError | None = None
        for route, way in ways:
            job.route = route
            try:
                await way(job)
            except CloudError as error:
                last = error
            else:
                return
        assert last is not None
        raise last
