"""Hostile headers and parameters: the parsers refuse, they never fail."""

import string
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alicloud_emulator.front import hosts, rules
from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.dispatch import _pairs
from alicloud_emulator.front.signatures.verifier import Verifier
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import InForce
from alicloud_emulator.world.profile import load_profile, with_secrets
from alicloud_emulator.world.world import World

WORLD = World(
    with_secrets(load_profile("fast"), lambda: "emulator-secret"),
    clock=lambda: 1_790_000_000.0,
    seed=0,
)
VERIFIER = Verifier(WORLD)

# Text that looks like something, so that the fuzz gets past the first check.
PIECES = st.sampled_from(
    [
        "ACS3-HMAC-SHA256 ",
        "OSS4-HMAC-SHA256 ",
        "OSS ",
        "Credential=LTAI-emulator/20260921/cn-hongkong/oss/aliyun_v4_request",
        "Credential=LTAI-emulator",
        ",SignedHeaders=host;x-acs-date",
        ",AdditionalHeaders=host",
        ",Signature=" + "0" * 64,
        "LTAI-emulator:",
        "2026-09-21T15:33:20Z",
        "20260921T153320Z",
        "Mon, 21 Sep 2026 15:33:20 GMT",
        "99999999999999999999",
        "-1",
        "é",
        "\x00",
    ]
)
TEXT = st.lists(PIECES | st.text(max_size=5), max_size=6).map("".join)
NAMES = st.sampled_from(
    [
        "authorization",
        "date",
        "x-acs-date",
        "x-acs-content-sha256",
        "x-acs-security-token",
        "x-acs-signature-nonce",
        "x-acs-action",
        "x-oss-date",
        "x-oss-content-sha256",
        "x-oss-security-token",
        "content-type",
        "host",
    ]
)
KEYS = st.sampled_from(
    [
        "AccessKeyId",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "Timestamp",
        "Action",
        "OSSAccessKeyId",
        "Expires",
        "security-token",
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-signature",
        "x-oss-additional-headers",
    ]
)
HOSTS = st.sampled_from(
    [
        "b.oss-cn-hongkong.aliyuncs.com",
        "ecs.aliyuncs.com",
        "fcv3.cn-hangzhou.aliyuncs.com",
        "sts.aliyuncs.com",
    ]
)
QUICK = settings(max_examples=300)


async def verified(request: Request, content: bytes) -> None:
    blocks = [content, b""] if content else [b""]

    async def receive() -> bytes:
        return blocks.pop(0)

    body = RequestBody(receive, content_length=None)
    with anyio.fail_after(5):
        await VERIFIER.verify(request, body)


@QUICK
@given(
    name=HOSTS,
    headers=st.dictionaries(NAMES, TEXT),
    query=st.lists(st.tuples(KEYS, TEXT), max_size=8),
    content=st.binary(max_size=50),
)
def test_no_signature_makes_the_verifier_fail_or_believe(
    name: str, headers: dict[str, str], query: list[tuple[str, str]], content: bytes
) -> None:
    host = hosts.parse(name)
    assert host is not None
    request: Any = Request(
        method="POST",
        host=host,
        path="/k",
        raw_path="/k",
        raw_query="&".join(f"{k}={v}" for k, v in query),
        query=query,
        headers=headers,
        body=None,  # type: ignore[arg-type] # read through RequestBody above
    )
    refusal = ServiceError("none", 400)
    try:
        anyio.run(verified, request, content)
    except ServiceError as error:
        refusal = error
    assert refusal.status in {400, 403, 404}
    assert "emulator-secret" not in str(refusal.fields) + refusal.message
    assert request.caller is None


@QUICK
@given(st.text(string.printable, max_size=80).map(lambda t: t + ".aliyuncs.com"))
def test_any_host_name_is_understood_or_refused(name: str) -> None:
    host = hosts.parse(name)
    if host is not None:
        hosts.resolves(host, WORLD.profile, "")


@QUICK
@given(st.text(max_size=200))
def test_any_query_gives_pairs(query: str) -> None:
    for key, value in _pairs(query):
        assert isinstance(key, str)
        assert isinstance(value, str)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["do", "service", "first", "rate", "status", "faults", "x"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@QUICK
@given(JSON)
def test_any_json_is_a_rule_or_refused(document: Any) -> None:
    try:
        parsed = rules.parse_all(document)
    except rules.RuleError:
        return
    for number, rule in enumerate(parsed):
        one = InForce(rule=rule)
        assert rules.document(number, one, now=0.0)["id"] == number


@pytest.mark.parametrize("number", [10**400, float("inf"), float("nan"), -1, "1", None])
def test_no_number_outside_its_bounds_is_taken(number: object) -> None:
    for key in ("first", "times", "rate", "delay_s", "status"):
        with pytest.raises(rules.RuleError):
            rules.parse({"do": "refuse", key: number})
