"""Calls to Function Compute."""

from dataclasses import dataclass

from ali_import.cloud.requests.base import Repeat, Request
from ali_import.cloud.values import Function


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
