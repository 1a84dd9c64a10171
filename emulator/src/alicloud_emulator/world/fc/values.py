"""What Function Compute holds: functions, their settings, and invocations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from alicloud_emulator.world.sessions import StsToken


class State(StrEnum):
    """States of a function: made Pending, soon Active."""

    PENDING = "Pending"
    ACTIVE = "Active"


class UpdateStatus(StrEnum):
    """What became of the last update of a function."""

    SUCCESSFUL = "Successful"
    IN_PROGRESS = "InProgress"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the owner of a function says about it.

    Attributes:
        cpu: In vCPU, in steps of 0.05; None lets the service choose.
        role: ARN of the role whose credentials the function gets, or "".
        environment: Variables of the function's processes.
        inject: Which ways credentials do *not* go (``disableInjectCredentials``):
            ``None``, ``Env``, ``Request`` or ``All``.
        extras: Settings that are kept and shown but change nothing, by wire name.
    """

    runtime: str
    handler: str
    memory_mib: int = 512
    cpu: float | None = None
    disk_mib: int = 512
    timeout_s: int = 3
    concurrency: int = 1
    role: str = ""
    description: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    internet: bool = True
    inject: str = "None"
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CodeSource:
    """Where a function's code comes from: a zip in the request, or an object.

    Attributes:
        checksum: The zip's CRC-64 in decimal as the caller knows it, or "".
    """

    zip_bytes: bytes = field(default=b"", repr=False)
    bucket: str = ""
    key: str = ""
    checksum: str = ""


@dataclass(kw_only=True, eq=False)
class Function:
    """One function as the service knows it.

    Attributes:
        revision: Counts updates; instances of an older revision are not used again.
        created_at: Unix time in seconds, as are the others.
        active_at: When it is, or was, Active.
    """

    account_id: str
    region: str
    name: str
    id: str
    settings: Settings
    code: bytes = field(repr=False)
    code_crc64: int
    created_at: float
    modified_at: float
    active_at: float
    state: State = State.PENDING
    update_status: UpdateStatus = UpdateStatus.SUCCESSFUL
    tags: dict[str, str] = field(default_factory=dict)
    revision: int = 1

    @property
    def arn(self) -> str:
        """Return the resource name, as in ``functionArn``."""
        return f"acs:fc:{self.region}:{self.account_id}:functions/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One run of a function that the rules allow.

    Attributes:
        ready_at: Unix time in seconds before which it must not start.
        credentials: Of the function's role; None where it has no role.
        killed: A fault kills the function's process in the middle of the work.
    """

    function: Function
    ready_at: float
    credentials: StsToken | None = field(default=None, repr=False)
    killed: bool = False


@dataclass(kw_only=True, eq=False)
class Accepted:
    """An asynchronous invocation that was accepted and is not done.

    Attributes:
        attempts: How often it was begun.
    """

    function: Function
    payload: bytes = field(repr=False)
    request_id: str
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class InvocationResult:
    """What came of a run.

    Attributes:
        error_type: Value of ``X-Fc-Error-Type``, or "" for success.
        log: The end of what the function wrote, oldest first.
    """

    payload: bytes = field(default=b"", repr=False)
    error_type: str = ""
    log: bytes = field(default=b"", repr=False)
    duration_ms: float = 0.0
    memory_mib_max: float = 0.0
    instance_id: str = ""
