"""What operations on the service and on buckets take."""

from alicloud_emulator.services.declared import (
    Field,
    accepted,
    body,
    header,
    query,
    refused,
    required,
)
from alicloud_emulator.services.oss.declared import (
    BYPASS,
    DELIMITER,
    DOCUMENT,
    ENCODING,
    ENCRYPTION,
    MAX_KEYS,
    PREFIX,
    Declared,
)
from alicloud_emulator.world.oss.settings import SETTINGS, Setting

_MARKER = query("marker")
_LISTED = ("InvalidArgument", "PublicEndpointForbidden")
_ACL = header("x-oss-acl")
_BLOCK = Declared((body("BlockPublicAccess"),), DOCUMENT)
_NEW_BUCKET = (
    "ForbidCreateNewBucket",
    "InvalidArgument",
    "InvalidBucketName",
    "TooManyBuckets",
)
_GROUP = "kept; resource groups do not exist"

SERVICE = {
    "ListBuckets": Declared(
        (
            PREFIX,
            _MARKER,
            MAX_KEYS,
            query("tag-key"),
            query("tag-value"),
            query("tagging", '`"key":"value",...`'),
            header("x-oss-resource-group-id"),
        ),
        ("InvalidArgument",),
    ),
    "GetPublicAccessBlock": Declared(),
    "PutPublicAccessBlock": _BLOCK,
    "DeletePublicAccessBlock": Declared(),
    "DescribeRegions": Declared(
        (query("regions", "`oss-REGION`; all where it is empty"),), ("NoSuchRegion",)
    ),
}
"""Operations on the service itself, by name."""

_LISTS = {
    "ListObjects": Declared((PREFIX, DELIMITER, _MARKER, MAX_KEYS, ENCODING), _LISTED),
    "ListObjectsV2": Declared(
        (
            PREFIX,
            DELIMITER,
            query("start-after"),
            query("continuation-token"),
            query("fetch-owner"),
            MAX_KEYS,
            ENCODING,
        ),
        _LISTED,
    ),
    "ListObjectVersions": Declared(
        (
            PREFIX,
            DELIMITER,
            query("key-marker"),
            query("version-id-marker"),
            MAX_KEYS,
            ENCODING,
        ),
        _LISTED,
    ),
    "ListMultipartUploads": Declared(
        (
            PREFIX,
            DELIMITER,
            query("key-marker"),
            query("upload-id-marker"),
            query("max-uploads", "up to 1000, which is usual"),
            ENCODING,
        ),
        _LISTED,
    ),
    "ListLiveChannel": Declared(
        (
            accepted(PREFIX, "there are none, ever"),
            accepted(_MARKER),
            query("max-keys", "told back"),
        ),
        ("InvalidArgument",),
    ),
    "DeleteMultipleObjects": Declared(
        (
            required(header("content-md5")),
            ENCODING,
            body("Object/Key", "up to 1000"),
            body("Object/VersionId"),
            body("Quiet"),
            BYPASS,
        ),
        (
            *DOCUMENT,
            "InvalidArgument",
            "InvalidDigest",
            "InvalidObjectName",
            "MissingArgument",
            "PublicEndpointForbidden",
        ),
    ),
}

_BUCKET = {
    "PutBucket": Declared(
        (
            _ACL,
            accepted(header("x-oss-resource-group-id"), _GROUP),
            header("x-oss-bucket-tagging"),
            *ENCRYPTION,
            body("StorageClass"),
            body("LocationConstraint", "must be the host's"),
            body("DataRedundancyType"),
            refused(header("x-oss-agentic-bucket")),
        ),
        (
            *DOCUMENT,
            *_NEW_BUCKET,
            "BucketAlreadyExists",
            "InvalidEncryptionAlgorithmError",
            "InvalidTag",
        ),
    ),
    "DeleteBucket": Declared((), ("BucketNotEmpty",)),
    "GetBucketInfo": Declared(),
    "GetBucketLocation": Declared(),
    "GetBucketStat": Declared(),
    "GetBucketAcl": Declared(),
    "PutBucketAcl": Declared((required(_ACL),), ("MissingArgument", *_NEW_BUCKET)),
    "GetBucketTagging": Declared(),
    "PutBucketTagging": Declared(
        (body("TagSet/Tag/Key"), body("TagSet/Tag/Value")), (*DOCUMENT, "InvalidTag")
    ),
    "DeleteBucketTagging": Declared((query("tagging", "keys, with commas between"),)),
    "GetBucketPolicyStatus": Declared(),
    "GetBucketVersioning": Declared(),
    "PutBucketVersioning": Declared((body("Status"),), DOCUMENT),
}

_KEPT = accepted(body("*"), "kept, and given back")
_PUT: dict[str, Declared] = {
    "lifecycle": Declared(
        (
            accepted(body("Rule/Status"), "checked; nothing expires"),
            accepted(body("Rule/ID"), "checked, or made up"),
            accepted(body("Rule/Tag/*"), "checked"),
            accepted(body("Rule/Expiration/*"), "days are checked"),
            accepted(body("Rule/Transition/*"), "days and their order are checked"),
            accepted(header("x-oss-allow-same-action-overlap"), "rules may overlap"),
        ),
        ("InvalidArgument", "InvalidRequest"),
    ),
    "cors": Declared(
        (
            accepted(body("CORSRule/MaxAgeSeconds"), "checked"),
            body("CORSRule/*", "answers to pages of other sites have the headers"),
            body("ResponseVary", "every answer has `Vary: Origin`"),
        ),
        ("CORSRuleBeyondLimit", "InvalidArgument"),
    ),
    "userDefinedLogFieldsConfig": Declared(
        (
            accepted(body("HeaderSet/header"), "checked; no logs are written"),
            accepted(body("ParamSet/parameter"), "counted; up to 6 with the headers"),
        ),
        ("InvalidArgument",),
    ),
    "policy": Declared((body("body", "JSON"),), ("InvalidArgument",)),
    "requestPayment": Declared((body("Payer"),)),
    "transferAcceleration": Declared(
        (body("Enabled", "opens the accelerate hosts to the bucket"),)
    ),
    "accessmonitor": Declared((body("Status", "GetObjectMeta tells of reading"),)),
    "publicAccessBlock": Declared((body("BlockPublicAccess"),)),
    "encryption": Declared(
        tuple(
            body(f"ApplyServerSideEncryptionByDefault/{name}", "told back")
            for name in ("SSEAlgorithm", "KMSMasterKeyID", "KMSDataEncryption")
        ),
        ("InvalidArgument", "InvalidEncryptionAlgorithmError"),
    ),
    "resourceGroup": Declared((accepted(body("ResourceGroupId"), _GROUP),)),
    "qos": Declared(
        (accepted(body("StorageCapacity"), "kept; buckets hold any amount"),),
        ("InvalidArgument",),
    ),
    "inventory": Declared(
        (
            required(query("inventoryId")),
            body("Id"),
            *(
                accepted(body(name), "checked; none is ever written")
                for name in ("IsEnabled", "Schedule/*", "IncludedObjectVersions")
            ),
        ),
        ("InvalidArgument", "InventoryAlreadyExist", "InventoryExceedLimit"),
    ),
    "httpsConfig": Declared((accepted(body("TLS/*"), "checked"),)),
}


def _operations(setting: Setting) -> dict[str, Declared]:
    """Return the operations of one kind of configuration."""
    put = _PUT.get(setting.sub_resource, Declared())
    fields: tuple[Field, ...] = put.fields
    errors: tuple[str, ...] = ("EntityTooLarge", *put.errors)
    if setting.root:
        fields, errors = (*fields, _KEPT), (*DOCUMENT, *put.errors)
    missing = (setting.missing,) if setting.missing else ()
    found = {
        setting.action("Get"): Declared((), missing),
        setting.action("Put"): Declared(fields, errors),
    }
    if setting.removable:
        found[setting.action("Delete")] = Declared()
    if setting.many:
        which = (required(query(setting.many.key)),)
        found[setting.action("Get")] = Declared(which, missing)
        found[setting.action("Delete")] = Declared(which)
        found[setting.action("List")] = Declared(
            (query("continuation-token"),), missing
        )
    return found


BUCKETS = {
    **_BUCKET,
    **_LISTS,
    **{
        name: declared
        for setting in SETTINGS.values()
        for name, declared in _operations(setting).items()
    },
}
"""Operations on buckets, by name."""
