"""The console: documents, faults, events, reset; and whom it answers."""

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer
from typing import Any

import oss2
import pytest
import requests

from emulator.tests.support.emulator import RunningEmulator, emulator
from emulator.tests.support.waiting import until


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator() as started:
        yield started


@pytest.fixture
def cloud(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


def call(cloud: RunningEmulator, **more: Any) -> requests.Response:
    """Make an unsigned call: it is refused, but counted."""
    proxies = {"https": cloud.proxy, "http": cloud.proxy}
    return requests.get(
        "https://oss-cn-hongkong.aliyuncs.com/",
        proxies=proxies,
        verify=str(cloud.ca_bundle),
        timeout=20,
        **more,
    )


def direct(
    cloud: RunningEmulator, method: str, path: str, **more: Any
) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    return session.request(method, cloud.console + path, timeout=20, **more)


def test_the_state_has_every_region_with_all_its_lists(cloud: RunningEmulator) -> None:
    state = cloud.get("/state")
    assert state["version"] == 1
    assert state["profile"] == "fast"
    assert len(state["regions"]) == 32
    for region in state["regions"].values():
        lists = {
            *("images", "snapshots", "tasks", "buckets", "functions"),
            *("vpcs", "vswitches", "security_groups"),
        }
        assert lists <= set(region)


def test_the_state_of_another_account_is_its_own(tmp_path: Path) -> None:
    profile = tmp_path / "two.toml"
    other = 'id = "2222222222222222"\naccess_key_id = "o"\naccess_key_secret = "s"'
    profile.write_text(f'extends = "fast"\n[[accounts]]\n{other}\n')
    with emulator("--profile", str(profile)) as cloud:
        pail(cloud).put_object("mine", b"x")
        main = cloud.get("/state")
        found = cloud.get("/state?account=2222222222222222")
        assert main["account_id"] != found["account_id"] == "2222222222222222"
        buckets = [
            sum(len(region["buckets"]) for region in state["regions"].values())
            for state in (main, found)
        ]
        assert buckets == [1, 0]
        answer = direct(cloud, "GET", "/state?account=3")
        assert (answer.status_code, "no account '3'" in answer.text) == (400, True)


def test_requests_are_counted_and_a_reset_forgets_them(cloud: RunningEmulator) -> None:
    call(cloud)
    counted = cloud.get("/requests")
    assert counted["requests"]["total"] == 1
    assert counted["requests"]["by_action"] == {"oss.ListBuckets": 1}
    assert counted["requests"]["errors"] == {"oss.ListBuckets:AccessDenied": 1}
    cloud.reset()
    assert cloud.get("/requests")["requests"]["total"] == 0


def pail(cloud: RunningEmulator) -> oss2.Bucket:
    """A new bucket."""
    session = oss2.Session()
    session.session.trust_env = False
    session.session.proxies = {"https": cloud.proxy}
    session.session.verify = str(cloud.ca_bundle)
    bucket = oss2.Bucket(
        oss2.Auth(*cloud.keys),
        "https://oss-cn-hongkong.aliyuncs.com",
        "pail",
        session=session,
        enable_crc=False,
    )
    bucket.create_bucket()
    return bucket


def test_the_state_knows_large_objects_too(cloud: RunningEmulator) -> None:
    data = bytes(17 * 1024 * 1024)
    pail(cloud).put_object("large", data)
    (found,) = cloud.get("/state")["regions"]["cn-hongkong"]["buckets"]
    (stored,) = found["objects"]
    assert stored["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_reset_frees_the_disk() -> None:
    with emulator() as cloud:
        check_disk(cloud)


def check_disk(cloud: RunningEmulator) -> None:
    blobs = cloud.ca_bundle.parent

    def used() -> int:
        size = 0
        for top, _, names in os.walk(blobs):
            for name in names:
                with suppress(FileNotFoundError):  # it is being deleted
                    size += Path(top, name).stat().st_size
        return size

    before = used()
    bucket = pail(cloud)
    for number in range(3):
        bucket.put_object(f"k{number}", bytes(4_000_000))
    assert used() >= before + 12_000_000
    cloud.reset()
    until(lambda: used() <= before)


def test_a_rule_strikes_is_listed_and_removed(cloud: RunningEmulator) -> None:
    rule = {"do": "refuse", "service": "oss", "code": "Oops", "status": 500, "times": 1}
    (number,) = cloud.post("/faults", rule)["ids"]
    (listed,) = cloud.get("/faults")["faults"]
    assert listed["id"] == number
    assert rule.items() <= listed.items()
    assert call(cloud).status_code == 500
    assert call(cloud).status_code == 403, "it was to strike once"
    assert cloud.get("/requests")["requests"]["faults"] == {"refuse": 1}
    cloud.call("DELETE", f"/faults/{number}")
    assert cloud.get("/faults") == {"faults": []}
    assert direct(cloud, "DELETE", "/faults/99").status_code == 404


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "'do'"),
        (b"{", "line 1"),
        (b"[1]", "'do'"),
        (b"[" * 100_000, "too deep"),
        (b'{"do": "explode"}', "drop-after"),
        (b'{"do": "refuse", "colour": 1}', "colour"),
        (b'{"do": "refuse", "rate": 2}', "rate"),
        (b'{"do": "refuse", "rate": true}', "rate"),
        (b'{"do": "refuse", "status": 200}', "status"),
        (b'{"do": "throttle", "status": 399}', "status"),
        (b'{"do": "html", "status": 199}', "status"),
        (b'{"do": "refuse", "first": 0}', "first"),
        (b'{"do": "refuse", "delay_s": 1e9}', "delay_s"),
        (b'{"do": "refuse", "code": 5}', "code"),
        (b'[{"do": "refuse"}' + b', {"do": "refuse"}' * 1000 + b"]", "1000"),
        (b'"' + b"x" * 2_000_000 + b'"', "size"),
    ],
)
def test_an_impossible_rule_is_refused_with_the_reason(
    cloud: RunningEmulator, body: bytes, says: str
) -> None:
    answer = direct(cloud, "POST", "/faults", data=body)
    assert answer.status_code in {400, 413}
    assert says in answer.text
    assert cloud.get("/faults") == {"faults": []}


def test_events_stream_as_things_happen() -> None:
    with emulator() as cloud:
        check_events(cloud)


def check_events(cloud: RunningEmulator) -> None:
    call(cloud)
    with direct(cloud, "GET", "/events", stream=True) as stream:
        lines = stream.iter_lines(chunk_size=1)
        first = json.loads(next(lines))
        later = Timer(0.2, call, (cloud,))
        later.start()
        seen = json.loads(next(lines))
        later.join()
    assert seen["number"] == first["number"] + 1
    assert seen["action"] == "oss.ListBuckets"
    assert seen["outcome"] == "403"
    assert seen["code"] == "AccessDenied"


def test_a_stream_of_events_ends_when_its_reader_goes(cloud: RunningEmulator) -> None:
    """Else sockets would pile up for as long as nothing happens."""
    files = Path(f"/proc/{cloud.pid}/fd")
    port = int(cloud.console.rpartition(":")[2])
    with ExitStack() as readers:
        for _ in range(50):
            reader = socket.create_connection(("127.0.0.1", port), timeout=20)
            readers.enter_context(reader)
            reader.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert reader.recv(4096).startswith(b"HTTP/1.1 200")
        with_readers = len(list(files.iterdir()))
    until(lambda: len(list(files.iterdir())) <= with_readers - 50)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_web_pages_and_foreign_names_are_refused(
    cloud: RunningEmulator, headers: dict[str, str]
) -> None:
    answer = direct(cloud, "POST", "/reset", headers=headers)
    assert answer.status_code == 403


def test_the_console_explains_itself(cloud: RunningEmulator) -> None:
    answer = direct(cloud, "GET", "/")
    assert answer.status_code == 200
    assert "/faults" in answer.text
    assert direct(cloud, "GET", "/nowhere").status_code == 404
    assert direct(cloud, "PUT", "/state").status_code == 405
    assert direct(cloud, "GET", "/events?after=x").status_code == 400


def test_garbage_does_not_end_the_console(cloud: RunningEmulator) -> None:
    port = int(cloud.console.rpartition(":")[2])
    for data in (b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", b"x" * 100_000):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65536):
                pass
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/state")
    assert connection.getresponse().status == 200
    connection.close()
