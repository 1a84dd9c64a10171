"""CopyImage: from region to region, five at a time from each, the rest in a queue."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.records import Image, ImageStatus, Origin
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import (
    Tags,
    check_description,
    check_name,
    check_tags,
)
from alicloud_emulator.world.ecs.store import Store
from alicloud_emulator.world.faults import Do, Fault, late_s

_CONFLICTS = {
    "copying": "OperationDenied.ImageCopying",
    "refuse": "OperationDenied.ImageCopyConflict",
    "queue": "",
}
"""Code for a source that is being copied, by ``limits.copy_conflict``.

Source: the code as captured in 2021 (coreos/coreos-assembler#2592), the message of the
error table (2026), which has both codes.
"""


@dataclass(frozen=True, kw_only=True)
class CopySpec:
    """CopyImage's parameters; "" stands for one that is not given.

    Attributes:
        region: The source's region.
        destination_region: "" means the source's own.
    """

    region: str
    image_id: str
    destination_region: str = ""
    destination_name: str = ""
    description: str = ""
    resource_group_id: str = ""
    tags: Tags = ()
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class _Copy:
    source: Image
    image: Image
    fault: Fault | None


class Copies:
    """The copies under way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._world = store.world
        self._waiting: dict[tuple[str, str], deque[_Copy]] = {}
        self._running: dict[tuple[str, str], dict[str, _Copy]] = {}

    def start(
        self, caller: Caller, spec: CopySpec, *, faults: Sequence[Fault] = ()
    ) -> Image:
        """Begin to copy an image, and return the new image in the destination.

        The copy keeps architecture and size. It loses family, sharing and visibility,
        and has the tags given only. Whether boot mode and features survive is nowhere
        documented: here they fall back to their defaults, so that whoever relies on
        them notices.

        Args:
            caller: Who calls.
            spec: The parameters.
            faults: A ``fail-task`` among them makes the copy fail at its end; a
                ``late-usable`` puts off when it can be used.

        Raises:
            ServiceError: What the action gives.
        """
        source = self._checked(caller, spec)
        if spec.dry_run:
            raise refusal("DryRunOperation")
        image = self._new_image(caller, spec, source)
        image.usable_late_s = late_s(faults)
        fault = next((f for f in faults if f.do is Do.FAIL_TASK), None)
        key = (caller.account_id, spec.region)
        copy = _Copy(source=source, image=image, fault=fault)
        self._waiting.setdefault(key, deque()).append(copy)
        self._start_waiting(*key)
        return image

    def cancel(self, image: Image) -> None:
        """Stop a copy, and delete what there is of it."""
        self._store.remove_image(image)
        for key, queue in self._waiting.items():
            self._waiting[key] = deque(c for c in queue if c.image is not image)
        for key in list(self._running):
            self._running[key].pop(image.image_id, None)
            self._start_waiting(*key)

    def is_copied_now(self, image: Image) -> bool:
        """Whether an image is the source of a copy that waits or runs."""
        copies = [c for queue in self._waiting.values() for c in queue]
        copies += [c for running in self._running.values() for c in running.values()]
        return any(c.source is image and c.image.in_making for c in copies)

    def running_from(self, account_id: str, region: str) -> int:
        """Return how many copies run from a region."""
        return len(self._running.get((account_id, region), ()))

    def _checked(self, caller: Caller, spec: CopySpec) -> Image:
        """Return the image to copy, if nothing speaks against it."""
        store, profile = self._store, self._world.profile
        source = store.visible_image(caller, spec.region, spec.image_id)
        destination = profile.region(spec.destination_region or spec.region)
        if destination is None:
            raise refusal("DestinationRegion.NotFound")
        origin = profile.region(spec.region)
        if origin is not None and not origin.copy_out:
            raise refusal("RegionNotSupportCopy")
        if not destination.copy_in:
            raise refusal("OperationDenied.NonCompliantDestinationRegion")
        if source.public:
            raise refusal("OperationDenied.CommunityImage")
        if source.account_id != caller.account_id and destination.id != spec.region:
            raise refusal("OperationDenied.SameRegionOnly")
        if source.status is not ImageStatus.AVAILABLE:
            raise refusal("IncorrectImageStatus")
        if any(disk.format == "VHD" for disk in source.disks):
            raise refusal("InvalidOperation.VhdImageUnsupported")
        if spec.destination_name:
            check_name(spec.destination_name)
        check_description(spec.description)
        check_tags(spec.tags)
        if spec.destination_name:
            store.check_name_free(
                caller.account_id, destination.id, spec.destination_name
            )
        store.check_image_quota(caller.account_id, destination.id)
        conflict = _CONFLICTS[profile.limits.copy_conflict]
        if conflict and self.is_copied_now(source):
            raise refusal(conflict)
        return source

    def _new_image(self, caller: Caller, spec: CopySpec, source: Image) -> Image:
        store = self._store
        region = spec.destination_region or spec.region
        image_id = store.new_id("m", region)
        image = Image(
            image_id=image_id,
            account_id=caller.account_id,
            region=region,
            name=spec.destination_name or image_id,
            order=store.next_order(),
            origin=Origin.COPY,
            description=spec.description,
            architecture=source.architecture,
            boot_mode="UEFI" if source.architecture == "arm64" else "BIOS",
            os_type=source.os_type,
            platform=source.platform,
            license_type=source.license_type,
            resource_group_id=spec.resource_group_id,
            disks=[replace(disk, snapshot_id="") for disk in source.disks],
            tags=store.kept_tags(spec.tags),
            created_at=store.now,
            copied_from=source.image_id,
        )
        store.add_image(image)
        return image

    def _start_waiting(self, account_id: str, region: str) -> None:
        """Begin as many waiting copies from a region as the limit allows."""
        key = (account_id, region)
        waiting = self._waiting.get(key, deque())
        running = self._running.setdefault(key, {})
        limit = self._world.profile.limits.copies_running
        while waiting and (not limit or len(running) < limit):
            copy = waiting.popleft()
            if self._store.has_image(copy.image.image_id, copy.image.region):
                running[copy.image.image_id] = copy
                self._start(key, copy)

    def _start(self, key: tuple[str, str], copy: _Copy) -> None:
        durations = self._world.profile.durations
        image = copy.image
        size_gib = sum(disk.size_gib for disk in image.disks)
        duration_s = self._store.slowness(key[1], image.region) * (
            durations.copy_s + durations.copy_s_per_gib * size_gib
        )
        image.status = ImageStatus.CREATING
        image.started_at = self._store.now
        image.ends_at = image.started_at + duration_s
        self._world.agenda.after(duration_s, partial(self._finish, key, copy))

    def _finish(self, key: tuple[str, str], copy: _Copy) -> None:
        if self._running[key].pop(copy.image.image_id, None) is None:
            return  # cancelled
        if copy.fault is not None:
            copy.image.status = ImageStatus.CREATE_FAILED
            code = copy.fault.code or "CopyImageFailed"
            copy.image.failure = (code, copy.fault.message)
        else:
            copy.image.content_sha256 = copy.source.content_sha256
            self._store.finish(copy.image)
        self._start_waiting(*key)
