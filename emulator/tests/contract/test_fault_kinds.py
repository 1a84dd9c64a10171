"""The faults that are about hosts, clocks, listings and pace, as clients meet them."""

import gc
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import oss2
import pytest
import requests

from alicloud_emulator import testing
from emulator.tests.support.oss_url import presigned

REGION = "eu-central-1"
HOST = f"oss-{REGION}.aliyuncs.com"


@pytest.fixture(scope="module")
def running() -> Iterator[testing.Cloud]:
    with testing.Cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: testing.Cloud) -> Iterator[testing.Cloud]:
    running.reset()
    with running.inside():
        yield running
    gc.collect()  # of clients that leave their connections to it


def ask(
    cloud: testing.Cloud, method: str, key: str = "", region: str = REGION
) -> bytes:
    url = presigned(cloud.access_key, method, "pail", key, region=region)
    body = b"x" * 2000 if key and method == "PUT" else None
    kind = {"Content-Type": ""}
    request = urllib.request.Request(url, data=body, method=method, headers=kind)
    with urllib.request.urlopen(request, timeout=2) as answer:
        return bytes(answer.read())


def service(cloud: testing.Cloud) -> oss2.Service:
    # A session of its own: it looks at the environment of now.
    auth = oss2.Auth(*cloud.access_key)
    return oss2.Service(auth, f"https://{HOST}", session=oss2.Session())


def test_a_listing_lags_and_a_question_by_name_does_not(cloud: testing.Cloud) -> None:
    lag = cloud.fault("lag", action="ListBuckets", delay_s=300)
    ask(cloud, "PUT")
    assert service(cloud).list_buckets().buckets == []
    assert lag.struck == 1
    ask(cloud, "PUT", "k")
    assert len(ask(cloud, "GET", "k")) == 2000
    cloud.let_pass(301)
    found = service(cloud).list_buckets().buckets
    assert [bucket.name for bucket in found] == ["pail"]


def test_a_listing_that_does_not_lag_is_not_seen_by_the_rule(
    cloud: testing.Cloud,
) -> None:
    lag = cloud.fault("lag", delay_s=300)
    ask(cloud, "PUT")
    ask(cloud, "PUT", "k")
    assert b"<Key>k</Key>" in ask(cloud, "GET")
    assert lag.struck == 0


def test_a_name_stops_to_resolve_in_one_region(cloud: testing.Cloud) -> None:
    ask(cloud, "PUT")
    gone = cloud.fault("no-host", service="oss", region=REGION)
    with pytest.raises(OSError, match="502 No such host"):
        ask(cloud, "PUT", "k")
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(HOST, 443)
    assert gone.struck == 2
    with pytest.raises(urllib.error.HTTPError, match="403"):
        ask(cloud, "GET", "k", region="eu-west-1")
    gone.end()
    ask(cloud, "PUT", "k")


def test_a_resolver_fails_and_is_back(cloud: testing.Cloud) -> None:
    ask(cloud, "PUT")
    cloud.fault("no-resolver", times=1)
    with pytest.raises(OSError, match="503 Temporary failure in name resolution"):
        ask(cloud, "PUT", "k")
    ask(cloud, "PUT", "k")


def test_a_region_dies_on_the_connections_there_are(cloud: testing.Cloud) -> None:
    url = presigned(cloud.access_key, "GET", "pail")
    other = presigned(cloud.access_key, "GET", "pail", region="eu-west-1")
    with requests.Session() as session:
        assert session.get(url, timeout=5).status_code == 404
        cloud.fault("dead", region=REGION)
        with pytest.raises(requests.ReadTimeout):
            session.get(url, timeout=0.5)
        with pytest.raises(requests.RequestException):  # and so do new ones
            requests.get(url, timeout=0.5)
        assert session.get(other, timeout=5).status_code == 404


@pytest.mark.parametrize("skew_s", [3600.0, -3600.0])
def test_a_clock_is_off(cloud: testing.Cloud, skew_s: float) -> None:
    service(cloud).list_buckets()
    off = cloud.fault("clock", service="oss", skew_s=skew_s)
    with pytest.raises(oss2.exceptions.ServerError, match="RequestTimeTooSkewed"):
        service(cloud).list_buckets()
    assert off.struck == 1
    (call,) = [call for call in cloud.calls() if call.faults]
    assert (call.faults, call.code) == (("clock",), "RequestTimeTooSkewed")


@pytest.mark.parametrize("action", ["GetObject", "ListObjects"])
def test_an_answer_trickles(cloud: testing.Cloud, action: str) -> None:
    """It comes whole all the same, and its length is told before."""
    ask(cloud, "PUT")
    ask(cloud, "PUT", "k")
    slow = cloud.fault("trickle", action=action, bytes_per_s=10_000)
    url = presigned(cloud.access_key, "GET", "pail", "k" * (action == "GetObject"))
    with requests.get(url, stream=True, timeout=5) as answer:
        # What comes at once is less than there will be.
        first = answer.raw.read1(100_000)
        rest = answer.raw.read()
    assert 0 < len(first) <= 1000 or len(rest) == 0
    assert len(first + rest) == int(answer.headers["Content-Length"])
    assert slow.struck == 1


def test_a_rule_ends_with_its_time(cloud: testing.Cloud) -> None:
    cloud.fault("refuse", action="PutObject", lasts_s=0.2)
    fault = cloud.fault("refuse", action="GetObject", lasts_s=1000)
    listed = cloud._server.call("GET", "/faults")["faults"]
    assert {rule["lasts_s"] for rule in listed} <= {0.2, 1000}
    assert 0 < listed[-1]["left_s"] <= 1000
    assert fault.struck == 0


def test_what_is_about_hosts_has_no_action(cloud: testing.Cloud) -> None:
    for key in ("action", "resource"):
        with pytest.raises(ValueError, match=f"about hosts.*{key}"):
            cloud.fault("dead", **{key: "x"})
