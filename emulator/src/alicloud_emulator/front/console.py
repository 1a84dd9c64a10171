"""The console: state, counts, faults and events, on a loopback port of its own.

It is at the door, too, below ``/_emulator``.

It changes the cloud without credentials, so it answers only requests that name a
loopback host and come from no web page: a page in a browser could otherwise reach it
through a name that it points at 127.0.0.1.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qsl

import anyio
from anyio.abc import ByteStream, SocketAttribute, TaskGroup

from alicloud_emulator.front import documents, rules
from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.emulator import Emulator
from alicloud_emulator.front.hosts import host_name
from alicloud_emulator.front.http import (
    BadRequestError,
    Head,
    HttpConnection,
    hold_back,
    plain,
)
from alicloud_emulator.front.server import ENDINGS
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.errors import ServiceError

logger = logging.getLogger(__name__)

_BODY_BYTES_MAX = 1024 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
HELP = """\
alicloud-emulator console

GET    /state        regions with their images, snapshots, tasks, buckets, functions
                     (?account=ID: of another account of the profile)
GET    /requests     calls by action, faults, bytes by hop
GET    /events       what happens, one JSON object a line, without end (?after=NUMBER)
GET    /faults       fault rules in force
POST   /faults       add one rule or a list: {"do": "drop-after", "action": "ImportImage"}
DELETE /faults/ID    take a rule out of force (without ID: all)
POST   /reset        begin again with an empty cloud
"""

Handler = Callable[["Console", str, RequestBody], Awaitable[Response]]


class Console:
    """The console's listener."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def open(self, tasks: TaskGroup, port: int) -> int:
        """Listen on the loopback interface, and return the port.

        Raises:
            OSError: The port is taken.
        """
        listener = await anyio.create_tcp_listener(
            local_host="127.0.0.1", local_port=port
        )
        tasks.start_soon(listener.serve, self._connection)
        self._emulator.show(self.answer)
        return int(listener.extra(SocketAttribute.local_port))  # noqa: S610 - not Django

    async def _connection(self, stream: ByteStream) -> None:
        hold_back(stream)
        connection = HttpConnection(stream)
        try:
            while (found := await connection.next_request()) is not None:
                if not await self.answer(connection, *found):
                    return
        except BadRequestError as error:
            await _say_bad(connection, error)
        except ENDINGS as error:
            logger.debug("console connection ended: %r", error)
        except Exception:
            logger.exception("the console failed unexpectedly")
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(1):
                await anyio.aclose_forcefully(stream)

    async def answer(
        self, connection: HttpConnection, head: Head, body: RequestBody
    ) -> bool:
        """Answer a request; False if the connection must close then."""
        response = await self._response(head, body)
        is_head = head.method == "HEAD"
        if isinstance(response.body, AsyncIterator):
            await _until_gone(connection, response, is_head=is_head)
            return False
        await connection.answer(response, is_head=is_head)
        return await connection.recycle()

    async def _response(self, head: Head, body: RequestBody) -> Response:
        if _is_foreign(head):
            return plain(403, "the console answers only its own machine's programs")
        path, _, query = head.target.partition("?")
        name, _, rest = path.removeprefix("/").partition("/")
        handler = _HANDLERS.get((head.method, name))
        if handler is None:
            known = any(name == other for _, other in _HANDLERS)
            return plain(405 if known else 404, HELP)
        try:
            return await handler(self, rest or query, body)
        except ServiceError as error:
            return plain(error.status, error.message)
        except ValueError as error:
            return plain(400, str(error))

    async def _help(self, _rest: str, _body: RequestBody) -> Response:
        return plain(200, HELP)

    async def _state(self, query: str, _body: RequestBody) -> Response:
        account_id = dict(parse_qsl(query)).get("account", "")
        return _json(await self._emulator.state(account_id))

    async def _requests(self, _rest: str, _body: RequestBody) -> Response:
        return _json(self._emulator.requests())

    async def _events(self, query: str, _body: RequestBody) -> Response:
        after = dict(parse_qsl(query)).get("after", "0")
        return Response(
            headers={"Content-Type": "application/x-ndjson"},
            body=self._event_lines(int(after)),
        )

    async def _event_lines(self, after: int) -> AsyncIterator[bytes]:
        async for record in self._emulator.events.follow(after):
            yield json.dumps(record).encode() + b"\n"

    async def _list_faults(self, _rest: str, _body: RequestBody) -> Response:
        found = self._emulator.world.faults.rules.items()
        return _json({"faults": [rules.document(i, rule) for i, rule in found]})

    async def _add_faults(self, _rest: str, body: RequestBody) -> Response:
        text = await body.read(_BODY_BYTES_MAX) or b"null"
        try:
            document = json.loads(text)
        except RecursionError:
            return plain(400, "the body is nested too deep")
        faults = self._emulator.world.faults
        parsed = rules.parse_all(document)
        if len(faults.rules) + len(parsed) > rules.RULES_MAX:
            return plain(409, f"at most {rules.RULES_MAX} rules")
        return _json({"ids": [faults.add(rule) for rule in parsed]})

    async def _remove_faults(self, rest: str, _body: RequestBody) -> Response:
        faults = self._emulator.world.faults
        if not rest:
            faults.clear()
        elif not faults.remove(int(rest)):
            return plain(404, f"no rule {int(rest)}")
        return Response(status=204)

    async def _reset(self, _rest: str, _body: RequestBody) -> Response:
        await self._emulator.reset()
        return Response(status=204)


_HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", ""): Console._help,  # noqa: SLF001 - this class's own table
    ("GET", "state"): Console._state,  # noqa: SLF001
    ("GET", "requests"): Console._requests,  # noqa: SLF001
    ("GET", "events"): Console._events,  # noqa: SLF001
    ("GET", "faults"): Console._list_faults,  # noqa: SLF001
    ("POST", "faults"): Console._add_faults,  # noqa: SLF001
    ("DELETE", "faults"): Console._remove_faults,  # noqa: SLF001
    ("POST", "reset"): Console._reset,  # noqa: SLF001
}


def _is_foreign(head: Head) -> bool:
    """Whether a request was made for another host, or by a web page of any host.

    Browsers say of everything but plain GETs which page sent it, and modern ones of
    those, too, that a page did. No page is served here, so none is the console's own:
    one on another port of this machine is as foreign as one on the internet.
    """
    return (
        host_name(head.headers.get("host", "")) not in _LOOPBACK
        or "origin" in head.headers
        or head.headers.get("sec-fetch-site", "none") != "none"
    )


def _json(document: documents.Document) -> Response:
    return Response(
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
        body=json.dumps(document).encode() + b"\n",
    )


async def _until_gone(
    connection: HttpConnection, response: Response, *, is_head: bool
) -> None:
    """Send an answer without end until the client goes: it may never hear of it."""
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            await connection.gone()
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await connection.answer(response, is_head=is_head)
        tasks.cancel_scope.cancel()


async def _say_bad(connection: HttpConnection, error: BadRequestError) -> None:
    with anyio.move_on_after(1):
        try:
            await connection.answer(plain(error.status, str(error)), is_head=False)
        except ENDINGS:
            return
