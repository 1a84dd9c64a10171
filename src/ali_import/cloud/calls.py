"""Every call the engine makes, as a frozen value, and the port that carries it out.

A call names its operation, its region and what it is about, so retries, pacing and
counting are one wrapper around one method (``steady.py``), and a cloud is anything that
answers calls: the SDKs, or a world under simulation.

Every call may be sent again when its reply was lost: it changes nothing, or it carries
a ClientToken, or doing it twice is doing it once. Names are Alibaba's own. Source: the
API reference of each action.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar

from ali_import.cloud.values import (
    Body,
    Bucket,
    CloudImage,
    Function,
    Identity,
    ImageStatus,
    ImportStarted,
    Role,
    Snapshot,
    StoredObject,
    StoredPart,
    Task,
    TaskDetail,
    Upload,
)

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Call(Generic[R_co]):
    """A call. ``region`` is "" for central services.

    ``CHANGES`` tells whether it may change the cloud: a call that does is waited for
    when its caller is cancelled, so that what it made is known.
    """

    SERVICE: ClassVar[str]
    CHANGES: ClassVar[bool] = True
    region: str = ""

    @classmethod
    def operation(cls) -> str:
        """Return service and action, for example ``ecs.ImportImage``."""
        return f"{cls.SERVICE}.{cls.__name__}"


class Cloud(Protocol):
    """Something that carries out calls: the SDKs, or a world under simulation."""

    async def call(self, call: Call[R], /) -> R:
        """Carry out ``call`` once, and return its result.

        Raises:
            ApiError: The cloud said no.
            HostNotFoundError: The region does not have the service.
            TransportError: No usable answer; the effect is unknown.
        """
        ...


# --- ECS and STS ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GetCallerIdentity(Call[Identity]):
    """Ask who we are; needs no permission."""

    SERVICE = "sts"
    CHANGES = False


@dataclass(frozen=True, kw_only=True)
class GetRole(Call[Role]):
    """Ask RAM for a role of the account."""

    SERVICE = "ram"
    CHANGES = False
    name: str


@dataclass(frozen=True, kw_only=True)
class ListPoliciesForRole(Call[tuple[str, ...]]):
    """Ask RAM for the names of the policies that a role has."""

    SERVICE = "ram"
    CHANGES = False
    role: str


@dataclass(frozen=True, kw_only=True)
class CreateRole(Call[None]):
    """Make a role.

    Attributes:
        trust: Who may take it on: a policy document, JSON.
    """

    SERVICE = "ram"
    name: str
    description: str
    trust: str


@dataclass(frozen=True, kw_only=True)
class AttachPolicyToRole(Call[None]):
    """Give a role one of the policies that Alibaba Cloud maintains."""

    SERVICE = "ram"
    role: str
    policy: str


@dataclass(frozen=True, kw_only=True)
class DescribeRegions(Call[tuple[str, ...]]):
    """Ask for the ids of the regions open to the account."""

    SERVICE = "ecs"
    CHANGES = False


@dataclass(frozen=True, kw_only=True)
class DescribeImages(Call[tuple[CloudImage, ...]]):
    """List the account's own images in *every* status, all pages.

    Attributes:
        name: Exact name, or a pattern with ``*``; "" for any.
        image_ids: At most 100 ids; empty for any.
    """

    SERVICE = "ecs"
    CHANGES = False
    name: str = ""
    image_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class ImportImage(Call[ImportStarted]):
    """Make an image of an object in a bucket of the same region.

    Attributes:
        architecture: ``x86_64`` or ``arm64``; "" leaves it to the cloud (hybrids).
        format: Of the object: ``RAW``, ``QCOW2`` or ``VHD``.
        detect: Whether the cloud is to check the image, once it is made.
        dry_run: Only ask whether it would be made: ``DryRunOperation`` says yes.
    """

    SERVICE = "ecs"
    client_token: str
    name: str
    description: str = ""
    architecture: str
    boot_mode: str
    format: str = "RAW"
    size_gib: int
    bucket: str
    key: str
    nvme: str = "supported"
    imds: str = "v1"
    detect: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class CopyImage(Call[str]):
    """Copy an image from ``region`` to another; returns the new image's id there.

    Attributes:
        dry_run: Only ask whether it would be copied: ``DryRunOperation`` says yes.
    """

    SERVICE = "ecs"
    client_token: str
    image_id: str
    destination_region: str
    destination_name: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class CancelCopyImage(Call[None]):
    """Stop a running copy; ``region`` is the destination, where the image is made."""

    SERVICE = "ecs"
    image_id: str


@dataclass(frozen=True, kw_only=True)
class DescribeTasks(Call[tuple[Task, ...]]):
    """Ask about at most 100 import tasks, by their own ids or their images'."""

    SERVICE = "ecs"
    CHANGES = False
    task_ids: Sequence[str] = ()
    image_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class DescribeTaskAttribute(Call[TaskDetail]):
    """Ask one task for its progress and its reason of failure."""

    SERVICE = "ecs"
    CHANGES = False
    task_id: str


@dataclass(frozen=True, kw_only=True)
class CancelTask(Call[None]):
    """Stop a running import."""

    SERVICE = "ecs"
    task_id: str


@dataclass(frozen=True, kw_only=True)
class ModifyImageAttribute(Call[None]):
    """Set what is not None.

    Attributes:
        dry_run: Only ask whether it would be set: ``DryRunOperation`` says yes.
    """

    SERVICE = "ecs"
    image_id: str
    name: str | None = None
    family: str | None = None
    boot_mode: str | None = None
    description: str | None = None
    nvme: str | None = None
    imds: str | None = None
    status: ImageStatus | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class ModifyImageSharePermission(Call[None]):
    """Make an image public (a community image), or private again; share it.

    Attributes:
        public: What it is then; to be given again where only shares change.
        add: Accounts to share it with, at most 10.
        remove: Accounts to take that back from, at most 10.
        dry_run: Only ask whether it would be done: ``DryRunOperation`` says yes.
    """

    SERVICE = "ecs"
    image_id: str
    public: bool
    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class DescribeImageSharePermission(Call[tuple[str, ...]]):
    """Ask for the accounts that an image is shared with, all pages."""

    SERVICE = "ecs"
    CHANGES = False
    image_id: str


@dataclass(frozen=True, kw_only=True)
class DeleteImage(Call[None]):
    """Delete an image; asynchronous, and its snapshots stay.

    Attributes:
        dry_run: Only ask whether it would be deleted: ``DryRunOperation`` says yes.
    """

    SERVICE = "ecs"
    image_id: str
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class DescribeSnapshots(Call[tuple[Snapshot, ...]]):
    """List snapshots, all pages; only those with all of ``tags``.

    A tag with an empty value asks for its key, with any value.
    """

    SERVICE = "ecs"
    CHANGES = False
    tags: Mapping[str, str] = field(default_factory=dict)
    snapshot_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class DeleteSnapshot(Call[None]):
    """Delete a snapshot; refused while an image made of it remains."""

    SERVICE = "ecs"
    snapshot_id: str


@dataclass(frozen=True, kw_only=True)
class TagResources(Call[None]):
    """Put tags on at most 50 images or snapshots."""

    SERVICE = "ecs"
    resource_type: str
    resource_ids: Sequence[str]
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class UntagResources(Call[None]):
    """Take tags off at most 50 images or snapshots."""

    SERVICE = "ecs"
    resource_type: str
    resource_ids: Sequence[str]
    keys: Sequence[str]


# --- OSS ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PutBucket(Call[None]):
    """Make a private bucket; succeeds again for its owner."""

    SERVICE = "oss"
    bucket: str


@dataclass(frozen=True, kw_only=True)
class DeleteBucket(Call[None]):
    """Delete an empty bucket."""

    SERVICE = "oss"
    bucket: str


@dataclass(frozen=True, kw_only=True)
class ListBuckets(Call[tuple[Bucket, ...]]):
    """List the account's buckets whose name starts with ``prefix``, all pages.

    Any region's endpoint lists the buckets of every region.
    """

    SERVICE = "oss"
    CHANGES = False
    prefix: str


@dataclass(frozen=True, kw_only=True)
class DataCall(Call[R_co]):
    """An OSS data call; ``relay`` is the function to send it through, or ""."""

    bucket: str
    relay: str = ""


@dataclass(frozen=True, kw_only=True)
class PutObject(DataCall[None]):
    """Store an object; OSS refuses bytes that do not match ``content_md5`` (hex)."""

    SERVICE = "oss"
    key: str
    body: Body
    content_md5: str


@dataclass(frozen=True, kw_only=True)
class ListObjects(DataCall[tuple[StoredObject, ...]]):
    """List every object of a bucket, all pages."""

    SERVICE = "oss"
    CHANGES = False


@dataclass(frozen=True, kw_only=True)
class DeleteObjects(DataCall[None]):
    """Delete objects by key (DeleteMultipleObjects), at most 1000 a call."""

    SERVICE = "oss"
    keys: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class InitiateMultipartUpload(DataCall[str]):
    """Begin a multipart upload and return its id; a repeat begins another one."""

    SERVICE = "oss"
    key: str


@dataclass(frozen=True, kw_only=True)
class UploadPart(DataCall[StoredPart]):
    """Store one part; ``number`` counts from 1; ``content_md5`` is hex."""

    SERVICE = "oss"
    key: str
    upload_id: str
    number: int
    body: Body
    content_md5: str


@dataclass(frozen=True, kw_only=True)
class UploadPartCopy(DataCall[StoredPart]):
    """Store a part that is a range of an object of the same region, without sending it.

    Attributes:
        number: Counts from 1.
        source_bucket: May be another bucket.
        offset: In bytes, as the length.
    """

    SERVICE = "oss"
    key: str
    upload_id: str
    number: int
    source_bucket: str
    source_key: str
    offset: int
    length: int


@dataclass(frozen=True, kw_only=True)
class ListParts(DataCall[tuple[StoredPart, ...]]):
    """List the parts that an unfinished upload has, all pages."""

    SERVICE = "oss"
    CHANGES = False
    key: str
    upload_id: str


@dataclass(frozen=True, kw_only=True)
class CompleteMultipartUpload(DataCall[None]):
    """Make the object of its parts."""

    SERVICE = "oss"
    key: str
    upload_id: str
    parts: Sequence[StoredPart]


@dataclass(frozen=True, kw_only=True)
class AbortMultipartUpload(DataCall[None]):
    """Drop an unfinished upload and its parts."""

    SERVICE = "oss"
    key: str
    upload_id: str


@dataclass(frozen=True, kw_only=True)
class ListMultipartUploads(DataCall[tuple[Upload, ...]]):
    """List every unfinished upload of a bucket, all pages."""

    SERVICE = "oss"
    CHANGES = False


# --- Function Compute -----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ListFunctions(Call[tuple[Function, ...]]):
    """List functions whose name starts with ``prefix``, all pages."""

    SERVICE = "fc"
    CHANGES = False
    prefix: str


@dataclass(frozen=True, kw_only=True)
class CreateFunction(Call[None]):
    """Make a function.

    Attributes:
        code_zip: The zip file itself.
        role_arn: Role to attach, or "".
        memory_mib: Memory in MiB, a multiple of 64, at least 128.
        timeout_s: Limit of one invocation in seconds.
    """

    SERVICE = "fc"
    name: str
    description: str = ""
    runtime: str
    handler: str
    code_zip: bytes
    memory_mib: int
    timeout_s: int
    role_arn: str = ""


@dataclass(frozen=True, kw_only=True)
class GetFunction(Call[Function]):
    """Ask for a function's state: Pending, then Active (or Failed)."""

    SERVICE = "fc"
    CHANGES = False
    name: str


@dataclass(frozen=True, kw_only=True)
class DeleteFunction(Call[None]):
    """Delete a function."""

    SERVICE = "fc"
    name: str
