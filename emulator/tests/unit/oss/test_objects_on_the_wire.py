"""Objects, as a client sees them."""

import hashlib
from base64 import b64encode
from collections import Counter
from pathlib import Path
from threading import current_thread

import pytest

from alicloud_emulator.world.checksum import Crc64, crc64
from alicloud_emulator.world.faults import Do, Fault
from emulator.tests.unit.oss.conftest import Cloud

DATA = bytes(range(256)) * 20


def md5_base64(data: bytes) -> str:
    return b64encode(hashlib.md5(data).digest()).decode()


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    assert cloud.call("PUT", "pail").status == 200
    return "pail"


def test_an_object_comes_back_as_it_was_put(cloud: Cloud, bucket: str) -> None:
    headers = {
        "Content-Type": "text/plain",
        "Content-MD5": md5_base64(DATA),
        "x-oss-meta-colour": "red",
        "Cache-Control": "no-store",
    }
    put = cloud.call("PUT", f"{bucket}/a/b", DATA, headers=headers)
    assert put.status == 200
    assert put.headers["etag"] == f'"{hashlib.md5(DATA).hexdigest().upper()}"'
    assert put.headers["x-oss-hash-crc64ecma"] == str(crc64(DATA))
    assert put.headers["content-md5"] == md5_base64(DATA)

    got = cloud.call("GET", f"{bucket}/a/b")
    assert (got.status, got.body, got.content_length) == (200, DATA, len(DATA))
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["x-oss-meta-colour"] == "red"
    assert got.headers["x-oss-object-type"] == "Normal"
    assert got.headers["x-oss-storage-class"] == "Standard"
    assert got.headers["last-modified"] == "Fri, 15 Jan 2027 08:00:00 GMT"

    head = cloud.call("HEAD", f"{bucket}/a/b")
    assert (head.status, head.body, head.content_length) == (200, b"", len(DATA))
    assert head.headers["etag"] == put.headers["etag"]


def test_a_wrong_md5_stores_nothing(cloud: Cloud, bucket: str) -> None:
    for wrong in (md5_base64(b"other"), "not base64!"):
        put = cloud.call("PUT", f"{bucket}/k", DATA, headers={"Content-MD5": wrong})
        assert (put.status, put.code) == (400, "InvalidDigest")
    assert cloud.call("GET", f"{bucket}/k").code == "NoSuchKey"


def test_head_of_nothing_explains_itself_in_a_header(cloud: Cloud, bucket: str) -> None:
    head = cloud.call("HEAD", f"{bucket}/none")
    assert (head.status, head.body) == (404, b"")
    assert head.headers["x-oss-ec"] == "0026-00000001"
    assert len(head.headers["x-oss-err"]) > 100


RANGES = [
    ("bytes=0-9", False, 206, DATA[:10]),
    ("bytes=10-", False, 206, DATA[10:]),
    ("bytes=-10", False, 206, DATA[-10:]),
    ("bytes=0-99999", False, 200, DATA),
    ("bytes=99999-", False, 200, DATA),
    ("bytes=9-1", False, 200, DATA),
    ("bytes=a-b", False, 200, DATA),
    ("bytes=-99999", False, 200, DATA),
    ("bytes=-", False, 200, DATA),
    ("bytes=0-99999", True, 206, DATA),
    ("bytes=-99999", True, 206, DATA),
    ("bytes=9-1", True, 200, DATA),
    ("bytes=99999-", True, 416, None),
    ("bytes=-0", True, 416, None),
]


@pytest.mark.parametrize("case", RANGES)
def test_ranges(
    cloud: Cloud, bucket: str, case: tuple[str, bool, int, bytes | None]
) -> None:
    header, standard, status, body = case
    cloud.call("PUT", f"{bucket}/k", DATA)
    headers = {"Range": header}
    if standard:
        headers["x-oss-range-behavior"] = "standard"
    got = cloud.call("GET", f"{bucket}/k", headers=headers)
    assert got.status == status
    if body is None:
        assert got.code == "InvalidRange"
    else:
        assert got.body == body
        assert ("content-range" in got.headers) == (status == 206)


def test_a_range_says_where_it_lies(cloud: Cloud, bucket: str) -> None:
    cloud.call("PUT", f"{bucket}/k", DATA)
    got = cloud.call("GET", f"{bucket}/k", headers={"Range": "bytes=5-8"})
    assert got.headers["content-range"] == f"bytes 5-8/{len(DATA)}"
    assert got.content_length == 4
    # The checksum is of the whole object even so.
    assert got.headers["x-oss-hash-crc64ecma"] == str(crc64(DATA))


def test_the_query_overrides_headers(cloud: Cloud, bucket: str) -> None:
    cloud.call("PUT", f"{bucket}/k", DATA)
    got = cloud.call(
        "GET",
        f"{bucket}/k?response-content-type=text/x&response-content-disposition=attachment",
    )
    assert got.headers["content-type"] == "text/x"
    assert got.headers["content-disposition"] == "attachment"


def test_conditions(cloud: Cloud, bucket: str) -> None:
    etag = cloud.call("PUT", f"{bucket}/k", DATA).headers["etag"]
    before, after = "Thu, 14 Jan 2027 08:00:00 GMT", "Sat, 16 Jan 2027 08:00:00 GMT"
    for method in ("GET", "HEAD"):
        for name, value, status in (
            ("If-Match", etag, 200),
            ("If-Match", '"0"', 412),
            ("If-None-Match", etag, 304),
            ("If-None-Match", '"0"', 200),
            ("If-Modified-Since", before, 200),
            ("If-Modified-Since", after, 304),
            ("If-Unmodified-Since", after, 200),
            ("If-Unmodified-Since", before, 412),
            ("If-Modified-Since", "nonsense", 200),
        ):
            got = cloud.call(method, f"{bucket}/k", headers={name: value})
            assert got.status == status, (method, name, value)


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "If-Modified-Since"])
def test_uploads_take_no_conditions(cloud: Cloud, bucket: str, name: str) -> None:
    cloud.call("PUT", f"{bucket}/k", b"1")
    refused = cloud.call("PUT", f"{bucket}/k", b"2", headers={name: "*"})
    assert (refused.status, refused.code) == (400, "NotImplemented")
    assert cloud.call("GET", f"{bucket}/k").body == b"1"


def test_overwriting_can_be_forbidden(cloud: Cloud, bucket: str) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    assert cloud.call("PUT", f"{bucket}/k", b"1", headers=forbid).status == 200
    again = cloud.call("PUT", f"{bucket}/k", b"2", headers=forbid)
    assert (again.status, again.code) == (409, "FileAlreadyExists")
    assert cloud.call("PUT", f"{bucket}/k", b"3").status == 200
    assert cloud.call("GET", f"{bucket}/k").body == b"3"


def test_deleting_twice_is_no_error(cloud: Cloud, bucket: str) -> None:
    cloud.call("PUT", f"{bucket}/k", DATA)
    assert [cloud.call("DELETE", f"{bucket}/k").status for _ in range(2)] == [204, 204]
    assert cloud.call("GET", f"{bucket}/k").code == "NoSuchKey"


def test_many_are_deleted_at_once(cloud: Cloud, bucket: str) -> None:
    keys = ["plain", "a&b<c>", "ünï/code 1"]
    for key in keys:
        cloud.world.oss.objects.put(
            cloud.visit(), bucket, key, cloud.world.blobs.writer().finish()
        )
    body = (
        "<Delete><Quiet>false</Quiet><Object><Key>plain</Key></Object>"
        "<Object><Key>a&amp;b&lt;c&gt;</Key></Object><Object><Key>ünï/code 1</Key>"
        "</Object><Object><Key>never there</Key></Object></Delete>"
    ).encode()
    headers = {"Content-MD5": md5_base64(body)}
    gone = cloud.call(
        "POST", f"{bucket}?delete&encoding-type=url", body, headers=headers
    )
    assert gone.status == 200
    assert gone.texts("Deleted/Key") == [
        "plain",
        "a%26b%3Cc%3E",
        "%C3%BCn%C3%AF%2Fcode%201",
        "never%20there",
    ]
    assert not list(cloud.world.oss.buckets.get(cloud.visit(), bucket).objects)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Delete>",
        b"<Wrong/>",
        b"<Delete></Delete>",
        b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
        b'<!DOCTYPE x [<!ENTITY e "x">]><Delete><Object><Key>&e;</Key></Object></Delete>',
    ],
)
def test_malformed_deletes_are_refused(cloud: Cloud, bucket: str, body: bytes) -> None:
    headers = {"Content-MD5": md5_base64(body)}
    answer = cloud.call("POST", f"{bucket}?delete", body, headers=headers)
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_a_deletes_md5_is_checked(cloud: Cloud, bucket: str) -> None:
    body = b"<Delete><Object><Key>k</Key></Object></Delete>"
    assert cloud.call("POST", f"{bucket}?delete", body).code == "MissingArgument"
    wrong = {"Content-MD5": md5_base64(b"")}
    refused = cloud.call("POST", f"{bucket}?delete", body, headers=wrong)
    assert refused.code == "InvalidDigest"


@pytest.mark.parametrize("key", ["%2Fslash", "%5Cback", "k" * 1024])
def test_impossible_keys_are_refused(cloud: Cloud, bucket: str, key: str) -> None:
    assert cloud.call("PUT", f"{bucket}/{key}", b"").code == "InvalidObjectName"


def test_downloads_can_be_spoilt(cloud: Cloud, bucket: str) -> None:
    cloud.call("PUT", f"{bucket}/k", DATA)
    short = cloud.call("GET", f"{bucket}/k", faults=(Fault(do=Do.TRUNCATE),))
    assert short.content_length == len(DATA)
    assert short.body == DATA[: len(DATA) // 2]
    bad = cloud.call("GET", f"{bucket}/k", faults=(Fault(do=Do.CORRUPT),))
    assert len(bad.body) == len(DATA)
    assert bad.body != DATA


def test_files_go_with_their_objects(cloud: Cloud, bucket: str, tmp_path: Path) -> None:
    cloud.call("PUT", f"{bucket}/k", b"one")
    cloud.call("PUT", f"{bucket}/k", b"two")
    assert len(list(tmp_path.iterdir())) == 1
    held = cloud.world.oss.read(cloud.main.account_id, "ap-northeast-1", bucket, "k")
    cloud.call("DELETE", f"{bucket}/k")
    # An import that is still reading keeps the bytes alive.
    assert held.read(0, 3) == b"two"
    del held
    assert not list(tmp_path.iterdir())


def test_a_refused_upload_leaves_no_file(
    cloud: Cloud, bucket: str, tmp_path: Path
) -> None:
    wrong = {"Content-MD5": md5_base64(b"")}
    assert cloud.call("PUT", f"{bucket}/k", DATA, headers=wrong).status == 400
    assert cloud.call("PUT", "nobucket/k", DATA).code == "NoSuchBucket"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["pail/k", "pail/k?append&position=0"])
def test_a_body_needs_a_length(cloud: Cloud, bucket: str, target: str) -> None:
    method = "POST" if "append" in target else "PUT"
    put = cloud.call(method, target, says_length=False)
    assert (put.status, put.code) == (411, "MissingContentLength")
    chunked = {"Transfer-Encoding": "chunked"}
    put = cloud.call(method, target, b"x", says_length=False, headers=chunked)
    assert put.status == 200


def test_large_bodies_are_hashed_beside_the_event_loop(
    cloud: Cloud, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: Counter[str] = Counter()  # bytes by thread
    update = Crc64.update

    def noted(crc: Crc64, data: bytes) -> None:
        hashed[current_thread().name] += len(data)
        update(crc, data)

    monkeypatch.setattr(Crc64, "update", noted)
    here = current_thread().name
    data = bytes(range(256)) * 8192  # 2 MiB
    put = cloud.call("PUT", "pail/large", data)
    assert put.headers["x-oss-hash-crc64ecma"] == str(crc64(data))
    assert put.headers["etag"] == f'"{hashlib.md5(data).hexdigest().upper()}"'
    assert hashed.total() == len(data)
    assert hashed[here] < 512 * 1024, "the last of it"
    hashed.clear()
    cloud.call("PUT", "pail/small", b"x")
    assert hashed == {here: 1}
    assert cloud.call("GET", "pail/large").body == data
