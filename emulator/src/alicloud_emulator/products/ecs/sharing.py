"""Community images, and images shared with single accounts."""

from collections.abc import Sequence

from alicloud_emulator.products.ecs.asked import enter, page_asked, page_fields
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.world.ecs.records import Image, ImageStatus, cut_page
from alicloud_emulator.world.ecs.refusals import refusal

ACCOUNTS_PER_CALL_MAX = 10
"""More are silently ignored."""

ACCOUNTS_MAX = 50
"""Accounts that an image can be shared with."""


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
    image_id, arguments = call.text("ImageId"), call.arguments
    store = enter(call, f"image/{image_id}", change=True)
    image = store.own_image(call.caller, call.region, image_id)
    public = arguments.flag_or_none("IsPublic")
    add = arguments.texts("AddAccount")[:ACCOUNTS_PER_CALL_MAX]
    remove = arguments.texts("RemoveAccount")[:ACCOUNTS_PER_CALL_MAX]
    if public:
        _check_publishable(call, image)
    elif public is False and not image.public and not (add or remove):
        raise refusal("Image.NotPublic")
    if add:
        _check_shareable(call, image, add)
    if arguments.flag("DryRun"):
        raise refusal("DryRunOperation")
    if public is not None:
        image.public = public
    for account_id in remove:
        image.shared_with.pop(account_id, None)
    for account_id in add:
        image.shared_with.setdefault(account_id, store.now)
    return {}


@action("DescribeImageSharePermission", resource=("ImageId",))
def describe_image_share_permission(call: Call) -> Document:
    """Carry out DescribeImageSharePermission."""
    image_id = call.text("ImageId")
    store = enter(call, f"image/{image_id}")
    number, size = page_asked(call)
    image = store.own_image(call.caller, call.region, image_id)
    page = cut_page(list(image.shared_with.items()), number=number, size=size)
    accounts = [
        {"AliyunId": account_id, "SharedTime": time_text(when)}
        for account_id, when in page.rows
    ]
    return {
        **page_fields(page, call.region),
        "ImageId": image.image_id,
        "ShareGroups": {"ShareGroup": [{"Group": "all"}] if image.public else []},
        "Accounts": {"Account": accounts},
    }


def _check_publishable(call: Call, image: Image) -> None:
    region = call.world.profile.region(image.region)
    if region is not None and not region.public_images:
        raise refusal("CurrentRegion.NotSupportPublicImage")
    if not call.world.ecs.store.account(call.caller).agreement_signed:
        raise refusal("PublicImageAgreement.NotSigned")
    if image.status is not ImageStatus.AVAILABLE:
        raise refusal("OperationDenied.InvalidImageStatus")
    if image.public:
        raise refusal("Image.Public")


def _check_shareable(call: Call, image: Image, add: Sequence[str]) -> None:
    for account_id in add:
        if not (account_id.isascii() and account_id.isdigit()):
            raise refusal("InvalidAccount.NotFound")
        if account_id == call.caller.account_id:
            raise refusal("InvalidAccount.Forbbiden")
    if image.status is not ImageStatus.AVAILABLE:
        raise refusal("OperationDenied.InvalidImageStatus")
    if image.public:
        # A community image cannot be shared: everybody has it already.
        raise refusal("Image.Public")
    if len({*image.shared_with, *add}) > ACCOUNTS_MAX:
        raise refusal("QuotaExceed.ShareImageUser")
