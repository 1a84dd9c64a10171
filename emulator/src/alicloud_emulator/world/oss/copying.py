"""Copies, appends and symbolic links."""

import hashlib
from typing import TYPE_CHECKING

from alicloud_emulator.world.blobs import Blob, JoinedBlob, MemoryBlob
from alicloud_emulator.world.oss.conditions import NO_CONDITIONS, Conditions
from alicloud_emulator.world.oss.gate import Gate, Need, check_key
from alicloud_emulator.world.oss.objects import Objects, check_md5, check_size
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import (
    Attributes,
    Bucket,
    ObjectKind,
    StoredObject,
    Visit,
)

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

_STAYING = ("content-type",)

# Whoever replaces metadata cannot have meant to lose the key of the bytes.
_SEALED = "client-side-encryption-"

_ELSEWHERE = "Target object does not reside in the same data center as source object."
"""[aliyun-oss-java-sdk's tests, which run against the service]"""

_COPY_BYTES_MAX = 1024**3
"""Larger objects are copied in parts. [CopyObject's and UploadPartCopy's reference]"""


class Copying:
    """Operations that make objects out of objects."""

    def __init__(self, world: "World", gate: Gate, objects: Objects) -> None:
        self._world = world
        self._gate = gate
        self._objects = objects

    def source(
        self, visit: Visit, name: str, key: str, conditions: Conditions = NO_CONDITIONS
    ) -> StoredObject:
        """Return the object that a copy reads, which must be of the host's region.

        Raises:
            ServiceError: NoSuchKey, AccessDenied, PreconditionFailed, NotModified...
        """
        if self._gate.is_elsewhere(visit, name):
            raise refusal("AccessDenied", _ELSEWHERE, ec="")
        return self._objects.read(visit, name, key, conditions=conditions)

    def copy(
        self,
        visit: Visit,
        name: str,
        key: str,
        *,
        source: StoredObject,
        attributes: Attributes,
        onto_itself: bool = False,
        replace_metadata: bool = False,
        replace_tags: bool = False,
    ) -> StoredObject:
        """Make a copy of an object; the bytes are shared, not copied.

        Args:
            visit: The call.
            name: The destination's bucket.
            key: The destination's key.
            source: What ``source`` returned.
            attributes: Of the copy.
            onto_itself: Source and destination are one, which is how metadata is
                changed: any in ``attributes`` replaces the source's then.
            replace_metadata: Take headers and metadata from ``attributes``, not from
                the source.
            replace_tags: Take the tags from ``attributes``.

        Raises:
            ServiceError: As ``Objects.put``.
        """
        if not onto_itself:
            check_size(source.blob.size, _COPY_BYTES_MAX)
        changes = bool(attributes.headers or attributes.meta)
        replace = replace_metadata or (onto_itself and changes)
        headers, meta = dict(source.headers), dict(source.meta)
        if replace:
            sealed = {k: v for k, v in meta.items() if k.startswith(_SEALED)}
            meta = {**sealed, **attributes.meta}
            # What is replaced keeps its type all the same, unless another is given.
            kept = {name: headers[name] for name in _STAYING if name in headers}
            headers = {**kept, **attributes.headers}
        wanted = Attributes(
            headers=headers,
            meta=meta,
            tags=attributes.tags if replace_tags else source.tags,
            acl=attributes.acl,
            storage_class=attributes.storage_class,
            forbid_overwrite=attributes.forbid_overwrite,
            encryption=attributes.encryption,
        )
        bucket = self._objects.check_put(visit, name, key, wanted)
        return self._objects.store(
            bucket, key, source.blob, etag=source.etag, attributes=wanted
        )

    def check_append(
        self, visit: Visit, name: str, key: str, position: int, attributes: Attributes
    ) -> tuple[Bucket, StoredObject | None]:
        """Say whether ``append`` would be let in, before its bytes are taken in.

        Raises:
            ServiceError: As ``append``.
        """
        bucket = self._gate.enter(visit, name, "PutObject", key=key, need=Need.WRITE)
        stored = bucket.objects.get(key)
        if stored is None:
            # What comes with later appends is not even looked at.
            self._objects.check_put(visit, name, key, attributes)
        elif stored.kind is not ObjectKind.APPENDABLE:
            raise refusal("ObjectNotAppendable", Key=key)
        elif stored.sealed_at:
            raise refusal("FileImmutable", Key=key)
        length = 0 if stored is None else stored.blob.size
        if position != length:
            next_position = {"x-oss-next-append-position": str(length)}
            raise refusal("PositionNotEqualToLength", **next_position)
        return bucket, stored

    def append(
        self,
        visit: Visit,
        name: str,
        key: str,
        blob: Blob,
        *,
        position: int,
        attributes: Attributes | None = None,
        content_md5: str = "",
    ) -> StoredObject:
        """Add bytes to the end of an appendable object, or begin one.

        Raises:
            ServiceError: ObjectNotAppendable, PositionNotEqualToLength (with the
                header ``x-oss-next-append-position``), FileImmutable (sealed), and
                as ``Objects.put``.
        """
        attributes = attributes or Attributes()
        bucket, old = self.check_append(visit, name, key, position, attributes)
        check_size(blob.size + (0 if old is None else old.blob.size))
        check_md5(blob.md5, content_md5)
        whole = JoinedBlob(blob) if old is None else JoinedBlob(old.blob, blob)
        etag = _made_up_etag(f"{key}:{whole.crc64}:{whole.size}")
        if old is None:
            return self._objects.store(
                bucket,
                key,
                whole,
                etag=etag,
                attributes=attributes,
                kind=ObjectKind.APPENDABLE,
            )
        old.blob, old.etag, old.modified_at = whole, etag, self._world.agenda.now
        return old

    def seal(self, visit: Visit, name: str, key: str, position: int) -> StoredObject:
        """Let an appendable object take no more.

        Raises:
            ServiceError: NoSuchKey, ObjectNotAppendable, PositionNotEqualToLength...
        """
        bucket = self._gate.enter(visit, name, "SealAppendObject", key=key)
        stored = bucket.objects.get(key)
        if stored is None:
            raise refusal("NoSuchKey", Key=key)
        self.check_append(visit, name, key, position, Attributes())
        stored.sealed_at = self._world.agenda.now
        return stored

    def link(
        self,
        visit: Visit,
        name: str,
        key: str,
        *,
        target: str,
        attributes: Attributes | None = None,
    ) -> StoredObject:
        """Make a symbolic link; its target need not exist.

        Raises:
            ServiceError: InvalidArgument (no target), and as ``Objects.put``.
        """
        attributes = attributes or Attributes()
        bucket = self._objects.check_put(visit, name, key, attributes)
        if not target:
            raise refusal("MissingArgument", ArgumentName="x-oss-symlink-target")
        check_key(target)
        return self._objects.store(
            bucket,
            key,
            MemoryBlob(b""),
            etag=_made_up_etag(f"{key}:{target}"),
            attributes=attributes,
            kind=ObjectKind.SYMLINK,
            target=target,
        )

    def get_link(self, visit: Visit, name: str, key: str) -> StoredObject:
        """Return a symbolic link itself.

        Raises:
            ServiceError: NotSymlink, NoSuchKey...
        """
        stored = self._objects.find(visit, name, key)
        if stored.kind is not ObjectKind.SYMLINK:
            raise refusal("NotSymlink", Key=key)
        return stored


def _made_up_etag(text: str) -> str:
    """Return an ETag that changes with ``text``; in life it is no MD5 either."""
    digest = hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False)
    return digest.hexdigest().upper()
