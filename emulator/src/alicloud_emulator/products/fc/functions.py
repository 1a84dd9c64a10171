"""Functions, and the regions that have them."""

from collections.abc import Mapping
from dataclasses import replace
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
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.roles import check_role
from alicloud_emulator.world.fc.rules import (
    check_name,
    check_settings,
    check_tags,
    invalid,
)
from alicloud_emulator.world.fc.values import CodeSource, Function

LIST_LIMIT_DEFAULT = 20
LIST_LIMIT_MAX = 100

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
    settings, tags = parse_settings(document), parse_tags(document.get("tags"))
    source = parse_code(document) or CodeSource()
    fc, caller, region = asked.world.fc, asked.caller, asked.region
    fc.enter(caller, "CreateFunction", region, name, change=True)
    check_name(name)
    check_settings(settings)
    check_tags(tags)
    check_role(asked.world.ram, caller, settings.role)
    if name in fc.functions_of(caller.account_id, region):
        raise refusal("FunctionAlreadyExists", f"function '{name}' already exists")
    function = fc.add(
        caller.account_id,
        region,
        name,
        settings=settings,
        code=fc.code(caller, region, settings, source),
        tags=tags,
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
    """Carry out ListFunctions, by name; the token is the name the next page starts at."""
    if asked.query("fcVersion") not in {"", "v2", "v3"}:
        raise invalid("fcVersion must be v2 or v3")
    tags = parse_tags(parse_json(asked.query("tags"), "tags"))
    limit = asked.integer("limit", LIST_LIMIT_DEFAULT)
    asked.world.fc.enter(asked.caller, "ListFunctions", asked.region, "*")
    if not 1 <= limit <= LIST_LIMIT_MAX:
        raise invalid(f"limit must be between 1 and {LIST_LIMIT_MAX}")
    there = asked.world.fc.listed(asked.caller.account_id, asked.region)
    names = [
        name
        for name in sorted(there)
        if name >= asked.query("nextToken") and _is_asked_for(asked, there[name], tags)
    ]
    functions = [listed_body(there[name]) for name in names[:limit]]
    more = {"nextToken": names[limit]} if len(names) > limit else {}
    return json_answer({"functions": functions, **more})


def _is_asked_for(asked: Asked, function: Function, tags: Mapping[str, str]) -> bool:
    settings, extras = function.settings, function.settings.extras
    gpu_type = extras.get("gpuConfig", {}).get("gpuType")
    return (
        asked.query("fcVersion") != "v2"  # there are only 3.0's
        and function.name.startswith(asked.query("prefix"))
        and asked.query("functionName") in {"", function.name}
        and asked.query("description") in settings.description
        and asked.query("runtime") in {"", settings.runtime}
        and asked.query("gpuType") in {"", gpu_type}
        and asked.query("resourceGroupId") in {"", extras.get("resourceGroupId")}
        and tags.items() <= function.tags.items()
    )


@action("GetFunction", _NAME, _QUALIFIER)
async def get_function(asked: Asked) -> Response:
    """Carry out GetFunction."""
    function = _entered(asked, "GetFunction", qualifier=asked.query("qualifier"))
    return json_answer(_body(asked, function))


@action("UpdateFunction", _NAME, *SETTINGS_FIELDS, *CODE_FIELDS)
async def update_function(asked: Asked) -> Response:
    """Carry out UpdateFunction."""
    document = await asked.document()
    changes, source = parse_changes(document), parse_code(document)
    function = _entered(asked, "UpdateFunction", change=True)
    kept = function.settings
    extras = {**kept.extras, **changes.get("extras", {})}
    settings = replace(kept, **{**changes, "extras": extras})
    check_settings(settings)
    if "role" in changes:
        check_role(asked.world.ram, asked.caller, settings.role)
    code = None
    if source is not None:
        code = asked.world.fc.code(asked.caller, asked.region, settings, source)
    asked.world.fc.change(function, settings, code)
    asked.functions.retire(function)
    return json_answer(_body(asked, function))


@action("DeleteFunction", _NAME)
async def delete_function(asked: Asked) -> Response:
    """Carry out DeleteFunction."""
    function = _entered(asked, "DeleteFunction")
    asked.world.fc.remove(function)
    asked.functions.retire(function)
    return Response(status=204)


@action(
    "DescribeRegions",
    accepted(query("AcceptLanguage"), "names are English in any language"),
)
async def describe_regions(asked: Asked) -> Response:
    """Carry out DescribeRegions: those that have functions, to everybody (a guess)."""
    fc, account_id = asked.world.fc, asked.caller.account_id
    fc.check_account(asked.caller, "DescribeRegions", f"acs:fc:*:{account_id}:*")
    return json_answer(regions_body(fc.regions()))


def _entered(
    asked: Asked, action: str, *, qualifier: str = "", change: bool = False
) -> Function:
    """Return the function of the path, if the caller may do the action with it."""
    fc, region, name = asked.world.fc, asked.region, asked.name
    fc.enter(asked.caller, action, region, name, change=change)
    return fc.find(asked.caller.account_id, region, name, qualifier=qualifier)


def _body(asked: Asked, function: Function) -> dict[str, Any]:
    return function_body(function, asked.world.fc.told_state(function))
