"""The S3-compatible API: OSS's operations under the names of S3."""

import hashlib
from base64 import b64encode
from dataclasses import replace

import pytest

from alicloud_emulator.front.hosts import parse
from alicloud_emulator.products.oss.s3 import NAMESPACE
from emulator.tests.unit.oss.conftest import FAST, Answer, Cloud, MakeCloud

S3 = f"{{{NAMESPACE}}}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"


class Pail:
    """A bucket, and calls to it by a client that speaks S3's language."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        assert self("PUT", "pail").status == 200

    def __call__(
        self, method: str, target: str, body: bytes = b"", **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.cloud.call(method, target, body, headers=sent, signature="aws-v4")


@pytest.fixture
def pail(make_cloud: MakeCloud) -> Pail:
    return Pail(make_cloud())


def texts(answer: Answer, path: str) -> list[str | None]:
    return [one.text for one in answer.xml.findall(path.replace("/", f"/{S3}"))]


def test_headers_have_s3_s_names(pail: Pail) -> None:
    put = pail(
        "PUT",
        "pail/a",
        b"hello",
        x_amz_meta_color="blue",
        x_amz_storage_class="STANDARD_IA",
        x_amz_tagging="k=v",
        x_amz_server_side_encryption="AES256",
        content_type="text/plain",
    )
    assert put.status == 200
    assert put.headers["x-amz-server-side-encryption"] == "AES256"
    got = pail("GET", "pail/a")
    assert got.body == b"hello"
    told = {name: got.headers[name] for name in got.headers if name.startswith("x-amz")}
    assert told.pop("x-amz-request-id")
    assert told == {
        "x-amz-meta-color": "blue",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-tagging-count": "1",
        "x-amz-server-side-encryption": "AES256",
    }
    assert "x-oss-request-id" not in got.headers
    own = pail.cloud.call("HEAD", "pail/a")
    assert own.headers["x-oss-meta-color"] == "blue"
    assert own.headers["x-oss-storage-class"] == "IA"
    assert "x-oss-request-id" in own.headers


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("STANDARD", "Standard"), ("STANDARD_IA", "IA"), ("GLACIER", "Archive")],
)
def test_storage_classes(pail: Pail, theirs: str, ours: str) -> None:
    pail("PUT", "pail/a", x_amz_storage_class=theirs)
    assert pail.cloud.call("HEAD", "pail/a").headers["x-oss-storage-class"] == ours
    assert texts(pail("GET", "pail"), "Contents/StorageClass") == [theirs] or [
        one.text for one in pail("GET", "pail").xml.iter(f"{S3}StorageClass")
    ] == [theirs]


def test_a_storage_class_that_oss_has_not_is_refused(pail: Pail) -> None:
    answer = pail("PUT", "pail/a", x_amz_storage_class="INTELLIGENT_TIERING")
    assert (answer.status, answer.code) == (400, "InvalidStorageClass")


@pytest.mark.parametrize(
    ("like", "etag"),
    [
        (True, '"5d41402abc4b2a76b9719d911017c592"'),
        (False, '"5D41402ABC4B2A76B9719D911017C592"'),
    ],
)
def test_etags_are_in_the_case_that_the_profile_says(
    pail: Pail, like: bool, etag: str
) -> None:
    world = pail.cloud.world
    world.profile = replace(world.profile, habits=replace(FAST.habits, s3_like=like))
    assert pail("PUT", "pail/a", b"hello").headers["etag"] == etag
    [told] = [one.text for one in pail("GET", "pail").xml.iter(f"{S3}ETag")]
    assert told == etag
    assert pail("GET", "pail/a", if_match=etag).status == 200
    assert pail("GET", "pail/a", if_none_match=etag).status == 304
    source = "pail/a"
    copied = pail(
        "PUT", "pail/b", x_amz_copy_source=source, x_amz_copy_source_if_match=etag
    )
    assert copied.status == 200
    assert pail.cloud.call("HEAD", "pail/a").headers["etag"] == etag.upper()


def test_a_copy(pail: Pail) -> None:
    pail("PUT", "pail/a b", b"hello", x_amz_meta_n="1")
    kept = pail("PUT", "pail/c", x_amz_copy_source="/pail/a%20b")
    assert kept.xml.tag == f"{S3}CopyObjectResult"
    assert pail("HEAD", "pail/c").headers["x-amz-meta-n"] == "1"
    pail(
        "PUT",
        "pail/d",
        x_amz_copy_source="pail/a%20b",
        x_amz_metadata_directive="REPLACE",
        x_amz_meta_n="2",
    )
    assert pail("HEAD", "pail/d").headers["x-amz-meta-n"] == "2"


def test_an_upload_in_parts(pail: Pail) -> None:
    begun = pail("POST", "pail/big?uploads", x_amz_meta_n="1")
    upload = begun.text(f"{S3}UploadId")
    first = pail("PUT", f"pail/big?partNumber=1&uploadId={upload}", b"x" * 102_400)
    pail("PUT", "pail/a", b"0123456789")
    pail(
        "PUT",
        f"pail/big?partNumber=2&uploadId={upload}",
        x_amz_copy_source="pail/a",
        x_amz_copy_source_range="bytes=2-4",
    )
    listed = pail("GET", f"pail/big?uploadId={upload}")
    etags = [one.text for one in listed.xml.iter(f"{S3}ETag")]
    assert etags[0] == first.headers["etag"]
    parts = "".join(
        f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"
        for n, etag in enumerate(etags, 1)
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    # A checksum here is the whole object's, and not this body's.
    done = pail(
        "POST", f"pail/big?uploadId={upload}", body, x_amz_checksum_crc32="AAAAAA=="
    )
    assert done.status == 200
    assert done.text(f"{S3}ETag") == done.headers["etag"]
    assert pail("GET", "pail/big").body.endswith(b"x234")


@pytest.mark.parametrize(
    ("wanted", "body", "status"),
    [("bytes=2-100", b"llo", 206), ("bytes=9-", None, 416), ("bytes=-2", b"lo", 206)],
)
def test_ranges_are_as_http_has_them(
    pail: Pail, wanted: str, body: bytes | None, status: int
) -> None:
    pail("PUT", "pail/a", b"hello")
    answer = pail("GET", "pail/a", range=wanted)
    assert answer.status == status
    assert body is None or answer.body == body


def grants(answer: Answer) -> list[tuple[str | None, str | None, str | None]]:
    return [
        (
            grant.find(f"{S3}Grantee").get(XSI),  # type: ignore[union-attr] # it is there
            grant.findtext(f"{S3}Grantee/{S3}URI"),
            grant.findtext(f"{S3}Permission"),
        )
        for grant in answer.xml.iter(f"{S3}Grant")
    ]


OWNER = ("CanonicalUser", None, "FULL_CONTROL")
READ, WRITE = ("Group", EVERYBODY, "READ"), ("Group", EVERYBODY, "WRITE")


@pytest.mark.parametrize(
    ("acl", "told"),
    [
        ("private", [OWNER]),
        ("public-read", [OWNER, READ]),
        ("public-read-write", [OWNER, READ, WRITE]),
    ],
)
@pytest.mark.parametrize("target", ["pail", "pail/a"])
def test_acls_are_lists_of_grants(
    pail: Pail,
    target: str,
    acl: str,
    told: list[tuple[str | None, str | None, str | None]],
) -> None:
    pail("PUT", "pail/a")
    assert pail("PUT", f"{target}?acl", x_amz_acl=acl).status == 200
    answer = pail("GET", f"{target}?acl")
    assert grants(answer) == told
    # The same, told as a document, as s3cmd does.
    pail("PUT", f"{target}?acl", x_amz_acl="private")
    document = answer.body.replace(b'encoding="UTF-8"', b"")
    assert pail("PUT", f"{target}?acl", document).status == 200
    assert (
        pail.cloud.call("GET", f"{target}?acl").text("AccessControlList/Grant") == acl
    )


def grant(who: str, permission: str) -> bytes:
    return (
        "<AccessControlPolicy><AccessControlList><Grant><Grantee>"
        f"{who}</Grantee><Permission>{permission}</Permission></Grant>"
        "</AccessControlList></AccessControlPolicy>"
    ).encode()


@pytest.mark.parametrize(
    "body",
    [
        grant(f"<URI>{EVERYBODY}</URI>", "WRITE"),
        grant(f"<URI>{EVERYBODY}</URI>", "READ_ACP"),
        grant("<ID>another</ID>", "READ"),
        grant("<URI>http://acs.amazonaws.com/groups/s3/LogDelivery</URI>", "WRITE"),
    ],
)
def test_grants_that_are_no_acl_of_oss_are_refused(pail: Pail, body: bytes) -> None:
    assert pail("PUT", "pail?acl", body).code == "InvalidArgument"


def test_an_acl_that_oss_has_not_is_refused(pail: Pail) -> None:
    answer = pail("PUT", "pail/a", x_amz_acl="authenticated-read")
    assert answer.code == "InvalidArgument"


def test_a_bucket_is_asked_for_by_head(pail: Pail) -> None:
    there = pail("HEAD", "pail")
    assert (there.status, there.headers["x-amz-bucket-region"]) == (
        200,
        "ap-northeast-1",
    )
    assert pail("HEAD", "no-pail").status == 404
    assert pail.cloud.call("HEAD", "pail").status == 405


def test_a_header_says_that_s3_is_meant(pail: Pail) -> None:
    head = {"x-oss-s3-compat": "true"}
    assert pail.cloud.call("HEAD", "pail", headers=head).status == 200


@pytest.mark.parametrize("wish", ["", "oss-ap-northeast-1", "ap-northeast-1"], ids=str)
def test_a_bucket_s_place_is_spelled_in_both_ways(pail: Pail, wish: str) -> None:
    body = (
        f"<CreateBucketConfiguration><LocationConstraint>{wish}</LocationConstraint>"
        "</CreateBucketConfiguration>"
    ).encode()
    assert pail("PUT", "other", body).status == 200
    elsewhere = body.replace(wish.encode() or b"><", b"eu-west-1" if wish else b">x<")
    assert pail("PUT", "third", elsewhere).code == "InvalidLocationConstraint"


@pytest.mark.parametrize("name", ["notification", "object-lock", "accelerate"])
def test_what_s3_alone_has_is_not_taken_for_the_thing_itself(
    pail: Pail, name: str
) -> None:
    assert pail("GET", f"pail?{name}").code == "NotImplemented"


@pytest.mark.parametrize(("quiet", "told"), [("true", 0), ("false", 1)])
def test_deleting_many_is_always_answered_by_a_document(
    pail: Pail, quiet: str, told: int
) -> None:
    body = (
        f"<Delete><Quiet>{quiet}</Quiet><Object><Key>a</Key></Object></Delete>"
    ).encode()
    md5 = b64encode(hashlib.md5(body).digest()).decode()
    answer = pail("POST", "pail?delete", body, content_md5=md5)
    assert answer.xml.tag == f"{S3}DeleteResult"
    assert len(answer.xml) == told
    assert pail("POST", "pail?delete", body).code == "MissingArgument"


def test_errors_have_no_name_space(pail: Pail) -> None:
    answer = pail("GET", "pail/none")
    assert (answer.code, answer.headers["x-oss-ec"]) == ("NoSuchKey", "0026-00000001")
    assert answer.text("RequestId") == answer.headers["x-amz-request-id"]


def test_the_hosts_of_the_s3_compatible_api() -> None:
    for name, bucket, internal in (
        ("s3.oss-eu-west-1", "", False),
        ("pail.s3.oss-eu-west-1", "pail", False),
        ("pail.s3.oss-eu-west-1-internal", "pail", True),
        ("pail.s3.oss-accelerate", "pail", False),
    ):
        host = parse(f"{name}.aliyuncs.com")
        assert host is not None
        assert (host.bucket, host.internal, host.s3) == (bucket, internal, True)
