"""The end of a run: names, then public, then family; and what becomes of old images.

Each step is taken for every placement before the next begins, so that a family never
resolves to half a release; only a replacement takes all of them at once, unless
all-or-nothing forbids it, since its predecessor is hidden by then. An image that was
replaced is deleted when its successor is published; if that never happens, it is put
back.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import anyio

from ali_import.cloud.calls import ModifyImageAttribute
from ali_import.cloud.values import CloudImage
from ali_import.errors import ApiError, CloudError
from ali_import.publish import images
from ali_import.publish.context import Context
from ali_import.publish.model import Result, Step
from ali_import.publish.placement import Placement
from ali_import.publish.replace import (
    discard,
    is_published,
    put_back,
    replace,
    stands,
)

HELD_FAMILY: Final = "ali-import-held"
"""An image can change its family and not leave it (a family's name is 2 to 128 characters
long), so one that is taken out of its own goes into this one, which nobody asks for."""
_HURRY_S: Final = 30.0

_Step = Callable[[Placement], Awaitable[None]]


class Finish:
    """Publishes what was placed."""

    def __init__(self, context: Context, placements: Sequence[Placement]) -> None:
        self._context = context
        self._placements = placements
        self._shown: list[Placement] = []
        self._joined: list[Placement] = []
        self._shielded: list[anyio.CancelScope] = []

    def retired(self) -> list[tuple[str, CloudImage]]:
        """Return the images that stand aside, as (region, image)."""
        return [
            (job.region, image)
            for job in (placement.job for placement in self._placements)
            for image in (job.retired, *job.superseded)
            if image is not None and image.name != job.target.name
        ]

    def hurry(self) -> None:
        """Let what cannot be interrupted go on for a short time only."""
        for scope in self._shielded:
            scope.deadline = min(scope.deadline, anyio.current_time() + _HURRY_S)

    async def run(self) -> None:
        """Publish every good placement, unless all-or-nothing forbids it."""
        for step in (self._name, self._look, self._show, self._join_family):
            if self._one_failed():
                text = "a placement failed, and --all-or-nothing is set: not publishing"
                self._context.note(text, level="WARNING")
                return
            waiting = [p for p in self._good() if not p.published]
            await self._each(waiting, step, stop=self._one_failed)

    async def settle(self) -> None:
        """Take back what all-or-nothing forbids; delete old images, or put them back.

        To be called when nothing will be published any more, whatever happened.
        """
        if self._incomplete():
            for placement in self._placements:
                placement.published = False
            await self._each(tuple(self._joined), self._leave_family, stop=_never)
            await self._each(tuple(self._shown), self._hide, stop=_never)
        async with anyio.create_task_group() as tasks:
            for placement in self._placements:
                if placement.job.retired is not None:
                    tasks.start_soon(self._settle_one, placement)
        for placement in self._good():
            image = placement.job.image
            if image is not None and image.name != placement.target.name:
                self._give_up(placement)

    # --- which ------------------------------------------------------------------------

    def _good(self) -> list[Placement]:
        return [p for p in self._placements if p.result is not None and p.result.good]

    def _counted(self) -> Iterable[Placement]:
        """Return the placements that all-or-nothing is about."""
        options = self._context.options
        if not options.all_or_nothing:
            return ()
        return [p for p in self._placements if p.region not in options.allow_failure]

    def _one_failed(self) -> bool:
        return any(p.result is None or not p.result.good for p in self._counted())

    def _incomplete(self) -> bool:
        return any(not p.published for p in self._counted())

    async def _each(
        self, placements: Iterable[Placement], step: _Step, *, stop: Callable[[], bool]
    ) -> None:
        """Take a step for each; a failure ends the others' tries if ``stop`` says so."""

        async def guarded(placement: Placement) -> None:
            try:
                await step(placement)
            except CloudError as error:
                if placement.job.step is Step.DONE:
                    placement.job.enter(Step.PUBLISH)
                placement.fail(error)
                if stop():
                    tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for placement in placements:
                tasks.start_soon(guarded, placement)

    # --- the steps --------------------------------------------------------------------

    async def _name(self, placement: Placement) -> None:
        if placement.job.temporary:
            placement.job.enter(Step.REPLACE)
            # An interrupt must not fall between the two renames.
            with anyio.CancelScope(shield=True) as scope:
                self._shielded.append(scope)
                await replace(placement.job)
            placement.job.enter(Step.DONE, progress=100)
            if not self._context.options.all_or_nothing:
                # The old image is hidden by now: this must not wait for other regions.
                await self._show(placement)
                await self._join_family(placement)

    async def _look(self, placement: Placement) -> None:
        """See that nobody took an image back since, if one would spoil all."""
        if self._context.options.all_or_nothing and not await stands(placement.job):
            raise ApiError(
                "the image was there and is not any more",
                region=placement.region,
                operation="ecs.DescribeImages",
                code="ImageGone",
                http_status=409,
                advice="another run may have taken it back; run again",
            )

    async def _show(self, placement: Placement) -> None:
        image = placement.job.image
        assert image is not None
        if not self._context.options.public or image.public:
            return
        self._shown.append(placement)
        await self._share(placement, public=True)
        _touch(placement)

    async def _hide(self, placement: Placement) -> None:
        await self._share(placement, public=False)

    async def _share(self, placement: Placement, *, public: bool) -> None:
        image = placement.job.image
        assert image is not None
        await images.share(
            self._context, placement.region, image.image_id, public=public
        )

    async def _join_family(self, placement: Placement) -> None:
        image = placement.job.image
        assert image is not None
        if image.family != placement.target.family:
            self._joined.append(placement)
            try:
                await self._set_family(placement, placement.target.family)
            except ApiError:
                self._joined.remove(placement)
                raise
            _touch(placement)
        placement.published = True

    async def _leave_family(self, placement: Placement) -> None:
        """Take an image out of its family again."""
        image = placement.job.image
        assert image is not None
        await self._set_family(placement, image.family or HELD_FAMILY)

    async def _set_family(self, placement: Placement, family: str) -> None:
        image = placement.job.image
        assert image is not None
        await self._context.cloud.call(
            ModifyImageAttribute(
                region=placement.region, image_id=image.image_id, family=family
            )
        )

    # --- old images -------------------------------------------------------------------

    async def _settle_one(self, placement: Placement) -> None:
        job, name = placement.job, placement.target.name
        published = False
        try:
            published = await self._is_published(placement)
            await (discard(job) if published else put_back(job))
        except CloudError as error:
            text = f"the old {name} is not quite what it was: {error.diagnostics()}"
            if (job.region, job.retired) in self.retired():
                text = f"the replaced {name} stays aside: {error.diagnostics()}"
            self._context.note(text, region=job.region, level="WARNING")
        if not published:
            self._give_up(placement)

    async def _is_published(self, placement: Placement) -> bool:
        """Whether the new image is published, be it by another run."""
        if placement.published or self._context.options.all_or_nothing:
            return placement.published
        published = await is_published(placement.job)
        placement.published = published and placement in self._good()
        return published

    def _give_up(self, placement: Placement) -> None:
        """Let a replacement that was not published end; its image will be dropped."""
        placement.job.image = None
        if placement.result is None or not placement.result.good:
            return
        placement.job.enter(Step.PUBLISH)
        if not any(p.result is Result.FAILED for p in self._counted()):
            placement.result = Result.SKIPPED
            return
        error = ApiError(
            "the replacement was dropped: another placement failed",
            region=placement.region,
            operation="ecs.ModifyImageAttribute",
            code="HeldBack",
            http_status=409,
            advice="nothing was published; run again",
        )
        placement.fail(error)


def _never() -> bool:
    return False


def _touch(placement: Placement) -> None:
    """What had to be changed was not unchanged: an earlier run had begun it."""
    if placement.result is Result.UNCHANGED:
        placement.result = Result.ADOPTED
