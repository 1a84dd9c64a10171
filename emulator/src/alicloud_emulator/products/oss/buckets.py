"""Operations on buckets: make, delete, describe, ACL, tags, versioning."""

from collections.abc import Mapping

from alicloud_emulator.products.oss import encryption, s3, xml
from alicloud_emulator.products.oss.call import Call, answer, iso_date
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.oss import Bucket


def endpoints(region_id: str) -> tuple[str, str]:
    """Return a region's public and internal endpoint."""
    stem = f"oss-{region_id}"
    return f"{stem}.aliyuncs.com", f"{stem}-internal.aliyuncs.com"


def owner_node(bucket: Bucket) -> xml.Node:
    """Return the bucket's owner as XML."""
    return ("Owner", [("ID", bucket.owner), ("DisplayName", bucket.owner)])


async def put_bucket(call: Call) -> Response:
    """PutBucket."""
    wish = await call.xml("CreateBucketConfiguration", optional=True)
    location = xml.text(wish, "LocationConstraint")
    call.world.oss.buckets.put(
        call.visit,
        call.bucket,
        acl=call.header("x-oss-acl"),
        storage_class=xml.text(wish, "StorageClass"),
        redundancy=xml.text(wish, "DataRedundancyType"),
        resource_group=call.header("x-oss-resource-group-id"),
        tags=call.tags("x-oss-bucket-tagging"),
        encryption=encryption.asked(call),
        location=s3.location(location) if s3.is_meant(call.request) else location,
    )
    return Response(headers={"Location": f"/{call.bucket}"})


async def delete_bucket(call: Call) -> Response:
    """DeleteBucket."""
    call.world.oss.buckets.delete(call.visit, call.bucket)
    return Response(status=204)


async def head_bucket(call: Call) -> Response:
    """HeadBucket, of the S3-compatible API: whether it is there, and where."""
    bucket = call.world.oss.buckets.get(call.visit, call.bucket)
    return Response(headers={"x-amz-bucket-region": bucket.region})


async def get_bucket_info(call: Call) -> Response:
    """GetBucketInfo."""
    bucket = call.world.oss.buckets.get(call.visit, call.bucket)
    public, internal = endpoints(bucket.region)
    fast = bucket.said("transferAcceleration", "Enabled") == "true"
    rule: list[xml.Node] = [("SSEAlgorithm", "None")]
    if bucket.encryption is not None:
        rule = encryption.rule(bucket.encryption)
    watched = bucket.said("accessmonitor", "Status")
    return answer(
        "BucketInfo",
        [
            (
                "Bucket",
                [
                    ("AccessMonitor", watched or "Disabled"),
                    ("BlockPublicAccess", bucket.block_public_access),
                    ("Comment", ""),
                    ("CreationDate", iso_date(bucket.created_at)),
                    ("CrossRegionReplication", "Disabled"),
                    ("DataRedundancyType", bucket.redundancy),
                    ("ExtranetEndpoint", public),
                    ("IntranetEndpoint", internal),
                    ("Location", f"oss-{bucket.region}"),
                    ("Name", bucket.name),
                    ("ResourceGroupId", bucket.resource_group),
                    ("StorageClass", bucket.storage_class),
                    ("TransferAcceleration", "Enabled" if fast else "Disabled"),
                    ("Versioning", bucket.versioning or None),
                    ("Owner", [("DisplayName", bucket.owner), ("ID", bucket.owner)]),
                    ("AccessControlList", [("Grant", bucket.acl)]),
                    ("ServerSideEncryptionRule", rule),
                    ("BucketPolicy", [("LogBucket", ""), ("LogPrefix", "")]),
                ],
            )
        ],
    )


async def get_bucket_location(call: Call) -> Response:
    """GetBucketLocation."""
    bucket = call.world.oss.buckets.get(call.visit, call.bucket, "GetBucketLocation")
    body = xml.document(("LocationConstraint", f"oss-{bucket.region}"))
    return Response(headers={"Content-Type": "application/xml"}, body=body)


async def get_bucket_stat(call: Call) -> Response:
    """GetBucketStat: real in time here, once an hour in life."""
    stat = call.world.oss.buckets.stat(call.visit, call.bucket)
    nodes: list[xml.Node] = [
        ("Storage", stat.size_bytes),
        ("ObjectCount", stat.objects),
        ("MultipartUploadCount", stat.uploads),
        ("MultipartPartCount", stat.parts),
        ("LiveChannelCount", 0),
        ("LastModifiedTime", int(stat.modified_at)),
        ("DeleteMarkerCount", stat.delete_markers),
    ]
    for stem, storage_class in (
        ("Standard", "Standard"),
        ("InfrequentAccess", "IA"),
        ("Archive", "Archive"),
        ("ColdArchive", "ColdArchive"),
        ("DeepColdArchive", "DeepColdArchive"),
    ):
        size, number = stat.by_class.get(storage_class, (0, 0))
        nodes += [(f"{stem}Storage", size), (f"{stem}ObjectCount", number)]
        if stem != "Standard":
            nodes.append((f"{stem}RealStorage", size))
    return answer("BucketStat", nodes)


async def get_bucket_acl(call: Call) -> Response:
    """GetBucketAcl."""
    bucket = call.world.oss.buckets.get(call.visit, call.bucket, "GetBucketAcl")
    return answer(
        "AccessControlPolicy",
        [owner_node(bucket), ("AccessControlList", [("Grant", bucket.acl)])],
    )


async def put_bucket_acl(call: Call) -> Response:
    """PutBucketAcl."""
    acl = await s3.asked_acl(call, "x-oss-acl")
    call.world.oss.buckets.put_acl(call.visit, call.bucket, acl)
    return Response(headers={"Location": f"/{call.bucket}"})


async def get_bucket_tagging(call: Call) -> Response:
    """GetBucketTagging."""
    bucket = call.world.oss.buckets.get(call.visit, call.bucket, "GetBucketTagging")
    return answer("Tagging", [tag_set(bucket.tags)])


def tag_set(tags: Mapping[str, str]) -> xml.Node:
    """Return tags as XML."""
    return (
        "TagSet",
        [("Tag", [("Key", key), ("Value", value)]) for key, value in tags.items()],
    )


async def put_bucket_tagging(call: Call) -> Response:
    """PutBucketTagging."""
    tags = xml.tags_of(await call.xml("Tagging"))
    call.world.oss.buckets.put_tags(call.visit, call.bucket, tags)
    return Response()


async def delete_bucket_tagging(call: Call) -> Response:
    """DeleteBucketTagging: all tags, or those named as ``?tagging=a,b``."""
    keys = tuple(filter(None, call.param("tagging").split(",")))
    call.world.oss.buckets.delete_tags(call.visit, call.bucket, keys)
    return Response(status=204)


async def get_policy_status(call: Call) -> Response:
    """GetBucketPolicyStatus."""
    public = call.world.oss.buckets.is_policy_public(call.visit, call.bucket)
    return answer("PolicyStatus", [("IsPublic", public)])


async def get_versioning(call: Call) -> Response:
    """GetBucketVersioning: no status where it was never switched on."""
    action = "GetBucketVersioning"
    bucket = call.world.oss.buckets.get(call.visit, call.bucket, action)
    return answer("VersioningConfiguration", [("Status", bucket.versioning or None)])


async def put_versioning(call: Call) -> Response:
    """PutBucketVersioning."""
    wish = await call.xml("VersioningConfiguration")
    status = xml.text(wish, "Status")
    call.world.oss.buckets.put_versioning(call.visit, call.bucket, status)
    return Response()
