"""Ways in: CONNECT, absolute URIs, direct TLS; and who is not let in."""

import http.client
import socket
import ssl
import time

import pytest
import requests

from emulator.tests.unit.front.conftest import RunningFront

HOST = "b.oss-cn-hongkong.aliyuncs.com"


def get(front: RunningFront, url: str, **more: object) -> requests.Response:
    return requests.get(
        url,
        proxies=front.proxies,
        verify=str(front.bundle),
        timeout=20,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_client_reaches_a_service(front: RunningFront, scheme: str) -> None:
    seen = get(front, f"{scheme}://{HOST}/some/key%20x?a=1&b=&c").json()
    assert seen["host"] == HOST
    assert seen["path"] == "/some/key x"
    assert seen["query"] == [["a", "1"], ["b", ""], ["c", ""]]
    assert seen["scheme"] == scheme
    assert seen["context"] == {
        "acs:SecureTransport": "true" if scheme == "https" else "false",
        "acs:SourceVpc": "",
        "acs:SourceIp": "127.0.0.1",
    }


def test_a_tunnel_may_carry_plain_http(front: RunningFront) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=20)
    connection.set_tunnel(HOST, 80)
    connection.request("GET", "/x")
    answer = connection.getresponse()
    assert answer.status == 200
    assert b'"scheme": "http"' in answer.read()
    connection.close()


def test_a_program_may_speak_tls_to_the_port_directly(front: RunningFront) -> None:
    raw = socket.create_connection(("127.0.0.1", front.port), timeout=20)
    with front.client_context().wrap_socket(raw, server_hostname=HOST) as stream:
        stream.sendall(f"GET /x HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert stream.recv(100).startswith(b"HTTP/1.1 200")


def test_tls_for_a_name_that_is_not_ours_is_refused(front: RunningFront) -> None:
    raw = socket.create_connection(("127.0.0.1", front.port), timeout=20)
    with raw, pytest.raises(ssl.SSLError):
        front.client_context().wrap_socket(raw, server_hostname="example.com")


def test_plain_http_sent_directly_goes_by_its_host_header(front: RunningFront) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{front.port}/x", headers={"Host": HOST}, timeout=20
    )
    assert answer.json()["host"] == HOST


def test_a_request_for_another_host_is_told_what_it_came_to(
    front: RunningFront,
) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{front.port}/", headers={"Host": "example.com"}, timeout=20
    )
    assert answer.status_code == 403
    assert "proxy" in answer.text


def test_a_host_that_would_not_resolve_gets_a_502_that_says_so(
    front: RunningFront,
) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="No such host"):
        get(front, "https://fcv3.cn-nanjing.aliyuncs.com/")


@pytest.mark.parametrize(
    "host", ["example.com", "rds.aliyuncs.com", "ecs.nosuch.aliyuncs.com"]
)
def test_nothing_passes_to_other_hosts(front: RunningFront, host: str) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        get(front, f"https://{host}/")


@pytest.mark.parametrize("host", ["example.com", "fcv3.cn-nanjing.aliyuncs.com"])
def test_plain_http_to_where_nothing_is_fails_to_connect(
    front: RunningFront, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer of ours would pass for one of the host's."""
    with pytest.raises(requests.exceptions.ConnectionError):
        get(front, f"http://{host}/")
    (record,) = caplog.records
    assert host in record.getMessage()


def test_a_tunnel_to_another_port_is_refused(front: RunningFront) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        get(front, f"https://{HOST}:8443/")


def test_a_dead_region_takes_the_connection_and_never_answers(
    front: RunningFront,
) -> None:
    with pytest.raises(requests.exceptions.Timeout):
        requests.get(
            "https://ecs.eu-west-2.aliyuncs.com/",
            proxies=front.proxies,
            verify=str(front.bundle),
            timeout=0.5,
        )


def test_internal_hosts_are_reached_from_inside_their_region(
    front: RunningFront,
) -> None:
    url = "https://b.oss-cn-hangzhou-internal.aliyuncs.com/k"
    port = front.front.inside_port("cn-hangzhou")
    inside = {"https": f"http://127.0.0.1:{port}"}
    seen = requests.get(url, proxies=inside, verify=str(front.bundle), timeout=20)
    assert seen.json()["inside"] == "cn-hangzhou"
    other = {"https": f"http://127.0.0.1:{front.front.inside_port('cn-beijing')}"}
    with pytest.raises(requests.exceptions.ProxyError, match="No such host"):
        requests.get(url, proxies=other, verify=str(front.bundle), timeout=20)


def test_bytes_are_counted_by_hop(front: RunningFront) -> None:
    traffic = front.world.traffic
    before = (traffic.uplink_bytes, traffic.internal_bytes, traffic.cross_region_bytes)
    port = front.front.inside_port("cn-hangzhou")
    inside = {"https": f"http://127.0.0.1:{port}"}

    def put(host: str, size: int, proxies: dict[str, str]) -> int:
        answer = requests.put(
            f"https://{host}/k",
            data=b"x" * size,
            proxies=proxies,
            verify=str(front.bundle),
            timeout=20,
        )
        return len(answer.content)

    put("b.oss-cn-hangzhou.aliyuncs.com", 1000, front.proxies)
    own = put("b.oss-cn-hangzhou-internal.aliyuncs.com", 200, inside)
    far = put("b.oss-us-east-1.aliyuncs.com", 30, inside)
    expected = (before[0] + 1000, before[1] + 200 + own, before[2] + 30 + far)
    after = before
    for _ in range(100):  # an answer is counted when it is out, just after we have it
        after = (
            traffic.uplink_bytes,
            traffic.internal_bytes,
            traffic.cross_region_bytes,
        )
        if after == expected:
            return
        time.sleep(0.01)
    assert after == expected
