"""What every answer means for the call: the one place for each rule of retrying.

A row is found by operation and code; rows that name operations win over those that do
not. An unknown code of a 4xx answer is final, of a 5xx answer transient; no answer at
all is transient, since every call is safe to repeat (``calls.py``).

Sources: the error tables of each action's page (ImportImage 2025-05, CopyImage
2026-01, ...), "How to ensure idempotence" (2024-12), "API throttling" (2024-04), and
the codes that other tools had to learn; docs/errors.md is made from this table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from ali_import.errors import ApiError, CloudError, HostNotFoundError, TransportError


class Meaning(StrEnum):
    """What to do about an error."""

    TRANSIENT = "try again"
    THROTTLED = "slow down, then try again"
    BUSY = "wait until it is free, then try again"
    DONE = "already done: success"
    LOOK = "look at what is there, and adopt it if it is ours"
    SOURCE = "take another source, or this one later"
    ROUTE = "take the next route"
    FINAL = "give up and say why"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One rule; a code that ends in ``*`` stands for every code that begins so."""

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


def _rows(
    meaning: Meaning,
    codes: Iterable[str],
    *operations: str,
    advice: str = "",
) -> tuple[Row, ...]:
    return tuple(
        Row(code=c, meaning=meaning, advice=advice, operations=operations)
        for c in codes
    )


_M = Meaning
_FAILED_ADVICE: Final = (
    "the cloud began to make the image and failed: run again; if it stays so, check that "
    "the file is a whole raw disk"
)

ROWS: Final[tuple[Row, ...]] = (
    # --- rows about certain operations ----------------------------------------------
    *_rows(
        _M.LOOK,
        ("InvalidImageName.Duplicated", "IdempotentParameterMismatch"),
        "ecs.ImportImage",
        "ecs.CopyImage",
    ),
    *_rows(
        _M.LOOK,
        ("IdempotenceParamNotMatch", "ImageIsImporting"),
        "ecs.ImportImage",
        "ecs.CopyImage",
    ),
    *_rows(
        _M.FINAL,
        ("InvalidImageName.Duplicated",),
        "ecs.ModifyImageAttribute",
        advice="another image has this name in the region",
    ),
    *_rows(_M.DONE, ("InvalidImageId.NotFound", "InvalidImageId*"), "ecs.DeleteImage"),
    *_rows(
        _M.FINAL,
        ("InvalidImageId.NotFound", "InvalidResourceId.NotFound"),
        "ecs.ModifyImageAttribute",
        "ecs.ModifyImageSharePermission",
        "ecs.TagResources",
        "ecs.UntagResources",
        advice="somebody, maybe another run, deleted the image meanwhile; run again",
    ),
    *_rows(_M.DONE, ("InvalidSnapshotId.NotFound",), "ecs.DeleteSnapshot"),
    *_rows(
        _M.BUSY,
        (
            "SnapshotCreatedImage",
            "Operation.Conflict",
            "IncorrectDiskStatus.CreatingSnapshot",
            "InvalidOperation.RelatedSnapshotNotFinished",
        ),
        "ecs.DeleteSnapshot",
    ),
    *_rows(
        _M.BUSY,
        (
            "ImageIsImporting",
            "ImageIsExporting",
            "ImageIsCreating",
            "OperationDenied.ImageCopying",
        ),
        "ecs.DeleteImage",
    ),
    *_rows(
        _M.FINAL,
        ("ImageUsingByInstance",),
        "ecs.DeleteImage",
        advice="an instance still uses the image; release it or delete with force",
    ),
    *_rows(
        _M.FINAL,
        ("ImageUseShared",),
        "ecs.DeleteImage",
        advice="the image is shared with accounts; take the shares back first",
    ),
    *_rows(
        _M.FINAL,
        ("ImageIsPublic",),
        "ecs.DeleteImage",
        advice="somebody is publishing the image; see that nobody is, and run again",
    ),
    *_rows(_M.BUSY, ("InvalidStatus.ImageIsCreating",), "ecs.ModifyImageAttribute"),
    *_rows(_M.DONE, ("ImageStatus.NotDeprecated",), "ecs.ModifyImageAttribute"),
    *_rows(_M.DONE, ("Image.Public",), "ecs.ModifyImageSharePermission"),
    *_rows(_M.DONE, ("Image.NotPublic",), "ecs.ModifyImageSharePermission"),
    *_rows(
        _M.DONE,
        (
            "ImageCreatedNotFromCopy",
            "IncorrectImageStatus",
            "CancelNotSupported",
            "InvalidImageId.NotFound",
        ),
        "ecs.CancelCopyImage",
    ),
    *_rows(
        _M.DONE,
        ("InvalidTaskId*", "IncorrectTaskStatus*", "InvalidTask.NotCancelable"),
        "ecs.CancelTask",
    ),
    *_rows(
        _M.SOURCE,
        (
            "OperationDenied.ImageCopyConflict",
            "OperationDenied.ImageCopying",
            "OperationDenied.CommunityImage",
            "IncorrectImageStatus",
            "InvalidImageId.NotFound",
            "RegionNotSupportCopy",
            "SourceRegion.NotFound",
        ),
        "ecs.CopyImage",
        advice="no region that has the image could be copied from; publish in one more "
        "region, or forgive this one with --allow-failure",
    ),
    *_rows(_M.DONE, ("FunctionAlreadyExists",), "fc.CreateFunction"),
    *_rows(_M.DONE, ("FunctionNotFound",), "fc.DeleteFunction"),
    *_rows(_M.DONE, ("NoSuchBucket",), "oss.DeleteBucket", "oss.DeleteObjects"),
    *_rows(_M.DONE, ("NoSuchUpload", "NoSuchBucket"), "oss.AbortMultipartUpload"),
    *_rows(_M.LOOK, ("NoSuchUpload",), "oss.CompleteMultipartUpload"),
    # The cloud's own view of a bucket may lag behind; the caller empties it again.
    *_rows(_M.LOOK, ("BucketNotEmpty",), "oss.DeleteBucket"),
    # --- throttled -------------------------------------------------------------------
    *_rows(
        _M.THROTTLED,
        (
            "Throttling*",
            "Rejected.Throttling",
            "ResourceExhausted",
            "ResourceThrottled",
            "InvalidOSSBucket.FlowLimit",
            "DownloadTrafficRateLimitExceeded",
            "UploadTrafficRateLimitExceeded",
            "TooManyRequests",
            "QpsLimitExceeded",
        ),
    ),
    # --- busy ------------------------------------------------------------------------
    *_rows(
        _M.BUSY,
        (
            "LastTokenProcessing",
            "IdempotentProcessing",
            "TOKEN_PROCESSING",
            "TaskConflict",
            "InvalidOperation.Conflict",
            "Operation.Conflict",
            "OperationConflict",
            "OperationDenied.ImageCopying",
            "ImageIsImporting",
        ),
    ),
    # --- transient -------------------------------------------------------------------
    *_rows(
        _M.TRANSIENT,
        (
            "ServiceUnavailable",
            "InternalError",
            "InternalServerError",
            "UnknownError",
            "RequestTimeout",
            "RequestTimeTooSkewed",
            "SignatureNonceUsed",
            "InvalidDigest",
            "IncompleteBody",
            "OperationAborted",
            "FunctionNotStarted",
            "RelayFetchFailed",
            "RelayTargetFailed",
            "FunctionTimeoutError",
            "FunctionOOMError",
            "FunctionUnhandledError",
            "UnhandledInvocationError",
            "HandledInvocationError",
            "InitializationError",
            "ProcessExitError",
            "ProcessExitedUnexpectedly",
            "FCCommonError",
            # A presigned URL or a session token ran out half way: a new one is made.
            "InvalidSecurityToken.Expired",
            "SecurityTokenExpired",
        ),
    ),
    # --- the route is refused --------------------------------------------------------
    *_rows(
        _M.ROUTE,
        (
            "PublicEndpointForbidden",
            "ForbidCreateNewBucket",
            "HostNotFound",
            "FunctionNotFound",
            "ServiceNotEnabled",
            "FunctionFailed",
            "NoSource",
            "NotTheSeed",
            "RelayRefused",
            "EntityTooLarge",
            "NoSuchBucket",
            "InvalidOSSBucket.NotFound",
            "InvalidOSSObject.NotFound",
            "InvalidRegion.NotSupport",
            "InvalidImageFormat.RegionNotSupported",
            "UserNotInTheWhiteList",
            "InvalidOSSBucket.EncryptUnsupported",
            "InvalidLocationConstraint",
        ),
    ),
    *_rows(_M.ROUTE, ("ImportImageFailed",), advice=_FAILED_ADVICE),
    *_rows(
        _M.ROUTE,
        ("TooManyBuckets",),
        advice="the account has its 100 buckets in the region; delete one",
    ),
    *_rows(
        _M.ROUTE,
        ("UserDisable", "InvalidAccountStatus.OSSDisabled"),
        advice="OSS is not activated, or is blocked, for the account",
    ),
    *_rows(
        _M.ROUTE,
        ("IncorrectDestinationRegion", "OperationDenied.NonCompliantDestinationRegion"),
        advice="the cloud does not allow copies into this region",
    ),
    # --- final, with a line of advice ------------------------------------------------
    *_rows(
        _M.FINAL,
        ("NoSetRoletoECSServiceAcount", "NoSetRoletoECSServiceAccount"),
        advice="create the RAM role AliyunECSImageImportDefaultRole once "
        "(ECS console, Import Image, authorize)",
    ),
    *_rows(
        _M.FINAL,
        ("PublicImageAgreement.NotSigned",),
        advice="accept the Community Image Terms once in the ECS console",
    ),
    *_rows(
        _M.FINAL,
        ("CurrentRegion.NotSupportPublicImage", "CurrentAccount.NotSupportPublicImage"),
        advice="public images are not allowed here; ask Alibaba Cloud by ticket, or "
        "name the region with --allow-failure",
    ),
    *_rows(
        _M.FINAL,
        ("ImageName.ContainsSensitiveWords", "ImageDescription.ContainsSensitiveWords"),
        advice="choose another --name",
    ),
    *_rows(
        _M.FINAL,
        ("QuotaExceed.Image", "QuotaExceed.Snapshot", "QuotaExceed*"),
        advice="delete old images in the region, or raise the quota in Quota Center",
    ),
    *_rows(
        _M.FINAL,
        ("ImageQuotaFull.ImageFamily", "ImageFamilyQuotaFull"),
        advice="the image family is full; delete old images of it",
    ),
    *_rows(
        _M.FINAL,
        ("Account.Arrearage", "InsufficientBalance"),
        advice="settle the account's outstanding payment",
    ),
    *_rows(
        _M.FINAL,
        ("Forbidden.RAM", "NoPermission", "Forbidden", "Forbbiden", "AccessDenied"),
        advice="grant the action to the caller; docs/permissions.md has the policy",
    ),
    *_rows(
        _M.FINAL,
        (
            "InvalidAccessKeyId*",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
            "InvalidAccessKeySecret",
            "InvalidSecurityToken*",
            "NoCredentials",
        ),
        advice="check ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    ),
    *_rows(
        _M.FINAL,
        ("SecurityTokenRanOut",),
        advice="set a new ALIBABA_CLOUD_SECURITY_TOKEN with its keys, and run again to go "
        "on; credentials that refresh themselves (OIDC, a role) do not run out",
    ),
    *_rows(
        _M.FINAL,
        ("ImageFileChanged",),
        advice="leave the image files alone until the run has ended; run again",
    ),
    *_rows(
        _M.FINAL,
        ("InvalidTimeStamp.Expired",),
        advice="set this machine's clock right",
    ),
    *_rows(
        _M.FINAL,
        ("TlsFailure",),
        advice="point SSL_CERT_FILE at a bundle with your proxy's certificate",
    ),
    *_rows(
        _M.FINAL,
        ("InvalidEncrypted.NotMatchDiskDefaultEncryption",),
        advice="switch off default disk encryption in the region",
    ),
)

_NO_ANSWER: Final = Row(
    code="NoAnswer",
    meaning=Meaning.TRANSIENT,
    advice="check the network; if only this region fails, run again later, or name it "
    "with --allow-failure",
)
_UNKNOWN_4XX: Final = Row(code="4xx", meaning=Meaning.FINAL)
_UNKNOWN_5XX: Final = Row(code="5xx", meaning=Meaning.TRANSIENT)


def look_up(error: CloudError) -> Row:
    """Return the row that says what ``error`` means."""
    found = _row(error.operation, error.code)
    if found is not None:
        return found
    if isinstance(error, HostNotFoundError):
        return Row(code="HostNotFound", meaning=Meaning.ROUTE)
    if isinstance(error, TransportError):
        return _NO_ANSWER
    if isinstance(error, ApiError):
        if error.retry_after_s > 0 or error.http_status == 429:
            return Row(code=error.code, meaning=Meaning.THROTTLED)
        return _UNKNOWN_4XX if error.http_status < 500 else _UNKNOWN_5XX
    return Row(code=error.code, meaning=Meaning.ROUTE, advice=_FAILED_ADVICE)


@lru_cache(maxsize=1024)
def _row(operation: str, code: str) -> Row | None:
    """Find a row by operation and code; one that names operations wins."""
    fitting = [row for row in ROWS if row.fits(operation, code)]
    named = (row for row in fitting if row.operations)
    return next(named, None) or next(iter(fitting), None)
