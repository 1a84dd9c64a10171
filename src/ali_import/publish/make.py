"""Making an image: asking once, whatever gets lost, and waiting until it is there."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

import anyio
from typing_extensions import override

from ali_import.cloud.calls import (
    CancelCopyImage,
    CancelTask,
    DescribeTasks,
    ModifyImageAttribute,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import (
    BROKEN,
    MAKING,
    CloudImage,
    ImageStatus,
    TaskStatus,
)
from ali_import.disk import BootMode
from ali_import.errors import ApiError, CloudError, TaskFailedError, TransportError
from ali_import.publish import images
from ali_import.publish.context import Track
from ali_import.publish.lease import (
    TAG_PUBLIC,
    TAG_RUN,
    TAG_SHA256,
    TAG_VERSION,
    TEMPORARY_TAGS,
    client_token,
    marks,
)
from ali_import.publish.model import Leftover, Step, Target, Wanted
from ali_import.publish.region import Region
from ali_import.publish.wanted import attributes, other_tags, wanted_of
from ali_import.publish.watcher import ImageGoneError
from ali_import.units import MINUTE_S

_ROUNDS_MAX: Final = 6
_CANCEL_S_MAX: Final = MINUTE_S
_LOST_S_MAX: Final = 8 * MINUTE_S
"""Bound for asking again and again when neither an answer nor the image comes."""
_DETECTING: Final = "Processing"
_DETECTION_S_MAX: Final = 5 * MINUTE_S
_DETECTION_LOOK_S: Final = 5.0
_RUNNING: Final = {TaskStatus.WAITING, TaskStatus.PROCESSING, TaskStatus.PAUSED}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try to make one image.

    Attributes:
        image_id: The image in the making; "" while the cloud's answer is not known.
        task_id: The import's task; "" for a copy, and for what another run began.
        adopted: Whether another run began it.
        taken: Whether the cloud said that the name or the token is taken, by whatever.
    """

    image_id: str = ""
    task_id: str = ""
    adopted: bool = False
    taken: bool = False


@dataclass(frozen=True, kw_only=True)
class Made:
    """An image that is there, and whether another run had begun it."""

    image: CloudImage
    adopted: bool


Ask = Callable[[str], Awaitable[Attempt]]
"""Asks the cloud to make an image, with a ClientToken."""


class Making:
    """The making of one image in one region, under the target's own name.

    The ClientToken is derived from what is to be made, so repeating the call after a
    lost reply gives the same image. A token answers for ever with its first result, so
    whatever used it up (a failed image that was removed, one that somebody deleted)
    becomes part of the next one.

    While the image is asked for and waited for, ``_attempt`` says how far that got:

    ===================  ============================================================
    ``_attempt``         the image
    ===================  ============================================================
    None                 was not asked for; or is there, or is gone: nothing to cancel
    without an image id  was asked for, and the answer is not known (yet)
    with one             is being made
    ===================  ============================================================

    Whose it is its tag says; what another run began is noted in ``_taken_over`` besides,
    since taking a temporary image over gives it our tag.

    Attributes:
        may_exist: Whether the image was asked for or taken over, so that it may be there.
    """

    temporary = False
    is_lent = False

    def __init__(self, region: Region, target: Target, name: str, track: Track) -> None:
        self.region = region
        self.target = target
        self.name = name
        self.track = track
        self.may_exist = False
        self._attempt: Attempt | None = None
        self._asked_at = -inf
        self._spent: list[str] = []
        self._taken_over: set[str] = set()  # what other runs began

    @property
    def tags(self) -> dict[str, str]:
        """The tags of ours that the image has in the end."""
        return self.region.context.image_tags(self.target)

    @property
    def tags_at_first(self) -> dict[str, str]:
        """The tags that the image gets when it is asked for."""
        named = {} if self.is_lent else dict(self.wanted.tags or {})
        if self.wanted.public and not self.is_lent:
            named[TAG_PUBLIC] = "true"
        return named | self.tags

    @property
    def tags_of_a_copy(self) -> dict[str, str]:
        """As well, but for the one that says that it has all its attributes."""
        tags = self.tags_at_first
        if not self.is_lent:
            del tags[TAG_VERSION]
        return tags

    @property
    def description(self) -> str:
        """What people read who find the image in the console, and we if tags get lost."""
        return self.region.context.lease.description(self.target.image.sha256)

    @property
    def wanted(self) -> Wanted:
        """What is wanted of the image; of one that is only lent, nothing."""
        if self.is_lent:
            return Wanted()
        return wanted_of(self.target, self.region.context.options)

    def is_ours(self, image: CloudImage) -> bool:
        """Whether an image holds the target's content, and we made it."""
        return marks(image).get(TAG_SHA256) == self.target.image.sha256

    async def find(self) -> CloudImage | None:
        """Return the image that has the name in the region, in any status.

        Raises:
            CloudError: The region does not answer.
        """
        return await images.named(self.region, self.name)

    def refuse_foreign(self, image: CloudImage) -> None:
        """Raise if an image under the name holds other content."""
        if self.is_ours(image):
            return
        why = "has other content"
        if TAG_SHA256 not in marks(image):
            why = "has no tag of ours, so that nobody knows its content"
        raise ApiError(
            f"an image of this name ({image.image_id}) {why}",
            region=self.region.id,
            operation="ecs.DescribeImages",
            code="ImageExists",
            http_status=409,
            advice="use --overwrite to replace it, or another --name",
        )

    # --- asking and waiting -----------------------------------------------------------

    async def make(self, step: Step, ask: Ask, *about: str) -> Made:
        """Have the cloud make the image, and wait until it is there and complete.

        When the cloud says that the name or the token is taken, what is there is looked
        at: ours is adopted. When nothing is there, the token is used up, and a fresh
        one is taken.

        Args:
            step: ``IMPORT`` or ``COPY``.
            ask: Asks for it.
            about: What tells this way of making it from others.

        Raises:
            TaskFailedError: The import or copy failed for good.
            CloudError: The cloud refused, or the name is somebody else's.
        """
        for round_ in range(_ROUNDS_MAX):
            self.track.enter(step)
            fresh = f"{self.region.context.lease.run_id}-{round_}"
            attempt = await self._ask(ask, self._token(*about), fresh)
            if attempt is None:
                continue
            try:
                return await self.wait(attempt)
            except ImageGoneError:
                self._spent.append(fresh)
            except TaskFailedError:
                await self.clear_away()
                # What somebody else began may fail for reasons of his: begin it ourselves.
                if not attempt.adopted:
                    raise
        raise ApiError(
            f"the image {self.name} vanished {_ROUNDS_MAX} times while it was being made",
            region=self.region.id,
            operation="ecs.ImportImage",
            code="ImageGone",
            http_status=409,
            advice="somebody else may be deleting it; run again",
        )

    async def _ask(self, ask: Ask, token: str, fresh: str) -> Attempt | None:
        """Ask for the image; None if it takes another token, which is seen to."""
        began, before = anyio.current_time(), (self._attempt, self.may_exist)
        while True:
            try:
                self._attempt = await ask(token)
            except CloudError as error:
                lost = isinstance(error, TransportError) and error.unsure
                if not lost and look_up(error).meaning is not Meaning.LOOK:
                    if not error.unsure:  # what was asked for before may be there
                        self._attempt, self.may_exist = before
                    raise
                # If we asked before, and lost the answer, the name may be our image's.
                taken = not error.unsure and before[0] is None
                self._attempt = Attempt(taken=taken)
                found = await self._find_late()
                if found is not None:
                    return await self._take(found)
                if not lost:
                    self._spent.append(fresh)
                    return None
                before = self._attempt, True  # its answer was lost: it may be there
                if anyio.current_time() - began > _LOST_S_MAX:
                    raise
            else:
                return self._attempt

    def note_asking(self) -> None:
        """Take note that the cloud is being asked for the image, this very moment."""
        self._asked_at = anyio.current_time()
        self._attempt, self.may_exist = Attempt(), True

    async def _find_late(self) -> CloudImage | None:
        """Return the image that has the name; it may be seen late."""
        return await images.look_again(
            self.find, lambda image: image is not None, since=self._asked_at
        )

    async def _take(self, found: CloudImage) -> Attempt | None:
        """Adopt what has the name; None if it was broken, and removed."""
        self.refuse_foreign(found)
        if found.status in BROKEN:
            await self.make_room(found)
            return None
        return await self.adopt(found)

    async def adopt(self, found: CloudImage) -> Attempt:
        """Take over an image of ours; one that this run began is its own already."""
        self.may_exist = True
        if marks(found).get(TAG_RUN) != self.region.context.lease.run_id:
            self._taken_over.add(found.image_id)
        adopted = found.image_id in self._taken_over
        return Attempt(image_id=found.image_id, adopted=adopted)

    async def wait(self, attempt: Attempt) -> Made:
        """Wait until an image in the making is Available, and repair what it lost.

        Raises:
            TaskFailedError: Its making failed; ``code`` is the cloud's reason.
            CloudError: The region does not answer, or does not let it be repaired.
        """
        self._attempt = attempt
        self.track.enter(Step.WAIT)
        try:
            image = await self.region.watcher.available(
                attempt.image_id,
                attempt.task_id,
                lambda percent: self.track.enter(Step.WAIT, percent),
            )
        except TaskFailedError as error:
            unseen = isinstance(error, ImageGoneError) and not attempt.adopted
            self._attempt = attempt if unseen else None  # a listing may be late
            raise
        self._attempt = None
        if image.usable is False:
            text = (
                f"{self.name} is Available, and not usable yet; not waited for longer"
            )
            self.region.note(text, level="WARNING")
        repaired, _ = await self.repair(image)
        if not self.is_lent:
            await self.prefer_uefi(repaired, made_here=not attempt.adopted)
            if self.region.context.options.detect:
                await self._tell_findings(image)
        return Made(image=repaired, adopted=attempt.adopted)

    def _token(self, *about: str) -> str:
        return client_token(
            self.region.context.account_id,
            self.region.id,
            self.name,
            self.target.image.sha256,
            *about,
            *self._spent,
        )

    # --- what is in the way, and what is missing --------------------------------------

    async def make_room(self, broken: CloudImage) -> None:
        """Remove a failed image of ours from the name, and change the token.

        Raises:
            CloudError: It will not go.
        """
        await images.remove(self.region, broken)
        self._spent.append(broken.image_id)

    async def clear_away(self) -> None:
        """Remove what is left of an image that failed, as far as the cloud lets us.

        Its name is needed for the next try, and its token would only give it again.
        """
        try:
            left = await self.find()
            if left is not None and self.is_ours(left) and left.status in BROKEN:
                await self.make_room(left)
        except CloudError as error:
            text = f"a failed image may be left as {self.name}: {error.code}"
            self.region.note(text, level="WARNING")

    async def repair(
        self, image: CloudImage, *, finished: bool = False
    ) -> tuple[CloudImage, bool]:
        """Set what the image should have and has not; copies lose attributes and tags.

        Args:
            image: The image.
            finished: Whether it was whole once: then what is not named is left alone.

        Returns:
            The image as it is now, and whether anything had to be set.

        Raises:
            CloudError: The region refuses or does not answer.
        """
        region, wanted = self.region, self.wanted
        # One under its own name is in its family: that is for publishing.
        deprecated = self.temporary and image.status is ImageStatus.DEPRECATED
        if deprecated:
            image = await images.revive(region, image)
        if image.imds == "v2" and wanted.imds == "v1":
            # It cannot be undone, and somebody had a reason.
            region.note(f"{image.name} takes IMDS v2 alone; left so")
        change = attributes(image, self.target, wanted, finished=finished)
        if "description" in change and TAG_SHA256 not in image.tags:
            # The description that it has may be all that says that it is ours.
            image = await self._tag_missing(image, {}, TAG_VERSION)
        if change:
            await region.cloud.call(
                ModifyImageAttribute(
                    region=region.id,
                    image_id=image.image_id,
                    description=change.get("description"),
                    nvme=change.get("nvme"),
                    imds=change.get("imds"),
                    boot_mode=change.get("boot_mode"),
                )
            )
        # After the attributes: an image that has our tags is finished.
        before = image
        image = await self._tag_missing(image, other_tags(image, wanted))
        surplus = not self.temporary and any(
            key in image.tags for key in TEMPORARY_TAGS
        )
        if surplus:
            await images.mark_permanent(region, image.image_id)
        return image, bool(deprecated or change or image is not before or surplus)

    async def _tag_missing(
        self, image: CloudImage, more: Mapping[str, str], *but: str
    ) -> CloudImage:
        """Put the tags of ours that an image has not, and more; return it with them."""
        tags = {k: v for k, v in self.tags.items() if k not in {*image.tags, *but}}
        tags |= more
        if not tags:
            return image
        await images.tag(self.region, image, tags)
        return dataclasses.replace(image, tags=dict(image.tags) | tags)

    async def prefer_uefi(self, image: CloudImage, *, made_here: bool) -> None:
        """Set an image to UEFI-Preferred, if that is asked for; else it stays UEFI.

        ImportImage does not take it. Images of other runs are left alone: somebody may
        boot from them already.
        """
        wanted = BootMode.UEFI_PREFERRED
        if not self.target.image.uefi_preferred or image.boot_mode == wanted:
            return
        why = "this run did not make it"
        if made_here:
            try:
                await self.region.cloud.call(
                    ModifyImageAttribute(
                        region=self.region.id,
                        image_id=image.image_id,
                        boot_mode=wanted,
                    )
                )
            except CloudError as error:
                why = error.diagnostics()
            else:
                return
        self.region.note(f"{self.name} stays UEFI: {why}", level="WARNING")

    async def _tell_findings(self, image: CloudImage) -> None:
        """Tell what the cloud's own check of an image found, when it is done.

        Only imports are checked. What it finds is no reason to fail, nor is a region
        that does not say.
        """
        began = anyio.current_time()
        while image.detection == _DETECTING:
            if anyio.current_time() - began > _DETECTION_S_MAX:
                text = f"the cloud's check of {self.name} is not done; not waited for"
                self.region.note(text, level="WARNING")
                return
            await anyio.sleep(_DETECTION_LOOK_S)
            try:
                image = await self.find() or image
            except CloudError as error:
                text = f"the cloud's check of {self.name} is not known: {error.code}"
                self.region.note(text, level="WARNING")
                return
        for finding in image.findings:
            about = ", ".join(filter(None, (finding.risk, finding.code)))
            risk = f" (risk: {about})" if finding.risk else ""
            text = f"the cloud's check of {self.name}: {finding.name}: {finding.value}"
            level = "WARNING" if finding.risk else "INFO"
            self.region.note(f"{text}{risk}", level=level)

    # --- the end ----------------------------------------------------------------------

    async def cancel(self) -> None:
        """Stop what is being made, if it is this run's, and remove the remains.

        What another run began is its own; what is Available already stays, for the next
        run to go on with (temporary images are dropped).

        Raises:
            CloudError: The region does not answer.
        """
        attempt = self._attempt
        if attempt is None:
            return
        image = await self._find_late()
        if image is None:
            if attempt.taken:
                self._attempt = None
            return  # asked for, and not seen: it may be left
        begun_by = marks(image).get(TAG_RUN)
        if begun_by is None and image.image_id == attempt.image_id:
            return  # it has lost its tags and its description, maybe another run's: it is told
        ours = begun_by == self.region.context.lease.run_id
        ours = ours and image.image_id not in self._taken_over
        if ours and image.status in MAKING:
            await self._cancel(image)
            ended = await self._ended()
            if ended is not None and ended.status in MAKING:
                self.region.note(
                    f"{self.name} is still being made, since it could not be cancelled",
                    level="WARNING",
                )
                return
            image = ended or image
        if ours and image.status in BROKEN:
            await images.remove(self.region, image)
        self._attempt = None

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return the image, if it is being made or may be."""
        if self._attempt is None:
            return ()
        lease, detail = self.region.context.lease, "may still be in the making"
        return (lease.leftover(self.region.id, "image", self.name, detail=detail),)

    async def _cancel(self, image: CloudImage) -> None:
        """Cancel by what the image is: an import has a task, a copy has none."""
        region = self.region
        tasks = await region.cloud.call(
            DescribeTasks(region=region.id, image_ids=(image.image_id,))
        )
        for task in tasks:
            if task.status in _RUNNING:
                await region.cloud.call(
                    CancelTask(region=region.id, task_id=task.task_id)
                )
        if not tasks:
            cancel = CancelCopyImage(region=region.id, image_id=image.image_id)
            await region.cloud.call(cancel)

    async def _ended(self) -> CloudImage | None:
        """Wait until the image is not being made any more."""
        began = anyio.current_time()
        while True:
            image = await self.find()
            if image is None or image.status not in MAKING:
                return image
            if anyio.current_time() - began > _CANCEL_S_MAX:
                return image
            await anyio.sleep(0.5)


class Temporary(Making):
    """The making of an image under a temporary name, which carries the run's lease."""

    temporary = True

    def __init__(self, region: Region, target: Target, name: str, track: Track) -> None:
        super().__init__(region, target, name, track)
        self._put_there = False

    @property
    @override
    def tags(self) -> dict[str, str]:
        return super().tags | self.region.context.lease.tags()

    @override
    async def adopt(self, found: CloudImage) -> Attempt:
        """Take over an image of ours; it gets our lease.

        Raises:
            CloudError: It cannot be tagged.
        """
        attempt = await super().adopt(found)
        if attempt.adopted:
            lease = self.region.context.lease
            await images.tag(self.region, found, lease.tags())
        return attempt

    async def drop(self) -> None:
        """Remove the image, if it is there and ours to drop.

        Raises:
            CloudError: The region does not answer, or the image will not go.
        """
        if not self.may_exist:
            return
        image = await self._find_late()
        if image is None and (self._put_there or self._attempt is not None):
            text = f"{self.name} was requested but cannot be found: it may be left over"
            self.region.note(text, level="WARNING")
            return
        if image is not None and self.is_ours(image):
            if not self._may_drop(image):
                text = f"{self.name} is left: another run may be using it"
                self.region.note(text)
                return
            await images.remove(self.region, image)
        self.may_exist = False

    def _may_drop(self, _image: CloudImage) -> bool:
        return True

    @override
    def leftovers(self) -> tuple[Leftover, ...]:
        """Return the image, if it is there or may be."""
        lease = self.region.context.lease
        left = lease.leftover(self.region.id, "image", self.name)
        return (left,) if self.may_exist else ()


class Lent(Temporary):
    """An image that other regions copy from, and that is never renamed.

    It goes with the run that began it or took it over: without it a copy of another run
    fails, and is made from elsewhere.
    """

    is_lent = True

    async def settle(self) -> None:
        """Do nothing: it replaces no other image."""
