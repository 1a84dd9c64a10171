"""HTTP/1.1 on one connection, by h11: requests in, answers out, both streamed."""

import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import cast

import anyio
import anyio.to_thread
import h11
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute

from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.products.wire import FileBody, Response

HEADER_BYTES_MAX = 64 * 1024
"""Request line and headers together; more is answered with 431."""

HEADERS_MAX = 200
RECEIVE_BYTES = 256 * 1024
"""Received in one go, which is as much as asyncio takes from a socket."""

FILE_BLOCK_BYTES = 256 * 1024
IDLE_S_MAX = 120.0
"""How long a connection may say nothing, between requests or inside a body."""

_RECORD_BYTES = 16 * 1024
"""The most that a record of TLS holds, and so what one read of it gives."""

_DRAIN_BYTES_MAX = 1024 * 1024
"""Of a body nobody read, received anyway so that the connection can be kept."""

_DRAIN_S_MAX = 0.25
"""How long to wait for such a body: a client may have announced one and send none."""

_LINGER_BYTES_MAX = 256 * 1024 * 1024
_LINGER_S_MAX = 10.0
"""Of a body nobody wants, thrown away before closing: closing at once would reset the
connection, and the client would not see the answer."""

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
"""Only Linux has it."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class ConnectionGoneError(Exception):
    """The client went away, or said nothing for too long."""


class BadRequestError(Exception):
    """What the client sent is not HTTP; ``status`` says how to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Head:
    """A request's first line and headers.

    Attributes:
        target: As sent: origin form, absolute form, or ``host:port`` for CONNECT.
        headers: Names in lower case; repeated headers joined by ", ".
        content_length: Declared body length in bytes; None if chunked.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    content_length: int | None


class HttpConnection:
    """The server's end of one HTTP/1.1 connection."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._socket = stream.extra(SocketAttribute.raw_socket, None)  # noqa: S610 - not Django
        self._tls = stream.extra(TLSAttribute.ssl_object, None)  # noqa: S610 - not Django
        self._h11 = h11.Connection(
            h11.SERVER, max_incomplete_event_size=HEADER_BYTES_MAX
        )
        self._body: RequestBody | None = None

    async def next_request(self) -> tuple[Head, RequestBody] | None:
        """Return the next request, or None when the client has closed.

        Raises:
            BadRequestError: It is not HTTP/1.1 as it should be, or too long.
            ConnectionGoneError: Nothing came for too long.
        """
        try:
            event = await self._next_event()
        except h11.RemoteProtocolError as error:
            raise BadRequestError(error.error_status_hint, str(error)) from error
        if isinstance(event, h11.ConnectionClosed):
            return None
        if not isinstance(event, h11.Request):
            raise BadRequestError(400, "not a request")
        head = _head(event)
        body = RequestBody(self._body_block, content_length=head.content_length)
        self._body = body
        if head.content_length == 0:
            self._h11.next_event()  # its EndOfMessage, which needs no more bytes
        return head, body

    @property
    def trailing(self) -> bytes:
        """Bytes received after a CONNECT request: the tunnel's first ones."""
        return self._h11.trailing_data[0]

    async def accept_tunnel(self) -> None:
        """Answer a CONNECT: from here on the connection is a tunnel."""
        answer = h11.Response(
            status_code=200, headers=[], reason=b"Connection established"
        )
        await self._stream.send(_sent(self._h11.send(answer)))

    async def answer(
        self, response: Response, *, is_head: bool, reason: str = ""
    ) -> int:
        """Send an answer, and return how many bytes of body went out.

        Raises:
            ConnectionGoneError: The client does not take it.
        """
        closing = await self._settle_request()
        headers = _wire_headers(response, closing=closing)
        start = self._h11.send(
            h11.Response(
                status_code=response.status,
                headers=headers,
                reason=reason.encode("latin-1", "replace")
                or _REASONS.get(response.status, b""),
            )
        )
        try:
            if is_head or response.status in {204, 304}:
                sent = 0
                await self._stream.send(_sent(start) + self._end())
            elif isinstance(response.body, bytes):
                sent = len(response.body)
                block = self._h11.send(h11.Data(data=response.body)) if sent else b""
                await self._stream.send(_sent(start) + _sent(block) + self._end())
            else:
                await self._stream.send(_sent(start))
                sent = await self._send_blocks(response.body)
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ConnectionGoneError from error
        return sent

    async def gone(self) -> None:
        """Return when the client has closed the connection; what it sends is lost."""
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, OSError):
            while True:
                await self._stream.receive(RECEIVE_BYTES)

    async def recycle(self) -> bool:
        """Make ready for the next request; False if the connection must close."""
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            return True
        with anyio.move_on_after(_LINGER_S_MAX):
            left = _LINGER_BYTES_MAX
            while left > 0:
                try:
                    left -= len(await self._stream.receive(RECEIVE_BYTES))
                except (anyio.EndOfStream, anyio.BrokenResourceError, OSError):
                    break
        return False

    async def _send_blocks(self, body: FileBody | AsyncIterator[bytes]) -> int:
        sent = 0
        blocks = _file_blocks(body) if isinstance(body, FileBody) else body
        async for block in blocks:
            if block:
                sent += len(block)
                await self._stream.send(_sent(self._h11.send(h11.Data(data=block))))
        try:
            end = self._end()
        except h11.LocalProtocolError:
            # A shorter body than announced (a truncated download): close the
            # connection, which is how the client learns of it.
            raise ConnectionGoneError from None
        if end:
            await self._stream.send(end)
        return sent

    def _end(self) -> bytes:
        return _sent(self._h11.send(h11.EndOfMessage()))

    async def _settle_request(self) -> bool:
        """Receive what is left of the request; True if the connection must close."""
        body = self._body
        if body is None or body.ended:
            return False
        waiting = self._h11.they_are_waiting_for_100_continue
        if waiting or self._h11.their_state is not h11.SEND_BODY:
            return waiting
        left = _DRAIN_BYTES_MAX
        with anyio.move_on_after(_DRAIN_S_MAX):
            while left > 0:
                block = await self._body_block()
                if not block:
                    return False
                left -= len(block)
        return True

    async def _body_block(self) -> bytes:
        """Return the next block of the body, b"" at its end.

        Raises:
            ConnectionGoneError: The client stopped in the middle.
        """
        if self._h11.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(
                status_code=100, headers=[], reason=b"Continue"
            )
            await self._stream.send(_sent(self._h11.send(go_on)))
        self._acknowledge()
        while True:
            try:
                event = await self._next_event()
            except h11.RemoteProtocolError as error:
                raise ConnectionGoneError from error
            if isinstance(event, h11.Data):
                if event.data:
                    return bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return b""
            else:
                raise ConnectionGoneError

    def _acknowledge(self) -> None:
        """Acknowledge at once what has come: the client may wait for that.

        Clients that send head and body apart through a proxy (Python's urllib3 does)
        hold back the body until the head is acknowledged, which the kernel would put
        off for 40 ms in the hope of an answer to go with it.
        """
        if self._socket is not None and _QUICKACK is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._h11.next_event()
            if event is not h11.NEED_DATA:
                return cast("h11.Event | type[h11.PAUSED]", event)
            with anyio.move_on_after(IDLE_S_MAX) as scope:
                try:
                    data = await self._receive()
                except anyio.EndOfStream:
                    data = b""
                except (OSError, anyio.BrokenResourceError) as error:
                    raise ConnectionGoneError from error
                self._h11.receive_data(data)
            if scope.cancelled_caught:
                raise ConnectionGoneError

    async def _receive(self) -> bytes:
        """Return what has come, waiting for it if there is nothing.

        TLS gives a record at a time, which is little for all that is done with a block
        on its way: what was received with it comes along.
        """
        if self._tls is None:
            return await self._stream.receive(RECEIVE_BYTES)
        blocks = [await self._stream.receive(_RECORD_BYTES)]
        # An error is mostly that nothing more is there; any other comes again.
        with suppress(ssl.SSLError):
            while len(blocks) < RECEIVE_BYTES // _RECORD_BYTES:
                blocks.append(self._tls.read(_RECORD_BYTES))
        return b"".join(blocks)


def hold_back(stream: ByteStream) -> None:
    """Take in nothing of an accepted connection but what is asked for.

    AnyIO (4.16) holds back what it connects, not what it accepts: asyncio goes on
    receiving until all that a client sends was once asked for, into memory.
    """
    transport = getattr(stream, "_transport", None)
    if transport is not None:
        transport.pause_reading()


def _sent(data: bytes | None) -> bytes:
    """h11 gives None only for ConnectionClosed, which is never sent here."""
    return data or b""


def _head(event: h11.Request) -> Head:
    headers: dict[str, str] = {}
    if len(event.headers) > HEADERS_MAX:
        raise BadRequestError(431, "too many headers")
    for raw_name, raw_value in event.headers.raw_items():
        name, value = raw_name.decode("ascii").lower(), _text(raw_value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    length = headers.get("content-length", "")
    chunked = "transfer-encoding" in headers
    return Head(
        method=event.method.decode("ascii"),
        target=event.target.decode("ascii", "replace"),
        headers=headers,
        content_length=None if chunked else int(length or 0),
    )


def _text(raw: bytes) -> str:
    """Header values are UTF-8 where SDKs sign them as such, else Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _wire_headers(response: Response, *, closing: bool) -> list[tuple[bytes, bytes]]:
    """Return header lines; a product that says ``Connection`` says where it stands."""
    headers = {name.lower(): name for name in response.headers}
    connection = "close" if closing else "keep-alive"
    lines = [
        (
            name.encode("ascii"),
            _header_value(
                connection if low == "connection" else response.headers[name]
            ),
        )
        for low, name in headers.items()
        if _is_token(name) and not (closing and low == "keep-alive")
    ]
    if response.status >= 200 and response.status != 204:
        length = body_length(response)
        if "content-length" in headers or length is None:
            pass
        else:
            lines.append((b"Content-Length", str(length).encode()))
    if "connection" not in headers:
        lines.append((b"Connection", connection.encode()))
    return lines


@lru_cache(maxsize=1024)  # answers have the same few names again and again
def _is_token(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None


def _header_value(value: str) -> bytes:
    """User metadata may hold anything: keep it on its line."""
    if not value.isprintable():
        value = _CONTROLS.sub(" ", value)
    return value.strip().encode("utf-8", "replace")


def body_length(response: Response) -> int | None:
    """Return how many bytes an answer's body has; None if nobody knows yet."""
    if response.content_length is not None:
        return response.content_length
    if isinstance(response.body, bytes):
        return len(response.body)
    if isinstance(response.body, FileBody):
        return response.body.length
    return None


async def _file_blocks(body: FileBody) -> AsyncIterator[bytes]:
    async for block in file_blocks(body.path, body.offset, body.length):
        yield block


async def file_blocks(path: Path, offset: int, length: int) -> AsyncIterator[bytes]:
    """Yield ``length`` bytes of a file from ``offset``, in blocks."""
    with await anyio.to_thread.run_sync(path.open, "rb") as file:
        file.seek(offset)
        left = length
        while left > 0:
            size = min(FILE_BLOCK_BYTES, left)
            block = await anyio.to_thread.run_sync(file.read, size)
            if not block:
                return
            left -= len(block)
            yield block


def plain(status: int, text: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return a short plain-text answer."""
    return Response(
        status=status,
        headers={"Content-Type": "text/plain; charset=utf-8", **dict(headers)},
        body=text.encode() + b"\n",
    )
