"""Changing and deleting images."""

from alicloud_emulator.products.ecs.asked import FEATURES, enter
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.world.ecs.import_checks import check_boot_mode, check_features
from alicloud_emulator.world.ecs.records import Image, ImageStatus, Origin
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import (
    check_choice,
    check_description,
    check_name,
    is_name,
)
from alicloud_emulator.world.ecs.store import Store


@action(
    "ModifyImageAttribute",
    resource=("ImageId",),
    notes={"ImageFamily": "an empty one changes nothing"},
    more=(FEATURES,),
)
def modify_image_attribute(call: Call) -> Document:
    """Carry out ModifyImageAttribute: all of it, or nothing if anything is refused.

    An empty value counts as not given, so that a family, once set, can be changed but
    not taken away (whether the real API can is unknown).
    """
    image_id = call.text("ImageId")
    store = enter(call, f"image/{image_id}", change=True)
    image = store.own_image(call.caller, call.region, image_id)
    early = call.world.profile.habits.features_while_creating
    if image.in_making and not (early and _only_features(call)):
        raise refusal("InvalidStatus.ImageIsCreating")
    _check_texts(call, store, image)
    _check_attributes(call, image)
    _check_status(image, call.text("Status"))
    if call.arguments.flag("DryRun"):
        raise refusal("DryRunOperation")
    features = call.arguments.struct("Features")
    image.name = call.text("ImageName") or image.name
    image.description = call.text("Description") or image.description
    image.family = call.text("ImageFamily") or image.family
    image.boot_mode = call.text("BootMode") or image.boot_mode
    image.license_type = call.text("LicenseType") or image.license_type
    image.nvme = features.text("NvmeSupport") or image.nvme
    image.imds = features.text("ImdsSupport") or image.imds
    image.status = ImageStatus(call.text("Status") or image.status)
    return {}


_REST = (
    "ImageName",
    "Description",
    "ImageFamily",
    "BootMode",
    "LicenseType",
    "Status",
)


def _only_features(call: Call) -> bool:
    """Whether nothing but Features is given."""
    return not any(call.text(name) for name in _REST)


def _check_texts(call: Call, store: Store, image: Image) -> None:
    name, family = call.text("ImageName"), call.text("ImageFamily")
    if name and name != image.name:
        check_name(name)
        store.check_name_free(image.account_id, image.region, name)
    check_description(call.text("Description"))
    if not family or family == image.family:
        return
    if not is_name(family):
        raise refusal("InvalidImageFamily.Malformed")
    limit = call.world.profile.limits.image_family_images
    others = store.images_of(image.account_id, image.region)
    if limit and sum(other.family == family for other in others) >= limit:
        raise refusal("ImageQuotaFull.ImageFamily")


def _check_attributes(call: Call, image: Image) -> None:
    boot_mode, license_type = call.text("BootMode"), call.text("LicenseType").upper()
    features = call.arguments.struct("Features")
    nvme, imds = features.text("NvmeSupport"), features.text("ImdsSupport")
    check_choice(boot_mode, "BootMode", "InvalidBootMode.Malformed")
    check_boot_mode(image.architecture, boot_mode)
    code = "InvalidLicenseType.NotSupported"
    check_choice(license_type, "LicenseType of changes", code)
    check_features(nvme, imds)
    if imds == "v1" and image.imds == "v2":
        raise refusal("InvalidOperation.FeaturesImdsSupportNotMatch")


def _check_status(image: Image, wanted: str) -> None:
    match wanted:
        case "":
            pass
        case "Deprecated":
            if image.status is not ImageStatus.AVAILABLE:
                raise refusal("ImageStatus.NotAvailable")
            if image.shared_with or image.public:
                raise refusal("ImageUseShared")
        case "Available":
            if image.status is not ImageStatus.DEPRECATED:
                raise refusal("ImageStatus.NotDeprecated")
        case _:
            raise refusal("InvalidParameter", "Status")


@action(
    "DeleteImage", resource=("ImageId",), accepted={"Force": "there are no instances"}
)
def delete_image(call: Call) -> Document:
    """Carry out DeleteImage: some time later; its snapshots stay.

    An image that is not there is ignored, as the page says. Until it is gone it shows as
    UnAvailable and keeps its name.
    """
    image_id = call.text("ImageId")
    store = enter(call, f"image/{image_id}", change=True)
    own = store.images_of(call.caller.account_id, call.region)
    found = (i for i in own if i.image_id == image_id and not i.deleting)
    image = next(found, None)
    if image is not None:
        _check_deletable(call, image)
    if call.arguments.flag("DryRun"):
        raise refusal("DryRunOperation")
    if image is not None:
        store.remove_later(image)
    return {}


def _check_deletable(call: Call, image: Image) -> None:
    if image.in_making:
        importing = image.origin is Origin.IMPORT
        raise refusal(
            "ImageIsImporting" if importing else "OperationDenied.ImageCopying"
        )
    if call.world.ecs.copies.is_copied_now(image):
        raise refusal("OperationDenied.ImageCopying")
    if image.public:
        raise refusal("ImageIsPublic")
    if image.shared_with:
        raise refusal("ImageUseShared")
