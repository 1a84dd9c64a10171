"""HTTP on one connection: streamed bodies, keep-alive, 100-continue, bounds, garbage."""

import hashlib
import http.client
import json
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.stapled import StapledObjectStream
from anyio.streams.tls import TLSStream
from typing_extensions import override

from alicloud_emulator.front.http import RECEIVE_BYTES, HttpConnection
from alicloud_emulator.front.tls import CertificateAuthority
from alicloud_emulator.products.wire import FileBody, Request, Response
from alicloud_emulator.world.errors import ServiceError
from emulator.tests.unit.front.conftest import RunningFront

HOST = "b.oss-cn-hongkong.aliyuncs.com"


@pytest.fixture
def connection(front: RunningFront) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", front.port, timeout=20)
    yield opened
    opened.close()


def raw(front: RunningFront, data: bytes) -> bytes:
    """Send bytes and return everything that comes back until the end."""
    with socket.create_connection(("127.0.0.1", front.port), timeout=20) as stream:
        stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        received = b""
        while block := stream.recv(65536):
            received += block
    return received


def test_one_connection_carries_many_requests(
    connection: http.client.HTTPConnection,
) -> None:
    for size in (0, 1, 100_000, 0):
        connection.request("PUT", "/k", body=b"x" * size, headers={"Host": HOST})
        answer = connection.getresponse()
        assert json.loads(answer.read())["size"] == size
        assert answer.headers["connection"] == "keep-alive"


def test_what_a_client_sends_unasked_stays_with_the_client(
    front: RunningFront,
) -> None:
    """Ten clients with a large body each made the emulator 700 MB large."""

    async def wait_for_ever(request: Request) -> Response:
        await anyio.sleep_forever()
        raise AssertionError(request)

    front.echo.handler = wait_for_ever
    with socket.create_connection(("127.0.0.1", front.port)) as stream:
        head = f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {10**9}\r\n\r\n"
        stream.sendall(head.encode() + b"x" * 1024 * 1024)
        stream.settimeout(1)  # full buffers stay full, however long one waits
        with pytest.raises(TimeoutError):
            stream.sendall(b"x" * 256 * 1024 * 1024)


def test_the_name_of_a_call_is_remembered_so_far_and_no_further(
    front: RunningFront, connection: http.client.HTTPConnection
) -> None:
    """A thousand events of a megabyte each are kept, and counts for ever."""
    connection.request(
        "POST",
        "/",
        body="Action=" + "a" * 1_000_000,
        headers={
            "Host": "ecs.cn-hongkong.aliyuncs.com",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    connection.getresponse().read()
    assert len(front.events.last[-1]["action"]) < 2000
    assert max(map(len, front.world.traffic.errors)) < 2000


class Watched(ByteStream):
    """The server's end of a connection, which writes down what is asked of it."""

    def __init__(self, incoming: list[bytes]) -> None:
        self.asked: list[str] = []
        self._incoming = incoming

    @property
    @override
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {SocketAttribute.raw_socket: lambda: self}

    def setsockopt(self, level: int, name: int, value: int) -> None:
        """Take a socket option, as the kernel would."""
        assert (level, name) == (socket.IPPROTO_TCP, socket.TCP_QUICKACK)
        self.asked.append("acknowledge" if value else "put off")

    @override
    async def receive(self, max_bytes: int = 65536) -> bytes:
        self.asked.append("receive")
        return self._incoming.pop(0)

    @override
    async def send(self, item: bytes) -> None:
        raise AssertionError("nothing is to be sent")

    @override
    async def send_eof(self) -> None: ...

    @override
    async def aclose(self) -> None: ...


@pytest.mark.skipif(
    not hasattr(socket, "TCP_QUICKACK"), reason="only Linux lets us ask for it"
)
def test_a_head_is_acknowledged_before_its_body_is_waited_for() -> None:
    head = f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\n\r\n"
    stream = Watched([head.encode(), b"body"])

    async def serve() -> bytes:
        found = await HttpConnection(stream).next_request()
        assert found is not None
        return await found[1].read(100)

    assert anyio.run(serve) == b"body"
    assert stream.asked[:3] == ["receive", "acknowledge", "receive"]


def test_what_came_by_tls_goes_on_in_blocks_larger_than_its_records() -> None:
    """What is done for each block was dearer than TLS itself when each was a record."""
    authority = CertificateAuthority()
    trusting = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    data = random.Random(1).randbytes(4 * RECEIVE_BYTES)
    head = f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(data)}\r\n\r\n"

    async def serve() -> list[bytes]:
        there, here = await encrypted(authority.context(HOST), trusting)
        await there.send(head.encode())
        await there.send(data)
        connection = HttpConnection(here)
        found = await connection.next_request()
        assert found is not None
        blocks = [block async for block in found[1] if block]
        await connection.answer(Response(), is_head=False)
        assert await connection.recycle()
        await there.aclose()
        assert await connection.next_request() is None, "the end of TLS is one of HTTP"
        await here.aclose()
        return blocks

    blocks = anyio.run(serve)
    assert b"".join(blocks) == data
    assert [len(block) for block in blocks] == [RECEIVE_BYTES] * 4


async def encrypted(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> tuple[TLSStream, TLSStream]:
    """Return both ends of a connection in memory; what is sent at once arrives so."""
    to_server, from_client = anyio.create_memory_object_stream[bytes](100)
    to_client, from_server = anyio.create_memory_object_stream[bytes](100)
    ends: dict[str, TLSStream] = {}

    async def shake(name: str, stream: StapledObjectStream[bytes], **how: Any) -> None:
        ends[name] = await TLSStream.wrap(stream, standard_compatible=False, **how)

    async with anyio.create_task_group() as tasks:
        accepted = StapledObjectStream(to_client, from_client)
        opened = StapledObjectStream(to_server, from_server)
        tasks.start_soon(
            lambda: shake("here", accepted, server_side=True, ssl_context=server)
        )
        tasks.start_soon(
            lambda: shake("there", opened, hostname=HOST, ssl_context=client)
        )
    return ends["there"], ends["here"]


def test_a_chunked_body_of_megabytes_arrives_whole(
    connection: http.client.HTTPConnection,
) -> None:
    block = random.Random(1).randbytes(300_001)
    connection.request(
        "PUT",
        "/k",
        body=iter([block] * 20),
        headers={"Host": HOST},
        encode_chunked=True,
    )
    seen = json.loads(connection.getresponse().read())
    assert seen["size"] == 20 * len(block)
    assert seen["sha256"] == hashlib.sha256(block * 20).hexdigest()


def test_a_client_that_asks_to_continue_is_told_so(front: RunningFront) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=20) as stream:
        head = f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        stream.sendall(head.encode())
        assert stream.recv(1000).startswith(b"HTTP/1.1 100 ")
        stream.sendall(b"hello")
        assert b'"size": 5' in stream.recv(10_000)


def test_a_refused_upload_is_not_asked_to_continue(front: RunningFront) -> None:
    def refuse(request: Request) -> Response:
        raise ServiceError("AccessDenied", 403)

    front.echo.handler = refuse
    with socket.create_connection(("127.0.0.1", front.port), timeout=20) as stream:
        head = f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        stream.sendall(head.encode())
        answer = stream.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"Connection: close" in answer


def test_a_refusal_in_the_middle_of_a_large_upload_is_seen(
    front: RunningFront, connection: http.client.HTTPConnection
) -> None:
    def refuse(request: Request) -> Response:
        raise ServiceError("AccessDenied", 403)

    front.echo.handler = refuse
    connection.request("PUT", "/k", body=b"x" * 20_000_000, headers={"Host": HOST})
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"AccessDenied" in answer.read()


def test_after_a_small_refused_body_the_connection_is_kept(
    front: RunningFront, connection: http.client.HTTPConnection
) -> None:
    def refuse(request: Request) -> Response:
        raise ServiceError("AccessDenied", 403)

    front.echo.handler = refuse
    connection.request("PUT", "/k", body=b"x" * 1000, headers={"Host": HOST})
    assert connection.getresponse().read()
    front.echo.handler = None
    connection.request("PUT", "/k", body=b"yy", headers={"Host": HOST})
    assert json.loads(connection.getresponse().read())["size"] == 2


def test_a_file_range_is_sent_in_blocks(
    front: RunningFront, connection: http.client.HTTPConnection, tmp_path: Path
) -> None:
    content = random.Random(2).randbytes(3_000_000)
    file = tmp_path / "blob"
    file.write_bytes(content)
    body = FileBody(path=file, offset=100, length=2_500_000)
    front.echo.handler = lambda _: Response(body=body)
    connection.request("GET", "/k", headers={"Host": HOST})
    answer = connection.getresponse()
    assert answer.headers["content-length"] == "2500000"
    assert answer.read() == content[100:2_500_100]


@pytest.mark.parametrize("length", [None, 6])
def test_blocks_to_come_are_sent_chunked_or_with_a_length(
    front: RunningFront,
    connection: http.client.HTTPConnection,
    length: int | None,
) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        for block in (b"abc", b"", b"def"):
            yield block

    front.echo.handler = lambda _: Response(body=blocks(), content_length=length)
    connection.request("GET", "/k", headers={"Host": HOST})
    answer = connection.getresponse()
    assert answer.headers.get("transfer-encoding") == (None if length else "chunked")
    assert answer.read() == b"abcdef"


def test_a_body_shorter_than_announced_ends_the_connection(
    front: RunningFront, connection: http.client.HTTPConnection
) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        yield b"abc"

    front.echo.handler = lambda _: Response(body=blocks(), content_length=10)
    connection.request("GET", "/k", headers={"Host": HOST})
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()


def test_head_has_the_length_and_no_body(
    front: RunningFront, connection: http.client.HTTPConnection
) -> None:
    front.echo.handler = lambda _: Response(body=b"", content_length=12345)
    connection.request("HEAD", "/k", headers={"Host": HOST})
    answer = connection.getresponse()
    assert answer.headers["content-length"] == "12345"
    assert answer.read() == b""
    connection.request("HEAD", "/k", headers={"Host": HOST})
    assert connection.getresponse().status == 200


def test_header_values_cannot_break_out_of_their_line(
    front: RunningFront, connection: http.client.HTTPConnection
) -> None:
    meta = {"x-oss-meta-a": "1\r\nx-evil: 2", "x-oss-meta-ü": "dropped"}
    front.echo.handler = lambda _: Response(headers=meta)
    connection.request("GET", "/k", headers={"Host": HOST})
    headers = connection.getresponse().headers
    assert "x-evil" not in headers
    assert headers["x-oss-meta-a"] == "1  x-evil: 2"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x00\x01garbage\r\n\r\n", b"400"),
        (b"GET /\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 70_000, b"431"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"Host: x\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"GET ftp://x/ HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"OPTIONS * HTTP/1.1\r\nHost: ecs.aliyuncs.com\r\n\r\n", b"400"),
        (b"CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n", b"403"),
        (b"CONNECT :::: HTTP/1.1\r\nHost: x\r\n\r\n", b"403"),
    ],
)
def test_what_is_not_http_gets_an_answer_and_a_close(
    front: RunningFront, data: bytes, status: bytes
) -> None:
    assert raw(front, data).startswith(b"HTTP/1.1 " + status)


def test_a_client_that_goes_away_in_the_middle_leaves_no_trace(
    front: RunningFront,
) -> None:
    head = f"PUT /k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nabc"
    assert raw(front, head.encode()) == b""
    assert front.echo.done == []


def test_garbage_of_all_kinds_harms_nobody(
    front: RunningFront, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(20261122)
    good = [
        f"GET /k?a=b HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(),
        f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode(),
        f"PUT http://{HOST}/k HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: OSS4-HMAC-SHA256 Credential=a/b/c/oss/aliyun_v4_request,Signature={'0' * 64}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode(),
        bytes.fromhex("1603010200010001fc0303") + bytes(64),
    ]
    for _ in range(300):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randrange(6)):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    del data[at : at + rng.randrange(20)]
                case 2:
                    data[at:at] = rng.randbytes(rng.randrange(20))
                case _:
                    data[at:at] = data[:at]
        raw(front, bytes(data) or b"x")
    assert "unexpectedly" not in caplog.text
    assert raw(front, good[0]).startswith(b"HTTP/1.1 200 ")
