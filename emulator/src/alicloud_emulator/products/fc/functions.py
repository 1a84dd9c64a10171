"""Functions, and the regions that have them."""

from typing import Any

from alicloud_emulator.products.fc.action import Asked, action, json_answer
from alicloud_emulator.products.fc.bodies import (
    CODE_FIELDS,
    SETTINGS_FIELDS,
    function_body,
    listed_body,
    parse_changes,
    parse_code,
    parse_json,
    parse_settings,
    parse_tags,
    regions_body,
)
from alicloud_emulator.products.fc.declared import accepted, body, path, query, required
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.fc.listing import Filters
from alicloud_emulator.world.fc.rules import invalid
from alicloud_emulator.world.fc.service import LIST_LIMIT_DEFAULT
from alicloud_emulator.world.fc.values import CodeSource, Function

_NAME = path("functionName")
_QUALIFIER = query("qualifier", "`LATEST`; there are no aliases and no versions")


@action(
    "CreateFunction",
    required(body("functionName")),
    *(
        required(one) if one.name in ("runtime", "handler") else one
        for one in SETTINGS_FIELDS
    ),
    *CODE_FIELDS,
    body("tags"),
)
async def create_function(asked: Asked) -> Response:
    """Carry out CreateFunction."""
    document = await asked.document()
    name = document.get("functionName")
    if not isinstance(name, str):
        raise invalid("functionName is required")
    function = asked.world.fc.create(
        asked.caller,
        asked.region,
        name,
        parse_settings(document),
        parse_code(document) or CodeSource(),
        tags=parse_tags(document.get("tags")),
    )
    return json_answer(_body(asked, function))


@action(
    "ListFunctions",
    query("prefix"),
    query("limit", "1 to 100, 20 where it is not given"),
    query("nextToken"),
    query("functionName"),
    query("description", "any part of it"),
    query("runtime"),
    query("gpuType", "as `gpuConfig.gpuType` says"),
    query("resourceGroupId"),
    query("tags", "JSON"),
    query("fcVersion", "`v2` finds nothing: there are only 3.0's functions"),
)
async def list_functions(asked: Asked) -> Response:
    """Carry out ListFunctions."""
    if asked.query("fcVersion") not in {"", "v2", "v3"}:
        raise invalid("fcVersion must be v2 or v3")
    tags = parse_tags(parse_json(asked.query("tags"), "tags"))
    page = asked.world.fc.list_functions(
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


@action("GetFunction", _NAME, _QUALIFIER)
async def get_function(asked: Asked) -> Response:
    """Carry out GetFunction."""
    function = asked.world.fc.get(
        asked.caller,
        asked.region,
        asked.name,
        qualifier=asked.query("qualifier"),
    )
    return json_answer(_body(asked, function))


@action("UpdateFunction", _NAME, *SETTINGS_FIELDS, *CODE_FIELDS)
async def update_function(asked: Asked) -> Response:
    """Carry out UpdateFunction."""
    document = await asked.document()
    function = asked.world.fc.update(
        asked.caller,
        asked.region,
        asked.name,
        parse_changes(document),
        parse_code(document),
    )
    asked.functions.retire(function)
    return json_answer(_body(asked, function))


@action("DeleteFunction", _NAME)
async def delete_function(asked: Asked) -> Response:
    """Carry out DeleteFunction."""
    function = asked.world.fc.delete(asked.caller, asked.region, asked.name)
    asked.functions.retire(function)
    return Response(status=204)


@action(
    "DescribeRegions",
    accepted(query("AcceptLanguage"), "names are English in any language"),
)
async def describe_regions(asked: Asked) -> Response:
    """Carry out DescribeRegions."""
    return json_answer(regions_body(asked.world.fc.describe_regions(asked.caller)))


def _body(asked: Asked, function: Function) -> dict[str, Any]:
    return function_body(function, asked.world.fc.told_state(function))
