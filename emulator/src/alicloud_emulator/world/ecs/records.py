"""Images, snapshots and tasks as the world keeps them. Times are Unix seconds."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")

_TOKEN = re.compile("[0-9a-f]{64}")


class ImageStatus(StrEnum):
    """Every status of an image.

    Waiting -> Creating -> Available or CreateFailed; Available <-> Deprecated.
    UnAvailable: being deleted, which is a guess (the real interim status is unknown).
    """

    WAITING = "Waiting"
    CREATING = "Creating"
    AVAILABLE = "Available"
    UNAVAILABLE = "UnAvailable"
    CREATE_FAILED = "CreateFailed"
    DEPRECATED = "Deprecated"


class TaskStatus(StrEnum):
    """Every status of a task: Waiting -> Processing -> Finished, Failed or Deleted."""

    WAITING = "Waiting"
    PROCESSING = "Processing"
    FINISHED = "Finished"
    FAILED = "Failed"
    DELETED = "Deleted"
    PAUSED = "Paused"


class Origin(StrEnum):
    """How an image came to be."""

    IMPORT = "import"
    COPY = "copy"


@dataclass(kw_only=True)
class Disk:
    """One disk of an image.

    Attributes:
        size_gib: Virtual size.
        format: As given to ImportImage, upper case; "" where it was not, until the
            object is read.
        snapshot_id: "" until the image is made.
    """

    device: str
    size_gib: int
    type: str = "system"
    format: str = ""
    oss_bucket: str = ""
    oss_object: str = ""
    snapshot_id: str = ""


@dataclass(kw_only=True)
class Image:
    """One custom image.

    Attributes:
        order: Counts up with creation, so that equal times still sort.
        started_at: When it began to be made (not queued any more); 0 while Waiting.
        ends_at: When it will be made; 0 while Waiting.
        usable_at: When it can be used, once it is made; None: the cloud does not tell.
        usable_late_s: By how many seconds a fault puts that off.
        shared_with: When it was shared with each account id.
        content_sha256: Of the bytes that the import of the system disk really read,
            in hex; a copy has its source's.
        detection: The strategy of the image check that its import asked for, or "".
        detected_at: When that is done, once the image is made.
        failure: (code, message) of a failed import or copy.
        deleting: DeleteImage was accepted; it will soon be gone.
    """

    image_id: str
    account_id: str
    region: str
    name: str
    order: int
    origin: Origin
    status: ImageStatus = ImageStatus.WAITING
    description: str = ""
    family: str = ""
    architecture: str = "x86_64"
    boot_mode: str = "BIOS"
    os_type: str = "linux"
    platform: str = "Others Linux"
    license_type: str = ""
    nvme: str = "unsupported"
    imds: str = "v1"
    resource_group_id: str = ""
    disks: list[Disk] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    started_at: float = 0.0
    ends_at: float = 0.0
    usable_at: float | None = 0.0
    usable_late_s: float = 0.0
    public: bool = False
    shared_with: dict[str, float] = field(default_factory=dict)
    content_sha256: str = ""
    copied_from: str = ""
    detection: str = ""
    detected_at: float = 0.0
    failure: tuple[str, str] = ("", "")
    deleting: bool = False

    @property
    def size_gib(self) -> int:
        """Virtual size of the system disk in GiB."""
        return self.disks[0].size_gib if self.disks else 0

    @property
    def in_making(self) -> bool:
        """Whether it is queued or being made."""
        return self.status in (ImageStatus.WAITING, ImageStatus.CREATING)

    def progress(self, now: float) -> int:
        """Percent made at Unix time ``now``: 0 to 99 in the making, then 100."""
        if self.status is ImageStatus.WAITING:
            return 0
        if self.status is ImageStatus.CREATING:
            return _percent(self.started_at, self.ends_at, now)
        return 0 if self.status is ImageStatus.CREATE_FAILED else 100

    def usable(self, now: float) -> bool | None:
        """Whether it can be used at Unix time ``now``; None: the cloud does not tell."""
        if self.usable_at is None:
            return None
        made = self.status in (ImageStatus.AVAILABLE, ImageStatus.DEPRECATED)
        return made and now >= self.usable_at

    def remaining_s(self, now: float) -> float:
        """Seconds until it is made; 0 when it is, or does not begin yet."""
        if self.status is not ImageStatus.CREATING:
            return 0.0
        return max(0.0, self.ends_at - now)


@dataclass(kw_only=True)
class Snapshot:
    """What lies behind one disk of an image, and outlives the image."""

    snapshot_id: str
    account_id: str
    region: str
    name: str
    order: int
    size_gib: int
    image_id: str
    created_at: float
    disk_type: str = "system"
    resource_group_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Task:
    """One ImportImage task.

    Attributes:
        error_code: Why it failed; shown by DescribeTaskAttribute only.
    """

    task_id: str
    account_id: str
    region: str
    image_id: str
    order: int
    created_at: float
    action: str = "ImportImage"
    status: TaskStatus = TaskStatus.WAITING
    started_at: float = 0.0
    ends_at: float = 0.0
    finished_at: float = 0.0
    error_code: str = ""
    error_message: str = ""
    related: tuple[tuple[str, str], ...] = ()

    @property
    def running(self) -> bool:
        """Whether it can still be cancelled."""
        return self.status in (TaskStatus.WAITING, TaskStatus.PROCESSING)

    def progress(self, now: float) -> int:
        """Percent done at Unix time ``now``."""
        if self.status is TaskStatus.PROCESSING:
            return _percent(self.started_at, self.ends_at, now)
        return 100 if self.status is TaskStatus.FINISHED else 0


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """One page of a listing; ``next_token`` is "" on the last one."""

    rows: Sequence[T]
    total: int
    number: int = 1
    size: int = 10
    next_token: str = ""


def cut_page(rows: Sequence[T], *, number: int, size: int) -> Page[T]:
    """Return page ``number`` (from 1) of ``size`` rows."""
    first = (number - 1) * size
    return Page(
        rows=rows[first : first + size], total=len(rows), number=number, size=size
    )


def cut_after_token(
    rows: Sequence[T], *, token: str, size: int, order: Callable[[T], int]
) -> Page[T]:
    """Return ``size`` rows after the one that ``token`` names.

    Rows are sorted by falling ``order``; the token is the last row's, so that rows
    that come or go meanwhile shift nothing. It has 64 hexadecimal digits, as it was seen
    (aliyun-cli's pager test).

    Raises:
        ValueError: The token was never given out.
    """
    rest = rows
    if token:
        if not _TOKEN.fullmatch(token):
            raise ValueError("no such token")
        rest = [row for row in rows if order(row) < int(token, 16)]
    page = rest[:size]
    more = len(rest) > len(page)
    return Page(
        rows=page,
        total=len(rows),
        size=size,
        next_token=f"{order(page[-1]):064x}" if more and page else "",
    )


def _percent(started_at: float, ends_at: float, now: float) -> int:
    if ends_at <= started_at:
        return 99
    share = (now - started_at) / (ends_at - started_at)
    return min(99, max(0, int(share * 100)))
