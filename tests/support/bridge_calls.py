"""What each request of the engine's port means in the emulator's world.

``ANSWERS`` has a row for every request class; a test counts them. Each row is a plain
function of a ``Visitor`` and the request: no waiting, no faults, no retries.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ali_import.cloud import requests as ask
from ali_import.cloud import values as told
from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.changes import ImageChange
from alicloud_emulator.world.ecs.copies import CopySpec
from alicloud_emulator.world.ecs.images import ImageQuery
from alicloud_emulator.world.ecs.import_checks import ImportDisk, ImportSpec
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.ecs.snapshots import SnapshotQuery
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.fc import CodeSource, Settings
from alicloud_emulator.world.fc.listing import Filters
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.world import World

PAGE_ROWS = 100
OSS_PAGE_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A caller at the door of one region.

    Attributes:
        inside: Region of the function that makes the call, or "".
        body: The bytes that came with the request, if any.
        faults: Those that the service itself acts out.
    """

    world: World
    caller: Caller
    inside: str = ""
    body: Blob | None = None
    faults: tuple[Fault, ...] = ()

    def visit(self, region: str) -> Visit:
        """Return the call as object storage sees it."""
        internal = bool(self.inside)
        return Visit(
            caller=self.caller, region=region, internal=internal, inside=self.inside
        )


Answer = Callable[[Visitor, Any], Any]


# --- STS and ECS ----------------------------------------------------------------------


def _identity(at: Visitor, _request: ask.GetCallerIdentity) -> told.Identity:
    return told.Identity(account_id=at.caller.account_id, arn=at.caller.arn)


def _regions(at: Visitor, _request: ask.DescribeRegions) -> tuple[str, ...]:
    return tuple(r.id for r in at.world.ecs.describe_regions(at.caller))


def _images(at: Visitor, request: ask.DescribeImages) -> tuple[told.CloudImage, ...]:
    """All pages, every status; ``ImageOwnerAlias=self``, as the SDK adapter asks."""
    rows: list[Image] = []
    number = 1
    while True:
        query = ImageQuery(
            region=request.region,
            name=request.name,
            image_ids=tuple(request.image_ids),
            owner_alias="self",
            status=EVERY_STATUS,
            tags=_filters(request.tags),
            page_number=number,
            page_size=PAGE_ROWS,
        )
        page = at.world.ecs.describe_images(at.caller, query)
        rows += page.rows
        if len(rows) >= page.total or not page.rows:
            return tuple(cloud_image(row, at.world.agenda.now) for row in rows)
        number += 1


EVERY_STATUS = ",".join(told.ImageStatus)


def cloud_image(row: Image, now: float) -> told.CloudImage:
    """Return an image of the world as the SDK adapter would show it."""
    return told.CloudImage(
        image_id=row.image_id,
        name=row.name,
        status=told.ImageStatus(row.status.value),
        family=row.family,
        architecture=row.architecture,
        boot_mode=row.boot_mode,
        nvme=row.nvme,
        imds=row.imds,
        public=row.public,
        size_gib=row.size_gib,
        progress=row.progress(now),
        is_copied=row.origin.value == "copy",
        snapshot_ids=tuple(d.snapshot_id for d in row.disks if d.snapshot_id),
        tags=dict(row.tags),
        created_at=str(row.created_at),
    )


def _filters(tags: Mapping[str, str]) -> tuple[tuple[str, str | None], ...]:
    # An empty value asks for the key alone.
    return tuple((key, value or None) for key, value in tags.items())


def _import(at: Visitor, request: ask.ImportImage) -> told.ImportStarted:
    disk = ImportDisk(
        oss_bucket=request.bucket,
        oss_object=request.key,
        size_gib=request.size_gib,
        format="RAW",
    )
    spec = ImportSpec(
        region=request.region,
        image_name=request.name,
        disks=(disk,),
        client_token=request.client_token,
        description=request.description,
        architecture=request.architecture,
        boot_mode=request.boot_mode,
        os_type="linux",
        nvme=request.nvme,
        imds=request.imds,
        tags=tuple(request.tags.items()),
    )
    started = at.world.ecs.import_image(at.caller, spec, faults=at.faults)
    return told.ImportStarted(image_id=started.image_id, task_id=started.task_id)


def _copy(at: Visitor, request: ask.CopyImage) -> str:
    spec = CopySpec(
        region=request.region,
        image_id=request.image_id,
        destination_region=request.destination_region,
        destination_name=request.destination_name,
        client_token=request.client_token,
        description=request.description,
        tags=tuple(request.tags.items()),
    )
    return at.world.ecs.copy_image(at.caller, spec, faults=at.faults)


def _cancel_copy(at: Visitor, request: ask.CancelCopyImage) -> None:
    at.world.ecs.cancel_copy_image(
        at.caller, region=request.region, image_id=request.image_id
    )


def _tasks(at: Visitor, request: ask.DescribeTasks) -> tuple[told.Task, ...]:
    page = at.world.ecs.describe_tasks(
        at.caller,
        region=request.region,
        task_ids=tuple(request.task_ids),
        image_ids=tuple(request.image_ids),
        page_size=PAGE_ROWS,
    )
    return tuple(
        told.Task(
            task_id=row.task_id,
            status=told.TaskStatus(row.status.value),
            image_id=row.image_id,
        )
        for row in page.rows
    )


def _task(at: Visitor, request: ask.DescribeTaskAttribute) -> told.TaskDetail:
    row = at.world.ecs.describe_task(
        at.caller, region=request.region, task_id=request.task_id
    )
    return told.TaskDetail(
        task_id=row.task_id,
        status=told.TaskStatus(row.status.value),
        progress=row.progress(at.world.agenda.now),
        error_code=row.error_code,
        error_message=row.error_message,
    )


def _cancel_task(at: Visitor, request: ask.CancelTask) -> None:
    at.world.ecs.cancel_task(at.caller, region=request.region, task_id=request.task_id)


def _modify(at: Visitor, request: ask.ModifyImageAttribute) -> None:
    change = ImageChange(
        region=request.region,
        image_id=request.image_id,
        name=request.name or "",
        family=request.family or "",
        boot_mode=request.boot_mode or "",
        nvme=request.nvme or "",
        imds=request.imds or "",
    )
    at.world.ecs.modify_image_attribute(at.caller, change)


def _share(at: Visitor, request: ask.ModifyImageSharePermission) -> None:
    at.world.ecs.modify_image_share_permission(
        at.caller,
        region=request.region,
        image_id=request.image_id,
        public=request.public,
    )


def _delete_image(at: Visitor, request: ask.DeleteImage) -> None:
    at.world.ecs.delete_image(
        at.caller, region=request.region, image_id=request.image_id
    )


def _snapshots(
    at: Visitor, request: ask.DescribeSnapshots
) -> tuple[told.Snapshot, ...]:
    found: list[told.Snapshot] = []
    token = ""
    while True:
        query = SnapshotQuery(
            region=request.region,
            snapshot_ids=tuple(request.snapshot_ids),
            tags=_filters(request.tags),
            max_results=PAGE_ROWS,
            next_token=token,
        )
        page = at.world.ecs.describe_snapshots(at.caller, query)
        found += [
            told.Snapshot(
                snapshot_id=row.snapshot_id,
                name=row.name,
                tags=dict(row.tags),
                created_at=str(row.created_at),
            )
            for row in page.rows
        ]
        token = page.next_token
        if not token:
            return tuple(found)


def _delete_snapshot(at: Visitor, request: ask.DeleteSnapshot) -> None:
    at.world.ecs.delete_snapshot(
        at.caller, region=request.region, snapshot_id=request.snapshot_id
    )


def _tag(at: Visitor, request: ask.TagResources) -> None:
    at.world.ecs.tag_resources(
        at.caller,
        region=request.region,
        resource_type=request.resource_type,
        resource_ids=tuple(request.resource_ids),
        tags=tuple(request.tags.items()),
    )


def _untag(at: Visitor, request: ask.UntagResources) -> None:
    at.world.ecs.untag_resources(
        at.caller,
        region=request.region,
        resource_type=request.resource_type,
        resource_ids=tuple(request.resource_ids),
        keys=tuple(request.keys),
    )


# --- OSS ------------------------------------------------------------------------------


def _put_bucket(at: Visitor, request: ask.PutBucket) -> None:
    at.world.oss.buckets.put(at.visit(request.region), request.bucket)


def _delete_bucket(at: Visitor, request: ask.DeleteBucket) -> None:
    at.world.oss.buckets.delete(at.visit(request.region), request.bucket)


def _buckets(at: Visitor, request: ask.ListBuckets) -> tuple[told.Bucket, ...]:
    found: list[told.Bucket] = []
    marker = ""
    while True:
        rows, page = at.world.oss.buckets.list(
            at.visit(request.region),
            prefix=request.prefix,
            marker=marker,
            size=OSS_PAGE_ROWS,
        )
        found += [told.Bucket(name=row.name, region=row.region) for row in rows]
        marker = page.next_marker
        if not marker:
            return tuple(found)


def _put_object(at: Visitor, request: ask.PutObject) -> None:
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


def _objects(at: Visitor, request: ask.ListObjects) -> tuple[told.StoredObject, ...]:
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


def _delete_objects(at: Visitor, request: ask.DeleteObjects) -> None:
    at.world.oss.objects.delete_many(
        at.visit(request.region), request.bucket, tuple(request.keys)
    )


def _initiate(at: Visitor, request: ask.InitiateMultipartUpload) -> str:
    upload = at.world.oss.uploads.initiate(
        at.visit(request.region), request.bucket, request.key
    )
    return upload.id


def _put_part(at: Visitor, request: ask.UploadPart) -> told.StoredPart:
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


def _complete(at: Visitor, request: ask.CompleteMultipartUpload) -> None:
    at.world.oss.uploads.complete(
        at.visit(request.region),
        request.bucket,
        request.key,
        request.upload_id,
        [(part.number, part.etag) for part in request.parts],
    )


def _abort(at: Visitor, request: ask.AbortMultipartUpload) -> None:
    at.world.oss.uploads.abort(
        at.visit(request.region), request.bucket, request.key, request.upload_id
    )


def _uploads(at: Visitor, request: ask.ListMultipartUploads) -> tuple[told.Upload, ...]:
    page = at.world.oss.uploads.list(
        at.visit(request.region), request.bucket, size=OSS_PAGE_ROWS
    )
    assert not page.truncated
    return tuple(told.Upload(key=u.key, upload_id=u.id) for u in page.uploads)


# --- Function Compute -----------------------------------------------------------------


def _functions(at: Visitor, request: ask.ListFunctions) -> tuple[told.Function, ...]:
    found: list[told.Function] = []
    token = ""
    while True:
        page = at.world.fc.list_functions(
            at.caller,
            request.region,
            filters=Filters(prefix=request.prefix),
            limit=PAGE_ROWS,
            next_token=token,
        )
        found += [told.Function(name=row.name) for row in page.functions]
        token = page.next_token
        if not token:
            return tuple(found)


def _create_function(at: Visitor, request: ask.CreateFunction) -> None:
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


def _function(at: Visitor, request: ask.GetFunction) -> told.Function:
    row = at.world.fc.get(at.caller, request.region, request.name)
    return told.Function(name=row.name, state=row.state.value)


def _delete_function(at: Visitor, request: ask.DeleteFunction) -> None:
    at.world.fc.delete(at.caller, request.region, request.name)


ANSWERS: Mapping[type[ask.Request[Any]], Answer] = {
    ask.GetCallerIdentity: _identity,
    ask.DescribeRegions: _regions,
    ask.DescribeImages: _images,
    ask.ImportImage: _import,
    ask.CopyImage: _copy,
    ask.CancelCopyImage: _cancel_copy,
    ask.DescribeTasks: _tasks,
    ask.DescribeTaskAttribute: _task,
    ask.CancelTask: _cancel_task,
    ask.ModifyImageAttribute: _modify,
    ask.ModifyImageSharePermission: _share,
    ask.DeleteImage: _delete_image,
    ask.DescribeSnapshots: _snapshots,
    ask.DeleteSnapshot: _delete_snapshot,
    ask.TagResources: _tag,
    ask.UntagResources: _untag,
    ask.PutBucket: _put_bucket,
    ask.DeleteBucket: _delete_bucket,
    ask.ListBuckets: _buckets,
    ask.PutObject: _put_object,
    ask.ListObjects: _objects,
    ask.DeleteObjects: _delete_objects,
    ask.InitiateMultipartUpload: _initiate,
    ask.UploadPart: _put_part,
    ask.CompleteMultipartUpload: _complete,
    ask.AbortMultipartUpload: _abort,
    ask.ListMultipartUploads: _uploads,
    ask.ListFunctions: _functions,
    ask.CreateFunction: _create_function,
    ask.GetFunction: _function,
    ask.DeleteFunction: _delete_function,
}
"""PresignGetObject is no call at all; the bridge makes its URLs itself."""

_RESOURCES = ("name", "image_id", "key", "bucket", "task_id", "snapshot_id")


def resource(request: ask.Request[Any]) -> str:
    """Return what a request is about, for rules and traces."""
    found = (getattr(request, field, "") for field in _RESOURCES)
    return next((str(text) for text in found if text), "")


def product_error(service: str, error: ServiceError) -> tuple[str, int]:
    """Return the code and status that a product puts on the wire for an error."""
    if error.code == "NoPermission":
        return _FORBIDDEN.get(service, "NoPermission"), 403
    return error.code, error.status


_FORBIDDEN = {"ecs": "Forbidden.RAM", "oss": "AccessDenied", "fc": "AccessDenied"}


def presigned_read(at: Visitor, region: str, bucket: str, key: str) -> Blob:
    """Return the object that a presigned URL on a public host gives.

    Raises:
        ServiceError: It is not there, or the public host is closed.
    """
    visit = Visit(caller=at.caller, region=region, inside=at.inside)
    return at.world.oss.objects.read(visit, bucket, key).blob
