"""Replacing an image with no hole but the moment between two renames.

The new image is Available under a temporary name. The old one is unpublished and
renamed away, the new one renamed in, with nothing between the two renames; the old one
is deleted when the new one is published, or else put back. A failure at any point
leaves the old or the new image under the name; a run killed between the renames is
finished by the next one.
"""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from functools import partial
from math import inf
from typing import Final

import anyio
from typing_extensions import override

from ali_import.cloud.calls import DescribeImages
from ali_import.cloud.values import BROKEN, READY, CloudImage, ImageStatus
from ali_import.errors import ApiError, CloudError
from ali_import.publish import images
from ali_import.publish.context import Context, Track
from ali_import.publish.lease import (
    TAG_RUN,
    TAG_WAS_PUBLIC,
    aside_tags,
    marks,
    of_tags,
    temporary_image_name,
)
from ali_import.publish.make import Attempt, Temporary
from ali_import.publish.model import Leftover, Target
from ali_import.publish.region import Region

_ROUNDS_MAX: Final = 5


def replacement_name(context: Context, region: str, target: Target) -> str:
    """Return the temporary name of what replaces an image; the same in every run."""
    return temporary_image_name(
        "new", context.account_id, region, target.name, target.image.sha256
    )


class _Fate(Enum):
    """What becomes of a retired image if the new one was not published by this run."""

    RESTORE = "nobody else has its name: it gets it back"
    MOVE_NEW = "the new image has its name, and makes room first"
    SUPERSEDED = "another run's image has its name, or ours was published: deleted"
    ANOTHERS = "another run has named our image, and sees to the old one"


class Replacement(Temporary):
    """An image made under a temporary name, to take the target's name from another.

    Attributes:
        retired: The image that is replaced, while it is not what it was: hidden, or (by
            its name here) aside under a temporary name.
        named_at: When the new image got the target's name, or may have got it, on the
            event loop's clock.
    """

    def __init__(self, region: Region, target: Target, track: Track) -> None:
        name = replacement_name(region.context, region.id, target)
        super().__init__(region, target, name, track)
        self.retired: CloudImage | None = None
        # They stand aside since somebody else replaced them, whose image is the one
        # retired now.
        self._superseded: list[CloudImage] = []
        self.named_at = -inf
        self._moved_at = -inf
        # Images whose lease we gave or took, and which another run may be moving.
        self._leased: dict[str, float] = {}

    @override
    async def adopt(self, found: CloudImage) -> Attempt:
        self._leased[found.image_id] = anyio.current_time()
        return await super().adopt(found)

    @override
    async def _find_late(self) -> CloudImage | None:
        """Return the image that has the temporary name; once it was named, none may."""
        if self.named_at <= self._asked_at:
            return await super()._find_late()
        return await images.look_again(
            self.find, lambda image: image is None, since=self.named_at
        )

    @override
    def _may_drop(self, image: CloudImage) -> bool:
        """Whether nobody else can be using it.

        A replacement that another run began, or took over, is left to its lease: that
        run may be giving it its name this very moment.
        """
        own = marks(image).get(TAG_RUN) == self.region.context.lease.run_id
        return own and image.image_id not in self._taken_over

    @override
    def leftovers(self) -> tuple[Leftover, ...]:
        lease = self.region.context.lease
        aside = tuple(
            lease.leftover(self.region.id, "image", image.name)
            for image in (self.retired, *self._superseded)
            if image is not None and image.name != self.target.name
        )
        return (*super().leftovers(), *aside)

    @property
    def is_aside(self) -> bool:
        """Whether the old image does not have its name any more."""
        return self.retired is not None and self.retired.name != self.target.name

    # --- taking the name --------------------------------------------------------------

    async def take_name(self, new: CloudImage) -> CloudImage:
        """Give the new image the target's name, and return what has it then.

        Raises:
            CloudError: One of the two images cannot be renamed.
        """
        for _ in range(_ROUNDS_MAX):
            old = await images.look_again(
                self.holder, self._is_news, since=self._moved_at
            )
            if old is not None and old.image_id == new.image_id:
                return await self._named(new)
            if old is not None and self._is_twin(old):
                # Another run was quicker: its image is as good as ours. Ours is
                # surplus, and dropped with all that is temporary.
                if of_tags(marks(old)) is not None:  # it may have been killed since
                    await self._keep(old.image_id)
                return old
            if old is not None and not await self._retire(old):
                await anyio.sleep(1.0)  # listings lag behind
                continue
            try:
                taken = await self._rename_in(new)
            except CloudError:
                if self.retired is not None:
                    await self._restore(self.retired)
                raise
            if taken:
                return await self._named(new)
        raise ApiError(
            f"the name {self.target.name} is taken again and again",
            region=self.region.id,
            operation="ecs.ModifyImageAttribute",
            code="InvalidImageName.Duplicated",
            http_status=400,
            advice="somebody else is making images of this name; run again",
        )

    async def holder(self) -> CloudImage | None:
        """Return the image that has the target's name in the region.

        Raises:
            CloudError: The region does not answer.
        """
        return await images.named(self.region, self.target.name)

    def _is_news(self, holder: CloudImage | None) -> bool:
        """Whether a look at the name shows more than what we have moved away."""
        retired = self.retired.image_id if self.retired is not None else ""
        return holder is None or holder.image_id != retired

    def _is_twin(self, image: CloudImage) -> bool:
        return self.is_ours(image) and image.status is ImageStatus.AVAILABLE

    async def _named(self, new: CloudImage) -> CloudImage:
        """Note that the new image has its name for good."""
        self.may_exist = False
        self.named_at = anyio.current_time()
        await self._keep(new.image_id)
        return dataclasses.replace(new, name=self.target.name)

    async def _keep(self, image_id: str) -> None:
        """Take the lease off an image that has its name for good, for all we know."""
        self._leased[image_id] = anyio.current_time()
        await images.mark_permanent(self.region, image_id)

    async def _rename_in(self, new: CloudImage) -> bool:
        """Rename the new image; False if the name was taken in the meantime."""
        before, self.named_at = self.named_at, anyio.current_time()
        try:
            await images.rename(self.region, new.image_id, self.target.name)
        except CloudError as error:
            if not error.unsure:
                self.named_at = before
            if error.code != "InvalidImageName.Duplicated":
                raise
            return False
        return True

    async def _retire(self, old: CloudImage) -> bool:
        """Move the old image away from the name; False if it is gone, who knows where.

        Another run, of the same images or others, may have replaced and deleted it.
        """
        if old.status in BROKEN:
            await images.remove(self.region, old)
            return True
        earlier = self.retired
        try:
            await self._move_aside(old)
        except CloudError as error:
            if error.code not in images.GONE:
                raise
            self.retired = earlier
            return False
        finally:
            if earlier is not None and self.retired is not earlier:
                self._superseded.append(earlier)
        return True

    async def _move_aside(self, old: CloudImage) -> None:
        """Mark the old image as ours to delete, hide it, and rename it."""
        self.retired = old  # tags that nobody answered for have to be taken off again
        await self._tag_aside(old, public=old.public)
        if old.public:
            await images.share(self.region, old.image_id, public=False)
        aside = self._aside_name(old)
        self.retired = dataclasses.replace(old, name=aside)  # for all that we know
        try:
            await images.rename(self.region, old.image_id, aside)
        except CloudError as error:
            if not error.unsure:
                self.retired = old
            raise
        finally:
            self._moved_at = anyio.current_time()

    def _aside_name(self, old: CloudImage) -> str:
        account = self.region.context.account_id
        return temporary_image_name("old", account, old.image_id)

    async def _tag(
        self, image: CloudImage, more: Mapping[str, str] | None = None
    ) -> None:
        """Mark an image as ours to delete; one of content like ours stays whose it is.

        Another run may have taken over the image that we made: then it is not ours to
        drop.
        """
        tags = self.region.context.lease.tags() | dict(more or {})
        if self.is_ours(image) and TAG_RUN in marks(image):
            tags[TAG_RUN] = marks(image)[TAG_RUN]
        await images.tag(self.region, image, tags)

    async def _tag_aside(self, old: CloudImage, *, public: bool) -> None:
        """Mark an image as one that goes, or has gone, aside, and as what it was."""
        await self._tag(old, aside_tags(self.target.name, public=public))

    # --- deleting the old image, or putting it back -----------------------------------

    async def discard(self) -> None:
        """Delete what was replaced, unless another run has put it back.

        Raises:
            CloudError: It is in use, or will not go.
        """
        assert self.retired is not None
        if await self._discard_one(self.retired):
            self.retired = None
        while self._superseded and await self._discard_one(self._superseded[-1]):
            self._superseded.pop()

    async def _discard_one(self, old: CloudImage) -> bool:
        """Delete one image that stands aside; False if it is seen elsewhere."""
        for image in await self._seen_aside(old):
            if image.name != self._aside_name(old):
                text = (
                    f"{image.name} ({old.image_id}) was to be deleted; it may be left"
                )
                self.region.note(text, level="WARNING")
                return False
            if of_tags(marks(image)) is None:
                # A run that was naming it as we retired it has taken our tags off.
                await self._tag_aside(image, public=old.public)
            await images.remove(self.region, image)
        return True

    async def put_back(self, new: CloudImage | None) -> None:
        """Undo a replacement: the old image gets its name back, the new a temporary one.

        Raises:
            CloudError: One of the two images cannot be renamed.
        """
        old = self.retired
        assert old is not None
        found = await self._seen_aside(old)
        if not found:
            self.retired = None
            return  # somebody deleted it: rather the new image than none
        there = await images.look_again(
            self.holder,
            # Once the new image was named, a look that shows nobody may be late.
            lambda holder: (
                self._is_news(holder) and (holder is not None or self.named_at == -inf)
            ),
            since=max(self._moved_at, self.named_at),
        )
        fate = self._fate(old, there, new)
        if fate is _Fate.SUPERSEDED:
            await self.discard()
        elif fate is _Fate.ANOTHERS:
            if found[0].tags.get(TAG_RUN) != self.region.context.lease.run_id:
                self.retired = None
            # Else it has our lease: it is told, in case the other run was killed.
        else:
            if fate is _Fate.MOVE_NEW:
                assert there is not None
                await self._move_out(there)
            try:
                await self._restore(found[0])
            except CloudError:
                if new is not None and self.may_exist and await self._rename_in(new):
                    await self._named(new)  # rather the new image than none
                raise

    def _fate(
        self, old: CloudImage, holder: CloudImage | None, new: CloudImage | None
    ) -> "_Fate":
        """Return what is to be done with a retired image, by who has its name."""
        if holder is None:
            return _Fate.RESTORE
        if new is None or holder.image_id != new.image_id:
            somebodys = holder.image_id != old.image_id and holder.status in READY
            return _Fate.SUPERSEDED if somebodys else _Fate.RESTORE
        joined = holder.family == self.target.family
        if joined and not self.region.context.options.all_or_nothing:
            return _Fate.SUPERSEDED
        return _Fate.ANOTHERS if self.named_at == -inf else _Fate.MOVE_NEW

    async def _move_out(self, new: CloudImage) -> None:
        """Give the new image its temporary name again."""
        await self._tag(new)
        self.may_exist = True
        try:
            await images.rename(self.region, new.image_id, self.name)
        except CloudError as error:
            if not error.unsure:
                raise
        self._asked_at = anyio.current_time()
        self._put_there = True

    async def put_leases_right(self) -> None:
        """See that what another run has moved meanwhile has a lease if it has to.

        As we gave or took the lease, that run may have been giving the image its name,
        or taking it away again; or moving it aside, to replace it. Under a temporary
        name, and there alone, an image has a lease: whoever cleans up knows it by that.

        Raises:
            CloudError: The region does not answer, or does not let it be tagged.
        """
        for image_id, since in self._leased.items():
            look = DescribeImages(region=self.region.id, image_ids=(image_id,))
            seen = await images.look_again(
                partial(self.region.cloud.call, look),
                lambda seen: not seen or self._is_leased_right(seen[0]),
                since=since,
            )
            if not seen or self._is_leased_right(seen[0]):
                continue
            if seen[0].name == self.target.name:
                await images.mark_permanent(self.region, image_id)
            elif seen[0].name == self.name:
                await self._tag(seen[0])
            else:
                await self._tag_aside(seen[0], public=seen[0].public)

    def _is_leased_right(self, image: CloudImage) -> bool:
        is_leased = of_tags(marks(image)) is not None
        names = {
            self.target.name: False,
            self.name: True,
            self._aside_name(image): True,
        }
        return names.get(image.name, is_leased) == is_leased

    async def _seen_aside(self, old: CloudImage) -> tuple[CloudImage, ...]:
        """Return an old image as it is now: aside, unless another run moved it."""

        async def look() -> tuple[CloudImage, ...]:
            return await self.region.cloud.call(
                DescribeImages(region=self.region.id, image_ids=(old.image_id,))
            )

        aside = self._aside_name(old)
        found = await images.look_again(
            look,
            lambda seen: bool(seen) and seen[0].name == aside,
            since=self._moved_at,
        )
        if found and found[0].name == aside and old is self.retired:
            # Be it that another run moved it.
            self.retired = dataclasses.replace(old, name=aside)
        return found

    async def _restore(self, old: CloudImage) -> None:
        """Make the old image what it was."""
        assert self.retired is not None
        # Hidden by us, or by an earlier run.
        public = self.retired.public or TAG_WAS_PUBLIC in old.tags
        # The name that we gave it counts, not the one that a late listing shows.
        moved = dataclasses.replace(old, name=self.retired.name)
        await images.bring_back(
            self.region, moved, name=self.target.name, public=public
        )
        self.retired = None
        await images.mark_permanent(self.region, old.image_id)
