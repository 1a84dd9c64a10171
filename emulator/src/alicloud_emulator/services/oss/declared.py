"""What every operation of object storage takes, and the codes it gives.

The service refuses by these tables what is not implemented, and
docs/actions.md is made of them; tests see to it that operations read and
refuse what is declared here and nothing else.
"""

from dataclasses import dataclass

from alicloud_emulator.services.declared import Field, accepted, header, query, refused
from alicloud_emulator.services.oss.call import KEPT_HEADERS, META_PREFIX


@dataclass(frozen=True)
class Declared:
    """What an operation takes.

    Attributes:
        fields: All but those that any operation takes.
        errors: Codes that it gives besides those of its level.
    """

    fields: tuple[Field, ...] = ()
    errors: tuple[str, ...] = ()


COMMON_FIELDS = (
    header("x-oss-request-payer", "`requester`"),
    query("x-oss-request-payer", "`requester`"),
)
"""What any operation takes, besides a signature."""

COMMON_ERRORS = (
    "AccessDenied",
    "InternalError",
    "InvalidAccessKeyId",
    "InvalidSecurityToken",
    "MethodNotAllowed",
    "NotImplemented",
    "QpsLimitExceeded",
    "RequestTimeTooSkewed",
    "SecondLevelDomainForbidden",
    "SecurityTokenExpired",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
)
"""Codes that any operation can give."""

BUCKET_ERRORS = (
    "InvalidLocationConstraint",
    "NoSuchBucket",
    "TransferAccelerationDisabled",
    "UserDisable",
)
"""Codes that any operation on a bucket, or on an object, can give as well."""

OBJECT_ERRORS = ("InvalidObjectName", "PublicEndpointForbidden")
"""Codes that any operation on an object can give as well."""

DOCUMENT = ("EntityTooLarge", "MalformedXML")
"""Codes of operations whose body is XML."""

ENCRYPTION = (
    header("x-oss-server-side-encryption", "told back; nothing is encrypted"),
    header("x-oss-server-side-data-encryption", "told back"),
    header("x-oss-server-side-encryption-key-id", "told back"),
)
FORBID_OVERWRITE = header("x-oss-forbid-overwrite")
OBJECT_ACL = header("x-oss-object-acl")
CONTENT_MD5 = header("content-md5", "compared with the bytes")
ATTRIBUTES = (
    *(header(name, "told back") for name in KEPT_HEADERS),
    header(f"{META_PREFIX}*", "told back; 8 KB together"),
    OBJECT_ACL,
    header("x-oss-storage-class"),
    header("x-oss-tagging"),
    FORBID_OVERWRITE,
)
ATTRIBUTE_ERRORS = (
    "FileAlreadyExists",
    "InvalidArgument",
    "InvalidStorageClass",
    "InvalidTag",
)
CONDITIONS = (
    header("if-match"),
    header("if-none-match"),
    header("if-modified-since"),
    header("if-unmodified-since"),
)
CONDITION_ERRORS = ("NotModified", "PreconditionFailed")
TRAFFIC_LIMIT = (
    header("x-oss-traffic-limit", "bits a second; bytes go that slowly"),
    query("x-oss-traffic-limit"),
)
CALLBACK = (
    refused(header("x-oss-callback")),
    refused(header("x-oss-callback-var")),
)
WORM = (
    refused(header("x-oss-object-worm-mode")),
    refused(header("x-oss-object-worm-retain-until-date")),
    refused(header("x-oss-object-worm-legal-hold")),
)
BYPASS = accepted(header("x-oss-bypass-governance-retention"), "nothing is retained")
VERSION = query("versionId")
ENCODING = query("encoding-type", "`url`")
PREFIX = query("prefix")
DELIMITER = query("delimiter")
MAX_KEYS = query("max-keys", "up to 1000, 100 where it is not given")
