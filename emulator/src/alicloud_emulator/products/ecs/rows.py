"""Images, snapshots and tasks as ECS's answers show them."""

from typing import Any

from alicloud_emulator.products.rpc.bodies import minute_text, time_text
from alicloud_emulator.world.ecs.records import Disk, Image, Snapshot, Task

_OS_NAMES = {"linux": "Others Linux", "windows": "Other Windows"}


def image_row(image: Image, account_id: str, now: float) -> dict[str, Any]:
    """Return an image as DescribeImages shows it to an account."""
    own = image.account_id == account_id
    bits = "32 bit" if image.architecture == "i386" else "64 bit"
    os_name = f"{_OS_NAMES.get(image.os_type, image.platform)} {bits}"
    usable = image.usable(now)
    return {
        "ImageId": image.image_id,
        "ImageName": image.name,
        "ImageFamily": image.family,
        "ImageVersion": "",
        "ImageOwnerAlias": "self" if own else "others",
        "Description": image.description,
        "Status": image.status.value,
        "Progress": f"{image.progress(now)}%",
        "CreationTime": time_text(image.created_at),
        "Size": image.size_gib,
        "Architecture": image.architecture,
        "BootMode": image.boot_mode,
        "OSType": image.os_type,
        "OSName": os_name,
        "OSNameEn": os_name,
        "Platform": image.platform,
        "Features": {
            "NvmeSupport": image.nvme,
            "ImdsSupport": image.imds,
        },
        "IsPublic": image.public,
        "IsCopied": bool(image.copied_from),
        "IsSelfShared": "True" if own and image.shared_with else "False",
        "IsSubscribed": False,
        "IsSupportCloudinit": False,
        "IsSupportIoOptimized": True,
        "LoginAsNonRootSupported": False,
        "ProductCode": "",
        "Usage": "none",
        **({} if usable is None else {"Usable": usable}),
        "ResourceGroupId": image.resource_group_id,
        "DetectionOptions": detected(image, now) if own else {},
        "DiskDeviceMappings": {
            "DiskDeviceMapping": [_disk_row(image, disk, now) for disk in image.disks]
        },
        "Tags": {"Tag": _tag_rows(image.tags) if own else []},
    }


def detected(image: Image, now: float) -> dict[str, Any]:
    """Return what an image check found; it looks at one thing, which is made up."""
    if not image.detection or image.in_making:
        return {}
    if now < image.detected_at:
        return {"Status": "Processing"}
    risky = image.nvme != "supported"
    item = {
        "Name": "Nvme",
        "Value": image.nvme,
        "RiskLevel": "Medium" if risky else "",
        "RiskCode": "Nvme.NotSupported" if risky else "",
    }
    return {"Status": "Finished", "Items": {"Item": [item]}}


FAMILY_FIELDS = (
    "ImageId", "ImageName", "ImageFamily", "ImageVersion", "ImageOwnerAlias",
    "Description", "Status", "Progress", "CreationTime", "Size", "Architecture",
    "OSType", "OSName", "Platform", "IsCopied", "IsSelfShared", "IsSubscribed",
    "IsSupportCloudinit", "IsSupportIoOptimized", "ProductCode", "Usage", "Tags",
)  # fmt: skip
FAMILY_DISK_FIELDS = (
    "Device", "Format", "ImportOSSBucket", "ImportOSSObject", "Size", "SnapshotId",
    "Type",
)  # fmt: skip


def family_row(image: Image, account_id: str, now: float) -> dict[str, Any]:
    """Return an image as DescribeImageFromFamily shows it, which is less.

    Three fields are there and empty, as in the reference's sample of 2020.
    """
    row = image_row(image, account_id, now)
    row |= {"Progress": "", "Usage": "", "IsSelfShared": ""}
    disks = row["DiskDeviceMappings"]["DiskDeviceMapping"]
    return {
        **{name: row[name] for name in FAMILY_FIELDS},
        "DiskDeviceMappings": {
            "DiskDeviceMapping": [
                {name: disk[name] for name in FAMILY_DISK_FIELDS} for disk in disks
            ]
        },
    }


def _disk_row(image: Image, disk: Disk, now: float) -> dict[str, Any]:
    making = {
        "Progress": f"{image.progress(now)}%",
        "RemainTime": int(image.remaining_s(now)),
    }
    return {
        "Device": disk.device,
        "Type": disk.type,
        "Size": str(disk.size_gib),
        "Format": disk.format,
        "SnapshotId": disk.snapshot_id,
        "ImportOSSBucket": disk.oss_bucket,
        "ImportOSSObject": disk.oss_object,
        **(making if image.in_making else {"Progress": ""}),
        "Encrypted": False,
    }


def snapshot_row(snapshot: Snapshot, *, in_use: bool) -> dict[str, Any]:
    """Return a snapshot as DescribeSnapshots shows it."""
    created = time_text(snapshot.created_at)
    return {
        "SnapshotId": snapshot.snapshot_id,
        "SnapshotName": snapshot.name,
        "Description": "",
        "Status": "accomplished",
        "Progress": "100%",
        "RemainTime": 0,
        "Available": True,
        "CreationTime": created,
        "LastModifiedTime": created,
        "Usage": "image" if in_use else "none",
        "SnapshotType": "user",
        "SourceDiskId": "",
        "SourceDiskSize": str(snapshot.size_gib),
        "SourceDiskType": snapshot.disk_type,
        "SourceStorageType": "disk",
        "Category": "standard",
        "RetentionDays": 0,
        "InstantAccess": False,
        "InstantAccessRetentionDays": 0,
        "Encrypted": False,
        "ProductCode": "",
        "RegionId": snapshot.region,
        "ResourceGroupId": snapshot.resource_group_id,
        "Tags": {"Tag": _tag_rows(snapshot.tags)},
    }


def task_row(task: Task) -> dict[str, Any]:
    """Return a task as DescribeTasks shows it."""
    row = {
        "TaskId": task.task_id,
        "TaskAction": task.action,
        "TaskStatus": task.status.value,
        "ResourceId": task.image_id,
        "SupportCancel": "true",
        "CreationTime": minute_text(task.created_at),
    }
    if task.finished_at:
        row["FinishedTime"] = minute_text(task.finished_at)
    return row


def task_document(task: Task, now: float) -> dict[str, Any]:
    """Return a task as DescribeTaskAttribute shows it."""
    failed = bool(task.error_code)
    outcome = {"Finished": "Success", "Failed": "Failed"}
    document = {
        "TaskId": task.task_id,
        "RegionId": task.region,
        "TaskAction": task.action,
        "TaskStatus": task.status.value,
        "TaskProcess": f"{task.progress(now)}%",
        "SupportCancel": "true",
        "TotalCount": 1,
        "SuccessCount": int(task.status == "Finished"),
        "FailedCount": int(failed),
        "CreationTime": minute_text(task.created_at),
        "OperationProgressSet": {
            "OperationProgress": [
                {
                    "OperationStatus": outcome.get(task.status.value, "Processing"),
                    "ErrorCode": task.error_code,
                    "ErrorMsg": task.error_message,
                    "RelatedItemSet": {
                        "RelatedItem": [
                            {"Name": name, "Value": value}
                            for name, value in task.related
                        ]
                    },
                }
            ]
        },
    }
    if task.finished_at:
        document["FinishedTime"] = minute_text(task.finished_at)
    return document


def tag_resource_rows(resource: Image | Snapshot) -> list[dict[str, str]]:
    """Return a resource's tags as ListTagResources shows them: a row each."""
    kind, resource_id = (
        ("image", resource.image_id)
        if isinstance(resource, Image)
        else ("snapshot", resource.snapshot_id)
    )
    return [
        {
            "ResourceId": resource_id,
            "ResourceType": kind,
            "TagKey": key,
            "TagValue": value,
        }
        for key, value in resource.tags.items()
    ]


def _tag_rows(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
