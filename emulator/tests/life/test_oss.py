"""Object storage answers as the real one was seen to, field by field.

The vectors are in oss_vectors.json; ``id`` is a vector's place in the collection that
they come from. Only what was seen is compared: status, EC, the order of headers, values,
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

import pytest

from alicloud_emulator.front.hosts import parse
from alicloud_emulator.front.signatures.verifier import Verifier
from alicloud_emulator.products import oss_id
from alicloud_emulator.services.wire import Request
from alicloud_emulator.world.errors import ServiceError
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
    cloud.call("PUT", "closed?publicAccessBlock", BLOCK)
    profile = cloud.world.profile
    main = replace(profile.accounts[0], **vector.get("account", {}))
    cloud.world.profile = replace(
        profile,
        accounts=(main, *profile.accounts[1:]),
        habits=replace(profile.habits, **vector.get("habits", {})),
    )
    if before := vector.get("after"):
        cloud.call(*before)
    return cloud


def answer_to(cloud: Cloud, vector: Vector) -> Answer:
    body = vector.get("body", "").encode()
    headers = dict(vector.get("send", {}))
    if vector.get("md5"):
        digest = md5(body, usedforsecurity=False).digest()
        headers["content-md5"] = b64encode(digest).decode()
    given = {"region": vector["region"]} if "region" in vector else {}
    callers = {"main": cloud.main, "other": cloud.other, None: None}
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


@pytest.mark.parametrize("vector", [one for one in VECTORS if "error" in one])
def test_an_error_is_on_lines_in_the_order_that_was_seen(vector: Vector) -> None:
    answer = answer_to(cloud_of(vector), vector)
    names = [one.tag for one in answer.xml]
    assert names[:4] == FIRST
    assert names[-2:] == LAST or "x-oss-ec" not in answer.headers
    prolog, root, code, *_, end = answer.body.decode().split("\n")
    assert prolog == '<?xml version="1.0" encoding="UTF-8"?>'
    assert (root, end) == ("<Error>", "</Error>")
    assert code.startswith("  <Code>")


def test_an_id_begins_with_the_time() -> None:
    """The one seen is of 2026-04-23 13:19:41."""
    found = oss_id(Random(1), 1776950381.5)
    assert found.startswith("69EA1C6D")
    assert len(found) == 24


NOW = 1.8e9
DATE = formatdate(NOW, usegmt=True)
SIGNED = [
    # id of the vector, Authorization, what is said of it
    (23, "OSS LTAInobody:eA==", 403, "InvalidAccessKeyId", "0002-00000902",
     "The OSS Access Key Id you provided does not exist in our records.",
     ("OSSAccessKeyId", "LTAInobody")),
    (25, "TOS4-HMAC-SHA256 x", 400, "InvalidArgument", "0002-00000002",
     "Unsupported Authorization Type", ("ArgumentName", "Authorization")),
    (69, "OSS LTAI-emulator:eA==", 403, "SignatureDoesNotMatch", "0002-00000201",
     "", ("SignatureProvided", "eA==")),
]  # fmt: skip


@pytest.mark.parametrize("seen", SIGNED, ids=lambda one: str(one[0]))
def test_a_signature_is_refused_as_was_seen(seen: tuple[Any, ...]) -> None:
    _, authorization, status, code, ec, message, (name, value) = seen
    cloud = Cloud(now=NOW)
    host = parse("pail.oss-cn-hangzhou.aliyuncs.com")
    assert host is not None
    request = Request(
        method="GET",
        host=host,
        path="/",
        raw_path="/",
        query=[],
        headers={"authorization": authorization, "date": DATE},
        body=Body(b""),
    )
    with pytest.raises(ServiceError) as refused:
        Verifier(cloud.world)._verify_oss(request, NOW)
    error = refused.value
    assert (error.status, error.code, error.ec) == (status, code, ec)
    assert error.fields[name] == value
    assert message in ("", error.message)
