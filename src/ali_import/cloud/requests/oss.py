"""Calls to OSS."""

from collections.abc import Sequence
from dataclasses import dataclass

from ali_import.cloud.requests.base import R_co, Repeat, Request
from ali_import.cloud.values import (
    Body,
    Bucket,
    SecretUrl,
    StoredObject,
    StoredPart,
    Upload,
)


@dataclass(frozen=True, kw_only=True)
class PutBucket(Request[None]):
    """Make a private bucket; succeeds again for its owner."""

    SERVICE = "oss"
    REPEAT = Repeat.NATURAL
    bucket: str


@dataclass(frozen=True, kw_only=True)
class DeleteBucket(Request[None]):
    """Delete an empty bucket."""

    SERVICE = "oss"
    REPEAT = Repeat.NATURAL
    bucket: str


@dataclass(frozen=True, kw_only=True)
class ListBuckets(Request[tuple[Bucket, ...]]):
    """List the account's buckets whose name starts with ``prefix``, all pages.

    Any region's endpoint lists the buckets of every region.
    """

    SERVICE = "oss"
    REPEAT = Repeat.READ
    prefix: str


@dataclass(frozen=True, kw_only=True)
class DataRequest(Request[R_co]):
    """An OSS data call; ``relay`` is the function to send it through, or ""."""

    bucket: str
    relay: str = ""


@dataclass(frozen=True, kw_only=True)
class PutObject(DataRequest[None]):
    """Store an object; OSS refuses bytes that do not match ``content_md5`` (hex)."""

    SERVICE = "oss"
    REPEAT = Repeat.NATURAL
    key: str
    body: Body
    content_md5: str


@dataclass(frozen=True, kw_only=True)
class ListObjects(DataRequest[tuple[StoredObject, ...]]):
    """List every object of a bucket, all pages."""

    SERVICE = "oss"
    REPEAT = Repeat.READ


@dataclass(frozen=True, kw_only=True)
class DeleteObjects(DataRequest[None]):
    """Delete objects by key (DeleteMultipleObjects), at most 1000 a call."""

    SERVICE = "oss"
    REPEAT = Repeat.NATURAL
    keys: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class InitiateMultipartUpload(DataRequest[str]):
    """Begin a multipart upload and return its id; a repeat begins another one."""

    SERVICE = "oss"
    REPEAT = Repeat.NATURAL
    key: str


@dataclass(frozen=True, kw_only=True)
class UploadPart(DataRequest[StoredPart]):
    """Store one part; ``number`` counts from 1; ``content_md5`` is hex."""

    SERVICE = "oss"
    REPEAT = Repeat.NATURAL
    key: str
    upload_id: str
    number: int
    body: Body
    content_md5: str


@dataclass(frozen=True, kw_only=True)
class CompleteMultipartUpload(DataRequest[None]):
    """Make the object of its parts."""

    SERVICE = "oss"
    REPEAT = Repeat.NATURAL
    key: str
    upload_id: str
    parts: Sequence[StoredPart]


@dataclass(frozen=True, kw_only=True)
class AbortMultipartUpload(DataRequest[None]):
    """Drop an unfinished upload and its parts."""

    SERVICE = "oss"
    REPEAT = Repeat.NATURAL
    key: str
    upload_id: str


@dataclass(frozen=True, kw_only=True)
class ListMultipartUploads(DataRequest[tuple[Upload, ...]]):
    """List every unfinished upload of a bucket, all pages."""

    SERVICE = "oss"
    REPEAT = Repeat.READ


@dataclass(frozen=True, kw_only=True)
class PresignGetObject(Request[SecretUrl]):
    """Make a URL, on the region's public host, that reads one object for a while.

    Attributes:
        lifetime_s: Wanted life in seconds; never beyond the credentials' own.
    """

    SERVICE = "oss"
    REPEAT = Repeat.READ
    bucket: str
    key: str
    lifetime_s: float
