"""Tags on roles and policies."""

from typing import Any

from alicloud_emulator.products.ram.paging import cut
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import (
    tag_filters,
    tag_pairs,
)
from alicloud_emulator.world.errors import ServiceError


@action("TagResources")
def tag_resources(call: Call) -> Document:
    """Carry out TagResources."""
    call.world.ram.roles.tag_resources(
        call.caller,
        resource_type=call.text("ResourceType"),
        names=_names(call),
        tags=dict(tag_pairs(call.arguments)),
    )
    return {}


@action("UntagResources")
def untag_resources(call: Call) -> Document:
    """Carry out UntagResources."""
    call.world.ram.roles.untag_resources(
        call.caller,
        resource_type=call.text("ResourceType"),
        names=_names(call),
        keys=call.arguments.texts("TagKeys"),
        everything=call.arguments.flag("All"),
    )
    return {}


@action("ListTagResources")
def list_tag_resources(call: Call) -> Document:
    """Carry out ListTagResources."""
    found = call.world.ram.roles.list_tag_resources(
        call.caller,
        resource_type=call.text("ResourceType"),
        names=call.arguments.texts("ResourceNames"),
        tags=tag_filters(call.arguments),
    )
    keys = [f"{name}/{key}" for name, key, _ in found]
    start, stop, more = cut(call, keys, "NextToken", "PageSize")
    rows = [
        {
            "ResourceType": call.text("ResourceType"),
            "ResourceName": name,
            "TagKey": key,
            "TagValue": value,
        }
        for name, key, value in found[start:stop]
    ]
    document: dict[str, Any] = {"TagResources": rows}
    if "Marker" in more:
        document["NextToken"] = more["Marker"]
    return document


def _names(call: Call) -> list[str]:
    names = call.arguments.texts("ResourceNames")
    if not 1 <= len(names) <= 50:
        raise ServiceError(
            "InvalidParameter.ResourceNames", 400, "Give 1 to 50 resource names."
        )
    return names
