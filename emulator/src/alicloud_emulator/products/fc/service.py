"""Function Compute 3.0 on the wire (ROA, version 2023-03-30)."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from alicloud_emulator.products.fc.actions import route
from alicloud_emulator.products.fc.bodies import (
    function_body,
    listed_body,
    parse_changes,
    parse_code,
    parse_json,
    parse_list,
    parse_object,
    parse_settings,
    parse_tag_filter,
    parse_tags,
    regions_body,
)
from alicloud_emulator.products.fc.invocations import (
    Asked,
    Executor,
    Invocations,
    json_answer,
)
from alicloud_emulator.services.wire import Request, Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc.listing import Filters
from alicloud_emulator.world.fc.refusals import REFUSALS, refusal
from alicloud_emulator.world.fc.rules import CODE_BYTES_MAX, invalid
from alicloud_emulator.world.fc.service import LIST_LIMIT_DEFAULT
from alicloud_emulator.world.fc.values import CodeSource, Function
from alicloud_emulator.world.world import World

# Code is Base64 in JSON; the rest of a request is small.
BODY_BYTES_MAX = CODE_BYTES_MAX * 4 // 3 + 1024 * 1024


class FcService:
    """The actions by path.

    Args:
        world: The cloud.
        functions: Runs the functions' code.
    """

    def __init__(self, world: World, *, functions: Executor) -> None:
        self._world = world
        self._functions = functions
        self._invocations = Invocations(world, functions)

    def describe(self, request: Request) -> tuple[str, str]:
        """Return (action, function name)."""
        found = route(request.method, request.path)
        return (found[0].name, found[1]) if found else ("Unknown", "")

    async def handle(self, request: Request) -> Response:
        """Carry out a request.

        Raises:
            ServiceError: Function Compute refuses.
        """
        if request.caller is None:
            raise refusal(
                "MissingRequiredHeader",
                "required HTTP header Authorization was not specified",
            )
        account_id = request.host.account_id
        if account_id not in {"", request.caller.account_id}:
            raise refusal(
                "AccessDenied", f"the endpoint belongs to account '{account_id}'"
            )
        found = route(request.method, request.path)
        if found is None:
            raise refusal(
                "PathNotSupported",
                f"'{request.method}' against '{request.path[:256]}' is not supported",
            )
        action, name = found
        asked = Asked(
            request=request,
            action=action,
            caller=request.caller,
            region=request.host.region,
            name=name,
        )
        response = await _HANDLERS[action.name](self, asked)
        if action.name == "InvokeFunction" or self._world.profile.habits.function_ids:
            response.headers.setdefault("x-fc-request-id", request.request_id)
        else:
            response.has_id = False
        return response

    def error(self, request: Request, error: Exception) -> Response:
        """Return the error as Function Compute writes it: JSON."""
        if not isinstance(error, ServiceError):
            error = refusal("InternalServerError", "an internal error")
        denied = error.code == "NoPermission"
        document: dict[str, Any] = {
            "RequestId": request.request_id,
            "Code": "AccessDenied" if denied else error.code,
            "Message": error.message,
        }
        if denied and error.fields:
            document["AccessDeniedDetail"] = error.fields
        headers = {"x-fc-request-id": request.request_id}
        if error.retry_after_ms:
            headers["x-acs-retry-after"] = str(error.retry_after_ms)
        # Bodies too long are found out by whoever reads them, and he says 413.
        status = REFUSALS.get(error.code, error.status)
        return json_answer(document, status=status, headers=headers)

    async def create_function(self, asked: Asked) -> Response:
        """POST /functions."""
        document = parse_object(await asked.request.body.read(BODY_BYTES_MAX))
        name = document.get("functionName")
        if not isinstance(name, str):
            raise invalid("functionName is required")
        function = self._world.fc.create(
            asked.caller,
            asked.region,
            name,
            parse_settings(document),
            parse_code(document) or CodeSource(),
            tags=parse_tags(document.get("tags")),
        )
        return json_answer(self._body(function))

    def _body(self, function: Function) -> dict[str, Any]:
        return function_body(function, self._world.fc.told_state(function))

    async def list_functions(self, asked: Asked) -> Response:
        """GET /functions."""
        if asked.query("fcVersion") not in {"", "v2", "v3"}:
            raise invalid("fcVersion must be v2 or v3")
        tags = parse_tags(parse_json(asked.query("tags"), "tags"))
        page = self._world.fc.list_functions(
            asked.caller,
            asked.region,
            filters=Filters(
                prefix=asked.query("prefix"),
                name=asked.query("functionName"),
                description=asked.query("description"),
                runtime=asked.query("runtime"),
                gpu_type=asked.query("gpuType"),
                resource_group=asked.query("resourceGroupId"),
                tags=tags,
                nothing=asked.query("fcVersion") == "v2",  # there are only 3.0's
            ),
            limit=asked.integer("limit", LIST_LIMIT_DEFAULT),
            next_token=asked.query("nextToken"),
        )
        functions = [listed_body(f) for f in page.functions]
        more = {"nextToken": page.next_token} if page.next_token else {}
        return json_answer({"functions": functions, **more})

    async def get_function(self, asked: Asked) -> Response:
        """GET /functions/NAME."""
        function = self._world.fc.get(
            asked.caller,
            asked.region,
            asked.name,
            qualifier=asked.query("qualifier"),
        )
        return json_answer(self._body(function))

    async def update_function(self, asked: Asked) -> Response:
        """PUT /functions/NAME."""
        document = parse_object(await asked.request.body.read(BODY_BYTES_MAX))
        function = self._world.fc.update(
            asked.caller,
            asked.region,
            asked.name,
            parse_changes(document),
            parse_code(document),
        )
        self._functions.retire(function)
        return json_answer(self._body(function))

    async def delete_function(self, asked: Asked) -> Response:
        """DELETE /functions/NAME."""
        function = self._world.fc.delete(asked.caller, asked.region, asked.name)
        self._functions.retire(function)
        return Response(status=204)

    async def describe_regions(self, asked: Asked) -> Response:
        """GET /regions."""
        return json_answer(regions_body(self._world.fc.describe_regions(asked.caller)))

    async def tag_resources(self, asked: Asked) -> Response:
        """POST /tags-v2."""
        document = parse_object(await asked.request.body.read(BODY_BYTES_MAX))
        _check_resource_type(document.get("ResourceType"))
        arns = parse_list(document.get("ResourceId"), "ResourceId")
        tags = parse_tags(document.get("Tag"))
        if not tags:
            raise invalid("Tag is required")
        self._world.fc.tags.tag(asked.caller, asked.region, arns, tags)
        return Response(status=204)

    async def untag_resources(self, asked: Asked) -> Response:
        """DELETE /tags-v2."""
        _check_resource_type(asked.query("ResourceType"))
        self._world.fc.tags.untag(
            asked.caller,
            asked.region,
            parse_list(asked.query("ResourceId"), "ResourceId"),
            parse_list(asked.query("TagKey"), "TagKey"),
            every=asked.boolean("All"),
        )
        return Response(status=204)

    async def list_tag_resources(self, asked: Asked) -> Response:
        """GET /tags-v2."""
        _check_resource_type(asked.query("ResourceType"))
        limit = asked.integer("Limit", 50)
        skip = _offset(asked.query("NextToken"))
        if not 1 <= limit <= 200:
            raise invalid("Limit must be between 1 and 200")
        found = self._world.fc.tags.list_tags(
            asked.caller,
            asked.region,
            arns=parse_list(asked.query("ResourceId"), "ResourceId"),
            tags=parse_tag_filter(parse_json(asked.query("Tag"), "Tag")),
        )
        entries = [
            {
                "ResourceId": function.arn,
                "ResourceType": "function",
                "TagKey": key,
                "TagValue": value,
            }
            for function, key, value in found[skip : skip + limit]
        ]
        more = {"NextToken": str(skip + limit)} if len(found) > skip + limit else {}
        return json_answer(
            {"RequestId": asked.request.request_id, "TagResources": entries, **more}
        )

    async def invoke_function(self, asked: Asked) -> Response:
        """POST /functions/NAME/invocations."""
        return await self._invocations.invoke(asked)


_Handler = Callable[[FcService, Asked], Awaitable[Response]]

_HANDLERS: dict[str, _Handler] = {
    "CreateFunction": FcService.create_function,
    "ListFunctions": FcService.list_functions,
    "GetFunction": FcService.get_function,
    "UpdateFunction": FcService.update_function,
    "DeleteFunction": FcService.delete_function,
    "InvokeFunction": FcService.invoke_function,
    "DescribeRegions": FcService.describe_regions,
    "TagResources": FcService.tag_resources,
    "ListTagResources": FcService.list_tag_resources,
    "UntagResources": FcService.untag_resources,
}


def _check_resource_type(value: object) -> None:
    if value not in {"function", "Function", "FUNCTION"}:
        raise invalid("ResourceType must be function")


def _offset(token: str) -> int:
    if not re.fullmatch(r"\d{0,6}", token):
        raise invalid("NextToken is invalid")
    return int(token or 0)
