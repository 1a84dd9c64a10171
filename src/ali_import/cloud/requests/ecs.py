"""Calls to ECS, and to STS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ali_import.cloud.requests.base import Repeat, Request
from ali_import.cloud.values import (
    CloudImage,
    Identity,
    ImageStatus,
    ImportStarted,
    Snapshot,
    Task,
    TaskDetail,
)


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
    status: ImageStatus | None = None


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
    """List snapshots, all pages; only those with all of ``tags``.

    A tag with an empty value asks for its key, with any value.
    """

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
