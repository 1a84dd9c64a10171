"""Where images, snapshots and tasks are kept, and what every call passes first."""

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.ids import new_id
from alicloud_emulator.world.ecs.records import (
    Image,
    ImageStatus,
    Snapshot,
    Task,
    TaskStatus,
)
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import Tags
from alicloud_emulator.world.recent import Recent

if TYPE_CHECKING:
    from alicloud_emulator.world.profile import Account, Region
    from alicloud_emulator.world.world import World

_REMEMBERED_MAX = 10_000
"""Removed images: a few MB."""

_TASKS_MAX = 1000
"""Tasks of one region that have ended."""


class Store:
    """ECS's state, shared by the actions. Ids are unique in the whole world."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self._images: dict[str, dict[str, Image]] = {}
        self._snapshots: dict[str, dict[str, Snapshot]] = {}
        self._tasks: dict[str, Recent[str, Task]] = {}
        self._removed_at: Recent[str, float] = Recent(_REMEMBERED_MAX)
        self._order = count(1)

    # --- the door ---------------------------------------------------------------------

    def enter(
        self,
        caller: Caller,
        action: str,
        region: str,
        resource: str,
        *,
        change: bool = False,
        region_status: int = 404,
    ) -> "Region":
        """Let a call in: time passes, the region exists, the caller may.

        Args:
            caller: Who calls.
            action: Alibaba's action name.
            region: RegionId as given.
            resource: For example ``image/*``.
            change: Whether the call changes something (refused to an account that owes
                money).
            region_status: HTTP status for an unknown region; actions differ.
        """
        self.world.agenda.catch_up()
        found = self.world.profile.region(region)
        if found is None:
            raise refusal("InvalidRegionId.NotFound", status=region_status)
        arn = f"acs:ecs:{region}:{caller.account_id}:{resource}"
        self.world.ram.authorize(caller, f"ecs:{action}", arn)
        if change and self.account(caller).arrears:
            raise refusal("Account.Arrearage")
        return found

    def account(self, caller: Caller) -> "Account":
        """Return the profile's account of a caller."""
        return self.world.ram.people(caller.account_id).account

    # --- ids and times ----------------------------------------------------------------

    @property
    def now(self) -> float:
        """Unix time in seconds."""
        return self.world.agenda.now

    def new_id(self, kind: str, region: str) -> str:
        """Return a new id of a kind: ``m``, ``s`` or ``t``."""
        return new_id(self.world.rng, kind, region)

    def next_order(self) -> int:
        """Return the next number of creation."""
        return next(self._order)

    def slowness(self, *regions: str) -> float:
        """Return the factor on durations of the slowest of some regions."""
        found = (self.world.profile.region(region) for region in regions)
        return max((region.slow for region in found if region), default=1.0)

    # --- images -----------------------------------------------------------------------

    def add_image(self, image: Image) -> None:
        """Put an image in."""
        self._images.setdefault(image.region, {})[image.image_id] = image

    def remove_image(self, image: Image) -> None:
        """Take an image out; its id is never used again."""
        self._images[image.region].pop(image.image_id, None)
        self._removed_at[image.image_id] = self.now

    def remove_later(self, image: Image) -> None:
        """Take an image out after a while; meanwhile it shows as UnAvailable."""
        image.deleting = True
        image.status = ImageStatus.UNAVAILABLE
        delay_s = self.world.profile.durations.image_delete_s
        delay_s *= self.slowness(image.region)
        self.world.agenda.after(delay_s, partial(self.remove_image, image))

    def removed_at(self, image_id: str) -> float:
        """Return when an image was taken out, Unix seconds; 0 if it never was."""
        return self._removed_at.get(image_id, 0.0)

    def images(self, region: str) -> Iterator[Image]:
        """Yield every account's images in a region, oldest first, for a listing."""
        yield from self._images.get(region, {}).values()

    def images_of(self, account_id: str, region: str) -> Iterator[Image]:
        """Yield one account's images in a region, oldest first."""
        found = self._images.get(region, {}).values()
        return (image for image in found if image.account_id == account_id)

    def has_image(self, image_id: str, region: str) -> bool:
        """Whether an image is still there."""
        return image_id in self._images.get(region, {})

    def own_image(self, caller: Caller, region: str, image_id: str) -> Image:
        """Return an image of the caller's that is not being deleted."""
        image = self._images.get(region, {}).get(image_id)
        if image is None or image.account_id != caller.account_id or image.deleting:
            raise refusal("InvalidImageId.NotFound")
        return image

    def visible_image(self, caller: Caller, region: str, image_id: str) -> Image:
        """Return an image that the caller owns, is shared with, or that is public."""
        image = self._images.get(region, {}).get(image_id)
        if image is None or image.deleting or not may_see(caller.account_id, image):
            raise refusal("InvalidImageId.NotFound")
        return image

    def check_name_free(self, account_id: str, region: str, name: str) -> None:
        """Refuse a name that any image of the account has there, in any status."""
        if any(image.name == name for image in self.images_of(account_id, region)):
            raise refusal("InvalidImageName.Duplicated")

    def check_image_quota(self, account_id: str, region: str) -> None:
        """Refuse one image more than the account may have in a region."""
        limit = self.world.profile.limits.images_per_region
        if limit and sum(1 for _ in self.images_of(account_id, region)) >= limit:
            raise refusal("QuotaExceed.Image", str(limit))

    def kept_tags(self, tags: Tags) -> dict[str, str]:
        """Return what an image keeps of the tags that it is made with."""
        return dict(tags) if self.world.profile.habits.tags_kept else {}

    def finish(self, image: Image) -> None:
        """Make an image Available now, with its snapshots, and Usable a little later."""
        profile = self.world.profile
        image.status = ImageStatus.AVAILABLE
        usable_s = profile.durations.usable_s * self.slowness(image.region)
        usable_s += image.usable_late_s
        image.usable_at = self.now + usable_s if profile.habits.usable else None
        detection_s = profile.durations.detection_s * self.slowness(image.region)
        image.detected_at = self.now + detection_s
        self.make_snapshots(image)

    def make_snapshots(self, image: Image) -> None:
        """Give each disk of a finished image its snapshot."""
        for disk in image.disks:
            snapshot = Snapshot(
                snapshot_id=self.new_id("s", image.region),
                account_id=image.account_id,
                region=image.region,
                name=f"SnapshotForImage-{image.name}",
                order=self.next_order(),
                size_gib=disk.size_gib,
                image_id=image.image_id,
                created_at=self.now,
                disk_type=disk.type,
                resource_group_id=image.resource_group_id,
            )
            disk.snapshot_id = snapshot.snapshot_id
            self._snapshots.setdefault(image.region, {})[snapshot.snapshot_id] = (
                snapshot
            )

    # --- snapshots and tasks ----------------------------------------------------------

    def snapshots_of(self, account_id: str, region: str) -> Iterator[Snapshot]:
        """Yield one account's snapshots in a region, oldest first."""
        found = self._snapshots.get(region, {}).values()
        return (s for s in found if s.account_id == account_id)

    def snapshot(
        self, account_id: str, region: str, snapshot_id: str
    ) -> Snapshot | None:
        """Return an account's snapshot, or None."""
        found = self._snapshots.get(region, {}).get(snapshot_id)
        return found if found and found.account_id == account_id else None

    def snapshot_in_use(self, snapshot: Snapshot) -> bool:
        """Whether the image made with a snapshot is still there."""
        return self.has_image(snapshot.image_id, snapshot.region)

    def remove_snapshot(self, snapshot: Snapshot) -> None:
        """Take a snapshot out."""
        self._snapshots[snapshot.region].pop(snapshot.snapshot_id, None)

    def add_task(self, task: Task) -> None:
        """Put a task in."""
        if task.region not in self._tasks:
            self._tasks[task.region] = Recent(_TASKS_MAX, may_go=_has_ended)
        self._tasks[task.region][task.task_id] = task

    def tasks_of(self, account_id: str, region: str) -> Iterator[Task]:
        """Yield one account's tasks in a region, oldest first."""
        found = self._tasks.get(region, {}).values()
        return (t for t in found if t.account_id == account_id)

    def task(self, account_id: str, region: str, task_id: str) -> Task | None:
        """Return an account's task, or None."""
        tasks = self.tasks_of(account_id, region)
        return next((task for task in tasks if task.task_id == task_id), None)


def _has_ended(task: Task) -> bool:
    return task.status not in {TaskStatus.WAITING, TaskStatus.PROCESSING}


def may_see(account_id: str, image: Image) -> bool:
    """Whether an account owns an image, is shared with, or may see it as public."""
    return (
        image.account_id == account_id
        or image.public
        or account_id in image.shared_with
    )
