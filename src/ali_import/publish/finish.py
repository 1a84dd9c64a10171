"""The end of a run that went well: names, then public, then family, then old images.

Each step is taken for every placement before the next begins, so that a family never
resolves to half a release.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence

import anyio

from ali_import.cloud.requests import ModifyImageAttribute, ModifyImageSharePermission
from ali_import.cloud.values import CloudImage
from ali_import.errors import ApiError, CloudError
from ali_import.publish.context import Context
from ali_import.publish.outcome import Result, Step
from ali_import.publish.placement import Placement
from ali_import.publish.removal import remove_image
from ali_import.publish.replace import replace


class Finish:
    """Publishes what was placed.

    Attributes:
        retired: Images that were replaced, by region: to be deleted.
    """

    def __init__(self, context: Context, placements: Sequence[Placement]) -> None:
        self._context = context
        self._placements = placements
        self.retired: list[tuple[str, CloudImage]] = []

    async def run(self) -> None:
        """Publish every good placement, unless all-or-nothing forbids it."""
        if self._held_back():
            self._hold_back()
            return
        await self._each(self._name)
        await self._each(self._show)
        await self._each(self._join_family)
        for placement in self._good():
            placement.published = True

    async def delete_retired(self) -> None:
        """Delete the images that were replaced; those in use stay, and are told of."""

        async def delete(region: str, image: CloudImage) -> None:
            context = self._context
            private = dataclasses.replace(image, public=False)  # unpublished by now
            try:
                await remove_image(context.cloud, region, private, context.lease)
            except CloudError as error:
                text = f"the replaced {image.name} stays: {error.diagnostics()}"
                context.note(text, region=region, level="WARNING")
            else:
                self.retired.remove((region, image))

        async with anyio.create_task_group() as tasks:
            for region, image in tuple(self.retired):
                tasks.start_soon(delete, region, image)

    def _good(self) -> list[Placement]:
        return [p for p in self._placements if p.result is not None and p.result.good]

    def _held_back(self) -> bool:
        options = self._context.options
        return options.all_or_nothing and any(
            p.result is None or not p.result.good
            for p in self._placements
            if p.region not in options.allow_failure
        )

    def _hold_back(self) -> None:
        """Leave everything as it was for the public; replacements are dropped."""
        text = "nothing was published: a placement failed, and --all-or-nothing is set"
        self._context.note(text, level="WARNING")
        for placement in self._good():
            if placement.job.temporary:
                error = ApiError(
                    "the replacement was dropped: another placement failed",
                    region=placement.region,
                    operation="ecs.ModifyImageAttribute",
                    code="HeldBack",
                    http_status=409,
                    advice="the old image is still there; run again",
                )
                placement.job.image = None
                placement.fail(error)

    async def _each(self, step: Callable[[Placement], Awaitable[None]]) -> None:
        async def guarded(placement: Placement) -> None:
            try:
                await step(placement)
            except CloudError as error:
                placement.job.enter(Step.PUBLISH)
                placement.fail(error)

        async with anyio.create_task_group() as tasks:
            for placement in self._good():
                tasks.start_soon(guarded, placement)

    async def _name(self, placement: Placement) -> None:
        if placement.job.temporary:
            placement.job.enter(Step.REPLACE)
            # An interrupt must not fall between the two renames.
            with anyio.CancelScope(shield=True):
                old = await replace(placement.job)
            if old is not None:
                self.retired.append((placement.region, old))
            placement.job.enter(Step.DONE, progress=100)

    async def _show(self, placement: Placement) -> None:
        image = placement.job.image
        assert image is not None
        if not self._context.options.public or image.public:
            return
        await self._context.cloud.call(
            ModifyImageSharePermission(
                region=placement.region, image_id=image.image_id, public=True
            )
        )
        _touch(placement)

    async def _join_family(self, placement: Placement) -> None:
        image = placement.job.image
        assert image is not None
        if image.family == placement.target.family:
            return
        await self._context.cloud.call(
            ModifyImageAttribute(
                region=placement.region,
                image_id=image.image_id,
                family=placement.target.family,
            )
        )
        _touch(placement)


def _touch(placement: Placement) -> None:
    """What had to be changed was not unchanged: an earlier run had begun it."""
    if placement.result is Result.UNCHANGED:
        placement.result = Result.ADOPTED
