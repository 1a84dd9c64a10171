"""Images, snapshots and tasks of a world, and what is made of them in time."""

from typing import TYPE_CHECKING, Any

from alicloud_emulator.world.ecs.copies import Copies
from alicloud_emulator.world.ecs.imports import Imports
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.ecs.store import Store

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World


class Ecs:
    """Custom images, their snapshots and their tasks, in every region.

    The actions are in ``products/ecs``. Records that come back are the world's own: look
    at them, do not change or keep them.

    Attributes:
        imports: The imports under way.
        copies: The copies under way.
    """

    def __init__(self, world: "World") -> None:
        self._store = Store(world)
        self.imports = Imports(self._store)
        self.copies = Copies(self._store)

    @property
    def store(self) -> Store:
        """Where all of it is kept."""
        return self._store

    def state(self, region: str, account_id: str) -> dict[str, Any]:
        """Return a region's images, snapshots and tasks for the state document."""
        self._store.world.agenda.catch_up()
        store = self._store
        return {
            "images": [
                _image(i, store.now) for i in store.images_of(account_id, region)
            ],
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


def _image(image: Image, now: float) -> dict[str, Any]:
    return {
        "image_id": image.image_id,
        "name": image.name,
        "family": image.family,
        "status": image.status.value,
        "progress": image.progress(now),
        "usable": image.usable(now),
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
