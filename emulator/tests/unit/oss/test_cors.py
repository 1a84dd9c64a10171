"""Pages of other sites: what browsers ask first, and what they may read then."""

import pytest

from emulator.tests.unit.oss.conftest import Cloud

SITE = "https://shop.example"


@pytest.fixture
def pail(cloud: Cloud) -> Cloud:
    cloud.call("PUT", "pail")
    cloud.call("PUT", "pail/k", b"x")
    rules = (
        "<CORSRule><AllowedOrigin>https://*.example</AllowedOrigin>"
        "<AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod>"
        "<AllowedHeader>X-Oss-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"
        "<MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>"
        "<CORSRule><AllowedOrigin>*</AllowedOrigin>"
        "<AllowedMethod>HEAD</AllowedMethod></CORSRule>"
    )
    body = f"<CORSConfiguration>{rules}</CORSConfiguration>".encode()
    assert cloud.call("PUT", "pail?cors", body).status == 200
    return cloud


def ask(cloud: Cloud, origin: str, method: str, names: str = "") -> tuple[int, str]:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    if names:
        headers["Access-Control-Request-Headers"] = names
    told = cloud.call("OPTIONS", "pail/k", headers=headers, caller=None)
    return told.status, told.headers.get("access-control-allow-origin", told.code)


def test_a_browser_is_told_what_a_page_may_do(pail: Cloud) -> None:
    headers = {
        "Origin": SITE,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-oss-meta-a,X-OSS-ACL",
    }
    told = pail.call("OPTIONS", "pail/k?acl", headers=headers, caller=None).headers
    assert told["access-control-allow-origin"] == SITE
    assert told["access-control-allow-methods"] == "PUT, GET"
    assert told["access-control-allow-headers"] == "x-oss-meta-a, X-OSS-ACL"
    assert told["access-control-expose-headers"] == "ETag"
    assert told["access-control-max-age"] == "60"


@pytest.mark.parametrize(
    ("origin", "method", "names", "expected"),
    [
        (SITE, "GET", "", (200, SITE)),
        ("https://other.site", "HEAD", "", (200, "*")),
        ("https://other.site", "GET", "", (403, "AccessForbidden")),
        (SITE, "DELETE", "", (403, "AccessForbidden")),
        (SITE, "GET", "x-other", (403, "AccessForbidden")),
        ("", "GET", "", (400, "BadRequest")),
        (SITE, "", "", (400, "BadRequest")),
    ],
)
def test_rules_are_matched_by_origin_method_and_headers(
    pail: Cloud, origin: str, method: str, names: str, expected: tuple[int, str]
) -> None:
    assert ask(pail, origin, method, names) == expected


def test_a_rule_without_age_is_not_kept_by_browsers(pail: Cloud) -> None:
    headers = {"Origin": "https://other.site", "Access-Control-Request-Method": "head"}
    told = pail.call("OPTIONS", "pail/k", headers=headers, caller=None).headers
    assert told["access-control-max-age"] == "0"
    assert "access-control-allow-headers" not in told


def test_answers_to_pages_say_who_may_read_them(pail: Cloud) -> None:
    name = "access-control-allow-origin"
    site = {"Origin": SITE}
    got = pail.call("GET", "pail/k", headers=site).headers
    assert (got[name], got["access-control-expose-headers"]) == (SITE, "ETag")
    assert name not in pail.call("DELETE", "pail/k", headers=site).headers
    assert name not in pail.call("GET", "pail").headers


@pytest.mark.parametrize(("key", "caller"), [("none", "main"), ("k", None)])
def test_pages_may_read_why_they_are_refused(
    pail: Cloud, key: str, caller: str | None
) -> None:
    told = pail.call("GET", f"pail/{key}", headers={"Origin": SITE}, caller=caller)
    assert told.status in (403, 404)
    assert told.headers["access-control-allow-origin"] == SITE


@pytest.mark.parametrize("vary", [True, False])
def test_caches_are_told_of_origins_if_wished(pail: Cloud, vary: bool) -> None:
    body = (
        "<CORSConfiguration><CORSRule/>"
        f"<ResponseVary>{vary}</ResponseVary></CORSConfiguration>"
    )
    assert pail.call("PUT", "pail?cors", body.encode()).status == 200
    asks = {"Origin": SITE, "Access-Control-Request-Method": "GET"}
    for call in (("GET", "pail/k"), ("GET", "pail/none"), ("OPTIONS", "pail/k")):
        told = pail.call(*call, headers=asks).headers.get("vary", "")
        assert told == ("Origin" if vary else "")


def test_vary_is_true_or_false(pail: Cloud) -> None:
    body = (
        b"<CORSConfiguration><CORSRule/><ResponseVary>0</ResponseVary>"
        b"</CORSConfiguration>"
    )
    assert pail.call("PUT", "pail?cors", body).code == "MalformedXML"


def test_names_of_headers_are_kept_in_lower_case(pail: Cloud) -> None:
    assert pail.call("GET", "pail?cors").text("CORSRule/AllowedHeader") == "x-oss-*"


def test_without_rules_nobody_is_let_in(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    headers = {"Origin": SITE, "Access-Control-Request-Method": "GET"}
    told = cloud.call("OPTIONS", "pail/k", headers=headers, caller=None)
    assert (told.status, told.code) == (403, "AccessForbidden")
    assert told.text("Message") == "CORSResponse: CORS is not enabled for this bucket."
    assert cloud.call("OPTIONS", "none/k", headers=headers).code == "NoSuchBucket"
    none = cloud.call("GET", "pail?cors")
    assert (none.code, none.headers["x-oss-ec"]) == (
        "NoSuchCORSConfiguration",
        "0034-00000001",
    )
