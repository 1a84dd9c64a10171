"""A test suite's cloud: its life, what it says, how this process gets into it and out."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

from alicloud_emulator import testing
from emulator.tests.support.oss_url import presigned
from emulator.tests.support.waiting import until


@pytest.fixture(scope="module")
def running() -> Iterator[testing.Cloud]:
    with testing.Cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: testing.Cloud) -> Iterator[testing.Cloud]:
    running.reset()
    with running.inside():
        yield running


def ask(cloud: testing.Cloud, method: str, bucket: str, key: str = "") -> bytes:
    """Make a call to object storage as a program would: it knows no emulator."""
    url = presigned(cloud.access_key, method, bucket, key)
    body = b"x" if key and method == "PUT" else None
    request = urllib.request.Request(url, data=body, method=method, headers=KIND)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


KIND = {"Content-Type": ""}


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except FileNotFoundError:
        return False


def test_what_is_in_it_are_values(cloud: testing.Cloud) -> None:
    assert cloud.things() == cloud.left_behind == []
    ask(cloud, "PUT", "pail")
    ask(cloud, "PUT", "pail", "k")
    (thing,) = cloud.things("bucket", region="eu-central-1")
    assert (thing.kind, thing.name, thing.region) == ("bucket", "pail", "eu-central-1")
    assert cloud.left_behind == [thing]
    assert cloud.things("image") == cloud.things(region="eu-west-1") == []
    found = cloud.object("pail", "k")
    assert found is not None
    assert found["size"] == thing["objects"][0]["size"] == 1
    assert cloud.object("pail", "other") is None
    assert cloud.state()["regions"]["eu-central-1"]["buckets"][0]["name"] == "pail"
    assert cloud.requests()["requests"]["by_action"] == {
        "oss.PutBucket": 1,
        "oss.PutObject": 1,
    }


def test_kinds_have_two_names_and_no_others(cloud: testing.Cloud) -> None:
    ask(cloud, "PUT", "pail")
    assert cloud.things("buckets") == cloud.things("bucket") != []
    assert cloud.things("security_groups") == cloud.things("security_group") == []
    with pytest.raises(ValueError, match="'buckt': the kinds are bucket, function,"):
        cloud.things("buckt")


def test_a_fault_strikes_tells_how_often_and_ends(cloud: testing.Cloud) -> None:
    ask(cloud, "PUT", "pail")
    with cloud.fault("refuse", action="PutObject", code="Oops", status=500) as fault:
        with pytest.raises(urllib.error.HTTPError):
            ask(cloud, "PUT", "pail", "k")
        assert fault.struck == 1
    ask(cloud, "PUT", "pail", "k")
    first, second = cloud.calls("PutObject")
    assert (first.status, first.code, first.faults) == (500, "Oops", ("refuse",))
    assert (second.status, second.code, second.faults) == (200, "", ())
    assert cloud.calls("oss.PutObject") == [first, second]
    assert fault.struck == 1
    short = cloud.fault("refuse", action="PutObject", status=500, lasts_s=0.05)
    until(lambda: cloud._server.call("GET", "/faults") == {"faults": []})
    assert short.struck == 0
    cloud.reset()
    with pytest.raises(LookupError):
        _ = fault.struck
    with pytest.raises(ValueError, match="'do' is one of"):
        cloud.fault("explode")
    with pytest.raises(ValueError, match="no service matches 's3'"):
        cloud.fault("refuse", service="s3")


def test_time_passes_when_it_is_told_to(cloud: testing.Cloud) -> None:
    before = cloud.clock()
    cloud.let_pass(3600)
    assert cloud.clock() - before >= 3600
    ask(cloud, "PUT", "pail")  # signed by this machine's clock
    cloud.reset()
    assert cloud.clock() - before < 3600


def test_a_profile_may_be_a_table_and_so_may_faults() -> None:
    profile = {"extends": "fast", "regions": {"eu-central-1": {"oss": "none"}}}
    fault = {"do": "refuse", "action": "GetObject", "code": "Oops", "status": 500}
    with testing.cloud(profile=profile, faults=[fault]) as cloud:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            ask(cloud, "PUT", "pail")
        cloud.reset()  # the faults of the start stay
        with pytest.raises(urllib.error.HTTPError, match="500"):
            ask(cloud, "GET", "pail", "k")


def test_what_cannot_start_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(testing.CloudError, match="standard error"):
        testing.Cloud(profile={"extends": "nowhere"})
    assert "nowhere" in capfd.readouterr().err


def test_this_process_is_as_it_was_afterwards(running: testing.Cloud) -> None:
    opener = urllib.request.build_opener()
    urllib.request.install_opener(opener)
    before = dict(os.environ), certifi.where(), socket.getaddrinfo, sys.meta_path[:]
    with running.inside():
        assert certifi.where() == os.environ["SSL_CERT_FILE"]
        assert os.environ["HTTPS_PROXY"] == running.proxy
    after = dict(os.environ), certifi.where(), socket.getaddrinfo, sys.meta_path[:]
    assert before == after
    assert urllib.request._opener is opener  # type: ignore[attr-defined]
    urllib.request.install_opener(None)


def test_the_inner_of_two_clouds_is_used(cloud: testing.Cloud) -> None:
    with testing.cloud() as inner:
        ask(inner, "PUT", "pail")
        assert [thing.name for thing in inner.things()] == ["pail"]
    assert cloud.things() == []
    ask(cloud, "PUT", "bucket")
    assert [thing.name for thing in cloud.things()] == ["bucket"]


def test_no_thread_and_no_process_is_left() -> None:
    threads = threading.enumerate()
    with testing.Cloud() as cloud:
        assert threading.enumerate() == threads
        folder = Path(cloud.env["ALICLOUD_EMULATOR_CA"]).parent
        assert folder.exists()
        assert is_there(cloud.pid)
    assert not is_there(cloud.pid)
    assert not folder.exists()
    assert multiprocessing.active_children() == []


def test_a_cloud_ends_with_a_process_that_is_killed() -> None:
    program = (
        "from alicloud_emulator import testing\n"
        "print(testing.Cloud().pid, flush=True)\n"
        "import time; time.sleep(600)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    with owner.stdout:
        pid = int(owner.stdout.readline())
        assert is_there(pid)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        until(lambda: not is_there(pid))


def test_a_program_in_the_cloud_is_led_there_too(cloud: testing.Cloud) -> None:
    url = presigned(cloud.access_key, "PUT", "pail")
    program = (
        "import sys, urllib.request as u\n"
        "r = u.Request(sys.argv[1], method='PUT', headers={'Content-Type': ''})\n"
        "u.urlopen(r)\n"
    )
    subprocess.run([sys.executable, "-c", program, url], env=cloud.env, check=True)
    assert [thing.name for thing in cloud.things()] == ["pail"]


def test_a_reset_asks_for_one_call_and_starts_nothing(cloud: testing.Cloud) -> None:
    """What a reset costs, without a stopwatch: the same process, one request."""
    pid, asked = cloud.pid, []
    real = cloud._server.call
    cloud._server.call = lambda *words: asked.append(words) or real(*words)  # type: ignore[method-assign,func-returns-value]
    try:
        cloud.reset()
    finally:
        cloud._server.call = real  # type: ignore[method-assign]
    assert asked == [("POST", "/reset")]
    assert cloud.pid == pid
