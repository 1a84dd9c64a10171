"""Tags on roles and policies."""

from typing import Any

from alicloud_emulator.products.ram.paging import cut
from alicloud_emulator.products.ram.people import (
    FACTS,
    TAGS_MAX,
    check_tags,
    enter,
    tagged,
)
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import tag_filters, tag_pairs


@action("TagResources")
def tag_resources(call: Call) -> Document:
    """Carry out TagResources: on all of them, or on none."""
    kind, names = call.text("ResourceType"), _names(call)
    people = enter(call, f"{kind}/*")
    tags = dict(tag_pairs(call.arguments))
    check_tags(tags)
    found = tagged(people, kind, names)
    if any(len({*entity.tags, *tags}) > TAGS_MAX for entity in found):
        raise FACTS.refusal("InvalidParameter.Tag.Number")
    for entity in found:
        entity.tags.update(tags)
    return {}


@action("UntagResources")
def untag_resources(call: Call) -> Document:
    """Carry out UntagResources."""
    kind, names = call.text("ResourceType"), _names(call)
    people = enter(call, f"{kind}/*")
    keys, every = call.arguments.texts("TagKeys"), call.arguments.flag("All")
    for entity in tagged(people, kind, names):
        for key in list(entity.tags) if every else keys:
            entity.tags.pop(key, None)
    return {}


@action("ListTagResources")
def list_tag_resources(call: Call) -> Document:
    """Carry out ListTagResources: of resources with all of the tags asked for."""
    kind = call.text("ResourceType")
    people = enter(call, f"{kind}/*")
    wanted = tag_filters(call.arguments)
    found = [
        (entity.name, key, value)
        for entity in tagged(people, kind, call.arguments.texts("ResourceNames"))
        if all(k in entity.tags and v in (None, entity.tags[k]) for k, v in wanted)
        for key, value in entity.tags.items()
    ]
    keys = [f"{name}/{key}" for name, key, _ in found]
    start, stop, more = cut(
        call, keys, "NextToken", "PageSize", "InvalidParameter.PageSize"
    )
    rows = [
        {"ResourceType": kind, "ResourceName": name, "TagKey": key, "TagValue": value}
        for name, key, value in found[start:stop]
    ]
    document: dict[str, Any] = {"TagResources": rows}
    if "Marker" in more:
        document["NextToken"] = more["Marker"]
    return document


def _names(call: Call) -> list[str]:
    names = call.arguments.texts("ResourceNames")
    if not 1 <= len(names) <= 50:
        raise FACTS.refusal("InvalidParameter.ResourceNames")
    return names
