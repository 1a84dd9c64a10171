"""STS and ECS: what each request of the engine's port means in the world."""

from collections.abc import Mapping
from typing import Final

from ali_import.cloud import calls
from ali_import.cloud import values as told
from alicloud_emulator.world.ecs.changes import ImageChange
from alicloud_emulator.world.ecs.copies import CopySpec
from alicloud_emulator.world.ecs.images import ImageQuery
from alicloud_emulator.world.ecs.import_checks import ImportDisk, ImportSpec
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.ecs.snapshots import SnapshotQuery
from tests.support.bridge.visitor import Visitor

PAGE_ROWS: Final = 100
EVERY_STATUS: Final = ",".join(told.ImageStatus)


def identity(at: Visitor, _request: calls.GetCallerIdentity) -> told.Identity:
    return told.Identity(account_id=at.caller.account_id, arn=at.caller.arn)


def regions(at: Visitor, _request: calls.DescribeRegions) -> tuple[str, ...]:
    return tuple(r.id for r in at.world.ecs.describe_regions(at.caller))


def images(at: Visitor, request: calls.DescribeImages) -> tuple[told.CloudImage, ...]:
    """All pages, every status; ``ImageOwnerAlias=self``, as the SDK adapter asks."""
    rows: list[Image] = []
    number = 1
    while True:
        query = ImageQuery(
            region=request.region,
            name=request.name,
            image_ids=tuple(request.image_ids),
            owner_alias="self",
            status=EVERY_STATUS,
            tags=_filters(request.tags),
            page_number=number,
            page_size=PAGE_ROWS,
        )
        page = at.lag.describe_images(at.caller, query)
        rows += page.rows
        if len(rows) >= page.total or not page.rows:
            return tuple(cloud_image(row, at.world.agenda.now) for row in rows)
        number += 1


def cloud_image(row: Image, now: float) -> told.CloudImage:
    """Return an image of the world as the SDK adapter would show it."""
    return told.CloudImage(
        image_id=row.image_id,
        name=row.name,
        status=told.ImageStatus(row.status.value),
        family=row.family,
        architecture=row.architecture,
        boot_mode=row.boot_mode,
        nvme=row.nvme,
        imds=row.imds,
        public=row.public,
        size_gib=row.size_gib,
        usable=row.usable(now),
        progress=row.progress(now),
        snapshot_ids=tuple(d.snapshot_id for d in row.disks if d.snapshot_id),
        created_at=float(int(row.created_at)),  # the wire tells whole seconds
        shared=bool(row.shared_with),
        tags=dict(row.tags),
    )


def _filters(tags: Mapping[str, str]) -> tuple[tuple[str, str | None], ...]:
    # An empty value asks for the key alone.
    return tuple((key, value or None) for key, value in tags.items())


def import_image(at: Visitor, request: calls.ImportImage) -> told.ImportStarted:
    disk = ImportDisk(
        oss_bucket=request.bucket,
        oss_object=request.key,
        size_gib=request.size_gib,
        format=request.format,
    )
    spec = ImportSpec(
        region=request.region,
        image_name=request.name,
        disks=(disk,),
        client_token=request.client_token,
        description=request.description,
        architecture=request.architecture,
        boot_mode=request.boot_mode,
        os_type="linux",
        nvme=request.nvme,
        imds=request.imds,
        tags=tuple(request.tags.items()),
    )
    started = at.world.ecs.import_image(at.caller, spec, faults=at.faults)
    return told.ImportStarted(image_id=started.image_id, task_id=started.task_id)


def copy(at: Visitor, request: calls.CopyImage) -> str:
    spec = CopySpec(
        region=request.region,
        image_id=request.image_id,
        destination_region=request.destination_region,
        destination_name=request.destination_name,
        client_token=request.client_token,
        description=request.description,
        tags=tuple(request.tags.items()),
    )
    return at.world.ecs.copy_image(at.caller, spec, faults=at.faults)


def cancel_copy(at: Visitor, request: calls.CancelCopyImage) -> None:
    at.world.ecs.cancel_copy_image(
        at.caller, region=request.region, image_id=request.image_id
    )


def tasks(at: Visitor, request: calls.DescribeTasks) -> tuple[told.Task, ...]:
    page = at.world.ecs.describe_tasks(
        at.caller,
        region=request.region,
        task_ids=tuple(request.task_ids),
        image_ids=tuple(request.image_ids),
        page_size=PAGE_ROWS,
    )
    return tuple(
        told.Task(
            task_id=row.task_id,
            status=told.TaskStatus(row.status.value),
            image_id=row.image_id,
        )
        for row in page.rows
    )


def task(at: Visitor, request: calls.DescribeTaskAttribute) -> told.TaskDetail:
    row = at.world.ecs.describe_task(
        at.caller, region=request.region, task_id=request.task_id
    )
    return told.TaskDetail(
        task_id=row.task_id,
        status=told.TaskStatus(row.status.value),
        progress=row.progress(at.world.agenda.now),
        error_code=row.error_code,
        error_message=row.error_message,
    )


def cancel_task(at: Visitor, request: calls.CancelTask) -> None:
    at.world.ecs.cancel_task(at.caller, region=request.region, task_id=request.task_id)


def modify(at: Visitor, request: calls.ModifyImageAttribute) -> None:
    change = ImageChange(
        region=request.region,
        image_id=request.image_id,
        name=request.name or "",
        family=request.family or "",
        boot_mode=request.boot_mode or "",
        nvme=request.nvme or "",
        imds=request.imds or "",
        status=request.status or "",
    )
    at.world.ecs.modify_image_attribute(at.caller, change)


def share(at: Visitor, request: calls.ModifyImageSharePermission) -> None:
    at.world.ecs.modify_image_share_permission(
        at.caller,
        region=request.region,
        image_id=request.image_id,
        public=request.public,
    )


def delete_image(at: Visitor, request: calls.DeleteImage) -> None:
    at.world.ecs.delete_image(
        at.caller, region=request.region, image_id=request.image_id
    )


def snapshots(
    at: Visitor, request: calls.DescribeSnapshots
) -> tuple[told.Snapshot, ...]:
    found: list[told.Snapshot] = []
    token = ""
    while True:
        query = SnapshotQuery(
            region=request.region,
            snapshot_ids=tuple(request.snapshot_ids),
            tags=_filters(request.tags),
            max_results=PAGE_ROWS,
            next_token=token,
        )
        page = at.world.ecs.describe_snapshots(at.caller, query)
        found += [
            told.Snapshot(
                snapshot_id=row.snapshot_id,
                name=row.name,
                tags=dict(row.tags),
            )
            for row in page.rows
        ]
        token = page.next_token
        if not token:
            return tuple(found)


def delete_snapshot(at: Visitor, request: calls.DeleteSnapshot) -> None:
    at.world.ecs.delete_snapshot(
        at.caller, region=request.region, snapshot_id=request.snapshot_id
    )


def tag(at: Visitor, request: calls.TagResources) -> None:
    at.world.ecs.tag_resources(
        at.caller,
        region=request.region,
        resource_type=request.resource_type,
        resource_ids=tuple(request.resource_ids),
        tags=tuple(request.tags.items()),
    )


def untag(at: Visitor, request: calls.UntagResources) -> None:
    at.world.ecs.untag_resources(
        at.caller,
        region=request.region,
        resource_type=request.resource_type,
        resource_ids=tuple(request.resource_ids),
        keys=tuple(request.keys),
    )
