"""Function Compute: answers, invocations and logs, as they were captured or documented."""

import json
import re
import shutil
from base64 import b64encode
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import anyio
import pytest

from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.products import BY_NAME
from alicloud_emulator.products.fc.invocations import _answer
from alicloud_emulator.world.fc import Function, InvocationResult
from alicloud_emulator.world.fc.refusals import refusal
from emulator.tests.life.conftest import vector
from emulator.tests.unit.fc.conftest import (
    Answer,
    Cloud,
    Wire,
    function,
    invocation,
    zipped,
)

ID = "1-65aabbcc-01234567-0123456789ab"


def run(job: Function) -> InvocationResult:
    async def invoke() -> InvocationResult:
        async with Functions() as functions:
            return await functions.invoke(invocation(job), b"", request_id=ID)

    return anyio.run(invoke)


def pattern(number: int) -> str:
    """Return a captured log as a pattern in which ids, times and figures are free."""
    log = re.escape(vector(number)["log"].replace("<id>", ID))
    log = log.replace(re.escape("2023-09-27T08:12:44.485Z"), r"[-0-9T:.]{23}Z")
    log = log.replace("…", "hello")
    log = re.sub(r"\\ \d+\\\.\d\d", r"\\ \\d+\\.\\d\\d", log)
    return re.sub(r"Billed\\ Duration:\\ \d+", r"Billed\\ Duration:\\ \\d+", log)


def test_the_log_of_a_python_run() -> None:
    job = function("def handler(e, c): c.logger.info('hello')")
    result = run(job)
    assert re.fullmatch(pattern(94), result.log.decode())
    answer = _answer(job, result, tail=True)
    captured = set(vector(94)["headers"])
    assert {*answer.headers, "x-fc-request-id"} - {"Content-Type"} == captured


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_the_log_of_a_node_run() -> None:
    code = "exports.handler = async () => 'val'"
    job = function(code, runtime="nodejs14", file="index.js")
    result = run(job)
    assert result.payload == vector(95)["body"].encode()
    assert re.fullmatch(pattern(95), result.log.decode())


def test_request_ids_begin_with_the_time() -> None:
    captured = vector(5)["body"]["RequestId"]
    when = int(captured.split("-")[1], 16)
    made = BY_NAME["fc"].request_id(Random(1), when)
    assert made.split("-")[1] == captured.split("-")[1]
    assert [len(part) for part in made.split("-")] == [
        len(part) for part in captured.split("-")
    ]


# --- refusals -------------------------------------------------------------------------


def on_the_wire(work: Callable[[Wire], Awaitable[Answer]]) -> Answer:
    """Return what a call is answered with."""

    async def call() -> Answer:
        async with Functions() as functions:
            return await work(Wire(Cloud(), functions))

    return anyio.run(call)


def create(**given: Any) -> Callable[[Wire], Awaitable[Answer]]:
    """Return a call that makes a function; None takes a field out."""
    code = {"zipFile": b64encode(zipped({"index.py": ""})).decode()}
    document = {
        "functionName": "job",
        "runtime": "python3.10",
        "handler": "index.handler",
        "code": code,
        **given,
    }
    sent = {key: value for key, value in document.items() if value is not None}
    return lambda wire: wire.call("POST", "functions", sent)


@pytest.mark.parametrize(
    ("number", "given"),
    [
        (5, {"functionName": "abc-eg$hgi-jk"}),
        (51, {"code": {}}),
        (52, {"handler": ""}),
        (52, {"handler": None}),
    ],
)
def test_a_function_that_lacks_something_is_refused_in_these_words(
    number: int, given: dict[str, Any]
) -> None:
    captured = vector(number)
    seen = on_the_wire(create(**given))
    assert seen.status == captured["status"]
    assert seen.json["Code"] == captured["body"]["Code"]
    assert seen.json["Message"] == captured["body"]["Message"]
    assert set(seen.json) == {"Code", "Message", "RequestId"}


def test_a_function_that_is_not_there_is_told() -> None:
    documented = vector(54)
    seen = on_the_wire(lambda wire: wire.call("GET", "functions/none"))
    assert seen.status == documented["status"]
    assert seen.json["Code"] == documented["body"]["Code"]
    assert seen.json["Message"] == documented["body"]["Message"] % "none"


def test_who_has_no_functions_is_told_in_the_words_of_the_older_version() -> None:
    async def list_functions(wire: Wire) -> Answer:
        return await Wire(Cloud(fc_enabled=False), wire.functions).call(
            "GET", "functions"
        )

    async def at_anothers_host(wire: Wire) -> Answer:
        host = "2222222222222222.cn-hangzhou.fc.aliyuncs.com"
        return await wire.call("GET", "functions", host=host)

    for number, call in ((7, list_functions), (58, at_anothers_host)):
        captured = vector(number)
        seen = on_the_wire(call)
        assert seen.status == captured["status"]
        # The keys are those of version 3.
        assert seen.json["Code"] == captured["body"]["ErrorCode"]
        assert seen.json["Message"] == captured["body"]["ErrorMessage"]


@pytest.mark.parametrize(
    ("code", "told", "call"),
    [
        (
            "EntityTooLarge",
            (131072,),
            lambda wire: wire.invoke(
                bytes(131073), headers={"x-fc-invocation-type": "Async"}
            ),
        ),
        (
            "PathNotSupported",
            ("PATCH", "/2023-03-30/functions"),
            lambda wire: wire.call("PATCH", "functions"),
        ),
        (
            "MissingRequiredHeader",
            ("Authorization",),
            lambda wire: wire.call("GET", "functions", caller=None),
        ),
    ],
)
def test_general_errors_are_those_of_the_documentation(
    code: str, told: tuple[object, ...], call: Callable[[Wire], Awaitable[Answer]]
) -> None:
    documented = vector(55)
    seen = on_the_wire(call)
    assert seen.status == documented["status"]
    assert seen.json["Code"] == code
    assert seen.json["Message"] == documented["body"][code] % told


@pytest.mark.parametrize(
    ("code", "status"), [("ResourceExhausted", 429), ("ResourceThrottled", 503)]
)
def test_too_much_at_once_has_the_statuses_of_the_documentation(
    code: str, status: int
) -> None:
    assert f"{status} {code}" in vector(55)["body"]
    assert refusal(code, "").status == status
    if code == "ResourceThrottled":
        assert BY_NAME["fc"].throttled == (code, status)


def test_a_container_becomes_active_after_a_while() -> None:
    noted = vector(50)["body"]["state"]
    states = []

    async def twice(wire: Wire) -> Answer:
        image = {"image": "registry.cn-hangzhou.aliyuncs.com/x/y:1", "port": 9000}
        await create(
            runtime="custom-container", code=None, customContainerConfig=image
        )(wire)
        first = await wire.call("GET", "functions/job")
        wire.cloud.clock.now += 60
        then = await wire.call("GET", "functions/job")
        states.extend([first.json["state"], then.json["state"]])
        return then

    on_the_wire(twice)
    assert ", then ".join(states) == noted


# --- failed runs ----------------------------------------------------------------------


def failed(job: Function) -> tuple[dict[str, Any], str]:
    """Return the body and the log of an invocation that fails."""
    result = run(job)
    body = json.loads(result.payload)
    assert isinstance(body, dict)
    return body, result.log.decode()


def test_a_syntax_error_is_told_as_captured() -> None:
    captured = vector(96)["body"]
    body, log = failed(function("\n" * 11 + "def handler(e c): pass"))
    assert list(body) == list(captured)
    assert body["errorMessage"] == captured["errorMessage"]
    assert body["errorType"] == captured["errorType"]
    file, line, _, why = body["stackTrace"]
    assert [file, line] == captured["stackTrace"][:2]
    assert why.startswith("SyntaxError: ")
    assert f"FC Invoke End RequestId: {ID}, Error: Unhandled function error" in log


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_an_error_of_node_is_told_with_its_stack() -> None:
    documented = vector(56)["body"]
    code = "exports.handler = async () => { throw new Error('oops') }"
    body, _ = failed(function(code, runtime="nodejs20", file="index.js"))
    assert set(body) == set(documented)
    assert body["errorMessage"] == documented["errorMessage"]
    assert body["errorType"] == documented["errorType"]
    assert body["stackTrace"][0] == documented["stackTrace"][0]
    assert body["stackTrace"][1].startswith("    at ")
    assert "/code/index.js:1:" in body["stackTrace"][1]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_a_process_that_ends_itself_is_told_without_a_type() -> None:
    documented = vector(57)["body"]
    code = "exports.handler = async () => process.exit(1)"
    body, _ = failed(function(code, runtime="nodejs20", file="index.js"))
    assert set(body) == set(documented)
    words = re.escape(documented["errorMessage"])
    words = words.replace("12ms", r"\d+ms").replace(":\\ 0MB", r":\ [\d.]+MB")
    assert re.fullmatch(words, body["errorMessage"])
