"""Putting, reading and deleting objects."""

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss import encryption, versions
from alicloud_emulator.world.oss.buckets import (
    OBJECT_ACLS,
    OBJECT_TAG_CHARACTER,
    OBJECT_TAGS_MAX,
    STORAGE_CLASSES,
    check_choice,
    check_tags,
)
from alicloud_emulator.world.oss.conditions import NO_CONDITIONS, Conditions
from alicloud_emulator.world.oss.gate import Gate, Need
from alicloud_emulator.world.oss.listing import Page, page_of_keys
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import (
    Attributes,
    Bucket,
    ObjectKind,
    StoredObject,
    Visit,
)
from alicloud_emulator.world.oss.versions import Deleted, VersionsPage

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

PUT_BYTES_MAX = 5 * 1024**3
META_BYTES_MAX = 8 * 1024
DELETED_AT_ONCE_MAX = 1000
_META_NAME = re.compile(r"[a-z0-9-]+", re.IGNORECASE)


class Objects:
    """Operations on whole objects."""

    def __init__(self, world: "World", gate: Gate) -> None:
        self._world = world
        self._gate = gate

    def check_put(
        self, visit: Visit, name: str, key: str, attributes: Attributes
    ) -> Bucket:
        """Say whether ``put`` would be let in, before its bytes are taken in.

        Raises:
            ServiceError: As ``put``.
        """
        need = Need.WRITE
        bucket = self._gate.enter(visit, name, "PutObject", key=key, need=need)
        check_attributes(attributes)
        if attributes.tags:
            self._gate.enter(visit, name, "PutObjectTagging", key=key, need=need)
        check_overwrite(bucket, key, attributes)
        return bucket

    def put(
        self,
        visit: Visit,
        name: str,
        key: str,
        blob: Blob,
        attributes: Attributes | None = None,
        *,
        content_md5: str = "",
    ) -> StoredObject:
        """Store an object, in place of what was there.

        Args:
            visit: The call.
            name: The bucket's name.
            key: The object's key.
            blob: Its bytes.
            attributes: What else to keep.
            content_md5: MD5 in base64 that the bytes must have, or "".

        Raises:
            ServiceError: InvalidDigest, EntityTooLarge, FileAlreadyExists,
                NoSuchBucket, AccessDenied, PublicEndpointForbidden...
        """
        attributes = attributes or Attributes()
        bucket = self.check_put(visit, name, key, attributes)
        check_size(blob.size)
        check_md5(blob.md5, content_md5)
        etag = blob.md5.hex().upper()
        return self.store(bucket, key, blob, etag=etag, attributes=attributes)

    def store(
        self,
        bucket: Bucket,
        key: str,
        blob: Blob,
        *,
        etag: str,
        attributes: Attributes,
        kind: ObjectKind = ObjectKind.NORMAL,
        target: str = "",
    ) -> StoredObject:
        """Put an object into a bucket; every check has been made."""
        stored = StoredObject(
            key=key,
            blob=blob,
            etag=etag,
            modified_at=self._world.agenda.now,
            kind=kind,
            storage_class=attributes.storage_class or bucket.storage_class,
            headers=dict(attributes.headers),
            meta=dict(attributes.meta),
            tags=dict(attributes.tags),
            acl=attributes.acl,
            target=target,
            encryption=encryption.of_object(attributes.encryption, bucket),
        )
        versions.add(bucket, stored, self._new_version_id())
        return stored

    def _new_version_id(self) -> str:
        return f"CAEQ{self._world.rng.getrandbits(240):060x}"

    def find(
        self,
        visit: Visit,
        name: str,
        key: str,
        action: str = "GetObject",
        *,
        need: Need = Need.READ,
        conditions: Conditions = NO_CONDITIONS,
    ) -> StoredObject:
        """Return an object, a symbolic link as itself.

        Raises:
            ServiceError: NoSuchKey, NoSuchVersion, PreconditionFailed, NotModified...
        """
        bucket = self._gate.enter(visit, name, action, key=key, need=need)
        stored = versions.find(bucket, key, visit.version_id)
        conditions.check(stored)
        return stored

    def read(
        self,
        visit: Visit,
        name: str,
        key: str,
        *,
        conditions: Conditions = NO_CONDITIONS,
    ) -> StoredObject:
        """Return the object whose bytes a reader gets, links followed.

        Raises:
            ServiceError: NoSuchKey, SymlinkTargetNotExist, InvalidTargetType,
                InvalidObjectState (archived and not restored), ...
        """
        stored = self.find(visit, name, key, conditions=conditions)
        if stored.kind is ObjectKind.SYMLINK:
            stored = self.target(visit, name, stored)
        if not stored.is_awake(self._world.agenda.now):
            raise refusal("InvalidObjectState", Key=key)
        stored.read_at = self._world.agenda.now
        return stored

    def target(self, visit: Visit, name: str, link: StoredObject) -> StoredObject:
        """Return the object that a symbolic link leads to.

        Raises:
            ServiceError: SymlinkTargetNotExist, InvalidTargetType.
        """
        bucket = self._gate.find(visit, name)
        stored = bucket.objects.get(link.target)
        if stored is None:
            raise refusal("SymlinkTargetNotExist", Key=link.target)
        if stored.kind is ObjectKind.SYMLINK:
            raise refusal("InvalidTargetType", Key=link.target)
        return stored

    def delete(self, visit: Visit, name: str, key: str) -> Deleted:
        """Delete an object or a version; one that is not there is as good as deleted."""
        need = Need.WRITE
        bucket = self._gate.enter(visit, name, "DeleteObject", key=key, need=need)
        if visit.version_id is not None:
            return versions.drop(bucket, key, visit.version_id)
        now = self._world.agenda.now
        return versions.hide(bucket, key, self._new_version_id(), now)

    def check_delete_many(self, visit: Visit, name: str) -> None:
        """Say whether ``delete_many`` would be let in, before its body is read.

        Raises:
            ServiceError: NoSuchBucket, PublicEndpointForbidden...
        """
        self._gate.check_endpoint(visit, self._gate.find(visit, name))

    def delete_many(
        self, visit: Visit, name: str, wanted: Sequence[tuple[str, str | None]]
    ) -> list[Deleted]:
        """Delete up to 1000 objects; return those that the caller could delete.

        Args:
            visit: The call.
            name: The bucket's name.
            wanted: Keys, each with a version or None.

        Raises:
            ServiceError: MalformedXML (no keys, or too many), AccessDenied if not a
                single one was allowed, ...
        """
        self.check_delete_many(visit, name)
        if not 1 <= len(wanted) <= DELETED_AT_ONCE_MAX:
            raise refusal("MalformedXML")
        for _, version_id in wanted:
            if version_id is not None:
                versions.check_id(version_id)
        deleted = []
        denied: ServiceError | None = None
        for key, version_id in wanted:
            try:
                gone = self.delete(replace(visit, version_id=version_id), name, key)
            except ServiceError as error:
                if error.code != "AccessDenied":
                    raise
                denied = error
            else:
                deleted.append(gone)
        if denied is not None and not deleted:
            raise denied
        return deleted

    def list(
        self,
        visit: Visit,
        name: str,
        *,
        prefix: str,
        delimiter: str,
        after: str,
        size: int,
        action: str = "ListObjects",
    ) -> tuple[list[StoredObject], Page]:
        """Return a page of a bucket's objects in the order of their keys."""
        bucket = self._gate.enter(visit, name, action, need=Need.READ)
        page = page_of_keys(
            bucket.objects, prefix=prefix, delimiter=delimiter, after=after, size=size
        )
        return [bucket.objects[key] for key in page.keys], page

    def versions(
        self,
        visit: Visit,
        name: str,
        *,
        prefix: str,
        delimiter: str,
        key_marker: str,
        version_id_marker: str,
        size: int,
    ) -> VersionsPage:
        """Return a page of every version of a bucket's objects.

        Raises:
            ServiceError: InvalidArgument: a version's marker without a key's...
        """
        action = "ListObjectVersions"
        bucket = self._gate.enter(visit, name, action, need=Need.READ)
        if version_id_marker and not key_marker:
            raise refusal(
                "InvalidArgument",
                "A version-id marker cannot be specified without a key marker.",
                ArgumentName="version-id-marker",
                ArgumentValue=version_id_marker[:64],
            )
        return versions.page(
            bucket,
            prefix=prefix,
            delimiter=delimiter,
            key_marker=key_marker,
            version_id_marker=version_id_marker,
            size=size,
        )


def check_attributes(attributes: Attributes) -> None:
    """Refuse attributes that no object can have.

    Raises:
        ServiceError: InvalidArgument, InvalidTag, InvalidStorageClass.
    """
    check_choice("x-oss-object-acl", attributes.acl, OBJECT_ACLS)
    check_tags(dict(attributes.tags), OBJECT_TAGS_MAX, OBJECT_TAG_CHARACTER)
    if attributes.storage_class and attributes.storage_class not in STORAGE_CLASSES:
        raise refusal("InvalidStorageClass")
    if not all(map(_META_NAME.fullmatch, attributes.meta)):
        refused = refusal(
            "InvalidArgument", "The user metadata's name has invalid characters."
        )
        refused.ec = "0011-00000004"
        raise refused
    if sum(len(k) + len(v) for k, v in attributes.meta.items()) > META_BYTES_MAX:
        raise refusal("InvalidArgument", "The user metadata is larger than 8 KB.")


def check_overwrite(bucket: Bucket, key: str, attributes: Attributes) -> None:
    """Honour ``x-oss-forbid-overwrite``, which says nothing where versions are kept.

    Source: https://www.alibabacloud.com/help/en/oss/developer-reference/putobject

    Raises:
        ServiceError: FileAlreadyExists.
    """
    exists = not bucket.versioning and bucket.objects.get(key) is not None
    if attributes.forbid_overwrite and exists:
        raise refusal("FileAlreadyExists", Key=key)


def check_size(size: int, most: int = PUT_BYTES_MAX) -> None:
    """Refuse more bytes than one request may bring.

    Raises:
        ServiceError: EntityTooLarge.
    """
    if size > most:
        raise refusal(
            "EntityTooLarge", MaxSizeAllowed=str(most), ProposedSize=str(size)
        )


def check_md5(md5: bytes, content_md5: str) -> None:
    """Compare an MD5 with the announced one in base64, if one was announced.

    Raises:
        ServiceError: InvalidDigest: malformed, or of other bytes.
    """
    if not content_md5:
        return
    try:
        announced = b64decode(content_md5, validate=True)
    except (ValueError, binascii.Error):
        announced = b""
    if announced != md5:
        raise refusal("InvalidDigest")
