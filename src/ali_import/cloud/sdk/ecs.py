"""ECS: images, tasks and snapshots. Source: the ECS API reference, 2014-05-26."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ali_import.cloud import calls
from ali_import.cloud.sdk import endpoints
from ali_import.cloud.sdk.answers import (
    GarbledAnswerError,
    flag,
    integer,
    mapping,
    nested_rows,
    percent,
    required,
    text,
    unix_time,
)
from ali_import.cloud.sdk.services import Services, answers
from ali_import.cloud.values import (
    CloudImage,
    Finding,
    ImageStatus,
    ImportStarted,
    Snapshot,
    Task,
    TaskDetail,
    TaskStatus,
)
from ali_import.redaction import scrub, word

VERSION = "2014-05-26"

# DescribeImages shows only Available unless asked; ALL is newer than the list of all.
EVERY_STATUS = ",".join(ImageStatus)
PAGE_ROWS_MAX = 100
# 100,000 rows: no account has as many; a server that never ends its pages is stopped.
PAGES_MAX = 1000
IDS_MAX = 100
TAGGED_IDS_MAX = 50
ACCOUNTS_MAX = 10


def _call(
    services: Services, call: calls.Call[Any], query: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Carry out the action that the call is named after, in its region."""
    return services.openapi.rpc(
        endpoints.ecs(call.region),
        action=type(call).__name__,
        version=VERSION,
        query={"RegionId": call.region, **query},
    )


def _numbered_pages(
    services: Services,
    call: calls.Call[Any],
    query: Mapping[str, Any],
    where: tuple[str, str],
) -> Iterator[Mapping[str, Any]]:
    for page in range(1, PAGES_MAX + 1):
        answer = _call(
            services, call, {**query, "PageNumber": page, "PageSize": PAGE_ROWS_MAX}
        )
        rows = nested_rows(answer, *where)
        yield from rows
        if not rows or page * PAGE_ROWS_MAX >= integer(answer, "TotalCount"):
            return
    raise GarbledAnswerError("the pages have no end")


def _tag_query(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _tag_filter(tags: Mapping[str, str]) -> list[dict[str, str]]:
    # An empty value that is sent asks for just that; one that is not, for any.
    return [
        {"Key": key, "Value": value} if value else {"Key": key}
        for key, value in tags.items()
    ]


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    found = nested_rows(row, "Tags", "Tag")
    # Rows spell it TagKey; Key is what some other actions answer.
    return {
        text(tag, "TagKey") or text(tag, "Key"): text(tag, "TagValue")
        or text(tag, "Value")
        for tag in found
    }


def _ids(ids: Sequence[str]) -> str:
    assert len(ids) <= IDS_MAX, f"{len(ids)} ids in one call"
    return ",".join(ids)


@answers(calls.DescribeRegions)
def describe_regions(
    services: Services, call: calls.DescribeRegions
) -> tuple[str, ...]:
    """Return the ids of the regions open to the account."""
    answer = _call(services, call, {"AcceptLanguage": "en-US"})
    ids = [
        required(row, "RegionId") for row in nested_rows(answer, "Regions", "Region")
    ]
    for region in ids:
        if not endpoints.is_region_id(region):
            raise GarbledAnswerError("the answer holds a strange region id")
    return tuple(ids)


# --- images --------------------------------------------------------------------------


@answers(calls.DescribeImages)
def describe_images(
    services: Services, call: calls.DescribeImages
) -> tuple[CloudImage, ...]:
    """Return the account's own images in every status, all pages."""
    query = {
        "ImageOwnerAlias": "self",
        "Status": EVERY_STATUS,
        "ImageName": call.name,
        "ImageId": _ids(call.image_ids),
    }
    found: dict[str, CloudImage] = {}
    for row in _numbered_pages(services, call, query, ("Images", "Image")):
        image = _image(row)
        # The cloud's own match is fuzzy; a name without * means that name alone.
        if call.name and "*" not in call.name and image.name != call.name:
            continue
        # A row may show on two pages when one before it went away in between.
        found[image.image_id] = image
    return tuple(found.values())


def _image(row: Mapping[str, Any]) -> CloudImage:
    features = mapping(row, "Features")
    detection = mapping(row, "DetectionOptions")
    mappings = nested_rows(row, "DiskDeviceMappings", "DiskDeviceMapping")
    return CloudImage(
        image_id=required(row, "ImageId"),
        name=text(row, "ImageName"),
        status=_image_status(text(row, "Status")),
        family=text(row, "ImageFamily"),
        architecture=text(row, "Architecture"),
        boot_mode=text(row, "BootMode"),
        nvme=text(features, "NvmeSupport"),
        imds=text(features, "ImdsSupport"),
        public=flag(row, "IsPublic"),
        size_gib=integer(row, "Size"),
        usable=flag(row, "Usable") if text(row, "Usable") else None,
        progress=percent(row, "Progress"),
        snapshot_ids=tuple(
            text(disk, "SnapshotId") for disk in mappings if text(disk, "SnapshotId")
        ),
        created_at=unix_time(row, "CreationTime"),
        shared=flag(row, "IsSelfShared"),
        in_use=text(row, "Usage").lower() == "instance",
        detection=text(detection, "Status"),
        findings=tuple(map(_finding, nested_rows(detection, "Items", "Item"))),
        description=text(row, "Description"),
        tags=_tags(row),
    )


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        name=scrub(text(row, "Name")),
        value=scrub(text(row, "Value")),
        risk=word(text(row, "RiskLevel")),
        code=word(text(row, "RiskCode")),
    )


def _image_status(status: str) -> ImageStatus:
    """Return the status; one that is new to us is not one to work with."""
    try:
        return ImageStatus(status)
    except ValueError:
        return ImageStatus.UNAVAILABLE


@answers(calls.ImportImage)
def import_image(services: Services, call: calls.ImportImage) -> ImportStarted:
    """Begin an import; the name and the token make it repeatable."""
    query = {
        "ClientToken": call.client_token,
        "ImageName": call.name,
        "Description": call.description,
        "Architecture": call.architecture,
        "BootMode": call.boot_mode,
        "OSType": "linux",
        "DiskDeviceMapping": [
            {
                "Format": call.format,
                "DiskImageSize": call.size_gib,
                "OSSBucket": call.bucket,
                "OSSObject": call.key,
            }
        ],
        "Features": {"NvmeSupport": call.nvme, "ImdsSupport": call.imds},
        "DetectionStrategy": "Standard" if call.detect else None,
        "DryRun": call.dry_run or None,
        "Tag": _tag_query(call.tags),
    }
    answer = _call(services, call, query)
    return ImportStarted(
        image_id=required(answer, "ImageId"), task_id=required(answer, "TaskId")
    )


@answers(calls.CopyImage)
def copy_image(services: Services, call: calls.CopyImage) -> str:
    """Begin a copy; called at the source, it returns the id at the destination."""
    query = {
        "ClientToken": call.client_token,
        "ImageId": call.image_id,
        "DestinationRegionId": call.destination_region,
        "DestinationImageName": call.destination_name,
        "DestinationDescription": call.description,
        "DryRun": call.dry_run or None,
        "Tag": _tag_query(call.tags),
    }
    return required(_call(services, call, query), "ImageId")


@answers(calls.CancelCopyImage)
def cancel_copy_image(services: Services, call: calls.CancelCopyImage) -> None:
    """Stop a copy, at its destination."""
    _call(services, call, {"ImageId": call.image_id})


@answers(calls.ModifyImageAttribute)
def modify_image_attribute(
    services: Services, call: calls.ModifyImageAttribute
) -> None:
    """Set the attributes that are given."""
    query = {
        "ImageId": call.image_id,
        "ImageName": call.name,
        "ImageFamily": call.family,
        "Description": call.description,
        "BootMode": call.boot_mode,
        "Features": {"NvmeSupport": call.nvme, "ImdsSupport": call.imds},
        "Status": call.status,
        "DryRun": call.dry_run or None,
    }
    _call(services, call, query)


@answers(calls.ModifyImageSharePermission)
def modify_image_share_permission(
    services: Services, call: calls.ModifyImageSharePermission
) -> None:
    """Make an image public, or private again; share it."""
    assert max(len(call.add), len(call.remove)) <= ACCOUNTS_MAX
    query = {
        "ImageId": call.image_id,
        "IsPublic": call.public,
        "AddAccount": list(call.add),
        "RemoveAccount": list(call.remove),
        "DryRun": call.dry_run or None,
    }
    _call(services, call, query)


@answers(calls.DescribeImageSharePermission)
def describe_image_share_permission(
    services: Services, call: calls.DescribeImageSharePermission
) -> tuple[str, ...]:
    """Return the accounts that an image is shared with, all pages."""
    query = {"ImageId": call.image_id}
    rows = _numbered_pages(services, call, query, ("Accounts", "Account"))
    return tuple(dict.fromkeys(required(row, "AliyunId") for row in rows))


@answers(calls.DeleteImage)
def delete_image(services: Services, call: calls.DeleteImage) -> None:
    """Ask for an image's deletion, or whether that would be allowed."""
    query = {"ImageId": call.image_id, "DryRun": call.dry_run or None}
    _call(services, call, query)


# --- tasks ---------------------------------------------------------------------------


@answers(calls.DescribeTasks)
def describe_tasks(services: Services, call: calls.DescribeTasks) -> tuple[Task, ...]:
    """Return the tasks with the ids given, or of the images given."""
    assert call.task_ids or call.image_ids, "this would list every task"
    assert len(call.image_ids) <= IDS_MAX
    query = {
        "TaskIds": _ids(call.task_ids),
        "ResourceIds": list(call.image_ids),
    }
    return tuple(
        Task(
            task_id=required(row, "TaskId"),
            status=_task_status(text(row, "TaskStatus")),
            image_id=text(row, "ResourceId"),
        )
        for row in _numbered_pages(services, call, query, ("TaskSet", "Task"))
    )


def _task_status(status: str) -> TaskStatus:
    """Return the status; one that is new to us is taken for still going on."""
    try:
        return TaskStatus(status)
    except ValueError:
        return TaskStatus.PROCESSING


@answers(calls.DescribeTaskAttribute)
def describe_task_attribute(
    services: Services, call: calls.DescribeTaskAttribute
) -> TaskDetail:
    """Return one task's progress, and why it failed."""
    answer = _call(services, call, {"TaskId": call.task_id})
    steps = nested_rows(answer, "OperationProgressSet", "OperationProgress")
    code, message = next(
        (
            (word(text(step, "ErrorCode")), scrub(text(step, "ErrorMsg")))
            for step in steps
            if text(step, "ErrorCode") or text(step, "ErrorMsg")
        ),
        ("", ""),
    )
    return TaskDetail(
        task_id=required(answer, "TaskId"),
        status=_task_status(text(answer, "TaskStatus")),
        progress=percent(answer, "TaskProcess"),
        error_code=code,
        error_message=message,
    )


@answers(calls.CancelTask)
def cancel_task(services: Services, call: calls.CancelTask) -> None:
    """Stop an import."""
    _call(services, call, {"TaskId": call.task_id})


# --- snapshots and tags --------------------------------------------------------------


@answers(calls.DescribeSnapshots)
def describe_snapshots(
    services: Services, call: calls.DescribeSnapshots
) -> tuple[Snapshot, ...]:
    """Return snapshots, all pages."""
    query: dict[str, Any] = {
        "MaxResults": PAGE_ROWS_MAX,
        "Tag": _tag_filter(call.tags),
    }
    if call.snapshot_ids:
        assert len(call.snapshot_ids) <= IDS_MAX
        query["SnapshotIds"] = json.dumps(list(call.snapshot_ids))
    found: dict[str, Snapshot] = {}
    for _page in range(PAGES_MAX):
        answer = _call(services, call, query)
        for row in nested_rows(answer, "Snapshots", "Snapshot"):
            snapshot = Snapshot(
                snapshot_id=required(row, "SnapshotId"),
                name=text(row, "SnapshotName"),
                tags=_tags(row),
            )
            found[snapshot.snapshot_id] = snapshot
        query["NextToken"] = text(answer, "NextToken")
        if not query["NextToken"]:
            return tuple(found.values())
    raise GarbledAnswerError("the pages have no end")


@answers(calls.DeleteSnapshot)
def delete_snapshot(services: Services, call: calls.DeleteSnapshot) -> None:
    """Delete a snapshot; the action takes no RegionId, its host says the region."""
    services.openapi.rpc(
        endpoints.ecs(call.region),
        action="DeleteSnapshot",
        version=VERSION,
        query={"SnapshotId": call.snapshot_id},
    )


@answers(calls.TagResources)
def tag_resources(services: Services, call: calls.TagResources) -> None:
    """Put tags on images or snapshots."""
    assert len(call.resource_ids) <= TAGGED_IDS_MAX
    query = {
        "ResourceType": call.resource_type,
        "ResourceId": list(call.resource_ids),
        "Tag": _tag_query(call.tags),
    }
    _call(services, call, query)


@answers(calls.UntagResources)
def untag_resources(services: Services, call: calls.UntagResources) -> None:
    """Take tags off images or snapshots."""
    assert len(call.resource_ids) <= TAGGED_IDS_MAX
    query = {
        "ResourceType": call.resource_type,
        "ResourceId": list(call.resource_ids),
        "TagKey": list(call.keys),
    }
    _call(services, call, query)
