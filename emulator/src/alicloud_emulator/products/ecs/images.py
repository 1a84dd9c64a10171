"""Looking at images."""

from alicloud_emulator.products.ecs.asked import (
    enter,
    filtered_times,
    id_list,
    page_fields,
)
from alicloud_emulator.products.ecs.rows import family_row, image_row
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import tag_filters
from alicloud_emulator.world.ecs.images import ImageQuery
from alicloud_emulator.world.ecs.records import ImageStatus
from alicloud_emulator.world.ecs.refusals import FACTS, refusal

IDS_PARSED_MAX = 10_000
"""Parsed at all; what the action takes is less."""


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
    keys = {row.text("Key") for row in arguments.structs("Filter")}
    if not keys <= set(FACTS.values("Filter of images")):
        raise refusal("InvalidFilterKey.NotFound")
    times = filtered_times(call, "CreationStartTime", "CreationEndTime")
    query = ImageQuery(
        region=call.text("RegionId"),
        image_ids=id_list(call, "ImageId", most=IDS_PARSED_MAX),
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


@action("DescribeImageFromFamily", resource=("ImageFamily",))
def describe_image_from_family(call: Call) -> Document:
    """Carry out DescribeImageFromFamily: the newest Available one of the caller's."""
    store, family = enter(call, "image/*"), call.text("ImageFamily")
    account_id = call.caller.account_id
    found = [
        image
        for image in store.images_of(account_id, call.region)
        if image.family == family and image.status is ImageStatus.AVAILABLE
    ]
    if not found:
        return {}
    image = max(found, key=lambda image: image.order)
    return {"Image": family_row(image, account_id, store.now)}
