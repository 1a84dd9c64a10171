"""Uploads in parts, as a client sees them."""

import hashlib
from pathlib import Path
from threading import current_thread
from xml.etree.ElementTree import Element

import pytest

from alicloud_emulator.products.oss import xml
from alicloud_emulator.world.checksum import crc64
from emulator.tests.unit.oss.conftest import Cloud
from emulator.tests.unit.oss.test_objects_on_the_wire import md5_base64

PART = b"p" * 100 * 1024
LAST = b"the end"


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    cloud.call("PUT", "pail")
    return "pail"


@pytest.fixture
def upload(cloud: Cloud, bucket: str) -> str:
    headers = {"Content-Type": "text/x", "x-oss-meta-a": "1", "x-oss-tagging": "t=v"}
    answer = cloud.call("POST", f"{bucket}/k?uploads", headers=headers)
    assert (answer.text("Bucket"), answer.text("Key")) == (bucket, "k")
    return answer.text("UploadId") or ""


def put_part(cloud: Cloud, upload: str, number: int, data: bytes) -> str:
    answer = cloud.call("PUT", f"pail/k?partNumber={number}&uploadId={upload}", data)
    assert answer.status == 200, answer.body
    assert answer.headers["x-oss-hash-crc64ecma"] == str(crc64(data))
    assert answer.headers["content-md5"] == md5_base64(data)
    return answer.headers["etag"]


def complete(parts: list[tuple[int, str]]) -> bytes:
    listed = "".join(
        f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"
        for n, etag in parts
    )
    return f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()


def test_parts_become_an_object(cloud: Cloud, upload: str, tmp_path: Path) -> None:
    last = put_part(cloud, upload, 7, LAST)
    put_part(cloud, upload, 2, b"to be replaced")
    first = put_part(cloud, upload, 2, PART)
    body = complete([(2, first), (7, last)])
    done = cloud.call("POST", f"pail/k?uploadId={upload}", body)
    assert done.status == 200
    digests = hashlib.md5(PART).digest() + hashlib.md5(LAST).digest()
    etag = f'"{hashlib.md5(digests).hexdigest().upper()}-2"'
    assert done.text("ETag") == done.headers["etag"] == etag
    assert done.headers["x-oss-hash-crc64ecma"] == str(crc64(PART + LAST))
    got = cloud.call("GET", "pail/k", headers={"Range": "bytes=102399-102401"})
    assert got.body == b"pth"
    assert got.headers["x-oss-object-type"] == "Multipart"
    assert got.headers["content-type"] == "text/x"
    assert got.headers["x-oss-meta-a"] == "1"
    assert got.headers["x-oss-tagging-count"] == "1"
    assert cloud.call("GET", "pail/k").body == PART + LAST
    # The replaced part is gone, the two others live on inside the object.
    assert len(list(tmp_path.iterdir())) == 2
    again = cloud.call("POST", f"pail/k?uploadId={upload}", body)
    assert (again.status, again.code) == (404, "NoSuchUpload")


def test_all_parts_can_be_taken_without_naming_them(cloud: Cloud, upload: str) -> None:
    put_part(cloud, upload, 1, PART)
    put_part(cloud, upload, 2, LAST)
    headers = {"x-oss-complete-all": "yes"}
    done = cloud.call("POST", f"pail/k?uploadId={upload}", headers=headers)
    assert done.status == 200
    assert cloud.call("GET", "pail/k").body == PART + LAST


def test_wrong_lists_of_parts(cloud: Cloud, upload: str) -> None:
    first = put_part(cloud, upload, 1, PART)
    small = put_part(cloud, upload, 2, b"small")
    last = put_part(cloud, upload, 3, LAST)
    for parts, code in (
        ([], "MalformedXML"),
        ([(1, first), (9, last)], "InvalidPart"),
        ([(1, last)], "InvalidPart"),
        ([(3, last), (1, first)], "InvalidPartOrder"),
        ([(1, first), (1, first)], "InvalidPartOrder"),
        ([(1, first), (2, small), (3, last)], "EntityTooSmall"),
    ):
        body = complete(parts)
        answer = cloud.call("POST", f"pail/k?uploadId={upload}", body)
        assert (answer.status, answer.code) == (400, code)
    # The upload is still there after every refusal.
    body = complete([(1, first), (3, last)])
    assert cloud.call("POST", f"pail/k?uploadId={upload}", body).status == 200


def test_a_long_list_of_parts_is_read_beside_the_event_loop(
    cloud: Cloud, upload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    parse = xml.parse

    def noted(body: bytes, root: str) -> Element:
        seen.append(current_thread().name)
        return parse(body, root)

    monkeypatch.setattr(xml, "parse", noted)
    parts = [(number, put_part(cloud, upload, number, PART)) for number in (1, 2)]
    unknown = [(number, "0" * 32) for number in range(3, 10_001)]
    answer = cloud.call(
        "POST", f"pail/k?uploadId={upload}", complete([*parts, *unknown])
    )
    assert answer.code == "InvalidPart"
    assert seen.count(current_thread().name) == 0
    answer = cloud.call("POST", f"pail/k?uploadId={upload}", complete(parts))
    assert answer.status == 200
    assert seen[1:] == [current_thread().name]


@pytest.mark.parametrize("number", ["0", "10001", "x", "-1", "", "9" * 400])
def test_part_numbers_have_bounds(cloud: Cloud, upload: str, number: str) -> None:
    target = f"pail/k?partNumber={number}&uploadId={upload}"
    assert cloud.call("PUT", target, PART).code == "InvalidArgument"


def test_an_upload_belongs_to_its_key(cloud: Cloud, upload: str) -> None:
    for target in ("pail/other", "pail/k"):
        wrong = upload if target == "pail/other" else "0" * 32
        answer = cloud.call("PUT", f"{target}?partNumber=1&uploadId={wrong}", PART)
        assert (answer.status, answer.code) == (404, "NoSuchUpload")


def test_aborting_frees_the_parts(cloud: Cloud, upload: str, tmp_path: Path) -> None:
    put_part(cloud, upload, 1, PART)
    assert len(list(tmp_path.iterdir())) == 1
    assert cloud.call("DELETE", f"pail/k?uploadId={upload}").status == 204
    assert not list(tmp_path.iterdir())
    assert cloud.call("DELETE", f"pail/k?uploadId={upload}").code == "NoSuchUpload"


def test_parts_are_listed_in_pages(cloud: Cloud, upload: str) -> None:
    for number in (3, 1, 2):
        put_part(cloud, upload, number, LAST)
    page = cloud.call("GET", f"pail/k?uploadId={upload}&max-parts=2")
    assert page.texts("Part/PartNumber") == ["1", "2"]
    assert page.texts("Part/HashCrc64ecma") == [str(crc64(LAST))] * 2
    assert page.text("NextPartNumberMarker") == "2"
    assert page.text("IsTruncated") == "true"
    rest = cloud.call("GET", f"pail/k?uploadId={upload}&part-number-marker=2")
    assert rest.texts("Part/PartNumber") == ["3"]
    assert rest.text("IsTruncated") == "false"


def test_uploads_are_listed_in_pages(cloud: Cloud, bucket: str) -> None:
    ids: dict[str, list[str]] = {}
    for key in ("d/a", "d/b", "k", "k", "z"):
        answer = cloud.call("POST", f"{bucket}/{key}?uploads")
        ids.setdefault(key, []).append(answer.text("UploadId") or "")
    expected = [
        (key, upload) for key, uploads in ids.items() for upload in sorted(uploads)
    ]
    seen = []
    markers = ""
    for _ in range(10):
        page = cloud.call("GET", f"{bucket}?uploads&max-uploads=1{markers}")
        seen += list(
            zip(page.texts("Upload/Key"), page.texts("Upload/UploadId"), strict=True)
        )
        if page.text("IsTruncated") == "false":
            break
        markers = (
            f"&key-marker={page.text('NextKeyMarker')}"
            f"&upload-id-marker={page.text('NextUploadIdMarker')}"
        )
    assert seen == expected
    rolled = cloud.call("GET", f"{bucket}?uploads&delimiter=/")
    assert rolled.texts("CommonPrefixes/Prefix") == ["d/"]
    assert rolled.texts("Upload/Key") == ["k", "k", "z"]
    after = cloud.call("GET", f"{bucket}?uploads&key-marker=k")
    assert after.texts("Upload/Key") == ["z"]
    under = cloud.call("GET", f"{bucket}?uploads&prefix=d/")
    assert under.texts("Upload/Key") == ["d/a", "d/b"]


def test_parts_can_be_ranges_of_objects(cloud: Cloud, upload: str) -> None:
    cloud.call("PUT", "pail/source", PART + LAST)
    target = f"pail/k?partNumber=1&uploadId={upload}"
    source = {"x-oss-copy-source": "/pail/source"}
    ranged = {**source, "x-oss-copy-source-range": "bytes=0-102399"}
    copied = cloud.call("PUT", target, headers=ranged)
    assert copied.text("ETag") == f'"{hashlib.md5(PART).hexdigest().upper()}"'
    whole = cloud.call("PUT", target.replace("r=1", "r=2"), headers=source)
    parts = [(1, copied.headers["etag"]), (2, whole.headers["etag"])]
    done = cloud.call("POST", f"pail/k?uploadId={upload}", complete(parts))
    assert done.status == 200
    assert cloud.call("GET", "pail/k").body == PART + PART + LAST
    for headers, code in (
        ({"x-oss-copy-source": "/pail/none"}, "NoSuchKey"),
        ({"x-oss-copy-source": "/none/none"}, "NoSuchBucket"),
        ({"x-oss-copy-source": "nonsense"}, "InvalidArgument"),
    ):
        upload = cloud.call("POST", "pail/k?uploads").text("UploadId") or ""
        target = f"pail/k?partNumber=1&uploadId={upload}"
        assert cloud.call("PUT", target, headers=headers).code == code


def test_completing_honours_forbid_overwrite(cloud: Cloud, upload: str) -> None:
    cloud.call("PUT", "pail/k", b"there already")
    etag = put_part(cloud, upload, 1, LAST)
    body = complete([(1, etag)])
    forbid = {"x-oss-forbid-overwrite": "true"}
    answer = cloud.call("POST", f"pail/k?uploadId={upload}", body, headers=forbid)
    assert (answer.status, answer.code) == (409, "FileAlreadyExists")
    assert cloud.call("GET", "pail/k").body == b"there already"


def test_parts_that_a_client_encrypted_say_how(cloud: Cloud, bucket: str) -> None:
    names = ("key", "start", "cek-alg", "wrap-alg", "data-size", "part-size")
    headers = {f"x-oss-meta-client-side-encryption-{n}": f"the {n}" for n in names}
    begun = cloud.call("POST", f"{bucket}/sealed?uploads", headers=headers)
    listed = cloud.call("GET", f"{bucket}/sealed?uploadId={begun.text('UploadId')}")
    for tag, name in zip(
        ("Key", "Start", "CekAlg", "WrapAlg", "DataSize", "PartSize"),
        names,
        strict=True,
    ):
        assert listed.text(f"ClientEncryption{tag}") == f"the {name}"
