"""The official SDKs of ECS, RAM and STS, and the older generation, over real sockets."""

import json
from typing import Any

import alibabacloud_oss_v2 as oss
import pytest
from alibabacloud_ecs20140526 import models as ecs_models
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config

from emulator.tests.support.emulator import RunningEmulator
from emulator.tests.support.waiting import until

LONDON, TOKYO = "eu-west-1", "ap-northeast-1"
MAIN = "1234567890123456"


def config(cloud: RunningEmulator, **given: str) -> Config:
    key, secret = cloud.keys
    defaults = {"access_key_id": key, "access_key_secret": secret, "region_id": LONDON}
    return Config(**{**defaults, **given})


@pytest.fixture
def ecs(cloud: RunningEmulator) -> Any:
    return EcsClient(config(cloud))


def upload(cloud: RunningEmulator, data: bytes) -> None:
    key, secret = cloud.keys
    client = oss.Client(
        oss.config.Config(
            region=LONDON,
            credentials_provider=oss.credentials.StaticCredentialsProvider(key, secret),
        )
    )
    client.put_bucket(oss.PutBucketRequest(bucket="sdk-test"))
    client.put_object(oss.PutObjectRequest(bucket="sdk-test", key="disk", body=data))


def import_request(**given: Any) -> Any:
    disk = ecs_models.ImportImageRequestDiskDeviceMapping(
        ossbucket="sdk-test", ossobject="disk", disk_image_size=1, format="RAW"
    )
    defaults = {"region_id": LONDON, "image_name": "sdk-image", "client_token": "t"}
    return ecs_models.ImportImageRequest(
        disk_device_mapping=[disk], **{**defaults, **given}
    )


def described(ecs: Any, region: str, image_id: str) -> Any:
    request = ecs_models.DescribeImagesRequest(
        region_id=region, image_id=image_id, status="ALL"
    )
    rows = ecs.describe_images(request).body.images.image
    return rows[0] if rows else None


def test_the_official_sdk_imports_copies_shares_and_deletes(
    cloud: RunningEmulator, ecs: Any
) -> None:
    upload(cloud, b"disk" * 1000)
    features = ecs_models.ImportImageRequestFeatures(nvme_support="supported")
    tag = ecs_models.ImportImageRequestTag(key="k", value="v")
    request = import_request(features=features, tag=[tag])
    image_id = ecs.import_image(request).body.image_id
    assert ecs.import_image(request).body.image_id == image_id  # same token
    until(lambda: described(ecs, LONDON, image_id).status == "Available")
    row = described(ecs, LONDON, image_id)
    assert row.features.nvme_support == "supported"
    assert [(t.tag_key, t.tag_value) for t in row.tags.tag] == [("k", "v")]
    copy = ecs.copy_image(
        ecs_models.CopyImageRequest(
            region_id=LONDON,
            image_id=image_id,
            destination_region_id=TOKYO,
            destination_image_name="sdk-copy",
        )
    ).body.image_id
    tokyo = EcsClient(config(cloud, region_id=TOKYO))
    until(lambda: described(tokyo, TOKYO, copy).status == "Available")
    with pytest.raises(ClientException, match="NotSupportedEndpoint"):
        described(ecs, TOKYO, copy)
    publish = ecs_models.ModifyImageSharePermissionRequest(
        region_id=LONDON, image_id=image_id, is_public=True
    )
    ecs.modify_image_share_permission(publish)
    with pytest.raises(ClientException) as caught:
        ecs.modify_image_share_permission(publish)
    assert (caught.value.code, caught.value.status_code) == ("Image.Public", 403)
    publish.is_public = False
    ecs.modify_image_share_permission(publish)
    delete = ecs_models.DeleteImageRequest(region_id=LONDON, image_id=image_id)
    ecs.delete_image(delete)
    until(lambda: described(ecs, LONDON, image_id) is None)
    assert cloud.get("/state")["regions"][TOKYO]["images"][0]["name"] == "sdk-copy"


def test_credentials_of_a_role_are_accepted_by_other_products(
    cloud: RunningEmulator,
) -> None:
    ram_sdk = pytest.importorskip("alibabacloud_ram20150501.client")
    ram_models = pytest.importorskip("alibabacloud_ram20150501.models")
    ram = ram_sdk.Client(config(cloud, endpoint="ram.aliyuncs.com"))
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": [f"acs:ram::{MAIN}:root"]},
    }
    trust = json.dumps({"Version": "1", "Statement": [statement]})
    role = ram.create_role(
        ram_models.CreateRoleRequest(
            role_name="ci", assume_role_policy_document=trust, max_session_duration=3600
        )
    ).body.role
    ram.attach_policy_to_role(
        ram_models.AttachPolicyToRoleRequest(
            policy_type="System", policy_name="AliyunECSReadOnlyAccess", role_name="ci"
        )
    )
    sts = StsClient(config(cloud, endpoint="sts.aliyuncs.com"))
    request = sts_models.AssumeRoleRequest(role_arn=role.arn, role_session_name="run")
    got = sts.assume_role(request).body.credentials
    assumed = {
        "access_key_id": got.access_key_id,
        "access_key_secret": got.access_key_secret,
        "security_token": got.security_token,
    }
    who = StsClient(config(cloud, endpoint="sts.aliyuncs.com", **assumed))
    assert who.get_caller_identity().body.arn.endswith("assumed-role/ci/run")
    reader = EcsClient(config(cloud, **assumed))
    every = ecs_models.DescribeImagesRequest(region_id=LONDON)
    assert reader.describe_images(every).body.total_count == 0
    with pytest.raises(ClientException) as caught:
        reader.import_image(import_request())
    assert caught.value.code == "Forbidden.RAM"
    assert caught.value.data["AccessDeniedDetail"]["AuthAction"] == "ecs:ImportImage"


def test_an_oidc_token_needs_no_keys(cloud: RunningEmulator) -> None:
    ram_sdk = pytest.importorskip("alibabacloud_ram20150501.client")
    ram_models = pytest.importorskip("alibabacloud_ram20150501.models")
    provider = f"acs:ram::{MAIN}:oidc-provider/github"
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider]},
    }
    trust = json.dumps({"Version": "1", "Statement": [statement]})
    ram = ram_sdk.Client(config(cloud, endpoint="ram.aliyuncs.com"))
    role = ram_models.CreateRoleRequest(
        role_name="oidc", assume_role_policy_document=trust
    )
    arn = ram.create_role(role).body.role.arn
    sts = StsClient(Config(endpoint="sts.aliyuncs.com"))
    request = sts_models.AssumeRoleWithOIDCRequest(
        oidcprovider_arn=provider,
        role_arn=arn,
        oidctoken="header.payload.signature",
        role_session_name="run",
    )
    got = sts.assume_role_with_oidc(request).body
    assert got.credentials.access_key_id.startswith("STS.")
    assert got.assumed_role_user.arn == f"acs:ram::{MAIN}:role/oidc/run"


def test_a_wrong_key_is_refused(cloud: RunningEmulator) -> None:
    wrong = EcsClient(config(cloud, access_key_id="LTAI-nobody"))
    with pytest.raises(ClientException) as caught:
        wrong.describe_regions(ecs_models.DescribeRegionsRequest())
    assert caught.value.code == "InvalidAccessKeyId.NotFound"
    assert caught.value.status_code == 404
