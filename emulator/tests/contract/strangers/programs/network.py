"""A role, a network with a vSwitch a zone, and a security group: made or found.

ECS and RAM by their SDKs; VPC, whose SDK is not at hand, by the core of all of them.
"""

import json
import sys
import time
from typing import Any

from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_ram20150501 import models as ram
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

REGION = sys.argv[1]
TAG = "strangers"
TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Action": "sts:AssumeRole",
                "Effect": "Allow",
                "Principal": {"Service": ["ecs.aliyuncs.com"]},
            }
        ],
    }
)

keys = Credentials()
people = RamClient(Config(credential=keys, endpoint="ram.aliyuncs.com"))
machines = EcsClient(Config(credential=keys, region_id=REGION))
core = Client(Config(credential=keys, endpoint=f"vpc.{REGION}.aliyuncs.com"))
skipped: list[str] = []


def vpc(action: str, **asked: Any) -> dict[str, Any]:
    """Call VPC, and return its answer."""
    params = Params(
        action=action,
        version="2016-04-28",
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    query = Utils.query({"RegionId": REGION, **asked})
    request = OpenApiRequest(query=query)
    body: dict[str, Any] = core.call_api(params, request, RuntimeOptions())["body"]
    return body


def unless(code: str, action: str, **asked: Any) -> dict[str, Any]:
    """Call VPC; nothing comes back where it answers with a code."""
    try:
        return vpc(action, **asked)
    except ClientException as error:
        if error.code != code:
            raise
        skipped.append(code)
        return {}


def role() -> str:
    """Return the role's ARN."""
    try:
        found = people.get_role(ram.GetRoleRequest(role_name=TAG)).body.role
    except ClientException as error:
        if error.code != "EntityNotExist.Role":
            raise
        asked = ram.CreateRoleRequest(role_name=TAG, assume_role_policy_document=TRUST)
        found = people.create_role(asked).body.role
    people.update_role(
        ram.UpdateRoleRequest(
            role_name=TAG,
            new_assume_role_policy_document=TRUST,
            new_description="made by a stranger",
        )
    )
    try:
        people.attach_policy_to_role(
            ram.AttachPolicyToRoleRequest(
                role_name=TAG, policy_type="System", policy_name="AliyunOSSFullAccess"
            )
        )
    except ClientException as error:
        if error.code != "EntityAlreadyExists.Role.Policy":
            raise
    return str(found.arn)


def network() -> dict[str, Any]:
    """Return the VPC, as it is told once it is there."""
    tag = [{"Key": TAG, "Value": TAG}]
    found = vpc("DescribeVpcs", Tag=tag)["Vpcs"]["Vpc"]
    made = found[0] if found else vpc("CreateVpc", Tag=tag)
    about = {"VpcId": made["VpcId"]}
    while vpc("DescribeVpcs", **about)["Vpcs"]["Vpc"][0]["Status"] == "Pending":
        time.sleep(0.1)
    vpc("ModifyVpcAttribute", **about, VpcName=TAG, Description="made by a stranger")
    no_ipv6 = "OperationUnsupported.Ipv6Feature"
    unless(no_ipv6, "ModifyVpcAttribute", **about, EnableIPv6=True)
    told: dict[str, Any] = vpc("DescribeVpcs", **about)["Vpcs"]["Vpc"][0]
    return told


def switch(network: dict[str, Any], zone: str, index: int) -> str:
    """Return a zone's vSwitch, or "" where the zone is closed."""
    tag = [{"Key": TAG, "Value": TAG}]
    found = vpc("DescribeVSwitches", ZoneId=zone, Tag=tag)["VSwitches"]["VSwitch"]
    ipv6 = {"Ipv6CidrBlock": index} if network["EnabledIpv6"] else {}
    made = (
        found[0]
        if found
        else unless(
            "OperationDenied.ZoneIsDisabled",
            "CreateVSwitch",
            VpcId=network["VpcId"],
            ZoneId=zone,
            CidrBlock=f"172.16.{index}.0/24",
            Tag=tag,
            **ipv6,
        )
    )
    if not made:
        return ""
    about = {"VSwitchId": made["VSwitchId"]}
    while True:
        (told,) = vpc("DescribeVSwitches", **about)["VSwitches"]["VSwitch"]
        if told["Status"] != "Pending":
            break
        time.sleep(0.1)
    vpc("ModifyVSwitchAttribute", **about, VSwitchName=f"{TAG}-{zone}")
    return str(made["VSwitchId"])


def group(vpc_id: str) -> str:
    """Return the security group, from which everything may leave."""
    wanted = ecs.DescribeSecurityGroupsRequestTag(key=TAG, value=TAG)
    found = machines.describe_security_groups(
        ecs.DescribeSecurityGroupsRequest(region_id=REGION, vpc_id=vpc_id, tag=[wanted])
    ).body.security_groups.security_group
    if found:
        group_id = found[0].security_group_id
    else:
        tag = ecs.CreateSecurityGroupRequestTag(key=TAG, value=TAG)
        group_id = machines.create_security_group(
            ecs.CreateSecurityGroupRequest(region_id=REGION, vpc_id=vpc_id, tag=[tag])
        ).body.security_group_id
    machines.modify_security_group_attribute(
        ecs.ModifySecurityGroupAttributeRequest(
            region_id=REGION,
            security_group_id=group_id,
            security_group_name=TAG,
            description="made by a stranger",
        )
    )
    rule = ecs.AuthorizeSecurityGroupEgressRequestPermissions
    everything = {"policy": "accept", "ip_protocol": "ALL", "port_range": "-1/-1"}
    machines.authorize_security_group_egress(
        ecs.AuthorizeSecurityGroupEgressRequest(
            region_id=REGION,
            security_group_id=group_id,
            permissions=[
                rule(dest_cidr_ip="0.0.0.0/0", **everything),
                rule(ipv_6dest_cidr_ip="::/0", **everything),
            ],
        )
    )
    return str(group_id)


made_role = role()
net = network()
zones = vpc("DescribeZones")["Zones"]["Zone"]
switches = [switch(net, zone["ZoneId"], index) for index, zone in enumerate(zones)]
print(
    json.dumps(
        {
            "role": made_role,
            "vpc": net["VpcId"],
            "ipv6": net["EnabledIpv6"],
            "switches": switches,
            "group": group(net["VpcId"]),
            "skipped": skipped,
        }
    )
)
