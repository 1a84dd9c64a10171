"""InvokeFunction on the wire: headers, waiting, running, answering."""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import anyio

from alicloud_emulator.products.fc.actions import FcAction
from alicloud_emulator.services.declared import Place, find
from alicloud_emulator.services.wire import Request, Response
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.rules import invalid
from alicloud_emulator.world.fc.values import Function, Invocation, InvocationResult
from alicloud_emulator.world.world import World

ASYNC_RETRIES = 3
"""How often an asynchronous invocation that failed is tried again (documented)."""

ASYNC_RETRY_S = 1.0
"""Seconds before it is (a guess)."""

_TASK_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


class Executor(Protocol):
    """Runs functions' code (``alicloud_emulator.functions.Functions``)."""

    async def invoke(
        self, invocation: Invocation, payload: bytes, *, request_id: str
    ) -> InvocationResult:
        """Run an invocation to its end.

        Raises:
            ServiceError: FunctionNotStarted; the machine cannot run it.
        """
        ...

    def spawn(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do ``work`` in the background; False if too much is waiting."""
        ...

    def retire(self, function: Function) -> None:
        """Let go of the processes of a function that was deleted or updated."""
        ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, taken apart.

    Attributes:
        action: What it asks for; only what is declared there can be read.
        name: Function name in the path, or "".
    """

    request: Request
    action: FcAction
    caller: Caller
    region: str
    name: str

    def query(self, name: str) -> str:
        """Return a query parameter; "" where it is not given."""
        self._check_declared(Place.QUERY, name)
        return self.request.param(name)

    def header(self, name: str) -> str:
        """Return a header; "" where it is not given."""
        self._check_declared(Place.HEADER, name)
        return self.request.headers.get(name, "")

    def boolean(self, name: str) -> bool:
        """Return a query parameter that is true or not."""
        return self.query(name).lower() == "true"

    def integer(self, name: str, default: int) -> int:
        """Return a query parameter that is a number.

        Raises:
            ServiceError: InvalidArgument; it is none.
        """
        text = self.query(name)
        if not re.fullmatch(r"(-?\d{1,9})?", text):
            raise invalid(f"{name} must be an integer")
        return int(text) if text else default

    def _check_declared(self, place: Place, name: str) -> None:
        if find(self.action.fields, place, name) is None:
            raise KeyError(name)  # the tables would not be true


class Invocations:
    """Invokes functions, at once or in the background."""

    def __init__(self, world: World, functions: Executor) -> None:
        self._world = world
        self._functions = functions

    async def invoke(self, asked: Asked) -> Response:
        """Carry out InvokeFunction.

        Raises:
            ServiceError: Function Compute refuses.
        """
        request, fc = asked.request, self._world.fc
        sync = _one_of(asked, "x-fc-invocation-type", ("Sync", "Async")) == "Sync"
        tail = _one_of(asked, "x-fc-log-type", ("None", "Tail")) == "Tail"
        task_id = asked.header("x-fc-async-task-id")
        if task_id and not _TASK_ID.fullmatch(task_id):
            raise invalid(f"x-fc-async-task-id should match '{_TASK_ID.pattern}'")
        fc.check_payload(request.content_length or 0, sync=sync)
        payload = await request.body.read(fc.payload_bytes_max(sync=sync))
        invocation = fc.begin_invocation(
            asked.caller,
            asked.region,
            asked.name,
            payload_bytes=len(payload),
            sync=sync,
            qualifier=asked.query("qualifier"),
            faults=request.faults,
        )
        run = partial(self._run, payload=payload, request_id=request.request_id)
        if not sync:
            return self._start(invocation, run, task_id or request.request_id)
        try:
            return _answer(invocation.function, await run(invocation), tail=tail)
        finally:
            fc.end_invocation(invocation)

    async def _run(
        self, invocation: Invocation, *, payload: bytes, request_id: str
    ) -> InvocationResult:
        wait_s = invocation.ready_at - self._world.agenda.catch_up()
        await anyio.sleep(max(wait_s, 0.0))
        return await self._functions.invoke(invocation, payload, request_id=request_id)

    def _start(
        self,
        invocation: Invocation,
        run: Callable[[Invocation], Awaitable[InvocationResult]],
        task_id: str,
    ) -> Response:
        if not self._functions.spawn(partial(self._try_often, invocation, run)):
            self._world.fc.end_invocation(invocation)
            raise refusal("ResourceThrottled", "too many asynchronous invocations wait")
        return Response(status=202, headers={"X-Fc-Async-Task-Id": task_id})

    async def _try_often(
        self,
        invocation: Invocation,
        run: Callable[[Invocation], Awaitable[InvocationResult]],
    ) -> None:
        """Run an asynchronous invocation until it works, or it was tried enough."""
        attempt = invocation
        try:
            for _ in range(1 + ASYNC_RETRIES):
                if not (await run(attempt)).error_type:
                    return
                attempt = replace(invocation, killed=False)  # a fault strikes once
                await anyio.sleep(ASYNC_RETRY_S)
        except ServiceError:
            return  # nobody waits for an answer
        finally:
            self._world.fc.end_invocation(invocation)


def json_answer(
    document: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer whose body is JSON."""
    return Response(
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(document).encode(),
    )


def _answer(function: Function, result: InvocationResult, *, tail: bool) -> Response:
    headers = {
        "Content-Type": "application/octet-stream",
        "x-fc-code-checksum": str(function.code_crc64),
        "x-fc-instance-id": result.instance_id,
        "x-fc-invocation-service-version": "LATEST",
    }
    if result.error_type:
        headers["Content-Type"] = "application/json"
        headers["x-fc-error-type"] = result.error_type
    if tail:
        headers["x-fc-log-result"] = base64.b64encode(result.log).decode()
    return Response(headers=headers, body=result.payload)


def _one_of(asked: Asked, header: str, allowed: tuple[str, ...]) -> str:
    """Return a header's value, one of ``allowed``; the first is the default."""
    value = asked.header(header) or allowed[0]
    for known in allowed:
        if value.lower() == known.lower():
            return known
    raise invalid(f"{header} must be one of {', '.join(allowed)}")
