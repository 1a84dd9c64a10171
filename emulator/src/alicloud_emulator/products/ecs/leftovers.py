"""Snapshots and tags."""

from alicloud_emulator.products.ecs.making import id_list
from alicloud_emulator.products.ecs.rows import snapshot_row, tag_resource_rows
from alicloud_emulator.products.rpc.bodies import Document, time_value
from alicloud_emulator.products.rpc.parameters import (
    TAGS,
    Effect,
    Kind,
    Param,
    accepted,
    boolean,
    integer,
    required,
    structs,
    tag_filters,
    tag_pairs,
)
from alicloud_emulator.products.rpc.service import Action, RpcCall
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.snapshots import SnapshotQuery

CENTRAL_REGION = "cn-hangzhou"
"""Region that the central endpoint means where a call names none."""


def describe_snapshots(call: RpcCall) -> Document:
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


def _created_from(call: RpcCall) -> float:
    since = 0.0
    for row in call.arguments.structs("Filter"):
        if row.text("Key") != "CreationStartTime":
            continue
        value = time_value(row.text("Value"))
        if value is None:
            raise refusal("InvalidFilterValue")
        since = value
    return since


def delete_snapshot(call: RpcCall) -> Document:
    """Carry out DeleteSnapshot."""
    call.world.ecs.delete_snapshot(
        call.caller,
        region=call.text("RegionId") or call.region or CENTRAL_REGION,
        snapshot_id=call.text("SnapshotId"),
        force=call.arguments.flag("Force"),
    )
    return {}


def tag_resources(call: RpcCall) -> Document:
    """Carry out TagResources."""
    call.world.ecs.tag_resources(
        call.caller,
        region=call.text("RegionId"),
        resource_type=call.text("ResourceType"),
        resource_ids=call.arguments.texts("ResourceId"),
        tags=tag_pairs(call.arguments),
    )
    return {}


def untag_resources(call: RpcCall) -> Document:
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


def list_tag_resources(call: RpcCall) -> Document:
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
    return {"NextToken": page.next_token, "TagResources": {"TagResource": rows}}


_RESOURCES = (
    required("RegionId"),
    required("ResourceType"),
    required("ResourceId", Kind.LIST),
)
_TAG_ERRORS = (
    "InvalidResourceType.NotFound", "InvalidResourceId.NotFound",
    "NumberExceed.ResourceIds", "NumberExceed.Tags", "MissingParameter",
)  # fmt: skip

ACTIONS = (
    Action(
        name="DescribeSnapshots",
        run=describe_snapshots,
        resource=("SnapshotIds",),
        params=(
            required("RegionId"),
            Param("SnapshotIds", note="a JSON array of up to 100"),
            Param("SnapshotName"),
            Param("Status"),
            Param("Usage"),
            Param("SnapshotType"),
            Param("SourceDiskType"),
            Param("DiskId", note="there are no disks: nothing matches"),
            boolean("Encrypted"),
            accepted("Category"),
            accepted("InstanceId"),
            accepted("KMSKeyId"),
            accepted("SnapshotLinkId"),
            Param("ResourceGroupId"),
            structs("Filter", Param("Key"), Param("Value")),
            TAGS,
            integer("MaxResults"),
            Param("NextToken"),
            integer("PageNumber"),
            integer("PageSize"),
            boolean("DryRun"),
        ),
        errors=("InvalidParameter", "InvalidFilterValue", "DryRunOperation"),
    ),
    Action(
        name="DeleteSnapshot",
        run=delete_snapshot,
        resource=("SnapshotId",),
        params=(
            required("SnapshotId"),
            accepted("Force", Kind.BOOLEAN, note="there are no disks"),
            Param("RegionId", note="older clients send it; else the endpoint's"),
        ),
        errors=("SnapshotCreatedImage",),
        never=(
            "SnapshotCreatedDisk",
            "IncorrectDiskStatus.CreatingSnapshot",
            "Operation.Conflict",
            "InvalidOperation.RelatedSnapshotNotFinished",
            "InvalidOperation.DeleteSharedSnapshotUnsupported",
            "InvalidOperation.ResourceManagedByCloudProduct",
            "InvalidSnapshotId.NotFound",
        ),
    ),
    Action(
        name="TagResources",
        run=tag_resources,
        resource=("ResourceId.1",),
        params=(
            *_RESOURCES,
            Param("Tag", Kind.STRUCTS, required=True, members=TAGS.members),
        ),
        errors=(
            *_TAG_ERRORS, "Duplicate.TagKey", "InvalidTagKey.Malformed",
            "InvalidTagValue.Malformed", "QuotaExceed.Tags",
        ),
        never=(
            "OperationDenied.QuotaExceed",
            "InvalidTag.Mismatch",
            "InvalidTagCount",
            "InvalidResourceId.NotSupported",
            "NoPermission.Tag",
            "TagKey.Duplication",
        ),
    ),
    Action(
        name="UntagResources",
        run=untag_resources,
        resource=("ResourceId.1",),
        params=(*_RESOURCES, Param("TagKey", Kind.LIST), boolean("All")),
        errors=_TAG_ERRORS,
    ),
    Action(
        name="ListTagResources",
        run=list_tag_resources,
        resource=("ResourceId.1", "Tag.1.Key"),
        params=(
            required("RegionId"),
            required("ResourceType"),
            Param("ResourceId", Kind.LIST),
            TAGS,
            Param(
                "TagFilter",
                Kind.STRUCTS,
                effect=Effect.ACCEPTED,
                members=(Param("TagKey"), Param("TagValues", Kind.LIST)),
                note="for invited accounts only",
            ),
            Param("NextToken"),
        ),
        errors=(
            "InvalidResourceType.NotFound", "MissingParameter",
            "NumberExceed.ResourceIds", "InvalidTagCount",
            "InvalidParameter.TagValue", "InvalidParameter",
        ),
    ),
)  # fmt: skip
