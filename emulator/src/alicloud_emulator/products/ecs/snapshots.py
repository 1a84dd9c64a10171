"""Snapshots: what images leave behind."""

from alicloud_emulator.products.ecs.asked import (
    enter,
    filtered_times,
    id_list,
    page_asked,
)
from alicloud_emulator.products.ecs.rows import snapshot_row
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import Param, tag_filters
from alicloud_emulator.world.ecs.records import (
    Page,
    Snapshot,
    cut_after_token,
    cut_page,
)
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import has_tags
from alicloud_emulator.world.ecs.store import Store
from alicloud_emulator.world.wildcard import matches

SNAPSHOT_IDS_MAX = 100
MAX_RESULTS_DEFAULT = 10


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
    """Carry out DescribeSnapshots: newest first."""
    since = filtered_times(call, "CreationStartTime").get("CreationStartTime", 0.0)
    ids = id_list(call, "SnapshotIds", most=SNAPSHOT_IDS_MAX)
    tags = tag_filters(call.arguments)
    store = enter(call, "snapshot/*")
    numbered = page_asked(call)
    if call.arguments.flag("DryRun"):
        raise refusal("DryRunOperation")
    rows = [
        snapshot
        for snapshot in store.snapshots_of(call.caller.account_id, call.region)
        if (not ids or snapshot.snapshot_id in ids)
        and snapshot.created_at >= since
        and has_tags(snapshot, tags)
        and _is_asked_for(call, store, snapshot)
    ]
    rows.sort(key=lambda snapshot: -snapshot.order)
    page = _page(call, rows, *numbered)
    document: dict[str, object] = {
        "PageNumber": page.number,
        "PageSize": page.size,
        "TotalCount": page.total,
        "Snapshots": {
            "Snapshot": [
                snapshot_row(snapshot, in_use=store.snapshot_in_use(snapshot))
                for snapshot in page.rows
            ]
        },
    }
    if page.next_token:
        document["NextToken"] = page.next_token
    return document


def _is_asked_for(call: Call, store: Store, snapshot: Snapshot) -> bool:
    name = call.text("SnapshotName")
    usage = "image" if store.snapshot_in_use(snapshot) else "none"
    return (
        (not name or matches(name, snapshot.name))
        and call.text("Status").lower() in ("", "all", "accomplished")
        and call.text("Usage") in ("", usage)
        and call.text("SnapshotType") in ("", "all", "user")
        and call.text("SourceDiskType").lower() in ("", snapshot.disk_type)
        and call.text("ResourceGroupId") in ("", snapshot.resource_group_id)
        and not call.text("DiskId")
        and not call.arguments.flag("Encrypted")
    )


def _page(call: Call, rows: list[Snapshot], number: int, size: int) -> Page[Snapshot]:
    """Return one page: by token with MaxResults or NextToken, else by number."""
    results = call.arguments.number_or_none("MaxResults")
    token = call.text("NextToken")
    if results is None and not token:
        return cut_page(rows, number=number, size=size)
    results = results or MAX_RESULTS_DEFAULT
    if not 1 <= results <= 100:
        raise refusal("InvalidParameter", "MaxResults")
    try:
        return cut_after_token(
            rows, token=token, size=results, order=lambda snapshot: snapshot.order
        )
    except ValueError:
        raise refusal("InvalidParameter", "NextToken") from None


@action(
    "DeleteSnapshot",
    resource=("SnapshotId",),
    accepted={"Force": "there are no disks"},
    notes={"RegionId": "older clients send it; else the endpoint's"},
    more=(Param("RegionId"),),
)
def delete_snapshot(call: Call) -> Document:
    """Carry out DeleteSnapshot: one that is not there is ignored.

    One whose image is still there, or went ``snapshot_release_s`` ago or less, is in use.
    """
    snapshot_id = call.text("SnapshotId")
    store = enter(call, f"snapshot/{snapshot_id}", change=True)
    snapshot = store.snapshot(call.caller.account_id, call.region, snapshot_id)
    if snapshot is None:
        return {}
    lag_s = call.world.profile.durations.snapshot_release_s
    free_at = store.removed_at(snapshot.image_id) + lag_s
    if store.snapshot_in_use(snapshot) or store.now < free_at:
        raise refusal("SnapshotCreatedImage")
    store.remove_snapshot(snapshot)
    return {}
