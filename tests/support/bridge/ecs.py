"""STS and ECS: what each request of the engine's port means in the world."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ali_import.cloud import calls
from ali_import.cloud import values as told
from alicloud_emulator.products.ecs import API
from alicloud_emulator.products.ecs.rows import detected
from alicloud_emulator.products.ram import API as RAM
from alicloud_emulator.products.rpc.action import Call
from alicloud_emulator.products.rpc.parameters import Arguments
from alicloud_emulator.world.ecs.images import ImageQuery
from alicloud_emulator.world.ecs.records import Image
from tests.support.bridge.visitor import Visitor

PAGE_ROWS: Final = 100
EVERY_STATUS: Final = ",".join(told.ImageStatus)


def ask(
    at: Visitor, action: str, api: Any = API, /, **given: object
) -> Mapping[str, Any]:
    """Call an action of a product, and return its answer; "" is not given."""
    flat = {name: str(value) for name, value in given.items() if value != ""}
    arguments = Arguments(api.params[action], flat)
    arguments.check()
    call = Call(
        action=action,
        world=at.world,
        caller=at.caller,
        arguments=arguments,
        faults=at.faults,
    )
    answer: Mapping[str, Any] = api.by_name[action].run(call)
    return answer


def flat_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as parameters; an empty value asks for the key alone."""
    flat = {}
    for number, (key, value) in enumerate(tags.items(), 1):
        flat[f"Tag.{number}.Key"] = key
        flat[f"Tag.{number}.Value"] = value
    return flat


def numbered(name: str, values: Iterable[str]) -> dict[str, str]:
    return {f"{name}.{number}": value for number, value in enumerate(values, 1)}


def identity(at: Visitor, _request: calls.GetCallerIdentity) -> told.Identity:
    return told.Identity(account_id=at.caller.account_id, arn=at.caller.arn)


def role(at: Visitor, request: calls.GetRole) -> str:
    got = ask(at, "GetRole", RAM, RoleName=request.name)
    return str(got["Role"]["Arn"])


def regions(at: Visitor, _request: calls.DescribeRegions) -> tuple[str, ...]:
    rows = ask(at, "DescribeRegions")["Regions"]["Region"]
    return tuple(row["RegionId"] for row in rows)


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
    detection = detected(row, now)
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
        detection=detection.get("Status", ""),
        findings=tuple(
            told.Finding(
                name=item["Name"],
                value=item["Value"],
                risk=item["RiskLevel"],
                code=item["RiskCode"],
            )
            for item in detection.get("Items", {}).get("Item", ())
        ),
        tags=dict(row.tags),
    )


def _filters(tags: Mapping[str, str]) -> tuple[tuple[str, str | None], ...]:
    # An empty value asks for the key alone.
    return tuple((key, value or None) for key, value in tags.items())


def import_image(at: Visitor, request: calls.ImportImage) -> told.ImportStarted:
    disk = "DiskDeviceMapping.1"
    got = ask(
        at,
        "ImportImage",
        RegionId=request.region,
        ImageName=request.name,
        ClientToken=request.client_token,
        Description=request.description,
        Architecture=request.architecture,
        BootMode=request.boot_mode,
        OSType="linux",
        **{
            f"{disk}.OSSBucket": request.bucket,
            f"{disk}.OSSObject": request.key,
            f"{disk}.DiskImageSize": request.size_gib or "",
            f"{disk}.Format": request.format,
            "Features.NvmeSupport": request.nvme,
            "Features.ImdsSupport": request.imds,
            "DetectionStrategy": "Standard" if request.detect else "",
        },
        **flat_tags(request.tags),
    )
    return told.ImportStarted(image_id=got["ImageId"], task_id=got["TaskId"])


def copy(at: Visitor, request: calls.CopyImage) -> str:
    got = ask(
        at,
        "CopyImage",
        RegionId=request.region,
        ImageId=request.image_id,
        DestinationRegionId=request.destination_region,
        DestinationImageName=request.destination_name,
        ClientToken=request.client_token,
        DestinationDescription=request.description,
        **flat_tags(request.tags),
    )
    return str(got["ImageId"])


def cancel_copy(at: Visitor, request: calls.CancelCopyImage) -> None:
    ask(at, "CancelCopyImage", RegionId=request.region, ImageId=request.image_id)


def tasks(at: Visitor, request: calls.DescribeTasks) -> tuple[told.Task, ...]:
    got = ask(
        at,
        "DescribeTasks",
        RegionId=request.region,
        TaskIds=",".join(request.task_ids),
        PageSize=PAGE_ROWS,
        **numbered("ResourceIds", request.image_ids),
    )
    return tuple(
        told.Task(
            task_id=row["TaskId"],
            status=told.TaskStatus(row["TaskStatus"]),
            image_id=row["ResourceId"],
        )
        for row in got["TaskSet"]["Task"]
    )


def task(at: Visitor, request: calls.DescribeTaskAttribute) -> told.TaskDetail:
    asked = {"RegionId": request.region, "TaskId": request.task_id}
    got = ask(at, "DescribeTaskAttribute", **asked)
    (operation,) = got["OperationProgressSet"]["OperationProgress"]
    return told.TaskDetail(
        task_id=got["TaskId"],
        status=told.TaskStatus(got["TaskStatus"]),
        progress=int(got["TaskProcess"].rstrip("%")),
        error_code=operation["ErrorCode"],
        error_message=operation["ErrorMsg"],
    )


def cancel_task(at: Visitor, request: calls.CancelTask) -> None:
    ask(at, "CancelTask", RegionId=request.region, TaskId=request.task_id)


def modify(at: Visitor, request: calls.ModifyImageAttribute) -> None:
    ask(
        at,
        "ModifyImageAttribute",
        RegionId=request.region,
        ImageId=request.image_id,
        ImageName=request.name or "",
        ImageFamily=request.family or "",
        BootMode=request.boot_mode or "",
        Status=request.status or "",
        **{
            "Features.NvmeSupport": request.nvme or "",
            "Features.ImdsSupport": request.imds or "",
        },
    )


def share(at: Visitor, request: calls.ModifyImageSharePermission) -> None:
    ask(
        at,
        "ModifyImageSharePermission",
        RegionId=request.region,
        ImageId=request.image_id,
        IsPublic=request.public,
        **numbered("AddAccount", request.add),
        **numbered("RemoveAccount", request.remove),
        **({"DryRun": True} if request.dry_run else {}),
    )


def shares(at: Visitor, request: calls.DescribeImageSharePermission) -> tuple[str, ...]:
    """All of them: an image has fewer accounts than a page of ours."""
    got = ask(
        at,
        "DescribeImageSharePermission",
        RegionId=request.region,
        ImageId=request.image_id,
        PageSize=PAGE_ROWS,
    )
    return tuple(str(row["AliyunId"]) for row in got["Accounts"]["Account"])


def delete_image(at: Visitor, request: calls.DeleteImage) -> None:
    dry = {"DryRun": True} if request.dry_run else {}
    ask(at, "DeleteImage", RegionId=request.region, ImageId=request.image_id, **dry)


def snapshots(
    at: Visitor, request: calls.DescribeSnapshots
) -> tuple[told.Snapshot, ...]:
    found: list[told.Snapshot] = []
    token = ""
    while True:
        got = ask(
            at,
            "DescribeSnapshots",
            RegionId=request.region,
            SnapshotIds=",".join(request.snapshot_ids),
            MaxResults=PAGE_ROWS,
            NextToken=token,
            **{k: v for k, v in flat_tags(request.tags).items() if v},
        )
        found += [
            told.Snapshot(
                snapshot_id=row["SnapshotId"],
                name=row["SnapshotName"],
                tags={tag["TagKey"]: tag["TagValue"] for tag in row["Tags"]["Tag"]},
            )
            for row in got["Snapshots"]["Snapshot"]
        ]
        token = got.get("NextToken", "")
        if not token:
            return tuple(found)


def delete_snapshot(at: Visitor, request: calls.DeleteSnapshot) -> None:
    asked = {"RegionId": request.region, "SnapshotId": request.snapshot_id}
    ask(at, "DeleteSnapshot", **asked)


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
