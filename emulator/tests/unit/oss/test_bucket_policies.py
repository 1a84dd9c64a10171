"""What bucket policies, requester-pays and the account's own block make of calls."""

import json
from dataclasses import replace
from typing import Any

import pytest

from alicloud_emulator.world.caller import Caller, PrincipalKind
from emulator.tests.unit.oss.conftest import Cloud

PAYS = b"<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>"
BLOCK = (
    b"<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess>"
    b"</PublicAccessBlockConfiguration>"
)


@pytest.fixture
def pail(cloud: Cloud) -> Cloud:
    cloud.call("PUT", "pail")
    cloud.call("PUT", "pail/a/k", b"data")
    cloud.call("PUT", "pail/b/k", b"data")
    return cloud


def allow(cloud: Cloud, *principals: str, effect: str = "Allow", **more: Any) -> None:
    statement = {
        "Effect": effect,
        "Action": ["oss:GetObject", "oss:ListObjects"],
        "Principal": list(principals),
        "Resource": ["acs:oss:*:*:pail", "acs:oss:*:*:pail/a/*"],
        **more,
    }
    policy = json.dumps({"Version": "1", "Statement": [statement]})
    assert cloud.call("PUT", "pail?policy", policy.encode()).status == 200


def code(cloud: Cloud, target: str, caller: Caller | None, **given: Any) -> str:
    return cloud.call(given.pop("method", "GET"), target, caller=caller, **given).code


@pytest.mark.parametrize(
    ("body", "ec"),
    [
        (b"{", "0030-00000005"),
        (b"[]", "0030-00000005"),
        (b"5", "0030-00000005"),
        (b"{}", "0030-00000005"),
        (b'{"Version": 1, "Statement": []}', "0030-00000005"),
        (b'{"Version": "2", "Statement": []}', "0030-00000002"),
        (b'{"Version": "1", "Statement": [{"Effect": "Maybe"}]}', "0030-00000005"),
        (b'{"Version": "1", "Statement": [{"Effect": "Deny"}]}', "0030-00000005"),
        (b"\xff", "0030-00000004"),
    ],
)
def test_what_is_no_policy_is_refused(pail: Cloud, body: bytes, ec: str) -> None:
    answer = pail.call("PUT", "pail?policy", body)
    assert (answer.status, answer.code) == (400, "InvalidPolicyDocument")
    assert answer.headers["x-oss-ec"] == ec
    assert pail.call("GET", "pail?policy").code == "NoSuchBucketPolicy"


def test_another_account_may_do_what_the_policy_says(pail: Cloud) -> None:
    assert code(pail, "pail/a/k", pail.other) == "AccessDenied"
    allow(pail, pail.other.account_id)
    assert code(pail, "pail/a/k", pail.other) == ""
    assert code(pail, "pail", pail.other) == ""
    assert code(pail, "pail/b/k", pail.other) == "AccessDenied"
    assert code(pail, "pail/a/k", pail.other, method="PUT") == "AccessDenied"
    assert code(pail, "pail/a/k", None) == "AccessDenied"
    pail.call("DELETE", "pail?policy")
    assert code(pail, "pail/a/k", pail.other) == "AccessDenied"


def test_everybody_may_unless_public_access_is_blocked(pail: Cloud) -> None:
    allow(pail, "*")
    assert code(pail, "pail/a/k", None) == ""
    pail.call("PUT", "pail?publicAccessBlock", BLOCK)
    assert code(pail, "pail/a/k", None) == "AccessDenied"
    pail.call("DELETE", "pail?publicAccessBlock")
    pail.call("PUT", "/?publicAccessBlock", BLOCK)
    assert code(pail, "pail/a/k", None) == "AccessDenied"
    assert code(pail, "pail?acl", pail.main, method="PUT",
                headers={"x-oss-acl": "public-read"}) == "AccessDenied"  # fmt: skip
    pail.call("DELETE", "/?publicAccessBlock")
    assert code(pail, "pail/a/k", None) == ""


def test_an_empty_list_of_principals_means_everybody(pail: Cloud) -> None:
    allow(pail)
    assert code(pail, "pail/a/k", None) == ""
    pail.call("PUT", "pail?publicAccessBlock", BLOCK)
    assert code(pail, "pail/a/k", None) == "AccessDenied"


def limited(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


@pytest.mark.parametrize(
    ("principals", "more", "public"),
    [
        (["*"], {}, "true"),
        ([], {}, "true"),
        (["2*"], {}, "true"),
        (["22", "*"], {}, "true"),
        (["22"], {}, "false"),
        (["*"], {"effect": "Deny"}, "false"),
        (["*"], limited("StringLike", "acs:SourceVpc", "vpc-*"), "true"),
        (["*"], limited("StringLike", "acs:SourceVpc", "vpc-1", "vpc-*"), "true"),
        (["*"], limited("StringEquals", "acs:SourceVpc", "vpc-1"), "false"),
        (["*"], limited("StringNotLike", "acs:SourceVpc", "vpc-1"), "true"),
        (["*"], limited("StringEquals", "acs:AccessId", "LTAI1"), "false"),
        (["*"], limited("StringLike", "oss:Prefix", "a/"), "true"),
        (["*"], limited("IpAddress", "acs:SourceIp", "10.0.0.1/8"), "false"),
        (["*"], limited("IpAddress", "acs:SourceIp", "10.0.0.0/7"), "true"),
        (["*"], limited("IpAddress", "acs:SourceVpcIp", "10.1.2.3"), "false"),
        (["*"], limited("IpAddress", "acs:SourceIp", "2001:db8::/32"), "false"),
        (["*"], limited("IpAddress", "acs:SourceIp", "2001::/31"), "true"),
        (["*"], limited("IpAddress", "acs:SourceIp", "everywhere"), "true"),
        (["*"], {"Condition": {"IpAddress": "10.0.0.1"}}, "true"),
        (["*"], {"Condition": []}, "true"),
    ],
)
def test_a_policy_is_public_as_the_reference_says(
    pail: Cloud, principals: list[str], more: dict[str, Any], public: str
) -> None:
    assert pail.call("GET", "pail?policyStatus").text("IsPublic") == "false"
    allow(pail, *principals, **more)
    assert pail.call("GET", "pail?policyStatus").text("IsPublic") == public


def test_one_public_statement_makes_a_policy_public(pail: Cloud) -> None:
    statements = [
        {"Effect": "Allow", "Principal": who, "Action": "oss:*", "Resource": "*"}
        for who in (["22"], "*")
    ]
    policy = json.dumps({"Version": "1", "Statement": statements})
    pail.call("PUT", "pail?policy", policy.encode())
    assert pail.call("GET", "pail?policyStatus").text("IsPublic") == "true"
    assert code(pail, "pail?policyStatus", pail.other) == ""
    pail.call("DELETE", "pail?policy")
    assert code(pail, "pail?policyStatus", pail.other) == "AccessDenied"


def test_a_denial_wins_but_over_the_owner(pail: Cloud) -> None:
    pail.call("PUT", "pail?acl", headers={"x-oss-acl": "public-read"})
    allow(pail, "*", effect="Deny")
    assert code(pail, "pail/a/k", None) == "AccessDenied"
    assert code(pail, "pail/b/k", None) == ""
    assert code(pail, "pail/a/k", pail.main) == ""


def test_a_policy_may_be_about_where_a_call_comes_from(pail: Cloud) -> None:
    far, near = {"peer": "192.0.2.1"}, {"peer": "10.0.0.1"}
    only = {
        "IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]},
        "StringNotLike": {"acs:SourceVpc": ["vpc-*"]},
    }
    allow(pail, "*", Condition=only)
    assert code(pail, "pail/a/k", None, **near) == ""
    assert code(pail, "pail/a/k", None, **far) == "AccessDenied"
    pail.call("PUT", "pail?acl", headers={"x-oss-acl": "public-read"})
    plain = {"Bool": {"acs:SecureTransport": "false"}}
    allow(pail, "*", effect="Deny", Condition=plain)
    assert code(pail, "pail/a/k", None) == ""
    assert code(pail, "pail/a/k", None, scheme="http") == "AccessDenied"


def test_a_users_policies_may_be_about_where_a_call_comes_from(pail: Cloud) -> None:
    statements = [
        {"Effect": "Allow", "Action": "oss:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "oss:*",
            "Resource": "*",
            "Condition": {"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}},
        },
    ]
    document = {"Version": "1", "Statement": statements}
    user = replace(pail.main, kind=PrincipalKind.USER, policies=(document,))
    assert code(pail, "pail/a/k", user, peer="10.0.0.1") == ""
    assert code(pail, "pail/a/k", user, peer="192.0.2.1") == "AccessDenied"


def test_users_and_sessions_are_named_by_id_or_arn(pail: Cloud) -> None:
    user = replace(
        pail.main,
        kind=PrincipalKind.USER,
        name="reader",
        principal_id="20001",
        policies=(),
    )
    assert code(pail, "pail/a/k", user) == "AccessDenied"
    allow(pail, "20001")
    assert code(pail, "pail/a/k", user) == ""
    session = replace(
        user, kind=PrincipalKind.ROLE, name="r", session="s", principal_id="3:s"
    )
    assert code(pail, "pail/a/k", session) == "AccessDenied"
    allow(pail, f"arn:sts::{pail.main.account_id}:assumed-role/r/*")
    assert code(pail, "pail/a/k", session) == ""
    # A policy's permission to an account is not its users' own.
    stranger = replace(pail.other, kind=PrincipalKind.USER, policies=())
    allow(pail, pail.other.account_id)
    assert code(pail, "pail/a/k", stranger) == "AccessDenied"


def test_strangers_pay_where_the_bucket_wants_it(pail: Cloud) -> None:
    pail.call("PUT", "pail?acl", headers={"x-oss-acl": "public-read"})
    pail.call("PUT", "pail?requestPayment", PAYS)
    assert code(pail, "pail/a/k", pail.other) == "AccessDenied"
    assert code(pail, "pail/a/k", None) == "AccessDenied"
    payer = {"x-oss-request-payer": "requester"}
    assert code(pail, "pail/a/k", pail.other, headers=payer) == ""
    assert code(pail, "pail/a/k?x-oss-request-payer=requester", pail.other) == ""
    assert code(pail, "pail/a/k", None, headers=payer) == "AccessDenied"
    assert code(pail, "pail/a/k", pail.main) == ""


def test_a_policy_that_names_nobody_is_about_everybody(pail: Cloud) -> None:
    """As the tests of an official SDK have it."""
    statement = {"Effect": "Allow", "Action": "oss:GetObject", "Resource": "*"}
    policy = json.dumps({"Version": "1", "Statement": [statement]})
    assert pail.call("PUT", "pail?policy", policy.encode()).status == 200
    assert pail.call("GET", "pail?policyStatus").text("IsPublic") == "true"
    assert pail.call("GET", "pail/a/k", caller=None).body == b"data"
