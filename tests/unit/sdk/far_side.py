"""What is at the other end of the wire: an HTTPS proxy that plays every host.

Real sockets and real TLS: CONNECT is answered, TLS is ended with a certificate for the
name asked for, and what was sent is recorded and answered by a function of the test.
"""

import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import trustme
from typing_extensions import override

BODY_BYTES_KEPT = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it came over the wire; header names are lower case."""

    host: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What to answer; ``raw`` is sent instead of an HTTP answer, then it hangs up.

    Attributes:
        drip_s: Seconds between one byte of the body and the next.
        genuine: Whether it has the request id that the cloud's own answers have.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    genuine: bool = True
    stall_s: float = 0.0
    drip_s: float = 0.0


def as_json(text: str, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(
        status=status,
        body=text.encode(),
        headers={"Content-Type": "application/json", **named},
    )


def as_xml(text: str, status: int = 200) -> Reply:
    return Reply(
        status=status, body=text.encode(), headers={"Content-Type": "application/xml"}
    )


@dataclass
class FarSide:
    """The other end. ``answer`` is called with each request, from many threads."""

    ca: trustme.CA
    answer: Callable[[Seen], Reply] = lambda _seen: as_json("{}")
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    connects: list[str] = field(default_factory=list)
    dripped: int = 0
    tunnels: set[object] = field(default_factory=set)
    port: int = 0
    ca_path: Path = Path()

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"HTTPS_PROXY": self.proxy, "SSL_CERT_FILE": str(self.ca_path)}

    def context_for(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(host).configure_cert(context)
        return context


def _id_header(host: str) -> str:
    if host.startswith("fcv3."):
        return "x-fc-request-id"
    return "x-oss-request-id" if "oss-" in host else "x-acs-request-id"


class _Unbuffered(io.BufferedIOBase):
    """What a handler writes, sent at once."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection

    @override
    def write(self, data: Any) -> int:
        self._connection.sendall(data)
        return len(data)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    far_side: FarSide
    host = ""

    def do_CONNECT(self) -> None:
        far = self.far_side
        host = self.path.rpartition(":")[0]
        far.connects.append(host)
        if host in far.refusals:
            status, reason = far.refusals[host]
            self.wfile.write(f"HTTP/1.1 {status} {reason}\r\n\r\n".encode())
            self.close_connection = True
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            tls = far.context_for(host).wrap_socket(self.connection, server_side=True)
        except OSError:
            self.close_connection = True
            return
        self.host = host
        far.tunnels.add(self)
        self.connection = tls
        self.rfile = tls.makefile("rb")
        self.wfile = _Unbuffered(tls)
        self.close_connection = False

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        seen = Seen(
            host=self.host,
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(length),
        )
        self.far_side.seen.append(seen)
        reply = self.far_side.answer(seen)
        if reply.stall_s:
            threading.Event().wait(reply.stall_s)
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        headers = {
            **self._id(reply),
            "Date": "Thu, 01 Jan 2026 00:00:00 GMT",
            "Content-Length": str(len(reply.body)),
            **reply.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body = b"" if self.command == "HEAD" else reply.body
        head = f"HTTP/1.1 {reply.status} Told\r\n{head}\r\n"
        if not reply.drip_s:
            self.wfile.write(head.encode() + body)
            return
        self.wfile.write(head.encode())
        for byte in body:
            threading.Event().wait(reply.drip_s)
            self.wfile.write(bytes((byte,)))
            self.far_side.dripped += 1

    def _id(self, reply: Reply) -> dict[str, str]:
        """Return the header that names the cloud's request, if the reply has none."""
        name = _id_header(self.host)
        given = {name.lower() for name in reply.headers}
        return {name: "5C3D"} if reply.genuine and name not in given else {}

    def _body(self, length: int) -> bytes:
        """Read it all; of what is larger than any test looks at, keep the start."""
        kept = bytearray()
        while length > 0:
            block = self.rfile.read(min(length, 256 * 1024))
            if not block:
                raise ConnectionResetError
            length -= len(block)
            if len(kept) < BODY_BYTES_KEPT:
                kept += block
        return bytes(kept)

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    @override
    def finish(self) -> None:
        self.far_side.tunnels.discard(self)
        # The TLS socket took the place of the one that the server would close.
        self.wfile.close()
        self.rfile.close()
        self.connection.close()

    @override
    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients of these tests hang up on purpose."""

    @override
    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)


@contextmanager
def far_side(directory: Path, ca: trustme.CA) -> Iterator[FarSide]:
    """Run a far side on a loopback port; its CA's certificate lies in ``directory``."""
    far = FarSide(ca=ca)
    far.ca_path = directory / "ca.pem"
    ca.cert_pem.write_to_path(str(far.ca_path))
    handler = type("_Bound", (_Handler,), {"far_side": far})
    server = _Server(("127.0.0.1", 0), handler)
    far.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield far
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def closed_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
