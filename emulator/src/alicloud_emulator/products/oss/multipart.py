"""Operations on uploads in parts."""

from urllib.parse import quote

from anyio import to_thread

from alicloud_emulator.products.oss import callbacks, encryption, xml
from alicloud_emulator.products.oss.call import (
    Call,
    answer,
    encoded,
    etag_header,
    iso_date,
    version_headers,
)
from alicloud_emulator.products.oss.downloads import asked_range
from alicloud_emulator.products.oss.objects import written_attributes
from alicloud_emulator.products.turn import turn
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.blobs import Blob, SliceBlob
from alicloud_emulator.world.oss import Bucket, Upload
from alicloud_emulator.world.oss.listing import page_size
from alicloud_emulator.world.oss.multipart import Uploads, check_part_number
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import Part

# Ten thousand parts, each with number and ETag.
_COMPLETE_BODY_BYTES_MAX = 4 * 1024 * 1024
_READ_AT_ONCE_BYTES = 64 * 1024
"""About 700 parts, which take some ten milliseconds to read."""

# Its checksums take some 30 ms.
_SLICE_BYTES_INLINE_MAX = 8 * 1024 * 1024


async def initiate(call: Call) -> Response:
    """InitiateMultipartUpload."""
    upload = call.world.oss.uploads.initiate(
        call.visit,
        call.bucket,
        call.key,
        written_attributes(call),
        sequential=call.has_param("sequential"),
    )
    encoding = call.param("encoding-type")
    response = answer(
        "InitiateMultipartUploadResult",
        [
            ("EncodingType", encoding or None),
            ("Bucket", call.bucket),
            ("Key", encoded(call.key, encoding)),
            ("UploadId", upload.id),
        ],
    )
    response.headers |= encryption.headers(upload.attributes.encryption)
    return response


async def upload_part(call: Call) -> Response:
    """UploadPart."""
    uploads, number, upload_id = _addressed(call)
    upload = uploads.find(call.visit, call.bucket, call.key, upload_id)
    encryption.refuse(call)
    blob = await call.receive()
    part = uploads.put_part(
        call.visit,
        call.bucket,
        call.key,
        upload_id,
        number=number,
        blob=blob,
        content_md5=call.header("content-md5"),
    )
    return Response(
        headers={
            "ETag": etag_header(part.etag),
            "Content-MD5": xml.base64(blob.md5),
            "x-oss-hash-crc64ecma": str(blob.crc64),
            **encryption.headers(upload.attributes.encryption),
        }
    )


async def upload_part_copy(call: Call) -> Response:
    """UploadPartCopy: a part that is a range of an object."""
    uploads, number, upload_id = _addressed(call)
    uploads.find(call.visit, call.bucket, call.key, upload_id)
    name, key, visit = call.source()
    source = call.world.oss.copying.source(
        visit, name, key, call.conditions("x-oss-copy-source-")
    )
    blob = await _slice(call, source.blob)
    part = uploads.put_part(
        call.visit, call.bucket, call.key, upload_id, number=number, blob=blob
    )
    response = answer(
        "CopyPartResult",
        [
            ("LastModified", iso_date(part.modified_at)),
            ("ETag", etag_header(part.etag)),
        ],
    )
    response.headers["ETag"] = etag_header(part.etag)
    if source.version_id:
        response.headers["x-oss-copy-source-version-id"] = source.version_id
    return response


async def _slice(call: Call, blob: Blob) -> Blob:
    header = call.header("x-oss-copy-source-range")
    wish = asked_range(header, blob.size, strict=True) if header else None
    offset, length = wish or (0, blob.size)
    if length == blob.size and blob.md5:
        return blob
    if length <= _SLICE_BYTES_INLINE_MAX:
        return SliceBlob(blob, offset, length)
    # Checksums of what may be gigabytes: not on the event loop, and one at a time, since
    # what comes next is often the same.
    async with turn():
        return await to_thread.run_sync(SliceBlob, blob, offset, length)


def _addressed(call: Call) -> tuple[Uploads, int, str]:
    number = call.number("partNumber")
    check_part_number(number)
    return call.world.oss.uploads, number, call.param("uploadId")


async def complete(call: Call) -> Response:
    """CompleteMultipartUpload."""
    encryption.refuse(call)
    callback = callbacks.asked(call)
    upload_id = call.param("uploadId")
    upload = call.world.oss.uploads.find(call.visit, call.bucket, call.key, upload_id)
    take_all = call.header("x-oss-complete-all").lower() == "yes"
    parts = None if take_all else await _listed_parts(call)
    stored = call.world.oss.uploads.complete(
        call.visit,
        call.bucket,
        call.key,
        upload_id,
        parts,
        acl=call.header("x-oss-object-acl"),
        forbid_overwrite=call.header("x-oss-forbid-overwrite").lower() == "true",
    )
    if upload.sequential:
        # Reads the whole object, which may be gigabytes: not on the event loop.
        await to_thread.run_sync(stored.blob.know_md5)
    encoding = call.param("encoding-type")
    location = f"{call.request.base_url}/{quote(call.key)}"
    result = answer(
        "CompleteMultipartUploadResult",
        [
            ("EncodingType", encoding or None),
            ("Location", location),
            ("Bucket", call.bucket),
            ("Key", encoded(call.key, encoding)),
            ("ETag", etag_header(stored.etag)),
        ],
    )
    result.headers["x-oss-hash-crc64ecma"] = str(stored.blob.crc64)
    result.headers["ETag"] = etag_header(stored.etag)
    result.headers |= encryption.headers(stored.encryption)
    result.headers |= version_headers(stored.version_id)
    return await callback.made(call, stored, result) if callback else result


async def _listed_parts(call: Call) -> list[tuple[int, str]]:
    body = await call.request.body.read(_COMPLETE_BODY_BYTES_MAX)
    if len(body) < _READ_AT_ONCE_BYTES:
        return _read_parts(call, body)
    # 10,000 parts take a tenth of a second and more: not on the event loop.
    return await to_thread.run_sync(_read_parts, call, body)


def _read_parts(call: Call, body: bytes) -> list[tuple[int, str]]:
    wish = call.document(body, "CompleteMultipartUpload")
    parts = []
    for part in wish.findall("Part"):
        number = xml.text(part, "PartNumber").strip()
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            raise refusal("MalformedXML")
        parts.append((int(number), xml.text(part, "ETag")))
    return parts


async def abort(call: Call) -> Response:
    """AbortMultipartUpload."""
    call.world.oss.uploads.abort(
        call.visit, call.bucket, call.key, call.param("uploadId")
    )
    return Response(status=204)


async def list_parts(call: Call) -> Response:
    """ListParts."""
    size = page_size(call.param("max-parts"), "max-parts", usual=1000)
    marker = call.param("part-number-marker")
    after = call.number("part-number-marker") if marker else 0
    upload, parts, truncated = call.world.oss.uploads.parts(
        call.visit,
        call.bucket,
        call.key,
        call.param("uploadId"),
        after=after,
        size=size,
    )
    encoding = call.param("encoding-type")
    bucket = call.world.oss.gate.find(call.visit, call.bucket)
    return answer(
        "ListPartsResult",
        [
            ("EncodingType", encoding or None),
            ("Bucket", call.bucket),
            ("Key", encoded(call.key, encoding)),
            ("UploadId", upload.id),
            ("StorageClass", upload.attributes.storage_class or bucket.storage_class),
            ("PartNumberMarker", after),
            ("NextPartNumberMarker", parts[-1].number if parts else after),
            ("MaxParts", size),
            ("IsTruncated", truncated),
            *_client_encryption(upload),
            *(_part_node(part) for part in parts),
        ],
    )


def _client_encryption(upload: Upload) -> list[xml.Node]:
    """Return what a client that encrypts said of it when it began the upload."""
    meta = upload.attributes.meta
    names = ("key", "start", "cek-alg", "wrap-alg", "data-size", "part-size")
    return [
        (f"ClientEncryption{name.title().replace('-', '')}", meta[kept])
        for name in names
        if (kept := f"client-side-encryption-{name}") in meta
    ]


def _part_node(part: Part) -> xml.Node:
    return (
        "Part",
        [
            ("PartNumber", part.number),
            ("LastModified", iso_date(part.modified_at)),
            ("ETag", etag_header(part.etag)),
            ("HashCrc64ecma", part.blob.crc64),
            ("Size", part.blob.size),
        ],
    )


async def list_uploads(call: Call) -> Response:
    """ListMultipartUploads."""
    size = page_size(call.param("max-uploads"), "max-uploads", usual=1000)
    prefix, delimiter = call.param("prefix"), call.param("delimiter")
    key_marker, id_marker = call.param("key-marker"), call.param("upload-id-marker")
    page = call.world.oss.uploads.list(
        call.visit,
        call.bucket,
        prefix=prefix,
        delimiter=delimiter,
        key_marker=key_marker,
        upload_id_marker=id_marker,
        size=size,
    )
    bucket = call.world.oss.gate.find(call.visit, call.bucket)
    encoding = call.param("encoding-type")
    return answer(
        "ListMultipartUploadsResult",
        [
            ("EncodingType", encoding or None),
            ("Bucket", call.bucket),
            ("KeyMarker", encoded(key_marker, encoding)),
            ("UploadIdMarker", id_marker),
            ("NextKeyMarker", encoded(page.next_key_marker, encoding)),
            ("NextUploadIdMarker", page.next_upload_id_marker),
            ("Delimiter", encoded(delimiter, encoding)),
            ("Prefix", encoded(prefix, encoding)),
            ("MaxUploads", size),
            ("IsTruncated", page.truncated),
            *(_upload_node(upload, bucket, encoding) for upload in page.uploads),
            *(
                ("CommonPrefixes", [("Prefix", encoded(rolled, encoding))])
                for rolled in page.prefixes
            ),
        ],
    )


def _upload_node(upload: Upload, bucket: Bucket, encoding: str) -> xml.Node:
    storage_class = upload.attributes.storage_class or bucket.storage_class
    return (
        "Upload",
        [
            ("Key", encoded(upload.key, encoding)),
            ("UploadId", upload.id),
            ("StorageClass", storage_class),
            ("Initiated", iso_date(upload.started_at)),
        ],
    )
