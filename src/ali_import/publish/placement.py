"""A placement: one image in one region, from the first look to the outcome."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio

from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import BROKEN, MAKING, READY, CloudImage, ImageStatus
from ali_import.errors import ApiError, CloudError, TaskFailedError
from ali_import.publish.job import Job
from ali_import.publish.making import (
    adopt,
    clear_away,
    find,
    make_room,
    refuse_foreign,
    repair,
    wait,
)
from ali_import.publish.model import Outcome, PlacementEnded, Result, Route, Step
from ali_import.publish.routes import IMPORTING, routes


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """How far a route got, and why no farther."""

    route: Route
    step: Step
    error: CloudError


class Placement:
    """Brings one target's image into one region, under its own name or to replace it.

    Attributes:
        job: What is being made; under a temporary name when it replaces ``old``.
        result: How it stands, once known.
        error: Why it failed.
    """

    def __init__(self, job: Job, stand_in: Callable[[], Job]) -> None:
        self.job = job
        self.region = job.region
        self.target = job.target
        self.result: Result | None = None
        self.error: CloudError | None = None
        self.published = False
        self._stand_in = stand_in
        self._began = 0.0
        self._ended = 0.0

    async def run(self) -> None:
        """Make the placement; its failure is a value, never an exception."""
        self._began = anyio.current_time()
        try:
            self.result = await self._place()
            assert self.job.image is not None
            if _can_be_copied(self.job.image):
                self.job.sources.add_image(self.region, self.job.image.image_id)
            else:
                self.job.sources.no_image(self.region)
            self.job.enter(Step.DONE, progress=100)
        except CloudError as error:
            self.fail(error)
        finally:
            self.job.sources.forget(self.region)
            self._ended = anyio.current_time()
        self.job.context.emit(PlacementEnded(outcome=self.outcome()))

    def fail(self, error: CloudError) -> None:
        """Let the placement end in failure, whatever it was before."""
        self.result = Result.FAILED
        self.error = error
        self.published = False

    def outcome(self) -> Outcome:
        """Return how the placement ended, or how it stands."""
        image, error = self.job.image, self.error
        return Outcome(
            region=self.region,
            name=self.target.name,
            family=self.target.family,
            result=self.result or Result.SKIPPED,
            image_id=image.image_id if image is not None else "",
            route=self.job.route,
            step=self.job.step,
            code=error.code if error is not None else "",
            message=error.message if error is not None else "",
            request_id=error.request_id if error is not None else "",
            advice=error.advice if error is not None else "",
            published=self.published,
            seconds=(self._ended or anyio.current_time()) - self._began,
        )

    async def _place(self) -> Result:
        """Look at what is there, and do what is missing."""
        job = self.job
        job.enter(Step.SURVEY)
        there = await find(job)
        overwrite = job.context.options.overwrite
        if there is None:
            try:
                return await self._fill_gap()
            except CloudError as error:
                if error.code != "ImageExists" or not overwrite:
                    raise
            # Somebody took the name meanwhile: his image is replaced, too.
            return await self._replace()
        if job.is_ours(there):
            if there.status in READY:
                job.image = there
                changed = await repair(job, there)
                return Result.ADOPTED if changed else Result.UNCHANGED
            if there.status in MAKING:
                return await self._adopt(there)
            if there.status in BROKEN:
                await make_room(job, there)
                return await self._by_routes()
        if not overwrite:
            refuse_foreign(job, there)
        return await self._replace()

    async def _replace(self) -> Result:
        self.job = self._stand_in()
        return await self._resume_stand_in()

    async def _fill_gap(self) -> Result:
        """Nothing has the name: make the image, or finish a replacement cut short."""
        if self.job.context.options.overwrite:
            stand_in = self._stand_in()
            if await find(stand_in) is not None:
                self.job = stand_in
                return await self._resume_stand_in()
            stand_in.temporary = False  # there is none, and there will be none
        return await self._by_routes()

    async def _resume_stand_in(self) -> Result:
        """Make the replacement under its temporary name, or adopt an earlier run's."""
        there = await find(self.job)
        if there is None:
            return await self._by_routes()
        refuse_foreign(self.job, there)
        if there.status in BROKEN:
            await make_room(self.job, there)
            return await self._by_routes()
        return await self._adopt(there)

    async def _adopt(self, there: CloudImage) -> Result:
        """Finish what an earlier run, or another one, began."""
        self.job.sources.no_object(self.region)
        await adopt(self.job, there)
        try:
            await wait(self.job, there.image_id)
        except TaskFailedError:
            self.job.adopted = False
            return await self._by_routes()
        return Result.ADOPTED

    async def _by_routes(self) -> Result:
        """Try one route after the other."""
        job = self.job
        failures: list[_Failure] = []
        for route, way in routes(job):
            job.route = route
            if route in IMPORTING:
                job.sources.expect_image(self.region)
            try:
                await way(job)
            except CloudError as error:
                failures.append(_Failure(route=route, step=job.step, error=error))
                if _is_about_the_image(error):
                    break
                text = f"route {route}: {error.code}; taking the next one"
                job.context.note(text, region=self.region)
            else:
                return Result.ADOPTED if job.adopted else Result.PLACED
        await clear_away(self.job)
        most = _most_telling(failures)
        job.route, job.step = most.route, most.step
        raise _summary(most, failures)


def _can_be_copied(image: CloudImage) -> bool:
    """Whether CopyImage takes it: not if it is public, nor if it is deprecated."""
    return image.status is ImageStatus.AVAILABLE and not image.public


def _is_about_the_image(error: CloudError) -> bool:
    """Whether every other route would meet the same refusal."""
    if isinstance(error, TaskFailedError) or not error.operation.startswith("ecs."):
        return False
    return look_up(error).meaning is Meaning.FINAL


def _most_telling(failures: Sequence[_Failure]) -> _Failure:
    """Return the failure to report: a final no, or what became of an import, or the last."""
    final = [f for f in failures if look_up(f.error).meaning is Meaning.FINAL]
    tasks = [f for f in failures if isinstance(f.error, TaskFailedError)]
    return (final or tasks or failures)[-1]


def _summary(most: _Failure, failures: Sequence[_Failure]) -> CloudError:
    """Make one error of what the routes said."""
    best = most.error
    said = dict.fromkeys(f"{f.route}: {f.error.code}" for f in failures)
    tried = f" (tried {', '.join(said)})" if len(said) > 1 else ""
    return ApiError(
        f"{best.message}{tried}",
        region=best.region,
        operation=best.operation,
        code=best.code,
        http_status=best.http_status if isinstance(best, ApiError) else 0,
        request_id=best.request_id,
        advice=best.advice or look_up(best).advice,
    )
