"""Tags."""

from alicloud_emulator.products.ecs.rows import tag_resource_rows
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import tag_filters, tag_pairs


@action("TagResources", resource=("ResourceId.1",))
def tag_resources(call: Call) -> Document:
    """Carry out TagResources."""
    call.world.ecs.tag_resources(
        call.caller,
        region=call.text("RegionId"),
        resource_type=call.text("ResourceType"),
        resource_ids=call.arguments.texts("ResourceId"),
        tags=tag_pairs(call.arguments),
    )
    return {}


@action("UntagResources", resource=("ResourceId.1",))
def untag_resources(call: Call) -> Document:
    """Carry out UntagResources."""
    call.world.ecs.untag_resources(
        call.caller,
        region=call.text("RegionId"),
        resource_type=call.text("ResourceType"),
        resource_ids=call.arguments.texts("ResourceId"),
        keys=call.arguments.texts("TagKey"),
        everything=call.arguments.flag("All"),
    )
    return {}


@action(
    "ListTagResources",
    resource=("ResourceId.1", "Tag.1.Key"),
    accepted={"TagFilter": "for invited accounts only"},
)
def list_tag_resources(call: Call) -> Document:
    """Carry out ListTagResources."""
    page = call.world.ecs.list_tag_resources(
        call.caller,
        region=call.text("RegionId"),
        resource_type=call.text("ResourceType"),
        resource_ids=call.arguments.texts("ResourceId"),
        tags=tag_filters(call.arguments),
        next_token=call.text("NextToken"),
    )
    rows = [row for resource in page.rows for row in tag_resource_rows(resource)]
    # On the last page there is none (aliyun-cli's pager test).
    more = {"NextToken": page.next_token} if page.next_token else {}
    return {**more, "TagResources": {"TagResource": rows}}
