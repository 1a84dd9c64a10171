"""Uploads by HTML form."""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha1, sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicloud_emulator.world.oss.signing import aws_signing_key, signing_key
from emulator.tests.unit.oss.conftest import Answer, Cloud

NOW = 1.8e9
SCOPE = "20270115/ap-northeast-1/oss/aliyun_v4_request"
LINE = "----a line"
KIND = {"content-type": f"multipart/form-data; boundary={LINE}"}


@pytest.fixture
def pail(cloud: Cloud) -> Cloud:
    cloud.call("PUT", "pail")
    return cloud


def part(name: str, value: bytes, more: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"{more}'
    return f"--{LINE}\r\n{disposition}\r\n\r\n".encode() + value + b"\r\n"


FILE = '; filename="C/a.txt"\r\nContent-Type: text/plain'


def form(fields: Mapping[str, str], file: bytes | None = b"text") -> bytes:
    body = b"".join(part(name, value.encode()) for name, value in fields.items())
    if file is not None:
        body += part("file", file, FILE)
    return body + f"--{LINE}--\r\n".encode()


def policy(*conditions: Any, **other: Any) -> str:
    expiration = datetime.fromtimestamp(NOW + 60, UTC).isoformat()
    document = {"expiration": expiration, "conditions": [*conditions], **other}
    return b64encode(json.dumps(document).encode()).decode()


def older(cloud: Cloud, text: str) -> dict[str, str]:
    account = cloud.world.profile.accounts[0]
    mac = hmac.new(account.access_key_secret.encode(), text.encode(), sha1)
    signature = b64encode(mac.digest()).decode()
    key = account.access_key_id
    return {"OSSAccessKeyId": key, "policy": text, "Signature": signature}


def newer(cloud: Cloud, text: str) -> dict[str, str]:
    account = cloud.world.profile.accounts[0]
    key = signing_key(account.access_key_secret, "20270115", "ap-northeast-1")
    return {
        "x-oss-signature-version": "OSS4-HMAC-SHA256",
        "x-oss-credential": f"{account.access_key_id}/{SCOPE}",
        "x-oss-date": "20270115T080000Z",
        "policy": text,
        "x-oss-signature": hmac.new(key, text.encode(), sha256).hexdigest(),
    }


def of_s3_s(cloud: Cloud, text: str) -> dict[str, str]:
    account = cloud.world.profile.accounts[0]
    key = aws_signing_key(account.access_key_secret, "20270115", "us-east-1", "s3")
    scope = "20270115/us-east-1/s3/aws4_request"
    return {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{account.access_key_id}/{scope}",
        "x-amz-date": "20270115T080000Z",
        "policy": text,
        "x-amz-signature": hmac.new(key, text.encode(), sha256).hexdigest(),
    }


def of_s3_s_old(cloud: Cloud, text: str) -> dict[str, str]:
    signed = older(cloud, text)
    return {"AWSAccessKeyId": signed.pop("OSSAccessKeyId"), **signed}


def post(cloud: Cloud, body: bytes, **headers: str) -> Answer:
    return cloud.call("POST", "pail", body, headers=KIND | headers, caller=None)


ANY = {"bucket": "pail"}


@pytest.mark.parametrize("sign", [of_s3_s, of_s3_s_old])
def test_a_form_of_s3_s_clients(pail: Cloud, sign: Any) -> None:
    conditions = (ANY, {"acl": "public-read"}, {"x-amz-meta-color": "blue"})
    fields = {
        "key": "a",
        "acl": "public-read",
        "x-amz-meta-color": "blue",
        **sign(pail, policy(*conditions)),
    }
    answer = post(pail, form(fields))
    assert answer.status == 204
    assert "x-amz-request-id" in answer.headers
    head = pail.call("HEAD", "pail/a")
    assert head.headers["x-oss-meta-color"] == "blue"
    assert pail.call("GET", "pail/a?acl").text("AccessControlList/Grant") == (
        "public-read"
    )
    other = post(pail, form(fields | {"acl": "private"}))
    assert (other.status, other.code) == (403, "AccessDenied")
    forged = {"x-amz-signature": "0" * 64, "Signature": "AAAA"}
    name = next(name for name in forged if name in fields)
    refused = post(pail, form(fields | {name: forged[name]}))
    assert refused.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("sign", [older, newer])
def test_a_form_is_an_object_of_who_signed_its_policy(pail: Cloud, sign: Any) -> None:
    fields = {"key": "dir/${filename}", **sign(pail, policy(ANY))}
    fields |= {"x-oss-meta-a": "b", "Cache-Control": "no-cache"}
    answer = post(pail, form(fields))
    assert (answer.status, answer.body) == (204, b"")
    stored = pail.call("GET", "pail/dir/a.txt")
    assert stored.body == b"text"
    assert stored.headers["content-type"] == "text/plain"
    assert stored.headers["x-oss-meta-a"] == "b"
    assert stored.headers["cache-control"] == "no-cache"


def test_the_form_says_how_success_looks(pail: Cloud) -> None:
    fields = {"key": "k", **older(pail, policy(ANY))}
    answer = post(pail, form({**fields, "success_action_status": "200"}))
    assert (answer.status, answer.body) == (200, b"")
    answer = post(pail, form({**fields, "success_action_status": "201"}))
    assert answer.status == 201
    assert answer.text("Key") == "k"
    assert answer.text("ETag") == answer.headers["etag"]
    url = "https://a.example/?done=1"
    answer = post(pail, form({**fields, "success_action_redirect": url}))
    assert answer.status == 303
    assert answer.headers["location"].startswith(f"{url}&bucket=pail&key=k&etag=")


def test_anybody_may_where_the_bucket_is_open(pail: Cloud) -> None:
    assert post(pail, form({"key": "k"})).code == "AccessDenied"
    pail.call("PUT", "pail?acl", headers={"x-oss-acl": "public-read-write"})
    assert post(pail, form({"key": "k"})).status == 204


def test_a_signature_is_of_the_policy(pail: Cloud) -> None:
    for sign, field in ((older, "Signature"), (newer, "x-oss-signature")):
        fields = {"key": "k", **sign(pail, policy(ANY)), field: "other"}
        answer = post(pail, form(fields))
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    unknown = {**older(pail, policy(ANY)), "OSSAccessKeyId": "nobody", "key": "k"}
    answer = post(pail, form(unknown))
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")
    assert "does not exist in our records" in (answer.text("Message") or "")
    for missing in ("Signature", "OSSAccessKeyId"):
        fields = {"key": "k", **older(pail, policy(ANY)), missing: ""}
        answer = post(pail, form(fields))
        assert (answer.status, answer.code) == (400, "InvalidArgument")
        assert answer.headers["x-oss-ec"] == "0002-00000703"
    wrong = {**newer(pail, policy(ANY)), "key": "k"}
    for name in ("x-oss-credential", "x-oss-signature-version", "x-oss-date"):
        assert post(pail, form({**wrong, name: "x"})).code == "InvalidArgument"


@pytest.mark.parametrize(
    ("condition", "good"),
    [
        ({"bucket": "other"}, False),
        ({"key": "k"}, True),
        (["eq", "$key", "k"], True),
        (["eq", "$key", "other"], False),
        (["starts-with", "$key", ""], True),
        (["starts-with", "$key", "x"], False),
        (["in", "$success_action_status", ["200", "201"]], True),
        (["in", "$success_action_status", ["204"]], False),
        (["not-in", "$cache-control", ["no-cache"]], True),
        (["not-in", "$success_action_status", ["200"]], False),
    ],
)
def test_a_form_is_held_to_its_policy(
    pail: Cloud, condition: Any, *, good: bool
) -> None:
    fields = {"key": "k", "success_action_status": "200"}
    answer = post(pail, form({**fields, **older(pail, policy(condition))}))
    if good:
        assert answer.status == 200
    else:
        assert (answer.status, answer.code) == (403, "AccessDenied")
        assert "Policy Condition failed" in (answer.text("Message") or "")
        assert pail.call("HEAD", "pail/k").status == 404


def test_a_policy_ends(pail: Cloud) -> None:
    fields = {"key": "k", **older(pail, policy(ANY))}
    pail.clock.now += 61
    answer = post(pail, form(fields))
    assert answer.text("Message") == "Invalid according to Policy: Policy expired."


def test_a_policy_limits_the_size(pail: Cloud) -> None:
    fields = {"key": "k", **older(pail, policy(["content-length-range", 2, 4]))}
    for size, code in ((1, "EntityTooSmall"), (4, ""), (5, "EntityTooLarge")):
        answer = post(pail, form(fields, b"x" * size))
        assert answer.code == code
        assert answer.headers.get("x-oss-ec", "") == ("0006-00000004" if code else "")


@pytest.mark.parametrize(
    ("text", "ec"),
    [
        ("e", "213"),
        (b64encode(b"[]").decode(), "213"),
        (b64encode(b'{"conditions": [1]}').decode(), "208"),
        (b64encode(b'{"expiration": "x"}').decode(), "207"),
        (policy(expiration="x"), "213"),
        (policy(), "215"),
        (policy(["$key"]), "216"),
        (policy(["like", "$key", "k"]), "216"),
        (policy({"a": "1", "b": "2"}), "213"),
        (policy(["content-length-range", 10, "test"]), "221"),
        (policy(["not-in", "$cache-control", "no-cache"]), "224"),
    ],
)
def test_what_is_no_policy_is_refused(pail: Cloud, text: str, ec: str) -> None:
    answer = post(pail, form({"key": "k", **older(pail, text)}))
    assert (answer.status, answer.code) == (403, "InvalidPolicyDocument")
    assert answer.headers["x-oss-ec"] == f"0006-00000{ec}"


def test_what_is_no_form_is_refused(pail: Cloud) -> None:
    signed = {"key": "k", **older(pail, policy(ANY))}
    for body, code in (
        (form(signed, None), "IncorrectNumberOfFilesInPOSTRequest"),
        (form({**signed, "key": ""}), "InvalidArgument"),
        (form({**signed, "a": "x" * 80_000}), "FieldItemTooLong"),
        (form(signed)[:-40], "MalformedPOSTRequest"),
        (form({f"f{n}": "" for n in range(101)}), "MalformedPOSTRequest"),
        (b"x" * 20_000, "MalformedPOSTRequest"),
        (f"--{LINE}\r\n\r\nx\r\n--{LINE}--".encode(), "MalformedPOSTRequest"),
        (b"", "MalformedPOSTRequest"),
    ):
        answer = post(pail, body)
        assert (answer.status, answer.code) == (400, code)
    answer = pail.call("POST", "pail", form(signed), caller=None)
    assert answer.code == "RequestIsNotMultiPartContent"


@given(
    st.lists(st.sampled_from([b"\r\n--", b"x", b"\r", LINE.encode()[:-1], b"-" * 999]))
)
def test_any_bytes_are_the_file(pieces: list[bytes]) -> None:
    cloud = Cloud()
    cloud.call("PUT", "pail")
    data = b"".join(pieces)
    answer = post(cloud, form({"key": "k", **older(cloud, policy(ANY))}, data))
    assert answer.status == 204
    assert cloud.call("GET", "pail/k").body == data
