"""Node.js functions, in processes of their own, with this machine's node."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from alicloud_emulator.functions import runtimes
from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc import InvocationResult
from alicloud_emulator.world.sessions import StsToken
from emulator.tests.unit.fc.conftest import HANGZHOU, function, invocation

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js (node)"),
]


async def run(
    functions: Functions,
    code: str,
    payload: bytes = b"",
    *,
    credentials: StsToken | None = None,
    **settings: Any,
) -> InvocationResult:
    given = {"runtime": "nodejs20", "file": "index.js", **settings}
    work = invocation(function(code, **given), credentials=credentials)
    return await functions.invoke(work, payload, request_id="1-a-b")


async def value(functions: Functions, code: str, **settings: Any) -> Any:
    """Return what the function returns, which is JSON."""
    result = await run(functions, code, **settings)
    assert result.error_type == "", result
    return json.loads(result.payload)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return Buffer.from([0, 255])", b"\x00\xff"),
        ("return new Uint8Array([1, 2, 3]).subarray(1)", b"\x02\x03"),
        ("return 'text é'", "text é".encode()),
        ("return {a: [1, null]}", b'{"a":[1,null]}'),
        ("return null", b"null"),
        ("return", b""),
        ("return event", b"payload"),
        ("return typeof event + Buffer.isBuffer(event)", b"objecttrue"),
    ],
)
async def test_what_a_handler_may_return(
    functions: Functions, body: str, expected: bytes
) -> None:
    code = f"exports.handler = async (event, context) => {{ {body} }}"
    assert (await run(functions, code, b"payload")).payload == expected


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("index.js", "exports.handler = (event, context) => 'ok'"),
        ("index.js", "exports.handler = (e, c, callback) => callback(null, 'ok')"),
        (
            "index.js",
            "exports.handler = (e, c, done) => { setTimeout(() => done(null, 'ok'), 9) }",
        ),
        ("index.mjs", "export const handler = async () => 'ok'"),
        ("index.mjs", "export default { handler: async () => 'ok' }"),
        ("index.cjs", "module.exports = { handler: async () => 'ok' }"),
    ],
)
async def test_styles_of_handlers(functions: Functions, file: str, code: str) -> None:
    assert (await run(functions, code, file=file)).payload == b"ok"


async def test_what_a_handler_is_told(functions: Functions) -> None:
    code = "exports.handler = async (event, context) => context"
    token = StsToken(
        access_key_id="STS.id",
        access_key_secret="its secret",
        security_token="its token",
        expires_at=0.0,
        role_arn="acs:ram::1:role/x",
        role_id="3",
        session="s",
    )
    context = await value(functions, code, credentials=token, timeout_s=7)
    assert context["requestId"] == "1-a-b"
    assert (context["region"], context["accountId"]) == (HANGZHOU, "1")
    assert context["function"] == {
        "name": "job",
        "handler": "index.handler",
        "memory": 128,
        "timeout": 7,
    }
    assert context["credentials"] == {
        "accessKeyId": "STS.id",
        "accessKeySecret": "its secret",
        "securityToken": "its token",
    }
    context = await value(functions, code, timeout_s=7)
    assert set(context["credentials"].values()) == {""}


@pytest.mark.parametrize(
    ("body", "error_type", "message"),
    [
        ("throw new TypeError('oops')", "TypeError", "oops"),
        ("throw 'text'", None, "text"),
        (
            "await new Promise(() => { setTimeout(() => x.y, 1) })",
            "ReferenceError",
            "x",
        ),
        ("require('nothing-here')", "Error", "Cannot find module 'nothing-here'"),
        ("return Buffer.alloc(33 << 20)", "ResponseTooLarge", "exceeds"),
        ("const a = {}; a.a = a; return a", "TypeError", "circular"),
    ],
)
async def test_errors(
    functions: Functions, body: str, error_type: str | None, message: str
) -> None:
    code = f"exports.handler = async (event, context) => {{ {body} }}"
    result = await run(functions, code)
    assert result.error_type == "UnhandledInvocationError"
    report = json.loads(result.payload)
    assert report.get("errorType") == error_type
    assert message in report["errorMessage"]
    assert str(Path(runtimes.__file__).parent).encode() not in result.payload
    if "throw new" in body:
        assert "/code/index.js:1:" in "".join(report["stackTrace"])


async def test_an_error_given_to_the_callback_was_handled(functions: Functions) -> None:
    code = "exports.handler = (e, c, callback) => callback(new Error('oops'))"
    result = await run(functions, code)
    assert result.error_type == "HandledInvocationError"
    assert json.loads(result.payload)["errorMessage"] == "oops"


@pytest.mark.parametrize(
    ("file", "code", "message"),
    [
        ("other.js", "", "Cannot find module '/code/index.js'"),
        (
            "index.js",
            "exports.nothing = 1",
            "Handler 'handler' missing on module 'index'",
        ),
        ("index.js", "exports.handler = ((", "Unexpected end of input"),
    ],
)
async def test_handlers_that_cannot_be_loaded(
    functions: Functions, file: str, code: str, message: str
) -> None:
    result = await run(functions, code, file=file)
    assert result.error_type == "UnhandledInvocationError"
    assert json.loads(result.payload)["errorMessage"] == message


@pytest.mark.parametrize(
    "body",
    ["await new Promise(() => {})", "while (true);", "await setInterval(_ => {}, 9)"],
)
async def test_a_function_that_takes_too_long(functions: Functions, body: str) -> None:
    code = f"exports.handler = async () => {{ {body}; while (true); }}"
    with anyio.fail_after(10):
        result = await run(functions, code, timeout_s=1)
    assert result.error_type == "UnhandledInvocationError"
    report = json.loads(result.payload)
    assert report["errorType"] == "FunctionTimeoutError"
    assert report["errorMessage"].startswith("Function time out after 1 seconds")
    assert functions.processes == 0


@pytest.mark.parametrize(
    "body",
    [
        "const all = []; for (;;) all.push(new Array(1000).fill(0).map((_, i) => ({ i })))",
        "const all = []; for (;;) all.push(Buffer.alloc(1000000, 1))",
        "return String(Buffer.alloc(1000000000, 1).length)",
    ],
    ids=["heap", "buffers", "at-once"],
)
async def test_a_function_that_takes_too_much_memory(
    functions: Functions, body: str
) -> None:
    code = f"exports.handler = async () => {{ {body} }}"
    with anyio.fail_after(20):
        result = await run(functions, code, timeout_s=60)
    assert result.error_type == "UnhandledInvocationError"
    assert json.loads(result.payload)["errorType"] == "FunctionOOMError"
    assert functions.processes == 0


async def test_a_function_that_exits(functions: Functions) -> None:
    result = await run(functions, "exports.handler = async () => process.exit(1)")
    assert result.error_type == "UnhandledInvocationError"
    message = json.loads(result.payload)["errorMessage"]
    assert message.startswith("Process exited unexpectedly before completing request (")


async def test_output_goes_to_the_log(functions: Functions) -> None:
    code = (
        "exports.handler = async (event, context) => {"
        " console.log('seen %d', 1, { a: 2 }); console.error('bad');"
        " context.logger.info('told'); process.stdout.write('raw\\n');"
        " require('child_process').spawnSync('echo', ['child'], { stdio: 'inherit' });"
        " return 'x' }"
    )
    result = await run(functions, code)
    assert result.payload == b"x"
    lines = result.log.decode().splitlines()
    assert lines[:2] == [
        "FC Invoke Start RequestId: 1-a-b",
        "load code for handler:index.handler",
    ]
    assert lines[2].endswith("Z 1-a-b [verbose] seen 1 { a: 2 }")
    assert lines[3].endswith("Z 1-a-b [error] bad")
    assert lines[4].endswith("Z 1-a-b [info] told")
    assert lines[5:-1] == ["raw", "child", "FC Invoke End RequestId: 1-a-b", ""]


async def test_an_instance_is_used_again(functions: Functions) -> None:
    code = "let n = 0; exports.handler = async () => String(++n)"
    job = function(code, runtime="nodejs18", file="index.js")
    for expected in (b"1", b"2", b"3"):
        result = await functions.invoke(invocation(job), b"", request_id="r")
        assert result.payload == expected
    assert functions.processes == 1


async def test_an_instance_that_crashed_after_its_answer_is_replaced(
    functions: Functions,
) -> None:
    code = (
        "exports.handler = async () =>"
        " { setTimeout(() => { throw new Error('late') }, 20); return 'ok' }"
    )
    job = function(code, runtime="nodejs20", file="index.js")
    for _ in range(2):
        result = await functions.invoke(invocation(job), b"", request_id="r")
        assert result.payload == b"ok"
        await anyio.sleep(0.2)


async def test_large_payloads_both_ways(functions: Functions) -> None:
    payload = bytes(range(256)) * (4 * 1024 * 16)
    code = "exports.handler = async (event) => event"
    result = await run(functions, code, payload, memory_mib=256)
    assert result.payload == payload


@pytest.fixture
def node_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let a test set NODE_PATH: the emulator asks for it once."""
    runtimes._node_path.cache_clear()
    yield monkeypatch
    runtimes._node_path.cache_clear()


USES_ALI_OSS = "const OSS = require('ali-oss'); exports.handler = async () => OSS.name"


async def test_a_bundled_package_comes_from_node_path(
    functions: Functions, node_path: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "ali-oss"
    package.mkdir()
    (package / "index.js").write_text("exports.name = 'from NODE_PATH'")
    node_path.setenv("NODE_PATH", str(tmp_path))
    result = await run(functions, USES_ALI_OSS)
    assert result.payload == b"from NODE_PATH"


async def test_a_bundled_package_that_this_machine_lacks(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "_node_path", lambda: "/nowhere")
    for code in (
        USES_ALI_OSS,
        "exports.handler = async () => require('ali-oss/lib/common/utils')",
    ):
        with pytest.raises(ServiceError) as caught:
            await run(functions, code)
        assert (caught.value.code, caught.value.status) == ("FunctionNotStarted", 412)
        assert "npm install -g ali-oss" in caught.value.message


async def test_a_machine_without_node(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ServiceError) as caught:
        await run(functions, "exports.handler = async () => 1")
    assert (caught.value.code, caught.value.status) == ("FunctionNotStarted", 412)
    assert "'node'" in caught.value.message


async def test_no_connection_leads_out(functions: Functions) -> None:
    code = """
        const net = require('net');
        const tried = (make) => new Promise((resolve) => {
          const socket = make();
          socket.on('connect', () => resolve('connected'));
          socket.on('error', (error) => resolve(error.code));
        });
        exports.handler = async () => [
          await tried(() => net.connect(80, '192.0.2.1')),
          await tried(() => net.connect({ port: 443, host: 'example.com' })),
          await tried(() => require('tls').connect(443, 'example.com')),
          await tried(() => net.connect(9, '127.0.0.1')),
          await fetch('https://example.com').catch((error) => error.cause.code),
        ];"""
    assert await value(functions, code) == [
        *("ENOTFOUND", "ENOTFOUND", "ENOTFOUND", "ECONNREFUSED", "ENOTFOUND")
    ]
