"""Buckets that keep versions: ids, markers, what readers see, and pages of it all."""

from random import Random

import pytest

from emulator.tests.unit.oss.conftest import Answer, Cloud

ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
SUSPENDED = ENABLED.replace(b"Enabled", b"Suspended")


@pytest.fixture
def pail(cloud: Cloud) -> Cloud:
    cloud.call("PUT", "pail")
    return cloud


def put(cloud: Cloud, key: str, data: bytes) -> str:
    answer = cloud.call("PUT", f"pail/{key}", data)
    assert answer.status == 200
    return answer.headers.get("x-oss-version-id", "")


def listed(answer: Answer) -> list[tuple[str, str, str]]:
    """Return versions and markers, in the order of the document."""
    return [
        (
            one.tag,
            one.findtext("Key") or "",
            f"{one.findtext('VersionId')}{'*' * (one.findtext('IsLatest') == 'true')}",
        )
        for one in answer.xml
        if one.tag in ("Version", "DeleteMarker")
    ]


def test_a_bucket_keeps_no_versions_until_it_is_told_to(pail: Cloud) -> None:
    assert pail.call("GET", "pail?versioning").text("Status") is None
    assert put(pail, "k", b"1") == ""
    assert put(pail, "k", b"2") == ""
    assert listed(pail.call("GET", "pail?versions")) == [("Version", "k", "null*")]
    assert pail.call("GET", "pail/k?versionId=null").body == b"2"
    assert pail.call("GET", "pail/k?versionId=CAEQ1").code == "NoSuchVersion"
    assert pail.call("DELETE", "pail/k?versionId=null").status == 204
    assert pail.call("GET", "pail/k").code == "NoSuchKey"


def test_every_write_is_a_version_of_its_own(pail: Cloud) -> None:
    put(pail, "k", b"before")
    assert pail.call("PUT", "pail?versioning", ENABLED).status == 200
    assert pail.call("GET", "pail?bucketInfo").text("Bucket/Versioning") == "Enabled"
    first, second = put(pail, "k", b"one"), put(pail, "k", b"two")
    assert len({"", "null", first, second}) == 4
    assert pail.call("GET", "pail/k").body == b"two"
    assert pail.call("GET", "pail/k").headers["x-oss-version-id"] == second
    assert pail.call("GET", f"pail/k?versionId={first}").body == b"one"
    assert pail.call("HEAD", "pail/k?versionId=null").content_length == 6
    assert listed(pail.call("GET", "pail?versions")) == [
        ("Version", "k", f"{second}*"),
        ("Version", "k", first),
        ("Version", "k", "null"),
    ]
    assert pail.call("GET", "pail?stat").text("ObjectCount") == "3"


def test_a_delete_hides_a_key_and_its_marker_can_go_again(pail: Cloud) -> None:
    pail.call("PUT", "pail?versioning", ENABLED)
    first = put(pail, "k", b"one")
    gone = pail.call("DELETE", "pail/k")
    marker = gone.headers["x-oss-version-id"]
    assert gone.headers["x-oss-delete-marker"] == "true"
    missing = pail.call("GET", "pail/k")
    assert (missing.status, missing.code) == (404, "NoSuchKey")
    assert missing.headers["x-oss-delete-marker"] == "true"
    assert pail.call("GET", "pail").texts("Contents/Key") == []
    shown = pail.call("GET", f"pail/k?versionId={marker}")
    assert (shown.status, shown.code) == (405, "MethodNotAllowed")
    assert pail.call("DELETE", "pail").code == "BucketNotEmpty"
    assert pail.call("GET", "pail?stat").text("DeleteMarkerCount") == "1"
    back = pail.call("DELETE", f"pail/k?versionId={marker}")
    assert back.headers["x-oss-delete-marker"] == "true"
    assert pail.call("GET", "pail/k").body == b"one"
    pail.call("DELETE", f"pail/k?versionId={first}")
    assert pail.call("DELETE", "pail").status == 204


def test_suspended_buckets_replace_the_version_called_null(pail: Cloud) -> None:
    pail.call("PUT", "pail?versioning", ENABLED)
    first = put(pail, "k", b"one")
    pail.call("PUT", "pail?versioning", SUSPENDED)
    assert put(pail, "k", b"two") == "null"
    assert put(pail, "k", b"three") == "null"
    assert pail.call("GET", f"pail/k?versionId={first}").body == b"one"
    assert pail.call("DELETE", "pail/k").headers["x-oss-version-id"] == "null"
    assert listed(pail.call("GET", "pail?versions")) == [
        ("DeleteMarker", "k", "null*"),
        ("Version", "k", first),
    ]


def test_attributes_and_copies_are_of_one_version(pail: Cloud) -> None:
    pail.call("PUT", "pail?versioning", ENABLED)
    first, second = put(pail, "k", b"one"), put(pail, "k", b"two")
    tags = (
        b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    )
    pail.call("PUT", f"pail/k?tagging&versionId={first}", tags)
    assert pail.call("GET", f"pail/k?tagging&versionId={first}").texts(".//Key") == [
        "a"
    ]
    assert pail.call("GET", f"pail/k?tagging&versionId={second}").texts(".//Key") == []
    source = {"x-oss-copy-source": f"/pail/k?versionId={first}"}
    copied = pail.call("PUT", "pail/copy", headers=source)
    assert copied.headers["x-oss-copy-source-version-id"] == first
    assert pail.call("GET", "pail/copy").body == b"one"
    # A copy of an old version onto its own key brings it back, metadata and all.
    pail.call("PUT", "pail/k", headers=source)
    assert pail.call("GET", "pail/k").body == b"one"
    assert pail.call("GET", "pail/k").headers["x-oss-tagging-count"] == "1"


def test_many_are_deleted_with_or_without_their_versions(pail: Cloud) -> None:
    pail.call("PUT", "pail?versioning", ENABLED)
    first = put(pail, "k", b"one")
    put(pail, "other", b"")
    body = (
        f"<Delete><Object><Key>k</Key><VersionId>{first}</VersionId></Object>"
        "<Object><Key>other</Key></Object></Delete>"
    ).encode()
    answer = pail.call("POST", "pail?delete", body, headers=digest(body))
    assert answer.texts("Deleted/Key") == ["k", "other"]
    assert answer.texts("Deleted/VersionId") == [first]
    assert answer.texts("Deleted/DeleteMarker") == ["true"]
    assert len(answer.texts("Deleted/DeleteMarkerVersionId")) == 1
    assert pail.call("GET", "pail?versions").texts("Version/Key") == ["other"]


def digest(body: bytes) -> dict[str, str]:
    import base64
    import hashlib

    return {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}


@pytest.mark.parametrize("version_id", ["", "234", "CAEQ!", "nULL"])
def test_what_is_no_version_id_is_refused(pail: Cloud, version_id: str) -> None:
    put(pail, "k", b"")
    target = f"pail/k?versionId={version_id}"
    assert pail.call("GET", target).code == "InvalidArgument"
    assert pail.call("DELETE", target).code == "InvalidArgument"


@pytest.mark.parametrize("seed", range(20))
def test_pages_of_versions_add_up_to_one_list(pail: Cloud, seed: int) -> None:
    chance = Random(seed)
    pail.call("PUT", "pail?versioning", ENABLED)
    for _ in range(40):
        key = chance.choice(("a", "a/1", "a/2", "b", "c/x/1", "c/x/2", "d"))
        if chance.random() < 0.3:
            pail.call("DELETE", f"pail/{key}")
        else:
            put(pail, key, b"")
    delimiter = chance.choice(("", "/"))
    query = f"versions&delimiter={delimiter}&prefix={chance.choice(('', 'a', 'c/'))}"
    whole = pail.call("GET", f"pail?{query}&max-keys=1000")
    assert whole.text("IsTruncated") == "false"
    size = chance.randrange(1, 6)
    rows: list[tuple[str, str, str]] = []
    prefixes: list[str] = []
    markers = ""
    for _ in range(100):
        page = pail.call("GET", f"pail?{query}&max-keys={size}{markers}")
        rows += listed(page)
        prefixes += page.texts("CommonPrefixes/Prefix")
        if page.text("IsTruncated") == "false":
            break
        assert len(listed(page)) + len(page.texts("CommonPrefixes/Prefix")) == size
        markers = f"&key-marker={page.text('NextKeyMarker')}"
        if version_id := page.text("NextVersionIdMarker"):
            markers += f"&version-id-marker={version_id}"
    assert rows == listed(whole)
    assert prefixes == whole.texts("CommonPrefixes/Prefix")


def test_a_version_s_marker_needs_a_key_s(pail: Cloud) -> None:
    target = "pail?versions&version-id-marker=CAEQ1"
    assert pail.call("GET", target).code == "InvalidArgument"
    assert pail.call("GET", f"pail?versions&prefix={'a' * 1025}").code == (
        "InvalidArgument"
    )


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_where_versions_are_kept_overwriting_cannot_be_forbidden(
    cloud: Cloud, status: str
) -> None:
    """No version is overwritten there."""
    cloud.call("PUT", "cask")
    cloud.call("PUT", "cask/k", b"old")
    body = (
        f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"
    )
    assert cloud.call("PUT", "cask?versioning", body.encode()).status == 200
    forbid = {"x-oss-forbid-overwrite": "true"}
    assert cloud.call("PUT", "cask/k", b"new", headers=forbid).status == 200
    assert cloud.call("GET", "cask/k").body == b"new"
