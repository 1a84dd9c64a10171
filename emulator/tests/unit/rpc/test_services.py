import hashlib
import json
from typing import Any

import pytest

from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.products.rpc.service import RpcService
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.profile import Principal
from emulator.tests.support.image_cloud import TOKYO, Cloud
from emulator.tests.support.rpc_calls import Answer, answer, request_of, service_of

IMPORT = {
    "RegionId": TOKYO,
    "ImageName": "image",
    "Architecture": "arm64",
    "BootMode": "UEFI",
    "DiskDeviceMapping.1.OSSBucket": "bucket",
    "DiskDeviceMapping.1.OSSObject": "disk.raw",
    "DiskDeviceMapping.1.DiskImageSize": 1,
    "DiskDeviceMapping.1.Format": "RAW",
    "Features.NvmeSupport": "supported",
    "Features.ImdsSupport": "v1",
    "Tag.1.Key": "a",
    "Tag.1.Value": "b",
    "ClientToken": "token",
}


class Wire:
    """A cloud and its RPC products."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        world = cloud.world
        self.ecs = service_of("ecs", world)
        self.ram = service_of("ram", world)
        self.sts = service_of("sts", world)
        self.location = service_of("location", world)

    def call(
        self, action: str, service: RpcService | None = None, **given: Any
    ) -> Answer:
        given.setdefault("caller", self.cloud.main)
        params = given.pop("params", {})
        service = service or self.ecs
        return answer(service, request_of(service, action, params, **given))


@pytest.fixture
def wire() -> Wire:
    nobody = Principal(name="nobody", access_key_id="n", access_key_secret="n")
    return Wire(Cloud(users=(nobody,)))


def test_an_image_from_import_to_deletion(wire: Wire) -> None:
    started = wire.call("ImportImage", params=IMPORT).json
    assert set(started) == {"ImageId", "TaskId", "RegionId", "RequestId"}
    assert wire.call("ImportImage", params=IMPORT).json == started
    query = {"RegionId": TOKYO, "ImageId": started["ImageId"]}
    assert wire.call("DescribeImages", params=query).json["TotalCount"] == 0
    every = {**query, "Status": "ALL"}
    (row,) = wire.call("DescribeImages", params=every).json["Images"]["Image"]
    assert (row["Status"], row["Progress"]) == ("Waiting", "0%")
    wire.cloud.wait(11)
    (row,) = wire.call("DescribeImages", params=query).json["Images"]["Image"]
    assert row["Architecture"] == "arm64"
    assert row["Features"]["NvmeSupport"] == "supported"
    assert row["Tags"] == {"Tag": [{"TagKey": "a", "TagValue": "b"}]}
    assert row["CreationTime"] == "2027-01-15T08:00:00Z"
    assert row["DiskDeviceMappings"]["DiskDeviceMapping"][0]["SnapshotId"][:2] == "s-"
    task = {"RegionId": TOKYO, "TaskIds": started["TaskId"]}
    (task_row,) = wire.call("DescribeTasks", params=task).json["TaskSet"]["Task"]
    assert task_row["TaskStatus"] == "Finished"
    wire.call("ModifyImageAttribute", params={**query, "ImageFamily": "fam"})
    family = {"RegionId": TOKYO, "ImageFamily": "fam"}
    found = wire.call("DescribeImageFromFamily", params=family).json
    assert found["Image"]["ImageId"] == started["ImageId"]
    share = {**query, "IsPublic": "True"}
    assert wire.call("ModifyImageSharePermission", params=share).status == 200
    assert wire.call("ModifyImageSharePermission", params=share).code == "Image.Public"
    shares = wire.call("DescribeImageSharePermission", params=query).json
    assert shares["ShareGroups"] == {"ShareGroup": [{"Group": "all"}]}
    assert wire.call("DeleteImage", params=query).code == "ImageIsPublic"
    wire.call("ModifyImageSharePermission", params={**query, "IsPublic": "False"})
    assert wire.call("DeleteImage", params=query).json == {"RequestId": "REQUEST-ID"}
    wire.cloud.wait(8)
    assert wire.call("DescribeImages", params=every).json["TotalCount"] == 0
    ids = wire.cloud.snapshot_ids()
    snapshots = {"RegionId": TOKYO, "SnapshotIds": json.dumps(ids)}
    assert wire.call("DescribeSnapshots", params=snapshots).json["TotalCount"] == 1
    gone = wire.call("DeleteSnapshot", region=TOKYO, params={"SnapshotId": ids[0]})
    assert gone.status == 200
    assert wire.cloud.snapshot_ids() == []


def test_why_an_import_failed_is_told_by_its_task(wire: Wire) -> None:
    fault = Fault(do=Do.FAIL_TASK, code="Bad.Disk", message="It is broken.")
    started = wire.call("ImportImage", params=IMPORT, faults=(fault,)).json
    wire.cloud.wait(11)
    params = {"RegionId": TOKYO, "TaskId": started["TaskId"]}
    task = wire.call("DescribeTaskAttribute", params=params).json
    (progress,) = task["OperationProgressSet"]["OperationProgress"]
    assert (task["TaskStatus"], task["FailedCount"]) == ("Failed", 1)
    assert (progress["ErrorCode"], progress["ErrorMsg"]) == (
        "Bad.Disk",
        "It is broken.",
    )
    related = {r["Name"]: r["Value"] for r in progress["RelatedItemSet"]["RelatedItem"]}
    assert related["OSSObject"] == "disk.raw"


def test_a_large_object_is_hashed_before_the_import(wire: Wire) -> None:
    data = b"large" * 2_000_000
    wire.cloud.put("disk.raw", data)
    wire.call("ImportImage", params=IMPORT)
    blob = wire.cloud.world.oss.read(
        wire.cloud.main.account_id, TOKYO, "bucket", "disk.raw"
    )
    assert blob.sha256_known == hashlib.sha256(data).hexdigest()


def test_a_copy_and_its_cancelling(wire: Wire) -> None:
    image_id = wire.cloud.available()
    params = {
        "RegionId": TOKYO,
        "ImageId": image_id,
        "DestinationRegionId": "eu-west-1",
        "DestinationImageName": "copy",
        "Tag.1.Key": "k",
    }
    copy_id = wire.call("CopyImage", params=params).json["ImageId"]
    there = {"RegionId": "eu-west-1", "ImageId": copy_id}
    query = {**there, "Status": "Creating,Waiting"}
    (row,) = wire.call("DescribeImages", params=query).json["Images"]["Image"]
    assert (row["IsCopied"], row["ImageName"]) == (True, "copy")
    assert row["DiskDeviceMappings"]["DiskDeviceMapping"][0]["RemainTime"] == 20
    assert wire.call("CancelCopyImage", params=there).status == 200
    assert wire.call("DescribeImages", params=query).json["TotalCount"] == 0


def test_tags_on_the_wire(wire: Wire) -> None:
    image_id = wire.cloud.available()
    resource = {"RegionId": TOKYO, "ResourceType": "image", "ResourceId.1": image_id}
    tags = {"Tag.1.Key": "a", "Tag.1.Value": "1", "Tag.2.Key": "b"}
    assert wire.call("TagResources", params={**resource, **tags}).status == 200
    listed = wire.call("ListTagResources", params=resource).json
    assert "NextToken" not in listed
    assert listed["TagResources"]["TagResource"] == [
        {"ResourceId": image_id, "ResourceType": "image", "TagKey": k, "TagValue": v}
        for k, v in (("a", "1"), ("b", ""))
    ]
    wire.call("UntagResources", params={**resource, "TagKey.1": "a"})
    assert wire.cloud.image(image_id).tags == {"b": ""}
    missing = wire.call("TagResources", params=resource)
    assert (missing.status, missing.code) == (400, "MissingParameter")


def test_every_region_is_described(wire: Wire) -> None:
    regions = wire.call("DescribeRegions").json["Regions"]["Region"]
    assert len(regions) == 32
    assert {
        "RegionId": "cn-qingdao",
        "RegionEndpoint": "ecs.cn-qingdao.aliyuncs.com",
        "LocalName": "China (Qingdao)",
    } in regions


def test_errors_have_the_body_that_every_product_has(wire: Wire) -> None:
    refused = wire.call("ImportImage", region=TOKYO, params={"RegionId": "xx"})
    assert refused.status == 400
    assert refused.headers["Content-Type"] == "application/json;charset=utf-8"
    document = refused.json
    assert document["Code"] == "InvalidRegionId.NotFound"
    assert document["HostId"] == f"ecs.{TOKYO}.aliyuncs.com"
    assert document["RequestId"] == "REQUEST-ID"
    assert document["Message"]
    assert document["Recommend"].startswith("https://api.aliyun.com/troubleshoot?q=")


@pytest.mark.parametrize(
    ("headers", "params", "method", "code", "status"),
    [
        ({"x-acs-version": "2014-05-26"}, {}, "POST", "MissingAction", 400),
        ({"x-acs-action": "DescribeImages"}, {}, "POST", "MissingVersion", 400),
        (
            {"x-acs-action": "DescribeImages", "x-acs-version": "2013-01-10"},
            {},
            "POST",
            "InvalidAction.NotFound",
            404,
        ),
        (
            {"x-acs-action": "MakeCoffee", "x-acs-version": "2014-05-26"},
            {},
            "GET",
            "InvalidAction.NotFound",
            404,
        ),
        (None, {}, "POST", "MissingParameter", 400),
        (None, {"RegionId": TOKYO, "PageSize": "x"}, "GET", "InvalidParameter", 400),
        (None, {"RegionId": TOKYO}, "PUT", "UnsupportedHTTPMethod", 405),
    ],
)
def test_calls_that_are_none(
    wire: Wire,
    *,
    headers: dict[str, str] | None,
    params: dict[str, str],
    method: str,
    code: str,
    status: int,
) -> None:
    got = wire.call(
        "DescribeImages",
        headers={**headers, "accept": "application/json"} if headers else None,
        params=params,
        method=method,
    )
    assert (got.code, got.status) == (code, status)


APIS = {product.name: product.api for product in PRODUCTS if product.api}


@pytest.mark.parametrize("product", APIS)
def test_every_action_that_is_built_is_a_real_one(product: str) -> None:
    api = APIS[product]
    if product == "location":
        assert not api.metadata  # nobody publishes any
    else:
        assert set(api.by_name) < set(api.metadata)


@pytest.mark.parametrize("product", sorted(set(APIS) - {"location"}))
def test_every_real_action_that_is_not_built_says_so_and_not_like_a_typo(
    wire: Wire, product: str
) -> None:
    service = service_of(product, wire.cloud.world)
    missing = set(APIS[product].metadata) - set(APIS[product].by_name)
    for action in sorted(missing):
        said = wire.call(action, service)
        assert (said.status, said.code) == (400, "NotImplemented")
        assert action in said.json["Message"]
        typo = wire.call(f"{action}X", service)
        assert (typo.status, typo.code) == (404, "InvalidAction.NotFound")


def test_another_products_action_is_none_of_this_one_s(wire: Wire) -> None:
    assert wire.call("CreateUser").code == "InvalidAction.NotFound"


def test_a_regions_host_serves_no_other_region(wire: Wire) -> None:
    for region, host_region in ((TOKYO, TOKYO), (TOKYO, ""), ("", TOKYO)):
        params = {"RegionId": region} if region else {}
        served = wire.call("DescribeRegions", params=params, region=host_region)
        assert served.status == 200
    refused = wire.call(
        "DescribeImages", params={"RegionId": TOKYO}, region="us-west-1"
    )
    assert refused.status == 404
    assert refused.code == "InvalidOperation.NotSupportedEndpoint"
    unknown = wire.call("DescribeImages", params={"RegionId": "xx-1"}, region=TOKYO)
    assert unknown.code == "InvalidRegionId.NotFound"


def test_older_clients_name_the_action_in_the_query_and_get_xml(wire: Wire) -> None:
    old = {"Action": "DescribeImages", "Version": "2014-05-26", "RegionId": TOKYO}
    wire.cloud.available()
    got = wire.call("", headers={}, params=old)
    assert got.headers["Content-Type"] == "text/xml;charset=utf-8"
    assert got.xml.tag == "DescribeImagesResponse"
    assert got.xml.findtext("Images/Image/ImageName") == "image"
    assert got.xml.findtext("Images/Image/IsPublic") == "false"
    assert got.xml.findtext("RequestId") == "REQUEST-ID"
    as_json = wire.call("", headers={}, params={**old, "Format": "JSON"})
    assert as_json.json["TotalCount"] == 1
    wrong = wire.call("", headers={}, params={**old, "RegionId": "xx"})
    assert wrong.xml.tag == "Error"
    assert wrong.xml.findtext("Code") == "InvalidRegionId.NotFound"
    modern = wire.call("DescribeImages", params={"RegionId": TOKYO, "Format": "XML"})
    assert modern.xml.findtext("TotalCount") == "1"


def test_unknown_parameters_are_ignored(wire: Wire) -> None:
    params = {"RegionId": TOKYO, "OwnerId": "1", "Nonsense.1": "x", "ImageName.": ""}
    assert wire.call("DescribeImages", params=params).status == 200


def test_forbidden_calls_get_the_products_own_error_with_details(wire: Wire) -> None:
    nobody = wire.cloud.world.ram.credential("n").caller
    ecs = wire.call("DescribeImages", caller=nobody, params={"RegionId": TOKYO})
    assert (ecs.status, ecs.code) == (403, "Forbidden.RAM")
    detail = ecs.json["AccessDeniedDetail"]
    assert detail["AuthAction"] == "ecs:DescribeImages"
    assert detail["NoPermissionType"] == "ImplicitDeny"
    role = {"RoleName": "AliyunFCDefaultRole"}
    ram = wire.call("GetRole", wire.ram, caller=nobody, params=role)
    assert (ram.status, ram.code) == (403, "NoPermission")


def test_throttling_says_when_to_come_again(wire: Wire) -> None:
    request = request_of(wire.ecs, "DescribeImages", {}, caller=wire.cloud.main)
    error = ServiceError("Throttling.User", 400, "Slow down.", retry_after_ms=1500)
    assert wire.ecs.error(request, error).headers["x-acs-retry-after"] == "1500"
    broken = Answer(wire.ecs.error(request, RuntimeError("bug")))
    assert (broken.status, broken.code) == (500, "InternalError")
    assert b"bug" not in broken.raw


def test_calls_are_described_before_they_are_made(wire: Wire) -> None:
    request = request_of(wire.ecs, "ImportImage", IMPORT, caller=None)
    assert wire.ecs.describe(request) == ("ImportImage", "image")
    nothing = request_of(wire.ecs, "", {}, caller=None, headers={})
    assert wire.ecs.describe(nothing) == ("Unknown", "")


def test_an_unsigned_call_is_refused(wire: Wire) -> None:
    got = wire.call("DescribeRegions", caller=None)
    assert (got.status, got.code) == (400, "MissingAccessKeyId")


def test_who_is_calling(wire: Wire) -> None:
    account = wire.call("GetCallerIdentity", wire.sts).json
    main = wire.cloud.main.account_id
    assert account == {
        "AccountId": main,
        "Arn": f"acs:ram::{main}:root",
        "IdentityType": "Account",
        "PrincipalId": main,
        "UserId": main,
        "RequestId": "REQUEST-ID",
    }
    nobody = wire.cloud.world.ram.credential("n").caller
    user = wire.call("GetCallerIdentity", wire.sts, caller=nobody).json
    assert (user["IdentityType"], user["UserId"]) == ("RAMUser", nobody.principal_id)


def make_role(wire: Wire, **principal: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    trust = json.dumps({"Version": "1", "Statement": [statement]})
    params = {"RoleName": "builder", "AssumeRolePolicyDocument": trust}
    role: str = wire.call("CreateRole", wire.ram, params=params).json["Role"]["Arn"]
    return role


def test_temporary_credentials_are_who_they_say(wire: Wire) -> None:
    main = wire.cloud.main.account_id
    arn = make_role(wire, RAM=f"acs:ram::{main}:root")
    params = {"RoleArn": arn, "RoleSessionName": "ci", "DurationSeconds": 1000}
    got = wire.call("AssumeRole", wire.sts, params=params).json
    assert got["Credentials"]["Expiration"] == "2027-01-15T08:16:40Z"
    assert got["AssumedRoleUser"]["Arn"] == f"acs:ram::{main}:role/builder/ci"
    caller = wire.cloud.world.ram.credential(
        got["Credentials"]["AccessKeyId"], got["Credentials"]["SecurityToken"]
    ).caller
    who = wire.call("GetCallerIdentity", wire.sts, caller=caller).json
    assert who["Arn"] == f"acs:ram::{main}:assumed-role/builder/ci"
    assert who["PrincipalId"] == f"{who['RoleId']}:ci"
    missing = wire.call("AssumeRole", wire.sts, params={"RoleArn": arn})
    assert missing.code == "MissingRoleSessionName"


def test_an_oidc_token_needs_no_signature(wire: Wire) -> None:
    provider = f"acs:ram::{wire.cloud.main.account_id}:oidc-provider/github"
    arn = make_role(wire, Federated=provider)
    params = {
        "OIDCProviderArn": provider,
        "RoleArn": arn,
        "OIDCToken": "e30.e30.e30",
        "RoleSessionName": "ci",
    }
    got = wire.call("AssumeRoleWithOIDC", wire.sts, params=params, caller=None)
    assert got.json["Credentials"]["AccessKeyId"].startswith("STS.")


def test_roles_and_policies_on_the_wire(wire: Wire) -> None:
    def ram(action: str, **params: object) -> Answer:
        return wire.call(action, wire.ram, params=params)

    make_role(wire, Service="fc.aliyuncs.com")
    role = ram("GetRole", RoleName="builder").json["Role"]
    assert json.loads(role["AssumeRolePolicyDocument"])["Version"] == "1"
    assert ram("GetRole", RoleName="none").code == "EntityNotExist.Role"
    assert ram("GetRole").code == "MissingRoleName"
    names = [r["RoleName"] for r in ram("ListRoles").json["Roles"]["Role"]]
    first = ram("ListRoles", MaxItems=1).json
    assert [r["RoleName"] for r in first["Roles"]["Role"]] == names[:1]
    second = ram("ListRoles", MaxItems=50, Marker=first["Marker"]).json
    assert [r["RoleName"] for r in second["Roles"]["Role"]] == names[1:]
    document = (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    )
    ram("CreatePolicy", PolicyName="mine", PolicyDocument=document, Tag='[{"Key":"a"}]')
    mine = {"PolicyType": "Custom", "PolicyName": "mine"}
    attach = {**mine, "RoleName": "builder"}
    assert ram("AttachPolicyToRole", **attach).status == 200
    assert ram("AttachPolicyToRole", **attach).status == 409
    listed = ram("ListPoliciesForRole", RoleName="builder").json["Policies"]["Policy"]
    assert [p["PolicyName"] for p in listed] == ["mine"]
    policy = ram("GetPolicy", **mine).json
    assert policy["DefaultPolicyVersion"]["PolicyDocument"] == document
    assert policy["Policy"]["AttachmentCount"] == 1
    custom = ram("ListPolicies", PolicyType="Custom").json["Policies"]["Policy"]
    assert [p["PolicyName"] for p in custom] == ["mine"]
    assert ram("DetachPolicyFromRole", **attach).status == 200
    assert ram("DeletePolicy", PolicyName="mine").status == 200
    tag = {"ResourceType": "role", "ResourceNames": '["builder"]'}
    ram("TagResources", **tag, Tag='[{"Key":"k","Value":"v"},{"Key":"l","Value":"w"}]')
    page = ram("ListTagResources", **tag, PageSize=1).json
    assert page["TagResources"][0]["TagKey"] == "k"
    rest = ram("ListTagResources", **tag, NextToken=page["NextToken"]).json
    assert [row["TagKey"] for row in rest["TagResources"]] == ["l"]
    ram("UntagResources", **tag, TagKeys='["k"]')
    assert len(ram("ListTagResources", **tag).json["TagResources"]) == 1
    assert ram("DeleteRole", RoleName="builder").status == 200


def test_older_sdks_ask_where_products_are(wire: Wire) -> None:
    def ask(**params: str) -> Answer:
        return wire.call("DescribeEndpoints", wire.location, params=params)

    found = ask(Id=TOKYO, ServiceCode="ecs", Type="openAPI").json
    (endpoint,) = found["Endpoints"]["Endpoint"]
    assert endpoint["Endpoint"] == f"ecs.{TOKYO}.aliyuncs.com"
    assert endpoint["SerivceCode"] == "ecs"
    inner = ask(Id=TOKYO, ServiceCode="ecs", Type="innerAPI").json
    assert inner["Endpoints"] == {"Endpoint": []}
    assert ask(Id="xx", ServiceCode="ecs").code == "InvalidRegionId"
    assert ask(Id=TOKYO, ServiceCode="coffee").code == "Illegal Parameter"
