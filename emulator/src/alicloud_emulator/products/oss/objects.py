"""Operations on objects: put, get, head, delete."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

from alicloud_emulator.products.oss import (
    callbacks,
    encryption,
    pace,
    s3,
    websites,
    xml,
)
from alicloud_emulator.products.oss.call import (
    KEPT_HEADERS,
    META_PREFIX,
    Call,
    answer,
    encoded,
    etag_header,
    http_date,
    version_headers,
)
from alicloud_emulator.products.oss.downloads import (
    BlobBody,
    SqueezedBody,
    asked_range,
    is_squeezed,
)
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss import StoredObject
from alicloud_emulator.world.oss.objects import check_md5
from alicloud_emulator.world.oss.refusals import not_implemented, refusal
from alicloud_emulator.world.oss.values import Attributes, ObjectKind
from alicloud_emulator.world.oss.versions import Deleted

# A thousand keys of 1023 bytes, percent-encoded or escaped, and their elements.
_DELETE_BODY_BYTES_MAX = 8 * 1024 * 1024
_USUAL_TYPE = "application/octet-stream"
# Packages that public hosts do not hand out. [seen in life, 2024; NOTE the status is a
# guess, and so is that this is said before anything else]
_APK = ".apk"
# Of uploads. The first is in the reference of old; users of S3's clients saw the others
# refused in 2026, and use x-oss-forbid-overwrite.
_CONDITIONS_UNTAKEN = ("If-Modified-Since", "If-Match", "If-None-Match")
# Multipart objects have an MD5 if their parts were sent in order, ?sequential.
_WITH_MD5 = (ObjectKind.NORMAL, ObjectKind.MULTIPART)


async def put_object(call: Call) -> Response:
    """PutObject: permission first, then the bytes."""
    for header in _CONDITIONS_UNTAKEN:
        if call.header(header.lower()):
            raise not_implemented(Header=header)
    attributes = written_attributes(call)
    callback = callbacks.asked(call)
    objects = call.world.oss.objects
    objects.check_put(call.visit, call.bucket, call.key, attributes)
    blob = await call.receive()
    stored = objects.put(
        call.visit,
        call.bucket,
        call.key,
        blob,
        attributes,
        content_md5=call.header("content-md5"),
    )
    response = Response(headers=checksum_headers(stored))
    return await callback.made(call, stored, response) if callback else response


def written_attributes(call: Call) -> Attributes:
    """Return what the headers say about an object to be written, encryption included.

    Raises:
        ServiceError: InvalidArgument, InvalidTag, InvalidEncryptionAlgorithmError.
    """
    return replace(call.attributes(), encryption=encryption.asked(call))


def checksum_headers(stored: StoredObject) -> dict[str, str]:
    """Return ETag, CRC-64, encryption and, where it is known, MD5."""
    headers = {
        "ETag": etag_header(stored.etag),
        "x-oss-hash-crc64ecma": str(stored.blob.crc64),
        **encryption.headers(stored.encryption),
        **version_headers(stored.version_id),
    }
    if stored.blob.md5 and stored.kind in _WITH_MD5:
        headers["Content-MD5"] = xml.base64(stored.blob.md5)
    return headers


async def get_object(call: Call) -> Response:
    """GetObject: whole or a range, under conditions, headers overridden at wish.

    Of a website, what stands for the object where there is none.
    """
    try:
        return _got(call, websites.page(call))
    except ServiceError as error:
        if error.code != "NoSuchKey":
            raise
        if answer := websites.redirect(call):
            return answer
        if (shown := websites.error_page(call)) is None:
            raise
        key, status = shown
        response = _got(call, key)
        response.status = status
        return response


def _got(call: Call, key: str) -> Response:
    objects = call.world.oss.objects
    if key.lower().endswith(_APK) and not call.visit.internal:
        raise refusal("ApkDownloadForbidden")
    visit = call.versioned_visit
    link = objects.find(visit, call.bucket, key)
    stored = objects.read(visit, call.bucket, key, conditions=call.conditions())
    headers = described(call, stored, link)
    for name in KEPT_HEADERS:
        if wanted := call.param(f"response-{name}"):
            headers[name.title()] = wanted
    wish = asked_range(
        call.header("range"),
        stored.blob.size,
        strict=call.header("x-oss-range-behavior") == "standard",
    )
    offset, length = wish or (0, stored.blob.size)
    body: AsyncIterator[bytes] = BlobBody(
        stored.blob, offset, length, call.request.faults
    )
    if call.rate:
        body = pace.paced(body, call.rate)
    if wish:
        total = stored.blob.size
        headers["Content-Range"] = f"bytes {offset}-{offset + length - 1}/{total}"
        headers.pop("Content-MD5", None)  # the CRC stays, and is the whole object's
    elif is_squeezed(call.header("accept-encoding"), headers, length):
        headers["Content-Encoding"] = "gzip"
        return Response(headers=headers, body=SqueezedBody(body))
    return Response(
        status=206 if wish else 200, headers=headers, body=body, content_length=length
    )


async def head_object(call: Call) -> Response:
    """HeadObject: a link shows its own metadata and its target's bytes."""
    objects = call.world.oss.objects
    link = objects.find(
        call.versioned_visit, call.bucket, call.key, conditions=call.conditions()
    )
    stored = link
    if link.kind is ObjectKind.SYMLINK:
        stored = objects.target(call.visit, call.bucket, link)
    headers = described(call, stored, link)
    return Response(headers=headers, content_length=stored.blob.size)


async def get_object_meta(call: Call) -> Response:
    """GetObjectMeta: size, ETag and time only."""
    stored = call.world.oss.objects.find(
        call.versioned_visit, call.bucket, call.key, conditions=call.conditions()
    )
    headers = {
        "ETag": etag_header(stored.etag),
        "Last-Modified": http_date(stored.modified_at),
        "x-oss-hash-crc64ecma": str(stored.blob.crc64),
        **version_headers(stored.version_id),
    }
    bucket = call.world.oss.gate.find(call.visit, call.bucket)
    if bucket.said("accessmonitor", "Status") == "Enabled":
        accessed_at = max(stored.modified_at, stored.read_at)
        headers["x-oss-last-access-time"] = http_date(accessed_at)
    return Response(headers=headers, content_length=stored.blob.size)


def described(call: Call, stored: StoredObject, named: StoredObject) -> dict[str, str]:
    """Return the headers that describe an object.

    Args:
        call: The call.
        stored: The object with the bytes.
        named: The object asked for: the same, or a link to it.
    """
    headers = {
        "Content-Type": named.headers.get("content-type", _USUAL_TYPE),
        "Accept-Ranges": "bytes",
        "Last-Modified": http_date(named.modified_at),
        "x-oss-object-type": named.kind,
        "x-oss-storage-class": named.storage_class,
        **checksum_headers(stored),
    }
    for name, value in named.headers.items():
        headers.setdefault(name.title(), value)
    for name, value in named.meta.items():
        headers[f"{META_PREFIX}{name}"] = value
    if named.tags:
        headers["x-oss-tagging-count"] = str(len(named.tags))
    if stored.kind is ObjectKind.APPENDABLE:
        headers["x-oss-next-append-position"] = str(stored.blob.size)
    if named.restoring_until:
        headers["x-oss-restore"] = _restore(call.world.agenda.now, named)
    if named.sealed_at:
        headers["x-oss-sealed-time"] = http_date(named.sealed_at)
    return headers


def _restore(now: float, stored: StoredObject) -> str:
    if now < stored.restoring_until:
        return 'ongoing-request="true"'
    expiry = http_date(stored.restored_until)
    return f'ongoing-request="false", expiry-date="{expiry}"'


async def delete_object(call: Call) -> Response:
    """DeleteObject."""
    gone = call.world.oss.objects.delete(call.versioned_visit, call.bucket, call.key)
    headers = version_headers(gone.version_id, marker=gone.marker)
    return Response(status=204, headers=headers)


async def delete_multiple_objects(call: Call) -> Response:
    """DeleteMultipleObjects: up to 1000 keys, told back unless quiet."""
    call.world.oss.objects.check_delete_many(call.visit, call.bucket)
    body = await call.request.body.read(_DELETE_BODY_BYTES_MAX)
    if call.header("content-md5"):
        md5 = hashlib.md5(body, usedforsecurity=False).digest()
        check_md5(md5, call.header("content-md5"))
    elif not call.request.checked:
        raise refusal("MissingArgument", "Missing Some Required Arguments.")
    wish = call.document(body, "Delete")
    encoding = call.param("encoding-type").lower()
    wanted = [
        (xml.text(one, "Key"), xml.text(one, "VersionId") or None)
        for one in wish.findall("Object")
    ]
    deleted = call.world.oss.objects.delete_many(call.visit, call.bucket, wanted)
    is_quiet = xml.text(wish, "Quiet").lower() == "true"
    if is_quiet and not s3.is_meant(call.request):
        return Response(headers={"Content-Type": "application/xml"})
    return answer(
        "DeleteResult",
        [
            ("EncodingType", encoding or None),
            *(_deleted(gone, encoding) for gone in deleted if not is_quiet),
        ],
    )


def _deleted(gone: Deleted, encoding: str) -> xml.Node:
    return (
        "Deleted",
        [
            ("Key", encoded(gone.key, encoding)),
            ("VersionId", gone.asked or None),
            ("DeleteMarker", True if gone.marker else None),
            ("DeleteMarkerVersionId", gone.version_id if gone.marker else None),
        ],
    )
