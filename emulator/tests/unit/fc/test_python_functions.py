"""Python functions, in processes of their own."""

import json
from importlib.util import find_spec
from typing import Any

import anyio
import pytest

from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.world.fc import InvocationResult
from emulator.tests.unit.fc.conftest import HANGZHOU, function, invocation, zipped

pytestmark = pytest.mark.anyio


async def run(
    functions: Functions, code: str, payload: bytes = b"", **settings: Any
) -> InvocationResult:
    job = function(code, **settings)
    return await functions.invoke(invocation(job), payload, request_id="1-a-b")


async def value(functions: Functions, code: str, **settings: Any) -> Any:
    """Return what the function returns, which is JSON."""
    result = await run(functions, code, **settings)
    assert result.error_type == "", result
    return json.loads(result.payload)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("b'\\x00'", b"\x00"),
        ("bytearray(b'x')", b"x"),
        ("'text é'", "text é".encode()),
        ("{'a': [1, None]}", b'{"a": [1, null]}'),
        ("None", b"null"),
        ("event", b"payload"),
    ],
)
async def test_what_a_handler_may_return(
    functions: Functions, returned: str, expected: bytes
) -> None:
    code = f"def handler(event, context): return {returned}"
    assert (await run(functions, code, b"payload")).payload == expected


async def test_what_a_handler_is_told(functions: Functions) -> None:
    code = (
        "def handler(event, c):\n"
        "    f = c.function\n"
        "    return [type(event).__name__, c.request_id, c.region, c.account_id,"
        " f.name, f.handler, f.memory, f.timeout]"
    )
    assert await value(functions, code, timeout_s=7) == [
        *("bytes", "1-a-b", HANGZHOU, "1"),
        *("job", "index.handler", 128, 7),
    ]


@pytest.mark.parametrize("handler", ["pkg/mod.work", "pkg.mod.work"])
async def test_handlers_in_packages(functions: Functions, handler: str) -> None:
    code = "def work(event, context): return __name__"
    result = await run(functions, code, file="pkg/mod.py", handler=handler)
    assert result.payload == b"pkg.mod"


async def test_state_lives_as_long_as_the_instance(functions: Functions) -> None:
    job = function("n = []\ndef handler(e, c): n.append(1); return len(n)")
    for expected in (b"1", b"2", b"3"):
        result = await functions.invoke(invocation(job), b"", request_id="r")
        assert result.payload == expected
    assert functions.processes == 1


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        ("def handler(e, c): raise KeyError('x')", "KeyError", "'x'"),
        ("def handler(e, c): return object()", "ResultNotJSON", "not JSON"),
        ("import nothing_here", "ImportModuleError", "No module named"),
        ("handler = 1", "HandlerNotFound", "Handler 'handler' is missing"),
        ("def handler(", "UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("def handler(e, c): return b'x' * (33 << 20)", "ResponseTooLarge", "exceeds"),
        ("def handler(): pass", "TypeError", "positional"),
    ],
)
async def test_errors(
    functions: Functions, code: str, error_type: str, message: str
) -> None:
    result = await run(functions, code, memory_mib=512)
    assert result.error_type == "UnhandledInvocationError"
    body = json.loads(result.payload)
    assert body["errorType"] == error_type
    assert message in body["errorMessage"]
    assert isinstance(body["stackTrace"], list)
    assert b"Error: Unhandled function error" in result.log
    assert functions.processes == 1  # an exception costs no process


async def test_a_function_that_takes_too_long(functions: Functions) -> None:
    code = "import time\ndef handler(e, c): print('begin'); time.sleep(60)"
    with anyio.fail_after(5):
        result = await run(functions, code, timeout_s=1)
    body = json.loads(result.payload)
    assert result.error_type == "UnhandledInvocationError"
    assert body["errorType"] == "FunctionTimeoutError"
    assert body["errorMessage"].startswith("Function time out after 1 seconds")
    assert b"begin\n" in result.log
    assert functions.processes == 0


async def test_a_module_that_takes_too_long_to_load(functions: Functions) -> None:
    result = await run(functions, "while True: pass", timeout_s=1)
    assert json.loads(result.payload)["errorType"] == "FunctionTimeoutError"


@pytest.mark.parametrize(
    "code",
    [
        "def handler(e, c):\n a = []\n while True: a.append(bytearray(b'x' * 1000000))",
        "def handler(e, c): return len(bytearray(1 << 33))",
        "def handler(e, c): return len(bytearray(b'x' * 80_000_000))",  # for a moment
    ],
)
async def test_a_function_that_takes_too_much_memory(
    functions: Functions, code: str
) -> None:
    result = await run(functions, code)
    body = json.loads(result.payload)
    assert result.error_type == "UnhandledInvocationError"
    assert body["errorType"] == "FunctionOOMError"
    assert "out of memory" in body["errorMessage"]
    assert functions.processes == 0


async def test_memory_within_bounds_is_fine(functions: Functions) -> None:
    code = "def handler(e, c): return len(b'x' * int(8e7))"
    result = await run(functions, code)
    assert result.payload == b"80000000"
    assert 80 < result.memory_mib_max < 128


async def test_a_function_that_is_killed_ends_once_in_its_log(
    functions: Functions,
) -> None:
    """However far it got: this one is done before it is killed."""
    job = function("def handler(e, c): print('done')")
    killed = invocation(job, killed=True)
    result = await functions.invoke(killed, b"", request_id="1-a-b")
    assert result.error_type == "UnhandledInvocationError"
    assert b"done" in result.log
    assert result.log.count(b"FC Invoke End RequestId: 1-a-b") == 1
    assert b"End RequestId: 1-a-b, Error: Process exited unexpectedly" in result.log


@pytest.mark.parametrize("code", ["import os; os._exit(3)", "raise SystemExit"])
async def test_a_function_that_exits(functions: Functions, code: str) -> None:
    result = await run(functions, f"def handler(e, c):\n {code}")
    assert result.error_type == "UnhandledInvocationError"
    body = json.loads(result.payload)
    assert body["errorMessage"].startswith(
        "Process exited unexpectedly before completing request (duration: "
    )
    assert functions.processes == 0


async def test_output_goes_to_the_log_and_nowhere_else(functions: Functions) -> None:
    code = (
        "import os, sys, logging\n"
        "def handler(e, c):\n"
        "    print('printed'); os.write(1, b'written\\n'); sys.stderr.write('err\\n')\n"
        "    os.system('echo by a child')\n"
        "    logging.getLogger().info('logged %s', 1); c.logger.error('bad')\n"
        "    return sys.stdin.read()"
    )
    result = await run(functions, code)
    assert result.payload == b""
    lines = result.log.decode().splitlines()
    assert lines[:2] == [
        "FunctionCompute python3 runtime inited.",
        "FC Invoke Start RequestId: 1-a-b",
    ]
    assert lines[2:6] == ["printed", "written", "err", "by a child"]
    assert lines[6].endswith("Z 1-a-b [INFO] logged 1")
    assert lines[7].endswith("Z 1-a-b [ERROR] bad")
    assert lines[8:-1] == ["FC Invoke End RequestId: 1-a-b", ""]


async def test_more_output_than_a_pipe_holds(functions: Functions) -> None:
    code = "def handler(e, c):\n for n in range(20000): print('line', n)"
    result = await run(functions, code)
    assert result.error_type == ""
    assert len(result.log) == 4096
    assert b"line 19999\n" in result.log


async def test_the_environment_is_the_functions_own(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "the-users-own")
    monkeypatch.setenv("SECRET", "the-users-own")
    monkeypatch.setenv("PYTHONSTARTUP", "the-users-own")
    code = "import os\ndef handler(e, c): return dict(os.environ)"
    env = await value(functions, code, environment={"MINE": "1", "FC_REGION": "x"})
    assert "the-users-own" not in str(env)
    assert env["MINE"] == "1"
    assert env["FC_REGION"] == HANGZHOU  # the runtime's own cannot be replaced
    assert env["FC_FUNCTION_NAME"] == "job"
    assert env["FC_FUNCTION_MEMORY_SIZE"] == "128"
    assert env["TMPDIR"] == env["HOME"]


async def test_only_what_the_runtime_offers_can_be_imported(
    functions: Functions,
) -> None:
    code = (
        "def handler(e, c):\n"
        "    found = []\n"
        "    for name in ('requests', 'oss2', 'anyio', 'alicloud_emulator', 'h11'):\n"
        "        try: __import__(name); found.append(name)\n"
        "        except ImportError: pass\n"
        "    return found"
    )
    here = [name for name in ("requests", "oss2") if find_spec(name)]
    assert await value(functions, code, timeout_s=20) == here


async def test_packages_in_the_code_win(functions: Functions) -> None:
    code = "import requests\ndef handler(e, c): return requests.__file__"
    job = function(code)
    job.code = zipped({"index.py": code, "requests.py": ""})
    result = await functions.invoke(invocation(job), b"", request_id="r")
    assert result.payload.endswith(b"/code/requests.py")


async def test_no_socket_leads_out(functions: Functions) -> None:
    code = (
        "import socket\n"
        "def handler(e, c):\n"
        "    seen = []\n"
        "    for call in (lambda: socket.create_connection(('192.0.2.1', 80), 1),\n"
        "                 lambda: socket.getaddrinfo('example.com', 80),\n"
        "                 lambda: socket.socket(type=socket.SOCK_DGRAM)"
        ".sendto(b'x', ('192.0.2.1', 53)),\n"
        "                 lambda: socket.create_connection(('127.0.0.1', 9), 1)):\n"
        "        try: call()\n"
        "        except OSError as error: seen.append(type(error).__name__)\n"
        "    return seen"
    )
    assert await value(functions, code) == [
        *("OSError", "gaierror", "OSError", "ConnectionRefusedError")
    ]
