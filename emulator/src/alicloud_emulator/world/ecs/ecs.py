"""The facade: one method for each action of ECS."""

from typing import TYPE_CHECKING, Any

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.changes import Changes
from alicloud_emulator.world.ecs.copies import Copies
from alicloud_emulator.world.ecs.images import Images
from alicloud_emulator.world.ecs.imports import Imports
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.sharing import Sharing
from alicloud_emulator.world.ecs.snapshots import Snapshots
from alicloud_emulator.world.ecs.store import Store
from alicloud_emulator.world.ecs.tags import TagsOfResources
from alicloud_emulator.world.ecs.tasks import Tasks

if TYPE_CHECKING:
    from alicloud_emulator.world.profile import Region
    from alicloud_emulator.world.world import World

LANGUAGES = ("zh-CN", "zh-TW", "en-US", "ja", "fr", "de", "ko")
CHARGE_TYPES = ("PrePaid", "PostPaid", "SpotWithPriceLimit", "SpotAsPriceGo")
REGION_RESOURCE_TYPES = ("instance", "disk", "reservedinstance", "scu")


class Ecs:
    """Custom images, their snapshots and their tasks, in every region.

    Every action takes the caller first, lets due things happen, asks RAM, and raises
    ServiceError with ECS's own codes. Records that come back are the world's own: look
    at them, do not change or keep them.
    """

    def __init__(self, world: "World") -> None:
        self._store = Store(world)
        imports = Imports(self._store)
        tasks = Tasks(self._store)
        copies = Copies(self._store)
        images = Images(self._store)
        changes = Changes(self._store, copies)
        sharing = Sharing(self._store)
        snapshots = Snapshots(self._store)
        tags = TagsOfResources(self._store)

        self.import_image = imports.import_image
        self.cancel_task = imports.cancel_task
        self.describe_tasks = tasks.describe_tasks
        self.describe_task = tasks.describe_task
        self.copy_image = copies.copy_image
        self.cancel_copy_image = copies.cancel_copy_image
        self.running_copies_from = copies.running_from
        self.describe_images = images.describe_images
        self.describe_image_from_family = images.describe_image_from_family
        self.modify_image_attribute = changes.modify_image_attribute
        self.delete_image = changes.delete_image
        self.modify_image_share_permission = sharing.modify_image_share_permission
        self.describe_image_share_permission = sharing.describe_image_share_permission
        self.describe_snapshots = snapshots.describe_snapshots
        self.delete_snapshot = snapshots.delete_snapshot
        self.snapshot_in_use = snapshots.in_use
        self.tag_resources = tags.tag_resources
        self.untag_resources = tags.untag_resources
        self.list_tag_resources = tags.list_tag_resources

    def describe_regions(
        self,
        caller: Caller,
        *,
        charge_type: str = "",
        resource_type: str = "",
        language: str = "",
    ) -> "tuple[Region, ...]":
        """Return the regions open to the account; needs no permission.

        Raises:
            ServiceError: ``Invalid.InstanceChargeType`` (403),
                ``InvalidResourceType.NotFound``, ``InvalidAcceptLanguage.NotFound``
                (404).
        """
        del caller
        world = self._store.world
        world.agenda.catch_up()
        for value, choices, code in (
            (charge_type, CHARGE_TYPES, "Invalid.InstanceChargeType"),
            (resource_type, REGION_RESOURCE_TYPES, "InvalidResourceType.NotFound"),
            (language, LANGUAGES, "InvalidAcceptLanguage.NotFound"),
        ):
            if value and value not in choices:
                raise refusal(code)
        return world.profile.regions

    def state(self, region: str, account_id: str) -> dict[str, Any]:
        """Return a region's images, snapshots and tasks for the state document."""
        self._store.world.agenda.catch_up()
        store = self._store
        return {
            "images": [_image(i) for i in store.images_of(account_id, region)],
            "snapshots": [
                {
                    "snapshot_id": snapshot.snapshot_id,
                    "name": snapshot.name,
                    "status": "accomplished",
                    "tags": dict(snapshot.tags),
                    "image_id": snapshot.image_id,
                    "size_gib": snapshot.size_gib,
                }
                for snapshot in store.snapshots_of(account_id, region)
            ],
            "tasks": [
                {
                    "task_id": task.task_id,
                    "status": task.status.value,
                    "action": task.action,
                    "resource_id": task.image_id,
                    "error_code": task.error_code,
                }
                for task in store.tasks_of(account_id, region)
            ],
        }


def _image(image: Image) -> dict[str, Any]:
    return {
        "image_id": image.image_id,
        "name": image.name,
        "family": image.family,
        "status": image.status.value,
        "public": image.public,
        "shared_with": list(image.shared_with),
        "description": image.description,
        "architecture": image.architecture,
        "boot_mode": image.boot_mode,
        "nvme": image.nvme,
        "imds": image.imds,
        "size_gib": image.size_gib,
        "tags": dict(image.tags),
        "content_sha256": image.content_sha256,
        "snapshot_id": image.disks[0].snapshot_id if image.disks else "",
        "created_by": image.origin.value,
        "deleting": image.deleting,
    }
