"""Tags on images and snapshots. Tags of an image are not on its snapshots."""

from alicloud_emulator.products.ecs.asked import enter
from alicloud_emulator.products.ecs.rows import tag_resource_rows
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import tag_filters, tag_pairs
from alicloud_emulator.world.ecs.records import Image, Snapshot, cut_after_token
from alicloud_emulator.world.ecs.refusals import FACTS, refusal
from alicloud_emulator.world.ecs.rules import TAGS_MAX, check_tags, has_tags
from alicloud_emulator.world.ecs.store import Store

RESOURCES_MAX = 50
LIST_PAGE_RESOURCES = 50
"""Resources (not rows) on a page of ListTagResources; the real number is unknown."""


@action("TagResources", resource=("ResourceId.1",))
def tag_resources(call: Call) -> Document:
    """Carry out TagResources: on all resources, or on none if anything is refused."""
    found = _named(call)
    tags = tag_pairs(call.arguments)
    check_tags(tags, duplicate="Duplicate.TagKey")
    added = dict(tags)
    if any(len({*resource.tags, *added}) > TAGS_MAX for resource in found):
        raise refusal("QuotaExceed.Tags")
    for resource in found:
        resource.tags.update(added)
    return {}


@action("UntagResources", resource=("ResourceId.1",))
def untag_resources(call: Call) -> Document:
    """Carry out UntagResources; ``All`` counts only where no key is given."""
    found = _named(call)
    keys, everything = call.arguments.texts("TagKey"), call.arguments.flag("All")
    if len(keys) > TAGS_MAX:
        raise refusal("NumberExceed.Tags")
    for resource in found:
        for key in keys or (list(resource.tags) if everything else ()):
            resource.tags.pop(key, None)
    return {}


@action(
    "ListTagResources",
    resource=("ResourceId.1", "Tag.1.Key"),
    accepted={"TagFilter": "for invited accounts only"},
)
def list_tag_resources(call: Call) -> Document:
    """Carry out ListTagResources: resources that carry all of the tags, newest first.

    Unknown ids are left out; each resource is one row a tag.
    """
    store = enter(call, f"{call.text('ResourceType')}/*")
    kind = _kind(call)
    ids, tags = call.arguments.texts("ResourceId"), tag_filters(call.arguments)
    if not ids and not tags:
        raise refusal("MissingParameter", "ResourceId.1 or Tag.1.Key")
    if len(ids) > RESOURCES_MAX:
        raise refusal("NumberExceed.ResourceIds")
    if len(tags) > TAGS_MAX:
        raise refusal("InvalidTagCount")
    if any(not key for key, _ in tags):
        raise refusal("InvalidParameter.TagValue")
    found = [
        resource
        for resource_id, resource in _resources(call, store, kind).items()
        if resource.tags
        and (not ids or resource_id in ids)
        and has_tags(resource, tags)
    ]
    found.sort(key=lambda resource: -resource.order)
    try:
        page = cut_after_token(
            found,
            token=call.text("NextToken"),
            size=LIST_PAGE_RESOURCES,
            order=lambda resource: resource.order,
        )
    except ValueError:
        raise refusal("InvalidParameter", "NextToken") from None
    rows = [row for resource in page.rows for row in tag_resource_rows(resource)]
    # On the last page there is none (aliyun-cli's pager test).
    more = {"NextToken": page.next_token} if page.next_token else {}
    return {**more, "TagResources": {"TagResource": rows}}


def _named(call: Call) -> list[Image | Snapshot]:
    """Return the resources named, if all exist and the caller may change them."""
    store = call.world.ecs.store
    ids = call.arguments.texts("ResourceId")
    for resource_id in ids[:RESOURCES_MAX]:
        kind = call.text("ResourceType").lower()
        enter(call, f"{kind}/{resource_id}", change=True)
    kind = _kind(call)
    if len(ids) > RESOURCES_MAX:
        raise refusal("NumberExceed.ResourceIds")
    known = _resources(call, store, kind)
    if any(resource_id not in known for resource_id in ids):
        raise refusal("InvalidResourceId.NotFound")
    return [known[resource_id] for resource_id in ids]


def _resources(call: Call, store: Store, kind: str) -> dict[str, Image | Snapshot]:
    where = (call.caller.account_id, call.region)
    match kind:
        case "image":
            return {image.image_id: image for image in store.images_of(*where)}
        case "snapshot":
            return {one.snapshot_id: one for one in store.snapshots_of(*where)}
        case _:
            return {}


def _kind(call: Call) -> str:
    kind = call.text("ResourceType").lower()
    # The API knows more types; only images and snapshots exist here.
    if kind not in FACTS.values("ResourceType of tags"):
        raise refusal("InvalidResourceType.NotFound")
    return kind
