"""Every error code of ECS that the world gives, with its HTTP status and message.

Source: the error tables of each action's page in the API reference; a message in
angle brackets there stands here as its format. See docs/reference.md.
"""

from alicloud_emulator.world.errors import ServiceError

REFUSALS: dict[str, tuple[int, str]] = {
    # Parameters that every action shares.
    "InvalidRegionId.NotFound": (404, "The specified RegionId does not exist."),
    "InvalidClientToken.Malformed": (
        400,
        "The specified parameter clientToken is not valid.",
    ),
    "IdempotentParameterMismatch": (
        400,
        (
            "The request uses the same client token as a previous, but non-identical "
            "request. Do not reuse a client token with different requests, unless the "
            "requests are identical."
        ),
    ),
    "InvalidParameter": (400, "The specified parameter {} is not valid."),
    "MissingParameter": (
        400,
        (
            'The input parameter "{}" that is mandatory for processing this request is '
            "not supplied."
        ),
    ),
    "DRYRUN.SUCCESS": (
        400,
        "This request is a dryrun request with successful result.",
    ),
    "DryRunOperation": (
        400,
        "Request validation has been passed with DryRun flag set.",
    ),
    "Account.Arrearage": (400, "Your account has an outstanding payment."),
    # Names, texts and attributes of images.
    "InvalidImageName.Malformed": (400, "The specified Image name is wrongly formed."),
    "InvalidImageName.Duplicated": (400, "The destination image is exist."),
    "InvalidDescription.Malformed": (
        400,
        "The specified parameter Description is wrongly formed.",
    ),
    "InvalidImageFamily.Malformed": (
        400,
        "The specified parameter ImageFamily is wrongly formed.",
    ),
    "InvalidArchitecture.Malformed": (
        400,
        "The specified Architecture is wrongly formed.",
    ),
    "InvalidOSType.Malformed": (400, "The specified OSType is wrongly formed."),
    "InvalidPlatform.Malformed": (400, "The specified Platform is wrongly formed."),
    "InvalidBootMode.Malformed": (400, "The specified BootMode is wrongly formed."),
    "InvalidBootMode.NotSupport": (
        400,
        "The specified BootMode is not supported by the architecture of the image.",
    ),
    "InvalidLicenseType.NotSupported": (
        400,
        "The specified LicenseType is not supported.",
    ),
    "InvalidParameter.DetectionStrategy": (
        400,
        "The specified parameter DetectionStrategy is invalid.",
    ),
    "InvalidParameter.FeaturesImdsSupport": (
        400,
        "The specified parameter Features.ImdsSupport is invalid.",
    ),
    "InvalidParameter.FeaturesNvmeSupport": (
        400,
        "The specified parameter Features.NvmeSupport is invalid.",
    ),
    "InvalidOperation.FeaturesImdsSupportNotMatch": (
        403,
        "The ImdsSupport of the image cannot be changed from v2 to v1.",
    ),
    # Imports.
    "NoSetRoletoECSServiceAcount": (
        403,
        (
            "ECS service account Have no right to access your OSS.please attach a role of "
            "access your oss to ECS service account."
        ),
    ),
    "MissingParameter.DiskDeviceMapping": (
        403,
        (
            "The input parameter DiskDeviceMapping that is mandatory for processing this "
            "request is not supplied."
        ),
    ),
    "InvalidOSSBucket.NotFound": (
        400,
        "The specified OSS bucket does not exist in this region.",
    ),
    "InvalidOSSBucket.EncryptUnsupported": (
        403,
        "Accessing objects from encrypted OSS bucket is not supported.",
    ),
    "InvalidOSSObject.NeedRestore": (
        400,
        "The specified OSS object is a archive object, need restore first.",
    ),
    "InvalidOSSObject.NotFound": (
        400,
        "The specified OSS object does not exist in this region.",
    ),
    "InvalidOSSObject.Size": (400, "The specified OSS object size is zero."),
    "InvalidOSS.NotAuthorized": (
        403,
        "The specified OSS bucket or object is not allowed to access.",
    ),
    "InvalidImageSize": (400, "The specified image size is invalid: {}"),
    "InvalidDataDiskSize": (
        400,
        "The specified DiskDeviceMapping.N.DiskImSize should be in the specified range.",
    ),
    "InvalidImageFormat.Malformed": (
        400,
        "The specified Image Format is wrongly formed.",
    ),
    "InvalidVHDImage.IncorrectSize": (
        403,
        (
            "The specified size of the VHD image does not meet the "
            "'header.MaxTableEntries * header.BlockSize' specification."
        ),
    ),
    "QuotaExceed.Image": (403, "The Image Quota exceeds."),
    "ImageIsImporting": (403, "The specified Image is importing."),
    "InvalidTaskId.NotFound": (404, "The specified TaskId does not exist."),
    "IncorrectTaskStatus": (
        403,
        "The specified task cannot be cancelled in its current status.",
    ),
    # Copies.
    "DestinationRegion.NotFound": (400, "The destination region is not found."),
    "RegionNotSupportCopy": (403, "The source region does not support image copy."),
    "OperationDenied.NonCompliantDestinationRegion": (
        403,
        (
            "The copy operation to the destination region is not in compliance with "
            "regulations."
        ),
    ),
    "OperationDenied.CommunityImage": (
        400,
        "Community images do not support this operation.",
    ),
    "InvalidOperation.VhdImageUnsupported": (
        403,
        "The image is in the VHD format, which cannot be copied. Switch to a RAW image.",
    ),
    "OperationDenied.SameRegionOnly": (
        403,
        "The shared image can be copied within its own region only.",
    ),
    "OperationDenied.ImageCopyConflict": (
        400,
        (
            "The same image cannot be copied concurrently. Please wait until the last copy "
            "is completed before you try again."
        ),
    ),
    "OperationDenied.ImageCopying": (403, "The specified image is copying."),
    "IncorrectImageStatus": (400, "The image not available."),
    "ImageCreatedNotFromCopy": (400, "The image is not created from a copy."),
    # Images that are there.
    "InvalidImageId.NotFound": (404, "The specified ImageId does not exist."),
    "InvalidParamter": (400, "The specified parameter {} is not valid."),
    "InvalidImageOwnerAlias.ValueNotSupported": (
        400,
        "The specified ImageOwnerAlias is not supported.",
    ),
    "InvalidImageOwnerAlias.PublicImageUnsupported": (
        400,
        "Public images can be queried with ImageOwnerAlias others only.",
    ),
    "InvalidOperation.ImageOwnerIdUnsupported": (
        400,
        "ImageOwnerId can be used for shared and community images only.",
    ),
    "InvalidFilterKey.NotFound": (404, "The specified filter key does not exist."),
    "InvalidFilterValue": (404, "The specified filter value is invalid."),
    "InvalidUsage": (404, "The specified Usage is invalid."),
    "InvalidOSType": (404, "The specified OSType is invalid."),
    "InvalidArchitecture": (404, "The specified Architecture is invalid."),
    "ImageStatus.NotAvailable": (403, "The image is not in the Available status."),
    "ImageStatus.NotDeprecated": (403, "The image is not in the Deprecated status."),
    "InvalidStatus.ImageIsCreating": (403, "The specified image is being created."),
    "ImageQuotaFull.ImageFamily": (
        400,
        "The number of images in the image family exceeds the limit.",
    ),
    "ImageUseShared": (403, "The specified image has been shared to other users."),
    "ImageIsPublic": (
        403,
        "You can not delete public image, please modify it to private.",
    ),
    # Sharing.
    "Image.Public": (403, "The specified image is public image."),
    "Image.NotPublic": (403, "The specified image is not public image."),
    "CurrentRegion.NotSupportPublicImage": (
        403,
        "Public image is not supported for current region.",
    ),
    "PublicImageAgreement.NotSigned": (
        403,
        "The community image agreement has not been signed.",
    ),
    "OperationDenied.InvalidImageStatus": (
        403,
        "The operation is not permitted in the current status of the image.",
    ),
    "QuotaExceed.ShareImageUser": (
        403,
        "The number of accounts that the image is shared with exceeds the limit.",
    ),
    "InvalidAccount.NotFound": (404, "The specified account does not exist."),
    "InvalidAccount.Forbbiden": (404, "The image cannot be shared to the account."),
    # Regions, snapshots and tags.
    "Invalid.InstanceChargeType": (403, "The specified InstanceChargeType is invalid."),
    "InvalidAcceptLanguage.NotFound": (
        404,
        "The specified AcceptLanguage does not exist.",
    ),
    "SnapshotCreatedImage": (
        403,
        "The snapshot has been used to create user defined image(s).",
    ),
    "InvalidResourceType.NotFound": (404, "The ResourceType provided does not exist."),
    "InvalidResourceId.NotFound": (404, "The specified ResourceId does not exist."),
    "NumberExceed.ResourceIds": (400, "The number of ResourceIds exceeds the limit."),
    "NumberExceed.Tags": (400, "The number of Tags exceeds the limit."),
    "Duplicate.TagKey": (400, "The Tag.N.Key contains duplicate keys."),
    "TagKey.Duplication": (403, "The tag key is duplicated."),
    "InvalidTagKey.Malformed": (400, "The specified Tag.N.Key is not valid."),
    "InvalidTagValue.Malformed": (400, "The specified Tag.N.Value is not valid."),
    "InvalidTagCount": (400, "The number of tags exceeds the limit."),
    "InvalidParameter.TagValue": (
        400,
        "Tag.N.Value cannot be given without Tag.N.Key.",
    ),
    "QuotaExceed.Tags": (403, "The number of tags of the resource exceeds the limit."),
}


def refusal(
    code: str, detail: str = "", *, status: int = 0, message: str = ""
) -> ServiceError:
    """Return ECS's error of that code.

    Args:
        code: A key of REFUSALS.
        detail: What to put into the message's ``{}``.
        status: HTTP status where one action's table differs.
        message: Message where one action's table differs.
    """
    usual_status, usual_message = REFUSALS[code]
    text = message or usual_message.replace("{}", detail)
    return ServiceError(code, status or usual_status, text)
