"""Function Compute as its clients see it, with functions really run."""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from random import Random
from typing import Any

import anyio
import pytest
from alibabacloud_fc20230330 import models as sdk

from alicloud_emulator.front.gateway import add_headers
from alicloud_emulator.functions.manager import Bounds, Functions
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Do, Fault
from emulator.tests.unit.fc.conftest import HANGZHOU, Cloud, Wire, eventually, zipped

pytestmark = pytest.mark.anyio

ECHO = "def handler(event, context): return event"
FAIL = "def handler(event, context): raise ValueError('something is wrong')"


def unknown_fields(model: Any, body: dict[str, Any]) -> set[str]:
    """Return what the official SDK's model of an answer does not know of it."""
    return set(body) - set(model().from_map(body).to_map())


async def test_a_function_is_made_shown_listed_and_deleted(wire: Wire) -> None:
    made = await wire.create(
        ECHO,
        environmentVariables={"A": "b"},
        tags=[{"Key": "k", "Value": "v"}],
        layers=["acs:fc:cn-hangzhou:official:layers/x/versions/1"],
        logConfig={"project": "p", "logstore": "l"},
        description="mine",
    )
    assert made.status == 200
    assert "state" not in made.json
    assert "stateReasonCode" not in made.json
    assert unknown_fields(sdk.Function, made.json) == set()

    shown = (await wire.call("GET", "functions/job")).json
    assert unknown_fields(sdk.Function, shown) == set()
    assert "state" not in shown
    assert shown["lastUpdateStatus"] == "Successful"
    assert shown["functionArn"].endswith(":functions/job")
    assert shown["environmentVariables"] == {"A": "b"}
    assert shown["logConfig"] == {"project": "p", "logstore": "l"}
    assert (shown["memorySize"], shown["cpu"], shown["timeout"]) == (128, 0.1, 10)
    assert shown["createdTime"].endswith("Z")

    listed = (await wire.call("GET", "functions", query={"prefix": "jo"})).json
    assert unknown_fields(sdk.ListFunctionsOutput, listed) == set()
    assert "state" not in listed["functions"][0]
    assert listed["functions"][0]["functionName"] == "job"
    assert "nextToken" not in listed

    gone = await wire.call("DELETE", "functions/job")
    assert (gone.status, gone.body) == (204, b"")
    assert (await wire.call("GET", "functions/job")).code == "FunctionNotFound"
    assert (await wire.call("DELETE", "functions/job")).status == 404


async def test_answers_may_name_no_request(wire: Wire) -> None:
    profile = wire.cloud.world.profile
    habits = replace(profile.habits, function_ids=False)
    wire.cloud.world.profile = replace(profile, habits=habits)
    made = await wire.create(ECHO)
    invoked = await wire.invoke(b"x")
    gone = await wire.call("DELETE", "functions/job")
    refused = await wire.call("DELETE", "functions/job")
    named = ["x-fc-request-id" in a.headers for a in (made, invoked, gone, refused)]
    assert named == [False, True, False, True]

    response = Response(status=204, has_id=False)
    add_headers(wire.request("DELETE", "functions/job"), response, Random(1), 0.0)
    assert set(response.headers) == {"Date"}


async def test_lists_have_pages(wire: Wire) -> None:
    for n in range(3):
        await wire.create(ECHO, f"run-{n}")
    first = (await wire.call("GET", "functions", query={"limit": "2"})).json
    assert first["nextToken"]
    query = {"limit": "2", "nextToken": first["nextToken"]}
    rest = (await wire.call("GET", "functions", query=query)).json
    names = [f["functionName"] for f in first["functions"] + rest["functions"]]
    assert names == ["run-0", "run-1", "run-2"]
    for wrong in ({"limit": "x"}, {"limit": "0"}, {"fcVersion": "v1"}, {"tags": "["}):
        answer = await wire.call("GET", "functions", query=wrong)
        assert answer.code == "InvalidArgument"
    v2 = (await wire.call("GET", "functions", query={"fcVersion": "v2"})).json
    assert v2 == {"functions": []}


async def test_regions_are_written_with_capitals(wire: Wire) -> None:
    body = (await wire.call("GET", "regions")).json
    assert unknown_fields(sdk.DescribeRegionsOutput, body) == set()
    first = body["Regions"]["Region"][0]
    assert set(first) == {"RegionId", "LocalName"}


async def test_an_invocation_answers_with_what_the_handler_returns(wire: Wire) -> None:
    await wire.create(ECHO)
    answer = await wire.invoke(b"\x00\xff bytes")
    assert (answer.status, answer.body) == (200, b"\x00\xff bytes")
    assert "x-fc-error-type" not in answer.headers
    assert "x-fc-log-result" not in answer.headers
    assert answer.headers["x-fc-request-id"].startswith("1-")


async def test_the_log_tail_comes_when_asked_for(wire: Wire) -> None:
    await wire.create("def handler(e, c): print('hello'); print('x' * 9000)")
    answer = await wire.invoke(headers={"X-Fc-Log-Type": "Tail"})
    log = b64decode(answer.headers["x-fc-log-result"]).decode()
    assert len(log) == 4096
    end = re.escape(
        f"x\nFC Invoke End RequestId: {answer.headers['x-fc-request-id']}\n"
    )
    usage = (
        r"\nDuration: \d+\.\d\d ms, Billed Duration: \d+ ms, "
        r"Memory Size: \d+ MB, Max Memory Used: \d+\.\d\d MB"
    )
    assert re.search(f"{end}{usage}\\Z", log)


async def test_an_exception_is_an_answer_with_status_200(wire: Wire) -> None:
    await wire.create(FAIL)
    answer = await wire.invoke()
    assert answer.status == 200
    assert answer.headers["x-fc-error-type"] == "UnhandledInvocationError"
    assert answer.json == {
        "errorMessage": "something is wrong",
        "errorType": "ValueError",
        "stackTrace": [['File "/code/index.py"', "line 1", "in handler", FAIL]],
    }


async def test_an_invocation_of_a_pending_function_waits(wire: Wire) -> None:
    await wire.create(ECHO)
    wire.cloud.clock.now -= 0.2  # back to when it was pending
    started = anyio.current_time()
    assert (await wire.invoke(b"x")).body == b"x"
    # At least: how much more it is depends on the machine.
    assert anyio.current_time() - started >= 0.2


async def test_payloads_over_the_limit_are_refused(wire: Wire) -> None:
    await wire.create(ECHO)
    answer = await wire.invoke(b"x" * (32 * 1024 * 1024 + 1))
    assert (answer.status, answer.code) == (400, "EntityTooLarge")
    assert "33554432" in answer.json["Message"]
    headers = {"X-Fc-Invocation-Type": "Async"}
    answer = await wire.invoke(b"x" * (128 * 1024 + 1), headers=headers)
    assert answer.code == "EntityTooLarge"


async def test_the_largest_payload_goes_through(wire: Wire) -> None:
    await wire.create(ECHO, memorySize=256)
    payload = bytes(range(256)) * (32 * 1024 * 4)
    assert len(payload) == 32 * 1024 * 1024
    assert (await wire.invoke(payload)).body == payload


async def test_asynchronous_invocations_run_afterwards(
    wire: Wire, tmp_path: Any
) -> None:
    code = "import os, sys\ndef handler(e, c): open(e.decode(), 'w').write('done')"
    await wire.create(code)
    mark = tmp_path / "mark"
    headers = {"X-Fc-Invocation-Type": "Async", "X-Fc-Async-Task-Id": "task-1"}
    answer = await wire.invoke(str(mark).encode(), headers=headers)
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["x-fc-async-task-id"] == "task-1"
    await eventually(lambda: mark.exists() and mark.read_text() == "done")
    await eventually(lambda: not wire.cloud.world.fc._at_work)


async def test_asynchronous_invocations_are_tried_again(
    wire: Wire, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alicloud_emulator.products.fc.invocations.ASYNC_RETRY_S", 0.0)
    code = "def handler(e, c):\n open(e.decode(), 'a').write('x')\n raise ValueError"
    await wire.create(code)
    mark = tmp_path / "mark"
    headers = {"X-Fc-Invocation-Type": "Async"}
    assert (await wire.invoke(str(mark).encode(), headers=headers)).status == 202
    await eventually(lambda: not wire.cloud.world.fc._at_work)
    assert mark.read_text() == "xxxx"  # once, and three times again


async def test_only_so_many_asynchronous_invocations_wait(cloud: Cloud) -> None:
    async with Functions(bounds=Bounds(waiting=1)) as functions:
        wire = Wire(cloud, functions)
        await wire.create("import time\ndef handler(e, c): time.sleep(60)", timeout=60)
        headers = {"X-Fc-Invocation-Type": "Async"}
        assert (await wire.invoke(headers=headers)).status == 202
        answer = await wire.invoke(headers=headers)
        assert (answer.status, answer.code) == (503, "ResourceThrottled")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Fc-Invocation-Type": "Later"},
        {"X-Fc-Log-Type": "All"},
        {"X-Fc-Async-Task-Id": "9"},
        {"X-Fc-Async-Task-Id": "x" * 129},
    ],
    ids=str,
)
async def test_headers_that_are_refused(wire: Wire, headers: dict[str, str]) -> None:
    await wire.create(ECHO)
    assert (await wire.invoke(headers=headers)).code == "InvalidArgument"


async def test_a_fault_kills_the_function_in_the_middle(wire: Wire) -> None:
    await wire.create(ECHO)
    await wire.invoke(b"warm")
    answer = await wire.invoke(b"x", faults=(Fault(do=Do.KILL),))
    assert answer.status == 200
    assert answer.headers["x-fc-error-type"] == "UnhandledInvocationError"
    assert "Process exited unexpectedly" in answer.json["errorMessage"]
    assert (await wire.invoke(b"again")).body == b"again"


async def test_an_update_brings_new_code(wire: Wire) -> None:
    await wire.create("def handler(e, c): return 'old'")
    assert (await wire.invoke()).body == b"old"
    code = zipped({"index.py": "def handler(e, c): return 'new', c.function.timeout"})
    document = {"code": {"zipFile": b64encode(code).decode()}, "timeout": 7}
    answer = await wire.call("PUT", "functions/job", document)
    assert (answer.json["timeout"], answer.json["memorySize"]) == (7, 128)
    assert answer.json["lastUpdateStatus"] == "InProgress"
    assert (await wire.invoke()).json == ["new", 7]


async def test_a_role_brings_credentials_and_none_does_not(wire: Wire) -> None:
    code = (
        "import os\n"
        "def handler(e, c):\n"
        "    k = c.credentials\n"
        "    return [k.access_key_id, k.access_key_secret, k.security_token,"
        " os.environ.get('ALIBABA_CLOUD_SECURITY_TOKEN', '')]"
    )
    await wire.create(code)
    assert (await wire.invoke()).json == ["", "", "", ""]
    role = wire.cloud.role_arn("worker")
    await wire.create(code, "with", role=role)
    key, secret, token, variable = (await wire.invoke(name="with")).json
    known = wire.cloud.world.ram.credential(key, token)
    assert (known.secret, known.caller.name) == (secret, "worker")
    assert variable == token
    for inject, expected in (
        ("Env", (True, False)),
        ("Request", (False, True)),
        ("All", (False, False)),
    ):
        name = f"with-{inject}"
        await wire.create(code, name, role=role, disableInjectCredentials=inject)
        *_, token, variable = (await wire.invoke(name=name)).json
        assert (bool(token), bool(variable)) == expected


async def test_tags_on_the_wire(wire: Wire) -> None:
    arn = (await wire.create(ECHO)).json["functionArn"]
    document = {
        "ResourceId": [arn],
        "ResourceType": "function",
        "Tag": [{"Key": "a", "Value": "1"}, {"Key": "b"}],
    }
    assert (await wire.call("POST", "tags-v2", document)).status == 204
    query = {"ResourceType": "function", "ResourceId": json.dumps([arn]), "Limit": "1"}
    first = (await wire.call("GET", "tags-v2", query=query)).json
    assert unknown_fields(sdk.ListTagResourcesOutput, first) == set()
    query["NextToken"] = first["NextToken"]
    rest = (await wire.call("GET", "tags-v2", query=query)).json
    assert "NextToken" not in rest
    found = first["TagResources"] + rest["TagResources"]
    assert [(t["TagKey"], t["TagValue"]) for t in found] == [("a", "1"), ("b", "")]
    assert {t["ResourceId"] for t in found} == {arn}
    query = {
        "ResourceType": "function",
        "ResourceId": json.dumps([arn]),
        "TagKey": '["a"]',
    }
    assert (await wire.call("DELETE", "tags-v2", query=query)).status == 204
    query = {"ResourceType": "function", "Tag": '[{"Key":"b"}]'}
    left = (await wire.call("GET", "tags-v2", query=query)).json["TagResources"]
    assert [t["TagKey"] for t in left] == ["b"]
    answer = await wire.call("GET", "tags-v2", query={"ResourceType": "service"})
    assert answer.code == "InvalidArgument"


@pytest.mark.parametrize(
    "wrong",
    [
        {"functionName": 1},
        {"functionName": None},
        {"runtime": None},
        {"handler": ["index.handler"]},
        {"memorySize": "128"},
        {"memorySize": True},
        {"timeout": 1.5},
        {"environmentVariables": {"a": 1}},
        {"code": {"zipFile": "!!"}},
        {"code": {"zipFile": 1}},
        {"code": "x"},
        {"code": None},
        {"tags": {"a": "b"}},
        {"tags": [{"Key": 1}]},
        {"vpcConfig": "x"},
        {"internetAccess": "no"},
    ],
    ids=str,
)
async def test_documents_that_are_refused(wire: Wire, wrong: dict[str, Any]) -> None:
    answer = await wire.create(ECHO, **wrong)
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"[" * 100_000, b"\xff"])
async def test_bodies_that_are_no_document(wire: Wire, body: bytes) -> None:
    answer = await wire.call("POST", "functions", body)
    assert (answer.status, answer.code) == (400, "InvalidArgument")


async def test_errors_are_json_with_the_request_id(wire: Wire) -> None:
    answer = await wire.call("GET", "functions/none")
    assert answer.status == 404
    assert answer.json == {
        "RequestId": answer.headers["x-fc-request-id"],
        "Code": "FunctionNotFound",
        "Message": "function 'none' does not exist.",
    }
    user = wire.cloud.user("ecs:*")
    answer = await wire.call("GET", "functions/none", caller=user)
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert answer.json["AccessDeniedDetail"]["AuthAction"] == "fc:GetFunction"


async def test_paths_that_are_not_served(wire: Wire) -> None:
    for method, path in (
        ("GET", "services"),
        ("PATCH", "functions/job"),
        ("GET", "functions/a/b"),
        ("POST", "functions/job/invocations/x"),
    ):
        request = wire.request(method, path)
        assert wire.service.describe(request) == ("Unknown", "")
        assert (await wire.call(method, path)).code == "PathNotSupported"


async def test_calls_have_the_names_of_the_api(wire: Wire) -> None:
    for method, path, expected in (
        ("POST", "functions", ("CreateFunction", "")),
        ("GET", "functions", ("ListFunctions", "")),
        ("GET", "functions/j%20b", ("GetFunction", "j b")),
        ("PUT", "functions/job", ("UpdateFunction", "job")),
        ("DELETE", "functions/job", ("DeleteFunction", "job")),
        ("POST", "functions/job/invocations", ("InvokeFunction", "job")),
        ("GET", "regions", ("DescribeRegions", "")),
        ("POST", "tags-v2", ("TagResources", "")),
        ("GET", "tags-v2", ("ListTagResources", "")),
        ("DELETE", "tags-v2", ("UntagResources", "")),
    ):
        assert wire.service.describe(wire.request(method, path)) == expected


async def test_the_classic_host_belongs_to_its_account(wire: Wire) -> None:
    await wire.create(ECHO)
    mine = f"{wire.cloud.main.account_id}.{HANGZHOU}.fc.aliyuncs.com"
    assert (await wire.call("GET", "functions/job", host=mine)).status == 200
    other = f"{wire.cloud.other.account_id}.{HANGZHOU}.fc.aliyuncs.com"
    answer = await wire.call("GET", "functions/job", host=other)
    assert (answer.status, answer.code) == (403, "AccessDenied")


async def test_anonymous_calls_are_refused(wire: Wire) -> None:
    answer = await wire.call("GET", "functions", caller=None)
    assert (answer.status, answer.code) == (400, "MissingRequiredHeader")


async def test_unexpected_errors_are_internal_ones(wire: Wire) -> None:
    request = wire.request("GET", "functions")
    assert wire.service.error(request, ValueError()).status == 500
    throttled = ServiceError("Throttling.User", 429, retry_after_ms=200)
    headers = wire.service.error(request, throttled).headers
    assert headers["x-acs-retry-after"] == "200"


async def test_a_runtime_that_the_emulator_does_not_run(wire: Wire) -> None:
    await wire.create(ECHO, runtime="php7.2", handler="index.handler")
    answer = await wire.invoke()
    assert (answer.status, answer.code) == (412, "FunctionNotStarted")
    await eventually(lambda: not wire.cloud.world.fc._at_work)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (
            {"X-Fc-Log-Type": "Invalid"},
            (
                "LogType is set to an invalid value (allowed: Tail | None, "
                "actual: 'Invalid')"
            ),
        ),
        (
            {"X-Fc-Log-Type": "Tail", "X-Fc-Invocation-Type": "Async"},
            "LogType is set to an invalid value (allowed: None, actual: 'Tail')",
        ),
    ],
)
async def test_a_wrong_choice_is_told_as_the_vendors_tests_have_it(
    wire: Wire, headers: dict[str, str], said: str
) -> None:
    await wire.create(ECHO)
    answer = await wire.invoke(headers=headers)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert answer.json["Message"] == said
