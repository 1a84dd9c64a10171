"""Security groups, and the rules of what may leave them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.door import enter, once
from alicloud_emulator.products.rpc.parameters import (
    Arguments,
    Kind,
    Param,
    tag_filters,
    tag_pairs,
)
from alicloud_emulator.products.vpc.state import Networks
from alicloud_emulator.world.ecs.ids import new_id
from alicloud_emulator.world.ecs.records import cut_after_token, cut_page
from alicloud_emulator.world.ecs.refusals import FACTS, refusal
from alicloud_emulator.world.ecs.rules import check_pages, check_tags, has_tags, is_name
from alicloud_emulator.world.wildcard import matches
from alicloud_emulator.world.world import World

GROUPS_MAX = 100
RULES_MAX = 200
IDS_MAX = 100
_PAGE_ROWS = 10


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What may leave a group; two that are equal are one."""

    protocol: str
    ports: str
    to: tuple[str, str]
    policy: str
    priority: int


@dataclass(kw_only=True)
class Group:
    """A security group; ``rules`` are about what leaves it."""

    id: str
    account_id: str
    region: str
    vpc_id: str
    order: int
    type: str
    name: str
    description: str
    resource_group_id: str
    created_at: float
    tags: dict[str, str] = field(default_factory=dict)
    rules: dict[Rule, str] = field(default_factory=dict)


class Groups:
    """Every security group of a world."""

    def __init__(self, world: World) -> None:
        del world
        self.by_id: dict[str, Group] = {}

    def of(self, call: Call) -> Iterator[Group]:
        """Yield the caller's groups in the call's region, newest first."""
        here = (call.caller.account_id, call.region)
        for group in reversed(self.by_id.values()):
            if (group.account_id, group.region) == here:
                yield group

    def named(self, call: Call, group_id: str, code: str) -> Group:
        """Return the caller's group of that id, or refuse with a code."""
        found = next((group for group in self.of(call) if group.id == group_id), None)
        if found is None:
            raise refusal(code)
        return found


def _groups(call: Call, group_id: str = "*") -> Groups:
    enter(call, FACTS, "ecs", f"securitygroup/{group_id}")
    return call.world.part(Groups)


def state(world: World, region: str, account_id: str) -> dict[str, list[Any]]:
    """Return an account's groups in a region, for the state document."""
    here = (account_id, region)
    return {
        "security_groups": [
            {
                "security_group_id": group.id,
                "name": group.name,
                "vpc_id": group.vpc_id,
                "tags": dict(group.tags),
                "egress_rules": len(group.rules),
            }
            for group in world.part(Groups).by_id.values()
            if (group.account_id, group.region) == here
        ]
    }


@action(
    "DescribeSecurityGroups",
    resource=("SecurityGroupId", "SecurityGroupName"),
    accepted={"IsQueryEcsCount": "there are no instances"},
    notes={
        "SecurityGroupIds": "a JSON array of up to 100",
        "NetworkType": "all are `vpc`",
        "FuzzyQuery": "`*` in the name is a wildcard then",
        "ServiceManaged": "none is",
    },
)
def describe_security_groups(call: Call) -> Document:
    """Carry out DescribeSecurityGroups."""
    there, arguments = _groups(call), call.arguments
    ids, tags = _ids(call), tag_filters(arguments)
    check_pages(
        number=arguments.number("PageNumber", 1),
        size=arguments.number("PageSize", _PAGE_ROWS),
    )
    if arguments.flag("DryRun"):
        raise refusal("DryRunOperation")
    none = arguments.flag("ServiceManaged") or call.text("NetworkType") == "classic"
    found = [
        group
        for group in there.of(call)
        if not none
        and (not ids or group.id in ids)
        and _is_named(call, group)
        and call.text("VpcId") in ("", group.vpc_id)
        and call.text("SecurityGroupType") in ("", group.type)
        and call.text("ResourceGroupId") in ("", group.resource_group_id)
        and has_tags(group, tags)
    ]
    return _page(call, found)


def _ids(call: Call) -> list[str]:
    text = call.text("SecurityGroupIds") or "[]"
    try:
        ids = json.loads(text)
    except (ValueError, RecursionError):
        raise refusal("InvalidParameter", "SecurityGroupIds") from None
    if not isinstance(ids, list) or len(ids) > IDS_MAX:
        raise refusal("InvalidParameter", "SecurityGroupIds")
    one = call.text("SecurityGroupId")
    return [str(each) for each in ids] + ([one] if one else [])


def _is_named(call: Call, group: Group) -> bool:
    name = call.text("SecurityGroupName")
    if call.arguments.flag("FuzzyQuery"):
        return matches(name or "*", group.name)
    return name in ("", group.name)


def _page(call: Call, found: list[Group]) -> Document:
    """Return one page, by number or by token, as asked."""
    arguments = call.arguments
    size = arguments.number_or_none("MaxResults")
    if size is None and not call.text("NextToken"):
        page = cut_page(
            found,
            number=arguments.number("PageNumber", 1),
            size=arguments.number("PageSize", _PAGE_ROWS),
        )
    else:
        check_pages(number=1, size=size or _PAGE_ROWS)
        try:
            page = cut_after_token(
                found,
                token=call.text("NextToken"),
                size=size or _PAGE_ROWS,
                order=lambda group: group.order,
            )
        except ValueError:
            raise refusal("InvalidParameter", "NextToken") from None
    return {
        "RegionId": call.region,
        "PageNumber": page.number,
        "PageSize": page.size,
        "TotalCount": page.total,
        "NextToken": page.next_token,
        "SecurityGroups": {"SecurityGroup": [_row(group) for group in page.rows]},
    }


@action(
    "CreateSecurityGroup",
    resource=("SecurityGroupName",),
    accepted={"ServiceManaged": "for cloud services only"},
    notes={"VpcId": "needed: there is no classic network"},
)
def create_security_group(call: Call) -> Document:
    """Carry out CreateSecurityGroup."""
    there = _groups(call)
    return once(call, FACTS, lambda: _create(call, there))


def _create(call: Call, there: Groups) -> Document:
    _check_texts(call)
    tags = tag_pairs(call.arguments)
    check_tags(tags, duplicate="Duplicate.TagKey")
    kind = call.text("SecurityGroupType") or "normal"
    if kind not in FACTS.values("SecurityGroupType"):
        raise refusal("InvalidParameter", "SecurityGroupType")
    now, account_id = call.world.agenda.now, call.caller.account_id
    if not (vpc_id := call.text("VpcId")):
        raise refusal(
            "InvalidVpcId.NotFound",
            status=403,
            message="vpc id must not empty when only support vpc vm.",
        )
    vpc = call.world.part(Networks).vpc(account_id, call.region, vpc_id)
    if vpc is None:
        raise refusal("InvalidVpcId.NotFound")
    if vpc.status(now) == "Pending":
        raise refusal("IncorrectVpcStatus")
    if sum(1 for _ in there.of(call)) >= GROUPS_MAX:
        raise refusal("QuotaExceed.SecurityGroup")
    group = Group(
        id=new_id(call.world.rng, "sg", call.region),
        account_id=account_id,
        region=call.region,
        vpc_id=vpc_id,
        order=len(there.by_id) + 1,
        type=kind,
        name=call.text("SecurityGroupName"),
        description=call.text("Description"),
        resource_group_id=call.text("ResourceGroupId"),
        created_at=now,
        tags=dict(tags),
    )
    there.by_id[group.id] = group
    return {"SecurityGroupId": group.id}


@action("ModifySecurityGroupAttribute", resource=("SecurityGroupId",))
def modify_security_group_attribute(call: Call) -> Document:
    """Carry out ModifySecurityGroupAttribute."""
    group_id = call.text("SecurityGroupId")
    there = _groups(call, group_id)
    group = there.named(call, group_id, "InvalidSecurityGroupId.NotFound")
    _check_texts(call)
    group.name = call.text("SecurityGroupName") or group.name
    group.description = call.text("Description") or group.description
    return {}


PERMISSION = tuple(
    Param(name)
    for name in (
        "Description",
        "DestCidrIp",
        "DestGroupId",
        "DestPrefixListId",
        "IpProtocol",
        "Ipv6DestCidrIp",
        "Policy",
        "PortRange",
        "Priority",
    )
)
_UNHEEDED = {
    "DestGroupOwnerAccount": "groups of one account only",
    "DestGroupOwnerId": "groups of one account only",
    "Ipv6SourceCidrIp": "",
    "NicType": "there are no instances",
    "SourceCidrIp": "",
    "SourcePortRange": "",
}


@action(
    "AuthorizeSecurityGroupEgress",
    resource=("SecurityGroupId",),
    accepted={
        **_UNHEEDED,
        **{f"Permissions.{name}": note for name, note in _UNHEEDED.items()},
    },
    notes={"Permissions": "a rule that is there already is no error"},
    more=(
        Param(
            "Permissions",
            Kind.STRUCTS,
            members=(*PERMISSION, *(Param(name) for name in _UNHEEDED)),
        ),
    ),
)
def authorize_security_group_egress(call: Call) -> Document:
    """Carry out AuthorizeSecurityGroupEgress: every rule, or none."""
    group_id = call.text("SecurityGroupId")
    there = _groups(call, group_id)
    group = there.named(call, group_id, "InvalidSecurityGroupId.NotFound")

    def add() -> Document:
        asked = call.arguments.structs("Permissions") or [call.arguments]
        rules = {_rule(call, there, one): one.text("Description") for one in asked}
        if len({*group.rules, *rules}) > RULES_MAX:
            raise refusal("AuthorizationLimitExceed")
        group.rules = {**rules, **group.rules}
        return {}

    return once(call, FACTS, add)


def _rule(call: Call, there: Groups, asked: Arguments) -> Rule:
    protocol = asked.text("IpProtocol").upper()
    if protocol not in FACTS.values("IpProtocol"):
        raise refusal("InvalidIpProtocol.ValueNotSupported")
    policy = asked.text("Policy").lower() or "accept"
    if policy not in FACTS.values("Policy"):
        raise refusal("InvalidPolicy.Malformed")
    priority = asked.text("Priority") or "1"
    if (
        not priority.isascii()
        or not priority.isdigit()
        or not 1 <= int(priority) <= 100
    ):
        raise refusal("InvalidPriority.Malformed")
    if len(asked.text("Description")) > 512:
        raise refusal(
            "InvalidSecurityGroupDiscription.Malformed",
            message="The specified security group rule description is not valid.",
        )
    _check_ports(protocol, asked.text("PortRange"))
    return Rule(
        protocol=protocol,
        ports=asked.text("PortRange"),
        to=_destination(call, there, asked),
        policy=policy,
        priority=int(priority),
    )


def _check_ports(protocol: str, ports: str) -> None:
    """Refuse ports that are no two numbers, or not ``-1/-1`` where there are none."""
    first, slash, last = ports.partition("/")
    if protocol not in ("TCP", "UDP"):
        fits = ports == "-1/-1"
    elif not slash or not (first + last).isascii() or not (first + last).isdigit():
        fits = False
    else:
        fits = 1 <= int(first or 0) <= int(last or 0) <= 65535
    if not fits:
        raise refusal("InvalidParam.PortRange", ports)


def _destination(call: Call, there: Groups, asked: Arguments) -> tuple[str, str]:
    """Return where a rule lets go: the parameter that says it, and its value."""
    for name, version, code in (
        ("DestCidrIp", 4, "InvalidDestCidrIp.Malformed"),
        ("Ipv6DestCidrIp", 6, "InvalidParam.Ipv6DestCidrIp"),
    ):
        if text := asked.text(name):
            try:
                network = ip_network(text, strict=False)
            except ValueError:
                raise refusal(code) from None
            if network.version != version:
                raise refusal(code)
            return name, str(network)
    if group_id := asked.text("DestGroupId"):
        if group_id == call.text("SecurityGroupId"):
            raise refusal("InvalidSecurityGroup.IsSame")
        there.named(call, group_id, "InvalidDestGroupId.NotFound")
        return "DestGroupId", group_id
    if asked.text("DestPrefixListId"):
        raise refusal("InvalidPrefixListId.NotFound")
    raise refusal("MissingParameter.Dest")


def _check_texts(call: Call) -> None:
    name, text = call.text("SecurityGroupName"), call.text("Description")
    if name and not is_name(name):
        raise refusal("InvalidSecurityGroupName.Malformed")
    if text and (not 2 <= len(text) <= 256 or text.startswith(("http://", "https://"))):
        raise refusal("InvalidSecurityGroupDiscription.Malformed")


def _row(group: Group) -> dict[str, Any]:
    return {
        "SecurityGroupId": group.id,
        "SecurityGroupName": group.name,
        "Description": group.description,
        "SecurityGroupType": group.type,
        "VpcId": group.vpc_id,
        "CreationTime": time_text(group.created_at),
        "RuleCount": len(group.rules),
        "GroupToGroupRuleCount": sum(r.to[0] == "DestGroupId" for r in group.rules),
        "EcsCount": 0,
        "AvailableInstanceAmount": 0,
        "ServiceManaged": False,
        "ServiceID": 0,
        "ResourceGroupId": group.resource_group_id,
        "Tags": {"Tag": [{"TagKey": k, "TagValue": v} for k, v in group.tags.items()]},
    }
