import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from ali_import.cloud.sdk import wire
from ali_import.cloud.sdk.settings import Settings
from ali_import.errors import ConfigurationError
from ali_import.redaction import TEXT_CHARS_MAX, scrub, word


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": ""}, ""),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ({"HTTPS_PROXY": "p:3128"}, "http://p:3128"),
        ({"HTTPS_PROXY": "https://p:3128"}, "https://p:3128"),
        ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, "http://a:1"),
        ({"ALL_PROXY": "http://c:1"}, "http://c:1"),
        ({"HTTP_PROXY": "http://d:1"}, ""),
        ({"ALL_PROXY": "http://u:p#1@c:1"}, "http://u:p%231@c:1"),
        ({"ALL_PROXY": "u:p?/@1@c:1"}, "http://u:p%3F%2F%401@c:1"),
        ({"ALL_PROXY": "http://u:p%231!@c:1"}, "http://u:p%231!@c:1"),
    ],
)
def test_the_proxy_is_found(environ: dict[str, str], proxy: str) -> None:
    assert Settings.from_environment(environ).proxy_for("h.aliyuncs.com") == proxy


@pytest.mark.parametrize(
    "value", ["socks5://p:1", "http://", "http://u:secret@:3", "http://[", "http://p:x"]
)
def test_a_proxy_that_is_none_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        Settings.from_environment({"HTTPS_PROXY": value})
    assert "secret" not in caught.value.diagnostics()


@pytest.mark.parametrize(
    ("no_proxy", "host", "by_proxy"),
    [
        ("", "a.aliyuncs.com", True),
        ("*", "a.aliyuncs.com", False),
        ("aliyuncs.com", "a.aliyuncs.com", False),
        (".aliyuncs.com", "a.aliyuncs.com", False),
        ("*.aliyuncs.com", "a.aliyuncs.com", False),
        ("x.org, A.Aliyuncs.com:443", "a.aliyuncs.com", False),
        ("yuncs.com", "a.aliyuncs.com", True),
        ("b.aliyuncs.com", "a.aliyuncs.com", True),
        (",,", "a.aliyuncs.com", True),
    ],
)
def test_no_proxy_matches_whole_names(
    no_proxy: str, host: str, *, by_proxy: bool
) -> None:
    settings = Settings.from_environment(
        {"HTTPS_PROXY": "http://p:1", "NO_PROXY": no_proxy}
    )
    assert bool(settings.proxy_for(host)) is by_proxy


@pytest.mark.parametrize(
    "name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
)
def test_each_name_of_a_bundle_is_heard(tmp_path: Path, name: str) -> None:
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    settings = Settings.from_environment({name: str(bundle)})
    assert settings.ca_bundle == bundle
    assert wire.tls_context(settings).cert_store_stats()["x509_ca"] == 1


def test_a_bundle_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE names .*none"):
        Settings.from_environment({"SSL_CERT_FILE": str(tmp_path / "none")})


def test_a_bundle_that_is_no_bundle_is_named(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")
    settings = Settings.from_environment({"SSL_CERT_FILE": str(bundle)})
    with pytest.raises(ConfigurationError, match=r"ca\.pem cannot be read"):
        wire.session(settings)


def test_a_directory_of_certificates_is_taken(tmp_path: Path) -> None:
    context = wire.tls_context(Settings(ca_bundle=tmp_path))
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_without_a_bundle_some_certificates_are_trusted() -> None:
    assert wire.tls_context(Settings()).cert_store_stats()["x509_ca"] > 10


def test_a_proxys_password_never_shows() -> None:
    settings = Settings.from_environment({"HTTPS_PROXY": "http://u:secretword@p:1"})
    assert "secretword" not in repr(settings)


# --- scrub ---------------------------------------------------------------------------


@given(st.text(max_size=2000))
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    line = scrub(text)
    assert len(line) <= TEXT_CHARS_MAX
    assert line.isprintable()
    assert word(text).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "GET https://b.oss.com/k?x-oss-signature=SECRETSECRET failed",
        "with url: /k?OSSAccessKeyId=LTAISECRETSECRET&Signature=SECRETSECRET",
        "Authorization: OSS4-HMAC-SHA256 Credential=x,Signature=y SECRETSECRET",
        "x-acs-security-token=SECRETSECRET",
        '"SecurityToken": "SECRETSECRET"',
        "AccessKeySecret=SECRETSECRET",
        "the key STS.NSECRETSECRET is disabled",
        "StringToSign=PUT SECRETSECRET",
        "digest 5ECRET5ECRET5ECRET5ECRET5ECRET5ECRET",
        "token DescribeImageSharePermission5ECRET5ECRET",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    line = scrub(text)
    assert "SECRETSECRET" not in line
    assert "5ECRET5ECRET" not in line


@pytest.mark.parametrize(
    "text",
    [
        "The specified Image name is wrongly formed.",
        "Not allowed using the OSS public endpoint , please use CNAME instead.",
        'An input parameter "RegionId" that is mandatory is not supplied.',
        "The bucket ali-import-20260101-abcdef0123456789-cn-hangzhou is not empty.",
        "request 3C87BF47-3724-5443-ADC1-5AEAD9A03EB1",
        "You can use the DescribeImageSharePermission API to query the users.",
    ],
)
def test_what_a_user_needs_is_kept(text: str) -> None:
    assert scrub(text) == text
