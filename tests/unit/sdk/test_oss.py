"""OSS: what is sent, and what answers become."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.sdk.bodies import BodyReader
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.values import (
    Body,
    Bucket,
    StoredObject,
    StoredPart,
    Upload,
)
from ali_import.disk.pack import Extent, PartBody
from ali_import.errors import TransportError
from tests.unit.sdk.far_side import FarSide, Reply, Seen, as_xml

REGION = "eu-west-1"
HOST = "oss-eu-west-1.aliyuncs.com"
DATA = bytes(range(256)) * 1000


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(b"before" + DATA + b"after")
    return path


# --- bodies --------------------------------------------------------------------------


@pytest.mark.parametrize("from_file", [True, False])
def test_an_object_is_stored_with_a_digest_that_oss_checks(
    far: FarSide, cloud: SdkCloud, image: Path, *, from_file: bool
) -> None:
    far.answer = lambda _seen: Reply(headers={"x-oss-hash-crc64ecma": "1"})
    body: Body = (
        PartBody(path=image, extents=(Extent(6, len(DATA)),)) if from_file else DATA
    )
    request = calls.PutObject(
        region=REGION, bucket="b-1", key="a/ä b", body=body, content_md5=md5(DATA)
    )
    anyio.run(cloud.call, request)
    [seen] = far.seen
    assert (seen.method, seen.host) == ("PUT", f"b-1.{HOST}")
    assert seen.path == "/a/%C3%A4%20b"
    assert seen.body == DATA
    assert seen.headers["content-length"] == str(len(DATA))
    told = base64.b64decode(seen.headers["content-md5"]).hex()
    assert told == md5(DATA)
    assert seen.headers["authorization"].startswith("OSS4-HMAC-SHA256 Credential=")
    assert f"/{REGION}/oss/" in seen.headers["authorization"]


def test_a_range_of_a_file_reads_as_a_file_of_its_own(image: Path) -> None:
    with BodyReader(PartBody(path=image, extents=(Extent(6, len(DATA)),))) as reader:
        assert len(reader) == len(DATA)
        assert reader.read(10) == DATA[:10]
        assert reader.tell() == 10
        assert reader.seek(-5, 2) == len(DATA) - 5
        assert reader.read() == DATA[-5:]
        assert reader.read(1) == b""
        reader.seek(0)
        assert b"".join(reader) == DATA


def test_a_range_is_read_in_blocks_not_whole(cloud: SdkCloud, far: FarSide) -> None:
    import tracemalloc

    size = 300 * 1024 * 1024
    far.answer = lambda _seen: Reply(status=200, headers={"ETag": '"E"'})
    zeros = PartBody(path=Path("/dev/zero"), extents=(Extent(0, size),))
    request = calls.UploadPart(
        region=REGION,
        bucket="b-1",
        key="k",
        upload_id="U",
        number=3,
        body=zeros,
        content_md5=md5(b""),
    )
    anyio.run(cloud.call, calls.ListMultipartUploads(region=REGION, bucket="b-1"))
    tracemalloc.start()
    part = anyio.run(cloud.call, request)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert part == StoredPart(number=3, etag='"E"')
    # 32 MiB of it is what the far side keeps to show.
    assert most < 80 * 1024 * 1024
    assert far.seen[-1].headers["content-length"] == str(size)
    assert far.seen[-1].query == {"partNumber": "3", "uploadId": "U"}


# --- the other calls -----------------------------------------------------------------

SHAPES: list[tuple[calls.Call[Any], tuple[str, str, str, dict[str, str]]]] = [
    (
        calls.PutBucket(region=REGION, bucket="b-1"),
        ("PUT", f"b-1.{HOST}", "/", {}),
    ),
    (
        calls.DeleteBucket(region=REGION, bucket="b-1"),
        ("DELETE", f"b-1.{HOST}", "/", {}),
    ),
    (
        calls.DeleteObjects(region=REGION, bucket="b-1", keys=["k1", "k&2"]),
        ("POST", f"b-1.{HOST}", "/", {"delete": "", "encoding-type": "url"}),
    ),
    (
        calls.CompleteMultipartUpload(
            region=REGION,
            bucket="b-1",
            key="k",
            upload_id="U",
            parts=[
                StoredPart(number=2, etag='"B"'),
                StoredPart(number=1, etag='"A"'),
            ],
        ),
        ("POST", f"b-1.{HOST}", "/k", {"uploadId": "U", "encoding-type": "url"}),
    ),
    (
        calls.AbortMultipartUpload(region=REGION, bucket="b-1", key="k", upload_id="U"),
        ("DELETE", f"b-1.{HOST}", "/k", {"uploadId": "U"}),
    ),
]


def accepted(seen: Seen) -> Reply:
    """Answer as OSS does what it accepts."""
    if seen.method == "POST" and "uploadId" in seen.query:
        return as_xml(
            "<CompleteMultipartUploadResult><ETag>E</ETag>"
            "</CompleteMultipartUploadResult>"
        )
    return Reply()


@pytest.mark.parametrize(
    ("request_", "shape"), SHAPES, ids=lambda value: type(value).__name__
)
def test_what_is_sent(
    far: FarSide,
    cloud: SdkCloud,
    request_: calls.Call[Any],
    shape: tuple[str, str, str, dict[str, str]],
) -> None:
    far.answer = accepted
    anyio.run(cloud.call, request_)
    [seen] = far.seen
    assert (seen.method, seen.host, seen.path, seen.query) == shape


def test_parts_are_completed_in_order_and_keys_deleted_quietly(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = accepted
    for request, _ in SHAPES:
        anyio.run(cloud.call, request)
    bodies = [seen.body for seen in far.seen]
    assert bodies[0] == b""  # no configuration: Standard, private, unencrypted
    assert b"<Quiet>true</Quiet>" in bodies[2]
    assert b"<Key>k1</Key>" in bodies[2]
    assert b"<Key>k&amp;2</Key>" in bodies[2]
    assert bodies[3].index(b"A") < bodies[3].index(b"B")


def pages(*parts: tuple[str, str]) -> Callable[[Seen], Reply]:
    """Answer with one page after the other; each says where the next begins."""
    waiting = list(parts)

    def answer(_seen: Seen) -> Reply:
        root, inside = waiting.pop(0)
        truncated = "true" if waiting else "false"
        return as_xml(
            f"<{root}><IsTruncated>{truncated}</IsTruncated>{inside}</{root}>"
        )

    return answer


BUCKET = "<Bucket><Name>{}</Name>{}</Bucket>"


def test_buckets_of_all_pages_and_regions_are_listed(
    far: FarSide, cloud: SdkCloud
) -> None:
    root = "ListAllMyBucketsResult"
    far.answer = pages(
        (
            root,
            "<NextMarker>m</NextMarker><Buckets>"
            + BUCKET.format("p-1", "<Location>oss-cn-shanghai</Location>")
            + BUCKET.format("q-1", "<Location>oss-cn-shanghai</Location>")
            + "</Buckets>",
        ),
        (
            root,
            "<Buckets>"
            + BUCKET.format("p-2", "<Region>eu-west-1</Region>")
            + "</Buckets>",
        ),
    )
    found = anyio.run(cloud.call, calls.ListBuckets(prefix="p-"))
    assert found == (
        Bucket(name="p-1", region="cn-shanghai"),
        Bucket(name="p-2", region="eu-west-1"),
    )
    assert [seen.query.get("marker") for seen in far.seen] == [None, "m"]
    assert far.seen[0].query["prefix"] == "p-"


def test_objects_of_all_pages_are_listed(far: FarSide, cloud: SdkCloud) -> None:
    root = "ListBucketResult"
    row = "<Contents><Key>{}</Key><Size>{}</Size></Contents>"
    far.answer = pages(
        (
            root,
            "<EncodingType>url</EncodingType><NextContinuationToken>t"
            "</NextContinuationToken>" + row.format("a%2Fb", 1),
        ),
        (root, row.format("c", 2)),
    )
    found = anyio.run(cloud.call, calls.ListObjects(region=REGION, bucket="b-1"))
    assert found == (
        StoredObject(key="a/b", size_bytes=1),
        StoredObject(key="c", size_bytes=2),
    )
    assert far.seen[0].query["list-type"] == "2"
    assert far.seen[1].query["continuation-token"] == "t"


def test_a_page_that_does_not_say_where_the_next_begins_is_garbled(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = pages(("ListBucketResult", ""), ("ListBucketResult", ""))
    with pytest.raises(TransportError) as caught:
        anyio.run(cloud.call, calls.ListObjects(region=REGION, bucket="b-1"))
    assert caught.value.code == "GarbledAnswer"


def test_uploads_of_all_pages_are_listed(far: FarSide, cloud: SdkCloud) -> None:
    root = "ListMultipartUploadsResult"
    row = "<Upload><Key>{}</Key><UploadId>{}</UploadId></Upload>"
    far.answer = pages(
        (
            root,
            "<NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>1"
            "</NextUploadIdMarker>" + row.format("a", "1"),
        ),
        (root, row.format("b", "2")),
    )
    found = anyio.run(
        cloud.call, calls.ListMultipartUploads(region=REGION, bucket="b-1")
    )
    assert found == (Upload(key="a", upload_id="1"), Upload(key="b", upload_id="2"))
    assert far.seen[1].query["key-marker"] == "a"
    assert far.seen[1].query["upload-id-marker"] == "1"


def test_parts_of_all_pages_are_listed(far: FarSide, cloud: SdkCloud) -> None:
    root = "ListPartsResult"
    row = (
        "<Part><PartNumber>{}</PartNumber><ETag>&quot;A0&quot;</ETag>"
        "<Size>{}</Size></Part>"
    )
    far.answer = pages(
        (root, "<NextPartNumberMarker>1</NextPartNumberMarker>" + row.format(1, 10)),
        (root, row.format(2, 7)),
    )
    request = calls.ListParts(region=REGION, bucket="b-1", key="k", upload_id="U")
    found = anyio.run(cloud.call, request)
    assert found == (
        StoredPart(number=1, etag='"A0"', size_bytes=10),
        StoredPart(number=2, etag='"A0"', size_bytes=7),
    )
    assert far.seen[1].query["part-number-marker"] == "1"
    assert found[0].holds(10, "a0")
    assert not found[0].holds(11, "a0")
    assert not found[0].holds(10, "a1")


def test_a_part_is_copied_from_a_range_of_an_object(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: as_xml(
        "<CopyPartResult><ETag>&quot;E&quot;</ETag></CopyPartResult>"
    )
    request = calls.UploadPartCopy(
        region=REGION,
        bucket="b-1",
        key="k",
        upload_id="U",
        number=3,
        source_bucket="b-2",
        source_key="a/b",
        offset=100,
        length=50,
    )
    part = anyio.run(cloud.call, request)
    assert part == StoredPart(number=3, etag='"E"')
    [seen] = far.seen
    assert (seen.method, seen.body) == ("PUT", b"")
    assert seen.query == {"partNumber": "3", "uploadId": "U"}
    assert seen.headers["x-oss-copy-source"] == "/b-2/a/b"
    assert seen.headers["x-oss-copy-source-range"] == "bytes=100-149"


def test_an_upload_is_begun(far: FarSide, cloud: SdkCloud) -> None:
    far.answer = lambda _seen: as_xml(
        "<InitiateMultipartUploadResult><Bucket>b-1</Bucket><Key>k</Key>"
        "<UploadId>U1</UploadId></InitiateMultipartUploadResult>"
    )
    request = calls.InitiateMultipartUpload(region=REGION, bucket="b-1", key="k")
    assert anyio.run(cloud.call, request) == "U1"


def test_an_upload_without_an_id_is_garbled(far: FarSide, cloud: SdkCloud) -> None:
    far.answer = lambda _seen: as_xml("<InitiateMultipartUploadResult/>")
    request = calls.InitiateMultipartUpload(region=REGION, bucket="b-1", key="k")
    with pytest.raises(TransportError) as caught:
        anyio.run(cloud.call, request)
    assert caught.value.code == "GarbledAnswer"
