"""Looking at images, changing, sharing and deleting them."""

from alicloud_emulator.products.ecs.making import FEATURES, id_list
from alicloud_emulator.products.ecs.rows import family_row, image_row, page_fields
from alicloud_emulator.products.rpc.bodies import Document, time_text, time_value
from alicloud_emulator.products.rpc.parameters import (
    TAGS,
    Kind,
    Param,
    accepted,
    boolean,
    integer,
    required,
    structs,
    tag_filters,
)
from alicloud_emulator.products.rpc.service import Action, RpcCall
from alicloud_emulator.world.ecs.changes import ImageChange
from alicloud_emulator.world.ecs.images import FILTER_KEYS, ImageQuery
from alicloud_emulator.world.ecs.refusals import refusal


def describe_images(call: RpcCall) -> Document:
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


def _filters(call: RpcCall) -> dict[str, float]:
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


def describe_image_from_family(call: RpcCall) -> Document:
    """Carry out DescribeImageFromFamily."""
    image = call.world.ecs.describe_image_from_family(
        call.caller, region=call.text("RegionId"), family=call.text("ImageFamily")
    )
    if image is None:
        return {}
    now = call.world.agenda.now
    return {"Image": family_row(image, call.caller.account_id, now)}


def modify_image_attribute(call: RpcCall) -> Document:
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


def modify_image_share_permission(call: RpcCall) -> Document:
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


def describe_image_share_permission(call: RpcCall) -> Document:
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


def delete_image(call: RpcCall) -> Document:
    """Carry out DeleteImage."""
    call.world.ecs.delete_image(
        call.caller,
        region=call.text("RegionId"),
        image_id=call.text("ImageId"),
        force=call.arguments.flag("Force"),
        dry_run=call.arguments.flag("DryRun"),
    )
    return {}


_IMAGE = (required("RegionId"), required("ImageId"))

ACTIONS = (
    Action(
        name="DescribeImages",
        run=describe_images,
        resource=("ImageId", "ImageName", "ImageFamily"),
        params=(
            required("RegionId"),
            Param("ImageId", note="up to 100, comma-separated"),
            Param("ImageName", note="`*` is a wildcard; exact without"),
            Param("ImageFamily"),
            Param("Status", note="default Available; comma-separated; ALL"),
            Param("ImageOwnerAlias", note="there are no system images"),
            integer("ImageOwnerId"),
            boolean("IsPublic"),
            Param("SnapshotId"),
            Param("Usage", note="there are no instances: all images are `none`"),
            Param("OSType"),
            Param("Architecture"),
            accepted("InstanceType"),
            accepted("IsSupportCloudinit", Kind.BOOLEAN),
            accepted("IsSupportIoOptimized", Kind.BOOLEAN),
            accepted("ShowExpired", Kind.BOOLEAN),
            accepted("ActionType"),
            Param("ResourceGroupId"),
            structs("Filter", Param("Key"), Param("Value")),
            TAGS,
            integer("PageNumber"),
            integer("PageSize"),
            boolean("DryRun"),
        ),
        errors=(
            "InvalidParameter", "InvalidParamter",
            "InvalidImageOwnerAlias.ValueNotSupported",
            "InvalidImageOwnerAlias.PublicImageUnsupported",
            "InvalidOperation.ImageOwnerIdUnsupported", "InvalidFilterKey.NotFound",
            "InvalidFilterValue", "InvalidUsage", "InvalidOSType",
            "InvalidArchitecture", "DryRunOperation",
        ),
        never=(
            "InvalidTag.Mismatch",
            "InvalidTagCount",
            "InvalidInstanceType.ValueNotSupported",
            "InvalidFilterValue.NetworkType",
            "CurrentAccount.NotSupportPublicImage",
        ),
    ),
    Action(
        name="DescribeImageFromFamily",
        run=describe_image_from_family,
        resource=("ImageFamily",),
        params=(required("RegionId"), required("ImageFamily")),
    ),
    Action(
        name="ModifyImageAttribute",
        run=modify_image_attribute,
        resource=("ImageId",),
        params=(
            *_IMAGE,
            Param("ImageName"),
            Param("Description"),
            Param("ImageFamily", note="an empty one changes nothing"),
            Param("Status"),
            Param("BootMode"),
            Param("LicenseType"),
            FEATURES,
            boolean("DryRun"),
        ),
        errors=(
            "InvalidImageId.NotFound", "InvalidStatus.ImageIsCreating",
            "InvalidImageName.Malformed", "InvalidImageName.Duplicated",
            "InvalidDescription.Malformed", "InvalidImageFamily.Malformed",
            "ImageQuotaFull.ImageFamily", "InvalidBootMode.Malformed",
            "InvalidBootMode.NotSupport", "InvalidLicenseType.NotSupported",
            "InvalidParameter.FeaturesImdsSupport",
            "InvalidParameter.FeaturesNvmeSupport",
            "InvalidOperation.FeaturesImdsSupportNotMatch",
            "ImageStatus.NotAvailable", "ImageStatus.NotDeprecated",
            "ImageUseShared", "InvalidParameter", "DryRunOperation",
        ),
        never=(
            "ImageFamilyQuotaFull",
            "OperationDeined.ImageUsingByInstance",
        ),
    ),
    Action(
        name="ModifyImageSharePermission",
        run=modify_image_share_permission,
        resource=("ImageId",),
        params=(
            *_IMAGE,
            boolean("IsPublic"),
            Param("AddAccount", Kind.LIST, note="those after the tenth are ignored"),
            Param("RemoveAccount", Kind.LIST, note="those after the tenth are ignored"),
            accepted("LaunchPermission", note="for invited accounts only"),
            boolean("DryRun"),
        ),
        errors=(
            "InvalidImageId.NotFound", "CurrentRegion.NotSupportPublicImage",
            "PublicImageAgreement.NotSigned", "OperationDenied.InvalidImageStatus",
            "Image.Public", "Image.NotPublic", "InvalidAccount.NotFound",
            "InvalidAccount.Forbbiden", "QuotaExceed.ShareImageUser",
            "DryRunOperation",
        ),
        never=(
            "InvalidGroup.Malformed",
            "UnnecessaryParameter.LaunchPermission",
            "InvalidParameter.LaunchPermission",
            "ForbiddenParameter.LaunchPermission",
            "AssumeRoleError",
            "ImageDescription.ContainsSensitiveWords",
            "ImageName.ContainsSensitiveWords",
            "OperationDeined.FullImage",
            "QuotaExceed.ShareImage",
            "InvalidImageId.BidMismatch",
            "OperationDeined.EncryptedSnapshot",
            "InvalidParameter.IsPublic",
            "InvalidOperation.ServiceKeyEncryptedImageUnsupported",
        ),
    ),
    Action(
        name="DescribeImageSharePermission",
        run=describe_image_share_permission,
        resource=("ImageId",),
        params=(*_IMAGE, integer("PageNumber"), integer("PageSize")),
        errors=("InvalidImageId.NotFound", "InvalidParameter"),
    ),
    Action(
        name="DeleteImage",
        run=delete_image,
        resource=("ImageId",),
        params=(
            *_IMAGE,
            accepted("Force", Kind.BOOLEAN, note="there are no instances"),
            boolean("DryRun"),
        ),
        errors=(
            "ImageIsImporting", "OperationDenied.ImageCopying", "ImageIsPublic",
            "ImageUseShared", "DryRunOperation",
        ),
        never=(
            "ImageUsingByInstance",
            "ImageIsExporting",
            "InvalidImageId.NotFound",
        ),
    ),
)  # fmt: skip
