"""Buckets as websites: what strangers get where there is no object."""

import pytest

from emulator.tests.unit.oss.conftest import Answer, Cloud


@pytest.fixture
def site(cloud: Cloud) -> Cloud:
    cloud.call("PUT", "pail", headers={"x-oss-acl": "public-read"})
    for key in ("index.html", "a/index.html", "error.html"):
        kind = {"content-type": "text/html"}
        cloud.call("PUT", f"pail/{key}", key.encode(), headers=kind)
    return cloud


def configure(cloud: Cloud, index: str = "", error: str = "") -> None:
    body = (
        f"<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix>{index}"
        f"</IndexDocument>{error}</WebsiteConfiguration>"
    )
    assert cloud.call("PUT", "pail?website", body.encode()).status == 200


def stranger(cloud: Cloud, target: str) -> Answer:
    return cloud.call("GET", target, caller=None, signature="")


def error(key: str = "error.html", status: str = "") -> str:
    told = f"<HttpStatus>{status}</HttpStatus>" if status else ""
    return f"<ErrorDocument><Key>{key}</Key>{told}</ErrorDocument>"


def test_strangers_get_the_index_page_and_the_owner_the_listing(site: Cloud) -> None:
    assert stranger(site, "pail").xml.tag == "ListBucketResult"
    configure(site)
    assert stranger(site, "pail").body == b"index.html"
    assert stranger(site, "pail?prefix=a").xml.tag == "ListBucketResult"
    assert site.call("GET", "pail").xml.tag == "ListBucketResult"


@pytest.mark.parametrize(("status", "seen"), [("", 404), ("404", 404), ("200", 200)])
def test_what_is_not_there_has_a_page(site: Cloud, status: str, seen: int) -> None:
    configure(site, error=error(status=status))
    answer = stranger(site, "pail/none")
    assert (answer.status, answer.body) == (seen, b"error.html")
    assert answer.headers["content-type"] == "text/html"
    assert stranger(site, "pail/index.html").status == 200


def test_who_signs_gets_the_error_and_no_page(site: Cloud) -> None:
    configure(site, error=error())
    assert site.call("GET", "pail/none").code == "NoSuchKey"


@pytest.mark.parametrize("told", ["", error("no-such-page")])
def test_without_a_page_there_is_the_error(site: Cloud, told: str) -> None:
    configure(site, error=told)
    assert stranger(site, "pail/none").code == "NoSuchKey"


def test_an_error_page_is_no_way_into_a_private_bucket(site: Cloud) -> None:
    configure(site, error=error())
    site.call("PUT", "pail?acl", headers={"x-oss-acl": "private"})
    for target in ("pail", "pail/none", "pail/error.html"):
        assert stranger(site, target).code == "AccessDenied"


def deep(kind: str) -> str:
    told = f"<Type>{kind}</Type>" if kind else ""
    return f"<SupportSubDir>true</SupportSubDir>{told}"


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("", 302, b""),
        ("0", 302, b""),
        ("1", 404, b"error.html"),
        ("2", 200, b"a/index.html"),
    ],
)
def test_a_folder_s_name_leads_where_its_type_says(
    site: Cloud, kind: str, status: int, body: bytes
) -> None:
    configure(site, index=deep(kind), error=error())
    answer = stranger(site, "pail/a")
    assert (answer.status, answer.body) == (status, body)
    if status == 302:
        assert answer.headers["location"] == "/a/"
    assert stranger(site, "pail/a/").body == b"a/index.html"
    assert stranger(site, "pail/b").body == b"error.html"


def test_without_deep_folders_their_names_are_nothing(site: Cloud) -> None:
    configure(site, error=error())
    assert stranger(site, "pail/a").body == b"error.html"
    assert stranger(site, "pail/a/").body == b"index.html"
