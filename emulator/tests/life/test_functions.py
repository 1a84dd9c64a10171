"""Function Compute's invocations, as their headers and logs were captured."""

import re
import shutil
from random import Random

import anyio
import pytest

from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.products import BY_NAME
from alicloud_emulator.products.fc.invocations import _answer
from alicloud_emulator.world.fc import Function, InvocationResult
from emulator.tests.life.conftest import vector
from emulator.tests.unit.fc.conftest import function, invocation

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
