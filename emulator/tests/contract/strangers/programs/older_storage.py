"""Object storage with oss2, the SDK before: one of its three ways to sign."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import oss2
import requests
from oss2 import models

REGION = "ap-northeast-2"
ENDPOINT = f"http://oss-{REGION}.aliyuncs.com"  # as its own examples have it
version = sys.argv[1]
auth = oss2.make_auth(
    os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"], version
)
bucket = oss2.Bucket(auth, ENDPOINT, f"strangers-older-{version}", region=REGION)
data = os.urandom(1_100_000)


def transfers() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_bytes(data)
        store = oss2.ResumableStore(root=folder)
        oss2.resumable_upload(
            bucket,
            "big",
            str(source),
            store=store,
            multipart_threshold=200_000,
            part_size=200_000,
            num_threads=2,
            headers={"x-oss-storage-class": "IA", "x-oss-meta-a": "1"},
        )
        oss2.resumable_download(
            bucket,
            "big",
            str(target),
            store=oss2.ResumableDownloadStore(root=folder),
            multiget_threshold=200_000,
            part_size=200_000,
            num_threads=2,
        )
        return target.read_bytes() == data


def small_things() -> dict[str, Any]:
    bucket.put_object("a/1", "one", headers={"x-oss-tagging": "k=v"})
    bucket.copy_object(bucket.bucket_name, "a/1", "a/2")
    bucket.put_symlink("a/1", "b/link")
    first = bucket.append_object("b/log", 0, "x,")
    bucket.append_object("b/log", first.next_position, "y")
    bucket.put_object_acl("a/2", oss2.OBJECT_ACL_PUBLIC_READ)
    tags = bucket.get_object_tagging("a/2").tag_set.tagging_rule
    folders = oss2.ObjectIterator(bucket, delimiter="/")
    return {
        "tags": tags,
        "link": bucket.get_object("b/link").read().decode(),
        "log": bucket.get_object("b/log").read().decode(),
        "folders": [one.key for one in folders if one.is_prefix()],
        "keys": [one.key for one in oss2.ObjectIteratorV2(bucket, max_keys=2)],
    }


def strangers() -> dict[str, Any]:
    url = bucket.sign_url("PUT", "signed & sealed", 60, slash_safe=True)
    sent = requests.put(url, data=b"by url", timeout=10).status_code
    url = bucket.sign_url("GET", "signed & sealed", 60, slash_safe=True)
    got = requests.get(url, headers={"Range": "bytes=3-5"}, timeout=10)
    anonymous = oss2.Bucket(oss2.AnonymousAuth(), ENDPOINT, bucket.bucket_name)
    public = anonymous.get_object("a/2").read().decode()
    try:
        anonymous.get_object("a/1")
    except oss2.exceptions.AccessDenied as error:
        return {"urls": [sent, got.status_code, got.text], "denied": error.status,
                "public": public}  # fmt: skip
    raise AssertionError("a private object was read")


def settings() -> dict[str, Any]:
    rule = models.LifecycleRule(
        "old", "tmp/", expiration=models.LifecycleExpiration(days=3)
    )
    bucket.put_bucket_lifecycle(models.BucketLifecycle([rule]))
    bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    kept = bucket.get_bucket_lifecycle().rules[0]
    return {
        "acl": bucket.get_bucket_acl().acl,
        "rule": [kept.id, kept.prefix, kept.expiration.days],
        "location": bucket.get_bucket_location().location,
    }


def empty() -> bool:
    for upload in oss2.MultipartUploadIterator(bucket):
        bucket.abort_multipart_upload(upload.key, upload.upload_id)
    bucket.batch_delete_objects([one.key for one in oss2.ObjectIterator(bucket)])
    channels = list(oss2.LiveChannelIterator(bucket))
    bucket.delete_bucket()
    try:
        bucket.get_bucket_info()
    except oss2.exceptions.NoSuchBucket:
        return not channels
    return False


bucket.create_bucket()
print(
    json.dumps(
        {
            "transfers": transfers(),
            "small": small_things(),
            "strangers": strangers(),
            "settings": settings(),
            "emptied": empty(),
        }
    )
)
