"""Security groups, as a client sees them."""

from typing import Any

import pytest

from emulator.tests.support.image_cloud import TOKYO, Cloud
from emulator.tests.support.rpc_calls import Answer, answer, request_of, service_of

ALL = {"IpProtocol": "ALL", "PortRange": "-1/-1"}


class Groups:
    """ECS as the main account calls it, and a network to have groups in."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        self.vpc_id = str(self._answer("vpc", "CreateVpc", {}).json["VpcId"])
        self.cloud.wait(1)

    def _answer(self, product: str, action: str, given: dict[str, Any]) -> Answer:
        service = service_of(product, self.cloud.world)
        params = {"RegionId": TOKYO, **given}
        request = request_of(service, action, params, caller=self.cloud.main)
        return answer(service, request)

    def ask(self, action: str, **given: Any) -> Answer:
        params = {key.replace("__", "."): value for key, value in given.items()}
        return self._answer("ecs", action, params)

    def call(self, action: str, **given: Any) -> dict[str, Any]:
        got = self.ask(action, **given)
        assert got.status == 200, got.raw
        return got.json

    def refused(self, action: str, **given: Any) -> str:
        got = self.ask(action, **given)
        return f"{got.status} {got.code}"

    def make(self, **given: Any) -> str:
        made = self.call("CreateSecurityGroup", **{"VpcId": self.vpc_id, **given})
        return str(made["SecurityGroupId"])

    def rows(self, **given: Any) -> list[dict[str, Any]]:
        found = self.call("DescribeSecurityGroups", **given)["SecurityGroups"]
        return list(found["SecurityGroup"])

    def refused_rule(self, group_id: str, **given: Any) -> str:
        asked = {"SecurityGroupId": group_id, **ALL, **given}
        return self.refused("AuthorizeSecurityGroupEgress", **asked)


@pytest.fixture
def groups() -> Groups:
    return Groups()


def test_a_group_is_made_and_changed(groups: Groups) -> None:
    group_id = groups.make(Tag__1__Key="k", Tag__1__Value="v")
    asked = {"SecurityGroupId": group_id, "SecurityGroupName": "web"}
    groups.call("ModifySecurityGroupAttribute", **asked, Description="for the web")
    (row,) = groups.rows()
    assert row["SecurityGroupId"] == group_id
    assert row["SecurityGroupId"].startswith("sg-6we")
    assert (row["SecurityGroupName"], row["Description"]) == ("web", "for the web")
    assert (row["VpcId"], row["SecurityGroupType"]) == (groups.vpc_id, "normal")
    assert row["Tags"] == {"Tag": [{"TagKey": "k", "TagValue": "v"}]}


def test_groups_are_found_by_what_they_are(groups: Groups) -> None:
    first = groups.make(SecurityGroupName="web-1", Tag__1__Key="k")
    second = groups.make(SecurityGroupName="db", SecurityGroupType="enterprise")

    def found(**given: Any) -> list[str]:
        return [row["SecurityGroupId"] for row in groups.rows(**given)]

    assert found() == [second, first]
    assert found(SecurityGroupId=first) == [first]
    assert found(SecurityGroupIds=f'["{second}","sg-none"]') == [second]
    assert found(SecurityGroupName="web-*") == []
    assert found(SecurityGroupName="web-*", FuzzyQuery=True) == [first]
    assert found(SecurityGroupType="enterprise") == [second]
    assert found(VpcId="vpc-none") == found(ServiceManaged=True) == []
    assert found(NetworkType="classic") == []
    assert found(Tag__1__Key="k") == [first]
    assert found(ResourceGroupId="rg") == []
    assert found(PageSize=1, PageNumber=2) == [first]
    page = groups.call("DescribeSecurityGroups", MaxResults=1)
    assert page["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupId"] == second
    assert found(MaxResults=1, NextToken=page["NextToken"]) == [first]
    for given, code in (
        ({"SecurityGroupIds": "sg"}, "InvalidParameter"),
        ({"PageSize": 101}, "InvalidParameter"),
        ({"NextToken": "x"}, "InvalidParameter"),
        ({"DryRun": True}, "DryRunOperation"),
    ):
        assert groups.refused("DescribeSecurityGroups", **given) == f"400 {code}"


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"VpcId": ""}, "403 InvalidVpcId.NotFound"),
        ({"VpcId": "vpc-none"}, "404 InvalidVpcId.NotFound"),
        ({"SecurityGroupName": "1"}, "400 InvalidSecurityGroupName.Malformed"),
        ({"Description": "d"}, "400 InvalidSecurityGroupDiscription.Malformed"),
        ({"SecurityGroupType": "odd"}, "400 InvalidParameter"),
        ({"Tag__1__Key": "k", "Tag__2__Key": "k"}, "400 Duplicate.TagKey"),
    ],
)
def test_a_group_that_cannot_be(
    groups: Groups, given: dict[str, Any], refusal: str
) -> None:
    asked = {"VpcId": groups.vpc_id, **given}
    assert groups.refused("CreateSecurityGroup", **asked) == refusal


def test_a_group_needs_a_network_that_is_there(groups: Groups) -> None:
    fresh = groups._answer("vpc", "CreateVpc", {}).json["VpcId"]
    assert groups.refused("CreateSecurityGroup", VpcId=fresh) == (
        "400 IncorrectVpcStatus"
    )
    for _ in range(100):
        groups.make()
    assert groups.refused("CreateSecurityGroup", VpcId=groups.vpc_id) == (
        "403 QuotaExceed.SecurityGroup"
    )


def test_a_token_makes_one_group(groups: Groups) -> None:
    assert groups.make(ClientToken="t") == groups.make(ClientToken="t")


def test_rules_come_all_or_none_and_once(groups: Groups) -> None:
    group_id, other = groups.make(), groups.make()
    four = {"Permissions__1__DestCidrIp": "0.0.0.0/0"}
    six = {"Permissions__2__Ipv6DestCidrIp": "::/0"}
    both = {
        **four,
        **six,
        "Permissions__1__IpProtocol": "all",
        "Permissions__1__PortRange": "-1/-1",
        "Permissions__2__IpProtocol": "ALL",
        "Permissions__2__PortRange": "-1/-1",
    }
    wrong = {**both, "Permissions__2__Policy": "maybe"}
    rule = {"SecurityGroupId": group_id}
    assert groups.refused("AuthorizeSecurityGroupEgress", **rule, **wrong) == (
        "400 InvalidPolicy.Malformed"
    )
    assert groups.rows(SecurityGroupId=group_id)[0]["RuleCount"] == 0
    for _ in range(2):
        groups.call("AuthorizeSecurityGroupEgress", **rule, **both)
    to_other = {"IpProtocol": "TCP", "PortRange": "1/200", "DestGroupId": other}
    groups.call("AuthorizeSecurityGroupEgress", **rule, **to_other)
    (row,) = groups.rows(SecurityGroupId=group_id)
    assert (row["RuleCount"], row["GroupToGroupRuleCount"]) == (3, 1)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({}, "400 MissingParameter.Dest"),
        ({"DestCidrIp": "::/0"}, "400 InvalidDestCidrIp.Malformed"),
        ({"DestCidrIp": "here"}, "400 InvalidDestCidrIp.Malformed"),
        ({"Ipv6DestCidrIp": "0.0.0.0/0"}, "400 InvalidParam.Ipv6DestCidrIp"),
        ({"DestGroupId": "sg-none"}, "404 InvalidDestGroupId.NotFound"),
        ({"DestPrefixListId": "pl-1"}, "404 InvalidPrefixListId.NotFound"),
        ({"IpProtocol": "X"}, "400 InvalidIpProtocol.ValueNotSupported"),
        ({"PortRange": "1/200"}, "400 InvalidParam.PortRange"),
        ({"IpProtocol": "TCP"}, "400 InvalidParam.PortRange"),
        ({"IpProtocol": "TCP", "PortRange": "9/1"}, "400 InvalidParam.PortRange"),
        ({"IpProtocol": "TCP", "PortRange": "/9"}, "400 InvalidParam.PortRange"),
        ({"Priority": "101"}, "400 InvalidPriority.Malformed"),
        ({"Description": "d" * 513}, "400 InvalidSecurityGroupDiscription.Malformed"),
    ],
)
def test_a_rule_that_cannot_be(
    groups: Groups, given: dict[str, Any], refusal: str
) -> None:
    assert groups.refused_rule(groups.make(), **given) == refusal


def test_a_rule_is_of_a_group_and_not_to_itself(groups: Groups) -> None:
    group_id = groups.make()
    assert groups.refused_rule("sg-none") == "404 InvalidSecurityGroupId.NotFound"
    assert groups.refused_rule(group_id, DestGroupId=group_id) == (
        "403 InvalidSecurityGroup.IsSame"
    )
    many = {f"Permissions__{n}__DestCidrIp": f"10.0.{n}.0/24" for n in range(1, 202)}
    many |= {f"Permissions__{n}__IpProtocol": "ALL" for n in range(1, 202)}
    many |= {f"Permissions__{n}__PortRange": "-1/-1" for n in range(1, 202)}
    assert groups.refused_rule(group_id, **many) == "403 AuthorizationLimitExceed"
