"""Tags on functions."""

import re

from alicloud_emulator.products.fc.action import Asked, action, json_answer
from alicloud_emulator.products.fc.bodies import (
    parse_json,
    parse_list,
    parse_tag_filter,
    parse_tags,
)
from alicloud_emulator.products.fc.declared import body, query, required
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.fc.rules import invalid

_RESOURCE_TYPE = "always `function`"


@action(
    "TagResources",
    required(body("ResourceType", _RESOURCE_TYPE)),
    required(body("ResourceId", "up to 50 ARNs of functions")),
    required(body("Tag")),
)
async def tag_resources(asked: Asked) -> Response:
    """Carry out TagResources."""
    document = await asked.document()
    _check_resource_type(document.get("ResourceType"))
    arns = parse_list(document.get("ResourceId"), "ResourceId")
    tags = parse_tags(document.get("Tag"))
    if not tags:
        raise invalid("Tag is required")
    asked.world.fc.tags.tag(asked.caller, asked.region, arns, tags)
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
    found = asked.world.fc.tags.list_tags(
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
    asked.world.fc.tags.untag(
        asked.caller,
        asked.region,
        parse_list(asked.query("ResourceId"), "ResourceId"),
        parse_list(asked.query("TagKey"), "TagKey"),
        every=asked.boolean("All"),
    )
    return Response(status=204)


def _check_resource_type(value: object) -> None:
    if value not in {"function", "Function", "FUNCTION"}:
        raise invalid("ResourceType must be function")


def _offset(token: str) -> int:
    if not re.fullmatch(r"\d{0,6}", token):
        raise invalid("NextToken is invalid")
    return int(token or 0)
