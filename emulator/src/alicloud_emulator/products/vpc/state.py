"""The networks of a world, and what their names and blocks may be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar

from alicloud_emulator.products.rpc.action import Call
from alicloud_emulator.products.rpc.door import enter
from alicloud_emulator.products.rpc.parameters import tag_pairs
from alicloud_emulator.world.ecs.ids import new_id
from alicloud_emulator.world.facts import Facts
from alicloud_emulator.world.world import World

FACTS = Facts(__package__)

PENDING_S = 0.5
"""Seconds before something new is Available: a guess."""

VPCS_MAX = 10
VSWITCHES_MAX = 24
"""Of one network. Both as Alibaba's pages had them in 2019; today's are larger."""

TAGS_MAX = 20
IDS_MAX = 20
PAGE_ROWS_MAX = 50
ID_CHARS = 18
"""After the three that tell the region: as seen in ids of the documentation."""


@dataclass(kw_only=True)
class Network:
    """A VPC or a vSwitch.

    Attributes:
        ready_at: When it becomes Available, Unix seconds.
    """

    id: str
    account_id: str
    region: str
    cidr: IPv4Network
    name: str = ""
    description: str = ""
    ipv6: IPv6Network | None = None
    tags: dict[str, str] = field(default_factory=dict)
    created_at: float
    ready_at: float

    def status(self, now: float) -> str:
        """Return ``Pending``, then ``Available``."""
        return "Available" if now >= self.ready_at else "Pending"


@dataclass(kw_only=True)
class Vpc(Network):
    """A network, which a router and a route table come with."""

    router_id: str
    route_table_id: str
    resource_group_id: str = ""
    user_cidrs: tuple[str, ...] = ()
    dns_hostname: bool = False


@dataclass(kw_only=True)
class VSwitch(Network):
    """A part of a network, in one zone."""

    vpc: Vpc
    zone_id: str


class Networks:
    """Every VPC and vSwitch of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.vpcs: dict[str, Vpc] = {}
        self.vswitches: dict[str, VSwitch] = {}

    def new_id(self, kind: str, region: str) -> str:
        """Return a new id, for example ``vpc-bp1`` and 18 characters."""
        return new_id(self._world.rng, kind, region, chars=ID_CHARS)

    def vpcs_of(self, account_id: str, region: str) -> Iterator[Vpc]:
        """Yield an account's VPCs in a region, oldest first."""
        for vpc in self.vpcs.values():
            if (vpc.account_id, vpc.region) == (account_id, region):
                yield vpc

    def vpc(self, account_id: str, region: str, vpc_id: str) -> Vpc | None:
        """Return an account's VPC, or None."""
        found = self.vpcs.get(vpc_id)
        if found is None or (found.account_id, found.region) != (account_id, region):
            return None
        return found

    def vswitches_in(self, vpc: Vpc) -> list[VSwitch]:
        """Return a VPC's vSwitches, newest first."""
        return [v for v in reversed(self.vswitches.values()) if v.vpc is vpc]

    def new_ipv6(self) -> IPv6Network:
        """Return the block that a VPC gets: 56 bits, of which the last 24 are drawn."""
        drawn = self._world.rng.getrandbits(24)
        return IPv6Network(((0x2408_4000 << 96) | (drawn << 72), 56))


def state(world: World, region: str, account_id: str) -> dict[str, list[Any]]:
    """Return an account's networks in a region, for the state document."""
    there, now = world.part(Networks), world.agenda.now

    def told(network: Network) -> dict[str, Any]:
        return {
            "name": network.name,
            "status": network.status(now),
            "cidr": str(network.cidr),
            "tags": dict(network.tags),
        }

    vpcs = list(there.vpcs_of(account_id, region))
    return {
        "vpcs": [{"vpc_id": vpc.id, **told(vpc)} for vpc in vpcs],
        "vswitches": [
            {
                "vswitch_id": vswitch.id,
                "vpc_id": vpc.id,
                "zone_id": vswitch.zone_id,
                **told(vswitch),
            }
            for vpc in vpcs
            for vswitch in reversed(there.vswitches_in(vpc))
        ],
    }


Kind = TypeVar("Kind", bound=Network)


def networks(call: Call, resource: str) -> Networks:
    """Let a call in, and return the networks; see ``door.enter``."""
    enter(call, FACTS, "vpc", resource)
    return call.world.part(Networks)


def checked_texts(
    call: Call, name: str, *, bad_name: str, bad_description: str
) -> tuple[str | None, str | None]:
    """Return a name and the Description as given, None for one that is not.

    Args:
        call: The call.
        name: The name's parameter.
        bad_name: Code for a name of more than 128 characters, or like a URL.
        bad_description: Code for a description of more than 256, or like a URL.
    """
    found: list[str | None] = []
    for parameter, chars_max, code in (
        (name, 128, bad_name),
        ("Description", 256, bad_description),
    ):
        text = call.text(parameter)
        if len(text) > chars_max or text.startswith(("http://", "https://")):
            raise FACTS.refusal(code)
        found.append(text if call.arguments.has(parameter) else None)
    return found[0], found[1]


def checked_tags(call: Call) -> dict[str, str]:
    """Return the tags that a new thing gets.

    Raises:
        ServiceError: InvalidTagKey or InvalidTagValue (400).
    """
    pairs = tag_pairs(call.arguments)
    tags = dict(pairs)
    if len(pairs) > TAGS_MAX or len(tags) < len(pairs):
        raise FACTS.refusal("InvalidTagKey")
    for key, value in pairs:
        lower = key.lower()
        if not 1 <= len(key) <= 128 or lower.startswith(("aliyun", "acs:")):
            raise FACTS.refusal("InvalidTagKey")
        if len(value) > 128:
            raise FACTS.refusal("InvalidTagValue")
    return tags


def block(text: str, *, shortest: int, longest: int, code: str) -> IPv4Network:
    """Return a private IPv4 block, strictly written, of a mask in bounds.

    Raises:
        ServiceError: The ``code``.
    """
    try:
        found = ip_network(text)
    except ValueError:
        raise FACTS.refusal(code, "CidrBlock") from None
    if not isinstance(found, IPv4Network) or not found.is_private:
        raise FACTS.refusal(code, "CidrBlock")
    if not shortest <= found.prefixlen <= longest:
        raise FACTS.refusal(code, "CidrBlock")
    return found


def page(call: Call, rows: Sequence[Kind]) -> tuple[list[Kind], dict[str, int]]:
    """Return one page of rows, and the fields that tell which.

    Raises:
        ServiceError: InvalidParameter (400); DryRunOperation, if that was asked.
    """
    number = call.arguments.number("PageNumber", 1)
    size = call.arguments.number("PageSize", 10)
    if number < 1:
        raise FACTS.refusal("InvalidParameter", "PageNumber")
    if not 1 <= size <= PAGE_ROWS_MAX:
        raise FACTS.refusal("InvalidParameter", "PageSize")
    dry_run(call)
    first = (number - 1) * size
    told = {"PageNumber": number, "PageSize": size, "TotalCount": len(rows)}
    return list(rows[first : first + size]), told


def dry_run(call: Call) -> None:
    """End a call that was only to be checked.

    Raises:
        ServiceError: DryRunOperation (400).
    """
    if call.arguments.flag("DryRun"):
        raise FACTS.refusal("DryRunOperation")


def id_list(text: str) -> list[str]:
    """Return ids given with commas between.

    Raises:
        ServiceError: InvalidVpcIdNumber.NotSupported (400), more than 20.
    """
    ids = [one.strip() for one in text.split(",") if one.strip()]
    if len(ids) > IDS_MAX:
        raise FACTS.refusal("InvalidVpcIdNumber.NotSupported")
    return ids
