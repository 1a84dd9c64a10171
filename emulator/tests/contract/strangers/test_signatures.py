"""The older SDK's three ways to sign: believed when right, refused when not."""

import time
from collections.abc import Callable
from typing import Any

import oss2
import pytest
import requests

from emulator.tests.support.emulator import RunningEmulator

REGION = "us-west-1"
ENDPOINT = f"https://oss-{REGION}.aliyuncs.com"


@pytest.fixture(params=["v1", "v2", "v4"])
def bucket(cloud: RunningEmulator, request: pytest.FixtureRequest) -> oss2.Bucket:
    made = bucket_of(request.param, *cloud.keys)
    made.create_bucket()
    return made


def bucket_of(version: str, key_id: str, secret: str) -> oss2.Bucket:
    auth = oss2.make_auth(key_id, secret, version)
    return oss2.Bucket(auth, ENDPOINT, "signatures", region=REGION)


def code_of(call: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call()
    return caught.value.code, caught.value.status


def code_in(answer: requests.Response) -> tuple[str, int]:
    return answer.text.split("<Code>")[1].split("</Code>")[0], answer.status_code


def test_who_has_no_key_or_the_wrong_one(
    cloud: RunningEmulator, bucket: oss2.Bucket
) -> None:
    version = bucket.auth.auth_version()
    liar = bucket_of(version, cloud.keys[0], "wrong")
    assert code_of(lambda: liar.put_object("k", b"")) == ("SignatureDoesNotMatch", 403)
    nobody = bucket_of(version, "LTAI-nobody", "wrong")
    assert code_of(lambda: nobody.put_object("k", b"")) == ("InvalidAccessKeyId", 403)


def test_urls_hold_for_what_they_were_made_for(bucket: oss2.Bucket) -> None:
    bucket.put_object("a b/ü", b"seen")
    url = bucket.sign_url("GET", "a b/ü", 60, slash_safe=True)
    assert requests.get(url, timeout=10).content == b"seen"
    other_key = url.replace("%C3%BC", "u")
    assert code_in(requests.get(other_key, timeout=10)) == (
        "SignatureDoesNotMatch",
        403,
    )
    assert code_in(requests.put(url, timeout=10))[0] == "SignatureDoesNotMatch"


def test_urls_expire(bucket: oss2.Bucket) -> None:
    bucket.put_object("k", b"")
    if bucket.auth.auth_version() == "v4":
        url = bucket.sign_url("GET", "k", 1)
        time.sleep(2.1)
    else:
        # Older URLs name the end of their time, which may be past.
        url = bucket.sign_url("GET", "k", -1)
    assert code_in(requests.get(url, timeout=10)) == ("AccessDenied", 403)


@pytest.mark.parametrize("version", ["v2", "v4"])
def test_headers_can_be_signed_too(cloud: RunningEmulator, version: str) -> None:
    bucket = bucket_of(version, *cloud.keys)
    bucket.create_bucket()
    headers = {"custom-header": "abc"}
    url = bucket.sign_url(
        "PUT", "k", 60, headers=dict(headers), additional_headers={"custom-header"}
    )
    assert requests.put(url, headers=headers, timeout=10).status_code == 200
    assert code_in(requests.put(url, timeout=10)) == ("SignatureDoesNotMatch", 403)


def test_the_order_of_v4_fields_is_nobody_s_business(cloud: RunningEmulator) -> None:
    bucket = bucket_of("v4", *cloud.keys)
    bucket.create_bucket()
    # This SDK writes AdditionalHeaders last; others write Signature last.
    bucket.put_object("k", b"", headers={"range": "bytes=0-1"})
    assert bucket.object_exists("k")
