from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alicloud_emulator.world.policy import (
    Decision,
    PolicyError,
    decide,
    parse_document,
    trusts,
)
from alicloud_emulator.world.wildcard import matches

IMAGE = "acs:ecs:cn-hangzhou:1:image/m-1"


def policy(**statement: Any) -> dict[str, Any]:
    defaults = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return {"Version": "1", "Statement": [{**defaults, **statement}]}


def says(*documents: dict[str, Any], **context: str) -> Decision:
    values = {key.replace("_", ":"): value for key, value in context.items()}
    return decide(documents, action="ecs:DeleteImage", resource=IMAGE, context=values)


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({}, True),
        ({"Action": "ecs:DeleteImage"}, True),
        ({"Action": "ECS:deleteimage"}, True),
        ({"Action": ["ecs:Describe*", "ecs:Del*"]}, True),
        ({"Action": "ecs:Delete"}, False),
        ({"Action": []}, False),
        ({"Resource": "acs:ecs:*:*:image/*"}, True),
        ({"Resource": "acs:ecs:cn-hangzhou:1:image/m-?"}, True),
        ({"Resource": "acs:ecs:*:*:snapshot/*"}, False),
        ({"Resource": "acs:ecs:*:*:IMAGE/*"}, False),
        ({"Resource": "acs:ecs:[c]n-hangzhou:1:image/m-1"}, False),
        ({"NotResource": "acs:ecs:*:*:snapshot/*"}, True),
        ({"Condition": {"StringEquals": {"acs:Service": ["a", "b"]}}}, True),
        ({"Condition": {"StringEquals": {"acs:Service": "c"}}}, False),
        ({"Condition": {"StringLike": {"acs:Service": "?"}}}, True),
        ({"Condition": {"StringNotEquals": {"acs:Service": "c"}}}, True),
        ({"Condition": {"StringEquals": {"acs:Unknown": "x"}}}, False),
        ({"Condition": {"NumericLessThan": {"acs:Service": "1"}}}, False),
        ({"Condition": "nonsense"}, False),
        ({"Effect": "Maybe"}, False),
    ],
)
def test_what_a_statement_allows(statement: dict[str, Any], *, allowed: bool) -> None:
    expected = Decision.ALLOW if allowed else Decision.IMPLICIT_DENY
    assert says(policy(**statement), acs_Service="b") is expected


def test_not_action_means_all_others() -> None:
    document = policy()
    del document["Statement"][0]["Action"]
    document["Statement"][0]["NotAction"] = "ecs:Describe*"
    assert says(document) is Decision.ALLOW
    document["Statement"][0]["NotAction"] = "ecs:Delete*"
    assert says(document) is Decision.IMPLICIT_DENY


def test_a_denial_beats_every_permission() -> None:
    deny = policy(Effect="Deny", Action="ecs:Delete*")
    assert says(policy(), deny) is Decision.EXPLICIT_DENY
    assert says(deny, policy()) is Decision.EXPLICIT_DENY
    conditional = policy(
        Effect="Deny", Condition={"Bool": {"acs:SecureTransport": "false"}}
    )
    assert says(policy(), conditional) is Decision.ALLOW
    assert says(policy(), conditional, acs_SecureTransport="true") is Decision.ALLOW
    denied = says(policy(), conditional, acs_SecureTransport="false")
    assert denied is Decision.EXPLICIT_DENY


@pytest.mark.parametrize(
    ("operator", "networks", "holds"),
    [
        ("IpAddress", "192.0.2.0/24", True),
        ("IpAddress", ["10.0.0.0/8", "192.0.2.1"], True),
        ("IpAddress", ["10.0.0.0/8", "192.0.2.2"], False),
        ("IpAddress", ["nonsense", "2001:db8::/32"], False),
        ("NotIpAddress", "192.0.2.0/24", False),
        ("NotIpAddress", ["10.0.0.0/8", "2001:db8::/32"], True),
    ],
)
def test_conditions_may_be_about_the_address(
    operator: str, networks: Any, *, holds: bool
) -> None:
    conditional = policy(Condition={operator: {"acs:SourceIp": networks}})
    expected = Decision.ALLOW if holds else Decision.IMPLICIT_DENY
    assert says(conditional, acs_SourceIp="192.0.2.1") is expected
    assert says(conditional) is Decision.IMPLICIT_DENY


def test_nothing_said_is_no() -> None:
    assert says() is Decision.IMPLICIT_DENY
    assert says({}) is Decision.IMPLICIT_DENY
    assert says({"Statement": "x"}) is Decision.IMPLICIT_DENY


def test_who_may_assume_a_role() -> None:
    def trust(principal: Any, **more: Any) -> dict[str, Any]:
        statement = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": principal,
        }
        return {"Version": "1", "Statement": [{**statement, **more}]}

    def fc(document: dict[str, Any]) -> bool:
        return trusts(document, kind="Service", principal="fc.aliyuncs.com")

    assert fc({})
    assert fc(trust({"Service": ["ecs.aliyuncs.com", "FC.aliyuncs.com"]}))
    assert not fc(trust({"Service": "ecs.aliyuncs.com"}))
    assert not fc(trust({"RAM": "fc.aliyuncs.com"}))
    assert not fc(trust({"Service": "fc.aliyuncs.com"}, Effect="Deny"))
    assert not fc(trust({"Service": "fc.aliyuncs.com"}, Action="sts:Other"))
    assert not fc(trust("*"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"Version": "2", "Statement": []}',
        '{"Version": "1"}',
        '{"Version": "1", "Statement": []}',
        '{"Version": "1", "Statement": ["x"]}',
        '{"Version": "1", "Statement": [{"Effect": "Yes"}]}',
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "*"}]}',
        '{"Version": "1", "Statement": [' + "[" * 5000,
        " " * 6145,
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(PolicyError):
        parse_document(text)


def test_a_trust_policy_has_a_principal_instead_of_a_resource() -> None:
    text = (
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "*", "%s": "*"}]}'
    )
    assert parse_document(text % "Resource")
    assert parse_document(text % "Principal", trust=True)
    with pytest.raises(PolicyError):
        parse_document(text % "Resource", trust=True)


def naive(pattern: str, value: str) -> bool:
    """Match as one would write it down, in any amount of time."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(naive(pattern[1:], value[n:]) for n in range(len(value) + 1))
    return (
        bool(value) and pattern[0] in ("?", value[0]) and naive(pattern[1:], value[1:])
    )


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
@settings(max_examples=300)
def test_wildcards_match_as_one_would_write_it_down(pattern: str, value: str) -> None:
    assert matches(pattern, value) is naive(pattern, value)


def test_a_nasty_pattern_takes_no_time() -> None:
    assert not matches("*a" * 500 + "b", "a" * 1000)
