"""OSS: buckets, objects and uploads, straight or through a relay.

A data call with ``relay`` set is the same call of the same SDK: it is signed for the
region's internal host, and only the HTTP client that carries it is another one.

Source: the OSS API reference; ``alibabacloud_oss_v2`` 1.4.1.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ali_import.cloud import calls
from ali_import.cloud.sdk import endpoints, fc
from ali_import.cloud.sdk.answers import GarbledAnswerError
from ali_import.cloud.sdk.bodies import SignedFetch, content_md5, opened
from ali_import.cloud.sdk.services import Services, answers
from ali_import.cloud.sdk.translate import Place, translated
from ali_import.cloud.values import (
    Bucket,
    Fetch,
    LocalBody,
    ObjectSource,
    StoredObject,
    StoredPart,
    Upload,
)
from ali_import.errors import CloudError, TransportError
from ali_import.units import MINUTE_S

PAGE_ROWS_MAX = 1000
PAGES_MAX = 10_000
DELETE_KEYS_MAX = 1000
# Longer than a relay may take: a URL is made for one invocation.
URL_LIFETIME_S = 15 * MINUTE_S
_END_MISSING = "the pages have no end"


def _public(services: Services, region: str) -> Any:
    return services.oss(region, endpoints.oss(region))


def _carrier(
    services: Services, call: calls.DataCall[Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the client for a data call, and what to pass with each of its calls."""
    from ali_import.cloud.sdk.relay import RelayTransport

    region, relay = call.region, call.relay
    if not relay:
        return _public(services, region), {}

    def invoke(payload: bytes) -> bytes:
        return fc.invoke(services, region=region, name=relay, payload=payload)

    client = services.oss(region, endpoints.oss(region, internal=True))
    return client, {"http_client": RelayTransport(invoke, region=region)}


@contextmanager
def _readable(
    services: Services, call: calls.PutObject | calls.UploadPart
) -> Iterator[Any]:
    """Give the body as the HTTP client wants it."""
    body = call.body
    if isinstance(body, LocalBody):
        with opened(body, call.content_md5) as reader:
            yield reader
    elif isinstance(body, Fetch):
        assert call.relay, "only a relay can fetch"
        yield SignedFetch(
            sources=body.sources,
            urls=tuple(_presigned(services, source) for source in body.sources),
            offset=body.offset,
            length=body.length,
        )
    else:
        yield body


def _presigned(services: Services, source: ObjectSource) -> str:
    """Sign a URL that reads the object; it dies with the credentials at the latest."""
    from alibabacloud_oss_v2 import GetObjectRequest

    lifetime_s = min(URL_LIFETIME_S, services.credentials.keys().remaining_s())
    signed = _public(services, source.region).presign(
        GetObjectRequest(bucket=source.bucket, key=source.key),
        expires=dt.timedelta(seconds=max(int(lifetime_s), 1)),
    )
    return str(signed.url)


# --- buckets -------------------------------------------------------------------------


@answers(calls.PutBucket)
def put_bucket(services: Services, call: calls.PutBucket) -> None:
    """Make a bucket: private, Standard, unencrypted, as ImportImage needs it."""
    from alibabacloud_oss_v2 import PutBucketRequest

    client = _public(services, call.region)
    client.put_bucket(PutBucketRequest(bucket=call.bucket))


@answers(calls.DeleteBucket)
def delete_bucket(services: Services, call: calls.DeleteBucket) -> None:
    """Delete an empty bucket."""
    from alibabacloud_oss_v2 import DeleteBucketRequest

    client = _public(services, call.region)
    try:
        with translated(Place.of(call)):
            client.delete_bucket(DeleteBucketRequest(bucket=call.bucket))
            return
    except TransportError as error:
        if error.code != "GarbledAnswer":
            raise
    if not _is_gone(client, call):
        raise GarbledAnswerError("the answer is not the cloud's, and the bucket stays")


def _is_gone(client: Any, call: calls.DeleteBucket) -> bool:
    """Look once whether the bucket is gone; False if the cloud does not say so."""
    from alibabacloud_oss_v2 import GetBucketInfoRequest

    try:
        with translated(Place.of(call)):
            client.get_bucket_info(GetBucketInfoRequest(bucket=call.bucket))
    except CloudError as error:
        return error.code == "NoSuchBucket"
    return False


@answers(calls.ListBuckets)
def list_buckets(services: Services, call: calls.ListBuckets) -> tuple[Bucket, ...]:
    """Return the buckets, of every region, whose name starts with the prefix."""
    from alibabacloud_oss_v2 import ListBucketsRequest

    client = _public(services, call.region or endpoints.OSS_CENTRAL_REGION)
    found: list[Bucket] = []
    marker = None
    for _page in range(PAGES_MAX):
        answer = client.list_buckets(
            ListBucketsRequest(
                prefix=call.prefix, marker=marker, max_keys=PAGE_ROWS_MAX
            )
        )
        found += [
            Bucket(name=_told(row.name), region=_region(row))
            for row in answer.buckets or ()
            if _told(row.name).startswith(call.prefix)
        ]
        marker = _next(answer.is_truncated, answer.next_marker)
        if marker is None:
            return tuple(found)
    raise GarbledAnswerError(_END_MISSING)


def _region(row: Any) -> str:
    return str(row.region or _told(row.location)).removeprefix("oss-")


def _told(value: Any) -> str:
    """Return a text that an XML answer must have."""
    if not value:
        raise GarbledAnswerError("the answer lacks a name or a marker")
    return str(value)


def _next(truncated: Any, marker: Any) -> str | None:
    """Return where the next page starts, or None after the last.

    Raises:
        GarbledAnswerError: There is more, and the answer does not say where.
    """
    return _told(marker) if truncated else None


# --- objects -------------------------------------------------------------------------


@answers(calls.PutObject)
def put_object(services: Services, call: calls.PutObject) -> None:
    """Store an object."""
    from alibabacloud_oss_v2 import PutObjectRequest

    client, options = _carrier(services, call)
    with _readable(services, call) as body:
        client.put_object(
            PutObjectRequest(
                bucket=call.bucket,
                key=call.key,
                body=body,
                content_md5=content_md5(call.content_md5),
            ),
            **options,
        )


@answers(calls.ListObjects)
def list_objects(
    services: Services, call: calls.ListObjects
) -> tuple[StoredObject, ...]:
    """Return every object of a bucket, all pages."""
    from alibabacloud_oss_v2 import ListObjectsV2Request

    client, options = _carrier(services, call)
    found: list[StoredObject] = []
    token = None
    for _page in range(PAGES_MAX):
        answer = client.list_objects_v2(
            ListObjectsV2Request(
                bucket=call.bucket, max_keys=PAGE_ROWS_MAX, continuation_token=token
            ),
            **options,
        )
        found += [
            StoredObject(key=_told(row.key), size_bytes=int(row.size or 0))
            for row in answer.contents or ()
        ]
        token = _next(answer.is_truncated, answer.next_continuation_token)
        if token is None:
            return tuple(found)
    raise GarbledAnswerError(_END_MISSING)


@answers(calls.DeleteObjects)
def delete_objects(services: Services, call: calls.DeleteObjects) -> None:
    """Delete objects by key; keys that are not there are no error."""
    from alibabacloud_oss_v2 import DeleteMultipleObjectsRequest, DeleteObject

    assert 0 < len(call.keys) <= DELETE_KEYS_MAX
    client, options = _carrier(services, call)
    client.delete_multiple_objects(
        DeleteMultipleObjectsRequest(
            bucket=call.bucket,
            objects=[DeleteObject(key=key) for key in call.keys],
            quiet=True,
        ),
        **options,
    )


# --- multipart uploads ---------------------------------------------------------------


@answers(calls.InitiateMultipartUpload)
def initiate_multipart_upload(
    services: Services, call: calls.InitiateMultipartUpload
) -> str:
    """Begin an upload and return its id."""
    from alibabacloud_oss_v2 import InitiateMultipartUploadRequest

    client, options = _carrier(services, call)
    answer = client.initiate_multipart_upload(
        InitiateMultipartUploadRequest(bucket=call.bucket, key=call.key),
        **options,
    )
    return _told(answer.upload_id)


@answers(calls.UploadPart)
def upload_part(services: Services, call: calls.UploadPart) -> StoredPart:
    """Store one part."""
    from alibabacloud_oss_v2 import UploadPartRequest

    client, options = _carrier(services, call)
    with _readable(services, call) as body:
        answer = client.upload_part(
            UploadPartRequest(
                bucket=call.bucket,
                key=call.key,
                part_number=call.number,
                upload_id=call.upload_id,
                body=body,
                content_md5=content_md5(call.content_md5),
            ),
            **options,
        )
    return StoredPart(number=call.number, etag=_told(answer.etag))


@answers(calls.UploadPartCopy)
def upload_part_copy(services: Services, call: calls.UploadPartCopy) -> StoredPart:
    """Store one part as a range of an object."""
    from alibabacloud_oss_v2 import UploadPartCopyRequest

    client, options = _carrier(services, call)
    answer = client.upload_part_copy(
        UploadPartCopyRequest(
            bucket=call.bucket,
            key=call.key,
            part_number=call.number,
            upload_id=call.upload_id,
            source_bucket=call.source_bucket,
            source_key=call.source_key,
            source_range=f"bytes={call.offset}-{call.offset + call.length - 1}",
        ),
        **options,
    )
    return StoredPart(number=call.number, etag=_told(answer.etag))


@answers(calls.ListParts)
def list_parts(services: Services, call: calls.ListParts) -> tuple[StoredPart, ...]:
    """Return the parts that an unfinished upload has, all pages."""
    from alibabacloud_oss_v2 import ListPartsRequest

    client, options = _carrier(services, call)
    found: list[StoredPart] = []
    marker = None
    for _page in range(PAGES_MAX):
        answer = client.list_parts(
            ListPartsRequest(
                bucket=call.bucket,
                key=call.key,
                upload_id=call.upload_id,
                max_parts=PAGE_ROWS_MAX,
                part_number_marker=marker,
            ),
            **options,
        )
        found += [
            StoredPart(
                number=int(row.part_number),
                etag=_told(row.etag),
                size_bytes=int(row.size or 0),
            )
            for row in answer.parts or ()
        ]
        marker = _next(answer.is_truncated, answer.next_part_number_marker)
        if marker is None:
            return tuple(found)
    raise GarbledAnswerError(_END_MISSING)


@answers(calls.CompleteMultipartUpload)
def complete_multipart_upload(
    services: Services, call: calls.CompleteMultipartUpload
) -> None:
    """Make the object of its parts, in the order of their numbers."""
    import alibabacloud_oss_v2 as oss

    client, options = _carrier(services, call)
    parts = sorted(call.parts, key=lambda part: part.number)
    answer = client.complete_multipart_upload(
        oss.CompleteMultipartUploadRequest(
            bucket=call.bucket,
            key=call.key,
            upload_id=call.upload_id,
            complete_multipart_upload=oss.CompleteMultipartUpload(
                parts=[
                    oss.UploadPart(part_number=part.number, etag=part.etag)
                    for part in parts
                ]
            ),
        ),
        **options,
    )
    _told(answer.etag)


@answers(calls.AbortMultipartUpload)
def abort_multipart_upload(
    services: Services, call: calls.AbortMultipartUpload
) -> None:
    """Drop an unfinished upload."""
    from alibabacloud_oss_v2 import AbortMultipartUploadRequest

    client, options = _carrier(services, call)
    client.abort_multipart_upload(
        AbortMultipartUploadRequest(
            bucket=call.bucket, key=call.key, upload_id=call.upload_id
        ),
        **options,
    )


@answers(calls.ListMultipartUploads)
def list_multipart_uploads(
    services: Services, call: calls.ListMultipartUploads
) -> tuple[Upload, ...]:
    """Return every unfinished upload of a bucket, all pages."""
    from alibabacloud_oss_v2 import ListMultipartUploadsRequest

    client, options = _carrier(services, call)
    found: list[Upload] = []
    key_marker = upload_marker = None
    for _page in range(PAGES_MAX):
        answer = client.list_multipart_uploads(
            ListMultipartUploadsRequest(
                bucket=call.bucket,
                max_uploads=PAGE_ROWS_MAX,
                key_marker=key_marker,
                upload_id_marker=upload_marker,
            ),
            **options,
        )
        found += [
            Upload(key=_told(row.key), upload_id=_told(row.upload_id))
            for row in answer.uploads or ()
        ]
        key_marker = _next(answer.is_truncated, answer.next_key_marker)
        upload_marker = answer.next_upload_id_marker
        if key_marker is None:
            return tuple(found)
    raise GarbledAnswerError(_END_MISSING)
