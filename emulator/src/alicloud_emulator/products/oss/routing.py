"""Which operation a request asks for: method, sub-resource, and whether it has a key."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import NamedTuple

from alicloud_emulator.products.oss import (
    attributes,
    buckets,
    copying,
    cors,
    forms,
    listing,
    multipart,
    objects,
    root,
    s3,
    settings,
)
from alicloud_emulator.products.oss.call import Call
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.oss.settings import SETTINGS

Handler = Callable[[Call], Awaitable[Response]]


class Level(StrEnum):
    """What a request is about."""

    SERVICE = "service"
    BUCKET = "bucket"
    OBJECT = "object"


class Operation(NamedTuple):
    """An operation's name in Alibaba's reference, and what carries it out."""

    action: str
    handler: Handler


# (method, sub-resource) -> operation; "" is the thing itself.
_ROUTES: dict[Level, dict[tuple[str, str], Operation]] = {
    Level.SERVICE: {
        ("GET", ""): Operation("ListBuckets", root.list_buckets),
        ("GET", "publicAccessBlock"): Operation(
            "GetPublicAccessBlock", root.get_public_access_block
        ),
        ("PUT", "publicAccessBlock"): Operation(
            "PutPublicAccessBlock", root.put_public_access_block
        ),
        ("DELETE", "publicAccessBlock"): Operation(
            "DeletePublicAccessBlock", root.delete_public_access_block
        ),
        ("GET", "regions"): Operation("DescribeRegions", root.describe_regions),
    },
    Level.BUCKET: {
        ("OPTIONS", ""): Operation("OptionObject", cors.option_object),
        ("PUT", ""): Operation("PutBucket", buckets.put_bucket),
        ("DELETE", ""): Operation("DeleteBucket", buckets.delete_bucket),
        ("GET", ""): Operation("ListObjects", listing.list_objects),
        ("HEAD", ""): Operation("HeadBucket", buckets.head_bucket),
        ("GET", "list-type"): Operation("ListObjectsV2", listing.list_objects_v2),
        ("GET", "versions"): Operation("ListObjectVersions", listing.list_versions),
        ("GET", "live"): Operation("ListLiveChannel", listing.list_live_channels),
        ("GET", "uploads"): Operation("ListMultipartUploads", multipart.list_uploads),
        ("POST", ""): Operation("PostObject", forms.post_object),
        ("POST", "delete"): Operation(
            "DeleteMultipleObjects", objects.delete_multiple_objects
        ),
        ("GET", "bucketInfo"): Operation("GetBucketInfo", buckets.get_bucket_info),
        ("GET", "location"): Operation(
            "GetBucketLocation", buckets.get_bucket_location
        ),
        ("GET", "stat"): Operation("GetBucketStat", buckets.get_bucket_stat),
        ("GET", "acl"): Operation("GetBucketAcl", buckets.get_bucket_acl),
        ("PUT", "acl"): Operation("PutBucketAcl", buckets.put_bucket_acl),
        ("GET", "tagging"): Operation("GetBucketTagging", buckets.get_bucket_tagging),
        ("PUT", "tagging"): Operation("PutBucketTagging", buckets.put_bucket_tagging),
        ("DELETE", "tagging"): Operation(
            "DeleteBucketTagging", buckets.delete_bucket_tagging
        ),
        ("GET", "policyStatus"): Operation(
            "GetBucketPolicyStatus", buckets.get_policy_status
        ),
        ("GET", "versioning"): Operation("GetBucketVersioning", buckets.get_versioning),
        ("PUT", "versioning"): Operation("PutBucketVersioning", buckets.put_versioning),
    },
    Level.OBJECT: {
        ("OPTIONS", ""): Operation("OptionObject", cors.option_object),
        ("PUT", ""): Operation("PutObject", objects.put_object),
        ("GET", ""): Operation("GetObject", objects.get_object),
        ("HEAD", ""): Operation("HeadObject", objects.head_object),
        ("DELETE", ""): Operation("DeleteObject", objects.delete_object),
        ("HEAD", "objectMeta"): Operation("GetObjectMeta", objects.get_object_meta),
        ("GET", "objectMeta"): Operation("GetObjectMeta", objects.get_object_meta),
        ("PUT", "copy"): Operation("CopyObject", copying.copy_object),
        ("POST", "append"): Operation("AppendObject", copying.append_object),
        ("POST", "seal"): Operation("SealAppendObject", copying.seal_append_object),
        ("PUT", "symlink"): Operation("PutSymlink", copying.put_symlink),
        ("GET", "symlink"): Operation("GetSymlink", copying.get_symlink),
        ("GET", "acl"): Operation("GetObjectAcl", attributes.get_object_acl),
        ("PUT", "acl"): Operation("PutObjectAcl", attributes.put_object_acl),
        ("GET", "tagging"): Operation(
            "GetObjectTagging", attributes.get_object_tagging
        ),
        ("PUT", "tagging"): Operation(
            "PutObjectTagging", attributes.put_object_tagging
        ),
        ("DELETE", "tagging"): Operation(
            "DeleteObjectTagging", attributes.delete_object_tagging
        ),
        ("POST", "restore"): Operation("RestoreObject", attributes.restore_object),
        ("POST", "cleanRestoredObject"): Operation(
            "CleanRestoredObject", attributes.clean_restored_object
        ),
        ("POST", "uploads"): Operation("InitiateMultipartUpload", multipart.initiate),
        ("PUT", "uploadId"): Operation("UploadPart", multipart.upload_part),
        ("PUT", "uploadId copy"): Operation(
            "UploadPartCopy", multipart.upload_part_copy
        ),
        ("POST", "uploadId"): Operation("CompleteMultipartUpload", multipart.complete),
        ("DELETE", "uploadId"): Operation("AbortMultipartUpload", multipart.abort),
        ("GET", "uploadId"): Operation("ListParts", multipart.list_parts),
    },
}
for _setting in SETTINGS.values():
    for _method, _name, _action, _handler in settings.operations(_setting):
        _ROUTES[Level.BUCKET][_method, _name] = Operation(_action, _handler)

_SUB_RESOURCES = {
    level: {name for _, name in routes} for level, routes in _ROUTES.items()
}
# Sub-resources that OSS has and the emulator has not: refused by name, so that they
# are never taken for the thing itself. (PUT ?website must not make a bucket.)
_MISSING = frozenset(
    {
        "accessPoint", "accessPointConfigForObjectProcess",
        "accessPointForObjectProcess", "accessPointPolicy",
        "accessPointPolicyForObjectProcess", "accessPointPolicyStatus",
        "archiveDirectRead", "asyncFetch", "bucketArchiveDirectRead",
        "cloudboxes", "cname", "dataPipeline", "img", "legalHold",
        "live", "metadataConfiguration", "metadataInventoryTable",
        "metadataJournalTable", "MetaQuery", "metaQuery", "objectWorm", "openMetaQuery",
        "overwriteConfig", "processConfiguration", "qos", "qosInfo",
        "qosRequester", "quota", "redundancyTransition", "replication",
        "replicationLocation", "replicationProgress", "requesterQosInfo",
        "resourcePool", "resourcePoolBuckets", "resourcePoolInfo", "retention", "rtc",
        "select", "style", "styleName", "udf", "udfName",
        "vod", "worm", "wormExtend", "wormId",
        "x-oss-async-process", "x-oss-process", "x-oss-write-get-object-response",
    }
)  # fmt: skip
# With these, a sub-resource that is there means something else, which is not.
_OTHERWISE = frozenset({"comp", "x-oss-access-point-name"})
_FIRST = {"uploads", *(one.many.key for one in SETTINGS.values() if one.many)}
# Ways of looking at an object: who deletes it with such a word deletes it all the same.
# (Older SDKs leave one in the parameters of the next call.)
_SEEN = frozenset({"objectMeta", "symlink"})


def actions_of(level: Level) -> list[str]:
    """Return the operations' names; one that is also about objects is among those."""
    there = dict.fromkeys(one.action for one in _ROUTES[level].values())
    if level is Level.BUCKET:
        for one in _ROUTES[Level.OBJECT].values():
            there.pop(one.action, None)
    return list(there)


def action_names() -> list[str]:
    """Return the operations' names of all levels."""
    return [name for level in Level for name in actions_of(level)]


def level_of(request: Request) -> Level:
    """Return what a request is about."""
    if not request.host.bucket:
        return Level.SERVICE
    return Level.OBJECT if request.path.strip("/") else Level.BUCKET


def operation_of(request: Request) -> Operation | str:
    """Return the operation, or the error code if there is none; looked up once."""
    if not isinstance(request.found, Operation | str):
        request.found = _looked_up(request)
    return request.found


def _looked_up(request: Request) -> Operation | str:
    level = level_of(request)
    names = {name for name, _ in request.query}
    found = sorted(names & _SUB_RESOURCES[level])
    if names & _OTHERWISE or (not found and names & _MISSING):
        return "NotImplemented"
    if s3.is_meant(request):
        if not found and names & s3.MISSING:
            return "NotImplemented"
    elif level is Level.BUCKET and request.method == "HEAD":
        return "MethodNotAllowed"  # S3 alone has it
    if request.method == "OPTIONS":
        found = []  # what browsers ask first, whatever the query is about
    sub_resource = found[0] if found else ""
    if level is Level.OBJECT and request.method == "PUT":
        if "x-oss-copy-source" in request.headers:
            sub_resource = f"{sub_resource} copy".strip()
    elif level is Level.BUCKET:
        # Some come with words that are sub-resources elsewhere, or with another.
        both = _FIRST & set(found)
        sub_resource = both.pop() if both else sub_resource
    if level is Level.OBJECT and request.method == "DELETE" and sub_resource in _SEEN:
        sub_resource = ""
    operation = _ROUTES[level].get((request.method, sub_resource))
    return operation or "MethodNotAllowed"
