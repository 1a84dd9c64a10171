"""Every way in which object storage says no: status, message, EC.

Codes and statuses are from Alibaba's reference of each operation; messages and ECs are
those met in the official SDKs' tests and in field reports, else those of the pages on
troubleshooting by HTTP status (AlibabaCloudDocs/oss), or plain English where none was
found (EC "" then).
"""

from typing import NamedTuple

from alicloud_emulator.world.errors import ServiceError

BLOCKED_EC = "0016-00000901"
"""Public ACLs and policies are refused with it while public access is blocked."""


_HEADER_UNTAKEN = "A header you provided implies functionality that is not implemented."


class Refusal(NamedTuple):
    """A code's status, its usual message and its EC."""

    status: int
    message: str
    ec: str = ""


REFUSALS = {
    "AccessDenied": Refusal(
        403,
        "You have no right to access this object because of bucket acl.",
        "0003-00000001",
    ),
    "AccessForbidden": Refusal(
        403,
        "CORSResponse: This CORS request is not allowed. This is usually because the "
        "evalution of Origin, request method / Access-Control-Request-Method or "
        "Access-Control-Requet-Headers are not whitelisted by the resource's CORS "
        "spec.",
    ),
    "ApkDownloadForbidden": Refusal(
        400,
        "The APK file is not allowed to be distributed in a public network using the "
        "OSS endpoint, please use CNAME instead.",
        "0048-00000200",
    ),
    "BadRequest": Refusal(400, "Insufficient information."),
    "BucketAlreadyExists": Refusal(
        409,
        "The requested bucket name is not available. The bucket namespace is shared "
        "by all users of the system. Please select a different name and try again.",
        "0015-00000104",
    ),
    "BucketNotEmpty": Refusal(
        409, "The bucket has objects. Please delete them first.", "0015-00000301"
    ),
    "CORSRuleBeyondLimit": Refusal(400, "The CORS Rules num is beyond limit."),
    "CallbackFailed": Refusal(
        203, "Response body is not valid json format.", "0007-00000203"
    ),
    "EntityTooLarge": Refusal(
        400, "Your proposed upload exceeds the maximum allowed size.", "0016-00000104"
    ),
    "EntityTooSmall": Refusal(
        400,
        "Your proposed upload smaller than the minimum allowed size.",
        "0042-00000101",
    ),
    "FieldItemTooLong": Refusal(400, "Your name of form field is too long."),
    "FileAlreadyExists": Refusal(
        409,
        "The object you specified already exists and can not be overwritten.",
        "0026-00000002",
    ),
    "FileImmutable": Refusal(409, "The object you specified is immutable."),
    "ForbidCreateNewBucket": Refusal(
        403, "New buckets are not allowed in this region."
    ),
    "IncorrectNumberOfFilesInPOSTRequest": Refusal(
        400, "POST requires exactly one file upload per request."
    ),
    "InvalidArgument": Refusal(400, "Invalid Argument."),
    "InvalidBucketName": Refusal(
        400, "The specified bucket is not valid.", "0015-00000001"
    ),
    "InvalidDigest": Refusal(
        400, "The Content-MD5 you specified was invalid.", "0016-00000507"
    ),
    "InvalidEncryptionAlgorithmError": Refusal(
        400,
        "The Encryption request you specified is not valid. "
        "Supported value: AES256/SM4/KMS.",
    ),
    "InvalidLocationConstraint": Refusal(
        400, "The specified location-constraint is not valid"
    ),
    "InvalidObjectName": Refusal(
        400, "The specified object is not valid.", "0026-00000003"
    ),
    "InvalidObjectState": Refusal(
        403, "The operation is not valid for the object's state", "0026-00000021"
    ),
    "InvalidPart": Refusal(
        400,
        "One or more of the specified parts could not be found or the specified "
        "entity tag might not have matched the part's entity tag.",
        "0042-00000003",
    ),
    "InvalidPartOrder": Refusal(
        400,
        "The list of parts was not in ascending order. "
        "Parts list must specified in order by part number.",
        "0042-00000004",
    ),
    "InvalidPolicyDocument": Refusal(403, "Invalid Policy.", "0006-00000213"),
    "InvalidRange": Refusal(
        416, "The requested range cannot be satisfied", "0026-00000201"
    ),
    "InvalidRequest": Refusal(400, "The request is invalid."),
    "InvalidStorageClass": Refusal(400, "The storage class you specified is invalid."),
    "InvalidTag": Refusal(400, "The TagKey you have provided is invalid."),
    "InvalidTargetType": Refusal(400, "The symbolic's target file type is invalid."),
    "InventoryAlreadyExist": Refusal(
        409, "The Inventory Configuration already exists."
    ),
    "InventoryExceedLimit": Refusal(
        400, "You are not allowed to create more inventory than limit."
    ),
    "MalformedPOSTRequest": Refusal(
        400, "The body of your POST request is not well-formed multipart/form-data."
    ),
    "MalformedXML": Refusal(
        400,
        "The XML you provided was not well-formed or did not validate against our "
        "published schema.",
        "0016-00000601",
    ),
    "MethodNotAllowed": Refusal(
        405, "The specified method is not allowed against this resource."
    ),
    "MissingArgument": Refusal(
        400, "Missing Some Required Arguments.", "0016-00000502"
    ),
    "MissingContentLength": Refusal(
        411, "You must provide the Content-Length HTTP header."
    ),
    "NoSuchBucket": Refusal(
        404, "The specified bucket does not exist.", "0015-00000101"
    ),
    "NoSuchBucketPolicy": Refusal(
        404, "The bucket policy does not exist.", "0030-00000006"
    ),
    "NoSuchCORSConfiguration": Refusal(
        404, "The CORS Configuration does not exist.", "0034-00000001"
    ),
    "NoSuchInventory": Refusal(404, "No Row found in Inventory Table."),
    "NoSuchKey": Refusal(404, "The specified key does not exist.", "0026-00000001"),
    "NoSuchLifecycle": Refusal(404, "No Row found in Lifecycle Table."),
    "NoSuchRegion": Refusal(404, "NoSuchRegion"),
    "NoSuchServerSideEncryptionRule": Refusal(
        404, "The server side encryption configuration was not found."
    ),
    "NoSuchTransferAccelerationConfiguration": Refusal(
        404,
        "The bucket you specified does not have transfer acceleration configuration.",
    ),
    "NoSuchUpload": Refusal(
        404,
        "The specified upload does not exist. The upload ID may be invalid, "
        "or the upload may have been aborted or completed.",
        "0042-00000002",
    ),
    "NoSuchUserDefinedLogFieldsConfig": Refusal(
        404, "The specified user-defined log fields do not exist."
    ),
    "NoSuchVersion": Refusal(404, "The specified version does not exist."),
    "NoSuchWebsiteConfiguration": Refusal(
        404, "The specified bucket does not have a website configuration."
    ),
    "NotImplemented": Refusal(
        501, "A header or query you provided implies unimplemented functionality."
    ),
    "NotModified": Refusal(304, "Not Modified"),
    "NotSymlink": Refusal(400, "The object is not symlink.", "0026-00000012"),
    "ObjectNotAppendable": Refusal(
        409, "The object is not appendable", "0026-00000008"
    ),
    "OperationNotSupported": Refusal(
        400, "The operation is not supported for this resource", "0016-00000701"
    ),
    "PartNotSequential": Refusal(
        400, "The part is not the next one of an upload whose parts come in order."
    ),
    "PositionNotEqualToLength": Refusal(
        409, "Position is not equal to file length", "0026-00000007"
    ),
    "PreconditionFailed": Refusal(
        412,
        "At least one of the pre-conditions you specified did not hold.",
        "0026-00000010",
    ),
    # Fact sheet 2.4, seen in the wild on 2026-09-11 (the blank before the comma too).
    "PublicEndpointForbidden": Refusal(
        400,
        "Not allowed using the OSS public endpoint , please use CNAME instead.",
        "0048-00000401",
    ),
    "RequestIsNotMultiPartContent": Refusal(
        400, "Bucket POST must be of the enclosure-type multipart/form-data."
    ),
    "RestoreAlreadyInProgress": Refusal(409, "The restore operation is in progress."),
    "SecondLevelDomainForbidden": Refusal(
        403, "Please use virtual hosted style to access.", "0003-00001401"
    ),
    "SignatureDoesNotMatch": Refusal(
        403,
        "The request signature we calculated does not match the signature you provided."
        " Check your key and signing method.",
    ),
    "SymlinkTargetNotExist": Refusal(
        404, "The symlink target object does not exist.", "0026-00000011"
    ),
    "TooManyBuckets": Refusal(
        400, "You have attempted to create more buckets than allowed.", "0015-00000201"
    ),
    "TransferAccelerationDisabled": Refusal(403, "Transfer acceleration is disabled."),
    "UserDisable": Refusal(403, "UserDisable", "0003-00000801"),
}


OF_ACTIONS = {
    # The code and 400 are in the Node.js SDK's table of errors, the EC on its own page.
    # https://help.aliyun.com/en/oss/user-guide/0030-00000005
    ("PutBucketPolicy", "InvalidPolicyDocument"): Refusal(
        400, "Invalid policy document.", "0030-00000005"
    ),
}
"""What one operation says otherwise, by its name and the code."""


def invalid_policy(why: str, *, ec: str | None = None) -> ServiceError:
    """Return the error for a bucket policy that is none.

    Args:
        why: What is wrong with it.
        ec: In place of the usual one.
    """
    status, message, usual_ec = OF_ACTIONS["PutBucketPolicy", "InvalidPolicyDocument"]
    return ServiceError(
        "InvalidPolicyDocument",
        status,
        f"{message[:-1]}: {why}.",
        ec=usual_ec if ec is None else ec,
    )


def refusal(
    code: str, message: str = "", *, ec: str | None = None, **fields: str
) -> ServiceError:
    """Return the error of that code, to be raised.

    Args:
        code: A key of the table above.
        message: In place of the usual one.
        ec: In place of the usual one; "" for none.
        fields: More elements of the error body (``BucketName``, ``Key``...).
    """
    status, usual, usual_ec = REFUSALS[code]
    return ServiceError(
        code,
        status,
        message or usual,
        ec=usual_ec if ec is None else ec,
        fields=fields,
    )


def not_implemented(**fields: str) -> ServiceError:
    """Return the error for a header or parameter that object storage does not take.

    Its status is 400 and not that of operations that are not there. [API error page]

    Args:
        fields: Which one it was, as ``Header`` or ``Argument``.
    """
    error = refusal("NotImplemented", _HEADER_UNTAKEN, **fields)
    error.status = 400
    return error
