"""Roles, endpoints and choices: answers that were captured, or that live tests assert."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import anyio
import pytest

from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.products.location import _NAMESPACE
from emulator.tests.life.conftest import vector
from emulator.tests.support.image_cloud import TOKYO, Cloud
from emulator.tests.support.rpc_calls import Answer, answer, request_of, service_of
from emulator.tests.unit.fc.conftest import Cloud as FcCloud
from emulator.tests.unit.fc.conftest import Wire

ACCOUNT = "1234567890123456"
TRUST = {
    "Version": "1",
    "Statement": [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"RAM": [f"acs:ram::{ACCOUNT}:root"]},
        }
    ],
}


def ask(cloud: Cloud, product: str, action: str, **params: str) -> Answer:
    service = service_of(product, cloud.world)
    return answer(service, request_of(service, action, params, caller=cloud.main))


def refused(seen: Answer) -> dict[str, Any]:
    return {name: seen.json[name] for name in ("Code", "Message")}


def test_an_endpoint_has_the_fields_that_were_seen() -> None:
    captured = vector(124)["body"]
    seen = ask(Cloud(), "location", "DescribeEndpoints", Id=TOKYO, ServiceCode="ecs")
    assert set(seen.json) == set(captured)
    (row,), (there,) = (body["Endpoints"]["Endpoint"] for body in (seen.json, captured))
    assert set(row) == set(there)
    for name in ("Protocols", "Type"):
        assert row[name] == there[name]
    assert there["Namespace"] == row["Namespace"] == _NAMESPACE


def test_a_role_that_is_not_there_is_told_by_each_product_in_its_way() -> None:
    arn = f"acs:ram::{ACCOUNT}:role/none"
    sts = ask(Cloud(), "sts", "AssumeRole", RoleArn=arn, RoleSessionName="life")
    assert (sts.status, refused(sts)) == (vector(125)["status"], vector(125)["body"])
    ram = ask(Cloud(), "ram", "GetRole", RoleName="none")
    captured = vector(126)
    said = captured["body"]["Message"].replace("<RoleName>", "none")
    assert ram.status == captured["status"]
    assert refused(ram) == {**captured["body"], "Message": said}


def test_an_assumed_role_lies_in_the_order_that_was_seen() -> None:
    cloud = Cloud()
    trust = json.dumps(TRUST)
    ask(cloud, "ram", "CreateRole", RoleName="r", AssumeRolePolicyDocument=trust)
    arn = f"acs:ram::{ACCOUNT}:role/r"
    seen = ask(cloud, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="cbox")
    document = seen.json
    assert list(document) == vector(127)["order"]
    assert list(document["AssumedRoleUser"]) == ["Arn", "AssumedRoleId"]
    assert set(document["Credentials"]) == {
        *("SecurityToken", "AccessKeyId", "AccessKeySecret", "Expiration")
    }
    assert document["AssumedRoleUser"]["Arn"] == f"{arn}/cbox"
    assert document["AssumedRoleUser"]["AssumedRoleId"].endswith(":cbox")


def test_an_identity_token_expires_in_these_words() -> None:
    claims = {"iss": "https://id.example", "aud": "x", "sub": "y", "exp": 1}
    parts = [
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, claims, "signature")
    ]
    seen = ask(
        Cloud(),
        "sts",
        "AssumeRoleWithOIDC",
        OIDCProviderArn=f"acs:ram::{ACCOUNT}:oidc-provider/p",
        OIDCToken=".".join(parts),
        RoleArn=f"acs:ram::{ACCOUNT}:role/AliyunFCDefaultRole",
        RoleSessionName="life",
    )
    assert refused(seen) == vector(128)["body"]


@pytest.mark.parametrize(
    ("number", "headers"),
    [
        (129, {"x-fc-log-type": "Invalid"}),
        (130, {"x-fc-log-type": "Tail", "x-fc-invocation-type": "Async"}),
    ],
)
def test_a_wrong_choice_is_told_with_what_is_allowed(
    number: int, headers: dict[str, str]
) -> None:
    async def invoke() -> tuple[int, dict[str, Any]]:
        async with Functions() as functions:
            wire = Wire(FcCloud(), functions)
            await wire.create("def handler(event, context): return event")
            seen = await wire.invoke(headers=headers)
            return seen.status, seen.json

    status, document = anyio.run(invoke)
    captured = vector(number)
    assert status == captured["status"]
    assert captured["body"].items() <= document.items()


def test_an_image_of_a_family_leaves_three_fields_empty() -> None:
    cloud = Cloud()
    image_id = cloud.available()
    changed = {"region": TOKYO, "image_id": image_id, "family": "fam"}
    cloud.ecs.modify_image_attribute(cloud.main, **changed)
    seen = ask(
        cloud, "ecs", "DescribeImageFromFamily", RegionId=TOKYO, ImageFamily="fam"
    ).json["Image"]
    documented = vector(131)["body"]
    for name in ("Progress", "Usage", "IsSelfShared", "ImageVersion"):
        assert seen[name] == documented[name]
    ((disk,), (sample,)) = (
        image["DiskDeviceMappings"]["DiskDeviceMapping"] for image in (seen, documented)
    )
    assert set(disk) == set(sample)
    assert {name: type(disk[name]) for name in disk} == {
        name: type(sample[name]) for name in sample
    }
