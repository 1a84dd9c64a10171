"""Looking at images, changing, sharing and deleting them."""

from alicloud_emulator.products.ecs.making import FEATURES, id_list
from alicloud_emulator.products.ecs.rows import family_row, image_row, page_fields
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text, time_value
from alicloud_emulator.products.rpc.parameters import (
    tag_filters,
)
from alicloud_emulator.world.ecs.changes import ImageChange
from alicloud_emulator.world.ecs.images import FILTER_KEYS, ImageQuery
from alicloud_emulator.world.ecs.refusals import refusal


@action(
    "DescribeImages",
    resource=("ImageId", "ImageName", "ImageFamily"),
    accepted={
        "InstanceType": "",
        "IsSupportCloudinit": "",
        "IsSupportIoOptimized": "",
        "ShowExpired": "",
        "ActionType": "",
    },
    notes={
        "ImageId": "up to 100, comma-separated",
        "ImageName": "`*` is a wildcard; exact without",
        "Status": "default Available; comma-separated; ALL",
        "ImageOwnerAlias": "there are no system images",
        "Usage": "there are no instances: all images are `none`",
    },
)
def describe_images(call: Call) -> Document:
    """Carry out DescribeImages."""
    arguments = call.arguments
    times = _filters(call)
    query = ImageQuery(
        region=call.text("RegionId"),
        image_ids=id_list(call.text("ImageId"), "ImageId"),
        name=call.text("ImageName"),
        family=call.text("ImageFamily"),
        status=call.text("Status"),
        owner_alias=call.text("ImageOwnerAlias"),
        owner_id=call.text("ImageOwnerId"),
        is_public=arguments.flag("IsPublic"),
        snapshot_id=call.text("SnapshotId"),
        usage=call.text("Usage"),
        os_type=call.text("OSType"),
        architecture=call.text("Architecture"),
        resource_group_id=call.text("ResourceGroupId"),
        tags=tag_filters(arguments),
        created_from=times.get("CreationStartTime", 0.0),
        created_until=times.get("CreationEndTime", 0.0),
        page_number=arguments.number("PageNumber", 1),
        page_size=arguments.number("PageSize", 10),
        dry_run=arguments.flag("DryRun"),
    )
    page = call.world.ecs.describe_images(call.caller, query)
    account_id, now = call.caller.account_id, call.world.agenda.now
    rows = [image_row(image, account_id, now) for image in page.rows]
    return {**page_fields(page, query.region), "Images": {"Image": rows}}


def _filters(call: Call) -> dict[str, float]:
    """Return the bounds on creation times; the other filters change nothing here."""
    times = {}
    for row in call.arguments.structs("Filter"):
        key = row.text("Key")
        if key not in FILTER_KEYS:
            raise refusal("InvalidFilterKey.NotFound")
        if not key.startswith("Creation"):
            continue
        value = time_value(row.text("Value"))
        if value is None:
            raise refusal("InvalidFilterValue")
        times[key] = value
    return times


@action("DescribeImageFromFamily", resource=("ImageFamily",))
def describe_image_from_family(call: Call) -> Document:
    """Carry out DescribeImageFromFamily."""
    image = call.world.ecs.describe_image_from_family(
        call.caller, region=call.text("RegionId"), family=call.text("ImageFamily")
    )
    if image is None:
        return {}
    now = call.world.agenda.now
    return {"Image": family_row(image, call.caller.account_id, now)}


@action(
    "ModifyImageAttribute",
    resource=("ImageId",),
    notes={"ImageFamily": "an empty one changes nothing"},
    more=(FEATURES,),
)
def modify_image_attribute(call: Call) -> Document:
    """Carry out ModifyImageAttribute."""
    features = call.arguments.struct("Features")
    call.world.ecs.modify_image_attribute(
        call.caller,
        ImageChange(
            region=call.text("RegionId"),
            image_id=call.text("ImageId"),
            name=call.text("ImageName"),
            description=call.text("Description"),
            family=call.text("ImageFamily"),
            status=call.text("Status"),
            boot_mode=call.text("BootMode"),
            license_type=call.text("LicenseType"),
            nvme=features.text("NvmeSupport"),
            imds=features.text("ImdsSupport"),
            dry_run=call.arguments.flag("DryRun"),
        ),
    )
    return {}


@action(
    "ModifyImageSharePermission",
    resource=("ImageId",),
    accepted={"LaunchPermission": "for invited accounts only"},
    notes={
        "AddAccount": "those after the tenth are ignored",
        "RemoveAccount": "those after the tenth are ignored",
    },
)
def modify_image_share_permission(call: Call) -> Document:
    """Carry out ModifyImageSharePermission."""
    arguments = call.arguments
    call.world.ecs.modify_image_share_permission(
        call.caller,
        region=call.text("RegionId"),
        image_id=call.text("ImageId"),
        public=arguments.flag_or_none("IsPublic"),
        add_accounts=arguments.texts("AddAccount"),
        remove_accounts=arguments.texts("RemoveAccount"),
        dry_run=arguments.flag("DryRun"),
    )
    return {}


@action("DescribeImageSharePermission", resource=("ImageId",))
def describe_image_share_permission(call: Call) -> Document:
    """Carry out DescribeImageSharePermission."""
    region = call.text("RegionId")
    image, page = call.world.ecs.describe_image_share_permission(
        call.caller,
        region=region,
        image_id=call.text("ImageId"),
        page_number=call.arguments.number("PageNumber", 1),
        page_size=call.arguments.number("PageSize", 10),
    )
    return {
        **page_fields(page, region),
        "ImageId": image.image_id,
        "ShareGroups": {"ShareGroup": [{"Group": "all"}] if image.public else []},
        "Accounts": {
            "Account": [
                {"AliyunId": account_id, "SharedTime": time_text(when)}
                for account_id, when in page.rows
            ]
        },
    }


@action(
    "DeleteImage", resource=("ImageId",), accepted={"Force": "there are no instances"}
)
def delete_image(call: Call) -> Document:
    """Carry out DeleteImage."""
    call.world.ecs.delete_image(
        call.caller,
        region=call.text("RegionId"),
        image_id=call.text("ImageId"),
        force=call.arguments.flag("Force"),
        dry_run=call.arguments.flag("DryRun"),
    )
    return {}
