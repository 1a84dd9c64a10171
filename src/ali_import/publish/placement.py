"""A placement: one target in one region, from the first look to its place in the family."""

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio

from ali_import.cloud.calls import (
    DescribeImageSharePermission,
    ModifyImageAttribute,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import BROKEN, READY, CloudImage, ImageStatus
from ali_import.errors import ApiError, CloudError, TaskFailedError
from ali_import.publish import images
from ali_import.publish.context import NO_IMPORTS, NO_PUBLIC, Track
from ali_import.publish.lease import TAG_PUBLIC
from ali_import.publish.make import Made, Making
from ali_import.publish.model import (
    Leftover,
    Outcome,
    PlacementEnded,
    Result,
    Route,
    Step,
    Target,
    Wanted,
)
from ali_import.publish.region import Region
from ali_import.publish.replace import Replacement, replacement_name
from ali_import.publish.routes import IMPORTING, routes
from ali_import.publish.sources import Sources
from ali_import.publish.wanted import (
    asks_for_shares,
    is_finished,
    shared_by_us,
    shares,
    sharing_tags,
    stays_public,
    visibility,
    wanted_of,
)

HELD_FAMILY: Final = "ali-import-held"
"""An image can change its family and not leave it (a family's name is 2 to 128 characters
long), so one that is taken out of its own goes into this one, which nobody asks for."""


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """How far a route got, and why no farther."""

    route: Route
    step: Step
    error: CloudError


class Placement:
    """Brings one target's image into one region, under its own name or to replace it.

    Attributes:
        image: The image that stands for the target here, once it is there.
        result: How it stands, once known.
        published: Whether it is public and in its family, as far as was asked.
    """

    is_lent = False

    def __init__(
        self, region: Region, target: Target, sources: Sources, look: images.Look
    ) -> None:
        self.region = region
        self.target = target
        self.image: CloudImage | None = None
        self.result: Result | None = None
        self.published = False
        self.name = target.name
        self._sources = sources
        self._look = look
        self._track = Track(region.context, region.id, target)
        self._own = Making(region, target, target.name, self._track)
        self._replacement: Replacement | None = None
        self._error: CloudError | None = None
        self._shown: bool | None = None
        self._shared: tuple[list[str], list[str]] = ([], [])
        self._revived = False
        self._joined = False
        self._taken_back = False
        self._old_unsettled = False
        self._began = 0.0
        self._ended = 0.0

    # --- being placed -----------------------------------------------------------------

    async def run(self) -> None:
        """Make the placement; its failure is a value, never an exception."""
        self._began = anyio.current_time()
        try:
            self.result = await self._place()
            assert self.image is not None
            if _can_be_copied(self.image):
                self._sources.add_image(self.region.id, self.image.image_id)
            else:
                self._sources.no_image(self.region.id)
            self._track.enter(Step.DONE, progress=100)
        except CloudError as error:
            self.fail(error)
        finally:
            self._sources.forget(self.region.id)
            self._ended = anyio.current_time()
        self.region.context.emit(PlacementEnded(outcome=self.outcome()))

    async def _place(self) -> Result:
        """Look at what is there, and do what is missing."""
        self._track.enter(Step.SURVEY)
        there = await self._look.at(self.target.name)
        overwrite = self.region.context.options.overwrite
        if there is None:
            try:
                return await self._fill_gap()
            except CloudError as error:
                if error.code != "ImageExists" or not overwrite:
                    raise
            # Somebody took the name meanwhile: his image is replaced, too.
            return await self._replace()
        if self._own.is_ours(there):
            if there.status in READY and there.usable is not False:
                self.image, changed = await self._own.repair(
                    there, finished=is_finished(there)
                )
                await self._own.prefer_uefi(self.image, made_here=False)
                return Result.ADOPTED if changed else Result.UNCHANGED
            if there.status in BROKEN:
                await self._own.make_room(there)
                return await self._by_routes(self._own)
            return await self._adopt(self._own, there)
        if not overwrite:
            self._own.refuse_foreign(there)
        return await self._replace()

    async def _fill_gap(self) -> Result:
        """Nothing has the name: make the image, or finish a replacement cut short."""
        context = self.region.context
        if context.options.overwrite:
            name = replacement_name(context, self.region.id, self.target)
            there = await images.named(self.region, name)
            if there is not None:
                return await self._replace()
        return await self._by_routes(self._own)

    async def _replace(self) -> Result:
        """Make the replacement under its temporary name, or adopt an earlier run's."""
        making = Replacement(self.region, self.target, self._track)
        self._replacement = making
        there = await making.find()
        if there is None:
            return await self._by_routes(making)
        making.refuse_foreign(there)
        if there.status in BROKEN:
            await making.make_room(there)
            return await self._by_routes(making)
        return await self._adopt(making, there)

    async def _adopt(self, making: Making, there: CloudImage) -> Result:
        """Finish what an earlier run, or another one, began."""
        self._sources.no_object(self.region.id)
        self._sources.have_bytes(self.region.id)
        attempt = await making.adopt(there)
        try:
            made = await making.wait(attempt)
        except TaskFailedError:
            return await self._by_routes(making)
        self.image = made.image
        return Result.ADOPTED

    async def _by_routes(self, making: Making) -> Result:
        """Try one route after the other."""
        failures: list[_Failure] = []
        for route, way in routes(self.target):
            self._track.route = route
            if refused := self.region.context.refused(NO_IMPORTS, self.region.id):
                raise refused
            self._sources.lack_bytes(self.region.id)
            if route in IMPORTING:
                self._sources.expect_image(self.region.id)
            try:
                return self._placed(await way(making, self._sources))
            except CloudError as error:
                self._note_refusal(error, NO_IMPORTS)
                step = self._track.step
                failures.append(_Failure(route=route, step=step, error=error))
                if _is_about_the_image(error):
                    break
                self.region.note(f"route {route}: {error.code}; taking the next one")
        await making.clear_away()
        most = _most_telling(failures)
        self._track.route, self._track.step = most.route, most.step
        raise _summary(most, failures)

    def _placed(self, made: Made) -> Result:
        self.image = made.image
        return Result.ADOPTED if made.adopted else Result.PLACED

    # --- being published --------------------------------------------------------------

    @property
    def good(self) -> bool:
        """Whether the image is in the region, be it under a temporary name."""
        return self.result is not None and self.result.good

    @property
    def is_replacing(self) -> bool:
        """Whether the image has to take its name from another."""
        return self._replacement is not None and self._replacement.may_exist

    async def take_name(self) -> None:
        """Rename the image in, if it replaces another one.

        Raises:
            CloudError: One of the two images cannot be renamed.
        """
        assert self._replacement is not None
        assert self.image is not None
        self._track.enter(Step.REPLACE)
        self.image = await self._replacement.take_name(self.image)
        self._track.enter(Step.DONE, progress=100)

    async def see_it_stands(self) -> None:
        """See that nobody took the image back since.

        A listing may lag behind a renaming: that nothing has the name is believed only
        after a while.

        Raises:
            ApiError: ``ImageGone``: it does not have its name.
            CloudError: The region does not answer.
        """
        there = await images.look_again(
            self._holder, self._is_held, since=anyio.current_time()
        )
        if there is None or not self._is_held(there):
            raise ApiError(
                "the image was there and is not any more",
                region=self.region.id,
                operation="ecs.DescribeImages",
                code="ImageGone",
                http_status=409,
                advice="another run may have taken it back; run again",
            )
        if self._replacement is None:
            # Another run may have hidden it just before the survey, whose listing lagged.
            self.image = there

    async def _holder(self) -> CloudImage | None:
        return await images.named(self.region, self.target.name)

    def _is_held(self, there: CloudImage | None) -> bool:
        """Whether it is the image of this placement that has the target's name."""
        ours = self.image.image_id if self.image is not None else ""
        return there is not None and there.image_id == ours

    async def show(self) -> None:
        """Make the image Available if it was deprecated, and visible as it is wanted.

        The cloud shares private images alone with single accounts, and stops that for
        them alone: so an image is made private before, and public afterwards.

        Raises:
            CloudError: The region refuses or does not answer.
        """
        assert self.image is not None
        wanted = wanted_of(self.target, self.region.context.options)
        if self.image.status is ImageStatus.DEPRECATED:
            self._revived = True
            self.image = await images.revive(self.region, self.image)
            self._touch()
        public = visibility(self.image, wanted)
        if public is False:
            await self._set_visibility(public=False)
        if asks_for_shares(self.image, wanted):
            await self._share(wanted)
        if public:
            await self._set_visibility(public=True)

    async def _set_visibility(self, *, public: bool) -> None:
        """Make the image public, or private again; a tag says whether it was us."""
        assert self.image is not None
        image, self._shown = self.image, public
        refused = self.region.context.refused(NO_PUBLIC, self.region.id)
        if public and refused:
            raise refused
        if public and TAG_PUBLIC not in image.tags:
            # Before it is done, so that it is never done without being noted.
            await images.tag(self.region, image, {TAG_PUBLIC: "true"})
        try:
            await images.share(self.region, image.image_id, public=public)
        except CloudError as error:
            self._note_refusal(error, NO_PUBLIC)
            raise
        if not public:
            await images.untag(self.region, image.image_id, [TAG_PUBLIC])
        self.image = dataclasses.replace(image, public=public)
        self._touch()

    def _note_refusal(self, error: CloudError, codes: Collection[str]) -> None:
        """Keep what the cloud refuses the whole account, for the other placements."""
        if isinstance(error, ApiError) and error.code in codes:
            self.region.context.refusals.setdefault(error.code, error)

    async def _share(self, wanted: Wanted) -> None:
        """Share the image with the accounts that are wanted; tags say with whom we did.

        Raises:
            ApiError: It is public and stays so: the cloud shares no such image.
        """
        assert self.image is not None
        image, region = self.image, self.region
        there = await region.cloud.call(
            DescribeImageSharePermission(region=region.id, image_id=image.image_id)
        )
        add, remove = shares(image, wanted, there)
        if not add and not remove:
            return
        if stays_public(image, wanted):
            raise ApiError(
                "the image is public, and can only be shared with accounts while it is not",
                region=region.id,
                operation="ecs.ModifyImageSharePermission",
                code="ImageIsPublic",
                http_status=403,
                advice="add --no-public, which takes back what --public gave; or make it "
                "private in the ECS console",
            )
        given = shared_by_us(image.tags)
        noted = sharing_tags(dict.fromkeys((*given, *add)))
        await images.tag(region, image, noted)
        self._shared = (add, remove)
        await images.share_with(region, image.image_id, add=add, remove=remove)
        kept = sharing_tags([a for a in (*given, *add) if a not in remove])
        if kept != noted:
            await images.tag(region, image, kept) if kept else None
            gone = [key for key in noted if key not in kept]
            if gone:
                await images.untag(region, image.image_id, gone)
        self._touch()

    async def join_family(self) -> None:
        """Put the image into its family; then it is published.

        Raises:
            CloudError: The region refuses or does not answer.
        """
        assert self.image is not None
        if self.image.family != self.target.family:
            self._joined = True
            try:
                await self._set_family(self.target.family)
            except ApiError as error:
                self._joined = error.unsure
                raise
            self._touch()
        self.published = True

    async def _set_family(self, family: str) -> None:
        assert self.image is not None
        await self.region.cloud.call(
            ModifyImageAttribute(
                region=self.region.id, image_id=self.image.image_id, family=family
            )
        )

    def _touch(self) -> None:
        """Call the placement adopted, not unchanged: something had to be set."""
        if self.result is Result.UNCHANGED:
            self.result = Result.ADOPTED

    # --- the end ----------------------------------------------------------------------

    def fail(self, error: CloudError) -> None:
        """Let the placement end in failure, whatever it was before."""
        if self._track.step is Step.DONE:
            self._track.enter(Step.PUBLISH)
        self.result = Result.FAILED
        self._error = error
        self.published = False

    def out_of_time(self, text: str) -> ApiError:
        """Return the error of a placement that took too long, with what is in the way."""
        if last := self.region.cloud.troubles.get(self.region.id):
            text += f"; the last answer was {last.code} to {last.operation}"
        return ApiError(
            text,
            region=self.region.id,
            operation="",
            code="Timeout",
            http_status=408,
            advice="run again to go on, or raise --timeout",
        )

    def mark_taken_back(self) -> None:
        """Have what was published hidden again, since others were not."""
        self.published = False
        self._taken_back = True

    async def cancel(self) -> None:
        """Stop what is being made, if it is this run's.

        Raises:
            CloudError: The region does not answer.
        """
        try:
            await self._own.cancel()
        finally:
            if self._replacement is not None:
                await self._replacement.cancel()

    async def settle(self) -> None:
        """Take back what is to be; delete the old image, or put it back.

        To be called when nothing will be published any more, whatever happened.
        """
        if self._taken_back:
            await self._hide()
        replacement = self._replacement
        if replacement is not None and replacement.retired is not None:
            await self._settle(replacement)
        temporary = self.image is not None and self.image.name != self.target.name
        if self.good and replacement is not None and temporary:
            self._give_up()

    async def _hide(self) -> None:
        """Leave the family, and be private and deprecated again."""
        image, region = self.image, self.region
        if image is None:
            return
        steps = (
            (self._joined, partial(self._set_family, image.family or HELD_FAMILY)),
            (
                self._shown is True,
                partial(images.share, region, image.image_id, public=False),
            ),
            (
                any(self._shared),
                partial(
                    images.share_with,
                    region,
                    image.image_id,
                    add=self._shared[1],
                    remove=self._shared[0],
                ),
            ),
            (
                self._shown is False,
                partial(images.share, region, image.image_id, public=True),
            ),
            # After that: an image that is shared cannot be deprecated.
            (self._revived, partial(images.deprecate, region, image.image_id)),
        )
        for was_done, undo in steps:
            if was_done:
                try:
                    await undo()
                except CloudError as error:
                    self.fail(error)

    async def _settle(self, replacement: Replacement) -> None:
        published = False
        try:
            published = await self._is_published()
            if published:
                await replacement.discard()
            else:
                await replacement.put_back(self.image)
        except CloudError as error:
            self._old_unsettled = True
            what = f"the old {self.target.name} was changed and not fully restored"
            if replacement.is_aside:
                what = f"the replaced {self.target.name} is still there under a temporary name"
            self.region.note(f"{what}: {error.diagnostics()}", level="WARNING")
        finally:  # cleaning up may be cut short
            if not published:
                self._give_up()

    async def _is_published(self) -> bool:
        """Whether the new image is published, be it by another run."""
        if self.published or self.region.context.options.all_or_nothing:
            return self.published
        assert self._replacement is not None
        there = await images.look_again(
            self._holder, self._is_held, since=self._replacement.named_at
        )
        published = (
            there is not None
            and self._is_held(there)
            and there.family == self.target.family
        )
        self.published = published and self.good
        return published

    def _give_up(self) -> None:
        """Let a replacement that was not published end; its image will be dropped."""
        self.image = None
        if self.good:
            self._track.enter(Step.PUBLISH)
            self.result = Result.SKIPPED

    async def drop(self) -> None:
        """Remove the replacement if it is still temporary.

        Raises:
            CloudError: The region does not answer, or the image will not go.
        """
        if self._replacement is None:
            return
        try:
            await self._replacement.drop()
        finally:
            if not self.published:
                await self._replacement.put_leases_right()

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return the replacement and what it replaces, as far as they are temporary."""
        makings = (self._own, self._replacement)
        return tuple(left for m in makings if m is not None for left in m.leftovers())

    @property
    def _old_is_changed(self) -> bool:
        replacement = self._replacement
        unsettled = replacement is not None and replacement.retired is not None
        return self._old_unsettled or (unsettled and not self.published)

    def outcome(self) -> Outcome:
        """Return how the placement ended, or how it stands."""
        image, error = self.image, self._error
        return Outcome(
            region=self.region.id,
            name=self.target.name,
            family=self.target.family,
            result=self.result or Result.SKIPPED,
            image_id=image.image_id if image is not None else "",
            route=self._track.route,
            step=self._track.step,
            code=error.code if error is not None else "",
            operation=error.operation if error is not None else "",
            message=error.message if error is not None else "",
            request_id=error.request_id if error is not None else "",
            advice=error.advice if error is not None else "",
            published=self.published,
            old_changed=self._old_is_changed,
            seconds=(self._ended or anyio.current_time()) - self._began,
        )


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
