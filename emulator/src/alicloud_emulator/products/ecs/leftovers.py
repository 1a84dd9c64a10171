"""Snapshots and tags."""

from alicloud_emulator.products.ecs.making import id_list
from alicloud_emulator.products.ecs.rows import snapshot_row, tag_resource_rows
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_value
from alicloud_emulator.products.rpc.parameters import (
    Param,
    tag_filters,
    tag_pairs,
)
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.snapshots import SnapshotQuery


@action(
    "DescribeSnapshots",
    resource=("SnapshotIds",),
    accepted={"Category": "", "InstanceId": "", "KMSKeyId": "", "SnapshotLinkId": ""},
    notes={
        "SnapshotIds": "a JSON array of up to 100",
        "DiskId": "there are no disks: nothing matches",
    },
)
def describe_snapshots(call: Call) -> Document:
    """Carry out DescribeSnapshots."""
    arguments = call.arguments
    query = SnapshotQuery(
        region=call.text("RegionId"),
        snapshot_ids=id_list(call.text("SnapshotIds"), "SnapshotIds"),
        name=call.text("SnapshotName"),
        status=call.text("Status"),
        usage=call.text("Usage"),
        snapshot_type=call.text("SnapshotType"),
        source_disk_type=call.text("SourceDiskType"),
        disk_id=call.text("DiskId"),
        encrypted=arguments.flag("Encrypted"),
        resource_group_id=call.text("ResourceGroupId"),
        tags=tag_filters(arguments),
        created_from=_created_from(call),
        page_number=arguments.number("PageNumber", 1),
        page_size=arguments.number("PageSize", 10),
        max_results=arguments.number_or_none("MaxResults"),
        next_token=call.text("NextToken"),
        dry_run=arguments.flag("DryRun"),
    )
    ecs = call.world.ecs
    page = ecs.describe_snapshots(call.caller, query)
    rows = [snapshot_row(s, in_use=ecs.snapshot_in_use(s)) for s in page.rows]
    document: dict[str, object] = {
        "PageNumber": page.number,
        "PageSize": page.size,
        "TotalCount": page.total,
        "Snapshots": {"Snapshot": rows},
    }
    if page.next_token:
        document["NextToken"] = page.next_token
    return document


def _created_from(call: Call) -> float:
    since = 0.0
    for row in call.arguments.structs("Filter"):
        if row.text("Key") != "CreationStartTime":
            continue
        value = time_value(row.text("Value"))
        if value is None:
            raise refusal("InvalidFilterValue")
        since = value
    return since


@action(
    "DeleteSnapshot",
    resource=("SnapshotId",),
    accepted={"Force": "there are no disks"},
    notes={"RegionId": "older clients send it; else the endpoint's"},
    more=(Param("RegionId"),),
)
def delete_snapshot(call: Call) -> Document:
    """Carry out DeleteSnapshot."""
    call.world.ecs.delete_snapshot(
        call.caller,
        region=call.region,
        snapshot_id=call.text("SnapshotId"),
        force=call.arguments.flag("Force"),
    )
    return {}


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
