"""Faults on the way, one kind each, as a client sees them."""

import socket
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
import requests

from alicloud_emulator.front import faults
from alicloud_emulator.world.faults import Do, Fault, Rule
from emulator.tests.support import virtual
from emulator.tests.support.waiting import until
from emulator.tests.unit.front.conftest import RunningFront

URL = "https://b.oss-cn-hongkong.aliyuncs.com/k"


def call(front: RunningFront, fault: Fault, method: str = "PUT") -> requests.Response:
    front.world.faults.add(Rule(fault=fault, service="oss", times=1))
    return requests.request(
        method,
        URL,
        data=b"abc",
        proxies=front.proxies,
        verify=str(front.bundle),
        timeout=20,
    )


def test_a_refused_call_gets_the_code_and_is_not_done(front: RunningFront) -> None:
    answer = call(front, Fault(do=Do.REFUSE, code="InternalError", status=500))
    assert (answer.status_code, answer.json()["Code"]) == (500, "InternalError")
    assert front.echo.done == []
    assert front.world.traffic.errors["oss.PutObject:InternalError"] >= 1


def test_a_throttled_call_says_when_to_come_again(front: RunningFront) -> None:
    fault = Fault(do=Do.THROTTLE, code="Throttling", status=400, retry_after_ms=1500)
    answer = call(front, fault)
    assert (answer.status_code, answer.json()["Code"]) == (400, "Throttling")
    assert answer.headers["x-acs-retry-after"] == "1500"


def test_each_product_has_its_own_word_for_throttling(front: RunningFront) -> None:
    answer = call(front, Fault(do=Do.THROTTLE))
    assert (answer.status_code, answer.json()["Code"]) == (503, "QpsLimitExceeded")


def test_a_dropped_call_is_done_or_not_as_the_rule_says(front: RunningFront) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        call(front, Fault(do=Do.DROP_BEFORE))
    assert front.echo.done == []
    with pytest.raises(requests.exceptions.ConnectionError):
        call(front, Fault(do=Do.DROP_AFTER))
    assert len(front.echo.done) == 1


@pytest.mark.parametrize(("status", "size"), [(200, 60), (204, 0), (502, 60)])
@pytest.mark.parametrize(("do", "done"), [(Do.HTML, 0), (Do.HTML_AFTER, 1)])
def test_a_page_in_the_clouds_place_has_nothing_of_the_cloud(
    front: RunningFront, do: Do, done: int, status: int, size: int
) -> None:
    answer = call(front, Fault(do=do, status=status))
    assert answer.status_code == status
    assert answer.headers["Server"] == "Tengine"
    assert not [name for name in answer.headers if "request-id" in name.lower()]
    assert len(answer.content) >= size
    assert bool(answer.content) is bool(size)
    assert len(front.echo.done) == done


def test_an_html_page_comes_in_place_of_the_answer(front: RunningFront) -> None:
    answer = call(front, Fault(do=Do.HTML, status=502))
    assert answer.status_code == 502
    assert answer.text.startswith("<html>")
    assert front.echo.done == []
    answer = call(front, Fault(do=Do.HTML_AFTER, status=502))
    assert answer.text.startswith("<html>")
    assert len(front.echo.done) == 1


def test_an_answer_that_the_cloud_lost_itself_is_that_of_a_second_try(
    front: RunningFront,
) -> None:
    lost = Fault(do=Do.DROP_AFTER, code="FunctionAlreadyExists", status=409)
    answer = call(front, lost)
    assert answer.status_code == 409
    assert "FunctionAlreadyExists" in answer.text
    assert len(front.echo.done) == 1


def test_a_delayed_answer_comes_late(front: RunningFront) -> None:
    late = Fault(do=Do.DELAY, delay_s=0.3)
    assert call(front, late).json()["size"] == 3

    async def virtual_s() -> float:
        assert await faults.after([late]) is None
        return anyio.current_time()

    assert virtual.run(virtual_s) == 0.3


def test_a_hanging_call_never_answers(front: RunningFront) -> None:
    front.world.faults.add(Rule(fault=Fault(do=Do.HANG), times=1))
    with pytest.raises(requests.exceptions.Timeout):
        requests.put(URL, proxies=front.proxies, verify=str(front.bundle), timeout=0.4)
    assert front.echo.done == []


@pytest.mark.parametrize(
    "host", ["oss-cn-hongkong.aliyuncs.com", "oss-eu-west-2.aliyuncs.com"]
)
def test_a_call_that_hangs_ends_when_its_client_goes(
    front: RunningFront, host: str
) -> None:
    """By a fault, or in a dead region: else sockets would pile up for an hour."""
    front.world.faults.add(Rule(fault=Fault(do=Do.HANG)))
    before = open_sockets()
    clients = []
    for _ in range(5):
        client = socket.create_connection(("127.0.0.1", front.port), timeout=20)
        client.sendall(f"GET /k HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        clients.append(client)
    until(lambda: len(open_sockets() - before) == 10)
    for client in clients:
        client.close()
    until(lambda: not open_sockets() - before)


def open_sockets() -> set[str]:
    """Sockets of this process, which is client and server.

    They are told apart, since an earlier test's may close at any time.
    """
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.add(str(entry.readlink()))
    return {link for link in found if link.startswith("socket:")}


@pytest.mark.parametrize("do", [Do.CORRUPT, Do.TRUNCATE, Do.KILL, Do.FAIL_TASK])
def test_faults_that_a_service_acts_out_reach_it(front: RunningFront, do: Do) -> None:
    assert call(front, Fault(do=do)).json()["faults"] == [do]


def test_the_nth_call_of_an_action_in_a_region_is_struck(front: RunningFront) -> None:
    front.world.faults.add(
        Rule(
            fault=Fault(do=Do.REFUSE),
            action="PutObject",
            region="cn-hongkong",
            resource="/k*",
            first=3,
            times=1,
        )
    )
    statuses = [
        requests.put(
            URL, proxies=front.proxies, verify=str(front.bundle), timeout=20
        ).status_code
        for _ in range(5)
    ]
    assert statuses == [200, 200, 503, 200, 200]
