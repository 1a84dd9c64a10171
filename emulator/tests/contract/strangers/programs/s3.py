"""boto3, as people use it: told an endpoint, a way to sign and a way to name buckets."""

import io
import json
import os
import sys
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, SIGNATURE, STYLE = sys.argv[1:]
KEY = "dir/a b+c~é&.txt"
PAIL = "pail-of-boto3"

client = boto3.client(
    "s3",
    endpoint_url=ENDPOINT,
    region_name="eu-central-1",
    aws_access_key_id=os.environ["OSS_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["OSS_ACCESS_KEY_SECRET"],
    config=Config(signature_version=SIGNATURE, s3={"addressing_style": STYLE}),
)


def code_of(call: Any, **arguments: Any) -> str:
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def objects() -> dict[str, Any]:
    client.put_object(
        Bucket=PAIL,
        Key=KEY,
        Body=b"hello",
        Metadata={"color": "blue"},
        ContentType="text/plain",
        StorageClass="STANDARD_IA",
        Tagging="k=v",
    )
    client.put_object(Bucket=PAIL, Key="stream", Body=io.BytesIO(b"x" * 100_000))
    got = client.get_object(Bucket=PAIL, Key=KEY)
    client.copy_object(Bucket=PAIL, Key="copy", CopySource={"Bucket": PAIL, "Key": KEY})
    tags = client.get_object_tagging(Bucket=PAIL, Key="copy")["TagSet"]
    head = client.head_object(Bucket=PAIL, Key="copy")
    return {
        "read": got["Body"].read().decode(),
        "told": [got["Metadata"], got["ContentType"], got["StorageClass"]],
        "etag": head["ETag"],
        "tags": tags,
        "part": client.get_object(Bucket=PAIL, Key=KEY, Range="bytes=1-2")["Body"]
        .read()
        .decode(),
    }


def transfers() -> list[bool]:
    """Go up, down and across in parts."""
    big = bytes(range(256)) * 44_000  # 11 MB
    client.upload_fileobj(io.BytesIO(big), PAIL, "big")
    client.copy({"Bucket": PAIL, "Key": "big"}, PAIL, "bigger")
    same = []
    for key in ("big", "bigger"):
        target = io.BytesIO()
        client.download_fileobj(PAIL, key, target)
        same.append(target.getvalue() == big)
    return same


def listings() -> dict[str, Any]:
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=PAIL, PaginationConfig={"PageSize": 2}
    )
    folders = client.list_objects(Bucket=PAIL, Delimiter="/")["CommonPrefixes"]
    return {
        "buckets": [one["Name"] for one in client.list_buckets()["Buckets"]],
        "keys": [one["Key"] for page in pages for one in page["Contents"]],
        "folders": [one["Prefix"] for one in folders],
        "head": client.head_bucket(Bucket=PAIL)["ResponseMetadata"]["HTTPStatusCode"],
        "missing": [
            code_of(client.head_bucket, Bucket="no-such-pail"),
            code_of(client.get_object, Bucket=PAIL, Key="none"),
            code_of(client.head_object, Bucket=PAIL, Key="none"),
        ],
    }


def strangers() -> dict[str, Any]:
    """URLs and forms for whoever has no key, and ACLs."""
    get = {"Bucket": PAIL, "Key": KEY}
    down = client.generate_presigned_url("get_object", Params=get, ExpiresIn=60)
    put = {"Bucket": PAIL, "Key": "url", "ContentType": "text/plain"}
    up = client.generate_presigned_url("put_object", Params=put, ExpiresIn=60)
    kind = {"Content-Type": "text/plain"}
    sent = urlopen(Request(up, b"by url", kind, method="PUT"))
    client.put_bucket_acl(Bucket=PAIL, ACL="public-read")
    grants = client.get_bucket_acl(Bucket=PAIL)["Grants"]
    return {
        "down": urlopen(down).read().decode(),
        "up": sent.status,
        "form": form(),
        "grants": [one["Permission"] for one in grants],
    }


def form() -> list[Any]:
    fields = {"acl": "private", "x-amz-meta-color": "red"}
    post = client.generate_presigned_post(
        PAIL, "form", Fields=fields, Conditions=[{k: v} for k, v in fields.items()]
    )
    line = "a-line"
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {**post["fields"], "file": "by form"}.items()
    ]
    body = "".join((*parts, f"--{line}--\r\n")).encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={line}"}
    status = urlopen(Request(post["url"], body, kind)).status
    got = client.get_object(Bucket=PAIL, Key="form")
    return [status, got["Body"].read().decode(), got["Metadata"]]


def versions() -> dict[str, int]:
    enabled = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=PAIL, VersioningConfiguration=enabled)
    client.put_object(Bucket=PAIL, Key="copy", Body=b"newer")
    client.delete_object(Bucket=PAIL, Key="copy")
    found = client.list_object_versions(Bucket=PAIL, Prefix="copy")
    return {"versions": len(found["Versions"]), "markers": len(found["DeleteMarkers"])}


def emptied() -> int:
    found = client.list_object_versions(Bucket=PAIL)
    gone = [
        {"Key": one["Key"], "VersionId": one["VersionId"]}
        for kind in ("Versions", "DeleteMarkers")
        for one in found[kind]
    ]
    answer = client.delete_objects(Bucket=PAIL, Delete={"Objects": gone})
    client.delete_bucket(Bucket=PAIL)
    return len(answer["Deleted"])


client.create_bucket(Bucket=PAIL)
print(
    json.dumps(
        {
            "objects": objects(),
            "transfers": transfers(),
            "listings": listings(),
            "strangers": strangers(),
            "versions": versions(),
            "emptied": emptied(),
        }
    )
)
