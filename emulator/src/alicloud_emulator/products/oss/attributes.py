"""ACL, tags and restoring of objects."""

from alicloud_emulator.products.oss import s3, xml
from alicloud_emulator.products.oss.buckets import owner_node, tag_set
from alicloud_emulator.products.oss.call import Call, answer, version_headers
from alicloud_emulator.products.wire import Response


async def get_object_acl(call: Call) -> Response:
    """GetObjectAcl."""
    stored = call.world.oss.attributes.get(
        call.versioned_visit, call.bucket, call.key, "GetObjectAcl"
    )
    bucket = call.world.oss.gate.find(call.visit, call.bucket)
    response = answer(
        "AccessControlPolicy",
        [owner_node(bucket), ("AccessControlList", [("Grant", stored.acl)])],
    )
    response.headers |= version_headers(stored.version_id)
    return response


async def put_object_acl(call: Call) -> Response:
    """PutObjectAcl."""
    acl = await s3.asked_acl(call, "x-oss-object-acl")
    stored = call.world.oss.attributes.put_acl(
        call.versioned_visit, call.bucket, call.key, acl
    )
    return Response(headers=version_headers(stored.version_id))


async def get_object_tagging(call: Call) -> Response:
    """GetObjectTagging."""
    stored = call.world.oss.attributes.get(
        call.versioned_visit, call.bucket, call.key, "GetObjectTagging"
    )
    response = answer("Tagging", [tag_set(stored.tags)])
    response.headers |= version_headers(stored.version_id)
    return response


async def put_object_tagging(call: Call) -> Response:
    """PutObjectTagging."""
    tags = xml.tags_of(await call.xml("Tagging"))
    stored = call.world.oss.attributes.put_tags(
        call.versioned_visit, call.bucket, call.key, tags
    )
    return Response(headers=version_headers(stored.version_id))


async def delete_object_tagging(call: Call) -> Response:
    """DeleteObjectTagging."""
    stored = call.world.oss.attributes.delete_tags(
        call.versioned_visit, call.bucket, call.key
    )
    return Response(status=204, headers=version_headers(stored.version_id))


async def restore_object(call: Call) -> Response:
    """RestoreObject: 202 when it begins, 200 when it was readable already."""
    wish = await call.xml("RestoreRequest", optional=True)
    text = xml.text(wish, "Days", "1")
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        call.bad_argument("Days", text)
    tier = xml.text(wish, "JobParameters/Tier")
    restored = call.world.oss.attributes.restore(
        call.versioned_visit, call.bucket, call.key, int(text), tier
    )
    headers = {"x-oss-object-restore-priority": tier} if tier else {}
    return Response(status=200 if restored else 202, headers=headers)


async def clean_restored_object(call: Call) -> Response:
    """CleanRestoredObject."""
    call.world.oss.attributes.clean_restored(
        call.versioned_visit, call.bucket, call.key
    )
    return Response()
