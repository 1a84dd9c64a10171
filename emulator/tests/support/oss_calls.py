"""Every call of object storage that the official SDK knows, its answers held to its models."""

import time
from typing import Any

import alibabacloud_oss_v2 as oss

from alicloud_emulator.products.wire import Request
from emulator.tests.support import oss_models
from emulator.tests.support.oss_sdk import client_of
from emulator.tests.support.oss_watch import action_of
from emulator.tests.unit.oss.conftest import Cloud

BUCKET = "pail"
PART = 100 * 1024
# Operations that only older SDKs have, or browsers.
OLDER = {
    "HeadBucket",
    "PostObject",
    "DeleteBucketReferer",
    "GetBucketStorageCapacity",
    "ListLiveChannel",
    "PutBucketStorageCapacity",
}
# Headers of any answer, and those that no model of the SDK has a place for.
ANY_HEADER = {"x-oss-request-id", "x-oss-server-time"}
UNTOLD = {
    "x-oss-sealed-time",  # the reference of HeadObject has it
    "x-oss-server-side-encryption",  # PutObject's, CopyObject's...
    "x-oss-server-side-encryption-key-id",
    "x-oss-server-side-data-encryption",
    "x-oss-tagging-count",
}
# Elements that no model of this SDK has, but others read.
BEYOND = {
    "MultipartPartCount is unknown",  # oss2
    "Buckets/Bucket/Tagging is unknown",  # ali-oss
    "CommonPrefixes is unknown",  # of uploads: oss2
    "Upload/StorageClass is unknown",  # told by the service, in no model here
}


class Session:
    """A client of a cloud, whose every answer is checked against the SDK's models."""

    def __init__(self, version: str = "v4") -> None:
        self.cloud = Cloud(now=time.time())  # the SDK signs by the machine's clock
        self.client, self.transport = client_of(self.cloud, version)
        self.sent: dict[str, Request] = {}

    def call(self, method: str, **given: Any) -> Any:
        """Make a call, which must succeed; bucket and key are given where needed."""
        kind = getattr(oss, "".join(map(str.title, method.split("_"))) + "Request")
        kind = {"list_objects_v2": oss.ListObjectsV2Request}.get(method, kind)
        for name, usual in (("bucket", BUCKET), ("key", "key")):
            if kind._attribute_map.get(name, {}).get("required"):
                given.setdefault(name, usual)
        result = getattr(self.client, method)(kind(**given))
        assert self.transport.last is not None
        request, answer = self.transport.last
        self.sent.setdefault(action_of(request), request)
        if answer.content and "xml" in answer.headers.get("content-type", ""):
            assert set(oss_models.problems(answer.content, result)) <= BEYOND, method
        known = oss_models.headers(result)
        for name, value in answer.headers.items():
            lower = name.lower()
            if lower in known:
                assert oss_models.header_is_of(known[lower], value), (method, name)
            elif lower.startswith("x-oss-") and "x-oss-meta-" not in known:
                assert lower in ANY_HEADER | UNTOLD, (method, name)
        return result


def everything(session: Session) -> None:
    """Make every call that the SDK and the emulator both know."""
    use_buckets(session)
    use_settings(session)
    use_objects(session)
    use_other_objects(session)
    use_uploads(session)
    empty(session)


def use_buckets(session: Session) -> None:
    call = session.call
    call(
        "put_bucket",
        acl="private",
        resource_group_id="rg-1",
        bucket_tagging="a=1",
        create_bucket_configuration=oss.CreateBucketConfiguration(
            storage_class="IA", data_redundancy_type="ZRS"
        ),
    )
    call("put_bucket_acl", acl="private")
    call("get_bucket_acl")
    call("get_bucket_info")
    call("get_bucket_location")
    call("get_bucket_stat")
    call("list_buckets", tag_key="a", tag_value="1")
    call("describe_regions")
    tag_set = oss.TagSet(tags=[oss.Tag(key="a", value="1"), oss.Tag(key="b")])
    call("put_bucket_tags", tagging=oss.Tagging(tag_set=tag_set))
    assert len(call("get_bucket_tags").tagging.tag_set.tags) == 2
    call("delete_bucket_tags", tagging="a")
    group = oss.BucketResourceGroupConfiguration(resource_group_id="rg-2")
    call("put_bucket_resource_group", bucket_resource_group_configuration=group)
    call("get_bucket_resource_group")
    block = oss.PublicAccessBlockConfiguration(block_public_access=True)
    for level in ("bucket_", ""):
        name = f"{level}public_access_block"
        call(f"put_{name}", public_access_block_configuration=block)
        call(f"get_{name}")
        call(f"delete_{name}")


CHECKED: dict[str, dict[str, Any]] = {
    "LifecycleConfiguration": {
        "Rule/Status": "Enabled",
        "Rule/Expiration/CreatedBeforeDate": None,
        "Rule/Expiration/Days": 30,
        "Rule/Transition/CreatedBeforeDate": None,
        "Rule/Transition/StorageClass": "IA",
        "Rule/NoncurrentVersionTransition/StorageClass": "IA",
    },
    "HttpsConfiguration": {"TLS/TLSVersion": "TLSv1.2"},
    "VersioningConfiguration": {"Status": "Enabled"},
    "RequestPaymentConfiguration": {"Payer": "Requester"},
    "AccessMonitorConfiguration": {"Status": "Enabled"},
    "InventoryConfiguration": {"Id": "text"},
    "ServerSideEncryptionRule": {
        "ApplyServerSideEncryptionByDefault/SSEAlgorithm": "KMS",
        "ApplyServerSideEncryptionByDefault/KMSDataEncryption": "SM4",
    },
}
SETTINGS = (
    ("lifecycle", "lifecycle_configuration", "LifecycleConfiguration"),
    ("cors", "cors_configuration", "CORSConfiguration"),
    ("website", "website_configuration", "WebsiteConfiguration"),
    ("logging", "bucket_logging_status", "BucketLoggingStatus"),
    ("referer", "referer_configuration", "RefererConfiguration"),
    ("versioning", "versioning_configuration", "VersioningConfiguration"),
    ("https_config", "https_configuration", "HttpsConfiguration"),
    ("encryption", "server_side_encryption_rule", "ServerSideEncryptionRule"),
    ("inventory", "inventory_configuration", "InventoryConfiguration"),
    (
        "request_payment",
        "request_payment_configuration",
        "RequestPaymentConfiguration",
    ),
    (
        "transfer_acceleration",
        "transfer_acceleration_configuration",
        "TransferAccelerationConfiguration",
    ),
    ("access_monitor", "access_monitor_configuration", "AccessMonitorConfiguration"),
    (
        "archive_direct_read",
        "archive_direct_read_configuration",
        "ArchiveDirectReadConfiguration",
    ),
)


def use_log_fields(session: Session) -> None:
    name = "user_defined_log_fields_config"
    fields = oss.UserDefinedLogFieldsConfiguration(
        header_set=oss.LoggingHeaderSet(headers=["a", "b"]),
        param_set=oss.LoggingParamSet(parameters=["c"]),
    )
    session.call(f"put_{name}", user_defined_log_fields_configuration=fields)
    got = session.call(f"get_{name}").user_defined_log_fields_configuration
    assert document(got) == document(fields)
    session.call(f"delete_{name}")


def use_cors(session: Session) -> None:
    rule = oss.CORSRule(
        allowed_origins=["https://*.example"],
        allowed_methods=["GET", "PUT"],
        allowed_headers=["x-*"],
        expose_headers=["x-a"],
    )
    wish = oss.CORSConfiguration(cors_rules=[rule])
    session.call("put_bucket_cors", cors_configuration=wish)
    asked = {
        "key": "k",
        "origin": "https://a.example",
        "access_control_request_method": "PUT",
        "access_control_request_headers": "X-a",
    }
    told = session.call("option_object", **asked)
    assert told.access_control_allow_origin == asked["origin"]
    assert told.access_control_allow_methods == "GET, PUT"
    assert told.access_control_allow_headers == "X-a"
    assert told.access_control_max_age == 0
    session.call("delete_bucket_cors")


def use_settings(session: Session) -> None:
    """Put a configuration with everything in it, get the same back, delete it."""
    policy = (
        '{"Version":"1","Statement":[{"Effect":"Deny","Principal":["2"],'
        '"Action":"oss:GetObject","Resource":"acs:oss:*:*:*"}]}'
    )
    session.call("put_bucket_policy", body=policy)
    assert session.call("get_bucket_policy").body == policy
    assert session.call("get_bucket_policy_status").policy_status.is_public is False
    session.call("delete_bucket_policy")
    use_log_fields(session)
    use_cors(session)
    for name, attribute, kind in SETTINGS:
        named = {"inventory_id": "text"} if name == "inventory" else {}
        wish = oss_models.filled(getattr(oss, kind)(), **CHECKED.get(kind, {}))
        session.call(f"put_bucket_{name}", **{attribute: wish}, **named)
        got = session.call(f"get_bucket_{name}", **named)
        if name == "versioning":  # its result is flat
            assert got.version_status == "Enabled"
        else:
            assert document(getattr(got, attribute)) == document(wish), name
        if name == "inventory":
            session.call("list_bucket_inventory")
        if hasattr(oss, f"DeleteBucket{name.title()}Request"):
            session.call(f"delete_bucket_{name}", **named)


def document(model: Any) -> str:
    """Return a model as XML: booleans and numbers look alike, wherever from."""
    text: bytes = oss.serde.serialize_xml(model)
    return text.decode()


def use_objects(session: Session) -> None:
    call = session.call
    call(
        "put_object",
        body=b"text" * 1000,
        metadata={"name": "value"},
        content_type="text/plain",
        tagging="a=1",
        server_side_encryption="KMS",
    )
    call("put_object", key="big", body=b"x" * 2 * PART)
    call("get_object", range_header="bytes=0-9", range_behavior="standard")
    call("get_object", response_cache_control="no-cache")
    call("head_object")
    call("get_object_meta")
    call("put_object_acl", acl="public-read")
    call("get_object_acl")
    tag_set = oss.TagSet(tags=[oss.Tag(key="a", value="1")])
    call("put_object_tagging", tagging=oss.Tagging(tag_set=tag_set))
    call("get_object_tagging")
    call("delete_object_tagging")
    call("copy_object", key="dir/copy", source_key="key")
    for listing in ("list_objects", "list_objects_v2", "list_object_versions"):
        page = call(listing, max_keys=1, delimiter="/")
        assert page.is_truncated
        assert call(listing, delimiter="/").common_prefixes
    assert call("list_objects_v2", fetch_owner=True).contents[0].owner


def use_other_objects(session: Session) -> None:
    call = session.call
    call("put_symlink", key="link", symlink_target="key", metadata={"name": "value"})
    call("get_symlink", key="link")
    call("head_object", key="link")
    call("append_object", key="log", position=0, body=b"a", init_crc="0")
    call("head_object", key="log")
    call("seal_append_object", key="log", position="1")
    call("head_object", key="log")
    call("put_object", key="cold", body=b"x", storage_class="ColdArchive")
    wish = oss.RestoreRequest(days=2, job_parameters=oss.JobParameters(tier="Standard"))
    call("restore_object", key="cold", restore_request=wish)
    call("head_object", key="cold")
    assert any(one.restore_info for one in call("list_objects").contents)
    session.cloud.clock.now += 60
    call("get_object", key="cold")
    call("clean_restored_object", key="cold")


def use_uploads(session: Session) -> None:
    call = session.call
    begun = call("initiate_multipart_upload", key="whole", tagging="a=1")
    upload = {"key": "whole", "upload_id": begun.upload_id}
    call("upload_part", **upload, part_number=1, body=b"x" * PART)
    call(
        "upload_part_copy",
        **upload,
        part_number=2,
        source_key="big",
        source_range="bytes=0-9",
    )
    parts = call("list_parts", **upload, max_parts=1)
    assert parts.is_truncated
    call("list_parts", **upload)
    for number in range(2):
        call("initiate_multipart_upload", key=f"dir/{number}")
    assert call("list_multipart_uploads", max_uploads=1).is_truncated
    call("list_multipart_uploads", delimiter="/")
    for one in call("list_multipart_uploads", prefix="dir/").uploads:
        call("abort_multipart_upload", key=one.key, upload_id=one.upload_id)
    call("complete_multipart_upload", **upload, complete_all="yes")
    call("head_object", key="whole")


def empty(session: Session) -> None:
    """Delete what there is, and every version and marker of it."""
    keys = [one.key for one in session.call("list_objects").contents]
    last = keys.pop()
    objects = [oss.DeleteObject(key=key) for key in keys]
    session.call("delete_multiple_objects", objects=objects)
    session.call("delete_object", key=last)
    page = session.call("list_object_versions")
    assert page.delete_marker
    objects = [
        oss.DeleteObject(key=one.key, version_id=one.version_id)
        for one in [*page.version, *page.delete_marker]
    ]
    session.call("delete_multiple_objects", objects=objects)
    session.call("delete_bucket")
