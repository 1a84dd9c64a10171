"""Networks, vSwitches and zones, as a client sees them."""

from typing import Any

import pytest

from alicloud_emulator.world.profile import Principal
from emulator.tests.support.image_cloud import LONDON, TOKYO, Cloud
from emulator.tests.support.rpc_calls import Answer, answer, request_of, service_of

HANGZHOU = "cn-hangzhou"


class Networks:
    """VPC as the main account calls it."""

    def __init__(self) -> None:
        nobody = Principal(name="nobody", access_key_id="n", access_key_secret="n")
        self.cloud = Cloud(users=(nobody,))
        self.service = service_of("vpc", self.cloud.world)

    def ask(self, action: str, region: str = TOKYO, **given: Any) -> Answer:
        caller = given.pop("caller", self.cloud.main)
        params = {key.replace("__", "."): value for key, value in given.items()}
        params = {"RegionId": region, **params} if region else params
        request = request_of(self.service, action, params, caller=caller, region=region)
        return answer(self.service, request)

    def call(self, action: str, region: str = TOKYO, **given: Any) -> dict[str, Any]:
        got = self.ask(action, region, **given)
        assert got.status == 200, got.raw
        return got.json

    def refused(self, action: str, region: str = TOKYO, **given: Any) -> str:
        got = self.ask(action, region, **given)
        assert got.status != 200
        return f"{got.status} {got.code}"

    def vpc(self, region: str = TOKYO, **given: Any) -> str:
        """Make a VPC, and wait until it is there."""
        vpc_id = str(self.call("CreateVpc", region, **given)["VpcId"])
        self.cloud.wait(1)
        return vpc_id

    def vswitch(self, vpc_id: str, cidr: str = "172.16.1.0/24", **given: Any) -> str:
        given = {"ZoneId": "ap-northeast-1a", **given}
        made = self.call("CreateVSwitch", VpcId=vpc_id, CidrBlock=cidr, **given)
        self.cloud.wait(1)
        return str(made["VSwitchId"])

    def vpcs(self, region: str = TOKYO, **given: Any) -> list[dict[str, Any]]:
        rows = self.call("DescribeVpcs", region, **given)["Vpcs"]["Vpc"]
        return list(rows)

    def vswitches(self, **given: Any) -> list[dict[str, Any]]:
        return list(self.call("DescribeVSwitches", **given)["VSwitches"]["VSwitch"])


@pytest.fixture
def networks() -> Networks:
    return Networks()


def test_a_vpc_is_pending_and_then_available(networks: Networks) -> None:
    made = networks.call("CreateVpc", HANGZHOU, VpcName="net", Tag__1__Key="made-by")
    assert made["VpcId"].startswith("vpc-bp1")
    assert made["VRouterId"].startswith("vrt-bp1")
    assert made["RouteTableId"].startswith("vtb-bp1")
    (row,) = networks.vpcs(HANGZHOU)
    assert (row["Status"], row["VpcName"]) == ("Pending", "net")
    assert row["CidrBlock"] == "172.16.0.0/12"
    assert row["RouterTableIds"] == {"RouterTableIds": [made["RouteTableId"]]}
    assert row["Tags"] == {"Tag": [{"Key": "made-by", "Value": ""}]}
    assert networks.refused(
        "ModifyVpcAttribute", HANGZHOU, VpcId=made["VpcId"], VpcName="x"
    ) == ("400 IncorrectVpcStatus")
    networks.cloud.wait(1)
    assert networks.vpcs(HANGZHOU)[0]["Status"] == "Available"


def test_vpcs_are_found_by_what_they_are(networks: Networks) -> None:
    first = networks.vpc(VpcName="a", Tag__1__Key="k", Tag__1__Value="v")
    second = networks.vpc(VpcName="b", EnableIpv6=True, Tag__1__Key="k")
    third = networks.vpc(LONDON)

    def found(**given: Any) -> list[str]:
        return [row["VpcId"] for row in networks.vpcs(**given)]

    assert found() == [second, first]  # newest first, of this region
    assert found(region=LONDON) == [third]
    assert found(VpcId=f"{first},{third}") == [first]
    assert found(VpcName="b") == [second]
    assert found(EnableIpv6=True) == [second]
    assert found(EnableIpv6=False) == [first]
    assert found(Tag__1__Key="k") == [second, first]
    assert found(Tag__1__Key="k", Tag__1__Value="v") == [first]
    assert found(IsDefault=True) == []
    assert found(ResourceGroupId="rg-none") == []
    assert found(PageSize=1) == [second]
    assert found(PageSize=1, PageNumber=2) == [first]
    assert found(caller=networks.cloud.other) == []


def test_what_is_given_of_a_vpc_changes(networks: Networks) -> None:
    vpc_id = networks.vpc(VpcName="a", Description="first")
    networks.call("ModifyVpcAttribute", VpcId=vpc_id, VpcName="b")
    networks.call("ModifyVpcAttribute", VpcId=vpc_id, EnableIPv6=True)
    (row,) = networks.vpcs()
    assert (row["VpcName"], row["Description"]) == ("b", "first")
    assert row["EnabledIpv6"] is True
    assert row["Ipv6CidrBlock"].endswith("::/56")
    networks.call(
        "ModifyVpcAttribute",
        VpcId=vpc_id,
        Description="",
        EnableIPv6=False,
        CidrBlock="10.0.0.0/8",
        EnableDnsHostname=True,
    )
    (row,) = networks.vpcs()
    assert (row["Description"], row["Ipv6CidrBlock"]) == ("", "")
    assert (row["CidrBlock"], row["DnsHostnameStatus"]) == ("10.0.0.0/8", "ENABLED")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"CidrBlock": "8.8.0.0/16"}, "InvalidParameter"),
        ({"CidrBlock": "10.0.0.1/16"}, "InvalidParameter"),
        ({"CidrBlock": "10.0.0.0/29"}, "InvalidParameter"),
        ({"CidrBlock": "fd00::/56"}, "InvalidParameter"),
        ({"VpcName": "http://net"}, "InvalidVpcName.Malformed"),
        ({"VpcName": "n" * 129}, "InvalidVpcName.Malformed"),
        ({"Description": "d" * 257}, "InvalidVpcDiscription.Malformed"),
        ({"UserCidr": "1,2,3,4"}, "InvalidUserCidr.Quota"),
        ({"Tag__1__Key": "acs:x"}, "InvalidTagKey"),
        ({"Tag__1__Key": "k", "Tag__2__Key": "k"}, "InvalidTagKey"),
        ({"Tag__1__Key": "k", "Tag__1__Value": "v" * 129}, "InvalidTagValue"),
        ({"DryRun": True}, "DryRunOperation"),
        ({"ClientToken": "t" * 65}, "InvalidClientToken.Malformed"),
    ],
)
def test_a_vpc_that_cannot_be(
    networks: Networks, given: dict[str, Any], refusal: str
) -> None:
    assert networks.refused("CreateVpc", **given) == f"400 {refusal}"
    assert networks.vpcs() == []


def test_what_is_wrong_with_a_block_is_told_by_its_name(networks: Networks) -> None:
    answer = networks.ask("CreateVpc", CidrBlock="8.8.0.0/16")
    assert answer.json["Message"] == "The specified parameter CidrBlock is not valid."


def test_calls_about_vpcs_that_are_refused(networks: Networks) -> None:
    assert networks.refused("DescribeVpcs", "mars-1") == "404 InvalidRegionId.NotFound"
    assert networks.refused("DescribeVpcs", DryRun=True) == "400 DryRunOperation"
    assert networks.refused("DescribeVpcs", PageSize=51) == "400 InvalidParameter"
    assert networks.refused("DescribeVpcs", PageNumber=0) == "400 InvalidParameter"
    too_many = ",".join(f"vpc-{n}" for n in range(21))
    assert networks.refused("DescribeVpcs", VpcId=too_many) == (
        "400 InvalidVpcIdNumber.NotSupported"
    )
    assert networks.refused("ModifyVpcAttribute", VpcId="vpc-none") == (
        "404 InvalidVpcId.NotFound"
    )
    for number in range(10):
        networks.vpc(VpcName=f"n{number}")
    assert networks.refused("CreateVpc") == "400 QuotaExceeded.Vpc"


def test_a_token_makes_one_vpc(networks: Networks) -> None:
    first = networks.call("CreateVpc", ClientToken="t", VpcName="a")
    again = networks.call("CreateVpc", ClientToken="t", VpcName="a")
    assert first["VpcId"] == again["VpcId"]
    assert networks.refused("CreateVpc", ClientToken="t", VpcName="b") == (
        "400 IdempotentParameterMismatch"
    )
    assert len(networks.vpcs()) == 1


def test_only_who_may_sees_networks(networks: Networks) -> None:
    nobody = networks.cloud.world.ram.credential("n").caller
    assert networks.refused("DescribeVpcs", caller=nobody) == "403 Forbidden.RAM"


def test_zones_are_named_as_their_region_ends(networks: Networks) -> None:
    def zones(region: str, **given: Any) -> list[str]:
        rows = networks.call("DescribeZones", region, **given)["Zones"]["Zone"]
        return [row["ZoneId"] for row in rows]

    assert zones(TOKYO) == ["ap-northeast-1a", "ap-northeast-1b"]
    assert zones(HANGZHOU) == ["cn-hangzhou-a", "cn-hangzhou-b"]
    assert zones(HANGZHOU, ZoneType="EdgeZone") == []


def test_a_vswitch_is_part_of_a_vpc(networks: Networks) -> None:
    vpc_id = networks.vpc(EnableIpv6=True)
    vswitch_id = networks.vswitch(vpc_id, VSwitchName="s", Ipv6CidrBlock=7)
    (row,) = networks.vswitches(VSwitchId=vswitch_id)
    assert (row["Status"], row["VpcId"]) == ("Available", vpc_id)
    assert row["AvailableIpAddressCount"] == 252
    (vpc,) = networks.vpcs()
    assert vpc["VSwitchIds"] == {"VSwitchId": [vswitch_id]}
    block = vpc["Ipv6CidrBlock"].removesuffix("00::/56")
    assert row["Ipv6CidrBlock"] == f"{block}07::/64"
    networks.call("ModifyVSwitchAttribute", VSwitchId=vswitch_id, Description="d")
    networks.call("ModifyVSwitchAttribute", VSwitchId=vswitch_id, Ipv6CidrBlock=8)
    (row,) = networks.vswitches()
    assert (row["VSwitchName"], row["Description"]) == ("s", "d")
    assert row["Ipv6CidrBlock"] == f"{block}08::/64"
    networks.call("ModifyVSwitchAttribute", VSwitchId=vswitch_id, EnableIPv6=False)
    assert networks.vswitches()[0]["EnabledIpv6"] is False


def test_vswitches_are_found_by_what_they_are(networks: Networks) -> None:
    vpc_id = networks.vpc()
    first = networks.vswitch(vpc_id, Tag__1__Key="k")
    other_zone = {"ZoneId": "ap-northeast-1b"}
    second = networks.vswitch(vpc_id, "172.16.2.0/24", VSwitchName="s", **other_zone)

    def found(**given: Any) -> list[str]:
        return [row["VSwitchId"] for row in networks.vswitches(**given)]

    assert found() == [second, first]
    assert found(VpcId=vpc_id, region="") == []  # the central host's own region
    assert found(**other_zone) == [second]
    assert found(Tag__1__Key="k") == [first]
    assert found(VSwitchName="s") == [second]
    assert found(RouteTableId="vtb-none") == found(IsDefault=True) == []
    assert networks.refused("DescribeVSwitches", "") == "400 MissingParameter"


def test_a_vswitch_that_cannot_be(networks: Networks) -> None:
    vpc_id = networks.vpc()
    networks.vswitch(vpc_id)

    def refused(**given: Any) -> str:
        asked = {
            "VpcId": vpc_id,
            "CidrBlock": "172.16.9.0/24",
            "ZoneId": "ap-northeast-1a",
            **given,
        }
        return networks.refused("CreateVSwitch", **asked).split()[1]

    assert refused(VpcId="vpc-none") == "InvalidVpcId.NotFound"
    assert refused(ZoneId="ap-northeast-1z") == "InvalidZoneId.NotFound"
    assert refused(CidrBlock="172.16.1.128/25") == "InvalidCidrBlock.Overlapped"
    assert refused(CidrBlock="10.0.0.0/24") == "InvalidParameter"
    assert refused(CidrBlock="172.16.0.0/12") == "InvalidCidrBlock.Malformed"
    assert refused(CidrBlock="everything") == "InvalidCidrBlock.Malformed"
    assert refused(Ipv6CidrBlock=1) == "InvalidParameter"  # the network has no IPv6
    assert refused(VSwitchName="https://s") == "InvalidVSwitchName.Malformed"
    assert refused(Description="d" * 257) == "InvalidVSwitchDiscription.Malformed"
    fresh = networks.call("CreateVpc")["VpcId"]
    assert refused(VpcId=fresh) == "IncorrectVpcStatus"
    networks.call(
        "CreateVSwitch",
        VpcId=vpc_id,
        CidrBlock="172.16.2.0/24",
        ZoneId="ap-northeast-1a",
    )
    assert refused() == "IncorrectVSwitchStatus"  # another one is being made
    assert networks.refused("ModifyVSwitchAttribute", VSwitchId="vsw-none") == (
        "404 InvalidVSwitchId.NotFound"
    )


def test_a_vpc_has_only_so_many_vswitches(networks: Networks) -> None:
    vpc_id = networks.vpc()
    for number in range(24):
        networks.vswitch(vpc_id, f"172.17.{number}.0/24")
    asked = {"VpcId": vpc_id, "CidrBlock": "172.18.0.0/24"}
    assert networks.refused("CreateVSwitch", ZoneId="ap-northeast-1a", **asked) == (
        "400 QuotaExceeded.VSwitch"
    )
    assert networks.refused(
        "ModifyVpcAttribute", VpcId=vpc_id, CidrBlock="10.0.0.0/8"
    ) == ("400 InvalidParameter")
