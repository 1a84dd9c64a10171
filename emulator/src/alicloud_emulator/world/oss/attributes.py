"""ACL, tags and restoring of objects."""

from typing import TYPE_CHECKING

from alicloud_emulator.world.oss.buckets import (
    OBJECT_ACLS,
    OBJECT_TAG_CHARACTER,
    OBJECT_TAGS_MAX,
    check_choice,
    check_tags,
)
from alicloud_emulator.world.oss.gate import Gate, Need
from alicloud_emulator.world.oss.objects import Objects
from alicloud_emulator.world.oss.refusals import BLOCKED_EC, refusal
from alicloud_emulator.world.oss.values import ASLEEP, StoredObject, Visit

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

# NOTE a guess for the sake of quick tests: in life a minute (Archive) to 48 hours.
RESTORE_S = 5.0
RESTORE_TIERS = ("Expedited", "Standard", "Bulk")
_DAY_S = 86_400.0


class ObjectAttributes:
    """Operations on what an object carries besides its bytes."""

    def __init__(self, world: "World", gate: Gate, objects: Objects) -> None:
        self._world = world
        self._gate = gate
        self._objects = objects

    def get(self, visit: Visit, name: str, key: str, action: str) -> StoredObject:
        """Return an object to be looked at, under the RAM action ``action``."""
        return self._objects.find(visit, name, key, action, need=Need.OWNER)

    def put_acl(self, visit: Visit, name: str, key: str, acl: str) -> StoredObject:
        """Change an object's ACL.

        Raises:
            ServiceError: InvalidArgument; AccessDenied for a public ACL while public
                access is blocked; NoSuchKey...
        """
        stored = self.get(visit, name, key, "PutObjectAcl")
        if not acl:
            raise refusal("MissingArgument", ArgumentName="x-oss-object-acl")
        check_choice("x-oss-object-acl", acl, OBJECT_ACLS)
        blocked = self._gate.blocks_public_access(self._gate.find(visit, name))
        if blocked and acl.startswith("public"):
            raise refusal(
                "AccessDenied", "Put public object acl is not allowed", ec=BLOCKED_EC
            )
        stored.acl = acl
        return stored

    def put_tags(
        self, visit: Visit, name: str, key: str, tags: dict[str, str]
    ) -> StoredObject:
        """Replace an object's tags.

        Raises:
            ServiceError: InvalidTag, NoSuchKey...
        """
        stored = self.get(visit, name, key, "PutObjectTagging")
        check_tags(tags, OBJECT_TAGS_MAX, OBJECT_TAG_CHARACTER)
        stored.tags = dict(tags)
        return stored

    def delete_tags(self, visit: Visit, name: str, key: str) -> StoredObject:
        """Remove an object's tags."""
        stored = self.get(visit, name, key, "DeleteObjectTagging")
        stored.tags = {}
        return stored

    def restore(
        self, visit: Visit, name: str, key: str, days: int, tier: str = ""
    ) -> bool:
        """Begin to make an archived object readable, or keep it so for longer.

        Args:
            visit: The call.
            name: The bucket's name.
            key: The object's key.
            days: For how long.
            tier: How soon: a cold archive's priority, or "".

        Returns:
            Whether it was restored already.

        Raises:
            ServiceError: OperationNotSupported (not archived), MalformedXML (Archive
                has no tiers), RestoreAlreadyInProgress, InvalidArgument, NoSuchKey...
        """
        stored = self.get(visit, name, key, "RestoreObject")
        if stored.storage_class not in ASLEEP:
            raise refusal("OperationNotSupported", Key=key)
        if not 1 <= days <= 365:
            raise refusal("InvalidArgument", ArgumentName="Days")
        if tier and stored.storage_class == "Archive":
            raise refusal("MalformedXML")
        if tier not in ("", *RESTORE_TIERS):
            raise refusal("InvalidArgument", ArgumentName="Tier")
        now = self._world.agenda.now
        if now < stored.restoring_until:
            raise refusal("RestoreAlreadyInProgress", Key=key)
        restored = now < stored.restored_until
        if not restored:
            stored.restoring_until = now + RESTORE_S
        stored.restored_until = max(now, stored.restoring_until) + days * _DAY_S
        return restored

    def clean_restored(self, visit: Visit, name: str, key: str) -> None:
        """Let a restored object fall asleep again.

        Raises:
            ServiceError: OperationNotSupported (not archived), NoSuchKey...
        """
        stored = self.get(visit, name, key, "CleanRestoredObject")
        if stored.storage_class not in ASLEEP:
            raise refusal("OperationNotSupported", Key=key)
        stored.restoring_until = stored.restored_until = 0.0
