"""VSwitches, and the zones that they are in."""

from ipaddress import IPv6Network
from typing import Any

from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.door import once
from alicloud_emulator.products.rpc.parameters import missing, tag_filters
from alicloud_emulator.products.vpc.state import (
    FACTS,
    PENDING_S,
    VSWITCHES_MAX,
    Networks,
    Vpc,
    VSwitch,
    block,
    checked_tags,
    checked_texts,
    networks,
    page,
)
from alicloud_emulator.world.ecs.rules import has_tags

ZONES = "ab"
"""Letters of every region's zones. In life they differ; two are what most have."""

RESERVED_ADDRESSES = 4
"""Of each vSwitch: the first, and the last three."""


def zone_ids(region: str) -> list[str]:
    """Return a region's zones: ``cn-hangzhou-a``, but ``eu-west-1a``."""
    hyphen = "" if region[-1:].isdigit() else "-"
    return [f"{region}{hyphen}{letter}" for letter in ZONES]


@action(
    "DescribeZones",
    accepted={"AcceptLanguage": "names are English in any language"},
    notes={"ZoneType": "there are no edge zones"},
)
def describe_zones(call: Call) -> Document:
    """Carry out DescribeZones."""
    networks(call, "*")
    region = call.world.profile.region(call.region)
    if region is None or call.text("ZoneType") not in ("", "AvailabilityZone"):
        return {"Zones": {"Zone": []}}
    rows = [
        {
            "ZoneId": zone_id,
            "LocalName": f"{region.name or region.id} Zone {zone_id[-1].upper()}",
            "ZoneType": "AvailabilityZone",
        }
        for zone_id in zone_ids(region.id)
    ]
    return {"Zones": {"Zone": rows}}


@action(
    "DescribeVSwitches",
    resource=("VSwitchId", "VpcId", "VSwitchName"),
    accepted={"VSwitchOwnerId": "nobody shares any"},
    notes={"IsDefault": "none is"},
)
def describe_vswitches(call: Call) -> Document:
    """Carry out DescribeVSwitches."""
    if not call.text("RegionId") and not call.text("VpcId"):
        raise missing("RegionId or VpcId")
    there = networks(call, "vswitch/*")
    arguments = call.arguments
    tags, ipv6 = tag_filters(arguments), arguments.flag_or_none("EnableIpv6")
    wanted = {
        name: call.text(name)
        for name in (
            "VSwitchId",
            "VSwitchName",
            "VpcId",
            "ZoneId",
            "RouteTableId",
            "ResourceGroupId",
        )
    }
    found = [
        vswitch
        for vswitch in there.vswitches.values()
        if (vswitch.account_id, vswitch.region) == (call.caller.account_id, call.region)
        and all(text in ("", _told(vswitch)[name]) for name, text in wanted.items())
        and ipv6 in (None, vswitch.ipv6 is not None)
        and not arguments.flag("IsDefault")
        and has_tags(vswitch, tags)
    ]
    rows, told = page(call, found[::-1])
    return {**told, "VSwitches": {"VSwitch": [_row(call, v) for v in rows]}}


@action(
    "CreateVSwitch",
    resource=("VSwitchName", "VpcId"),
    accepted={"VpcIpv6CidrBlock": "a network has one block"},
    notes={"Ipv6CidrBlock": "the last 8 bits, 0 to 255"},
)
def create_vswitch(call: Call) -> Document:
    """Carry out CreateVSwitch."""
    there = networks(call, "vswitch/*")
    return once(call, FACTS, lambda: _create(call, there))


def _create(call: Call, there: Networks) -> Document:
    account_id, region = call.caller.account_id, call.region
    now = call.world.agenda.now
    vpc = there.vpc(account_id, region, call.text("VpcId"))
    if vpc is None:
        raise FACTS.refusal("InvalidVpcId.NotFound")
    if call.text("ZoneId") not in zone_ids(region):
        raise FACTS.refusal("InvalidZoneId.NotFound")
    name, description = _texts(call)
    tags = checked_tags(call)
    others = there.vswitches_in(vpc)
    cidr = block(
        call.text("CidrBlock"),
        shortest=16,
        longest=29,
        code="InvalidCidrBlock.Malformed",
    )
    if not cidr.subnet_of(vpc.cidr):
        raise FACTS.refusal(
            "InvalidParameter", message="Specified CIDR block is not valid in VPC."
        )
    ipv6 = _ipv6(call, vpc)
    if any(cidr.overlaps(v.cidr) or (ipv6 and ipv6 == v.ipv6) for v in others):
        raise FACTS.refusal("InvalidCidrBlock.Overlapped")
    if vpc.status(now) == "Pending":
        raise FACTS.refusal("IncorrectVpcStatus")
    if any(other.status(now) == "Pending" for other in others):
        raise FACTS.refusal("IncorrectVSwitchStatus")
    if len(others) >= VSWITCHES_MAX:
        raise FACTS.refusal("QuotaExceeded.VSwitch")
    vswitch = VSwitch(
        id=there.new_id("vsw", region),
        account_id=account_id,
        region=region,
        cidr=cidr,
        name=name or "",
        description=description or "",
        ipv6=ipv6,
        tags=tags,
        created_at=now,
        ready_at=now + PENDING_S,
        vpc=vpc,
        zone_id=call.text("ZoneId"),
    )
    there.vswitches[vswitch.id] = vswitch
    return {"VSwitchId": vswitch.id}


@action(
    "ModifyVSwitchAttribute",
    resource=("VSwitchId",),
    accepted={"VpcIpv6CidrBlock": "a network has one block"},
    notes={"Ipv6CidrBlock": "the last 8 bits, 0 to 255"},
)
def modify_vswitch_attribute(call: Call) -> Document:
    """Carry out ModifyVSwitchAttribute: all that is given, or nothing."""
    vswitch_id = call.text("VSwitchId")
    there = networks(call, f"vswitch/{vswitch_id}")
    vswitch = there.vswitches.get(vswitch_id)
    here = (call.caller.account_id, call.region)
    if vswitch is None or (vswitch.account_id, vswitch.region) != here:
        raise FACTS.refusal("InvalidVSwitchId.NotFound")
    name, description = _texts(call)
    ipv6 = _ipv6(call, vswitch.vpc)
    vswitch.name = vswitch.name if name is None else name
    vswitch.description = vswitch.description if description is None else description
    vswitch.ipv6 = ipv6 or vswitch.ipv6
    if call.arguments.flag_or_none("EnableIPv6") is False:
        vswitch.ipv6 = None
    return {}


def _texts(call: Call) -> tuple[str | None, str | None]:
    return checked_texts(
        call,
        "VSwitchName",
        bad_name="InvalidVSwitchName.Malformed",
        bad_description="InvalidVSwitchDiscription.Malformed",
    )


def _ipv6(call: Call, vpc: Vpc) -> IPv6Network | None:
    """Return the /64 block that a call asks for, or None.

    Raises:
        ServiceError: InvalidParameter (400); the network has no IPv6, or no such block.
    """
    number = call.arguments.number_or_none("Ipv6CidrBlock")
    if number is None:
        return None
    if vpc.ipv6 is None or not 0 <= number <= 255:
        raise FACTS.refusal("InvalidParameter", "Ipv6CidrBlock")
    return IPv6Network((int(vpc.ipv6.network_address) | (number << 64), 64))


def _told(vswitch: VSwitch) -> dict[str, str]:
    """Return the fields that can be asked for, as they are told."""
    return {
        "VSwitchId": vswitch.id,
        "VSwitchName": vswitch.name,
        "VpcId": vswitch.vpc.id,
        "ZoneId": vswitch.zone_id,
        "RouteTableId": vswitch.vpc.route_table_id,
        "ResourceGroupId": vswitch.vpc.resource_group_id,
    }


def _row(call: Call, vswitch: VSwitch) -> dict[str, Any]:
    told = _told(vswitch)
    table = {"RouteTableId": told.pop("RouteTableId"), "RouteTableType": "System"}
    return {
        **told,
        "RouteTable": table,
        "Description": vswitch.description,
        "Status": vswitch.status(call.world.agenda.now),
        "CreationTime": time_text(vswitch.created_at),
        "CidrBlock": str(vswitch.cidr),
        "AvailableIpAddressCount": vswitch.cidr.num_addresses - RESERVED_ADDRESSES,
        "EnabledIpv6": vswitch.ipv6 is not None,
        "Ipv6CidrBlock": "" if vswitch.ipv6 is None else str(vswitch.ipv6),
        "IsDefault": False,
        "NetworkAclId": "",
        "OwnerId": int(vswitch.account_id),
        "ShareType": "",
        "Tags": {"Tag": [{"Key": k, "Value": v} for k, v in vswitch.tags.items()]},
    }
