"""Looking at images."""

import math
from collections.abc import Sequence

from alicloud_emulator.products.ecs.asked import (
    enter,
    filtered_times,
    id_list,
    page_asked,
    page_fields,
)
from alicloud_emulator.products.ecs.rows import family_row, image_row
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import Kind, Param, tag_filters
from alicloud_emulator.world.ecs.records import Image, ImageStatus, cut_page
from alicloud_emulator.world.ecs.refusals import FACTS, refusal
from alicloud_emulator.world.ecs.rules import check_choice, has_tags
from alicloud_emulator.world.ecs.store import may_see
from alicloud_emulator.world.wildcard import matches

IDS_MAX = 100
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
    more=(
        # Newer than the metadata.
        Param(
            "Usable",
            Kind.BOOLEAN,
            note="`Status` is required with it; no effect with `usable = false`",
        ),
    ),
)
def describe_images(call: Call) -> Document:
    """Carry out DescribeImages: the images that meet every filter, newest first.

    Without ``Status``, only Available ones: an image in the making, or one that failed,
    is invisible to those who do not ask. Unknown ids are no error.

    NOTE: There are no system and marketplace images here.
    """
    keys = {row.text("Key") for row in call.arguments.structs("Filter")}
    if not keys <= set(FACTS.values("Filter of images")):
        raise refusal("InvalidFilterKey.NotFound")
    times = filtered_times(call, "CreationStartTime", "CreationEndTime")
    since = times.get("CreationStartTime", 0.0)
    until = times.get("CreationEndTime") or math.inf
    ids = id_list(call, "ImageId", most=IDS_PARSED_MAX)
    tags = tag_filters(call.arguments)
    store = enter(call, "image/*")
    numbered = page_asked(call)
    _check_filters(call, ids)
    statuses = _statuses(call.text("Status"))
    if call.arguments.flag("DryRun"):
        raise refusal("DryRunOperation")
    rows = [
        image
        for image in call.world.past.images(call.region, store.images(call.region))
        if image.status in statuses
        and (not ids or image.image_id in ids)
        and since <= image.created_at <= until
        and has_tags(image, tags)
        and _is_asked_for(call, image, ids)
        and _passes(call, image)
    ]
    rows.sort(key=lambda image: -image.order)
    page = cut_page(rows, number=numbered[0], size=numbered[1])
    account_id = call.caller.account_id
    shown = [image_row(image, account_id, store.now) for image in page.rows]
    return {**page_fields(page, call.region), "Images": {"Image": shown}}


def _check_filters(call: Call, ids: Sequence[str]) -> None:
    alias, is_public = call.text("ImageOwnerAlias"), call.arguments.flag("IsPublic")
    check_choice(alias, "ImageOwnerAlias", "InvalidImageOwnerAlias.ValueNotSupported")
    check_choice(call.text("Usage"), "Usage", "InvalidUsage")
    check_choice(call.text("OSType").lower(), "OSType", "InvalidOSType")
    check_choice(call.text("Architecture"), "Architecture", "InvalidArchitecture")
    if is_public and alias != "others":
        raise refusal("InvalidImageOwnerAlias.PublicImageUnsupported")
    if call.text("ImageOwnerId") and alias in ("system", "self", "marketplace"):
        raise refusal("InvalidOperation.ImageOwnerIdUnsupported")
    if len(ids) > IDS_MAX:
        raise refusal("InvalidParamter")
    # It is documented that Status is required then; that this is the error is a guess.
    if call.arguments.flag_or_none("Usable") is not None and not call.text("Status"):
        raise refusal("MissingParameter", "Status")


def _statuses(asked: str) -> frozenset[ImageStatus]:
    if not asked:
        return frozenset({ImageStatus.AVAILABLE})
    if asked == "ALL":
        return frozenset(ImageStatus)
    try:
        return frozenset(ImageStatus(name.strip()) for name in asked.split(","))
    except ValueError:
        raise refusal("InvalidParamter") from None


def _is_asked_for(call: Call, image: Image, ids: Sequence[str]) -> bool:
    """Whether the caller may see an image, and asked for its owner's kind.

    Other accounts' public images show when asked for as such or by id; otherwise a
    region's community images would fill every listing.
    """
    account_id, alias = call.caller.account_id, call.text("ImageOwnerAlias")
    if not may_see(account_id, image):
        return False
    if call.arguments.flag("IsPublic"):
        return image.public
    own = image.account_id == account_id
    meant = account_id in image.shared_with or image.image_id in ids
    match alias:
        case "self":
            return own
        case "others":
            return not own and meant
        case "system" | "marketplace":
            return False
        case _:
            return own or meant


def _passes(call: Call, image: Image) -> bool:
    name, snapshot_id = call.text("ImageName"), call.text("SnapshotId")
    usable = image.usable(call.world.agenda.now)
    return (
        (not name or matches_name(name, image.name))
        and call.text("ImageFamily") in ("", image.family)
        and call.text("ImageOwnerId") in ("", image.account_id)
        and call.text("Usage") in ("", "none")
        and call.text("OSType").lower() in ("", image.os_type)
        and call.text("Architecture") in ("", image.architecture)
        and call.text("ResourceGroupId") in ("", image.resource_group_id)
        and (usable is None or call.arguments.flag_or_none("Usable") in (None, usable))
        and (
            not snapshot_id
            or any(disk.snapshot_id == snapshot_id for disk in image.disks)
        )
    )


def matches_name(pattern: str, name: str) -> bool:
    """Whether a name matches; ``*`` is the only wildcard."""
    if "*" not in pattern:
        return pattern == name
    return "?" not in pattern and matches(pattern, name)


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
