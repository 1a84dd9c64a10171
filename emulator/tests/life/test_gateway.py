"""The gateway of the RPC products, field by field as it was captured."""

import re
from pathlib import Path

import pytest

from alicloud_emulator.front.gateway import etag
from alicloud_emulator.products.rpc.hash_map import in_order
from alicloud_emulator.products.rpc.service import RpcService
from alicloud_emulator.world.profile import Principal
from emulator.tests.life.conftest import VECTORS, Caller, now, vector
from emulator.tests.support.image_cloud import TOKYO, Cloud
from emulator.tests.support.rpc_calls import answer, request_of, service_of

ECS = "ecs.cn-hangzhou.aliyuncs.com"
STS = "sts.cn-hangzhou.aliyuncs.com"
ECS_VERSION, STS_VERSION = "2014-05-26", "2015-04-01"
REQUEST_ID = r"[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}"


def test_every_vector_has_a_test_or_a_reason() -> None:
    folder = Path(__file__).parent
    tests = set()
    for path in folder.glob("test_*.py"):
        tests |= set(re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")))
    for one in VECTORS:
        assert ("test" in one) != ("why_not" in one), one["id"]
        assert one.get("test", "") in {"", *tests}, one["id"]
        assert one.get("why_not") != "", one["id"]


def test_the_etag_is_computed_of_the_body() -> None:
    seen = vector(123)
    body = seen["body"].encode()
    assert etag(body) == seen["headers"]["etag"]
    assert str(len(body)) == seen["headers"]["content-length"]


def test_keys_lie_as_in_a_hash_map() -> None:
    captured = ["TaskId", "RequestId", "ImageId", "RegionId"]
    assert list(in_order(dict.fromkeys(sorted(captured), ""))) == captured


def test_an_answer_has_the_headers_and_the_order_seen(caller: Caller) -> None:
    seen = caller.call(STS, "GetCallerIdentity", STS_VERSION)
    captured = vector(1)["headers"]
    assert seen.status == vector(1)["status"]
    assert [name for name, _ in seen.lines] == list(captured)
    for name in ("content-type", "connection", "keep-alive"):
        assert seen.headers[name] == captured[name]
    for name in ("access-control-allow-origin", "access-control-expose-headers"):
        assert seen.headers[name] == captured[name]
    assert re.fullmatch(REQUEST_ID, seen.body["RequestId"])
    assert seen.headers["x-acs-request-id"] == seen.body["RequestId"]
    assert re.fullmatch("[0-9a-f]{32}", seen.headers["x-acs-trace-id"])
    assert seen.headers["content-length"] == str(len(seen.raw))
    assert seen.headers["etag"] == etag(seen.raw)
    assert list(seen.body) == list(in_order(seen.body))


def test_a_long_answer_varies(caller: Caller) -> None:
    seen = caller.call(ECS, "DescribeRegions", ECS_VERSION)
    captured = {name.lower() for name in vector(37)["headers"]}
    assert {name for name, _ in seen.lines} == captured | {"etag", "content-length"}


def test_a_wrong_rpc_signature_is_told_in_its_words(caller: Caller) -> None:
    captured = vector(39)
    seen = caller.call(ECS, "DescribeRegions", ECS_VERSION, secret="guessed")
    assert seen.status == captured["status"]
    assert list(seen.body) == list(captured["body"])
    assert seen.body["Code"] == captured["body"]["Code"]
    said, _, _ = captured["body"]["Message"].partition(":")
    assert seen.body["Message"].startswith(f"{said}:GET&%2F&AccessKeyId%3D")
    assert seen.body["HostId"] == ECS


@pytest.mark.parametrize(
    ("host", "target"),
    [
        (ECS, "/"),
        ("fcv3.cn-hangzhou.aliyuncs.com", "/2023-03-30/functions"),
    ],
)
def test_a_wrong_acs3_signature_is_told_in_its_words(
    caller: Caller, host: str, target: str
) -> None:
    captured = vector(38)
    when = now()
    headers = {
        "x-acs-action": "DescribeRegions",
        "x-acs-version": ECS_VERSION,
        "x-acs-date": when,
        "Authorization": (
            f"ACS3-HMAC-SHA256 Credential={caller.key},"
            "SignedHeaders=host;x-acs-date,Signature=00"
        ),
    }
    seen = caller.send(host, target, headers)
    assert (seen.status, seen.body["Code"]) == (400, captured["body"]["Code"])
    said, _, _ = captured["body"]["Message"].partition(" server StringToSign")
    canonical = f"GET\n{target}\n\nhost:{host}\nx-acs-date:{when}\n\nhost;x-acs-date\n"
    assert re.fullmatch(
        re.escape(f"{said} server StringToSign is [ACS3-HMAC-SHA256\n")
        + "[0-9a-f]{64}"
        + re.escape(f"] server CanonicalRequest is [{canonical}]"),
        seen.body["Message"],
    )


def test_a_stale_time_is_told(caller: Caller) -> None:
    captured = vector(41)["body"]
    seen = caller.call(
        ECS, "DescribeRegions", ECS_VERSION, Timestamp="2026-01-01T00:00:00Z"
    )
    assert seen.body["Code"] == captured["Code"]
    assert seen.body["Message"] == captured["Message"]


def test_an_unknown_version_is_an_unknown_action(caller: Caller) -> None:
    captured = vector(10)["body"]
    seen = caller.call(ECS, "DescribeRegions", "2016-03-14")
    assert seen.body["Code"] == captured["Code"]
    recommend = captured["Recommend"].replace("<RequestId>", seen.body["RequestId"])
    assert seen.body["Recommend"] == recommend


def test_a_region_is_not_asked_for_at_anothers_host(caller: Caller) -> None:
    captured = vector(11)["body"]
    seen = caller.call(ECS, "DescribeImages", ECS_VERSION, RegionId="cn-beijing")
    assert set(seen.body) == set(captured)
    assert seen.body["Code"] == captured["Code"]
    assert seen.body["Message"] == captured["Message"]


def test_tokens_are_refused_as_a_family(caller: Caller) -> None:
    without = caller.call(ECS, "DescribeRegions", ECS_VERSION, AccessKeyId="STS.x")
    assert without.body["Code"] == vector(43)["body"]["Code"]
    cloud = Cloud()
    world, main = cloud.world, cloud.main
    role = world.ram.people(main.account_id).role("AliyunFCDefaultRole")
    assert role is not None
    token = world.ram.sessions.issue(
        main.account_id, role, session="life", duration_s=900
    )
    with pytest.raises(Exception, match=re.escape(vector(44)["body"]["Code"])):
        world.ram.credential("STS.another", token.security_token)
    cloud.wait(901)
    with pytest.raises(Exception, match=r"InvalidSecurityToken\.Expired"):
        world.ram.credential(token.access_key_id, token.security_token)


def test_each_product_refuses_in_its_own_words() -> None:
    nobody = Principal(name="nobody", access_key_id="n", access_key_secret="n")
    cloud = Cloud(users=(nobody,))
    world = cloud.world
    account_id = cloud.main.account_id
    who = world.ram.credential("n").caller
    role = "acs:ram::" + account_id + ":role/AliyunFCDefaultRole"

    def refused(
        service: RpcService, action: str, **params: str
    ) -> tuple[int, str, str]:
        seen = answer(service, request_of(service, action, params, caller=who))
        return seen.status, seen.code, seen.json["Message"]

    for number in (13, 86):
        ecs = vector(number)
        assert refused(service_of("ecs", world), "DescribeImages", RegionId=TOKYO) == (
            ecs["status"],
            ecs["body"]["Code"],
            ecs["body"]["Message"],
        )
    sts = vector(45)["body"]
    assert refused(
        service_of("sts", world), "AssumeRole", RoleArn=role, RoleSessionName="life"
    ) == (403, sts["Code"], sts["Message"])
    status, code, message = refused(service_of("ram", world), "GetRole", RoleName="x")
    assert (status, code) == (403, "NoPermission")
    assert message == (
        "You are not authorized to do this action. "
        f"Resource: acs:ram:*:{account_id}:role/x Action: ram:GetRole"
    )
