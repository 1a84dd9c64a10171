"""The older OSS SDK (oss2) parses every answer it has a parser for.

In the same process as the emulated object storage; test_oss2.py does it with sockets.
"""

import time
from collections.abc import Callable
from typing import Any

import oss2
import pytest
from oss2 import models

from alicloud_emulator.front.signatures import oss_v1
from emulator.tests.support.oss_calls import OLDER
from emulator.tests.support.oss_sdk import Adapter
from emulator.tests.support.oss_watch import action_of
from emulator.tests.unit.oss.conftest import TOKYO, Cloud

Client = Any  # untyped SDK

KEY = "key"


class Older:
    """Both of oss2's clients on one cloud, which has a bucket."""

    def __init__(self, auth: Callable[[str, str], Any]) -> None:
        cloud = Cloud(now=time.time())  # the SDK signs by the machine's clock
        account = cloud.world.profile.accounts[0]
        signer = auth(account.access_key_id, account.access_key_secret)
        self.adapter = Adapter(cloud)
        endpoint = f"https://oss-{TOKYO}.aliyuncs.com"
        session = oss2.Session(adapter=self.adapter)
        given = {"session": session, "region": TOKYO}
        self.bucket: Client = oss2.Bucket(signer, endpoint, "pail", **given)
        self.service: Client = oss2.Service(signer, endpoint, **given)
        self.bucket.create_bucket()


@pytest.fixture(params=["Auth", "AuthV2", "AuthV4"])
def older(request: pytest.FixtureRequest) -> Older:
    return Older(getattr(oss2, request.param))


def inventory() -> Any:
    target = models.InventoryBucketDestination(
        account_id="1", role_arn="r", bucket="pail", inventory_format="CSV"
    )
    return models.InventoryConfiguration(
        inventory_id="a",
        is_enabled=True,
        inventory_schedule=models.InventorySchedule("Daily"),
        inventory_filter=models.InventoryFilter("x"),
        inventory_destination=models.InventoryDestination(target),
        included_object_versions="All",
        optional_fields=["Size"],
    )


def lifecycle() -> Any:
    rule = models.LifecycleRule(
        "rule",
        "logs/",
        expiration=models.LifecycleExpiration(days=30),
        abort_multipart_upload=models.AbortMultipartUpload(days=1),
        storage_transitions=[models.StorageTransition(days=5, storage_class="IA")],
    )
    return models.BucketLifecycle([rule])


def test_configurations(older: Older) -> None:
    bucket = older.bucket
    bucket.put_bucket_acl(oss2.BUCKET_ACL_PRIVATE)
    assert bucket.get_bucket_acl().acl == "private"
    bucket.put_bucket_lifecycle(lifecycle())
    assert bucket.get_bucket_lifecycle().rules[0].expiration.days == 30
    bucket.delete_bucket_lifecycle()
    bucket.put_bucket_referer(models.BucketReferer(True, ["http://a"], False, ["b"]))
    assert bucket.get_bucket_referer().referers == ["http://a"]
    versioning = models.BucketVersioningConfig("Enabled")
    bucket.put_bucket_versioning(versioning)
    assert bucket.get_bucket_versioning().status == "Enabled"
    bucket.set_bucket_storage_capacity(models.BucketUserQos(7))
    assert bucket.get_bucket_storage_capacity().storage_capacity == 7
    bucket.put_bucket_transfer_acceleration("true")
    assert bucket.get_bucket_transfer_acceleration().enabled == "true"
    bucket.put_bucket_access_monitor("Enabled")
    assert bucket.get_bucket_access_monitor().access_monitor.status == "Enabled"
    bucket.put_bucket_resource_group("rg-1")
    assert bucket.get_bucket_resource_group().resource_group_id == "rg-1"
    bucket.put_bucket_archive_direct_read(True)
    assert bucket.get_bucket_archive_direct_read().enabled is True
    bucket.put_bucket_https_config(models.BucketTlsVersion(True, ["TLSv1.2"]))
    assert bucket.get_bucket_https_config().tls_enabled is True
    bucket.put_bucket_public_access_block(True)
    assert bucket.get_bucket_public_access_block().block_public_access is True
    bucket.delete_bucket_public_access_block()
    older.service.put_public_access_block(True)
    assert older.service.get_public_access_block().block_public_access is True
    older.service.delete_public_access_block()
    bucket.put_bucket_inventory_configuration(inventory())
    got = bucket.get_bucket_inventory_configuration("a")
    assert got.inventory_filter.prefix == "x"
    (one,) = bucket.list_bucket_inventory_configurations().inventory_configurations
    assert one.inventory_schedule.frequency == "Daily"
    bucket.delete_bucket_inventory_configuration("a")
    assert bucket.list_live_channel().channels == []


def test_objects(older: Older) -> None:
    bucket = older.bucket
    bucket.put_object(KEY, b"x" * 10, headers={"x-oss-tagging": "a=1"})
    bucket.put_object("cold", b"x", headers={"x-oss-storage-class": "ColdArchive"})
    assert bucket.get_object_meta(KEY).content_length == 10
    bucket.put_object_acl(KEY, oss2.OBJECT_ACL_PRIVATE)
    assert bucket.get_object_acl(KEY).acl == "private"
    assert bucket.get_object_tagging(KEY).tag_set.tagging_rule == {"a": "1"}
    bucket.delete_object_tagging(KEY)
    wish = models.RestoreConfiguration(2, models.RestoreJobParameters("Standard"))
    assert bucket.restore_object("cold", input=wish).status == 202
    assert {one.key for one in bucket.list_objects().object_list} == {KEY, "cold"}
    assert bucket.list_objects_v2(fetch_owner=True).object_list[0].owner.id
    assert {one.key for one in bucket.list_object_versions().versions} == {KEY, "cold"}
    upload = bucket.init_multipart_upload("whole").upload_id
    part = bucket.upload_part("whole", upload, 1, b"one")
    copied = bucket.upload_part_copy("pail", KEY, (0, 4), "whole", upload, 2)
    assert [p.part_number for p in bucket.list_parts("whole", upload).parts] == [1, 2]
    (begun,) = bucket.list_multipart_uploads().upload_list
    assert begun.upload_id == upload
    bucket.abort_multipart_upload("whole", upload)
    assert part.etag != copied.etag
    assert bucket.get_bucket_stat().object_count == 2
    assert older.service.list_buckets().buckets[0].region == TOKYO


def test_the_operations_that_only_oss2_has_were_called() -> None:
    older = Older(oss2.Auth)
    test_configurations(older)
    seen = {action_of(request) for request in older.adapter.seen}
    # oss2 has none for these: ali-oss does it, S3's clients, and browsers.
    assert OLDER - seen == {"DeleteBucketReferer", "HeadBucket", "PostObject"}


MISSING: dict[str, Callable[[Older], object]] = {
    "callback policy": lambda older: older.bucket.delete_bucket_callback_policy(),
    "qos": lambda older: older.bucket.get_bucket_qos_info(),
    "requester's qos": lambda older: older.bucket.get_bucket_requester_qos_info("1"),
    "resource pools": lambda older: older.service.list_resource_pools(),
    "a pool": lambda older: older.service.get_resource_pool_info("a"),
    "user's qos": lambda older: older.service.get_user_qos_info(),
    "live channel": lambda older: older.bucket.get_live_channel("a"),
    "playlist": lambda older: older.bucket.get_vod_playlist("a", 0, 1),
    "process": lambda older: older.bucket.process_object("a", "image/info"),
    "async fetch": lambda older: older.bucket.get_async_fetch_task("1"),
    "names": lambda older: older.bucket.list_bucket_cname(),
}


@pytest.mark.parametrize("call", MISSING.values(), ids=MISSING)
def test_what_is_not_there_is_not_taken_for_something_else(
    call: Callable[[Older], object],
) -> None:
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call(Older(oss2.Auth))
    assert (caught.value.status, caught.value.code) == (501, "NotImplemented")


def test_v1_signs_the_sub_resources_that_oss2_signs() -> None:
    signed = oss2.AuthBase if hasattr(oss2, "AuthBase") else oss2.auth.Auth
    names = {
        name for name in signed._subresource_key_set if not name.startswith("x-oss-")
    }
    assert names <= oss_v1._SUBRESOURCES
    assert "accessmonitor" not in oss_v1._SUBRESOURCES  # which no SDK signs
