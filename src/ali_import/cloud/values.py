"""What the cloud's answers become: frozen values in the engine's words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, runtime_checkable


class ImageStatus(StrEnum):
    """Every status an image can have (DescribeImages)."""

    CREATING = "Creating"
    WAITING = "Waiting"
    AVAILABLE = "Available"
    UNAVAILABLE = "UnAvailable"
    CREATE_FAILED = "CreateFailed"
    DEPRECATED = "Deprecated"


MAKING: Final = frozenset({ImageStatus.CREATING, ImageStatus.WAITING})
READY: Final = frozenset({ImageStatus.AVAILABLE, ImageStatus.DEPRECATED})
BROKEN: Final = frozenset({ImageStatus.CREATE_FAILED, ImageStatus.UNAVAILABLE})
"""Every status is of one of these three groups."""


class TaskStatus(StrEnum):
    """Every status a task can have (DescribeTasks, 2019 page)."""

    WAITING = "Waiting"
    PROCESSING = "Processing"
    FINISHED = "Finished"
    FAILED = "Failed"
    DELETED = "Deleted"
    PAUSED = "Paused"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that the cloud's own check found in an image.

    Attributes:
        risk: ``High``, ``Medium`` or ``Low``; "" where there is none.
        code: The cloud's word for the risk, or "".
    """

    name: str
    value: str = ""
    risk: str = ""
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class CloudImage:
    """One custom image as DescribeImages shows it.

    Attributes:
        architecture: ``x86_64`` or ``arm64`` (``i386`` on foreign images).
        boot_mode: ``BIOS``, ``UEFI`` or ``UEFI-Preferred``; "" when not told.
        nvme: ``supported`` or ``unsupported``; "" when not told.
        imds: ``v1`` or ``v2``; "" when not told.
        usable: Whether it can be used, which comes after Available; None: not told.
        progress: Percent done while it is being made, 0 to 100.
        snapshot_ids: The snapshots behind the image, which outlive it.
        created_at: When it was asked for, Unix time in seconds; 0 when not told.
        shared: Whether it is shared with single accounts.
        in_use: Whether an instance of this account was made of it; those of other
            accounts cannot be seen.
        detection: ``Processing`` while the cloud checks the image; "" if it does not.
        findings: What that check found.
        description: What whoever made it wrote there for people.
    """

    image_id: str
    name: str
    status: ImageStatus
    family: str = ""
    architecture: str = ""
    boot_mode: str = ""
    nvme: str = ""
    imds: str = ""
    public: bool = False
    size_gib: int = 0
    usable: bool | None = None
    progress: int = 0
    snapshot_ids: tuple[str, ...] = ()
    created_at: float = 0.0
    shared: bool = False
    in_use: bool = False
    detection: str = ""
    findings: tuple[Finding, ...] = ()
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImportStarted:
    """ImportImage was accepted."""

    image_id: str
    task_id: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """One row of DescribeTasks."""

    task_id: str
    status: TaskStatus
    image_id: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskDetail:
    """DescribeTaskAttribute: the only place that says why an import failed."""

    task_id: str
    status: TaskStatus
    progress: int = 0
    error_code: str = ""
    error_message: str = ""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One row of DescribeSnapshots."""

    snapshot_id: str
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket of ListBuckets; ``region`` is the bare region id."""

    name: str
    region: str


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """One object in a bucket."""

    key: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class StoredPart:
    """One uploaded part of a multipart upload.

    Attributes:
        etag: The MD5 of its bytes, in upper case and quotes.
        size_bytes: 0 where the answer does not tell.
    """

    number: int
    etag: str
    size_bytes: int = 0

    def holds(self, length: int, md5: str) -> bool:
        """Whether it has so many bytes, with that MD5 in hexadecimal."""
        etag = self.etag.strip('"').lower()
        return (self.size_bytes, etag) == (length, md5)


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One unfinished multipart upload."""

    key: str
    upload_id: str


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function; ``state`` is "" where the cloud did not tell (lists omit it)."""

    name: str
    state: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who is calling (GetCallerIdentity).

    Attributes:
        temporary: Whether the keys at hand expire.
        expires_at: When they do, Unix time in seconds; 0 if they do not, or if that is
            not known. Where it is known, new keys come by themselves.
        server_time: What the cloud's clock said, Unix time in whole seconds; 0 where it
            was not told.
    """

    account_id: str
    arn: str
    temporary: bool = False
    expires_at: float = 0.0
    server_time: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Role:
    """A RAM role.

    Attributes:
        trusted: The services that may take it on, for example ``ecs.aliyuncs.com``.
    """

    arn: str
    trusted: tuple[str, ...] = ()


@runtime_checkable
class LocalBody(Protocol):
    """A body that is made of a local file, anew at each try; lengths in bytes."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def length(self) -> int:
        """How long the body is."""

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Give it from ``start`` on, a little at a time.

        Raises:
            EOFError: The file has become shorter.
            OSError: It cannot be read.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class ObjectSource:
    """An object, staged in a region whose public host lets it be read."""

    region: str
    bucket: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """A body that the relay fetches by range from the first source that works.

    The sources are in the order in which they are tried. Their URLs are signed when
    the call is sent, so every try has fresh ones.
    """

    sources: tuple[ObjectSource, ...]
    offset: int
    length: int


Body = bytes | LocalBody | Fetch
