"""The older OSS SDK (oss2) against the emulator, unchanged, with V1 and V4.

What it asserts is what the SDK's own tests rely on, in our words.
"""

import datetime as dt
import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oss2
import pytest
import requests
from oss2 import exceptions, models

from emulator.tests.support.emulator import RunningEmulator

REGION = "ap-northeast-1"
ENDPOINT = f"https://oss-{REGION}.aliyuncs.com"
NAME = "pail-of-oss2"
Bucket = Any  # untyped SDK

# The SDK leaves sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(params=[oss2.Auth, oss2.AuthV4], ids=["v1", "v4"])
def auth(cloud: RunningEmulator, request: pytest.FixtureRequest) -> Any:
    return request.param(*cloud.keys)


@pytest.fixture
def bucket(auth: Any) -> Iterator[Bucket]:
    session = oss2.Session()
    made = oss2.Bucket(auth, ENDPOINT, NAME, session=session, region=REGION)
    made.create_bucket(oss2.BUCKET_ACL_PRIVATE)
    yield made
    session.session.close()
    # Sockets of answers that nobody read to the end: found here, not in a later test.
    gc.collect()


def test_buckets(auth: Any, bucket: Bucket) -> None:
    service = oss2.Service(auth, ENDPOINT, region=REGION)
    assert [one.name for one in service.list_buckets(prefix=NAME).buckets] == [NAME]
    region = service.describe_regions(f"oss-{REGION}").regions[0]
    assert region.region == f"oss-{REGION}"
    assert bucket.get_bucket_location().location == f"oss-{REGION}"
    info = bucket.get_bucket_info()
    assert info.bucket_encryption_rule.sse_algorithm is None
    assert info.versioning_status is None
    bucket.put_object("a.txt", "content")
    assert bucket.get_bucket_stat().storage_size_in_bytes == 7
    with pytest.raises(exceptions.BucketNotEmpty):
        bucket.delete_bucket()
    bucket.delete_object("a.txt")
    bucket.delete_bucket()
    with pytest.raises(exceptions.NoSuchBucket):
        bucket.delete_bucket()


def test_objects(bucket: Bucket) -> None:
    data = bytes(range(256)) * 4096
    bucket.put_object("x.js", data)
    got = bucket.get_object("x.js")
    assert got.read() == data
    shown = bucket.head_object("x.js")
    assert (shown.etag, shown.last_modified) == (got.etag, got.last_modified)
    assert shown.object_type == "Normal"
    assert bucket.get_object("x.js", byte_range=(500, None)).read() == data[500:]
    assert bucket.get_object("x.js", byte_range=(None, 199)).read() == data[-199:]
    assert bucket.get_object("x.js", byte_range=(3, 3)).read() == data[3:4]
    blocks = (data[start : start + 8192] for start in range(0, len(data), 8192))
    bucket.put_object("chunked", blocks)
    bucket.put_object("from-download", bucket.get_object("chunked"))
    assert bucket.get_object("from-download").read() == data
    soon = oss2.utils.http_date(int(time.time()) + 60)
    with pytest.raises(exceptions.NotModified):
        bucket.get_object("x.js", headers={"if-modified-since": soon})
    with pytest.raises(exceptions.InvalidObjectName):
        bucket.put_object("/x", b"")
    with pytest.raises(exceptions.NoSuchKey):
        bucket.get_object("none")
    with pytest.raises(exceptions.NotFound):
        bucket.head_object("none")


def test_text_comes_compressed(bucket: Bucket) -> None:
    data = b"line\n" * 50_000
    bucket.put_object("g.txt", data)
    got = bucket.get_object("g.txt", headers={"Accept-Encoding": "gzip"})
    assert got.read() == data
    assert got.content_length is None
    assert got.headers["Content-Encoding"] == "gzip"


def test_anonymous_callers(bucket: Bucket) -> None:
    anonymous = oss2.Bucket(oss2.AnonymousAuth(), ENDPOINT, NAME)
    bucket.put_bucket_acl("public-read-write")
    anonymous.put_object("k", b"1")
    assert anonymous.get_object("k").read() == b"1"
    bucket.put_bucket_acl("private")
    with pytest.raises(exceptions.AccessDenied):
        anonymous.put_object("k", b"")
    with pytest.raises(exceptions.AccessDenied):
        anonymous.get_object("k")


def test_signed_urls(bucket: Bucket) -> None:
    for key in ("plain", "中文 + name"):
        bucket.put_object(key, b"42")
        url = bucket.sign_url("GET", key, 60)
        assert requests.get(url, timeout=10).content == b"42"
    headers = {"Content-Type": "image/jpeg"}
    url = bucket.sign_url("PUT", "p.jpg", 3600, headers=headers)
    with pytest.raises(exceptions.SignatureDoesNotMatch):
        bucket.put_object_with_url(url, b"1")
    assert bucket.put_object_with_url(url, b"1", headers=headers).status == 200
    assert bucket.head_object("p.jpg").content_type == "image/jpeg"


def test_deleting_many(bucket: Bucket) -> None:
    keys = [*(f"k{number}" for number in range(5)), "\x01\x02\x1f", "a<b&c>d +"]
    for key in keys:
        bucket.put_object(key, b"")
    assert sorted(bucket.batch_delete_objects(keys).deleted_keys) == sorted(keys)
    assert not any(map(bucket.object_exists, keys))


def test_appends(bucket: Bucket) -> None:
    first = bucket.append_object("log", 0, b"a" * 512, init_crc=0)
    with pytest.raises(exceptions.PositionNotEqualToLength) as caught:
        bucket.append_object("log", 0, b"b")
    assert caught.value.next_position == 512
    # Tags that come with a later append are not even looked at.
    many = {"x-oss-tagging": "&".join(f"k{number}=v" for number in range(15))}
    bucket.append_object("log", 512, b"b", init_crc=first.crc, headers=many)
    assert bucket.get_object_tagging("log").tag_set.len() == 0
    assert bucket.get_object("log").read() == b"a" * 512 + b"b"
    bucket.put_object("normal", b"x")
    with pytest.raises(exceptions.ObjectNotAppendable):
        bucket.append_object("normal", 1, b"x")


def test_copies_and_metadata(bucket: Bucket) -> None:
    source = "阿里云/:?;@&=+$, /<>{}[]|/"
    bucket.put_object(source, b"36", headers={"x-oss-tagging": "k1=v1&k2=v2"})
    bucket.copy_object(NAME, source, "copy")
    assert bucket.get_object("copy").read() == b"36"
    assert bucket.get_object_tagging("copy").tag_set.len() == 2
    bucket.update_object_meta("copy", {"x-oss-meta-category": "novel"})
    assert bucket.head_object("copy").headers["x-oss-meta-category"] == "novel"
    for acl in ("private", "public-read", "default"):
        bucket.put_object_acl("copy", acl)
        assert bucket.get_object_acl("copy").acl == acl
    tagging = models.Tagging()
    tagging.tag_set.tagging_rule["%@abc"] = "a"
    with pytest.raises(exceptions.OssError):
        bucket.put_object_tagging("copy", tagging)
    assert bucket.delete_object_tagging("copy").status == 204


def test_links(bucket: Bucket) -> None:
    bucket.put_object("target", "hello")
    headers = {"x-oss-meta-key1": "v1", "x-oss-meta-KEY2": "v2"}
    bucket.put_symlink("target", "link", headers=headers)
    shown = bucket.head_object("link")
    assert (shown.content_length, shown.etag) == (5, "5D41402ABC4B2A76B9719D911017C592")
    assert shown.headers["x-oss-meta-key2"] == "v2"
    assert bucket.get_symlink("link").target_key == "target"
    with pytest.raises(exceptions.NoSuchKey):
        bucket.get_symlink("none")


def test_uploads_in_parts(bucket: Bucket) -> None:
    data = b"d" * 250 * 1024
    bucket.put_object("source", data)
    upload = bucket.init_multipart_upload("k").upload_id
    parts = []
    for number, span in enumerate(((0, 100 * 1024 - 1), (100 * 1024, None)), 1):
        made = bucket.upload_part_copy(NAME, "source", span, "k", upload, number)
        parts.append(models.PartInfo(number, made.etag))
    wrong = {"Content-Md5": oss2.utils.content_md5(b"other")}
    with pytest.raises(exceptions.InvalidDigest):
        bucket.upload_part("k", upload, 3, b"this", headers=wrong)
    listed = oss2.PartIterator(bucket, "k", upload, max_parts=1)
    assert [part.part_number for part in listed] == [1, 2]
    uploads = oss2.MultipartUploadIterator(bucket)
    assert [one.upload_id for one in uploads] == [upload]
    bucket.complete_multipart_upload("k", upload, parts)
    assert bucket.get_object("k").read() == data
    with pytest.raises(exceptions.NoSuchUpload):
        bucket.abort_multipart_upload("k", upload)


def test_resumable_transfers(bucket: Bucket, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * 8192)
    store = oss2.ResumableStore(root=str(tmp_path))
    oss2.resumable_upload(
        bucket, "k", str(source), store=store, multipart_threshold=1, part_size=500_000
    )
    down = oss2.ResumableDownloadStore(root=str(tmp_path))
    oss2.resumable_download(
        bucket, "k", str(target), store=down, multiget_threshold=1, part_size=300_000
    )
    assert target.read_bytes() == source.read_bytes()


def test_listings(bucket: Bucket) -> None:
    for number in range(7):
        bucket.put_object(f"L/{number}/x", b"")
        bucket.put_object(f"L/{number}y", b"")
    wanted = sorted(f"L/{number}{end}" for number in range(7) for end in "/y")
    for listed in (
        oss2.ObjectIterator(bucket, prefix="L/", delimiter="/", max_keys=2),
        oss2.ObjectIteratorV2(bucket, prefix="L/", delimiter="/", max_keys=3),
    ):
        assert [one.key for one in listed] == wanted


def test_lifecycles(bucket: Bucket) -> None:
    def put(*transitions: tuple[int, str], **expiration: Any) -> None:
        rule = models.LifecycleRule(
            "id", "中文/", expiration=models.LifecycleExpiration(**expiration)
        )
        rule.storage_transitions = [
            models.StorageTransition(days=days, storage_class=kind)
            for days, kind in transitions
        ]
        bucket.put_bucket_lifecycle(models.BucketLifecycle([rule]))

    put((355, "IA"), (356, "Archive"), days=357)
    rule = bucket.get_bucket_lifecycle().rules[0]
    assert (rule.prefix, len(rule.storage_transitions)) == ("中文/", 2)
    bucket.delete_bucket_lifecycle()
    with pytest.raises(exceptions.NoSuchLifecycle):
        bucket.get_bucket_lifecycle()
    for transitions in ([(4, "IA")], [(2, "IA"), (1, "Archive")], [(1, "Standard")]):
        with pytest.raises(exceptions.InvalidArgument):
            put(*transitions, days=3)
    with pytest.raises(exceptions.InvalidRequest):
        put((4, "IA"), created_before_date=dt.date(2016, 12, 25))
    with pytest.raises(exceptions.MalformedXml):
        bucket.put_bucket_lifecycle("<This is a bad xml></bad as I am>")


def test_configurations(bucket: Bucket) -> None:
    bucket.put_bucket_logging(models.BucketLogging(NAME, "日志+/"))
    assert bucket.get_bucket_logging().target_prefix == "日志+/"
    bucket.delete_bucket_logging()
    assert bucket.get_bucket_logging().target_bucket == ""
    with pytest.raises(exceptions.NoSuchCors):
        bucket.get_bucket_cors()
    rule = models.CorsRule(["*"], ["GET"], ["*"], max_age_seconds=-1)
    with pytest.raises(exceptions.InvalidArgument) as caught:
        bucket.put_bucket_cors(models.BucketCors([rule]))
    assert (caught.value.name, caught.value.value) == ("MaxAgeSeconds", "-1")
    with pytest.raises(exceptions.NoSuchWebsite):
        bucket.get_bucket_website()
    bucket.put_bucket_website(models.BucketWebsite("index.html", "error.html"))
    assert bucket.get_bucket_website().index_file == "index.html"
    with pytest.raises(exceptions.NoSuchServerSideEncryptionRule):
        bucket.get_bucket_encryption()
    encryption = models.ServerSideEncryptionRule()
    encryption.sse_algorithm, encryption.kms_master_keyid = "KMS", ""
    bucket.put_bucket_encryption(encryption)
    assert bucket.get_bucket_info().bucket_encryption_rule.kms_master_keyid is None
    with pytest.raises(exceptions.NoSuchBucketPolicy):
        bucket.get_bucket_policy()
    statement = {"Effect": "Deny", "Principal": ["2"], "Action": "oss:GetObject"}
    statement["Resource"] = "acs:oss:*:*:*"
    bucket.put_bucket_policy(json.dumps({"Version": "1", "Statement": [statement]}))
    assert json.loads(bucket.get_bucket_policy().policy)["Version"] == "1"
    bucket.put_bucket_request_payment("Requester")
    assert bucket.get_bucket_request_payment().payer == "Requester"


def test_tags_of_buckets(auth: Any, bucket: Bucket) -> None:
    rule = models.TaggingRule()
    rule.add("%@abc", "++123%")
    bucket.put_bucket_tagging(models.Tagging(rule))
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"%@abc": "++123%"}
    service = oss2.Service(auth, ENDPOINT, region=REGION)
    for value, number in (("++123%", 1), ("other", 0)):
        params = {"tag-key": "%@abc", "tag-value": value}
        assert len(service.list_buckets(params=params).buckets) == number
