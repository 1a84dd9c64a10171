"""Which function of the world answers which request of the engine's port.

Each is plain: no waiting, no faults, no retries. A test counts the rows.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ali_import.cloud import requests as ask
from alicloud_emulator.world.errors import ServiceError
from tests.support.bridge import ecs, stores
from tests.support.bridge.visitor import Visitor

Answer = Callable[[Visitor, Any], Any]

ANSWERS: Mapping[type[ask.Request[Any]], Answer] = {
    ask.GetCallerIdentity: ecs.identity,
    ask.DescribeRegions: ecs.regions,
    ask.DescribeImages: ecs.images,
    ask.ImportImage: ecs.import_image,
    ask.CopyImage: ecs.copy,
    ask.CancelCopyImage: ecs.cancel_copy,
    ask.DescribeTasks: ecs.tasks,
    ask.DescribeTaskAttribute: ecs.task,
    ask.CancelTask: ecs.cancel_task,
    ask.ModifyImageAttribute: ecs.modify,
    ask.ModifyImageSharePermission: ecs.share,
    ask.DeleteImage: ecs.delete_image,
    ask.DescribeSnapshots: ecs.snapshots,
    ask.DeleteSnapshot: ecs.delete_snapshot,
    ask.TagResources: ecs.tag,
    ask.UntagResources: ecs.untag,
    ask.PutBucket: stores.put_bucket,
    ask.DeleteBucket: stores.delete_bucket,
    ask.ListBuckets: stores.buckets,
    ask.PutObject: stores.put_object,
    ask.ListObjects: stores.objects,
    ask.DeleteObjects: stores.delete_objects,
    ask.InitiateMultipartUpload: stores.initiate,
    ask.UploadPart: stores.put_part,
    ask.CompleteMultipartUpload: stores.complete,
    ask.AbortMultipartUpload: stores.abort,
    ask.ListMultipartUploads: stores.uploads,
    ask.ListFunctions: stores.functions,
    ask.CreateFunction: stores.create_function,
    ask.GetFunction: stores.function,
    ask.DeleteFunction: stores.delete_function,
}
"""PresignGetObject is no call at all; the bridge makes its URLs itself."""


_RESOURCES: Final = ("name", "image_id", "key", "bucket", "task_id", "snapshot_id")
_FORBIDDEN: Final = {
    "ecs": "Forbidden.RAM",
    "oss": "AccessDenied",
    "fc": "AccessDenied",
}
_EXPIRED: Final = {"oss": ("SecurityTokenExpired", 403)}


def resource(request: ask.Request[Any]) -> str:
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
