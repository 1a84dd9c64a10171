"""curl, which knows nothing of Alibaba Cloud: presigned URLs, proxies, ranges."""

import base64
import hashlib
import hmac
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import oss2
import pytest

from emulator.tests.support.emulator import RunningEmulator
from emulator.tests.support.programs import need

REGION = "eu-west-1"
HOST = f"curls.oss-{REGION}.aliyuncs.com"


@pytest.fixture
def bucket(cloud: RunningEmulator) -> oss2.Bucket:
    need("curl", "curl")
    made = oss2.Bucket(
        oss2.Auth(*cloud.keys), f"https://oss-{REGION}.aliyuncs.com", "curls"
    )
    made.create_bucket()
    return made


def curl(cloud: RunningEmulator, *arguments: str) -> str:
    ended = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "20", *arguments],
        env=dict(cloud.env),
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def presigned(
    cloud: RunningEmulator, method: str, key: str, scheme: str = "https"
) -> str:
    """Sign a URL as the page "Add signatures to URLs" says, by hand."""
    access_key, secret = cloud.keys
    expires = int(time.time()) + 60
    text = f"{method}\n\n\n{expires}\n/curls/{key}"
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    signature = quote(base64.b64encode(mac).decode(), safe="")
    return (
        f"{scheme}://{HOST}/{quote(key)}?OSSAccessKeyId={access_key}"
        f"&Expires={expires}&Signature={signature}"
    )


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_files_go_up_and_down_by_presigned_urls(
    cloud: RunningEmulator, bucket: oss2.Bucket, tmp_path: Path, scheme: str
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * 3000)
    up = presigned(cloud, "PUT", "büro/a b", scheme)
    # curl sends Expect: 100-continue with a body of this size.
    assert curl(cloud, "-T", str(source), "-w", "%{http_code}", up) == "200"
    down = presigned(cloud, "GET", "büro/a b", scheme)
    said = curl(cloud, "-o", str(target), "-w", "%{http_code} %{content_type}", down)
    assert said == "200 application/octet-stream"
    assert target.read_bytes() == source.read_bytes()
    part = ("-r", "1000-1015", "-o", str(target), "-w", "%{http_code}")
    assert curl(cloud, *part, down) == "206"
    assert target.read_bytes() == source.read_bytes()[1000:1016]
    assert bucket.head_object("büro/a b").content_length == 768_000


def test_an_upload_without_a_known_length_is_taken(
    cloud: RunningEmulator, bucket: oss2.Bucket, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"streamed" * 10_000)
    chunked = ("-H", "Transfer-Encoding: chunked", "-T", str(source))
    assert curl(cloud, *chunked, presigned(cloud, "PUT", "k")) == ""
    assert bucket.get_object("k").read() == source.read_bytes()


def test_a_broken_download_is_resumed(
    cloud: RunningEmulator, bucket: oss2.Bucket, tmp_path: Path
) -> None:
    bucket.put_object("k", b"0123456789" * 1000)
    target = tmp_path / "target"
    target.write_bytes(b"0123456789" * 300)
    curl(cloud, "-C", "-", "-o", str(target), presigned(cloud, "GET", "k"))
    assert target.read_bytes() == b"0123456789" * 1000


def test_public_objects_need_no_signature(
    cloud: RunningEmulator, bucket: oss2.Bucket
) -> None:
    bucket.put_object("k", b"open", headers={"x-oss-object-acl": "public-read"})
    assert curl(cloud, f"https://{HOST}/k") == "open"
    assert curl(cloud, f"http://{HOST}/k") == "open"
    bucket.put_object_acl("k", oss2.OBJECT_ACL_PRIVATE)
    denied = curl(cloud, f"https://{HOST}/k")
    assert "<Code>AccessDenied</Code>" in denied
    assert f"<HostId>{HOST}</HostId>" in denied


def test_a_body_that_was_announced_and_never_comes_holds_up_nobody(
    cloud: RunningEmulator, bucket: oss2.Bucket
) -> None:
    bucket.put_object("k", b"quick", headers={"x-oss-object-acl": "public-read"})
    # A server that waited for the body would close at last, and answer nothing.
    announced = ("-X", "GET", "-H", "Content-Length: 9")
    assert curl(cloud, *announced, f"https://{HOST}/k") == "quick"


def test_other_hosts_are_out_of_reach(cloud: RunningEmulator) -> None:
    need("curl", "curl")
    ended = subprocess.run(
        ["curl", "-sS", "--max-time", "20", "https://example.com/"],
        env=dict(cloud.env),
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 56  # the proxy refused the tunnel
    assert "403" in ended.stderr
