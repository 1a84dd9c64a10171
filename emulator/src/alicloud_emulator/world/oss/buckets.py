"""Making, listing, describing and deleting buckets; their ACL and tags."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from alicloud_emulator.world.oss import policies, versions
from alicloud_emulator.world.oss.encryption import rule_of
from alicloud_emulator.world.oss.gate import Gate
from alicloud_emulator.world.oss.listing import Page, page_of_keys
from alicloud_emulator.world.oss.refusals import BLOCKED_EC, refusal
from alicloud_emulator.world.oss.values import (
    Bucket,
    Encryption,
    KeyTable,
    StoredObject,
    Visit,
)
from alicloud_emulator.world.profile import OssMode
from alicloud_emulator.world.recent import Recent

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

STORAGE_CLASSES = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")
BUCKET_ACLS = ("private", "public-read", "public-read-write")
OBJECT_ACLS = ("default", *BUCKET_ACLS)
BUCKET_TAGS_MAX = 20
OBJECT_TAGS_MAX = 10
# What PutBucket says of a new bucket's configurations, as if it had been put apart.
_RESOURCE_GROUP = (
    "<BucketResourceGroupConfiguration><ResourceGroupId>%s</ResourceGroupId>"
    "</BucketResourceGroupConfiguration>"
)
_CLOSED = (
    "<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess>"
    "</PublicAccessBlockConfiguration>"
)
_ANONYMOUS = "Anonymous access is forbidden for this operation."
_ANONYMOUS_EC = "0003-00001201"
_HELD_EC = "0015-00000103"
_HELD_MAX = 10_000
"""Names of deleted buckets remembered: a few MB."""
_OTHER_CLASS = "Cannot modify existing bucket's storage class."
_OTHER_REDUNDANCY = "Bucket already exists can't modify data redundancy type."
OBJECT_TAG_CHARACTER = r"[\w +\-=._:/]"

# 3 to 63 letters in lower case, digits and dashes, with no dash at either end.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class BucketStat:
    """What a bucket holds, by storage class: GetBucketStat.

    Attributes:
        modified_at: Unix time in seconds of the newest object, 0 when empty.
    """

    size_bytes: int
    objects: int
    uploads: int
    parts: int
    modified_at: float
    by_class: dict[str, tuple[int, int]]
    delete_markers: int


class Buckets:
    """Operations on buckets themselves."""

    def __init__(self, world: "World", table: KeyTable[Bucket], gate: Gate) -> None:
        self._world = world
        self._table = table
        self._gate = gate
        self._held_until: Recent[str, float] = Recent(_HELD_MAX)

    def put(
        self,
        visit: Visit,
        name: str,
        *,
        acl: str = "",
        storage_class: str = "",
        redundancy: str = "",
        resource_group: str = "",
        tags: dict[str, str] | None = None,
        encryption: Encryption | None = None,
        location: str = "",
    ) -> Bucket:
        """Make a bucket; repeating it as its owner changes only the ACL.

        Raises:
            ServiceError: InvalidBucketName, BucketAlreadyExists (somebody's, held after
                its deletion, or other than asked for), InvalidLocationConstraint,
                TooManyBuckets, ForbidCreateNewBucket, AccessDenied...
        """
        now = self._world.agenda.catch_up()
        region = self._gate.region(visit)
        if visit.caller is None:
            raise refusal("AccessDenied", _ANONYMOUS, ec=_ANONYMOUS_EC)
        owner = visit.caller.account_id
        check_bucket_name(name)
        resource = f"acs:oss:oss-{region.id}:{owner}:{name}"
        self._gate.authorize(visit, "PutBucket", resource)
        if location not in ("", f"oss-{region.id}"):
            raise refusal("InvalidLocationConstraint")
        check_choice("x-oss-acl", acl, BUCKET_ACLS)
        check_tags(tags or {}, BUCKET_TAGS_MAX)
        check_choice("StorageClass", storage_class, STORAGE_CLASSES)
        check_choice("DataRedundancyType", redundancy, ("LRS", "ZRS"))
        bucket = self._table.get(name)
        if bucket is not None:
            _check_repeat(bucket, owner, region.id, storage_class, redundancy)
            bucket.acl = self._allowed_acl(bucket, acl or bucket.acl)
            return bucket
        if region.oss is not OssMode.OPEN:
            raise refusal("ForbidCreateNewBucket", BucketName=name)
        self._check_held(name, now)
        limit = self._world.profile.limits.buckets_per_region
        ours = [b for b in self._table.values() if b.owner == owner]
        if limit and sum(b.region == region.id for b in ours) >= limit:
            raise refusal("TooManyBuckets", BucketName=name)
        bucket = Bucket(
            name=name,
            owner=owner,
            region=region.id,
            created_at=now,
            storage_class=storage_class or "Standard",
            redundancy=redundancy or "LRS",
            tags=dict(tags or {}),
        )
        if resource_group:
            bucket.settings["resourceGroup"] = _RESOURCE_GROUP % escape(
                resource_group, quote=False
            )
        if self._gate.account(owner).oss_block_public:
            bucket.settings["publicAccessBlock"] = _CLOSED
        if encryption is not None:
            bucket.settings["encryption"] = rule_of(encryption)
        bucket.acl = self._allowed_acl(bucket, acl or "private")
        self._table[name] = bucket
        return bucket

    def delete(self, visit: Visit, name: str) -> None:
        """Remove an empty bucket.

        Raises:
            ServiceError: NoSuchBucket, BucketNotEmpty (objects or uploads), ...
        """
        bucket = self._gate.enter(visit, name, "DeleteBucket")
        if len(bucket.objects) or len(bucket.history):
            raise refusal("BucketNotEmpty", BucketName=name)
        if bucket.uploads:
            message = "The bucket you tried to delete is not empty."
            raise refusal("BucketNotEmpty", message, BucketName=name)
        self._table.pop(name)
        held_s = self._world.profile.habits.bucket_name_held_s
        if held_s:
            self._held_until[name] = self._world.agenda.now + held_s

    def list(
        self,
        visit: Visit,
        *,
        prefix: str = "",
        marker: str = "",
        size: int = 100,
        tags: Mapping[str, str | None] | None = None,
        resource_group: str = "",
    ) -> tuple[list[Bucket], Page]:
        """Return a page of the caller's buckets, of all regions, by name.

        Args:
            visit: The call.
            prefix: Only names that begin so.
            marker: Only names after this one.
            size: Of the page.
            tags: Only buckets with all of these tags; None stands for any value.
            resource_group: Only buckets of this group.

        Raises:
            ServiceError: AccessDenied.
        """
        self._world.agenda.catch_up()
        if visit.region:
            self._gate.region(visit)
        if visit.caller is None:
            raise refusal("AccessDenied", _ANONYMOUS, ec=_ANONYMOUS_EC)
        owner = visit.caller.account_id
        self._gate.authorize(visit, "ListBuckets", f"acs:oss:*:{owner}:*")
        ours: KeyTable[Bucket] = KeyTable()
        for bucket in self._world.past.buckets(self._table.values()):
            tagged = all(
                key in bucket.tags and value in (None, bucket.tags[key])
                for key, value in (tags or {}).items()
            )
            grouped = resource_group in ("", bucket.resource_group)
            if bucket.owner == owner and tagged and grouped:
                ours[bucket.name] = bucket
        page = page_of_keys(ours, prefix=prefix, delimiter="", after=marker, size=size)
        return [ours[name] for name in page.keys], page

    def get(self, visit: Visit, name: str, action: str = "GetBucketInfo") -> Bucket:
        """Return a bucket to be looked at, under the RAM action ``action``."""
        return self._gate.enter(visit, name, action)

    def peek(self, name: str) -> Bucket | None:
        """Return anybody's bucket of that name, without asking who looks."""
        return self._table.get(name)

    def exists(self, name: str) -> bool:
        """Whether anybody has a bucket of that name."""
        return self.peek(name) is not None

    def stat(self, visit: Visit, name: str) -> BucketStat:
        """Return what a bucket holds."""
        bucket = self._gate.enter(visit, name, "GetBucketStat")
        kept: list[versions.Version] = [*bucket.objects.values()]
        if bucket.versioning:
            kept = [one for history in bucket.history.values() for one in history]
        stored = [one for one in kept if isinstance(one, StoredObject)]
        by_class: dict[str, tuple[int, int]] = {}
        for one in stored:
            size, number = by_class.get(one.storage_class, (0, 0))
            by_class[one.storage_class] = size + one.blob.size, number + 1
        return BucketStat(
            size_bytes=sum(one.blob.size for one in stored),
            objects=len(stored),
            uploads=len(bucket.uploads),
            parts=sum(len(upload.parts) for upload in bucket.uploads.values()),
            modified_at=max((one.modified_at for one in stored), default=0.0),
            by_class=by_class,
            delete_markers=len(kept) - len(stored),
        )

    def put_acl(self, visit: Visit, name: str, acl: str) -> None:
        """Change a bucket's ACL; as in life, a bucket that is not there is made.

        Raises:
            ServiceError: InvalidArgument; AccessDenied for a public ACL while public
                access is blocked.
        """
        if not acl:
            raise refusal("MissingArgument", ArgumentName="x-oss-acl")
        check_choice("x-oss-acl", acl, BUCKET_ACLS)
        if self._table.get(name) is None:
            self.put(visit, name, acl=acl)
            return
        bucket = self._gate.enter(visit, name, "PutBucketAcl")
        bucket.acl = self._allowed_acl(bucket, acl)

    def is_policy_public(self, visit: Visit, name: str) -> bool:
        """Whether the bucket's policy allows anything to everybody."""
        bucket = self._gate.enter(visit, name, "GetBucketPolicyStatus")
        return policies.is_public(bucket.settings.get("policy", ""))

    def put_versioning(self, visit: Visit, name: str, status: str) -> None:
        """Begin, suspend or resume to keep versions.

        Raises:
            ServiceError: MalformedXML: neither ``Enabled`` nor ``Suspended``.
        """
        bucket = self._gate.enter(visit, name, "PutBucketVersioning")
        if status not in (versions.ENABLED, versions.SUSPENDED):
            raise refusal("MalformedXML")
        versions.switch(bucket, status)

    def put_tags(self, visit: Visit, name: str, tags: dict[str, str]) -> None:
        """Replace a bucket's tags.

        Raises:
            ServiceError: InvalidTag: too many, or a bad key or value.
        """
        bucket = self._gate.enter(visit, name, "PutBucketTagging")
        check_tags(tags, BUCKET_TAGS_MAX)
        bucket.tags = dict(tags)

    def delete_tags(self, visit: Visit, name: str, keys: tuple[str, ...]) -> None:
        """Remove the named tags, or all if none is named."""
        bucket = self._gate.enter(visit, name, "DeleteBucketTagging")
        for key in keys or tuple(bucket.tags):
            bucket.tags.pop(key, None)

    def _check_held(self, name: str, now: float) -> None:
        """Refuse a name that was deleted a short while ago.

        Source: https://help.aliyun.com/zh/oss/support/0015-00000103, which has the EC
        and the reason. NOTE a guess: the code and its status.
        """
        if now < self._held_until.get(name, 0.0):
            message = "The bucket is still in use and can not be created again."
            raise refusal("BucketAlreadyExists", message, ec=_HELD_EC, BucketName=name)
        self._held_until.pop(name, None)

    def _allowed_acl(self, bucket: Bucket, acl: str) -> str:
        if self._gate.blocks_public_access(bucket) and acl != "private":
            raise refusal(
                "AccessDenied",
                "Put public bucket acl is not allowed",
                ec=BLOCKED_EC,
                BucketName=bucket.name,
            )
        return acl


def _check_repeat(
    bucket: Bucket, owner: str, region: str, storage_class: str, redundancy: str
) -> None:
    """Refuse a bucket that is there, unless it is the caller's and as he wants it."""
    if bucket.owner != owner:
        raise refusal("BucketAlreadyExists", BucketName=bucket.name)
    if bucket.region != region:
        raise refusal("InvalidLocationConstraint", BucketName=bucket.name)
    for asked, there, message in (
        (storage_class, bucket.storage_class, _OTHER_CLASS),
        (redundancy, bucket.redundancy, _OTHER_REDUNDANCY),
    ):
        if asked not in ("", there):
            raise refusal("BucketAlreadyExists", message, ec="", BucketName=bucket.name)


def check_bucket_name(name: str) -> None:
    """Refuse a name that no bucket can have.

    Raises:
        ServiceError: InvalidBucketName.
    """
    if not _NAME.fullmatch(name):
        raise refusal("InvalidBucketName", BucketName=name[:64])


def check_tags(tags: dict[str, str], number_max: int, allowed: str = ".") -> None:
    """Refuse too many tags, or keys and values out of bounds.

    Args:
        tags: Values by key.
        number_max: How many there may be.
        allowed: Pattern that each character must match.

    Raises:
        ServiceError: InvalidTag.
    """
    key, value = (re.compile(f"(?s:{allowed}){{{n}}}") for n in ("1,128", "0,256"))
    if len(tags) > number_max or not all(map(key.fullmatch, tags)):
        raise refusal("InvalidTag")
    if not all(map(value.fullmatch, tags.values())):
        raise refusal("InvalidTag", "The TagValue you have provided is invalid.")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a value that is neither "" nor one of ``choices``.

    Raises:
        ServiceError: InvalidArgument.
    """
    if value and value not in choices:
        raise refusal(
            "InvalidArgument",
            f"no such {name} exists",
            ArgumentName=name,
            ArgumentValue=value[:64],
        )
