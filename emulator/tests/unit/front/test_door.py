"""The cloud under this machine's own name: what a request is found to be for."""

import socket
import ssl
from typing import Any

import pytest
import requests

from alicloud_emulator.front import hosts
from emulator.tests.unit.front.conftest import RunningFront

V4 = "OSS4-HMAC-SHA256 Credential=nobody/20261127/{}/oss/aliyun_v4_request,Signature=0"
AWS = "AWS4-HMAC-SHA256 Credential=nobody/20261127/{}/s3/aws4_request,Signature=0"


async def found(path: str, method: str = "GET", **headers: str) -> Any:
    """Return the host that the door finds."""
    from alicloud_emulator.front.body import RequestBody
    from alicloud_emulator.front.door import Door
    from alicloud_emulator.front.http import Head
    from alicloud_emulator.world.profile import load_profile
    from emulator.tests.unit.front.conftest import BUCKETS

    async def receive() -> bytes:
        return blocks.pop(0) if blocks else b""

    given = {name.replace("_", "-"): value for name, value in headers.items()}
    blocks = [given.pop("body", "").encode()]
    head = Head(
        method=method,
        target=path,
        headers={"host": "localhost:4566", **given},
        content_length=len(blocks[0]),
    )
    door = Door(load_profile("fast"), lambda name: BUCKETS.get(name, ""))
    return await door.find(head, RequestBody(receive, content_length=len(blocks[0])))


@pytest.mark.parametrize(
    ("host", "path", "bucket", "prefix"),
    [
        ("localhost:4566", "/", "", ""),
        ("localhost:4566", "/pail", "pail", "/pail"),
        ("localhost:4566", "/pail/a/b", "pail", "/pail"),
        ("127.0.0.1:4566", "/pail/a", "pail", "/pail"),
        ("[::1]:4566", "/pail/a", "pail", "/pail"),
        ("pail.localhost:4566", "/a/b", "pail", ""),
        ("pail.localhost", "/", "pail", ""),
        ("ecs.localhost:4566", "/a", "ecs", ""),
        ("emulator:4566", "/pail/a", "pail", "/pail"),
        ("host.docker.internal:4566", "/pail/a", "pail", "/pail"),
        ("oss-eu-west-1.localhost:4566", "/pail/a", "pail", "/pail"),
        ("pail.oss-eu-west-1.localhost:4566", "/a", "pail", ""),
    ],
)
@pytest.mark.anyio
async def test_a_bucket_is_named_by_path_or_host(
    host: str, path: str, bucket: str, prefix: str
) -> None:
    seen = await found(path, host=host)
    assert (seen.service, seen.bucket, seen.prefix) == ("oss", bucket, prefix)
    assert seen.name == host


@pytest.mark.parametrize(
    ("authorization", "path", "region"),
    [
        ("", "/new/a", "cn-hangzhou"),
        ("OSS nobody:x", "/in-tokyo/a", "ap-northeast-1"),
        ("OSS nobody:x", "/new/a", "cn-hangzhou"),
        (V4.format("eu-west-1"), "/new/a", "eu-west-1"),
        (V4.format("eu-west-1"), "/in-tokyo/a", "eu-west-1"),
        (V4.format("no-where"), "/new/a", "cn-hangzhou"),
        (AWS.format("eu-west-1"), "/new/a", "eu-west-1"),
        (AWS.format("oss-eu-west-1"), "/new/a", "eu-west-1"),
        (AWS.format("us-west-2"), "/new/a", "cn-hangzhou"),
        (AWS.format("us-east-1"), "/in-tokyo/a", "ap-northeast-1"),
        ("", "/x?x-oss-credential=k%2F20261127%2Feu-west-1%2Foss%2Fz", "eu-west-1"),
        ("", "/x?X-Amz-Credential=k%2F20261127%2Feu-west-1%2Fs3%2Fz", "eu-west-1"),
    ],
)
@pytest.mark.anyio
async def test_its_region_is_said_by_the_signature_or_by_where_it_is(
    authorization: str, path: str, region: str
) -> None:
    assert (await found(path, authorization=authorization)).region == region


@pytest.mark.parametrize(
    ("path", "headers", "service", "region"),
    [
        ("/", {"x_acs_version": "2014-05-26"}, "ecs", ""),
        ("/?Action=A&Version=2014-05-26&RegionId=eu-west-1", {}, "ecs", "eu-west-1"),
        ("/?Version=2015-05-01", {}, "ram", ""),
        ("/?Version=2015-04-01&RegionId=no-where", {}, "sts", ""),
        ("/?Version=2016-01-20", {}, "kms", ""),
        ("/?Version=2015-06-12", {}, "location", ""),
        ("/2023-03-30/functions", {}, "fc", "cn-hangzhou"),
        ("/2023-03-30/functions", {"x_acs_region_id": "eu-west-1"}, "fc", "eu-west-1"),
        ("/2023-03-30/x", {"host": "fcv3.eu-west-1.localhost"}, "fc", "eu-west-1"),
        (
            "/",
            {
                "content_type": "application/x-www-form-urlencoded",
                "body": "Action=DescribeRegions&Version=2014-05-26",
            },
            "ecs",
            "",
        ),
    ],
)
@pytest.mark.anyio
async def test_calls_of_other_products_are_known_by_their_version(
    path: str, headers: dict[str, str], service: str, region: str
) -> None:
    seen = await found(path, "POST", **headers)
    assert (seen.service, seen.region, seen.bucket) == (service, region, "")


def get(front: RunningFront, path: str, **more: Any) -> requests.Response:
    return requests.get(f"http://localhost:{front.port}{path}", timeout=20, **more)


def test_a_request_goes_through_the_door(front: RunningFront) -> None:
    seen = get(front, "/pail/some/key%20x?a=1").json()
    assert seen["host"] == f"localhost:{front.port}"
    assert (seen["bucket"], seen["path"]) == ("pail", "/some/key x")
    assert get(front, "/pail").json()["path"] == "/"


def test_a_version_of_no_product_here_is_told(front: RunningFront) -> None:
    answer = get(front, "/?Action=A&Version=1999-01-01")
    assert answer.status_code == 404
    assert "1999-01-01" in answer.text


@pytest.mark.parametrize("name", ["localhost", "pail.localhost", "emulator", None])
def test_the_door_speaks_tls_with_a_certificate_of_its_own(
    front: RunningFront, name: str | None
) -> None:
    raw = socket.create_connection(("127.0.0.1", front.port), timeout=20)
    context: ssl.SSLContext = front.client_context()
    with context.wrap_socket(raw, server_hostname=name or "127.0.0.1") as stream:
        host = name or "127.0.0.1"
        stream.sendall(f"GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert stream.recv(100).startswith(b"HTTP/1.1 200")


def test_a_proxy_s_client_does_not_come_to_the_door(front: RunningFront) -> None:
    """It means a server of its own on this machine."""
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get("http://localhost:1234/x", proxies=front.proxies, timeout=20)


def test_functions_find_no_door(front: RunningFront) -> None:
    port = front.front.inside_port("cn-hangzhou")
    answer = requests.get(f"http://localhost:{port}/x", timeout=20)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("localhost", True),
        ("a.b.localhost", True),
        ("10.0.0.1", True),
        ("[fe80::1]", True),
        ("emulator", True),
        ("host.containers.internal", True),
        ("example.com", False),
        ("localhost.example.com", False),
        ("oss-cn-hangzhou.aliyuncs.com", False),
        ("", False),
    ],
)
def test_own_names(name: str, own: bool) -> None:
    assert hosts.is_own_name(name) is own
