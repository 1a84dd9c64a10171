"""Every call the engine makes, as a value, with its class of repetition beside it.

``REPEAT`` says why it is safe to send the request again when its reply was lost:

* ``READ``: it changes nothing.
* ``TOKEN``: it carries a ClientToken; the cloud answers a repeat with the first result.
* ``NATURAL``: doing it twice is doing it once (not found = already deleted, ...).
* ``UNIQUE_NAME``: it makes something under a name of ours alone; exists = ours.

Names are Alibaba's own. Source: the API reference of each action.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

from ali_import.cloud.values import (
    Body,
    Bucket,
    CloudImage,
    Function,
    Identity,
    ImportStarted,
    SecretUrl,
    Snapshot,
    StoredObject,
    StoredPart,
    Task,
    TaskDetail,
    Upload,
)

R_co = TypeVar("R_co", covariant=True)


class Repeat(StrEnum):
    """Why a request may be sent again when its reply was lost."""

    READ = "read"
    TOKEN = "token"  # noqa: S105  a class of repetition, not a secret
    NATURAL = "naturally repeatable"
    UNIQUE_NAME = "unique name"


@dataclass(frozen=True, kw_only=True)
class Request(Generic[R_co]):
    """A call. ``region`` is "" for central services."""

    SERVICE: ClassVar[str]
    REPEAT: ClassVar[Repeat]
    region: str = ""

    @classmethod
    def operation(cls) -> str:
        """Return service and action, for example ``ecs.ImportImage``."""
        return f"{cls.SERVICE}.{cls.__name__}"


# --- STS and ECS ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GetCallerIdentity(Request[Identity]):
    """Ask who we are; needs no permission."""

    SERVICE = "sts"
    REPEAT = Repeat.READ


@dataclass(frozen=True, kw_only=True)
class DescribeRegions(Request[tuple[str, ...]]):
    """Ask for the ids of the regions open to the account."""

    SERVICE = "ecs"
    REPEAT = Repeat.READ


@dataclass(frozen=True, kw_only=True)
class DescribeImages(Request[tuple[CloudImage, ...]]):
    """List the account's own images in *every* status, all pages.

    Attributes:
        name: Exact name, or a pattern with ``*``; "" for any.
        image_ids: At most 100 ids; empty for any.
        tags: Only images with all of these tags.
    """

    SERVICE = "ecs"
    REPEAT = Repeat.READ
    name: str = ""
    image_ids: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImportImage(Request[ImportStarted]):
    """Make an image of an object in a bucket of the same region.

    Attributes:
        architecture: ``x86_64`` or ``arm64``; "" leaves it to the cloud (hybrids).
    """

    SERVICE = "ecs"
    REPEAT = Repeat.TOKEN
    client_token: str
    name: str
    description: str = ""
    architecture: str
    boot_mode: str
    size_gib: int
    bucket: str
    key: str
    nvme: str = "supported"
    imds: str = "v1"
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CopyImage(Request[str]):
    """Copy an image from ``region`` to another; returns the new image's id there."""

    SERVICE = "ecs"
    REPEAT = Repeat.TOKEN
    client_token: str
    image_id: str
    destination_region: str
    destination_name: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CancelCopyImage(Request[None]):
    """Stop a running copy; ``region`` is the destination, where the image is made."""

    SERVICE = "ecs"
    REPEAT = Repeat.NATURAL
    image_id: str


@dataclass(frozen=True, kw_only=True)
class DescribeTasks(Request[tuple[Task, ...]]):
    """Ask about at most 100 import tasks, by their own ids or their images'."""

    SERVICE = "ecs"
    REPEAT = Repeat.READ
    task_ids: Sequence[str] = ()
    image_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class DescribeTaskAttribute(Request[TaskDetail]):
    """Ask one task for its progress and its reason of failure."""

    SERVICE = "ecs"
    REPEAT = Repeat.READ
    task_id: str


@dataclass(frozen=True, kw_only=True)
class CancelTask(Request[None]):
    """Stop a running import."""

    SERVICE = "ecs"
    REPEAT = Repeat.NATURAL
    task_id: str


@dataclass(frozen=True, kw_only=True)
class ModifyImageAttribute(Request[None]):
    """Set what is not None."""

    SERVICE = "ecs"
    REPEAT = Repeat.NATURAL
    image_id: str
    name: str | None = None
    family: str | None = None
    boot_mode: str | None = None
    nvme: str | None = None
    imds: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModifyImageSharePermission(Request[None]):
    """Make an image public (a community image), or private again."""

    SERVICE = "ecs"
    REPEAT = Repeat.NATURAL
    image_id: str
    public: bool


@dataclass(frozen=True, kw_only=True)
class DeleteImage(Request[None]):
    """Delete an image; asynchronous, and its snapshots stay."""

    SERVICE = "ecs"
    REPEAT = Repeat.NATURAL
    image_id: str


@dataclass(frozen=True, kw_only=True)
class DescribeSnapshots(Request[tuple[Snapshot, ...]]):
    """List snapshots, all pages; only those with all of ``tags``."""

    SERVICE = "ecs"
    REPEAT = Repeat.READ
    tags: Mapping[str, str] = field(default_factory=dict)
    snapshot_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class DeleteSnapshot(Request[None]):
    """Delete a snapshot; refused while an image made of it remains."""

    SERVICE = "ecs"
    REPEAT = Repeat.NATURAL
    snapshot_id: str


@dataclass(frozen=True, kw_only=True)
class TagResources(Request[None]):
    """Put tags on at most 50 images or snapshots."""

    SERVICE = "ecs"
    REPEAT = Repeat.NATURAL
    resource_type: str
    resource_ids: Sequence[str]
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class UntagResources(Request[None]):
    """Take tags off at most 50 images or snapshots."""

    SERVICE = "ecs"
    REPEAT = Repeat.NATURAL
    resource_type: str
    resource_ids: Sequence[str]
    keys: Sequence[str]


# --- OSS -----------------------------------------------------------------------------


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


# --- Function Compute ----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ListFunctions(Request[tuple[Function, ...]]):
    """List functions whose name starts with ``prefix``, all pages."""

    SERVICE = "fc"
    REPEAT = Repeat.READ
    prefix: str


@dataclass(frozen=True, kw_only=True)
class CreateFunction(Request[None]):
    """Make a function.

    Attributes:
        code_zip: The zip file itself.
        role_arn: Role to attach, or "".
        memory_mib: Memory in MiB, a multiple of 64, at least 128.
        timeout_s: Limit of one invocation in seconds.
    """

    SERVICE = "fc"
    REPEAT = Repeat.UNIQUE_NAME
    name: str
    description: str = ""
    runtime: str
    handler: str
    code_zip: bytes
    memory_mib: int
    timeout_s: int
    role_arn: str = ""


@dataclass(frozen=True, kw_only=True)
class GetFunction(Request[Function]):
    """Ask for a function's state: Pending, then Active (or Failed)."""

    SERVICE = "fc"
    REPEAT = Repeat.READ
    name: str


@dataclass(frozen=True, kw_only=True)
class DeleteFunction(Request[None]):
    """Delete a function."""

    SERVICE = "fc"
    REPEAT = Repeat.NATURAL
    name: str
