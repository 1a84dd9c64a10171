"""ImportImage, CopyImage, their cancelling, and tasks."""

import json

import anyio.to_thread

from alicloud_emulator.products.ecs.rows import page_fields, task_document, task_row
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_value
from alicloud_emulator.products.rpc.parameters import (
    Kind,
    Param,
    tag_pairs,
)
from alicloud_emulator.world.ecs.copies import CopySpec
from alicloud_emulator.world.ecs.import_checks import ImportDisk, ImportSpec
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.errors import ServiceError

_HASHED_INLINE_BYTES_MAX = 1024 * 1024

FEATURES = Param(
    "Features",
    Kind.STRUCT,
    members=(Param("NvmeSupport"), Param("ImdsSupport")),
)


async def hash_object(call: Call) -> None:
    """Learn a large object's SHA-256 in a worker thread, so that nobody waits for it.

    Whatever is wrong with the call is for the call itself to find.
    """
    for disk in _import_spec(call).disks[:1]:
        try:
            blob = call.world.oss.read(
                call.caller.account_id,
                call.text("RegionId"),
                disk.oss_bucket,
                disk.oss_object,
            )
        except ServiceError:
            return
        if blob.size > _HASHED_INLINE_BYTES_MAX and not blob.sha256_known:
            await anyio.to_thread.run_sync(blob.sha256)


@action(
    "ImportImage",
    resource=("ImageName",),
    accepted={
        "DiskDeviceMapping.Device": "deprecated; disks are named in order",
        "StorageLocationArn": "there are no cloud boxes",
        "ResourceGroupId": "kept, filters; groups do not exist",
    },
    notes={"DetectionStrategy": "checked, then nothing is detected"},
    more=(FEATURES,),
    prepare=hash_object,
)
def import_image(call: Call) -> Document:
    """Carry out ImportImage."""
    spec = _import_spec(call)
    started = call.world.ecs.import_image(call.caller, spec, faults=call.faults)
    return {
        "ImageId": started.image_id,
        "TaskId": started.task_id,
        "RegionId": spec.region,
    }


def _import_spec(call: Call) -> ImportSpec:
    arguments = call.arguments
    features = arguments.struct("Features")
    return ImportSpec(
        region=call.text("RegionId"),
        image_name=call.text("ImageName"),
        disks=tuple(
            ImportDisk(
                oss_bucket=row.text("OSSBucket"),
                oss_object=row.text("OSSObject"),
                size_gib=row.number("DiskImageSize") or row.number("DiskImSize"),
                format=row.text("Format"),
            )
            for row in arguments.structs("DiskDeviceMapping")
        ),
        client_token=call.text("ClientToken"),
        description=call.text("Description"),
        architecture=call.text("Architecture"),
        boot_mode=call.text("BootMode"),
        os_type=call.text("OSType"),
        platform=call.text("Platform"),
        license_type=call.text("LicenseType"),
        nvme=features.text("NvmeSupport"),
        imds=features.text("ImdsSupport"),
        role_name=call.text("RoleName"),
        detection_strategy=call.text("DetectionStrategy"),
        storage_location_arn=call.text("StorageLocationArn"),
        resource_group_id=call.text("ResourceGroupId"),
        tags=tuple(tag_pairs(arguments)),
        dry_run=arguments.flag("DryRun"),
    )


@action("CancelTask", resource=("TaskId",))
def cancel_task(call: Call) -> Document:
    """Carry out CancelTask."""
    call.world.ecs.cancel_task(
        call.caller, region=call.text("RegionId"), task_id=call.text("TaskId")
    )
    return {}


@action(
    "CopyImage",
    resource=("ImageId",),
    accepted={
        "Encrypted": "copies are never encrypted",
        "KMSKeyId": "",
        "EncryptAlgorithm": "",
        "ResourceGroupId": "kept, filters; groups do not exist",
    },
)
def copy_image(call: Call) -> Document:
    """Carry out CopyImage."""
    arguments = call.arguments
    spec = CopySpec(
        region=call.text("RegionId"),
        image_id=call.text("ImageId"),
        destination_region=call.text("DestinationRegionId"),
        destination_name=call.text("DestinationImageName"),
        client_token=call.text("ClientToken"),
        description=call.text("DestinationDescription"),
        encrypted=arguments.flag("Encrypted"),
        kms_key_id=call.text("KMSKeyId"),
        encrypt_algorithm=call.text("EncryptAlgorithm"),
        resource_group_id=call.text("ResourceGroupId"),
        tags=tuple(tag_pairs(arguments)),
        dry_run=arguments.flag("DryRun"),
    )
    image_id = call.world.ecs.copy_image(call.caller, spec, faults=call.faults)
    return {"ImageId": image_id}


@action("CancelCopyImage", resource=("ImageId",))
def cancel_copy_image(call: Call) -> Document:
    """Carry out CancelCopyImage."""
    call.world.ecs.cancel_copy_image(
        call.caller, region=call.text("RegionId"), image_id=call.text("ImageId")
    )
    return {}


@action(
    "DescribeTasks",
    resource=("TaskIds",),
    accepted={"TaskGroupId": ""},
    notes={
        "TaskIds": "comma-separated, or a JSON array as once",
        "TaskStatus": "Finished, Processing, Failed; others ignored",
    },
)
def describe_tasks(call: Call) -> Document:
    """Carry out DescribeTasks."""
    page = call.world.ecs.describe_tasks(
        call.caller,
        region=call.text("RegionId"),
        task_ids=id_list(call.text("TaskIds"), "TaskIds"),
        image_ids=call.arguments.texts("ResourceIds"),
        action=call.text("TaskAction"),
        status=call.text("TaskStatus"),
        created_from=_time(call, "StartTime"),
        created_until=_time(call, "EndTime"),
        page_number=call.arguments.number("PageNumber", 1),
        page_size=call.arguments.number("PageSize", 10),
    )
    return {
        **page_fields(page, call.text("RegionId")),
        "TaskSet": {"Task": [task_row(task) for task in page.rows]},
    }


@action("DescribeTaskAttribute", resource=("TaskId",))
def describe_task_attribute(call: Call) -> Document:
    """Carry out DescribeTaskAttribute."""
    task = call.world.ecs.describe_task(
        call.caller, region=call.text("RegionId"), task_id=call.text("TaskId")
    )
    return task_document(task, call.world.agenda.now)


def id_list(text: str, parameter: str) -> list[str]:
    """Return ids given comma-separated, or as older clients do: as a JSON array."""
    if text.lstrip().startswith("["):
        try:
            ids = json.loads(text)
        except (ValueError, RecursionError):
            raise refusal("InvalidParameter", parameter) from None
        if not all(isinstance(each, str) for each in ids):
            raise refusal("InvalidParameter", parameter)
        return list(ids)
    return [each.strip() for each in text.split(",") if each.strip()]


def _time(call: Call, name: str) -> float:
    text = call.text(name)
    if not text:
        return 0.0
    value = time_value(text)
    if value is None:
        raise refusal("InvalidParameter", name)
    return value
