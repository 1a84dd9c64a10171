"""ImportImage, CopyImage, their cancelling, and tasks."""

import json

import anyio.to_thread

from alicloud_emulator.products.ecs.rows import page_fields, task_document, task_row
from alicloud_emulator.products.rpc.bodies import Document, time_value
from alicloud_emulator.products.rpc.parameters import (
    TAGS,
    Kind,
    Param,
    accepted,
    boolean,
    integer,
    required,
    structs,
    tag_pairs,
)
from alicloud_emulator.products.rpc.service import Action, RpcCall
from alicloud_emulator.world.ecs.copies import CopySpec
from alicloud_emulator.world.ecs.import_checks import ImportDisk, ImportSpec
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.errors import ServiceError

_HASHED_INLINE_BYTES_MAX = 1024 * 1024


def import_image(call: RpcCall) -> Document:
    """Carry out ImportImage."""
    spec = _import_spec(call)
    started = call.world.ecs.import_image(call.caller, spec, faults=call.faults)
    return {
        "ImageId": started.image_id,
        "TaskId": started.task_id,
        "RegionId": spec.region,
    }


async def hash_object(call: RpcCall) -> None:
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


def _import_spec(call: RpcCall) -> ImportSpec:
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


def cancel_task(call: RpcCall) -> Document:
    """Carry out CancelTask."""
    call.world.ecs.cancel_task(
        call.caller, region=call.text("RegionId"), task_id=call.text("TaskId")
    )
    return {}


def copy_image(call: RpcCall) -> Document:
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


def cancel_copy_image(call: RpcCall) -> Document:
    """Carry out CancelCopyImage."""
    call.world.ecs.cancel_copy_image(
        call.caller, region=call.text("RegionId"), image_id=call.text("ImageId")
    )
    return {}


def describe_tasks(call: RpcCall) -> Document:
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


def describe_task_attribute(call: RpcCall) -> Document:
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


def _time(call: RpcCall, name: str) -> float:
    text = call.text(name)
    if not text:
        return 0.0
    value = time_value(text)
    if value is None:
        raise refusal("InvalidParameter", name)
    return value


FEATURES = Param(
    "Features",
    Kind.STRUCT,
    members=(Param("NvmeSupport"), Param("ImdsSupport")),
)

ACTIONS = (
    Action(
        name="ImportImage",
        run=import_image,
        prepare=hash_object,
        resource=("ImageName",),
        params=(
            required("RegionId"),
            Param("ImageName"),
            Param("Description"),
            Param("Architecture"),
            Param("BootMode"),
            Param("OSType"),
            Param("Platform"),
            Param("LicenseType"),
            structs(
                "DiskDeviceMapping",
                integer("DiskImageSize"),
                integer("DiskImSize"),
                Param("Format"),
                Param("OSSBucket"),
                Param("OSSObject"),
                accepted("Device", note="deprecated; disks are named in order"),
            ),
            FEATURES,
            Param("RoleName"),
            Param("DetectionStrategy", note="checked, then nothing is detected"),
            accepted("StorageLocationArn", note="there are no cloud boxes"),
            accepted("ResourceGroupId", note="kept, filters; groups do not exist"),
            TAGS,
            boolean("DryRun"),
            Param("ClientToken"),
        ),
        errors=(
            "NoSetRoletoECSServiceAcount", "InvalidImageName.Malformed",
            "InvalidImageName.Duplicated", "InvalidDescription.Malformed",
            "MissingParameter.DiskDeviceMapping", "MissingParameter",
            "InvalidOSSBucket.NotFound", "InvalidOSSObject.NotFound",
            "InvalidOSSObject.Size", "InvalidOSS.NotAuthorized", "InvalidImageSize",
            "InvalidOSSBucket.EncryptUnsupported", "InvalidOSSObject.NeedRestore",
            "InvalidDataDiskSize", "InvalidImageFormat.Malformed",
            "InvalidVHDImage.IncorrectSize",
            "InvalidArchitecture.Malformed", "InvalidOSType.Malformed",
            "InvalidPlatform.Malformed", "InvalidBootMode.Malformed",
            "InvalidBootMode.NotSupport", "InvalidLicenseType.NotSupported",
            "InvalidParameter.DetectionStrategy",
            "InvalidParameter.FeaturesImdsSupport",
            "InvalidParameter.FeaturesNvmeSupport", "NumberExceed.Tags",
            "InvalidTagKey.Malformed", "InvalidTagValue.Malformed",
            "TagKey.Duplication", "QuotaExceed.Image", "InvalidClientToken.Malformed",
            "IdempotentParameterMismatch", "DRYRUN.SUCCESS",
        ),
        never=(
            "UnsupportedSuffix.OSSObject",
            "InvalidOSSObject.Malformed",
            "InvalidOSSBucket.Malformed",
            "InvalidRegion.NotSupport",
            "InvalidOSSBucket.NotMatched",
            "InvalidLicenseType.BYOLOnly",
            "InvalidOSSBucket.FlowLimit",
            "InvalidImageFormat.RegionNotSupported",
            "ImageIsImporting",
            "ImportImageFailed",
            "UserNotInTheWhiteList",
            "InvalidParameter.Malformed",
            "InvalidBlockSize.NotSupport",
            "ImageCheckUnsupported.WindowsImage",
            "InvalidArchitecture.PlatformUnsupported",
            "InvalidAccountStatus.OSSDisabled",
            "InvalidStorageLocation.NotFound",
            "InvalidOperation.CloudBoxImageImportRoleRequired",
            "InvalidOperation.CloudBoxImageImportUnsupported",
            "InvalidResourceGroup.NotFound",
        ),
    ),
    Action(
        name="CancelTask",
        run=cancel_task,
        resource=("TaskId",),
        params=(required("RegionId"), required("TaskId")),
        errors=("InvalidTaskId.NotFound", "IncorrectTaskStatus"),
    ),
    Action(
        name="CopyImage",
        run=copy_image,
        resource=("ImageId",),
        params=(
            required("RegionId"),
            required("ImageId"),
            Param("DestinationRegionId"),
            Param("DestinationImageName"),
            Param("DestinationDescription"),
            accepted("Encrypted", Kind.BOOLEAN, note="copies are never encrypted"),
            accepted("KMSKeyId"),
            accepted("EncryptAlgorithm"),
            accepted("ResourceGroupId", note="kept, filters; groups do not exist"),
            TAGS,
            boolean("DryRun"),
            Param("ClientToken"),
        ),
        errors=(
            "InvalidImageId.NotFound", "DestinationRegion.NotFound",
            "RegionNotSupportCopy", "OperationDenied.NonCompliantDestinationRegion",
            "OperationDenied.CommunityImage", "OperationDenied.SameRegionOnly",
            "OperationDenied.ImageCopyConflict", "OperationDenied.ImageCopying",
            "IncorrectImageStatus", "InvalidOperation.VhdImageUnsupported",
            "InvalidImageName.Malformed", "InvalidImageName.Duplicated",
            "InvalidDescription.Malformed", "NumberExceed.Tags",
            "InvalidTagKey.Malformed", "InvalidTagValue.Malformed",
            "TagKey.Duplication", "QuotaExceed.Image", "InvalidClientToken.Malformed",
            "IdempotentParameterMismatch", "DryRunOperation",
        ),
        never=(
            "SourceRegion.NotFound",
            "IncorrectDestinationRegion",
            "SizeExceed.Image",
            "InvalidEncrypted.NotMatchDiskDefaultEncryption",
            "InvalidOperation.CloudBoxImageCopyUnsupported",
            "OperationDenied.NotPublished",
            "OperationDenied.NotAuthorized",
            "QuotaExceed.Snapshot",
            "Forbbiden",
            "InvalidOperation.Conflict",
        ),
    ),
    Action(
        name="CancelCopyImage",
        run=cancel_copy_image,
        resource=("ImageId",),
        params=(required("RegionId"), required("ImageId")),
        errors=(
            "InvalidImageId.NotFound", "ImageCreatedNotFromCopy",
            "IncorrectImageStatus",
        ),
        never=(
            "CancelNotSupported",
        ),
    ),
    Action(
        name="DescribeTasks",
        run=describe_tasks,
        resource=("TaskIds",),
        params=(
            required("RegionId"),
            Param("TaskIds", note="comma-separated, or a JSON array as once"),
            Param("ResourceIds", Kind.LIST),
            Param("TaskAction"),
            Param("TaskStatus", note="Finished, Processing, Failed; others ignored"),
            Param("StartTime"),
            Param("EndTime"),
            accepted("TaskGroupId"),
            integer("PageNumber"),
            integer("PageSize"),
        ),
        errors=("InvalidParameter",),
    ),
    Action(
        name="DescribeTaskAttribute",
        run=describe_task_attribute,
        resource=("TaskId",),
        params=(required("RegionId"), required("TaskId")),
        errors=("InvalidTaskId.NotFound",),
    ),
)  # fmt: skip
