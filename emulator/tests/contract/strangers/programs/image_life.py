"""An image's life with the official SDKs: upload, import, copy, share, delete."""

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import alibabacloud_oss_v2 as oss
from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config

HERE, THERE = "eu-central-1", "us-east-1"
BUCKET = "strangers-images"
DISK = bytes(range(256)) * 4096

here = Client(Config(credential=Credentials(), region_id=HERE))
there = Client(Config(credential=Credentials(), region_id=THERE))


def until(seen: Callable[[], Any], wanted: Any) -> None:
    for _ in range(100):
        if seen() == wanted:
            return
        time.sleep(0.2)
    raise TimeoutError(f"still {seen()!r}, not {wanted!r}")


def upload() -> None:
    config = oss.config.load_default()
    config.region = HERE
    config.credentials_provider = (
        oss.credentials.EnvironmentVariableCredentialsProvider()
    )
    client = oss.Client(config)
    client.put_bucket(oss.PutBucketRequest(bucket=BUCKET))
    client.put_object(oss.PutObjectRequest(bucket=BUCKET, key="disk.raw", body=DISK))


def image(client: Client, region: str, image_id: str) -> Any:
    request = ecs.DescribeImagesRequest(
        region_id=region, image_id=image_id, status="Creating,Available,CreateFailed"
    )
    rows = client.describe_images(request).body.images.image
    return rows[0] if rows else None


def status(client: Client, region: str, image_id: str) -> str:
    row = image(client, region, image_id)
    return "" if row is None else row.status


def code_of(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientException as error:
        return str(error.code)
    return ""


def import_image() -> str:
    request = ecs.ImportImageRequest(
        region_id=HERE,
        image_name="from-python",
        description="made by a test",
        architecture="x86_64",
        boot_mode="UEFI",
        client_token="only-once",
        disk_device_mapping=[
            ecs.ImportImageRequestDiskDeviceMapping(
                format="RAW",
                ossbucket=BUCKET,
                ossobject="disk.raw",
                disk_image_size=1,
            )
        ],
        features=ecs.ImportImageRequestFeatures(nvme_support="supported"),
        tag=[ecs.ImportImageRequestTag(key="made-by", value="python")],
    )
    body = here.import_image(request).body
    assert here.import_image(request).body.image_id == body.image_id
    delete = ecs.DeleteImageRequest(region_id=HERE, image_id=body.image_id)
    early = code_of(lambda: here.delete_image(delete))
    assert early == "ImageIsImporting", early
    until(lambda: status(here, HERE, body.image_id), "Available")
    tasks = here.describe_tasks(
        ecs.DescribeTasksRequest(region_id=HERE, task_ids=body.task_id)
    ).body.task_set.task
    assert [task.task_status for task in tasks] == ["Finished"]
    return str(body.image_id)


def copy_image(image_id: str) -> str:
    request = ecs.CopyImageRequest(
        region_id=HERE,
        image_id=image_id,
        destination_region_id=THERE,
        destination_image_name="from-python-copied",
        tag=[ecs.CopyImageRequestTag(key="copied", value="yes")],
    )
    copied = str(here.copy_image(request).body.image_id)
    until(lambda: status(there, THERE, copied), "Available")
    there.modify_image_attribute(
        ecs.ModifyImageAttributeRequest(
            region_id=THERE, image_id=copied, image_family="strangers"
        )
    )
    newest = there.describe_image_from_family(
        ecs.DescribeImageFromFamilyRequest(region_id=THERE, image_family="strangers")
    ).body.image
    assert newest.image_id == copied
    return copied


def share(image_id: str) -> list[str]:
    given = {"region_id": HERE, "image_id": image_id}
    here.modify_image_share_permission(
        ecs.ModifyImageSharePermissionRequest(**given, add_account=["5555555555555555"])
    )
    shared = here.describe_image_share_permission(
        ecs.DescribeImageSharePermissionRequest(**given)
    ).body
    publish = ecs.ModifyImageSharePermissionRequest(**given, is_public=True)
    here.modify_image_share_permission(publish)
    assert code_of(lambda: here.modify_image_share_permission(publish)) == (
        "Image.Public"
    )
    here.modify_image_share_permission(
        ecs.ModifyImageSharePermissionRequest(
            **given, is_public=False, remove_account=["5555555555555555"]
        )
    )
    return [account.aliyun_id for account in shared.accounts.account]


def delete(client: Client, region: str, image_id: str) -> None:
    mappings = image(client, region, image_id).disk_device_mappings.disk_device_mapping
    client.delete_image(
        ecs.DeleteImageRequest(region_id=region, image_id=image_id, force=True)
    )
    until(lambda: status(client, region, image_id), "")
    for mapping in mappings:
        until(partial(snapshot_code, client, mapping.snapshot_id), "")


def snapshot_code(client: Client, snapshot_id: str) -> str:
    request = ecs.DeleteSnapshotRequest(snapshot_id=snapshot_id)
    return code_of(lambda: client.delete_snapshot(request))


upload()
imported = import_image()
row = image(here, HERE, imported)
accounts = share(imported)
copied = copy_image(imported)
delete(here, HERE, imported)
print(
    json.dumps(
        {
            "image": [
                row.architecture,
                row.boot_mode,
                row.features.nvme_support,
                row.size,
                row.image_owner_alias,
                {tag.tag_key: tag.tag_value for tag in row.tags.tag},
            ],
            "shared": accounts,
            "copied": copied,
        }
    )
)
