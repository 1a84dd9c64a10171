"""What operations on objects take."""

from dataclasses import replace

from alicloud_emulator.services.declared import (
    accepted,
    body,
    header,
    query,
    refused,
    required,
)
from alicloud_emulator.services.oss.call import KEPT_HEADERS
from alicloud_emulator.services.oss.declared import (
    ATTRIBUTE_ERRORS,
    ATTRIBUTES,
    BYPASS,
    CALLBACK,
    CONDITION_ERRORS,
    CONDITIONS,
    CONTENT_MD5,
    DOCUMENT,
    ENCODING,
    ENCRYPTION,
    FORBID_OVERWRITE,
    OBJECT_ACL,
    TRAFFIC_LIMIT,
    VERSION,
    WORM,
    Declared,
)

_UPLOAD_ID = required(query("uploadId"))
_PART_NUMBER = required(query("partNumber", "1 to 10,000"))
_POSITION = required(query("position"))
_DATA = body("body", "up to 5 GB")
_BYTES = ("EntityTooLarge", "InvalidDigest", "MissingContentLength")
_NO_ENCRYPTION = tuple(
    replace(one, note="`InvalidArgument`: its place is InitiateMultipartUpload")
    for one in ENCRYPTION
)
_COPY_SOURCE = (
    required(header("x-oss-copy-source", "may end in `?versionId=`")),
    *(replace(one, name=f"x-oss-copy-source-{one.name}") for one in CONDITIONS),
    accepted(header("x-oss-traffic-limit"), "nothing is moved"),
)
_LINK_ERRORS = ("InvalidTargetType", "SymlinkTargetNotExist")
_VERSION_ERRORS = ("InvalidArgument", "NoSuchVersion")
_FOUND_ERRORS = ("NoSuchKey", *_VERSION_ERRORS)
_READ_ERRORS = (
    "InvalidObjectState",
    *_FOUND_ERRORS,
    *_LINK_ERRORS,
    *CONDITION_ERRORS,
)

_WHOLE = {
    "PutObject": Declared(
        (
            *ATTRIBUTES,
            *ENCRYPTION,
            CONTENT_MD5,
            *TRAFFIC_LIMIT,
            *CALLBACK,
            *WORM,
            header("if-modified-since", "`NotImplemented`, as in life"),
            _DATA,
        ),
        (*ATTRIBUTE_ERRORS, *_BYTES, "InvalidEncryptionAlgorithmError"),
    ),
    "GetObject": Declared(
        (
            *CONDITIONS,
            header("range"),
            header("x-oss-range-behavior", "`standard`"),
            header("accept-encoding", "`gzip`: texts from 1 KB on"),
            *(query(f"response-{name}") for name in KEPT_HEADERS),
            *TRAFFIC_LIMIT,
            VERSION,
            refused(query("x-oss-process")),
        ),
        (*_READ_ERRORS, "ApkDownloadForbidden", "InvalidArgument", "InvalidRange"),
    ),
    "HeadObject": Declared(
        (*CONDITIONS, VERSION), (*_FOUND_ERRORS, *_LINK_ERRORS, *CONDITION_ERRORS)
    ),
    "GetObjectMeta": Declared(
        (*CONDITIONS, VERSION), (*_FOUND_ERRORS, *CONDITION_ERRORS)
    ),
    "DeleteObject": Declared((VERSION, BYPASS), ("InvalidArgument",)),
    "CopyObject": Declared(
        (
            *_COPY_SOURCE,
            header("x-oss-metadata-directive", "`COPY` or `REPLACE`"),
            header("x-oss-tagging-directive", "`COPY` or `REPLACE`"),
            *ATTRIBUTES,
            *ENCRYPTION,
            accepted(header("content-md5"), "there are no bytes"),
            *WORM,
        ),
        (
            *_READ_ERRORS,
            *ATTRIBUTE_ERRORS,
            "EntityTooLarge",
            "InvalidEncryptionAlgorithmError",
        ),
    ),
    "AppendObject": Declared(
        (_POSITION, *ATTRIBUTES, *ENCRYPTION, CONTENT_MD5, *TRAFFIC_LIMIT, _DATA),
        (
            *(code for code in ATTRIBUTE_ERRORS if code != "FileAlreadyExists"),
            *_BYTES,
            "FileImmutable",
            "InvalidEncryptionAlgorithmError",
            "ObjectNotAppendable",
            "PositionNotEqualToLength",
        ),
    ),
    "SealAppendObject": Declared(
        (_POSITION,),
        (
            "FileImmutable",
            "InvalidArgument",
            "NoSuchKey",
            "ObjectNotAppendable",
            "PositionNotEqualToLength",
        ),
    ),
    "OptionObject": Declared(
        (
            required(header("origin")),
            required(header("access-control-request-method")),
            header("access-control-request-headers"),
        ),
        ("AccessForbidden", "BadRequest"),
    ),
    "PutSymlink": Declared(
        (required(header("x-oss-symlink-target")), *ATTRIBUTES),
        (*ATTRIBUTE_ERRORS, "MissingArgument"),
    ),
    "GetSymlink": Declared((VERSION,), (*_FOUND_ERRORS, "NotSymlink")),
}

_ASPECTS = {
    "GetObjectAcl": Declared((VERSION,), _FOUND_ERRORS),
    "PutObjectAcl": Declared(
        (required(OBJECT_ACL), VERSION),
        (*_FOUND_ERRORS, "MissingArgument"),
    ),
    "GetObjectTagging": Declared((VERSION,), _FOUND_ERRORS),
    "PutObjectTagging": Declared(
        (VERSION, body("TagSet/Tag/Key"), body("TagSet/Tag/Value")),
        (*DOCUMENT, *_FOUND_ERRORS, "InvalidTag"),
    ),
    "DeleteObjectTagging": Declared((VERSION,), _FOUND_ERRORS),
    "RestoreObject": Declared(
        (
            VERSION,
            body("Days", "1 to 365"),
            body("JobParameters/Tier", "checked, and told back"),
        ),
        (
            *DOCUMENT,
            *_FOUND_ERRORS,
            "OperationNotSupported",
            "RestoreAlreadyInProgress",
        ),
    ),
    "CleanRestoredObject": Declared(
        (VERSION,), (*_FOUND_ERRORS, "OperationNotSupported")
    ),
}

_UPLOADS = {
    "InitiateMultipartUpload": Declared(
        (
            *ATTRIBUTES,
            *ENCRYPTION,
            ENCODING,
            query("sequential", "the object has an MD5 then"),
            accepted(header("content-md5"), "there are no bytes"),
            *WORM,
        ),
        (*ATTRIBUTE_ERRORS, "InvalidEncryptionAlgorithmError"),
    ),
    "UploadPart": Declared(
        (
            _UPLOAD_ID,
            _PART_NUMBER,
            CONTENT_MD5,
            *TRAFFIC_LIMIT,
            *_NO_ENCRYPTION,
            _DATA,
        ),
        (*_BYTES, "InvalidArgument", "NoSuchUpload", "PartNotSequential"),
    ),
    "UploadPartCopy": Declared(
        (_UPLOAD_ID, _PART_NUMBER, *_COPY_SOURCE, header("x-oss-copy-source-range")),
        (*_READ_ERRORS, "InvalidRange", "NoSuchUpload", "PartNotSequential"),
    ),
    "CompleteMultipartUpload": Declared(
        (
            _UPLOAD_ID,
            ENCODING,
            header("x-oss-complete-all", "`yes`"),
            OBJECT_ACL,
            FORBID_OVERWRITE,
            *_NO_ENCRYPTION,
            body("Part/PartNumber"),
            body("Part/ETag"),
            *CALLBACK,
        ),
        (
            *DOCUMENT,
            "EntityTooSmall",
            "FileAlreadyExists",
            "InvalidArgument",
            "InvalidPart",
            "InvalidPartOrder",
            "NoSuchUpload",
        ),
    ),
    "AbortMultipartUpload": Declared((_UPLOAD_ID,), ("NoSuchUpload",)),
    "ListParts": Declared(
        (
            _UPLOAD_ID,
            ENCODING,
            query("max-parts", "up to 1000, which is usual"),
            query("part-number-marker"),
        ),
        ("InvalidArgument", "NoSuchUpload"),
    ),
}

OBJECTS = {**_WHOLE, **_ASPECTS, **_UPLOADS}
"""By the operation's name."""
