"""Object storage with the official SDK: its transfer managers, and presigned URLs."""

import io
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import requests

REGION = "us-west-1"
version = sys.argv[1]
BUCKET = f"strangers-{version}"
DATA = os.urandom(700_000)


def make_client(**given: Any) -> oss.Client:
    config = oss.config.load_default()
    config.region = REGION
    config.signature_version = version
    config.credentials_provider = (
        oss.credentials.EnvironmentVariableCredentialsProvider()
    )
    for name, value in given.items():
        setattr(config, name, value)
    return oss.Client(config)


client = make_client()


def transfers() -> list[bool]:
    up = client.uploader(part_size=102_400, parallel_num=3)
    up.upload_from(oss.PutObjectRequest(bucket=BUCKET, key="whole"), io.BytesIO(DATA))
    client.copier(part_size=204_800, multipart_copy_threshold=300_000).copy(
        oss.CopyObjectRequest(bucket=BUCKET, key="copy", source_key="whole")
    )
    with tempfile.TemporaryDirectory() as folder:
        down = client.downloader(part_size=102_400, parallel_num=3)
        target = Path(folder) / "whole"
        down.download_file(oss.GetObjectRequest(bucket=BUCKET, key="copy"), str(target))
        same = [target.read_bytes() == DATA]
    with client.append_file(BUCKET, "log") as log:
        log.write(b"one,")
        log.write(b"two")
    with client.open_file(BUCKET, "whole") as opened:
        opened.seek(500_000)
        same.append(opened.read(10) == DATA[500_000:500_010])
    with client.open_file(BUCKET, "log") as opened:
        same.append(opened.read() == b"one,two")
    return same


def presigned() -> dict[str, Any]:
    expires = timedelta(minutes=5)
    put = client.presign(
        oss.PutObjectRequest(bucket=BUCKET, key="ü + b", content_type="text/x"),
        expires=expires,
    )
    headers = put.signed_headers
    sent = requests.put(put.url, data=b"presigned", headers=headers, timeout=10)
    get = client.presign(
        oss.GetObjectRequest(bucket=BUCKET, key="ü + b"), expires=expires
    ).url
    asked = urllib.request.Request(get, headers={"Range": "bytes=3-"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        part = [answer.status, answer.read().decode()]
    with urllib.request.urlopen(get.replace("https:", "http:"), timeout=10) as answer:
        plain = answer.read().decode()
    try:
        urllib.request.urlopen(get.replace("b?", "c?"), timeout=10)
        forged = ""
    except urllib.error.HTTPError as error:
        forged = "SignatureDoesNotMatch" if b"DoesNotMatch" in error.read() else "?"
    return {"sent": sent.status_code, "part": part, "plain": plain, "forged": forged}


def strangers() -> list[int]:
    anonymous = make_client(
        credentials_provider=oss.credentials.AnonymousCredentialsProvider()
    )
    head = oss.HeadObjectRequest(bucket=BUCKET, key="log")
    statuses = []
    for acl in ("private", "public-read"):
        client.put_bucket_acl(oss.PutBucketAclRequest(bucket=BUCKET, acl=acl))
        try:
            statuses.append(anonymous.head_object(head).status_code)
        except oss.exceptions.OperationError as error:
            statuses.append(error.unwrap().status_code)
    return statuses


def empty() -> int:
    pages = client.list_objects_v2_paginator().iter_page(
        oss.ListObjectsV2Request(bucket=BUCKET, max_keys=2)
    )
    keys = [one.key for page in pages for one in page.contents]
    client.delete_multiple_objects(
        oss.DeleteMultipleObjectsRequest(
            bucket=BUCKET, objects=[oss.DeleteObject(key=key) for key in keys]
        )
    )
    client.delete_bucket(oss.DeleteBucketRequest(bucket=BUCKET))
    return len(keys)


client.put_bucket(oss.PutBucketRequest(bucket=BUCKET))
print(
    json.dumps(
        {
            "same": transfers(),
            "presigned": presigned(),
            "anonymous": strangers(),
            "emptied": empty(),
        }
    )
)
