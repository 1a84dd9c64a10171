"""ImportImage and CopyImage, and how a copy is cancelled."""

import anyio.to_thread

from alicloud_emulator.products.ecs.asked import FEATURES, enter
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.door import once
from alicloud_emulator.products.rpc.parameters import tag_pairs
from alicloud_emulator.products.turn import turn
from alicloud_emulator.world.ecs.copies import CopySpec
from alicloud_emulator.world.ecs.import_checks import ImportDisk, ImportSpec
from alicloud_emulator.world.ecs.records import Origin
from alicloud_emulator.world.ecs.refusals import FACTS, refusal
from alicloud_emulator.world.errors import ServiceError

_HASHED_INLINE_BYTES_MAX = 8 * 1024 * 1024


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
            async with turn():
                await anyio.to_thread.run_sync(blob.sha256)


@action(
    "ImportImage",
    resource=("ImageName",),
    accepted={
        "DiskDeviceMapping.Device": "deprecated; disks are named in order",
        "StorageLocationArn": "there are no cloud boxes",
        "ResourceGroupId": "kept, filters; groups do not exist",
    },
    notes={"DetectionStrategy": "what is detected is made up"},
    more=(FEATURES,),
    prepare=hash_object,
)
def import_image(call: Call) -> Document:
    """Carry out ImportImage."""
    spec = _import_spec(call)
    enter(call, "image/*", change=True, region_status=400)

    def start() -> Document:
        task = call.world.ecs.imports.start(call.caller, spec, faults=call.faults)
        return {
            "ImageId": task.image_id,
            "TaskId": task.task_id,
            "RegionId": spec.region,
        }

    return once(call, FACTS, start)


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
        description=call.text("DestinationDescription"),
        resource_group_id=call.text("ResourceGroupId"),
        tags=tuple(tag_pairs(arguments)),
        dry_run=arguments.flag("DryRun"),
    )
    enter(call, f"image/{spec.image_id}", change=True)

    def start() -> Document:
        image = call.world.ecs.copies.start(call.caller, spec, faults=call.faults)
        return {"ImageId": image.image_id}

    return once(call, FACTS, start)


@action("CancelCopyImage", resource=("ImageId",))
def cancel_copy_image(call: Call) -> Document:
    """Carry out CancelCopyImage, in the destination: what there is of it is deleted."""
    image_id = call.text("ImageId")
    store = enter(call, f"image/{image_id}", change=True)
    image = store.own_image(call.caller, call.region, image_id)
    if image.origin is not Origin.COPY:
        raise refusal("ImageCreatedNotFromCopy")
    if not image.in_making:
        raise refusal("IncorrectImageStatus")
    call.world.ecs.copies.cancel(image)
    return {}
