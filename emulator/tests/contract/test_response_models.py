"""Every answer fits the official SDK's own model of it: known fields, right types."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from alicloud_emulator.products.rpc.service import RpcService
from emulator.tests.support.image_cloud import LONDON, TOKYO, Cloud
from emulator.tests.support.models import unknown_fields, wrong_types
from emulator.tests.support.rpc_calls import answer, request_of, service_of

ECS, RAM, STS = "ecs20140526", "ram20150501", "sts20150401"
VPC_SHAPES: dict[str, Any] = json.loads(
    Path(__file__).with_name("vpc_shapes.json").read_text(encoding="utf-8")
)
TRUST = (
    '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    ' "Principal": {"RAM": "*", "Federated": "*"}}]}'
)
POLICY = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


class Session:
    """A cloud with something of everything in it, and checked calls."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        world = self.cloud.world
        self._services: dict[str, RpcService] = {
            ECS: service_of("ecs", world),
            RAM: service_of("ram", world),
            STS: service_of("sts", world),
        }
        self.called: set[tuple[str, str]] = set()

    def call(self, product: str, action: str, **params: object) -> dict[str, Any]:
        """Make a call, which must succeed, and check its answer against the model."""
        service = self._services[product]
        flat = {key.replace("__", "."): value for key, value in params.items()}
        caller = self.cloud.main
        region = str(flat.get("RegionId", TOKYO))
        got = answer(
            service, request_of(service, action, flat, caller=caller, region=region)
        )
        assert got.status == 200, got.raw
        document = got.json
        name = f"{action}ResponseBody"
        model = getattr(import_module(f"alibabacloud_{product}.models"), name)()
        assert unknown_fields(model, document) == {}
        assert list(wrong_types(model)) == []
        self.called.add((product, action))
        return document

    def vpc(self, action: str, **params: object) -> dict[str, Any]:
        """Make a call of VPC, and check its answer against its SDK's condensed model."""
        service = service_of("vpc", self.cloud.world)
        region = str(params.get("RegionId", TOKYO))
        request = request_of(
            service, action, params, caller=self.cloud.main, region=region
        )
        got = answer(service, request)
        assert got.status == 200, got.raw
        assert shape(got.json) == VPC_SHAPES[action]
        self.called.add(("vpc", action))
        return got.json


def shape(value: Any) -> Any:
    """Return what an answer holds: names, and the types of values."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def test_every_answer_of_ecs_fits(session: Session) -> None:
    cloud = session.cloud
    tokyo = {"RegionId": TOKYO}
    session.call(ECS, "DescribeRegions")
    disk = "DiskDeviceMapping__1__"
    started = session.call(
        ECS,
        "ImportImage",
        **tokyo,
        ImageName="image",
        Tag__1__Key="a",
        Description="some text",
        **{f"{disk}OSSBucket": "bucket", f"{disk}OSSObject": "disk.raw"},
    )
    image = {**tokyo, "ImageId": started["ImageId"]}
    for wait_s in (0, 5, 6):
        cloud.wait(wait_s)
        session.call(ECS, "DescribeImages", **tokyo, Status="ALL")
        session.call(ECS, "DescribeTasks", **tokyo)
        session.call(ECS, "DescribeTaskAttribute", **tokyo, TaskId=started["TaskId"])
    session.call(ECS, "ModifyImageAttribute", **image, ImageFamily="fam")
    session.call(ECS, "DescribeImageFromFamily", **tokyo, ImageFamily="fam")
    session.call(ECS, "DescribeImageFromFamily", **tokyo, ImageFamily="none")
    session.call(ECS, "ModifyImageSharePermission", **image, AddAccount__1="12345")
    session.call(ECS, "DescribeImageSharePermission", **image)
    copy = session.call(ECS, "CopyImage", **image, DestinationRegionId=LONDON)
    session.call(ECS, "DescribeImages", RegionId=LONDON, Status="ALL")
    session.call(ECS, "CancelCopyImage", RegionId=LONDON, ImageId=copy["ImageId"])
    resource = {**tokyo, "ResourceType": "image", "ResourceId__1": image["ImageId"]}
    session.call(ECS, "TagResources", **resource, Tag__1__Key="k", Tag__1__Value="v")
    session.call(ECS, "ListTagResources", **resource)
    session.call(ECS, "UntagResources", **resource, All=True)
    session.call(ECS, "DescribeSnapshots", **tokyo)
    session.call(ECS, "DescribeSnapshots", **tokyo, MaxResults=1)
    session.call(ECS, "ModifyImageSharePermission", **image, RemoveAccount__1="12345")
    session.call(ECS, "DeleteImage", **image)
    cloud.wait(8)
    session.call(ECS, "DeleteSnapshot", SnapshotId=cloud.snapshot_ids()[0])
    other = cloud.import_image("other")
    session.call(ECS, "CancelTask", **tokyo, TaskId=other.task_id)
    vpc_id = session.vpc("CreateVpc", **tokyo, EnableIpv6=True)["VpcId"]
    cloud.wait(1)
    group = session.call(ECS, "CreateSecurityGroup", **tokyo, VpcId=vpc_id)
    about = {**tokyo, "SecurityGroupId": group["SecurityGroupId"]}
    session.call(
        ECS,
        "AuthorizeSecurityGroupEgress",
        **about,
        IpProtocol="ALL",
        PortRange="-1/-1",
        DestCidrIp="0.0.0.0/0",
    )
    session.call(ECS, "ModifySecurityGroupAttribute", **about, Description="some text")
    session.call(ECS, "DescribeSecurityGroups", **tokyo)
    all_actions = {name for product, name in session.called if product == ECS}
    assert all_actions == set(service_of("ecs", cloud.world).api.by_name)


def test_every_answer_of_vpc_has_the_fields_of_its_model() -> None:
    session = Session()
    tokyo, zone = {"RegionId": TOKYO}, {"ZoneId": "ap-northeast-1a"}
    tag = {"Tag.1.Key": "k", "Tag.1.Value": "v"}
    made = session.vpc("CreateVpc", **tokyo, **tag, EnableIpv6=True)
    vpc = {**tokyo, "VpcId": made["VpcId"]}
    session.cloud.wait(1)
    cidr = {"CidrBlock": "172.16.1.0/24", "Ipv6CidrBlock": 1}
    switch = session.vpc("CreateVSwitch", **vpc, **zone, **cidr, **tag)
    session.vpc("ModifyVSwitchAttribute", **tokyo, VSwitchId=switch["VSwitchId"])
    session.vpc("ModifyVpcAttribute", **vpc, VpcName="net")
    session.vpc("DescribeZones", **tokyo)
    session.vpc("DescribeVSwitches", **tokyo)
    # What a VPC here cannot have is told as an empty list.
    shape_of_vpc = VPC_SHAPES["DescribeVpcs"]["Vpcs"]["Vpc"][0]
    for name in ("SecondaryCidrBlocks", "UserCidrs", "NatGatewayIds"):
        shape_of_vpc[name] = {key: [] for key in shape_of_vpc[name]}
    session.vpc("DescribeVpcs", **tokyo)
    all_actions = {name for product, name in session.called if product == "vpc"}
    assert all_actions == set(service_of("vpc", session.cloud.world).api.by_name)


def test_every_answer_of_ram_fits(session: Session) -> None:
    role, policy = {"RoleName": "r"}, {"PolicyName": "p", "PolicyType": "Custom"}
    session.call(RAM, "CreateRole", **role, AssumeRolePolicyDocument=TRUST)
    session.call(RAM, "GetRole", **role)
    session.call(RAM, "UpdateRole", **role, NewDescription="other")
    session.call(RAM, "ListRoles", MaxItems=1)
    session.call(RAM, "CreatePolicy", PolicyName="p", PolicyDocument=POLICY)
    session.call(RAM, "GetPolicy", **policy)
    session.call(RAM, "ListPolicies", MaxItems=1)
    session.call(RAM, "AttachPolicyToRole", **role, **policy)
    session.call(RAM, "ListPoliciesForRole", **role)
    session.call(RAM, "DetachPolicyFromRole", **role, **policy)
    tagged = {"ResourceType": "role", "ResourceNames": '["r"]'}
    session.call(RAM, "TagResources", **tagged, Tag='[{"Key":"a"},{"Key":"b"}]')
    session.call(RAM, "ListTagResources", **tagged, PageSize=1)
    session.call(RAM, "UntagResources", **tagged, All=True)
    session.call(RAM, "DeletePolicy", PolicyName="p")
    session.call(RAM, "DeleteRole", **role)
    all_actions = {name for product, name in session.called if product == RAM}
    assert all_actions == set(service_of("ram", session.cloud.world).api.by_name)


def test_every_answer_of_sts_fits(session: Session) -> None:
    session.call(RAM, "CreateRole", RoleName="s", AssumeRolePolicyDocument=TRUST)
    arn = f"acs:ram::{session.cloud.main.account_id}:role/s"
    asked = {"RoleArn": arn, "RoleSessionName": "ci"}
    session.call(STS, "GetCallerIdentity")
    session.call(STS, "AssumeRole", **asked, SourceIdentity="me")
    session.call(STS, "AssumeRoleWithOIDC", **asked, OIDCProviderArn="x", OIDCToken="t")
    all_actions = {name for product, name in session.called if product == STS}
    assert all_actions == set(service_of("sts", session.cloud.world).api.by_name)
