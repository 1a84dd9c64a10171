"""Which function of the world answers which request of the engine's port.

Each is plain: no waiting, no faults, no retries. A test counts the rows.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ali_import.cloud import calls
from alicloud_emulator.world.errors import ServiceError
from tests.support.bridge import ecs, stores
from tests.support.bridge.visitor import Visitor

Answer = Callable[[Visitor, Any], Any]

ANSWERS: Mapping[type[calls.Call[Any]], Answer] = {
    calls.GetCallerIdentity: ecs.identity,
    calls.GetRole: ecs.role,
    calls.DescribeRegions: ecs.regions,
    calls.DescribeImages: ecs.images,
    calls.ImportImage: ecs.import_image,
    calls.CopyImage: ecs.copy,
    calls.CancelCopyImage: ecs.cancel_copy,
    calls.DescribeTasks: ecs.tasks,
    calls.DescribeTaskAttribute: ecs.task,
    calls.CancelTask: ecs.cancel_task,
    calls.ModifyImageAttribute: ecs.modify,
    calls.ModifyImageSharePermission: ecs.share,
    calls.DescribeImageSharePermission: ecs.shares,
    calls.DeleteImage: ecs.delete_image,
    calls.DescribeSnapshots: ecs.snapshots,
    calls.DeleteSnapshot: ecs.delete_snapshot,
    calls.TagResources: ecs.tag,
    calls.UntagResources: ecs.untag,
    calls.PutBucket: stores.put_bucket,
    calls.DeleteBucket: stores.delete_bucket,
    calls.ListBuckets: stores.buckets,
    calls.PutObject: stores.put_object,
    calls.ListObjects: stores.objects,
    calls.DeleteObjects: stores.delete_objects,
    calls.InitiateMultipartUpload: stores.initiate,
    calls.UploadPart: stores.put_part,
    calls.CompleteMultipartUpload: stores.complete,
    calls.AbortMultipartUpload: stores.abort,
    calls.ListMultipartUploads: stores.uploads,
    calls.ListFunctions: stores.functions,
    calls.CreateFunction: stores.create_function,
    calls.GetFunction: stores.function,
    calls.DeleteFunction: stores.delete_function,
}

_RESOURCES: Final = ("name", "image_id", "key", "bucket", "task_id", "snapshot_id")
_FORBIDDEN: Final = {
    "ecs": "Forbidden.RAM",
    "oss": "AccessDenied",
    "fc": "AccessDenied",
}
_EXPIRED: Final = {"oss": ("SecurityTokenExpired", 403)}


def resource(request: calls.Call[Any]) -> str:
    """Return what a request is about, for rules and traces."""
    found = (getattr(request, field, "") for field in _RESOURCES)
    return next((str(text) for text in found if text), "")


def on_the_wire(service: str, error: ServiceError) -> tuple[str, int]:
    """Return the code and status that a product makes of the world's error."""
    if error.code == "NoPermission":
        return _FORBIDDEN.get(service, error.code), 403
    if error.code == "InvalidSecurityToken.Expired":
        return _EXPIRED.get(service, (error.code, error.status))
    return error.code, error.status
