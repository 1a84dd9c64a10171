"""Copies, appends, links, ACL, tags, restoring, compression."""

import gzip
from base64 import b64decode

import pytest

from alicloud_emulator.world.checksum import crc64
from alicloud_emulator.world.errors import ServiceError
from emulator.tests.unit.oss.conftest import Cloud

FROM_K = {"x-oss-copy-source": "/pail/k"}


@pytest.fixture(autouse=True)
def bucket(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    headers = {
        "Content-Type": "text/x",
        "x-oss-meta-a": "1",
        "x-oss-tagging": "t=v%20w&u=",
        "x-oss-storage-class": "IA",
    }
    assert cloud.call("PUT", "pail/k", b"content", headers=headers).status == 200


def test_a_copy_takes_everything_along(cloud: Cloud) -> None:
    copied = cloud.call("PUT", "pail/copy", headers=FROM_K)
    assert copied.status == 200
    head = cloud.call("HEAD", "pail/copy")
    assert copied.text("ETag") == head.headers["etag"]
    assert head.headers["content-type"] == "text/x"
    assert head.headers["x-oss-meta-a"] == "1"
    assert head.headers["x-oss-tagging-count"] == "2"
    # Not the storage class: that is the destination's own.
    assert head.headers["x-oss-storage-class"] == "Standard"
    assert cloud.call("GET", "pail/copy").body == b"content"
    tags = cloud.call("GET", "pail/copy?tagging")
    assert tags.texts("TagSet/Tag/Value") == ["v w", ""]


def test_a_copy_may_replace_metadata_and_tags(cloud: Cloud) -> None:
    headers = {
        **FROM_K,
        "x-oss-metadata-directive": "REPLACE",
        "x-oss-tagging-directive": "REPLACE",
        "x-oss-meta-b": "2",
    }
    cloud.call("PUT", "pail/copy", headers=headers)
    head = cloud.call("HEAD", "pail/copy").headers
    assert "x-oss-meta-a" not in head
    assert head["x-oss-meta-b"] == "2"
    # The type stays where no other is given, as the official SDK's tests have it.
    assert head["content-type"] == "text/x"
    assert "x-oss-tagging-count" not in head
    wrong = {**FROM_K, "x-oss-metadata-directive": "MAYBE"}
    assert cloud.call("PUT", "pail/copy", headers=wrong).code == "InvalidArgument"


def test_a_copy_onto_itself_changes_metadata(cloud: Cloud) -> None:
    cloud.call("PUT", "pail/k", headers={**FROM_K, "Cache-Control": "no-cache"})
    head = cloud.call("HEAD", "pail/k").headers
    assert head["cache-control"] == "no-cache"
    assert "x-oss-meta-a" not in head
    assert head["x-oss-tagging-count"] == "2"


def test_copies_have_conditions(cloud: Cloud) -> None:
    etag = cloud.call("HEAD", "pail/k").headers["etag"]
    for name, value, status in (
        ("if-match", etag, 200),
        ("if-match", "other", 412),
        ("if-none-match", etag, 304),
        ("if-unmodified-since", "Thu, 14 Jan 2027 08:00:00 GMT", 412),
        ("if-modified-since", "Thu, 14 Jan 2027 08:00:00 GMT", 200),
    ):
        headers = {**FROM_K, f"x-oss-copy-source-{name}": value}
        answer = cloud.call("PUT", "pail/copy", headers=headers)
        assert answer.status == status, name


def test_copies_do_not_cross_regions(cloud: Cloud) -> None:
    cloud.call("PUT", "far-pail", region="eu-central-1")
    answer = cloud.call("PUT", "far-pail/k", headers=FROM_K, region="eu-central-1")
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert "same data center" in (answer.text("Message") or "")


def test_strangers_cannot_copy_what_they_cannot_read(cloud: Cloud) -> None:
    cloud.call("PUT", "their-pail", caller=cloud.other)
    target = "their-pail/k"
    answer = cloud.call("PUT", target, headers=FROM_K, caller=cloud.other)
    assert answer.code == "AccessDenied"
    cloud.call("PUT", "pail/k?acl", headers={"x-oss-object-acl": "public-read"})
    assert cloud.call("PUT", target, headers=FROM_K, caller=cloud.other).status == 200


@pytest.mark.parametrize("space", ["%20", "+"])
def test_keys_of_sources_are_encoded(cloud: Cloud, space: str) -> None:
    """Spaces as in a path or as in a form, which is what the SDK for Go does."""
    cloud.call("PUT", "pail/%E4%BA%91%20%2B%3F", b"cloud")
    source = f"/pail/%E4%BA%91{space}%2B%3F"
    headers = {"x-oss-copy-source": source}
    assert cloud.call("PUT", "pail/copy", headers=headers).status == 200
    assert cloud.call("GET", "pail/copy").body == b"cloud"
    headers = {"x-oss-symlink-target": source.removeprefix("/pail/")}
    assert cloud.call("PUT", "pail/link?symlink", headers=headers).status == 200
    assert cloud.call("GET", "pail/link").body == b"cloud"


def test_objects_grow_by_appending(cloud: Cloud) -> None:
    first = cloud.call("POST", "pail/log?append&position=0", b"one,")
    assert first.headers["x-oss-next-append-position"] == "4"
    second = cloud.call("POST", "pail/log?append&position=4", b"two")
    assert second.headers["x-oss-hash-crc64ecma"] == str(crc64(b"one,two"))
    assert second.headers["etag"] != first.headers["etag"]
    got = cloud.call("GET", "pail/log")
    assert got.body == b"one,two"
    assert got.headers["x-oss-object-type"] == "Appendable"
    assert got.headers["x-oss-next-append-position"] == "7"


def test_appending_in_the_wrong_place(cloud: Cloud) -> None:
    cloud.call("POST", "pail/log?append&position=0", b"one,")
    wrong = cloud.call("POST", "pail/log?append&position=0", b"two")
    assert (wrong.status, wrong.code) == (409, "PositionNotEqualToLength")
    assert wrong.headers["x-oss-next-append-position"] == "4"
    normal = cloud.call("POST", "pail/k?append&position=7", b"more")
    assert (normal.status, normal.code) == (409, "ObjectNotAppendable")
    nothing = cloud.call("POST", "pail/new?append&position=1", b"x")
    assert nothing.code == "PositionNotEqualToLength"
    assert cloud.call("POST", "pail/new?append", b"x").code == "InvalidArgument"


def test_a_sealed_object_takes_no_more(cloud: Cloud) -> None:
    cloud.call("POST", "pail/log?append&position=0", b"one")
    sealed = cloud.call("POST", "pail/log?seal&position=3")
    assert sealed.headers["x-oss-sealed-time"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    more = cloud.call("POST", "pail/log?append&position=3", b"x")
    assert (more.status, more.code) == (409, "FileImmutable")


def test_links_lead_to_objects(cloud: Cloud) -> None:
    headers = {"x-oss-symlink-target": "k", "x-oss-meta-of": "link"}
    assert cloud.call("PUT", "pail/link?symlink", headers=headers).status == 200
    shown = cloud.call("GET", "pail/link?symlink")
    assert shown.headers["x-oss-symlink-target"] == "k"
    assert shown.headers["x-oss-meta-of"] == "link"
    got = cloud.call("GET", "pail/link")
    assert got.body == b"content"
    head = cloud.call("HEAD", "pail/link")
    assert head.headers["x-oss-object-type"] == "Symlink"
    assert head.headers["x-oss-meta-of"] == "link"
    assert head.content_length == 7
    assert cloud.call("GET", "pail/k?symlink").code == "NotSymlink"
    cloud.call("DELETE", "pail/k")
    lost = cloud.call("GET", "pail/link")
    assert (lost.status, lost.code) == (404, "SymlinkTargetNotExist")


def test_links_do_not_lead_to_links(cloud: Cloud) -> None:
    for key, target in (("one", "k"), ("two", "one")):
        headers = {"x-oss-symlink-target": target}
        cloud.call("PUT", f"pail/{key}?symlink", headers=headers)
    assert cloud.call("GET", "pail/two").code == "InvalidTargetType"
    assert cloud.call("PUT", "pail/three?symlink").code == "MissingArgument"


def test_acls_of_objects(cloud: Cloud) -> None:
    grant = "AccessControlList/Grant"
    assert cloud.call("GET", "pail/k?acl").text(grant) == "default"
    for acl in ("private", "public-read", "public-read-write", "default"):
        headers = {"x-oss-object-acl": acl}
        assert cloud.call("PUT", "pail/k?acl", headers=headers).status == 200
        assert cloud.call("GET", "pail/k?acl").text(grant) == acl
    wrong = {"x-oss-object-acl": "secret"}
    assert cloud.call("PUT", "pail/k?acl", headers=wrong).code == "InvalidArgument"
    assert cloud.call("PUT", "pail/k?acl").code == "MissingArgument"
    assert cloud.call("GET", "pail/none?acl").code == "NoSuchKey"


@pytest.mark.parametrize(
    "tagging",
    [
        "=v",
        "a=1&a=2",
        "a" * 129 + "=",
        "a=" + "b" * 257,
        "%25=1",
        "a=%21",
        "&".join(f"k{n}=" for n in range(11)),
    ],
)
def test_impossible_tags_are_refused(cloud: Cloud, tagging: str) -> None:
    headers = {"x-oss-tagging": tagging}
    assert cloud.call("PUT", "pail/t", b"", headers=headers).code == "InvalidTag"


def test_tags_of_objects(cloud: Cloud) -> None:
    body = (
        b"<Tagging><TagSet><Tag><Key>+-.:</Key><Value>_/</Value></Tag></TagSet>"
        b"</Tagging>"
    )
    assert cloud.call("PUT", "pail/k?tagging", body).status == 200
    assert cloud.call("GET", "pail/k?tagging").texts("TagSet/Tag/Key") == ["+-.:"]
    assert cloud.call("DELETE", "pail/k?tagging").status == 204
    assert cloud.call("GET", "pail/k?tagging").texts("TagSet/Tag/Key") == []
    assert cloud.call("PUT", "pail/k?tagging", b"<Tagging/>").code == "MalformedXML"


def test_archived_objects_must_be_restored(cloud: Cloud) -> None:
    archived = {"x-oss-storage-class": "Archive"}
    cloud.call("PUT", "pail/old", b"frozen", headers=archived)
    asleep = cloud.call("GET", "pail/old")
    assert (asleep.status, asleep.code) == (403, "InvalidObjectState")
    account = cloud.main.account_id
    with pytest.raises(ServiceError) as caught:
        cloud.world.oss.read(account, "ap-northeast-1", "pail", "old")
    assert caught.value.code == "InvalidObjectState"
    body = b"<RestoreRequest><Days>2</Days></RestoreRequest>"
    assert cloud.call("POST", "pail/old?restore", body).status == 202
    again = cloud.call("POST", "pail/old?restore", body)
    assert (again.status, again.code) == (409, "RestoreAlreadyInProgress")
    head = cloud.call("HEAD", "pail/old")
    assert head.headers["x-oss-restore"] == 'ongoing-request="true"'
    cloud.clock.now += 60
    assert cloud.call("GET", "pail/old").body == b"frozen"
    assert (
        'ongoing-request="false"'
        in cloud.call("HEAD", "pail/old").headers["x-oss-restore"]
    )
    assert cloud.call("POST", "pail/old?restore", body).status == 200
    cloud.clock.now += 3 * 86_400
    assert cloud.call("GET", "pail/old").code == "InvalidObjectState"
    assert cloud.call("POST", "pail/k?restore").code == "OperationNotSupported"


def test_text_is_squeezed_for_who_asks(cloud: Cloud) -> None:
    text = b"all work and no play " * 5000
    cloud.call("PUT", "pail/t", text, headers={"Content-Type": "text/plain"})
    wish = {"Accept-Encoding": "gzip, deflate"}
    squeezed = cloud.call("GET", "pail/t", headers=wish)
    assert squeezed.headers["content-encoding"] == "gzip"
    assert squeezed.content_length is None
    assert len(squeezed.body) < len(text) // 10
    assert gzip.decompress(squeezed.body) == text
    for target, headers in (
        ("pail/t", {}),
        ("pail/t", {**wish, "Range": "bytes=0-4999"}),
        ("pail/k", wish),
    ):
        plain = cloud.call("GET", target, headers=headers)
        assert "content-encoding" not in plain.headers
        assert plain.content_length == len(plain.body)


def test_errors_carry_what_sdks_look_for(cloud: Cloud) -> None:
    error = cloud.call("GET", "pail/none")
    assert error.headers["content-type"] == "application/xml"
    assert error.headers["server"] == "AliyunOSS"
    assert error.text("RequestId") == error.headers["x-oss-request-id"]
    assert error.text("HostId") == "pail.oss-ap-northeast-1.aliyuncs.com"
    assert error.text("EC") == error.headers["x-oss-ec"] == "0026-00000001"
    assert (error.text("RecommendDoc") or "").endswith("q=0026-00000001")
    head = cloud.call("HEAD", "pail/none")
    assert b"<Code>NoSuchKey</Code>" in b64decode(head.headers["x-oss-err"])


def test_who_signed_does_not_matter_where_no_bucket_is(cloud: Cloud) -> None:
    from alicloud_emulator.front.hosts import parse
    from alicloud_emulator.products.wire import Request
    from emulator.tests.unit.oss.conftest import Body

    unknown = ServiceError("InvalidAccessKeyId.NotFound", 404)
    for name, method, query, status in (
        ("none", "GET", [], 404),
        ("none", "GET", [("acl", "")], 404),
        ("none", "PUT", [], 403),
        ("none", "PUT", [("acl", "")], 403),
        ("pail", "GET", [], 403),
    ):
        host = parse(f"{name}.oss-ap-northeast-1.aliyuncs.com")
        assert host is not None
        request = Request(
            method=method,
            host=host,
            path="/",
            raw_path="/",
            query=query,
            headers={},
            body=Body(b""),
        )
        assert cloud.service.error(request, unknown).status == status


def test_a_copy_never_loses_the_key_that_its_bytes_are_sealed_with(
    cloud: Cloud,
) -> None:
    """As the tests of an official SDK have it."""
    sealed = {f"x-oss-meta-client-side-encryption-{n}": n for n in ("key", "start")}
    cloud.call("PUT", "pail/s", b"bytes", headers={**sealed, "x-oss-meta-a": "1"})
    replaced = {
        "x-oss-copy-source": "/pail/s",
        "x-oss-metadata-directive": "REPLACE",
        "x-oss-meta-client-side-encryption-key": "another",
        "x-oss-meta-b": "2",
    }
    assert cloud.call("PUT", "pail/copy", headers=replaced).status == 200
    head = cloud.call("HEAD", "pail/copy").headers
    assert head["x-oss-meta-client-side-encryption-key"] == "another"
    assert head["x-oss-meta-client-side-encryption-start"] == "start"
    assert "x-oss-meta-a" not in head
    assert head["x-oss-meta-b"] == "2"


def huge(cloud: Cloud, key: str, size: int) -> None:
    """Make an object of a size that nobody writes in a test."""
    stored = cloud.world.oss.objects.find(cloud.visit(), "pail", key)
    stored.blob.size = size


def test_large_objects_are_copied_in_parts_only(cloud: Cloud) -> None:
    huge(cloud, "k", 1024**3 + 1)
    copied = cloud.call("PUT", "pail/copy", headers=FROM_K)
    assert (copied.status, copied.code) == (400, "EntityTooLarge")
    onto_itself = {**FROM_K, "x-oss-meta-new": "1"}
    assert cloud.call("PUT", "pail/k", headers=onto_itself).status == 200
    huge(cloud, "k", 1024**3)
    assert cloud.call("PUT", "pail/copy", headers=FROM_K).status == 200


def test_an_appendable_object_has_at_most_5_gb(cloud: Cloud) -> None:
    cloud.call("POST", "pail/log?append&position=0", b"x")
    full = 5 * 1024**3
    huge(cloud, "log", full)
    appended = cloud.call("POST", f"pail/log?append&position={full}", b"x")
    assert (appended.status, appended.code) == (400, "EntityTooLarge")


@pytest.mark.parametrize("name", ["a_b", "a.b", "ü"])
def test_names_of_metadata_are_letters_digits_and_hyphens(
    cloud: Cloud, name: str
) -> None:
    headers = {f"x-oss-meta-{name}": "1"}
    put = cloud.call("PUT", "pail/meta", b"", headers=headers)
    assert (put.code, put.headers["x-oss-ec"]) == ("InvalidArgument", "0011-00000004")
