"""VPCs: networks of one account in one region."""

from typing import Any

from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.door import once
from alicloud_emulator.products.rpc.parameters import tag_filters
from alicloud_emulator.products.vpc.state import (
    FACTS,
    PENDING_S,
    VPCS_MAX,
    Networks,
    Vpc,
    block,
    checked_tags,
    checked_texts,
    dry_run,
    id_list,
    networks,
    page,
)
from alicloud_emulator.world.ecs.rules import has_tags

CIDR_DEFAULT = "172.16.0.0/12"
USER_CIDRS_MAX = 3

_NO_IPAM = "there are no address pools"


@action(
    "DescribeVpcs",
    resource=("VpcId", "VpcName"),
    accepted={
        "DhcpOptionsSetId": "there are no such sets",
        "VpcOwnerId": "nobody shares any",
    },
    notes={"VpcId": "up to 20, comma-separated", "IsDefault": "none is"},
)
def describe_vpcs(call: Call) -> Document:
    """Carry out DescribeVpcs."""
    there = networks(call, "vpc/*")
    arguments = call.arguments
    ids, name = id_list(call.text("VpcId")), call.text("VpcName")
    group, tags = call.text("ResourceGroupId"), tag_filters(arguments)
    ipv6 = arguments.flag_or_none("EnableIpv6")
    found = [
        vpc
        for vpc in there.vpcs_of(call.caller.account_id, call.region)
        if (not ids or vpc.id in ids)
        and name in ("", vpc.name)
        and group in ("", vpc.resource_group_id)
        and ipv6 in (None, vpc.ipv6 is not None)
        and not arguments.flag("IsDefault")
        and has_tags(vpc, tags)
    ]
    rows, told = page(call, found[::-1])
    return {**told, "Vpcs": {"Vpc": [_row(call, there, vpc) for vpc in rows]}}


@action(
    "CreateVpc",
    resource=("VpcName",),
    accepted={
        "Ipv4CidrMask": _NO_IPAM,
        "Ipv4IpamPoolId": _NO_IPAM,
        "Ipv6CidrMask": _NO_IPAM,
        "Ipv6IpamPoolId": _NO_IPAM,
        "Ipv6CidrBlock": "the block is drawn",
        "Ipv6Isp": "always BGP",
    },
)
def create_vpc(call: Call) -> Document:
    """Carry out CreateVpc."""
    there = networks(call, "vpc/*")
    return once(call, FACTS, lambda: _create(call, there))


def _create(call: Call, there: Networks) -> Document:
    account_id, region = call.caller.account_id, call.region
    name, description = _texts(call)
    cidr = block(
        call.text("CidrBlock") or CIDR_DEFAULT,
        shortest=8,
        longest=28,
        code="InvalidParameter",
    )
    tags = checked_tags(call)
    user_cidrs = tuple(filter(None, call.text("UserCidr").split(",")))
    if len(user_cidrs) > USER_CIDRS_MAX:
        raise FACTS.refusal("InvalidUserCidr.Quota")
    if sum(1 for _ in there.vpcs_of(account_id, region)) >= VPCS_MAX:
        raise FACTS.refusal("QuotaExceeded.Vpc")
    dry_run(call)
    now = call.world.agenda.now
    vpc = Vpc(
        id=there.new_id("vpc", region),
        account_id=account_id,
        region=region,
        cidr=cidr,
        name=name or "",
        description=description or "",
        ipv6=there.new_ipv6() if call.arguments.flag("EnableIpv6") else None,
        tags=tags,
        created_at=now,
        ready_at=now + PENDING_S,
        router_id=there.new_id("vrt", region),
        route_table_id=there.new_id("vtb", region),
        resource_group_id=call.text("ResourceGroupId"),
        user_cidrs=user_cidrs,
        dns_hostname=call.arguments.flag("EnableDnsHostname"),
    )
    there.vpcs[vpc.id] = vpc
    return {
        "VpcId": vpc.id,
        "VRouterId": vpc.router_id,
        "RouteTableId": vpc.route_table_id,
        "ResourceGroupId": vpc.resource_group_id,
    }


@action(
    "ModifyVpcAttribute",
    resource=("VpcId",),
    accepted={"Ipv6CidrBlock": "the block is drawn", "Ipv6Isp": "always BGP"},
)
def modify_vpc_attribute(call: Call) -> Document:
    """Carry out ModifyVpcAttribute: all that is given, or nothing."""
    vpc_id = call.text("VpcId")
    there = networks(call, f"vpc/{vpc_id}")
    vpc = there.vpc(call.caller.account_id, call.region, vpc_id)
    if vpc is None:
        raise FACTS.refusal("InvalidVpcId.NotFound")
    if vpc.status(call.world.agenda.now) == "Pending":
        raise FACTS.refusal("IncorrectVpcStatus")
    name, description = _texts(call)
    cidr = vpc.cidr
    if text := call.text("CidrBlock"):
        cidr = block(text, shortest=8, longest=28, code="InvalidParameter")
        if not all(v.cidr.subnet_of(cidr) for v in there.vswitches_in(vpc)):
            raise FACTS.refusal("InvalidParameter", "CidrBlock")
    vpc.cidr = cidr
    vpc.name = vpc.name if name is None else name
    vpc.description = vpc.description if description is None else description
    ipv6 = call.arguments.flag_or_none("EnableIPv6")
    if ipv6 is not None:
        vpc.ipv6 = (vpc.ipv6 or there.new_ipv6()) if ipv6 else None
    dns_hostname = call.arguments.flag_or_none("EnableDnsHostname")
    vpc.dns_hostname = vpc.dns_hostname if dns_hostname is None else dns_hostname
    return {}


def _texts(call: Call) -> tuple[str | None, str | None]:
    return checked_texts(
        call,
        "VpcName",
        bad_name="InvalidVpcName.Malformed",
        bad_description="InvalidVpcDiscription.Malformed",
    )


def _row(call: Call, there: Networks, vpc: Vpc) -> dict[str, Any]:
    ipv6 = "" if vpc.ipv6 is None else str(vpc.ipv6)
    blocks = [{"Ipv6CidrBlock": ipv6, "Ipv6Isp": "BGP"}] if ipv6 else []
    return {
        "VpcId": vpc.id,
        "VpcName": vpc.name,
        "Description": vpc.description,
        "Status": vpc.status(call.world.agenda.now),
        "RegionId": vpc.region,
        "CreationTime": time_text(vpc.created_at),
        "CidrBlock": str(vpc.cidr),
        "EnabledIpv6": bool(ipv6),
        "Ipv6CidrBlock": ipv6,
        "Ipv6CidrBlocks": {"Ipv6CidrBlock": blocks},
        "SecondaryCidrBlocks": {"SecondaryCidrBlock": []},
        "UserCidrs": {"UserCidr": list(vpc.user_cidrs)},
        "VRouterId": vpc.router_id,
        "RouterTableIds": {"RouterTableIds": [vpc.route_table_id]},
        "VSwitchIds": {"VSwitchId": [v.id for v in there.vswitches_in(vpc)[:300]]},
        "NatGatewayIds": {"NatGatewayIds": []},
        "DhcpOptionsSetId": "",
        "DhcpOptionsSetStatus": "",
        "DnsHostnameStatus": "ENABLED" if vpc.dns_hostname else "DISABLED",
        "CenStatus": "",
        "IsDefault": False,
        "OwnerId": int(vpc.account_id),
        "ResourceGroupId": vpc.resource_group_id,
        "Tags": {"Tag": [{"Key": k, "Value": v} for k, v in vpc.tags.items()]},
    }
