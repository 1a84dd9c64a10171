"""The facade of object storage."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss.attributes import ObjectAttributes
from alicloud_emulator.world.oss.buckets import Buckets
from alicloud_emulator.world.oss.copying import Copying
from alicloud_emulator.world.oss.gate import Gate
from alicloud_emulator.world.oss.multipart import Uploads
from alicloud_emulator.world.oss.objects import Objects
from alicloud_emulator.world.oss.settings import Settings
from alicloud_emulator.world.oss.values import Bucket, KeyTable, ObjectKind

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World


class Oss:
    """Object storage of every account in every region.

    Operations take a ``Visit`` (who calls, and through which host) and names:
    ``oss.buckets.put(visit, "b")``, ``oss.objects.put(visit, "b", "k", blob)``,
    ``oss.uploads.initiate(visit, "b", "k")``.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._table: KeyTable[Bucket] = KeyTable()
        self.gate = Gate(world, self._table)
        self.buckets = Buckets(world, self._table, self.gate)
        self.objects = Objects(world, self.gate)
        self.copying = Copying(world, self.gate, self.objects)
        self.attributes = ObjectAttributes(world, self.gate, self.objects)
        self.settings = Settings(world, self.gate)
        self.uploads = Uploads(world, self.gate, self.objects)

    def read(self, account_id: str, region: str, bucket: str, key: str) -> Blob:
        """Return an object's bytes for another product of the cloud (ImportImage).

        Raises:
            ServiceError: NoSuchBucket, AccessDenied (another account's),
                InvalidLocationConstraint (another region's), NoSuchKey,
                InvalidObjectState (archived and not restored).
        """
        self._world.agenda.catch_up()
        found = self._table.get(bucket)
        if found is None:
            raise ServiceError("NoSuchBucket", 404)
        if found.owner != account_id:
            raise ServiceError("AccessDenied", 403)
        if found.region != region:
            raise ServiceError("InvalidLocationConstraint", 400)
        stored = found.objects.get(key)
        if stored is None:
            raise ServiceError("NoSuchKey", 404)
        if stored.kind is ObjectKind.SYMLINK:
            stored = found.objects.get(stored.target)
            if stored is None:
                raise ServiceError("NoSuchKey", 404)
        if not stored.is_awake(self._world.agenda.now):
            raise ServiceError("InvalidObjectState", 403)
        return stored.blob

    def every_bucket(self) -> Iterable[Bucket]:
        """Return every account's buckets."""
        return self._table.values()

    def encryption_of(self, bucket: str) -> str:
        """Return the algorithm by which a bucket encrypts what is put into it, or ""."""
        found = self._table.get(bucket)
        return found.encryption.algorithm if found and found.encryption else ""

    def state(self, region_id: str, account_id: str = "") -> dict[str, Any]:
        """Return what the state document shows of a region.

        Args:
            region_id: The region.
            account_id: Whose buckets; "" for the main account's.
        """
        self._world.agenda.catch_up()
        owner = account_id or self._world.profile.accounts[0].id
        return {
            "buckets": [
                _bucket_state(bucket)
                for bucket in self._table.values()
                if bucket.region == region_id and bucket.owner == owner
            ]
        }

    def brief(self, region_id: str, account_id: str) -> dict[str, Any]:
        """Return the same of a region without a word of single objects."""
        return {
            "buckets": [
                {
                    "name": bucket.name,
                    "objects": len(bucket.objects),
                    "bytes": sum(one.blob.size for one in bucket.objects.values()),
                    "uploads": len(bucket.uploads),
                }
                for bucket in self._table.values()
                if bucket.region == region_id and bucket.owner == account_id
            ]
        }

    def unhashed(self, owner: str) -> list[Blob]:
        """Return the contents that ``state`` would have to read for their SHA-256.

        Whoever serves real sockets computes them first, in a worker thread.
        """
        return [
            one.blob
            for bucket in self._table.values()
            if bucket.owner == owner
            for one in bucket.objects.values()
            if not one.blob.sha256_known
        ]


def _bucket_state(bucket: Bucket) -> dict[str, Any]:
    return {
        "name": bucket.name,
        "objects": [
            {"key": one.key, "size": one.blob.size, "sha256": one.blob.sha256()}
            for one in bucket.objects.values()
        ],
        "uploads": [
            {"key": upload.key, "upload_id": upload.id, "parts": len(upload.parts)}
            for upload in bucket.uploads.values()
        ],
    }
