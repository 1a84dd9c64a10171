"""Tags on functions, which are named by their ARNs."""

import re
from collections.abc import Iterable

from alicloud_emulator.products.fc.action import Asked, action, json_answer
from alicloud_emulator.products.fc.bodies import (
    parse_json,
    parse_list,
    parse_tag_filter,
    parse_tags,
)
from alicloud_emulator.products.fc.declared import body, query, required
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.rules import check_tags, invalid
from alicloud_emulator.world.fc.values import Function

RESOURCES_MAX = 50
"""Resources in one call."""

_RESOURCE_TYPE = "always `function`"


@action(
    "TagResources",
    required(body("ResourceType", _RESOURCE_TYPE)),
    required(body("ResourceId", "up to 50 ARNs of functions")),
    required(body("Tag")),
)
async def tag_resources(asked: Asked) -> Response:
    """Carry out TagResources: on every resource, or on none."""
    document = await asked.document()
    _check_resource_type(document.get("ResourceType"))
    arns = parse_list(document.get("ResourceId"), "ResourceId")
    tags = parse_tags(document.get("Tag"))
    if not tags:
        raise invalid("Tag is required")
    check_tags(tags)
    found = _named(asked, "TagResources", arns)
    merged = [(function, {**function.tags, **tags}) for function in found]
    for _, after in merged:
        check_tags(after)
    for function, after in merged:
        function.tags = after
    return Response(status=204)


@action(
    "ListTagResources",
    required(query("ResourceType", _RESOURCE_TYPE)),
    query("ResourceId", "JSON; every function where it is not given"),
    query("Tag", "JSON"),
    query("Limit", "1 to 200, 50 where it is not given"),
    query("NextToken"),
)
async def list_tag_resources(asked: Asked) -> Response:
    """Carry out ListTagResources."""
    _check_resource_type(asked.query("ResourceType"))
    limit = asked.integer("Limit", 50)
    skip = _offset(asked.query("NextToken"))
    if not 1 <= limit <= 200:
        raise invalid("Limit must be between 1 and 200")
    arns = parse_list(asked.query("ResourceId"), "ResourceId")
    tags = parse_tag_filter(parse_json(asked.query("Tag"), "Tag"))
    found = [
        (function, key, value)
        for function in _asked_for(asked, arns)
        if all(_has(function, *pair) for pair in tags.items())
        for key, value in sorted(function.tags.items())
    ]
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


@action(
    "UntagResources",
    required(query("ResourceType", _RESOURCE_TYPE)),
    required(query("ResourceId", "JSON")),
    query("TagKey", "JSON"),
    query("All", "takes every tag off where there is no `TagKey`"),
)
async def untag_resources(asked: Asked) -> Response:
    """Carry out UntagResources."""
    _check_resource_type(asked.query("ResourceType"))
    arns = parse_list(asked.query("ResourceId"), "ResourceId")
    gone = set(parse_list(asked.query("TagKey"), "TagKey"))
    every = asked.boolean("All")
    if not gone and not every:
        raise invalid("TagKey is required unless All is true")
    for function in _named(asked, "UntagResources", arns):
        kept = {key: value for key, value in function.tags.items() if key not in gone}
        function.tags = kept if gone else {}
    return Response(status=204)


def _check_resource_type(value: object) -> None:
    if value not in {"function", "Function", "FUNCTION"}:
        raise invalid("ResourceType must be function")


def _offset(token: str) -> int:
    if not re.fullmatch(r"\d{0,6}", token):
        raise invalid("NextToken is invalid")
    return int(token or 0)


def _asked_for(asked: Asked, arns: Iterable[str]) -> list[Function]:
    named = _named(asked, "ListTagResources", arns, required=False)
    if named:
        return named
    asked.world.fc.enter(asked.caller, "ListTagResources", asked.region, "*")
    there = asked.world.fc.functions_of(asked.caller.account_id, asked.region)
    return [there[name] for name in sorted(there)]


def _named(
    asked: Asked, action: str, arns: Iterable[str], *, required: bool = True
) -> list[Function]:
    """Return the functions with these ARNs, if the caller may do the action with all."""
    names = list(dict.fromkeys(arns))
    if len(names) > RESOURCES_MAX or (required and not names):
        raise invalid(f"ResourceId must have 1 to {RESOURCES_MAX} items")
    return [_by_arn(asked, action, arn) for arn in names]


def _by_arn(asked: Asked, action: str, arn: str) -> Function:
    fc, account_id, region = asked.world.fc, asked.caller.account_id, asked.region
    prefix = f"acs:fc:{region}:{account_id}:functions/"
    if not arn.startswith(prefix):
        raise invalid(f"resource '{arn[:256]}' is not a function of this region")
    name = arn.removeprefix(prefix)
    fc.enter(asked.caller, action, region, name)
    function = fc.functions_of(account_id, region).get(name)
    if function is None:
        raise refusal("ResourceNotFound", f"resource '{arn[:256]}' does not exist")
    return function


def _has(function: Function, key: str, value: str | None) -> bool:
    return key in function.tags and value in {None, function.tags[key]}
