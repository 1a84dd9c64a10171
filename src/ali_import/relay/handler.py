"""The relay function: it sends one HTTP request from inside its region.

Function Compute runs this file alone (Python 3.10 or later, standard library only). It
has no credentials and no role: it can do only what the signed request it is given
allows, and it sends it nowhere but to its own region's internal OSS host. It writes no
log and repeats no URL, header or body in what it says about a failure.

The payload of an invocation is a frame::

    4 bytes   length of the JSON text, big-endian
    n bytes   JSON: {"method": "PUT", "url": "https://...", "headers": [[name, value]],
              "deadline_s": 100, "fetch": null}
    the rest  the request's body, as it is

or, when the function is to fetch the body itself, ``"fetch": {"urls": [...],
"offset": 0, "length": 1}`` and no rest: it reads that range from the first source that
works and passes it on block by block. When a source fails half way, the next one
continues at the byte reached, so memory stays constant and nothing is sent twice.

What it returns is JSON: ``{"status", "reason", "headers", "body"}`` with the body in
base64 (answers of OSS are small), or ``{"error": {"kind", "detail"}}`` where ``kind``
is ``refused``, ``fetch``, ``target`` or ``broken``. With ``fetch`` there may be ``gone``:
the numbers, from 0, of the sources that do not exist any more.

``deadline_s`` binds everything: each read, write and connection ends with it, so that
nobody who sends or takes a byte now and then can keep the invocation from telling.
"""

import base64
import collections
import functools
import http.client
import io
import itertools
import json
import re
import socket
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

BLOCK_BYTES = 1024 * 1024
ANSWER_BYTES_MAX = 5 * 1024 * 1024
HEADER_TEXT_BYTES_MAX = 256 * 1024
HEADERS_MAX = 64
HEADER_VALUE_CHARS_MAX = 8192
URL_CHARS_MAX = 8192
SOURCES_MAX = 16
# Of 10 attempts at least one works, 999 times in 1000, if half of them fail.
FETCH_ATTEMPTS_MIN = 10
FETCH_PAUSE_S_MAX = 1.0
FETCH_BYTES_MAX = 5 * 1024 * 1024 * 1024
SOCKET_TIMEOUT_S = 15.0
DEADLINE_S_MAX = 86400.0

METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
# Set from the request line, from the body and by the connection itself.
HEADERS_OF_THE_CONNECTION = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "expect"}
)
# Answers that say a source will not work however often it is asked.
SOURCE_GONE_STATUSES = frozenset({200, 400, 401, 403, 404, 410, 416})
# The one that says that there is no such object.
NOT_FOUND = 404

_REGION = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
_BUCKET = r"(?:[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\.)?"
_PATH = r"(/[!-~]*)"
# A bucket on a region's public OSS host, and nothing else of Alibaba Cloud's.
_SOURCE = re.compile(
    r"https://([a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
    r"\.oss-(?![a-z0-9-]*-internal\.)[a-z][a-z0-9]*(?:-[a-z0-9]+)+\.aliyuncs\.com)"
    + _PATH
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")


class RelayError(Exception):
    """The request was not carried out; ``kind`` and ``detail`` hold no secret."""

    def __init__(self, kind: str, detail: str, gone: Iterable[int] = ()) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.gone = sorted(gone)


class SourceGoneError(Exception):
    """A source that will not work again; the text is safe to tell."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a source answered HTTP {status}")
        self.status = status


class SourceFailedError(Exception):
    """A source did not work this time; the text is safe to tell."""


def handler(event: bytes, context: Any) -> str:
    """Carry out the request framed in ``event``; the entry point of the function."""
    try:
        header, body = unframe(event)
        answer = _relay(header, body, str(getattr(context, "region", "")))
    except RelayError as exc:
        answer = {"error": {"kind": exc.kind, "detail": exc.detail}}
        if exc.gone:
            answer["error"]["gone"] = exc.gone
    except Exception as exc:  # noqa: BLE001  its text may hold what must not be told
        answer = {"error": {"kind": "broken", "detail": type(exc).__name__}}
    return json.dumps(answer)


# --- the frame -----------------------------------------------------------------------


def frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Return the payload that carries ``header`` and ``body``."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((len(text).to_bytes(4, "big"), text, body))


def unframe(payload: bytes) -> tuple[dict[str, Any], memoryview]:
    """Take a payload apart; the body is a view, not a copy.

    Raises:
        RelayError: It is no frame.
    """
    view = memoryview(payload)
    size = int.from_bytes(view[:4], "big")
    if len(view) < 4 + size or not 0 < size <= HEADER_TEXT_BYTES_MAX:
        raise RelayError("refused", "the payload is no frame")
    try:
        header = json.loads(bytes(view[4 : 4 + size]))
    except ValueError:
        raise RelayError("refused", "the frame's header is not JSON") from None
    if not isinstance(header, dict):
        raise RelayError("refused", "the frame's header is no object")
    return header, view[4 + size :]


# --- the request ---------------------------------------------------------------------


def _relay(header: dict[str, Any], body: memoryview, region: str) -> dict[str, Any]:
    deadline = time.monotonic() + _number(header, "deadline_s", DEADLINE_S_MAX)
    host, path = _target(header.get("url"), region)
    method = header.get("method")
    if method not in METHODS:
        raise RelayError("refused", "the method is not allowed")
    headers = _headers(header.get("headers"))
    fetch = header.get("fetch")
    blocks: Iterable[Any] = (body,) if len(body) else ()
    length = len(body)
    if fetch is not None:
        if len(body):
            raise RelayError("refused", "a body both sent and to be fetched")
        blocks, length = _fetch(fetch, deadline)
    if length or method in {"PUT", "POST"}:
        headers.append(("Content-Length", str(length)))
    return _send(_connect(host, deadline), method, path, headers, blocks)


def _target(url: Any, region: str) -> tuple[str, str]:
    """Return host and path of a URL on this region's internal OSS host, only."""
    if not _REGION.fullmatch(region):
        raise RelayError("refused", "the function does not know its region")
    own = rf"https://({_BUCKET}oss-{re.escape(region)}-internal\.aliyuncs\.com)"
    found = _match(re.compile(own + _PATH), url)
    if found is None:
        raise RelayError("refused", "the destination is not this region's OSS")
    return found


def _match(pattern: "re.Pattern[str]", url: Any) -> "tuple[str, str] | None":
    if not isinstance(url, str) or len(url) > URL_CHARS_MAX or "#" in url:
        return None
    found = pattern.fullmatch(url)
    return (found[1], found[2]) if found else None


def _headers(given: Any) -> list[tuple[str, str]]:
    if not isinstance(given, list) or len(given) > HEADERS_MAX:
        raise RelayError("refused", "the headers are no short list")
    headers: list[tuple[str, str]] = []
    for pair in given:
        if not (
            isinstance(pair, list)
            and len(pair) == 2
            and all(isinstance(text, str) for text in pair)
            and _HEADER_NAME.fullmatch(pair[0])
            and len(pair[1]) <= HEADER_VALUE_CHARS_MAX
            and _HEADER_VALUE.fullmatch(pair[1])
        ):
            raise RelayError("refused", "a header is malformed")
        name, value = pair
        if name.lower() in HEADERS_OF_THE_CONNECTION or name.lower()[:6] == "proxy-":
            continue
        headers.append((name, value))
    return headers


def _number(header: dict[str, Any], key: str, largest: float) -> float:
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RelayError("refused", f"{key} is no number")
    if not 0 <= value <= largest:
        raise RelayError("refused", f"{key} is out of range")
    return value


def _send(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    headers: list[tuple[str, str]],
    blocks: Iterable[Any],
) -> dict[str, Any]:
    """Send the request and return its answer; a failed fetch passes through."""
    try:
        # Nothing is added: what is signed must arrive as it was signed.
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        _send_body(connection, blocks)
        response = connection.getresponse()
        body = response.read(ANSWER_BYTES_MAX + 1)
    except (OSError, http.client.HTTPException) as exc:
        raise RelayError("target", type(exc).__name__) from None
    finally:
        connection.close()
    if len(body) > ANSWER_BYTES_MAX:
        raise RelayError("target", "the answer is too large")
    if response.length:
        # Fewer bytes than Content-Length said; http.client does not mind.
        raise RelayError("target", "the answer ended too early")
    return {
        "status": response.status,
        "reason": response.reason,
        "headers": response.getheaders()[:HEADERS_MAX],
        "body": base64.b64encode(body).decode("ascii"),
    }


def _send_body(connection: http.client.HTTPConnection, blocks: Iterable[Any]) -> None:
    for block in blocks:
        try:
            connection.send(block)
        except OSError:
            # A server may answer and close before it has read everything, to say no.
            # If it did not, reading the answer fails in turn.
            return


@functools.lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _connect(host: str, deadline: float) -> "Connection":
    """Return a connection, by the proxy that the environment names, if any.

    It is made when it is first used.
    """
    proxy = urllib.request.getproxies().get("https")
    if not proxy or urllib.request.proxy_bypass(host):
        return Connection(host, 443, deadline)
    parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    connection = Connection(parts.hostname or "", parts.port or 80, deadline)
    connection.set_tunnel(host, 443)
    return connection


class Connection(http.client.HTTPSConnection):
    """A connection on which nothing lasts beyond the deadline."""

    def __init__(self, host: str, port: int, deadline: float) -> None:
        super().__init__(host, port, timeout=SOCKET_TIMEOUT_S, context=_tls_context())
        self._deadline = deadline

    def connect(self) -> None:
        """Connect, in the time that is left."""
        self.timeout = _left_s(self._deadline)
        super().connect()
        self.sock: Any = BoundSocket(self.sock, self._deadline)


class BoundSocket:
    """What ``http.client`` uses of a socket; each read and write ends in time."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a file to read the answer from."""
        return io.BufferedReader(BoundReader(self._sock, self._deadline))

    def sendall(self, data: Any) -> None:
        """Send all of ``data``."""
        with memoryview(data).cast("B") as view:
            sent = 0
            while sent < len(view):
                self._sock.settimeout(_left_s(self._deadline))
                sent += self._sock.send(view[sent : sent + BLOCK_BYTES])

    def close(self) -> None:
        """Close it, when what reads from it is closed too."""
        self._sock.close()


class BoundReader(io.RawIOBase):
    """The reading side of a ``BoundSocket``."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        # It keeps the socket open until it is closed itself.
        self._file: Any = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> "int | None":
        """Read what is there, waiting for it while there is time."""
        self._sock.settimeout(_left_s(self._deadline))
        size: int | None = self._file.readinto(buffer)
        return size

    def close(self) -> None:
        """Close this side."""
        self._file.close()
        super().close()


def _left_s(deadline: float) -> float:
    """Return for how long a socket may wait.

    Raises:
        TimeoutError: Not at all: no time is left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, SOCKET_TIMEOUT_S)


# --- fetching the body ---------------------------------------------------------------


def _fetch(fetch: Any, deadline: float) -> tuple[Iterable[bytes], int]:
    """Return the blocks of the range asked for, and its length.

    The first block is read here, so that nothing is sent when no source works.
    """
    if not isinstance(fetch, dict) or not isinstance(fetch.get("urls"), list):
        raise RelayError("refused", "the fetch is malformed")
    offset = int(_number(fetch, "offset", 2.0**48))
    length = int(_number(fetch, "length", FETCH_BYTES_MAX))
    urls = fetch["urls"]
    sources = [_match(_SOURCE, url) for url in urls]
    if not 0 < len(sources) <= SOURCES_MAX or None in sources:
        raise RelayError("refused", "a source is no bucket's public host")
    usable = [source for source in sources if source is not None]
    blocks = _fetched(usable, offset, length, deadline)
    first = next(blocks, b"")
    return itertools.chain((first,), blocks), length


def _fetched(
    sources: list[tuple[str, str]], offset: int, length: int, deadline: float
) -> Iterator[bytes]:
    """Give the range in blocks, going on with another source where one fails."""
    waiting = collections.deque(enumerate(sources))
    gone: list[int] = []
    attempts = max(FETCH_ATTEMPTS_MIN, 2 * len(sources))
    position = 0
    why = "no bytes are asked for"
    for attempt in range(attempts):
        if position == length or not waiting:
            break
        try:
            first, last = offset + position, offset + length - 1
            for block in _range(waiting[0][1], first, last, deadline):
                position += len(block)
                yield block
        except SourceGoneError as exc:
            why = str(exc)
            number, _ = waiting.popleft()
            if exc.status == NOT_FOUND:
                gone.append(number)
        except (SourceFailedError, OSError, http.client.HTTPException) as exc:
            why = str(exc) if isinstance(exc, SourceFailedError) else type(exc).__name__
            waiting.rotate(-1)
            pause_s = min(0.05 * 2**attempt, FETCH_PAUSE_S_MAX)
            if time.monotonic() + pause_s > deadline:
                raise RelayError("fetch", "no time is left", gone) from None
            time.sleep(pause_s)
    if position != length:
        raise RelayError("fetch", f"at byte {position} of {length}: {why}", gone)


def _range(
    source: tuple[str, str], first: int, last: int, deadline: float
) -> Iterator[bytes]:
    """Give bytes ``first`` to ``last`` of one source.

    Raises:
        SourceGoneError: It will never give them.
        SourceFailedError: It did not give them now, or not all.
        OSError: The connection failed.
    """
    host, path = source
    connection = _connect(host, deadline)
    try:
        connection.request("GET", path, headers={"Range": f"bytes={first}-{last}"})
        response = connection.getresponse()
        if response.status in SOURCE_GONE_STATUSES:
            raise SourceGoneError(response.status)
        told = response.getheader("Content-Range") or ""
        if response.status != 206 or not told.startswith(f"bytes {first}-{last}/"):
            raise SourceFailedError(f"a source answered HTTP {response.status}")
        left = last - first + 1
        while left:
            block = response.read(min(BLOCK_BYTES, left))
            if not block:
                raise SourceFailedError("a source stopped half way")
            left -= len(block)
            yield block
    finally:
        connection.close()
