"""Function Compute's tables are true, and its answers fit the official SDK's models."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_fc20230330 import models as sdk

from alicloud_emulator.functions.manager import Bounds, Functions
from alicloud_emulator.products.fc.action import (
    BODY_BYTES_MAX,
    COMMON_ERRORS,
    Asked,
    FcAction,
    metadata,
)
from alicloud_emulator.products.fc.declared import Effect, Place, find
from alicloud_emulator.products.fc.service import ACTIONS, BY_NAME
from alicloud_emulator.world.fc.refusals import FACTS
from alicloud_emulator.world.profile import Limits
from emulator.tests.support.models import filled, unknown_fields, wrong_types
from emulator.tests.unit.fc.conftest import Answer, Cloud, Wire, zipped

pytestmark = pytest.mark.anyio

META: dict[str, Any] = json.loads(
    Path(__file__).with_name("api_meta.json").read_text(encoding="utf-8")
)
ECHO = "def handler(event, context): return event"
ARN = "acs:fc:cn-hangzhou:1234567890123456:functions/job"
PAYLOADS = {"CreateFunction", "UpdateFunction", "TagResources"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with Functions(bounds=Bounds(waiting=1)) as functions:
        yield Wire(Cloud(), functions)


def ids(action: FcAction) -> str:
    return action.name


def test_every_documented_action_is_there() -> None:
    assert set(META) <= set(BY_NAME) < set(metadata())


@pytest.mark.parametrize("action", META)
def test_every_documented_parameter_is_declared(action: str) -> None:
    fields = BY_NAME[action].fields
    for name, meta in META[action].items():
        if name == "body" and action in PAYLOADS:
            assert any(one.place is Place.BODY for one in fields)
            continue
        field = find(fields, Place(meta.get("place", "Query").lower()), name)
        assert field is not None, name
        assert field.required or not meta.get("required"), name


@pytest.mark.parametrize("action", ACTIONS, ids=ids)
def test_every_field_of_the_sdks_requests_is_declared(action: FcAction) -> None:
    """And nothing is declared that the SDK does not know."""
    known = {f"query {name}" for name in members(f"{action.name}Request")}
    known |= {f"header {name}" for name in members(f"{action.name}Headers")}
    known |= {f"path {name}" for name in ("functionName",) if "{" in action.path}
    if action.name in PAYLOADS:
        known -= {"query body"}
        known |= {f"body {name}" for name in members(f"{action.name}Input")}
    if "body code" in known:
        known -= {"body code"}
        known |= {f"body code.{name}" for name in members("InputCodeLocation")}
    if "query body" in known:
        known = known - {"query body"} | {"body body"}
    known.discard("header commonHeaders")
    declared = {f"{one.place} {one.name}" for one in action.fields}
    # Of an older version of the model; functions keep it, and an update can say it.
    assert declared - known <= {"body resourceGroupId"}
    assert known <= declared


def members(model: str) -> set[str]:
    """Return the names on the wire of a model's fields, if there is such a model."""
    kind = getattr(sdk, model, None)
    return set() if kind is None else set(filled(kind, sdk).to_map())


def everything() -> dict[str, Any]:
    """Return a CreateFunction with every parameter the SDK knows."""
    code = b64encode(zipped({"index.py": ECHO})).decode()
    request = filled(
        sdk.CreateFunctionInput,
        sdk,
        function_name="job",
        runtime="python3.10",
        handler="index.handler",
        memory_size=512,
        cpu=0.25,
        disk_size=512,
        timeout=10,
        role="",
        disable_inject_credentials="None",
        code=sdk.InputCodeLocation(zip_file=code),
    )
    document: dict[str, Any] = request.to_map()
    return document


def check(model: type, document: Any) -> None:
    made = model()
    assert unknown_fields(made, document) == {}
    assert list(wrong_types(made)) == []


async def test_every_answer_fits_and_every_parameter_is_read(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[tuple[str, Place, str]] = set()
    unwatched = Asked._check_declared

    def watch(asked: Asked, place: Place, name: str) -> None:
        read.add((asked.action.name, place, name))
        unwatched(asked, place, name)

    monkeypatch.setattr(Asked, "_check_declared", watch)
    created = (await wire.call("POST", "functions", everything())).json
    check(sdk.Function, created)
    for name in everything().keys() - {"code", "layers"}:
        assert created[name] == everything()[name], name
    wire.cloud.clock.now += 1
    for method in ("GET", "PUT"):
        check(sdk.Function, (await wire.call(method, "functions/job", {})).json)
    await wire.create(ECHO, "other")
    page = (await wire.call("GET", "functions", query={"limit": "1"})).json
    check(sdk.ListFunctionsOutput, page)
    assert page["nextToken"]
    check(sdk.DescribeRegionsOutput, (await wire.call("GET", "regions")).json)
    tags = [{"Key": "key", "Value": "text"}, {"Key": "other", "Value": ""}]
    document = {"ResourceType": "function", "ResourceId": [ARN], "Tag": tags}
    assert (await wire.call("POST", "tags-v2", document)).status == 204
    query = {"ResourceType": "function", "Limit": "1"}
    page = (await wire.call("GET", "tags-v2", query=query)).json
    check(sdk.ListTagResourcesOutput, page)
    assert page["NextToken"]
    query = {"ResourceType": "function", "ResourceId": f'["{ARN}"]', "All": "true"}
    assert (await wire.call("DELETE", "tags-v2", query=query)).status == 204
    assert (await wire.invoke(b"x")).body == b"x"
    assert (await wire.call("DELETE", "functions/job")).status == 204

    enforced = {
        (action.name, one.place, one.name)
        for action in ACTIONS
        for one in action.fields
        if one.effect is Effect.ENFORCED and one.place in (Place.QUERY, Place.HEADER)
    }
    assert read == enforced


async def test_a_real_action_that_is_not_built_says_so_and_not_like_a_typo(
    wire: Wire,
) -> None:
    for name, (method, path) in metadata().items():
        if name in BY_NAME:
            continue
        made = path.removeprefix("/2023-03-30/").replace("{", "").replace("}", "")
        said = await wire.call(method, made)
        assert (said.status, said.code) == (400, "NotImplemented")
        assert name in said.json["Message"]
        typo = await wire.call(method, f"X{made}")
        assert (typo.status, typo.code) == (400, "PathNotSupported")


async def test_an_error_fits_the_sdks_model(wire: Wire) -> None:
    check(sdk.Error, (await wire.call("GET", "functions/none")).json)


@pytest.mark.parametrize("name", sorted(members("CreateFunctionInput")))
async def test_a_member_of_the_wrong_type_is_refused(wire: Wire, name: str) -> None:
    """So each of them is parsed, those without effect too."""
    document = everything() | {name: [1]}
    answer = await wire.call("POST", "functions", document)
    assert (answer.status, answer.code) == (400, "InvalidArgument")


LISTS = [
    ({"prefix": "jo"}, True),
    ({"prefix": "b"}, False),
    ({"functionName": "job"}, True),
    ({"functionName": "jo"}, False),
    ({"description": "ex"}, True),
    ({"description": "exx"}, False),
    ({"runtime": "python3.10"}, True),
    ({"runtime": "python3.12"}, False),
    ({"gpuType": "text"}, True),
    ({"gpuType": "fc.gpu.tesla.1"}, False),
    ({"resourceGroupId": "text"}, True),
    ({"resourceGroupId": "rg-other"}, False),
    ({"tags": '[{"Key":"text","Value":"text"}]'}, True),
    ({"tags": '[{"Key":"text","Value":"x"}]'}, False),
    ({"fcVersion": "v3"}, True),
    ({"fcVersion": "v2"}, False),
    ({"nextToken": "jo"}, True),
    ({"nextToken": "k"}, False),
]


@pytest.mark.parametrize(("query", "found"), LISTS, ids=str)
async def test_a_list_is_what_was_asked_for(
    wire: Wire, query: dict[str, str], found: bool
) -> None:
    await wire.call("POST", "functions", everything())
    listed = (await wire.call("GET", "functions", query=query)).json["functions"]
    assert [one["functionName"] for one in listed] == (["job"] if found else [])


async def test_every_code_is_given_by_its_action_and_no_other(wire: Wire) -> None:
    """The calls below are all that the emulator refuses; each gives one code."""
    given: dict[str, set[str]] = {action.name: set() for action in ACTIONS}

    async def refused(*args: Any, **options: Any) -> None:
        request = wire.request(*args, **options)
        name, _ = wire.service.describe(request)
        answer: Answer = await wire.call(*args, **options)
        assert answer.status == FACTS.status(answer.code), answer.code
        given[name].add(answer.code)

    await provoke_bad_arguments(wire, refused)
    await provoke_missing_things(wire, refused)
    await provoke_limits(wire, refused)
    for action in ACTIONS:
        path = action.path.replace("{functionName}", "job")
        await refused(action.method, path, caller=wire.cloud.user("ecs:*"))
        await refused(action.method, path, caller=None)
    declared = {action.name: set(FACTS.gives(action.name)) for action in ACTIONS}
    common = set(COMMON_ERRORS)
    assert {name: codes - common for name, codes in given.items()} == declared
    assert {"AccessDenied", "MissingRequiredHeader"} <= given["GetFunction"]


async def provoke_bad_arguments(wire: Wire, refused: Any) -> None:
    await wire.create(ECHO)
    await refused("POST", "functions", b"{")
    await refused("PUT", "functions/job", {"timeout": 0})
    await refused("GET", "functions", query={"limit": "0"})
    await refused("POST", "tags-v2", {})
    await refused("GET", "tags-v2")
    await refused("DELETE", "tags-v2")
    headers = {"x-fc-log-type": "All"}
    await refused("POST", "functions/job/invocations", headers=headers)


async def provoke_missing_things(wire: Wire, refused: Any) -> None:
    for method, path in (
        ("GET", "functions/none"),
        ("PUT", "functions/none"),
        ("DELETE", "functions/none"),
        ("POST", "functions/none/invocations"),
    ):
        await refused(method, path)
    query = {"qualifier": "stable"}
    await refused("GET", "functions/job", query=query)
    await refused("POST", "functions/job/invocations", query=query)
    arn = ARN.replace("job", "none")
    tag = {"ResourceType": "function", "ResourceId": [arn], "Tag": [{"Key": "k"}]}
    await refused("POST", "tags-v2", tag)
    query = {"ResourceType": "function", "ResourceId": f'["{arn}"]', "TagKey": '["k"]'}
    await refused("GET", "tags-v2", query=query)
    await refused("DELETE", "tags-v2", query=query)
    await refused("POST", "functions", everything())  # there is one of that name
    await wire.create(ECHO, "php", runtime="php7.2")
    await refused("POST", "functions/php/invocations")


async def provoke_limits(wire: Wire, refused: Any) -> None:
    huge = bytes(BODY_BYTES_MAX + 1)
    await refused("POST", "functions", huge)
    await refused("PUT", "functions/job", huge)
    await refused("POST", "tags-v2", huge)
    later = {"x-fc-invocation-type": "Async"}
    invoke = ("POST", "functions/job/invocations")
    await refused(*invoke, bytes(128 * 1024 + 1), headers=later)
    await wire.create("import time\ndef handler(e, c): time.sleep(9)", "slow")
    assert (await wire.invoke(name="slow", headers=later)).status == 202
    await refused(*invoke, headers=later)  # one is waiting
    profile = wire.cloud.world.profile
    object.__setattr__(profile, "limits", Limits(function_instances=1))
    await refused(*invoke)
    people = wire.cloud.world.ram.people(wire.cloud.main.account_id)
    object.__setattr__(people.account, "arrears", True)
    await refused("POST", "functions", everything())
    await refused("PUT", "functions/job", {})
    await refused(*invoke)
    object.__setattr__(people.account, "fc_enabled", False)
    await refused("GET", "regions")
