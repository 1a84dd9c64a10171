"""No secret survives on its way to a terminal or a log, and ordinary words do."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ali_import.redaction import Redactor, one_line
from emulator.tests.support.waiting import HANG_S

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

KEY_IDS = st.text(LETTERS, min_size=12, max_size=24).map("LTAI{}".format)
STS_KEY_IDS = st.text(LETTERS, min_size=12, max_size=26).map("STS.{}".format)
TOKENS = st.text(LETTERS + "+/", min_size=40, max_size=120).map("CAIS{}".format)
BASE64_SIGNATURES = st.text(LETTERS + "+/", min_size=27, max_size=27).map("{}=".format)
HEX_SIGNATURES = st.text("0123456789abcdef", min_size=64, max_size=64)
SECRETS = st.one_of(TOKENS, BASE64_SIGNATURES, HEX_SIGNATURES)

# What may stand before: no letter or digit, or a secret could be a part of it.
BEFORE = st.text(" .,;:?=&\"'/\\-<>()[]{}\u00e9\n", max_size=30)

# Every way in which a secret without a shape of its own turns up, as far as we know.
TEMPLATES = [
    "Authorization: {}",
    "> Authorization : OSS4-HMAC-SHA256 Credential=x/y, Signature={}",
    "OSS4-HMAC-SHA256 Credential=LTAIabcdefgh/20260101/cn/oss/r,Signature={}",
    "ACS3-HMAC-SHA256 Credential=abc,SignedHeaders=host;x-acs-date,Signature={}",
    "'Authorization': 'acs abcdefgh:{}'",
    "{{'Authorization': b'OSS LTAIabcdefgh:{}'}}",
    '{{"Authorization": "OSS LTAIabcdefgh:{}", "Host": "x"}}',
    "('authorization', '{}')",
    "https://b.oss-cn-hangzhou.aliyuncs.com/k?x-oss-signature={}&x-oss-expires=9",
    "Max retries exceeded with url: /k?x-oss-expires=9&x-oss-signature={} (Caused by",
    '"PUT /k?partNumber=1&Signature={} HTTP/1.1" 200 0',
    "https://host/?Action=X&Signature={}",
    "https://host/path?{}",
    "Signature={}",
    "Signature = {}",
    "x-oss-signature: {}",
    "x-oss-security-token:{}",
    "x-acs-security-token: {}",
    "SecurityToken={}&Action=DescribeImages",
    '{{"SecurityToken": "{}"}}',
    "{{'security_token': '{}'}}",
    '{{\\"SecurityToken\\": \\"{}\\"}}',
    "access_key_secret='{}'",
    "AccessKeySecret: {}",
    '{{"access_key_secret":"{}"}}',
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET={}",
    "ALIBABA_CLOUD_SECURITY_TOKEN={}",
    "OSS_SESSION_TOKEN: {}",
    "x-oss-credential={}/20260101/cn-hangzhou/oss/aliyun_v4_request",
    "password={}",
    "http://me:{}@proxy:3128",
]


@settings(max_examples=500)
@given(secret=SECRETS, template=st.sampled_from(TEMPLATES), before=BEFORE)
def test_no_secret_survives_where_secrets_are_written(
    secret: str, template: str, before: str
) -> None:
    text = f"{before} {template.format(secret)} after"
    for redacted in (Redactor().line(text), Redactor().lines(text)):
        assert secret not in redacted
        assert secret[:20] not in redacted


@given(secret=st.one_of(KEY_IDS, STS_KEY_IDS), around=st.sampled_from("\"'=:/, \n&?"))
def test_key_ids_are_known_by_their_shape(secret: str, around: str) -> None:
    assert secret not in Redactor().redact(f"a{around}{secret}{around}b")


@given(st.text(LETTERS + "+/=%&?:@ ", min_size=8, max_size=30), st.text(max_size=30))
def test_known_secrets_vanish_wherever_they_stand(secret: str, around: str) -> None:
    redacted = Redactor([secret]).redact(around + secret + around)
    assert secret not in redacted.replace("***", "\0")


def test_a_file_called_passwd_hides_nothing() -> None:
    text = "/etc/passwd: is a text file"
    assert Redactor().line(text) == text


@pytest.mark.parametrize(
    "name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "all_proxy"]
)
def test_proxy_passwords_are_known_as_written_and_as_meant(name: str) -> None:
    redactor = Redactor.from_environment({name: "http://me:p%40ssword1@proxy:3128"})
    for text in ("p%40ssword1", "p@ssword1", "http://me:p%40ssword1@proxy:3128"):
        assert "ssword1" not in redactor.redact(f"cannot use {text} here")


@pytest.mark.parametrize("proxy", ["http://me:pass#wo/rd@proxy:1", "me:pass#wo/rd@p:1"])
def test_proxy_passwords_that_no_url_may_hold_are_known(proxy: str) -> None:
    redactor = Redactor.from_environment({"HTTPS_PROXY": proxy})
    for text in ("pass#wo/rd", "pass%23wo%2Frd", proxy):
        assert "wo" not in redactor.redact(f"cannot use {text}")


def test_credentials_of_the_environment_are_known() -> None:
    secrets = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "not-shaped-like-a-key",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "no-shape-at-all-30-characters!",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "tokentokentoken",
    }
    redactor = Redactor.from_environment(secrets)
    text = redactor.redact(f"we got {' and '.join(secrets.values())}")
    assert not any(secret in text for secret in secrets.values())


def test_a_proxy_variable_that_is_no_url_does_no_harm() -> None:
    Redactor.from_environment({"HTTPS_PROXY": "http://[half"})


@pytest.mark.parametrize(
    "text",
    [
        "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or configure",
        "failed cn-hangzhou ipxe: stage: PublicEndpointForbidden: no public access",
        "no Alibaba Cloud credentials were found; see ~/.aliyun/config.json",
        "SignatureDoesNotMatch: The request signature we calculated does not match",
        "cn-hangzhou ipxe-20260109-uefi-x86-64 (ipxe) m-bp1caf3yicx5jlfl0000",
        "see https://ram.console.aliyun.com/roles and try again",
        "request id 473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
        "is that so? yes: really",
        "OSS refused the bucket: ali-import-12345678-66aabbcc-cn-hangzhou",
        "STS. And LTAI alone are words",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor().line(text) == text


def test_a_json_document_keeps_its_other_fields() -> None:
    document = json.dumps({"SecurityToken": "abc", "RegionId": "cn-hangzhou"})
    redacted = Redactor().redact(document)
    assert "abc" not in redacted
    assert "cn-hangzhou" in redacted


@given(st.text())
def test_a_line_is_one_line_without_control_characters(text: str) -> None:
    for line in (one_line(text), Redactor().line(text)):
        assert len(line.splitlines()) <= 1
        assert not any(
            ord(character) < 32 or ord(character) == 127 for character in line
        )
        assert "\x9b" not in line


@given(st.text())
def test_lines_keep_new_lines_but_no_other_control_character(text: str) -> None:
    lines = Redactor().lines(text)
    assert lines.count("\n") == Redactor().redact(text).count("\n")
    assert "\x1b" not in lines
    assert "\r" not in lines


@pytest.mark.parametrize(
    "piece",
    [
        "https://",
        "a.b+",
        "access-key-",
        "authorization ",
        "signature=",
        "?a=",
        "OSS a",
        '\\"',
        "STS.",
    ],
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    # A second, and half an hour with a pattern that tries every length at every place.
    code = "import sys\nfrom ali_import.redaction import Redactor\n"
    code += "Redactor().line(sys.argv[1] * (1_000_000 // len(sys.argv[1])))"
    command = [sys.executable, "-c", code, piece]
    assert subprocess.run(command, check=False, timeout=HANG_S).returncode == 0


def test_bytes_of_a_file_name_that_are_not_utf_8_are_shown() -> None:
    name = b"caf\xe9 \xff.img".decode(errors="surrogateescape")
    assert one_line(name) == "caf\\xe9 \\xff.img"
    assert Redactor().lines(name) == "caf\\xe9 \\xff.img"
    assert one_line("\ud800") == "?"  # no byte of anything
