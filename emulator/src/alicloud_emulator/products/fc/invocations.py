"""InvokeFunction: headers, waiting, running, answering."""

import base64
import re
from contextlib import suppress
from dataclasses import replace
from functools import partial

import anyio

from alicloud_emulator.products.fc.action import Asked, Executor, action
from alicloud_emulator.products.fc.declared import body, header, path, query
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.rules import check_choice, invalid
from alicloud_emulator.world.fc.values import (
    Accepted,
    Function,
    Invocation,
    InvocationResult,
)
from alicloud_emulator.world.world import World

ASYNC_RETRIES = 3
"""How often an asynchronous invocation that failed is tried again (documented)."""

ASYNC_RETRY_S = 1.0
"""Seconds before it is (a guess)."""

_TASK_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


@action(
    "InvokeFunction",
    path("functionName"),
    query("qualifier", "`LATEST`; there are no aliases and no versions"),
    header("x-fc-invocation-type", "`Sync` or `Async`"),
    header("x-fc-log-type", "`None` or `Tail`"),
    header("x-fc-async-task-id", "told back; GetAsyncTask is not there"),
    body("body", "any bytes: 32 MB, or 128 KB for `Async`"),
)
async def invoke_function(asked: Asked) -> Response:
    """Carry out InvokeFunction."""
    request, fc = asked.request, asked.world.fc
    sync = _one_of(asked, "x-fc-invocation-type", ("Sync", "Async"), "Sync") == "Sync"
    logs = ("Tail", "None") if sync else ("None",)  # nobody waits for a log
    tail = _one_of(asked, "x-fc-log-type", logs, "None") == "Tail"
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
    if not sync:
        return _start(asked, invocation, payload, task_id or request.request_id)
    try:
        result = await _run(
            asked.world, asked.functions, invocation, payload, request.request_id
        )
        return _answer(invocation.function, result, tail=tail)
    finally:
        fc.end_invocation(invocation)


async def _run(
    world: World,
    functions: Executor,
    invocation: Invocation,
    payload: bytes,
    request_id: str,
) -> InvocationResult:
    wait_s = invocation.ready_at - world.agenda.catch_up()
    await anyio.sleep(max(wait_s, 0.0))
    return await functions.invoke(invocation, payload, request_id=request_id)


def _start(
    asked: Asked, invocation: Invocation, payload: bytes, task_id: str
) -> Response:
    fc = asked.world.fc
    accepted = fc.accept(invocation, payload, asked.request.request_id)
    work = partial(_try_often, asked.world, asked.functions, accepted, invocation)
    if not asked.functions.spawn(work):
        del fc.accepted[accepted.request_id]
        fc.end_invocation(invocation)
        raise refusal("ResourceThrottled", "too many asynchronous invocations wait")
    return Response(status=202, headers={"X-Fc-Async-Task-Id": task_id})


def go_on(world: World, functions: Executor) -> None:
    """Take up the asynchronous invocations that a kept world had accepted.

    What ran when its process ended counts as an attempt that failed.
    """
    for accepted in tuple(world.fc.accepted.values()):
        with suppress(ServiceError):  # nobody waits for an answer
            invocation = world.fc.begin_again(accepted)
            functions.spawn(partial(_try_often, world, functions, accepted, invocation))


async def _try_often(
    world: World, functions: Executor, accepted: Accepted, invocation: Invocation
) -> None:
    """Run an asynchronous invocation until it works, or it was tried enough.

    It stays accepted where it is cancelled: the emulator is ending.
    """
    attempt = invocation
    payload, request_id = accepted.payload, accepted.request_id
    try:
        while accepted.attempts <= ASYNC_RETRIES:
            accepted.attempts += 1
            result = await _run(world, functions, attempt, payload, request_id)
            if not result.error_type:
                break
            attempt = replace(invocation, killed=False)  # a fault strikes once
            await anyio.sleep(ASYNC_RETRY_S)
    except ServiceError:
        pass  # nobody waits for an answer
    finally:
        world.fc.end_invocation(invocation)
    del world.fc.accepted[request_id]


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


def _one_of(asked: Asked, header: str, allowed: tuple[str, ...], usual: str) -> str:
    """Return a header's value, one of ``allowed`` in any letter case."""
    value = asked.header(header) or usual
    for known in allowed:
        if value.lower() == known.lower():
            return known
    name = header.removeprefix("x-fc-").title().replace("-", "")
    check_choice(name, value, allowed)
    return value
