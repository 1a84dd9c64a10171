"""The console: state, counts, faults, events and a page, on a loopback port of its own.

It is at the door, too, below ``/_emulator``.

It changes the cloud without credentials, so it answers only requests that name a
loopback host and come from no web page but its own (``page.Guard``): another in a browser
could otherwise reach it through a name that it points at 127.0.0.1.
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
from alicloud_emulator.front.http import (
    BadRequestError,
    Head,
    HttpConnection,
    hold_back,
    plain,
)
from alicloud_emulator.front.page import REFUSED, Guard
from alicloud_emulator.front.server import ENDINGS
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.errors import ServiceError

logger = logging.getLogger(__name__)

_BODY_BYTES_MAX = 1024 * 1024
HELP = """\
alicloud-emulator console

GET    /             a web page in a browser; for programs this text
GET    /state        regions with their images, snapshots, tasks, buckets, functions
                     (?account=ID: of another account of the profile)
GET    /tiles        for the web page: a short state, clock, faults and counts
GET    /requests     calls by action, errors, faults, traffic in bytes
GET    /events       each call as it comes, one JSON object a line (?after=NUMBER)
GET    /calls        the last calls; /calls/NUMBER: one in full, without secrets
GET    /clock        the time in the cloud, and how fast it runs
POST   /clock        {"pass_s": 3600} lets an hour pass, {"speed": 60} sets the speed
GET    /faults       fault rules in force, with how often each struck; /faults/ID: one,
                     also after its end
POST   /faults       add one rule or a list: {"do": "drop-after", "action": "ImportImage"}
DELETE /faults/ID    remove a rule (without ID: all)
POST   /reset        begin again with an empty cloud
GET    /snapshots    with --state: names of the snapshots
PUT    /snapshots/N  save the cloud as it is; POST restores it, DELETE deletes it
"""

Handler = Callable[["Console", str, RequestBody], Awaitable[Response]]


class Console:
    """The console's listener."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._guard = Guard()
        self._url = ""

    async def open(self, tasks: TaskGroup, port: int) -> int:
        """Listen on the loopback interface, and return the port.

        Raises:
            OSError: The port is taken.
        """
        listener = await anyio.create_tcp_listener(
            local_host="127.0.0.1", local_port=port
        )
        tasks.start_soon(listener.serve, self._connection)
        bound = int(listener.extra(SocketAttribute.local_port))  # noqa: S610 - not Django
        self._url = f"http://127.0.0.1:{bound}/"
        self._emulator.show(self.answer_at_door)
        return bound

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

    async def answer_at_door(
        self, connection: HttpConnection, head: Head, body: RequestBody
    ) -> bool:
        """Answer a request that came by the door; False as ``answer``.

        Objects there may be pages, of the same origin as whatever is answered: so no
        page is listened to, and who opens the console's is sent to its own port.
        """
        site = head.headers.get("sec-fetch-site", "none")
        refusal = None
        if "origin" in head.headers or site != "none":
            refusal = plain(403, REFUSED)
        elif head.target == "/" and "text/html" in head.headers.get("accept", ""):
            refusal = plain(302, self._url, [("Location", self._url)])
        if refusal is None:
            return await self.answer(connection, head, body)
        await connection.answer(refusal, is_head=head.method == "HEAD")
        return await connection.recycle()

    async def _response(self, head: Head, body: RequestBody) -> Response:
        path, _, query = head.target.partition("?")
        name, _, rest = path.removeprefix("/").partition("/")
        if self._guard.refuses(head, is_page=not name):
            return plain(403, REFUSED)
        if not name and "text/html" in head.headers.get("accept", ""):
            return self._guard.page()
        handler = _HANDLERS.get((head.method, name))
        if handler is None:
            known = any(name == other for _, other in _HANDLERS)
            return plain(405 if known else 404, HELP)
        try:
            answer = await handler(self, rest or query, body)
            if head.method not in {"GET", "HEAD"}:
                await self._emulator.settle()
            return answer
        except ServiceError as error:
            return plain(error.status, error.message)
        except LookupError as error:
            return plain(404, str(error.args[0]))
        except ValueError as error:
            return plain(400, str(error))

    async def _help(self, _rest: str, _body: RequestBody) -> Response:
        return plain(200, HELP)

    async def _state(self, query: str, _body: RequestBody) -> Response:
        account_id = dict(parse_qsl(query)).get("account", "")
        return _json(await self._emulator.state(account_id))

    async def _tiles(self, query: str, _body: RequestBody) -> Response:
        account_id = dict(parse_qsl(query)).get("account", "")
        return _json(
            {
                **self._emulator.tiles(account_id),
                "clock": self._time(),
                "faults": self._rules(),
                "requests": self._emulator.requests(),
            }
        )

    async def _calls(self, rest: str, _body: RequestBody) -> Response:
        if not rest:
            return _json({"calls": self._emulator.events.last})
        whole = self._emulator.events.whole(int(rest))
        if whole is None:
            return plain(404, f"call {int(rest)} is not remembered")
        return _json(whole)

    async def _clock(self, _rest: str, _body: RequestBody) -> Response:
        return _json(self._time())

    def _time(self) -> documents.Document:
        world, clock = self._emulator.world, self._emulator.clock
        now = world.agenda.catch_up()
        return {"now": now, "ahead_s": now - world.wall(), "speed": clock.speed}

    async def _set_clock(self, rest: str, body: RequestBody) -> Response:
        asked = json.loads(await body.read(_BODY_BYTES_MAX) or b"null")
        if not isinstance(asked, dict) or not set(asked) <= {"pass_s", "speed"}:
            return plain(400, "give 'pass_s' or 'speed', in seconds and times")
        for key, value in asked.items():
            if type(value) not in {int, float}:
                return plain(400, f"{key!r} is a number")
        clock = self._emulator.clock
        if "speed" in asked:
            clock.run(asked["speed"])
        if "pass_s" in asked:
            clock.let_pass(asked["pass_s"])
        return await self._clock(rest, body)

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

    async def _list_faults(self, rest: str, _body: RequestBody) -> Response:
        if rest.isdecimal():
            world = self._emulator.world
            one = world.faults.rule(int(rest))
            if one is None:
                return plain(404, f"no rule {int(rest)}")
            return _json(rules.document(int(rest), one, world.wall()))
        return _json({"faults": self._rules()})

    def _rules(self) -> list[documents.Document]:
        world = self._emulator.world
        found, now = world.faults.in_force.items(), world.wall()
        return [rules.document(number, one, now) for number, one in found]

    async def _add_faults(self, _rest: str, body: RequestBody) -> Response:
        text = await body.read(_BODY_BYTES_MAX) or b"null"
        try:
            document = json.loads(text)
        except RecursionError:
            return plain(400, "the body is nested too deep")
        world = self._emulator.world
        parsed = rules.parse_all(document)
        rules.check(parsed, world.profile)
        if len(world.faults.rules) + len(parsed) > rules.RULES_MAX:
            return plain(409, f"at most {rules.RULES_MAX} rules")
        return _json({"ids": [world.add_fault(rule) for rule in parsed]})

    async def _remove_faults(self, rest: str, _body: RequestBody) -> Response:
        faults = self._emulator.world.faults
        if not rest:
            faults.clear()
        elif not faults.remove(int(rest)):
            return plain(404, f"no rule {int(rest)}")
        return Response(status=204)

    async def _snapshots(self, _rest: str, _body: RequestBody) -> Response:
        return _json({"snapshots": self._emulator.kept.snapshots})

    async def _save(self, rest: str, _body: RequestBody) -> Response:
        await self._emulator.save(rest)
        return Response(status=204)

    async def _load(self, rest: str, _body: RequestBody) -> Response:
        await self._emulator.load(rest)
        return Response(status=204)

    async def _forget(self, rest: str, _body: RequestBody) -> Response:
        self._emulator.kept.forget(rest)
        return Response(status=204)

    async def _reset(self, _rest: str, _body: RequestBody) -> Response:
        await self._emulator.reset()
        return Response(status=204)


_HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", ""): Console._help,  # noqa: SLF001 - this class's own table
    ("GET", "state"): Console._state,  # noqa: SLF001
    ("GET", "tiles"): Console._tiles,  # noqa: SLF001
    ("GET", "calls"): Console._calls,  # noqa: SLF001
    ("GET", "clock"): Console._clock,  # noqa: SLF001
    ("POST", "clock"): Console._set_clock,  # noqa: SLF001
    ("GET", "requests"): Console._requests,  # noqa: SLF001
    ("GET", "events"): Console._events,  # noqa: SLF001
    ("GET", "faults"): Console._list_faults,  # noqa: SLF001
    ("POST", "faults"): Console._add_faults,  # noqa: SLF001
    ("DELETE", "faults"): Console._remove_faults,  # noqa: SLF001
    ("POST", "reset"): Console._reset,  # noqa: SLF001
    ("GET", "snapshots"): Console._snapshots,  # noqa: SLF001
    ("PUT", "snapshots"): Console._save,  # noqa: SLF001
    ("POST", "snapshots"): Console._load,  # noqa: SLF001
    ("DELETE", "snapshots"): Console._forget,  # noqa: SLF001
}


def _json(document: documents.Document) -> Response:
    return Response(
        headers={
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
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
