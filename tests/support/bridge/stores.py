"""OSS and Function Compute: what each request of the port means in the world."""

from base64 import b64encode
from typing import Final

from ali_import.cloud import calls
from ali_import.cloud import values as told
from alicloud_emulator.world.fc import CodeSource, Settings
from alicloud_emulator.world.fc.listing import Filters
from tests.support.bridge.visitor import Visitor

PAGE_ROWS: Final = 100
OSS_PAGE_ROWS: Final = 1000


def put_bucket(at: Visitor, request: calls.PutBucket) -> None:
    at.world.oss.buckets.put(at.visit(request.region), request.bucket)


def delete_bucket(at: Visitor, request: calls.DeleteBucket) -> None:
    at.world.oss.buckets.delete(at.visit(request.region), request.bucket)


def buckets(at: Visitor, request: calls.ListBuckets) -> tuple[told.Bucket, ...]:
    found: list[tuple[str, str]] = []
    marker = ""
    while True:
        rows, page = at.world.oss.buckets.list(
            at.visit(request.region),
            prefix=request.prefix,
            marker=marker,
            size=OSS_PAGE_ROWS,
        )
        found += [(row.name, row.region) for row in rows]
        marker = page.next_marker
        if not marker:
            rows_shown = at.lag.buckets(found, request.prefix)
            return tuple(told.Bucket(name=n, region=r) for n, r in rows_shown)


def put_object(at: Visitor, request: calls.PutObject) -> None:
    assert at.body is not None
    at.world.oss.objects.put(
        at.visit(request.region),
        request.bucket,
        request.key,
        at.body,
        content_md5=_base64(request.content_md5),
    )


def _base64(digest: str) -> str:
    return b64encode(bytes.fromhex(digest)).decode("ascii")


def objects(at: Visitor, request: calls.ListObjects) -> tuple[told.StoredObject, ...]:
    found: list[told.StoredObject] = []
    after = ""
    while True:
        rows, page = at.world.oss.objects.list(
            at.visit(request.region),
            request.bucket,
            prefix="",
            delimiter="",
            after=after,
            size=OSS_PAGE_ROWS,
        )
        found += [
            told.StoredObject(key=row.key, size_bytes=row.blob.size) for row in rows
        ]
        after = page.next_marker
        if not after:
            return tuple(found)


def delete_objects(at: Visitor, request: calls.DeleteObjects) -> None:
    for key in request.keys:
        at.world.oss.objects.delete(at.visit(request.region), request.bucket, key)


def initiate(at: Visitor, request: calls.InitiateMultipartUpload) -> str:
    upload = at.world.oss.uploads.initiate(
        at.visit(request.region), request.bucket, request.key
    )
    return upload.id


def put_part(at: Visitor, request: calls.UploadPart) -> told.StoredPart:
    assert at.body is not None
    part = at.world.oss.uploads.put_part(
        at.visit(request.region),
        request.bucket,
        request.key,
        request.upload_id,
        number=request.number,
        blob=at.body,
        content_md5=_base64(request.content_md5),
    )
    return told.StoredPart(number=part.number, etag=part.etag)


def complete(at: Visitor, request: calls.CompleteMultipartUpload) -> None:
    at.world.oss.uploads.complete(
        at.visit(request.region),
        request.bucket,
        request.key,
        request.upload_id,
        [(part.number, part.etag) for part in request.parts],
    )


def abort(at: Visitor, request: calls.AbortMultipartUpload) -> None:
    at.world.oss.uploads.abort(
        at.visit(request.region), request.bucket, request.key, request.upload_id
    )


def uploads(
    at: Visitor, request: calls.ListMultipartUploads
) -> tuple[told.Upload, ...]:
    page = at.world.oss.uploads.list(
        at.visit(request.region), request.bucket, size=OSS_PAGE_ROWS
    )
    assert not page.truncated
    return tuple(told.Upload(key=u.key, upload_id=u.id) for u in page.uploads)


# --- Function Compute -----------------------------------------------------------------


def functions(at: Visitor, request: calls.ListFunctions) -> tuple[told.Function, ...]:
    found: list[str] = []
    token = ""
    while True:
        page = at.world.fc.list_functions(
            at.caller,
            request.region,
            filters=Filters(prefix=request.prefix),
            limit=PAGE_ROWS,
            next_token=token,
        )
        found += [row.name for row in page.functions]
        token = page.next_token
        if not token:
            shown = at.lag.functions(request.region, found, request.prefix)
            return tuple(told.Function(name=name) for name in shown)


def create_function(at: Visitor, request: calls.CreateFunction) -> None:
    at.world.fc.create(
        at.caller,
        request.region,
        request.name,
        Settings(
            runtime=request.runtime,
            handler=request.handler,
            memory_mib=request.memory_mib,
            timeout_s=request.timeout_s,
            role=request.role_arn,
            description=request.description,
        ),
        CodeSource(zip_bytes=request.code_zip),
    )


def function(at: Visitor, request: calls.GetFunction) -> told.Function:
    row = at.world.fc.get(at.caller, request.region, request.name)
    state = at.world.fc.told_state(row)
    return told.Function(name=row.name, state=state.value if state else "")


def delete_function(at: Visitor, request: calls.DeleteFunction) -> None:
    at.world.fc.delete(at.caller, request.region, request.name)
