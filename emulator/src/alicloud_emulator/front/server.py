"""The listeners: one port is proxy, tunnel, direct way in and door at once.

What a connection begins with says what it is: a TLS handshake (a program that was
pointed here instead of at the real host), ``CONNECT host:443`` (a proxy client), an
absolute URI (a proxy client without TLS), or an ordinary request whose Host header is
an emulated one, or this machine's own (then ``door`` says what it is for). Every region also has a network of its own for functions: a port on
which ``-internal`` hosts of that region resolve.
"""

import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

import anyio
from anyio.abc import (
    ByteStream,
    Listener,
    SocketAttribute,
    SocketStream,
    TaskGroup,
)
from anyio.streams.tls import TLSStream
from typing_extensions import override

from alicloud_emulator.front import hosts
from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.door import CONSOLE, Door, UnknownVersionError
from alicloud_emulator.front.http import (
    RECEIVE_BYTES,
    BadRequestError,
    ConnectionGoneError,
    Head,
    HttpConnection,
    hold_back,
    plain,
)
from alicloud_emulator.front.tls import CertificateAuthority
from alicloud_emulator.products.wire import Host, Response
from alicloud_emulator.world.faults import Do
from alicloud_emulator.world.profile import Profile

logger = logging.getLogger(__name__)

_TLS_HANDSHAKE = 0x16
_FIRST_BYTE_S_MAX = 120.0
_HANDSHAKE_S_MAX = 30.0
_DEAD_S_MAX = 3600.0
_BACKLOG = 1024
_PORTS = ("443", "80", "")
UNRESOLVED = "No such host"
NO_RESOLVER = "Temporary failure in name resolution"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What is known of a connection before its first request.

    Attributes:
        inside: Region of the network it comes from; "" for outside.
        scheme: ``https`` or ``http``.
        tunnel: Host that a CONNECT named, or "".
        peer: IP address of its other end; "" if that is not known.
    """

    inside: str = ""
    scheme: str = "http"
    tunnel: str = ""
    peer: str = ""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A request that found its host.

    Attributes:
        gone: Returns when the client has gone; the connection is of no use then.
    """

    head: Head
    target: str
    body: RequestBody
    host: Host
    origin: Origin
    gone: Callable[[], Awaitable[None]]


class DropConnectionError(Exception):
    """Close the connection without an answer."""


ENDINGS = (
    ConnectionGoneError,
    DropConnectionError,
    TimeoutError,
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    OSError,  # ssl.SSLError among them
)
"""How connections end when nothing is wrong here."""

Answer = Callable[[Arrival], Awaitable[Response]]
Console = Callable[[HttpConnection, Head, RequestBody], Awaitable[bool]]
"""Answers a request; False if the connection must close then."""
Sent = Callable[[Arrival, int], None]
Away = Callable[[Host, Sequence[Do]], Do | None]


def _nothing_is_away(_host: Host, _kinds: Sequence[Do]) -> Do | None:
    return None


@dataclass(eq=False)
class PrefixedStream(ByteStream):
    """A stream of which some bytes have been received already."""

    stream: ByteStream
    prefix: bytes = b""

    @property
    @override
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """The stream's own: its socket among them."""
        return self.stream.extra_attributes

    async def receive(self, max_bytes: int = RECEIVE_BYTES) -> bytes:
        """Return the bytes received already, then what comes."""
        if self.prefix:
            block, self.prefix = self.prefix[:max_bytes], self.prefix[max_bytes:]
            return block
        return await self.stream.receive(max_bytes)

    async def send(self, item: bytes) -> None:
        """Send all of ``item``."""
        await self.stream.send(item)

    async def send_eof(self) -> None:
        """Say that nothing more will be sent."""
        await self.stream.send_eof()

    async def aclose(self) -> None:
        """Close the stream."""
        await self.stream.aclose()


class Front:
    """The emulator's listeners.

    Args:
        profile: Which hosts resolve.
        authority: Certificates for them.
        door: Says what requests to this machine's own names are for.
        answer: Answers one request; may raise DropConnectionError.
        sent: Told how many bytes of body went out.
        away: Says which fault of some strikes whoever calls a host.

    Attributes:
        console: Answers what comes to this machine's own names below ``/_emulator``.
    """

    def __init__(
        self,
        profile: Profile,
        authority: CertificateAuthority,
        *,
        door: Door,
        answer: Answer,
        sent: Sent,
        away: Away = _nothing_is_away,
    ) -> None:
        self._profile = profile
        self._authority = authority
        self._door = door
        self._answer = answer
        self._sent = sent
        self._away = away
        self._ports: dict[str, int] = {}
        self._tasks: TaskGroup | None = None
        self.console: Console | None = None

    async def open(self, tasks: TaskGroup, *, address: str, port: int) -> int:
        """Listen for clients outside, and inside each region that runs functions.

        Returns:
            The port for clients outside.

        Raises:
            OSError: The address cannot be listened on.
        """
        self._tasks = tasks
        for region in self._profile.regions:
            if region.fc:
                await self._listen(region.id, "127.0.0.1", 0)
        return await self._listen("", address, port)

    async def open_directly(self, address: str) -> None:
        """Listen where the cloud's own hosts would: at the ports of HTTPS and HTTP.

        Raises:
            OSError: The address cannot be listened on.
        """
        for port in (443, 80):
            await self._listen("", address, port)

    def inside_port(self, region: str) -> int:
        """Return the port of a region's own network.

        It is a proxy, and takes TLS and HTTP connections directly, like the outside
        port; ``-internal`` hosts of the region resolve there.

        Raises:
            KeyError: The region runs no functions.
        """
        return self._ports[region]

    async def _listen(self, inside: str, address: str, port: int) -> int:
        assert self._tasks is not None, "open() comes first"
        opened = await anyio.create_tcp_listener(
            local_host=address, local_port=port, backlog=_BACKLOG
        )
        bound = int(opened.extra(SocketAttribute.local_port))  # noqa: S610 - not Django
        self._ports[inside] = bound
        for listener in opened.listeners:
            self._tasks.start_soon(self._accept, listener, Origin(inside=inside))
        return bound

    async def _accept(self, listener: Listener[SocketStream], origin: Origin) -> None:
        """Take in whoever comes.

        NOTE: Not by the listener's ``accept``, which needs some turns of the event loop
        for each: while 200 clients call, a turn is as long as 200 answers, and the last
        of them would wait for a minute on a busy machine.
        """
        assert self._tasks is not None
        async with listener:
            waiting = listener.extra(SocketAttribute.raw_socket)  # noqa: S610 - not Django
            while True:
                await anyio.wait_readable(waiting)
                try:
                    for _ in range(_BACKLOG):
                        client, address = waiting.accept()
                        known = replace(origin, peer=_ip_of(address))
                        self._tasks.start_soon(self._guarded, client, known)
                except BlockingIOError:
                    pass  # these were all
                except OSError as error:
                    # No file descriptors left, or a client that went away at once.
                    logger.warning("cannot accept a connection: %s", error.strerror)
                    await anyio.sleep(0.1)

    async def _guarded(self, client: socket.socket, origin: Origin) -> None:
        """Serve a connection; whatever goes wrong ends only this one."""
        try:
            stream = await SocketStream.from_socket(client)
        except (OSError, ValueError) as error:  # the client has gone already
            logger.debug("connection ended at once: %r", error)
            client.close()
            return
        hold_back(stream)
        try:
            await self._connection(stream, origin)
        except ENDINGS as error:
            logger.debug("connection ended: %r", error)
        except Exception:
            logger.exception("a connection failed unexpectedly")
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(1):
                await anyio.aclose_forcefully(stream)

    async def _connection(self, stream: ByteStream, origin: Origin) -> None:
        """Find out by its first byte what a connection is."""
        with anyio.fail_after(_FIRST_BYTE_S_MAX):
            first = await stream.receive()
        known = PrefixedStream(stream, first)
        if first[0] != _TLS_HANDSHAKE:
            await self._requests(known, origin)
            return
        context = self._authority.by_server_name
        if origin.tunnel:
            context = self._authority.context(origin.tunnel)
        with anyio.fail_after(_HANDSHAKE_S_MAX):
            encrypted = await TLSStream.wrap(
                known, server_side=True, ssl_context=context, standard_compatible=False
            )
        await self._requests(encrypted, replace(origin, scheme="https"))

    async def _requests(self, stream: ByteStream, origin: Origin) -> None:
        """Answer the requests of one connection, one after the other."""
        connection = HttpConnection(stream)
        while True:
            try:
                found = await connection.next_request()
            except BadRequestError as error:
                refusal = plain(error.status, f"not understood: {error}")
                await connection.answer(refusal, is_head=False)
                return
            if found is None:
                return
            head, body = found
            if head.method == "CONNECT":
                await self._tunnel(stream, connection, head, origin)
                return
            if _is_for_console(head, origin) and self.console is not None:
                if not await self.console(connection, _below(head), body):
                    return
                continue
            await self._one(connection, head, body, origin)
            if not await connection.recycle():
                return

    async def _one(
        self,
        connection: HttpConnection,
        head: Head,
        body: RequestBody,
        origin: Origin,
    ) -> None:
        is_head = head.method == "HEAD"
        authority, target = _destination(head)
        if _is_at_the_door(head, origin):
            host, refusal = await self._asked_at_the_door(head, body)
        else:
            host = hosts.parse(authority)
            refusal = self._refusal(host, authority, origin)
        if not target.startswith("/"):
            refusal = plain(400, "a request needs a path")
        if host is None or refusal is not None:
            answer = refusal or plain(400, "a request needs a host")
            if head.target.lower().startswith("http://"):
                # A proxy's answer to plain HTTP would pass for the host's own; without
                # us there would be no connection.
                logger.warning("%s", _text(answer))
                raise DropConnectionError
            await connection.answer(answer, is_head=is_head, reason=_reason(answer))
            return
        if self._is_dead(host):
            with anyio.move_on_after(_DEAD_S_MAX):
                await connection.gone()
            raise DropConnectionError
        arrival = Arrival(
            head=head,
            target=target,
            body=body,
            host=host,
            origin=origin,
            gone=connection.gone,
        )
        response = await self._answer(arrival)
        sent = await connection.answer(response, is_head=is_head)
        self._sent(arrival, sent)

    async def _asked_at_the_door(
        self, head: Head, body: RequestBody
    ) -> tuple[Host | None, Response | None]:
        try:
            return await self._door.find(head, body), None
        except UnknownVersionError as error:
            said = f"no product of the version {_shown(str(error))} is emulated"
            return None, plain(404, said)

    async def _tunnel(
        self,
        stream: ByteStream,
        connection: HttpConnection,
        head: Head,
        origin: Origin,
    ) -> None:
        """Carry out a CONNECT: what follows is TLS or HTTP for the host it names."""
        host = hosts.parse(head.target)
        refusal = self._refusal(host, head.target, origin)
        if origin.tunnel or head.target.rpartition(":")[2] not in _PORTS:
            refusal = plain(
                403, "only ports 80 and 443 are served, and no tunnel twice"
            )
        if host is None or refusal is not None:
            answer = refusal or plain(403, "no such host here")
            await connection.answer(answer, is_head=False, reason=_reason(answer))
            return
        await connection.accept_tunnel()
        if self._is_dead(host):
            await _swallow(stream)
            return
        inner = PrefixedStream(stream, connection.trailing)
        await self._connection(inner, replace(origin, tunnel=host.name))

    def _is_dead(self, host: Host) -> bool:
        return hosts.is_dead(host, self._profile) or bool(self._away(host, (Do.DEAD,)))

    def _refusal(
        self, host: Host | None, authority: str, origin: Origin
    ) -> Response | None:
        """Return why a host cannot be talked to, or None."""
        if host is None:
            if hosts.is_cloud_name(authority):
                return plain(403, f"{_shown(authority)}: this product is not emulated")
            return plain(
                403,
                f"{_shown(authority)}: alicloud-emulator is a proxy for"
                " *.aliyuncs.com and lets nothing through to other hosts",
            )
        if not hosts.resolves(host, self._profile, origin.inside):
            return plain(502, f"{UNRESOLVED} {_shown(authority)}")
        # What is connected has resolved; a function has its cloud's own resolver.
        if not (origin.inside or origin.tunnel):
            match self._away(host, (Do.NO_RESOLVER, Do.NO_HOST)):
                case Do.NO_HOST:
                    return plain(502, f"{UNRESOLVED} {_shown(authority)}")
                case Do.NO_RESOLVER:
                    return plain(503, f"{NO_RESOLVER} {_shown(authority)}")
                case _:
                    pass
        return None


def _ip_of(address: tuple[Any, ...]) -> str:
    """Return the IP address of a socket's address; an IPv4 one as such."""
    found = ip_address(str(address[0]).partition("%")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)


def _is_at_the_door(head: Head, origin: Origin) -> bool:
    """Whether a request comes from outside to this machine's own name, by no proxy."""
    return (
        not origin.inside
        and not origin.tunnel
        and head.target.startswith("/")
        and hosts.is_own_name(hosts.host_name(head.headers.get("host", "")))
    )


def _is_for_console(head: Head, origin: Origin) -> bool:
    if not head.target.startswith(CONSOLE):
        return False  # as it is with every call
    is_below = head.target.removeprefix(CONSOLE)[:1] in ("", "/", "?")
    return is_below and _is_at_the_door(head, origin)


def _below(head: Head) -> Head:
    """Return a request to the console as it would come to the console's own port."""
    target = head.target.removeprefix(CONSOLE)
    return replace(head, target=target if target.startswith("/") else f"/{target}")


def _reason(answer: Response) -> str:
    """A CONNECT's body is seldom shown, so the status line says it too."""
    return {502: UNRESOLVED, 503: NO_RESOLVER}.get(answer.status, "")


def _text(answer: Response) -> str:
    assert isinstance(answer.body, bytes)
    return answer.body.decode().strip()


def _shown(authority: str) -> str:
    return repr(authority[:100])


def _destination(head: Head) -> tuple[str, str]:
    """Return (authority, path with query) of a request."""
    if head.target.startswith("/"):
        return head.headers.get("host", ""), head.target
    scheme, separator, rest = head.target.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        return head.headers.get("host", ""), head.target
    cut = min((i for i in map(rest.find, "/?#") if i >= 0), default=len(rest))
    path = rest[cut:]
    return rest[:cut], path if path.startswith("/") else f"/{path}"


async def _swallow(stream: ByteStream) -> None:
    """Take what comes and never answer, until the client gives up."""
    with anyio.move_on_after(_DEAD_S_MAX):
        while True:
            await stream.receive()
