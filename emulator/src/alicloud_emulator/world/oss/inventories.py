"""Inventory configurations of buckets: kept, listed and given back.

The emulator writes no inventories: they come daily or weekly in life.
"""

from typing import TYPE_CHECKING

from alicloud_emulator.world.oss.gate import Gate
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import Visit

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

PER_BUCKET_MAX = 1000
PER_PAGE = 100
"""How many one listing shows. [ListBucketInventory reference]"""


class Inventories:
    """Keeps inventory configurations as XML text, by bucket and id."""

    def __init__(self, world: "World", gate: Gate) -> None:
        self._world = world
        self._gate = gate

    def put(self, visit: Visit, name: str, inventory_id: str, text: str) -> None:
        """Keep a configuration.

        Raises:
            ServiceError: InventoryAlreadyExist, InventoryExceedLimit.
        """
        kept = self._gate.enter(visit, name, "PutBucketInventory").inventories
        if inventory_id in kept:
            raise refusal("InventoryAlreadyExist", BucketName=name)
        if len(kept) >= PER_BUCKET_MAX:
            raise refusal("InventoryExceedLimit", BucketName=name)
        kept[inventory_id] = text

    def get(self, visit: Visit, name: str, inventory_id: str) -> str:
        """Return a configuration's text.

        Raises:
            ServiceError: NoSuchInventory.
        """
        kept = self._gate.enter(visit, name, "GetBucketInventory").inventories
        if inventory_id not in kept:
            raise refusal("NoSuchInventory", BucketName=name)
        return kept[inventory_id]

    def page(self, visit: Visit, name: str, after: str) -> tuple[list[str], str]:
        """Return a page of configurations in order of their ids, and the next token.

        Args:
            visit: The call.
            name: The bucket's name.
            after: Token of the page before: its last id; "" for the first page.

        Raises:
            ServiceError: NoSuchInventory: there are none at all. NOTE a guess: the
                reference does not say what an empty list looks like.
        """
        kept = self._gate.enter(visit, name, "GetBucketInventory").inventories
        if not kept:
            raise refusal("NoSuchInventory", BucketName=name)
        ids = sorted(one for one in kept if one > after)
        page = ids[:PER_PAGE]
        following = page[-1] if len(ids) > PER_PAGE else ""
        return [kept[one] for one in page], following

    def delete(self, visit: Visit, name: str, inventory_id: str) -> None:
        """Forget a configuration; one that is not there is as good as forgotten."""
        bucket = self._gate.enter(visit, name, "DeleteBucketInventory")
        bucket.inventories.pop(inventory_id, None)
