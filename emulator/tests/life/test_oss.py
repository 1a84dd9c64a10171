"""Object storage answers as the real one was seen to, field by field.

The vectors are in oss_vectors.json; ``id`` is a vector's place in the collection that
most come from, others have a source. Only what was seen is compared: status, EC, the order of headers, values,
elements of errors.
"""

import json
from base64 import b64encode
from dataclasses import replace
from email.utils import formatdate
from hashlib import md5
from pathlib import Path
from random import Random
from typing import Any
from xml.etree.ElementTree import Element

import anyio
import pytest

from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.hosts import parse
from alicloud_emulator.front.signatures.verifier import Verifier
from alicloud_emulator.products.oss import oss_id
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.caller import Caller, PrincipalKind
from alicloud_emulator.world.errors import ServiceError
from emulator.tests.life.conftest import VECTORS as ALL
from emulator.tests.support.oss_refused import FORM_TYPE, OPEN_POLICY, form
from emulator.tests.unit.oss.conftest import Answer, Body, Cloud

Vector = dict[str, Any]
VECTORS: list[Vector] = json.loads(
    Path(__file__).with_name("oss_vectors.json").read_text(encoding="utf-8")
)
BLOCK = b"<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess></PublicAccessBlockConfiguration>"
FIRST = ["Code", "Message", "RequestId", "HostId"]
LAST = ["EC", "RecommendDoc"]


def cloud_of(vector: Vector) -> Cloud:
    """Return a cloud with what the vectors speak of."""
    cloud = Cloud()
    for name in ("pail", "bare", "taken", "closed"):
        assert cloud.call("PUT", name).status == 200
    cloud.call("PUT", "inland", region="cn-hangzhou")
    cloud.call("PUT", "pail/key", b"text")
    cloud.call("PUT", "pail/app.apk", b"text")
    cloud.call("PUT", "pail/shut", b"text", headers={"x-oss-object-acl": "private"})
    told = {"x-oss-meta-mtime": "1", "expires": "0", "cache-control": "no-cache"}
    cloud.call("PUT", "pail/told", b"text", headers=told)
    upload_id = cloud.call("POST", "pail/parts?uploads").text("UploadId")
    cloud.call("PUT", f"pail/parts?uploadId={upload_id}&partNumber=1", b"text")
    whole = {"x-oss-complete-all": "yes"}
    cloud.call("POST", f"pail/parts?uploadId={upload_id}", headers=whole)
    cloud.call("PUT", "closed?publicAccessBlock", BLOCK)
    profile = cloud.world.profile
    main = replace(profile.accounts[0], **vector.get("account", {}))
    cloud.world.profile = replace(
        profile,
        accounts=(main, *profile.accounts[1:]),
        habits=replace(profile.habits, **vector.get("habits", {})),
        limits=replace(profile.limits, **vector.get("limits", {})),
    )
    if before := vector.get("after"):
        cloud.call(*before)
    return cloud


def answer_to(cloud: Cloud, vector: Vector) -> Answer:
    body = vector.get("body", "").encode()
    headers = dict(vector.get("send", {}))
    if "form" in vector:
        body, headers = form(OPEN_POLICY, **vector["form"]), FORM_TYPE
    if vector.get("md5"):
        digest = md5(body, usedforsecurity=False).digest()
        headers["content-md5"] = b64encode(digest).decode()
    given = {"region": vector["region"]} if "region" in vector else {}
    user = Caller(
        account_id=cloud.main.account_id,
        kind=PrincipalKind.USER,
        name="u",
        policies=(),
    )
    callers = {"main": cloud.main, "other": cloud.other, "user": user, None: None}
    caller = callers[vector.get("caller", "main")]
    method, target = vector["call"]
    return cloud.call(method, target, body, headers=headers, caller=caller, **given)


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda one: f"{one['id']} {one['what']}"
)
def test_an_answer_is_as_it_was_seen(vector: Vector) -> None:
    answer = answer_to(cloud_of(vector), vector)
    assert answer.status == vector["status"]
    if "ec" in vector:
        assert answer.headers["x-oss-ec"] == vector["ec"]
    if "headers" in vector:
        assert list(answer.headers) == vector["headers"]
    for name, value in vector.get("values", {}).items():
        assert answer.headers[name] == value
    for name, value in vector.get("error", {}).items():
        assert value in (None, answer.text(name))
    if vector.get("whole"):
        assert [one.tag for one in answer.xml] == list(vector["error"])
    if "within" in vector:
        assert_within(answer.xml.find(vector["within"]), vector)


def assert_within(element: Element | None, vector: Vector) -> None:
    assert element is not None
    names = [one.tag for one in element]
    assert names[: len(vector.get("elements", ()))] == vector.get("elements", [])
    for name, value in vector.get("texts", {}).items():
        assert element.findtext(name) == value


@pytest.mark.parametrize("vector", [one for one in VECTORS if "error" in one])
def test_an_error_is_on_lines_in_the_order_that_was_seen(vector: Vector) -> None:
    answer = answer_to(cloud_of(vector), vector)
    names = [one.tag for one in answer.xml]
    assert names[:4] == FIRST
    assert names[-2:] == LAST or "x-oss-ec" not in answer.headers
    prolog, root, code, *_, end, nothing = answer.body.decode().split("\n")
    assert prolog == '<?xml version="1.0" encoding="UTF-8"?>'
    assert (root, end, nothing) == ("<Error>", "</Error>", "")
    assert code.startswith("  <Code>")


def test_an_id_begins_with_the_time() -> None:
    """The one seen is of 2026-04-23 13:19:41."""
    found = oss_id(Random(1), 1776950381.5)
    assert found.startswith("69EA1C6D")
    assert len(found) == 24


NOW = 1.8e9
LATE = formatdate(NOW - 3600, usegmt=True)
SCOPE = "LTAI-emulator/20270115/cn-beijing/oss/aliyun_v4_request"
UNKNOWN = "The OSS Access Key Id you provided does not exist in our records."
SIGNED: list[Vector] = [
    {"id": 23, "send": {"authorization": "OSS LTAInobody:eA=="}, "status": 403,
     "code": "InvalidAccessKeyId", "ec": "0002-00000902", "message": UNKNOWN,
     "fields": {"OSSAccessKeyId": "LTAInobody"}},
    {"id": 24, "status": 400, "code": "InvalidArgument", "ec": "0002-00000226",
     "send": {"authorization": f"OSS4-HMAC-SHA256 Credential={SCOPE},Signature={64 * '0'}"},
     "message": "Invalid signing region in Authorization header.",
     "fields": {"Authorization": None}},
    {"id": 25, "send": {"authorization": "TOS4-HMAC-SHA256 x"}, "status": 400,
     "code": "InvalidArgument", "ec": "0002-00000002",
     "message": "Unsupported Authorization Type",
     "fields": {"ArgumentName": "Authorization", "ArgumentValue": "TOS4-HMAC-SHA256 x"}},
    {"id": 64, "send": {"authorization": "OSS LTAI-emulator:eA==", "date": LATE},
     "status": 403, "code": "RequestTimeTooSkewed", "ec": "0002-00000504",
     "message": "The difference between the request time and the current time is too large.",
     "fields": {"RequestTime": "2027-01-15T07:00:00.000Z",
                "ServerTime": "2027-01-15T08:00:00.000Z"}},
    {"id": 69, "send": {"authorization": "OSS LTAI-emulator:eA=="}, "status": 403,
     "code": "SignatureDoesNotMatch", "ec": "0002-00000201",
     "fields": {"SignatureProvided": "eA=="}},
    {"id": 69, "query": {"OSSAccessKeyId": "LTAI-emulator", "Expires": "1900000000",
                         "Signature": "eA=="},
     "status": 403, "code": "SignatureDoesNotMatch", "ec": "0002-00000040"},
    {"id": 69, "status": 400, "code": "InvalidArgument", "ec": "0002-00000216",
     "query": {"x-oss-signature-version": "OSS4-HMAC-SHA256", "x-oss-expires": "",
               "x-oss-date": "20270115T080000Z", "x-oss-credential": SCOPE}},
    {"id": 84, "token": -1.0, "status": 403, "code": "SecurityTokenExpired",
     "message": "The security token you provided has expired."},
    {"id": 84, "token": None, "status": 403, "code": "InvalidAccessKeyId",
     "message": UNKNOWN},
    {"id": 85, "send": {"authorization": "OSS 0:eA=="}, "status": 403,
     "code": "InvalidAccessKeyId", "message": UNKNOWN},
]  # fmt: skip


def signed(cloud: Cloud, vector: Vector) -> Request:
    """Return a request with the vector's claim of who signed it."""
    headers = {"date": formatdate(NOW, usegmt=True), **vector.get("send", {})}
    if "token" in vector:
        token = cloud.world.ram.assume_for_service(
            cloud.main.account_id,
            "AliyunFCDefaultRole",
            service="fc.aliyuncs.com",
            session="seen",
            duration_s=900,
        )
        headers["authorization"] = f"OSS {token.access_key_id}:eA=="
        if vector["token"] is not None:
            headers["x-oss-security-token"] = token.security_token
            cloud.clock.now += 1000
            headers["date"] = formatdate(cloud.clock.now, usegmt=True)
    host = parse("pail.oss-cn-hangzhou.aliyuncs.com")
    assert host is not None
    return Request(
        method="GET",
        host=host,
        path="/",
        raw_path="/",
        query=list(vector.get("query", {}).items()),
        headers=headers,
        body=Body(b""),
    )


async def nothing() -> bytes:
    return b""


def verify(cloud: Cloud, request: Request) -> None:
    cloud.world.agenda.catch_up()
    body = RequestBody(nothing, content_length=0)
    anyio.run(Verifier(cloud.world).verify, request, body)


@pytest.mark.parametrize("vector", SIGNED, ids=lambda one: f"{one['id']} {one['code']}")
def test_a_signature_is_refused_as_was_seen(vector: Vector) -> None:
    cloud = Cloud(now=NOW)
    request = signed(cloud, vector)
    with pytest.raises(ServiceError) as refused:
        verify(cloud, request)
    error = refused.value
    assert (error.status, error.code) == (vector["status"], vector["code"])
    assert error.ec == vector.get("ec", error.ec)
    assert error.message == vector.get("message", error.message)
    for name, value in vector.get("fields", {}).items():
        assert value in (None, error.fields[name])


HERE = "object storage has a suite of its own"


def test_every_answer_seen_is_held_against_or_has_a_reason() -> None:
    held = {one["id"] for one in (*VECTORS, *SIGNED)} - {None}
    seen = {one["id"]: one["why_not"] for one in ALL if one["service"] == "OSS"}
    assert held == {number for number, why in seen.items() if why == HERE}


@pytest.mark.parametrize("date", ["00010101T000000Z", "99991231T235959Z"])
def test_a_date_years_off_is_too_skewed_like_any_other(date: str) -> None:
    scope = f"LTAI-emulator/{date[:8]}/cn-hangzhou/oss/aliyun_v4_request"
    authorization = f"OSS4-HMAC-SHA256 Credential={scope},Signature={64 * '0'}"
    send = {"authorization": authorization, "x-oss-date": date}
    cloud = Cloud(now=NOW)
    with pytest.raises(ServiceError, match="RequestTimeTooSkewed"):
        verify(cloud, signed(cloud, {"send": send}))
