"""Function Compute's actions as tests call them: values in, functions out, and at once."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from alicloud_emulator.front.hosts import parse
from alicloud_emulator.products.fc.bodies import _FIELDS
from alicloud_emulator.products.fc.service import FcService
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc import CodeSource, Function, Invocation, Settings
from alicloud_emulator.world.world import World

T = TypeVar("T")

NAMES = {field: name for name, field, *_ in _FIELDS}
"""Settings on the wire."""

FILTERS = {
    "prefix": "prefix",
    "name": "functionName",
    "description": "description",
    "runtime": "runtime",
    "version": "fcVersion",
    "limit": "limit",
    "token": "nextToken",
}


class NoProcesses:
    """Runs no code."""

    async def invoke(
        self, invocation: Invocation, payload: bytes, *, request_id: str
    ) -> NoReturn:
        raise AssertionError((invocation, payload, request_id))

    def spawn(self, work: object) -> bool:
        raise AssertionError(work)

    def retire(self, function: Function) -> None:
        """There is nothing to let go of."""


class Body:
    """A request's body."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data

    async def read(self, bytes_max: int) -> bytes:
        if len(self._data) > bytes_max:
            raise ServiceError("EntityTooLarge", 413)
        return self._data


class FcCalls:
    """The product's actions on one world; each raises ServiceError where it refuses."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._service = FcService(world, functions=NoProcesses())
        self.state = world.fc.state
        self.begin_invocation = world.fc.begin_invocation
        self.end_invocation = world.fc.end_invocation

    def call(
        self,
        caller: Caller,
        region: str,
        method: str,
        path: str,
        document: Mapping[str, Any] | None = None,
        /,
        **query: str,
    ) -> dict[str, Any]:
        """Make a call, and return its answer's document."""
        host = parse(f"fcv3.{region}.aliyuncs.com")
        assert host is not None
        request = Request(
            method=method,
            host=host,
            path=f"/2023-03-30/{path}",
            raw_path=f"/2023-03-30/{path}",
            query=list(query.items()),
            headers={},
            body=Body(json.dumps(document or {}).encode()),
            caller=caller,
        )
        body = at_once(self._service.handle(request)).body
        assert isinstance(body, bytes)
        found: dict[str, Any] = json.loads(body or b"{}")
        return found

    def create(
        self,
        caller: Caller,
        region: str,
        name: str,
        settings: Settings,
        code: CodeSource,
        *,
        tags: Mapping[str, str] | None = None,
    ) -> Function:
        document = {
            "functionName": name,
            **_settings({field: getattr(settings, field) for field in NAMES}),
            **settings.extras,
            "code": _code(code),
            "tags": _tags(tags or {}),
        }
        self.call(caller, region, "POST", "functions", document)
        return self._there(caller, region, name)

    def get(self, caller: Caller, region: str, name: str) -> Function:
        self.call(caller, region, "GET", f"functions/{name}")
        return self._there(caller, region, name)

    def update(
        self,
        caller: Caller,
        region: str,
        name: str,
        changes: Mapping[str, Any],
        code: CodeSource | None = None,
    ) -> Function:
        rest = {field: value for field, value in changes.items() if field != "extras"}
        document = {**_settings(rest), **changes.get("extras", {})}
        document |= {} if code is None else {"code": _code(code)}
        self.call(caller, region, "PUT", f"functions/{name}", document)
        return self._there(caller, region, name)

    def delete(self, caller: Caller, region: str, name: str) -> None:
        self.call(caller, region, "DELETE", f"functions/{name}")

    def list_functions(
        self,
        caller: Caller,
        region: str,
        *,
        tags: Mapping[str, str] | None = None,
        **asked: object,
    ) -> tuple[list[str], str]:
        """Return the names on a page, and the token of the next one."""
        query = {FILTERS[name]: str(value) for name, value in asked.items()}
        query |= {"tags": json.dumps(_tags(tags))} if tags else {}
        page = self.call(caller, region, "GET", "functions", **query)
        names = [row["functionName"] for row in page["functions"]]
        return names, page.get("nextToken", "")

    def describe_regions(self, caller: Caller, region: str) -> list[str]:
        rows = self.call(caller, region, "GET", "regions")["Regions"]["Region"]
        return [row["RegionId"] for row in rows]

    def tag(
        self, caller: Caller, region: str, arns: Sequence[str], tags: Mapping[str, str]
    ) -> None:
        document = {"ResourceType": "function", "ResourceId": arns, "Tag": _tags(tags)}
        self.call(caller, region, "POST", "tags-v2", document)

    def untag(
        self,
        caller: Caller,
        region: str,
        arns: Sequence[str],
        keys: Sequence[str] = (),
        *,
        every: bool = False,
    ) -> None:
        query = {"ResourceId": json.dumps(arns), "TagKey": json.dumps(keys)}
        query |= {"ResourceType": "function", "All": str(every).lower()}
        self.call(caller, region, "DELETE", "tags-v2", **query)

    def list_tags(
        self,
        caller: Caller,
        region: str,
        *,
        arns: Sequence[str] = (),
        tags: Mapping[str, str | None] | None = None,
    ) -> list[tuple[str, str, str]]:
        query = {"ResourceId": json.dumps(arns), "Tag": json.dumps(_tags(tags or {}))}
        query |= {"ResourceType": "function"}
        found = self.call(caller, region, "GET", "tags-v2", **query)["TagResources"]
        return [
            (row["ResourceId"].rpartition("/")[2], row["TagKey"], row["TagValue"])
            for row in found
        ]

    def _there(self, caller: Caller, region: str, name: str) -> Function:
        return self._world.fc.functions_of(caller.account_id, region)[name]


def at_once(action: Coroutine[Any, Any, T]) -> T:
    """Return what comes of an action that has nothing to wait for."""
    try:
        action.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    raise AssertionError("it waits")


def _settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {NAMES[field]: value for field, value in fields.items()}


def _code(source: CodeSource) -> dict[str, str]:
    return {
        "zipFile": b64encode(source.zip_bytes).decode(),
        "ossBucketName": source.bucket,
        "ossObjectName": source.key,
        "checksum": source.checksum,
    }


def _tags(tags: Mapping[str, str | None]) -> list[dict[str, str | None]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
