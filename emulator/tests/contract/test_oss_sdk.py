"""The official OSS SDK (alibabacloud_oss_v2) against the emulator, unchanged.

What it asserts is what the SDK's own integration tests rely on, in our words.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import pytest
import requests

from emulator.tests.support.emulator import RunningEmulator

BUCKET = "pail-of-the-sdk"
REGION = "ap-northeast-1"
CONTROLS = "".join(map(chr, range(1, 32)))

Client = Any  # untyped SDK


def client_of(
    keys: tuple[str, str], *, region: str = REGION, version: str = "v4"
) -> Client:
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(*keys)
    config.region = region
    config.signature_version = version
    return oss.Client(config)


@pytest.fixture
def stranger(cloud: RunningEmulator) -> Client:
    """A client with a key that nobody has."""
    return client_of(("nobody", "nothing"))


@pytest.fixture(params=["v4", "v1"])
def client(cloud: RunningEmulator, request: pytest.FixtureRequest) -> Client:
    """A client with either signature, and a bucket made."""
    made = client_of(cloud.keys, version=request.param)
    made.put_bucket(oss.PutBucketRequest(bucket=BUCKET))
    return made


def refused(call: Callable[..., Any], request: Any) -> tuple[int, str]:
    """Return status and code of the refusal that the call must meet."""
    with pytest.raises(oss.exceptions.OperationError) as caught:
        call(request)
    error = caught.value.unwrap()
    assert len(error.request_id) == 24
    return error.status_code, error.code


def put(client: Client, key: str, body: Any = b"", **given: Any) -> Any:
    return client.put_object(
        oss.PutObjectRequest(bucket=BUCKET, key=key, body=body, **given)
    )


def head(client: Client, key: str) -> Any:
    return client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key=key))


def get(client: Client, key: str, **given: Any) -> Any:
    return client.get_object(oss.GetObjectRequest(bucket=BUCKET, key=key, **given))


def test_a_buckets_description(client: Client) -> None:
    info = client.get_bucket_info(oss.GetBucketInfoRequest(bucket=BUCKET)).bucket_info
    assert info.name == BUCKET
    assert info.location == f"oss-{REGION}"
    assert info.extranet_endpoint == f"oss-{REGION}.aliyuncs.com"
    assert (info.acl, info.access_monitor) == ("private", "Disabled")
    assert info.block_public_access is False
    assert info.creation_date.year >= 2026
    assert info.owner.id
    assert info.resource_group_id
    assert info.sse_rule.sse_algorithm == "None"
    stat = client.get_bucket_stat(oss.GetBucketStatRequest(bucket=BUCKET))
    assert (stat.storage, stat.object_count, stat.last_modified_time) == (0, 0, 0)
    assert stat.deep_cold_archive_real_storage == 0


def test_keys_of_nobody(client: Client, stranger: Client) -> None:
    none = "no-pail-of-this-name"
    for call, request in (
        (stranger.get_bucket_acl, oss.GetBucketAclRequest(bucket=none)),
        (stranger.list_objects_v2, oss.ListObjectsV2Request(bucket=none)),
        (stranger.get_bucket_stat, oss.GetBucketStatRequest(bucket=none)),
        (stranger.get_object, oss.GetObjectRequest(bucket=none, key="k")),
    ):
        assert refused(call, request) == (404, "NoSuchBucket")
    for call, request in (
        (stranger.put_bucket, oss.PutBucketRequest(bucket=none)),
        (stranger.put_bucket_acl, oss.PutBucketAclRequest(bucket=none, acl="private")),
        (stranger.get_object, oss.GetObjectRequest(bucket=BUCKET, key="k")),
        (stranger.put_object, oss.PutObjectRequest(bucket=BUCKET, key="k", body=b"x")),
        (stranger.describe_regions, oss.DescribeRegionsRequest()),
    ):
        assert refused(call, request) == (403, "InvalidAccessKeyId")
    assert stranger.is_bucket_exist(BUCKET)
    assert not stranger.is_bucket_exist(none)


def test_objects_come_back(client: Client) -> None:
    data = bytes(range(256)) * 5000
    written = put(client, "dir/ü +.bin", data, metadata={"Colour": "red"})
    assert written.hash_crc64
    shown = head(client, "dir/ü +.bin")
    assert (shown.content_length, shown.object_type) == (len(data), "Normal")
    assert shown.metadata["colour"] == "red"
    read = get(client, "dir/ü +.bin")
    assert (read.etag, read.body.read()) == (written.etag, data)
    part = get(client, "dir/ü +.bin", range_header="bytes=5-9")
    assert (part.status_code, part.body.read()) == (206, data[5:10])
    assert client.is_object_exist(BUCKET, "dir/ü +.bin")
    assert not client.is_object_exist(BUCKET, "dir/none")


def test_keys_may_hold_control_characters(client: Client) -> None:
    key = f"key{CONTROLS}"
    put(client, key, b"x")
    listed = client.list_objects_v2(oss.ListObjectsV2Request(bucket=BUCKET))
    assert [one.key for one in listed.contents] == [key]
    deleted = client.delete_multiple_objects(
        oss.DeleteMultipleObjectsRequest(
            bucket=BUCKET, encoding_type="url", objects=[oss.DeleteObject(key=key)]
        )
    )
    assert [one.key for one in deleted.deleted_objects] == [key]
    assert not client.is_object_exist(BUCKET, key)


def test_uploads_in_parts(client: Client) -> None:
    key = f"parts{CONTROLS}"
    where = {"bucket": BUCKET, "key": key}
    upload = client.initiate_multipart_upload(
        oss.InitiateMultipartUploadRequest(**where)
    )
    assert (upload.bucket, upload.key) == (BUCKET, key)
    where["upload_id"] = upload.upload_id
    datas = [b"a" * 100 * 1024, b"b" * 5]
    parts = []
    for number, data in enumerate(datas, 1):
        part = client.upload_part(
            oss.UploadPartRequest(**where, part_number=number, body=data)
        )
        parts.append(oss.UploadPart(part_number=number, etag=part.etag))
    listed = client.list_parts(oss.ListPartsRequest(**where))
    assert [(one.part_number, one.size) for one in listed.parts] == [
        (1, 102400),
        (2, 5),
    ]
    assert (listed.max_parts, listed.next_part_number_marker) == (1000, 2)
    uploads = client.list_multipart_uploads(
        oss.ListMultipartUploadsRequest(bucket=BUCKET)
    )
    assert uploads.next_key_marker == uploads.uploads[0].key == key
    done = client.complete_multipart_upload(
        oss.CompleteMultipartUploadRequest(
            **where,
            complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts),
            acl="private",
        )
    )
    assert (done.bucket, done.key) == (BUCKET, key)
    assert get(client, key).body.read() == b"".join(datas)
    assert head(client, key).object_type == "Multipart"
    abort = oss.AbortMultipartUploadRequest(**where)
    assert refused(client.abort_multipart_upload, abort) == (404, "NoSuchUpload")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, "Normal"),
        ({"multipart_copy_threshold": 100 * 1024}, "Normal"),
        (
            {
                "multipart_copy_threshold": 100 * 1024,
                "part_size": 100 * 1024,
                "disable_shallow_copy": True,
            },
            "Multipart",
        ),
    ],
)
def test_the_copier(client: Client, options: dict[str, Any], kind: str) -> None:
    put(
        client,
        "source",
        b"z" * 250_000,
        metadata={"auth": "owner", "x-oss-meta-odd": "1"},
        content_type="text/plain",
        content_encoding="deflate",
        expires="Wed, 08 Jul 2022 16:57:01 GMT",
        tagging="TagA=A&TagB=B",
        headers={"Content-Language": "zh"},
    )
    source = head(client, "source")
    request = oss.CopyObjectRequest(bucket=BUCKET, key="copy", source_key="source")
    copied = client.copier().copy(request, **options)
    assert copied.hash_crc64 == source.hash_crc64
    assert (copied.etag == source.etag) == (kind == "Normal")
    copy = head(client, "copy")
    assert copy.object_type == kind
    assert copy.metadata["auth"] == "owner"
    assert copy.metadata["x-oss-meta-odd"] == "1"
    assert (copy.content_type, copy.content_encoding) == ("text/plain", "deflate")
    assert (copy.tagging_count, copy.headers["Content-Language"]) == (2, "zh")


def test_presigned_urls(client: Client) -> None:
    where = {"bucket": BUCKET, "key": "signed ü"}
    typed = client.presign(oss.PutObjectRequest(**where, content_type="text/txt"))
    forgotten = requests.put(typed.url, data=b"x", timeout=10)
    assert forgotten.status_code == 403
    wrote = requests.put(typed.url, data=b"x", headers=typed.signed_headers, timeout=10)
    assert wrote.status_code == 200
    read = requests.get(client.presign(oss.GetObjectRequest(**where)).url, timeout=10)
    assert (read.content, read.headers["content-type"]) == (b"x", "text/txt")
    shown = requests.head(
        client.presign(oss.HeadObjectRequest(**where)).url, timeout=10
    )
    assert shown.headers["content-length"] == "1"


def test_paginators(client: Client) -> None:
    keys = [f"url-%123-/?#:key-{number}" for number in range(5)]
    for key in keys:
        put(client, key)
        client.initiate_multipart_upload(
            oss.InitiateMultipartUploadRequest(bucket=BUCKET, key=key)
        )
    for pages, request in (
        (client.list_objects_paginator, oss.ListObjectsRequest),
        (client.list_objects_v2_paginator, oss.ListObjectsV2Request),
    ):
        listed = pages(limit=2).iter_page(request(bucket=BUCKET, prefix="url-%"))
        assert [[one.key for one in page.contents] for page in listed] == [
            keys[:2],
            keys[2:4],
            keys[4:],
        ]
    versions = client.list_object_versions_paginator(limit=3)
    page_of = versions.iter_page(oss.ListObjectVersionsRequest(bucket=BUCKET))
    assert [one.key for page in page_of for one in page.version] == keys
    uploads = client.list_multipart_uploads_paginator(limit=1)
    pages = uploads.iter_page(oss.ListMultipartUploadsRequest(bucket=BUCKET))
    assert [one.key for page in pages for one in page.uploads] == keys


def test_appends_links_and_restores(client: Client) -> None:
    def append(position: int) -> Any:
        return oss.AppendObjectRequest(
            bucket=BUCKET, key="log", position=position, body=b"hello"
        )

    assert client.append_object(append(0)).next_position == 5
    assert client.append_object(append(5)).next_position == 10
    assert refused(client.append_object, append(5)) == (409, "PositionNotEqualToLength")
    assert get(client, "log").body.read() == b"hellohello"

    client.put_symlink(
        oss.PutSymlinkRequest(bucket=BUCKET, key="link", symlink_target="log")
    )
    link = client.get_symlink(oss.GetSymlinkRequest(bucket=BUCKET, key="link"))
    assert link.target == "log"
    assert get(client, "link").body.read() == b"hellohello"

    put(client, "old", b"x", storage_class="Archive")
    restore = oss.RestoreObjectRequest(bucket=BUCKET, key="old")
    assert client.restore_object(restore).status_code == 202
    assert refused(client.restore_object, restore) == (409, "RestoreAlreadyInProgress")


def test_the_transfer_managers(client: Client, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    request = oss.PutObjectRequest(bucket=BUCKET, key="big")
    uploader = client.uploader(part_size=200 * 1024)
    assert uploader.upload_from(request, reader=io.BytesIO(data)).status_code == 200
    downloader = client.downloader(part_size=100 * 1024)
    target = tmp_path / "big"
    downloader.download_file(
        oss.GetObjectRequest(bucket=BUCKET, key="big"), str(target)
    )
    assert target.read_bytes() == data
    with oss.filelike.ReadOnlyFile(client, BUCKET, "big") as file:
        file.seek(1000)
        assert file.read(10) == data[1000:1010]


def test_mainland_regions_refuse_data_from_outside(cloud: RunningEmulator) -> None:
    client = client_of(cloud.keys, region="cn-hangzhou")
    client.put_bucket(oss.PutBucketRequest(bucket=BUCKET))
    request = oss.PutObjectRequest(bucket=BUCKET, key="k", body=b"x")
    with pytest.raises(oss.exceptions.OperationError) as caught:
        client.put_object(request)
    error = caught.value.unwrap()
    assert (error.status_code, error.code) == (400, "PublicEndpointForbidden")
    assert error.ec == "0048-00000401"
    signed = requests.put(client.presign(request).url, data=b"x", timeout=10)
    assert signed.status_code == 400
    assert client.get_bucket_info(oss.GetBucketInfoRequest(bucket=BUCKET))
    client.delete_bucket(oss.DeleteBucketRequest(bucket=BUCKET))


def test_wrong_endpoints_name_the_right_one(
    client: Client, cloud: RunningEmulator
) -> None:
    elsewhere = client_of(cloud.keys, region="eu-central-1")
    with pytest.raises(oss.exceptions.OperationError) as caught:
        elsewhere.get_bucket_info(oss.GetBucketInfoRequest(bucket=BUCKET))
    error = caught.value.unwrap()
    assert (error.status_code, error.code) == (403, "AccessDenied")
    assert error.error_fileds["Endpoint"] == f"oss-{REGION}.aliyuncs.com"
