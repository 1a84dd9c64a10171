"""The console: documents, faults, events, reset; and whom it answers."""

import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import oss2
import pytest
import requests

from alicloud_emulator.front.calls import redacted
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
            *("vpcs", "vswitches", "security_groups", "kms_keys"),
        }
        assert lists <= set(region)
    # The profile's own role and the system's policies are nothing that was made.
    assert state["central"] == {"roles": [], "policies": [], "kms_keys": []}


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
        bucket.put_object(f"k{number}", bytes([number]) * 4_000_000)
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
        (b'{"do": "refuse", "service": "s3"}', "there are oss, ecs, fc"),
        (b'{"do": "dead", "region": "nowhere"}', "no region of the profile"),
        (b'{"do": "refuse", "region": "cn-hangzhuo"}', "is 'cn-hangzhou' meant?"),
        (b'{"do": "refuse", "action": "PutObjekt"}', "is 'PutObject' meant?"),
        (b'{"do": "refuse", "action": "PutObject", "service": "ecs"}', "'ecs' has no"),
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


def test_a_stream_of_events_outlives_a_reset(cloud: RunningEmulator) -> None:
    """It waits then, for what comes after; it once ran on the spot."""
    call(cloud)
    cloud.reset()
    with direct(cloud, "GET", "/events", stream=True) as stream:
        call(cloud)
        assert json.loads(next(stream.iter_lines(chunk_size=1)))["code"]


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


def page_of(cloud: RunningEmulator, **headers: str) -> requests.Response:
    return direct(cloud, "GET", "/", headers={"Accept": "text/html", **headers})


def token_of(cloud: RunningEmulator) -> str:
    return page_of(cloud).text.partition('name="token" content="')[2].partition('"')[0]


def test_the_page_is_one_file_that_nobody_frames(cloud: RunningEmulator) -> None:
    answer = page_of(cloud)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.findall("""(?:src|href)=["'](?!data:)""", answer.text)
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert len(token_of(cloud)) >= 32
    # In a frame, or from another page, it is not given at all.
    for site in ("cross-site", "same-site"):
        assert page_of(cloud, **{"Sec-Fetch-Site": site}).status_code == 403
    assert page_of(cloud, **{"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_the_page_has_to_show_its_token(cloud: RunningEmulator) -> None:
    by_page = {"Origin": cloud.console, "Sec-Fetch-Site": "same-origin"}
    for method, path in (("POST", "/reset"), ("GET", "/state"), ("GET", "/tiles")):
        assert direct(cloud, method, path, headers=by_page).status_code == 403
        wrong = {**by_page, "X-Emulator-Token": "x" * 32}
        assert direct(cloud, method, path, headers=wrong).status_code == 403
        right = {**by_page, "X-Emulator-Token": token_of(cloud)}
        assert direct(cloud, method, path, headers=right).ok
        # The token is no help to another origin.
        for stranger in (
            {"Origin": "http://localhost:3000"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Host": "evil.example"},
        ):
            headers = {**right, **stranger}
            assert direct(cloud, method, path, headers=headers).status_code == 403
    assert direct(cloud, "OPTIONS", "/state", headers=by_page).status_code == 403


def test_a_call_is_shown_whole_and_without_its_secrets(cloud: RunningEmulator) -> None:
    pail(cloud).put_object("k", b'{"AccessKeySecret": "sesame", "NextToken": "n"}')
    calls = cloud.get("/calls")["calls"]
    assert [call["action"] for call in calls] == ["oss.PutBucket", "oss.PutObject"]
    whole = cloud.get(f"/calls/{calls[-1]['number']}")
    assert calls[-1].items() <= whole.items()
    request, answer = whole["request"], whole["answer"]
    assert request["line"] == "PUT /k"
    key_id, secret = cloud.keys
    assert request["headers"]["authorization"] == f"OSS {key_id} (redacted)"
    assert secret not in json.dumps(whole)
    assert request["body"] == '{"AccessKeySecret": "(redacted)", "NextToken": "n"}'
    assert answer["status"] == 200
    assert answer["headers"]["Server"] == "AliyunOSS"
    cloud.reset()
    assert cloud.get("/calls") == {"calls": []}
    assert direct(cloud, "GET", f"/calls/{whole['number']}").status_code == 404


@pytest.mark.parametrize(
    "rule",
    [
        {"service": "?ss", "action": "Put*"},
        {"action": "RunInstances"},  # real, and not built
        {"service": "fc", "action": "CreateAlias"},
        {"service": "location", "action": "DescribeEndpoints"},
        {"service": "ram", "region": ""},
        {"region": "eu-*"},
        {"action": "Unknown"},
        {"action": "*Anything"},
    ],
)
def test_rules_that_may_match_something_are_taken(
    cloud: RunningEmulator, rule: dict[str, str]
) -> None:
    assert cloud.post("/faults", {"do": "refuse", **rule})["ids"] == [1]


def test_a_call_under_way_at_a_reset_is_not_told_after_it(
    cloud: RunningEmulator,
) -> None:
    bucket = pail(cloud)
    cloud.post("/faults", {"do": "delay", "action": "PutObject", "delay_s": 1})
    slow = Thread(target=bucket.put_object, args=("k", b"x"))
    slow.start()
    until(lambda: cloud.get("/requests")["requests"]["total"] == 2)
    cloud.reset()
    slow.join(20)
    assert cloud.get("/calls") == {"calls": []}
    assert cloud.get("/requests")["requests"]["total"] == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/?Signature=abc%2B&Expires=1", "/?Signature=(redacted)&Expires=1"),
        ("/?SecurityToken=CAIS&x=1", "/?SecurityToken=(redacted)&x=1"),
        ("/?x-oss-security-token=CAIS", "/?x-oss-security-token=(redacted)"),
        ("/?ClientToken=mine&SignatureNonce=n", "/?ClientToken=mine&SignatureNonce=n"),
        ('{"SecurityToken":"a\\"b","n":1}', '{"SecurityToken":"(redacted)","n":1}'),
        (
            "<AccessKeySecret>s</AccessKeySecret>",
            "<AccessKeySecret>(redacted)</AccessKeySecret>",
        ),
        ('{"Plaintext": "secr', '{"Plaintext": "(redacted)"'),
    ],
)
def test_what_is_called_a_secret_is_taken_out(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_the_clock_is_told_and_set(cloud: RunningEmulator) -> None:
    before = cloud.get("/clock")
    assert (round(before["ahead_s"]), before["speed"]) == (0, 1.0)
    after = cloud.post("/clock", {"pass_s": 3600, "speed": 60})
    assert after["now"] - before["now"] >= 3600
    assert after["speed"] == 60
    impossible: tuple[object, ...] = (
        {"pass_s": -1},
        {"speed": 0},
        {"speed": "1"},
        {"x": 1},
        [],
        {"pass_s": True},
    )
    for wrong in impossible:
        answer = direct(cloud, "POST", "/clock", data=json.dumps(wrong))
        assert answer.status_code == 400, wrong
    cloud.reset()
    assert round(cloud.get("/clock")["ahead_s"]) == 0


def test_tiles_are_the_state_in_short(cloud: RunningEmulator) -> None:
    pail(cloud).put_object("k", bytes(3000))
    tiles = cloud.get("/tiles")
    assert tiles["regions"]["cn-hongkong"]["buckets"] == [
        {"name": "pail", "objects": 1, "bytes": 3000, "uploads": 0}
    ]
    left = {"region": "cn-hongkong", "kind": "buckets", "id": "pail", "name": "pail"}
    assert tiles["left_behind"] == cloud.get("/state")["left_behind"] == [left]
    assert tiles["requests"]["requests"]["total"] == 2


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
