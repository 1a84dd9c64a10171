"""What every answer means for the call: the one place for each rule of retrying.

A row is found by operation and code; rows that name operations win over those that do
not. An unknown code of a 4xx answer is final, of a 5xx answer transient; no answer at
all is transient, since every call is safe to repeat (``calls.py``).

Sources: the error tables of each action's page (ImportImage 2025-05, CopyImage
2026-01, ...), "How to ensure idempotence" (2024-12), "API throttling" (2024-04), and
the codes that other tools had to learn; docs/errors.md is made from this table.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from ali_import.errors import ApiError, CloudError, TransportError


class Meaning(StrEnum):
    """What to do about an error."""

    TRANSIENT = "try again"
    THROTTLED = "slow down, then try again"
    BUSY = "wait until it is free, then try again"
    DONE = "already done: success"
    LOOK = "look at what is there, and adopt it if it is ours"
    SOURCE = "use another source, or try this one later"
    ROUTE = "try the next route"
    FINAL = "give up and say why"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One rule; a code that ends in ``*`` stands for every code that begins so.

    In the advice, ``{action}`` stands for what a policy calls the operation.
    """

    code: str
    meaning: Meaning
    advice: str = ""
    operations: tuple[str, ...] = ()

    def fits(self, operation: str, code: str) -> bool:
        """Whether the rule is about this error."""
        if self.operations and operation not in self.operations:
            return False
        if self.code.endswith("*"):
            return code.startswith(self.code[:-1])
        return code == self.code


TRANSIENT, THROTTLED, BUSY, DONE, LOOK, SOURCE, ROUTE, FINAL = Meaning

_NETWORK: Final = (
    "check the network; if only this region fails, run again later, or name it with "
    "--allow-failure"
)
_NO_SOURCE: Final = (
    "no region that has the image allowed a copy; publish in one more region, or name "
    "this one with --allow-failure"
)
_DELETED: Final = "somebody, maybe another run, deleted the image meanwhile; run again"
_FAILED: Final = (
    "the cloud failed while it made the image; run again; if it fails again, check that "
    "the file is a complete disk image"
)
_VHD: Final = (
    "publish it as QCOW2 or RAW (qemu-img convert -O qcow2), or name the region with "
    "--allow-failure"
)
_FUNCTIONS: Final = (
    "activate Function Compute in its console, or allow {action} in the caller's policy; "
    "`ali-import check --policy` prints the whole policy"
)
_KEYS: Final = "check ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"

# One line a rule: for these operations ("" is any), these codes mean this. Where two
# lines fit an error, one that names its operation wins.
# fmt: off
_RULES: Final[tuple[tuple[str, str, Meaning, str], ...]] = (
    # Making an image: what has the name, or what the token was used for, may be ours.
    ("ecs.ImportImage ecs.CopyImage", "InvalidImageName.Duplicated IdempotentParameterMismatch", LOOK, ""),
    ("ecs.ImportImage ecs.CopyImage", "IdempotenceParamNotMatch ImageIsImporting", LOOK, ""),
    ("ecs.CopyImage", "OperationDenied.ImageCopyConflict OperationDenied.ImageCopying", SOURCE, _NO_SOURCE),
    ("ecs.CopyImage", "OperationDenied.CommunityImage IncorrectImageStatus", SOURCE, _NO_SOURCE),
    ("ecs.CopyImage", "InvalidImageId.NotFound RegionNotSupportCopy SourceRegion.NotFound", SOURCE, _NO_SOURCE),
    ("ecs.CopyImage", "InvalidOperation.VhdImageUnsupported", ROUTE, _VHD),
    ("ecs.CancelCopyImage", "ImageCreatedNotFromCopy IncorrectImageStatus CancelNotSupported InvalidImageId.NotFound", DONE, ""),
    ("ecs.CancelTask", "InvalidTaskId* IncorrectTaskStatus* InvalidTask.NotCancelable", DONE, ""),
    # Changing an image.
    ("ecs.ModifyImageAttribute", "InvalidImageName.Duplicated", FINAL, "another image has this name in the region"),
    ("ecs.ModifyImageAttribute ecs.ModifyImageSharePermission", "InvalidImageId.NotFound InvalidResourceId.NotFound", FINAL, _DELETED),
    ("ecs.TagResources ecs.UntagResources", "InvalidImageId.NotFound InvalidResourceId.NotFound", FINAL, _DELETED),
    ("ecs.ModifyImageAttribute", "InvalidStatus.ImageIsCreating", BUSY, ""),
    ("ecs.ModifyImageAttribute", "ImageStatus.NotDeprecated", DONE, ""),
    ("ecs.ModifyImageSharePermission", "Image.Public Image.NotPublic", DONE, ""),
    # A dry run that would have worked is told as an error, in one of two spellings.
    ("ecs.ImportImage ecs.CopyImage ecs.ModifyImageAttribute", "DryRunOperation DRYRUN.SUCCESS", DONE, ""),
    ("ecs.ModifyImageSharePermission ecs.DeleteImage", "DryRunOperation DRYRUN.SUCCESS", DONE, ""),
    ("ecs.ModifyImageAttribute", "ImageUseShared", FINAL, "the image is public or shared; make it private first"),
    # Deleting.
    ("ecs.DeleteImage", "InvalidImageId.NotFound InvalidImageId*", DONE, ""),
    ("ecs.DeleteImage", "ImageIsImporting ImageIsExporting ImageIsCreating OperationDenied.ImageCopying", BUSY, ""),
    ("ecs.DeleteImage", "ImageUsingByInstance", FINAL, "an instance still uses the image; release the instance, or force the deletion in the ECS console"),
    ("ecs.DeleteImage", "ImageUseShared", FINAL, "the image is shared with accounts; stop sharing it first"),
    ("ecs.DeleteImage", "ImageIsPublic", FINAL, "the image was made public meanwhile, maybe by another run; run again when nothing else publishes it"),
    ("ecs.DeleteSnapshot", "InvalidSnapshotId.NotFound", DONE, ""),
    ("ecs.DeleteSnapshot", "SnapshotCreatedImage Operation.Conflict IncorrectDiskStatus.CreatingSnapshot", BUSY, ""),
    ("ecs.DeleteSnapshot", "InvalidOperation.RelatedSnapshotNotFinished", BUSY, ""),
    ("ram.GetRole", "EntityNotExist.Role", FINAL, "create the role, for example in the RAM console"),
    ("ram.CreateRole", "EntityAlreadyExists.Role", DONE, ""),
    ("ram.AttachPolicyToRole", "EntityAlreadyExists.Role.Policy", DONE, ""),
    ("fc.CreateFunction", "FunctionAlreadyExists", DONE, ""),
    ("fc.DeleteFunction", "FunctionNotFound", DONE, ""),
    # So it answers, too, whom it was never activated for; other routes need no function.
    ("fc.CreateFunction", "AccessDenied", ROUTE, _FUNCTIONS),
    ("oss.DeleteBucket oss.DeleteObjects", "NoSuchBucket", DONE, ""),
    ("oss.AbortMultipartUpload", "NoSuchUpload NoSuchBucket", DONE, ""),
    ("oss.CompleteMultipartUpload", "NoSuchUpload", LOOK, ""),
    # The cloud's own view of a bucket may lag behind; the caller empties it again.
    ("oss.DeleteBucket", "BucketNotEmpty", LOOK, ""),

    # Any operation: throttled.
    ("", "Throttling* Rejected.Throttling ResourceExhausted ResourceThrottled", THROTTLED, ""),
    ("", "InvalidOSSBucket.FlowLimit DownloadTrafficRateLimitExceeded UploadTrafficRateLimitExceeded", THROTTLED, ""),
    ("", "TooManyRequests QpsLimitExceeded", THROTTLED, ""),
    # Busy.
    ("", "LastTokenProcessing IdempotentProcessing TOKEN_PROCESSING TaskConflict InvalidOperation.Conflict", BUSY, ""),
    ("", "Operation.Conflict OperationConflict OperationDenied.ImageCopying ImageIsImporting", BUSY, ""),
    # A relay's source does not exist any more: it is dropped.
    ("", "RelaySourceGone", SOURCE, ""),
    # It may pass.
    ("", "NoAnswer GarbledAnswer", TRANSIENT, _NETWORK),
    ("", "ProxyFailure", TRANSIENT, "check HTTPS_PROXY and NO_PROXY"),
    ("", "ServiceUnavailable InternalError InternalServerError UnknownError RequestTimeout", TRANSIENT, ""),
    ("", "RequestTimeTooSkewed SignatureNonceUsed InvalidDigest IncompleteBody OperationAborted", TRANSIENT, ""),
    ("", "RelayFetchFailed RelayTargetFailed FunctionNotStarted FunctionTimeoutError FunctionOOMError", TRANSIENT, ""),
    ("", "FunctionUnhandledError UnhandledInvocationError HandledInvocationError InitializationError", TRANSIENT, ""),
    ("", "ProcessExitError ProcessExitedUnexpectedly FCCommonError", TRANSIENT, ""),
    # A presigned URL or a session token ran out half way: a new one is made.
    ("", "InvalidSecurityToken.Expired SecurityTokenExpired", TRANSIENT, ""),
    # The route is refused. A host that does not exist is a service that is not there.
    ("", "HostNotFound ServiceNotEnabled InvalidRegion.NotSupport UserNotInTheWhiteList", ROUTE, ""),
    ("", "PublicEndpointForbidden ForbidCreateNewBucket NoSuchBucket InvalidLocationConstraint", ROUTE, ""),
    ("", "FunctionNotFound FunctionFailed RelayRefused EntityTooLarge NoSource NotTheSeed", ROUTE, ""),
    ("", "InvalidOSSBucket.NotFound InvalidOSSObject.NotFound InvalidOSSBucket.EncryptUnsupported", ROUTE, ""),
    ("", "InvalidImageFormat.RegionNotSupported", ROUTE, ""),
    ("", "ImportImageFailed", ROUTE, _FAILED),
    ("", "TooManyBuckets", ROUTE, "the account has reached its limit of 100 buckets in the region; delete one"),
    ("", "UserDisable InvalidAccountStatus.OSSDisabled", ROUTE, "OSS is not activated for the account, or is blocked; see the OSS console"),
    ("", "IncorrectDestinationRegion OperationDenied.NonCompliantDestinationRegion", ROUTE, "the cloud does not allow copies into this region"),
    # Final.
    ("", "InvalidVHDImage.IncorrectSize InvalidBlockSize.NotSupport", FINAL, "publish it as QCOW2 or RAW: qemu-img convert -O qcow2"),
    ("", "NoSetRoletoECSServiceAcount NoSetRoletoECSServiceAccount", FINAL, "create the RAM role AliyunECSImageImportDefaultRole once (ECS console, Import Image, authorize)"),
    ("", "PublicImageAgreement.NotSigned", FINAL, "accept the Community Image Terms once in the ECS console"),
    ("", "CurrentRegion.NotSupportPublicImage CurrentAccount.NotSupportPublicImage", FINAL, "public images are not allowed here; ask Alibaba Cloud by ticket, or name the region with --allow-failure"),
    ("", "ImageName.ContainsSensitiveWords ImageDescription.ContainsSensitiveWords", FINAL, "choose another --name"),
    ("", "QuotaExceed.Image QuotaExceed.Snapshot QuotaExceed*", FINAL, "delete old images in the region, or raise the quota in Quota Center"),
    ("", "ImageQuotaFull.ImageFamily ImageFamilyQuotaFull", FINAL, "the image family is full; delete old images of it"),
    ("", "Account.Arrearage InsufficientBalance", FINAL, "settle the account's outstanding payment"),
    ("", "Forbidden.RAM NoPermission Forbidden Forbbiden AccessDenied", FINAL, "allow {action} in the caller's policy; `ali-import check --policy` prints the whole policy"),
    ("", "InvalidAccessKeyId* SignatureDoesNotMatch IncompleteSignature", FINAL, _KEYS),
    ("", "InvalidAccessKeySecret InvalidSecurityToken* NoCredentials", FINAL, _KEYS),
    ("", "SecurityTokenRanOut", FINAL, "set a new ALIBABA_CLOUD_SECURITY_TOKEN with its keys, and run again to continue; credentials that renew themselves (OIDC, a role) do not expire"),
    ("", "ImageFileChanged", FINAL, "do not change the image files during a run; run again"),
    ("", "InvalidTimeStamp.Expired", FINAL, "correct this machine's clock"),
    ("", "TlsFailure", FINAL, "point SSL_CERT_FILE at a bundle with your proxy's certificate"),
    ("", "InvalidEncrypted.NotMatchDiskDefaultEncryption", FINAL, "switch off default disk encryption in the region"),
)
# fmt: on

ROWS: Final[tuple[Row, ...]] = tuple(
    Row(code=code, meaning=meaning, advice=advice, operations=tuple(operations.split()))
    for operations, codes, meaning, advice in _RULES
    for code in codes.split()
)

_UNKNOWN: Final = {
    4: Row(code="4xx", meaning=FINAL),
    5: Row(code="5xx", meaning=TRANSIENT),
}


def look_up(error: CloudError) -> Row:
    """Return the row that says what ``error`` means."""
    found = _row(error.operation, error.code)
    if found is not None:
        return found
    if isinstance(error, ApiError):
        if error.retry_after_s > 0 or error.http_status == 429:
            return Row(code=error.code, meaning=THROTTLED)
        return _UNKNOWN[4 if error.http_status < 500 else 5]
    if isinstance(error, TransportError):
        return Row(code=error.code, meaning=TRANSIENT, advice=_NETWORK)
    return Row(code=error.code, meaning=ROUTE, advice=_FAILED)


@lru_cache(maxsize=1024)
def _row(operation: str, code: str) -> Row | None:
    """Find a row by operation and code; one that names operations wins."""
    fitting = [row for row in ROWS if row.fits(operation, code)]
    named = (row for row in fitting if row.operations)
    row = next(named, None) or next(iter(fitting), None)
    if row is None:
        return None
    return replace(row, advice=row.advice.replace("{action}", action(operation)))


_ACTIONS: Final = {
    **dict.fromkeys(
        (
            *("oss.UploadPart", "oss.InitiateMultipartUpload"),
            "oss.CompleteMultipartUpload",
        ),
        "oss:PutObject",
    ),
    "oss.DeleteObjects": "oss:DeleteObject",
}
"""Operations that a policy calls something else. Source: "RAM policies" of OSS."""


def action(operation: str) -> str:
    """Return what a policy calls an operation, for example ``ecs:ImportImage``."""
    return _ACTIONS.get(operation) or operation.replace(".", ":", 1)
