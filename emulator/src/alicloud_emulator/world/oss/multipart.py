"""Uploads in parts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alicloud_emulator.world.blobs import Blob, JoinedBlob
from alicloud_emulator.world.oss import encryption
from alicloud_emulator.world.oss.buckets import OBJECT_ACLS, check_choice
from alicloud_emulator.world.oss.gate import Gate, Need
from alicloud_emulator.world.oss.objects import (
    Objects,
    check_attributes,
    check_md5,
    check_overwrite,
    check_size,
)
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import (
    Attributes,
    ObjectKind,
    Part,
    StoredObject,
    Upload,
    Visit,
)

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

PART_NUMBER_MAX = 10_000
PART_BYTES_MIN = 100 * 1024


@dataclass(kw_only=True)
class UploadsPage:
    """One page of unfinished uploads; the markers are the last entry's."""

    uploads: list[Upload] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    next_key_marker: str = ""
    next_upload_id_marker: str = ""
    truncated: bool = False


class Uploads:
    """Operations on uploads in parts."""

    def __init__(self, world: "World", gate: Gate, objects: Objects) -> None:
        self._world = world
        self._gate = gate
        self._objects = objects

    def initiate(
        self,
        visit: Visit,
        name: str,
        key: str,
        attributes: Attributes | None = None,
        *,
        sequential: bool = False,
    ) -> Upload:
        """Begin an upload; every call begins another one."""
        attributes = attributes or Attributes()
        bucket = self._objects.check_put(visit, name, key, attributes)
        upload = Upload(
            id=f"{self._world.rng.getrandbits(128):032X}",
            key=key,
            started_at=self._world.agenda.now,
            attributes=replace(
                attributes,
                encryption=encryption.of_object(attributes.encryption, bucket),
            ),
            sequential=sequential,
        )
        bucket.uploads[upload.id] = upload
        return upload

    def find(
        self,
        visit: Visit,
        name: str,
        key: str,
        upload_id: str,
        action: str = "PutObject",
    ) -> Upload:
        """Return an upload that the call may use.

        Raises:
            ServiceError: NoSuchUpload, ...
        """
        bucket = self._gate.enter(visit, name, action, key=key, need=Need.WRITE)
        upload = bucket.uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise refusal("NoSuchUpload", UploadId=upload_id[:64])
        return upload

    def put_part(
        self,
        visit: Visit,
        name: str,
        key: str,
        upload_id: str,
        *,
        number: int,
        blob: Blob,
        content_md5: str = "",
    ) -> Part:
        """Store a part, in place of an earlier one of the same number.

        Raises:
            ServiceError: NoSuchUpload, InvalidArgument (the number), InvalidDigest,
                EntityTooLarge, PartNotSequential, ...
        """
        check_part_number(number)
        upload = self.find(visit, name, key, upload_id)
        last = max(upload.parts, default=0)
        if upload.sequential and number not in (last, last + 1):
            raise refusal("PartNotSequential", PartNumber=str(number))
        check_size(blob.size)
        check_md5(blob.md5, content_md5)
        part = Part(
            number=number,
            blob=blob,
            etag=blob.md5.hex().upper(),
            modified_at=self._world.agenda.now,
        )
        upload.parts[number] = part
        return part

    def complete(
        self,
        visit: Visit,
        name: str,
        key: str,
        upload_id: str,
        parts: Sequence[tuple[int, str]] | None,
        *,
        acl: str = "",
        forbid_overwrite: bool = False,
    ) -> StoredObject:
        """Make an object of an upload's parts, without touching their bytes.

        Args:
            visit: The call.
            name: The bucket's name.
            key: The object's key.
            upload_id: The upload.
            parts: Number and ETag (quotes or not) of each part, in order; None takes
                every part there is.
            acl: ACL of the object, "" for the one given at the beginning.
            forbid_overwrite: Refuse to replace an object.

        Raises:
            ServiceError: NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall
                (a part before the last one under 100 KiB), MalformedXML (no parts),
                FileAlreadyExists, ...
        """
        upload = self.find(visit, name, key, upload_id)
        bucket = self._gate.find(visit, name)
        if parts is None:
            parts = [(n, upload.parts[n].etag) for n in sorted(upload.parts)]
        chosen = _chosen_parts(upload, parts)
        check_choice("x-oss-object-acl", acl, OBJECT_ACLS)
        begun = upload.attributes
        attributes = Attributes(
            headers=begun.headers,
            meta=begun.meta,
            tags=begun.tags,
            acl=acl or begun.acl,
            storage_class=begun.storage_class,
            forbid_overwrite=forbid_overwrite or begun.forbid_overwrite,
            encryption=begun.encryption,
        )
        check_attributes(attributes)
        check_overwrite(bucket, key, attributes)
        stored = self._objects.store(
            bucket,
            key,
            JoinedBlob(*(part.blob for part in chosen)),
            etag=_etag(chosen),
            attributes=attributes,
            kind=ObjectKind.MULTIPART,
        )
        del bucket.uploads[upload_id]
        return stored

    def abort(self, visit: Visit, name: str, key: str, upload_id: str) -> None:
        """Forget an upload and its parts.

        Raises:
            ServiceError: NoSuchUpload, ...
        """
        self.find(visit, name, key, upload_id, "AbortMultipartUpload")
        del self._gate.find(visit, name).uploads[upload_id]

    def parts(
        self,
        visit: Visit,
        name: str,
        key: str,
        upload_id: str,
        *,
        after: int = 0,
        size: int = 1000,
    ) -> tuple[Upload, list[Part], bool]:
        """Return an upload, a page of its parts by number, and whether more follow."""
        upload = self.find(visit, name, key, upload_id, "ListParts")
        rest = sorted(number for number in upload.parts if number > after)
        return upload, [upload.parts[n] for n in rest[:size]], len(rest) > size

    def list(
        self,
        visit: Visit,
        name: str,
        *,
        prefix: str = "",
        delimiter: str = "",
        key_marker: str = "",
        upload_id_marker: str = "",
        size: int = 1000,
    ) -> UploadsPage:
        """Return a page of unfinished uploads by key, then by id."""
        bucket = self._gate.enter(visit, name, "ListMultipartUploads")
        page = UploadsPage()
        for upload in sorted(bucket.uploads.values(), key=lambda u: (u.key, u.id)):
            at = upload.key.find(delimiter, len(prefix)) if delimiter else -1
            rolled = upload.key[: at + len(delimiter)] if at >= 0 else ""
            if (
                not upload.key.startswith(prefix)
                or rolled in page.prefixes
                or not _after_marker(upload, rolled, key_marker, upload_id_marker)
            ):
                continue
            if len(page.uploads) + len(page.prefixes) >= size:
                page.truncated = size > 0
                return page
            page.next_key_marker = rolled or upload.key
            page.next_upload_id_marker = "" if rolled else upload.id
            if rolled:
                page.prefixes.append(rolled)
            else:
                page.uploads.append(upload)
        return page


def check_part_number(number: int) -> None:
    """Refuse a part number out of bounds.

    Raises:
        ServiceError: InvalidArgument.
    """
    if not 1 <= number <= PART_NUMBER_MAX:
        raise refusal(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive.",
            ArgumentName="partNumber",
            ArgumentValue=str(number)[:64],
        )


def _after_marker(upload: Upload, rolled: str, key_marker: str, id_marker: str) -> bool:
    if not key_marker:
        return True
    if rolled:
        return rolled > key_marker
    # Without an id the marker means: behind every upload of that key.
    if upload.key == key_marker and id_marker:
        return upload.id > id_marker
    return upload.key > key_marker


def _chosen_parts(upload: Upload, wanted: Sequence[tuple[int, str]]) -> list[Part]:
    if not wanted:
        raise refusal("MalformedXML")
    chosen: list[Part] = []
    for number, etag in wanted:
        part = upload.parts.get(number)
        if part is None or part.etag != etag.strip().strip('"').upper():
            raise refusal("InvalidPart", PartNumber=str(number), UploadId=upload.id)
        if chosen and number <= chosen[-1].number:
            raise refusal("InvalidPartOrder", UploadId=upload.id)
        chosen.append(part)
    for part in chosen[:-1]:
        if part.blob.size < PART_BYTES_MIN:
            raise refusal(
                "EntityTooSmall",
                MinSizeAllowed=str(PART_BYTES_MIN),
                PartNumber=str(part.number),
                ProposedSize=str(part.blob.size),
            )
    return chosen


def _etag(parts: Sequence[Part]) -> str:
    """Return the ETag of a joined object: MD5 of the parts' MD5s, and their number."""
    digests = b"".join(part.blob.md5 for part in parts)
    digest = hashlib.md5(digests, usedforsecurity=False).hexdigest()
    return f"{digest.upper()}-{len(parts)}"
