"""A request and an answer, as the front hands them over and every service sees them."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.faults import Fault


@dataclass(frozen=True, kw_only=True)
class Host:
    """What a host name says.

    Attributes:
        service: ``ecs``, ``oss``, ``fc``, ``ram``, ``sts``, ``location``.
        region: Region id, or "" for a central host.
        bucket: Bucket label of an OSS virtual host, or "".
        account_id: Account label of a classic FC host, or "".
        internal: An ``-internal`` host, reachable only from inside its region.
        s3: It is one of the S3-compatible API.
        door: It is this machine itself, under a name that is not the cloud's.
        prefix: What is in front of the resource in paths: ``/bucket``, or "".
    """

    name: str
    service: str
    region: str = ""
    bucket: str = ""
    account_id: str = ""
    internal: bool = False
    s3: bool = False
    door: bool = False
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class FileBody:
    """A body that is a range of a file, sent in blocks, never loaded whole."""

    path: Path
    offset: int
    length: int


class BodyReader(Protocol):
    """The request's body, read at most once."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in blocks as they come."""
        ...

    async def read(self, bytes_max: int) -> bytes:
        """Return the whole body.

        Raises:
            ServiceError: It is longer than ``bytes_max`` (EntityTooLarge).
        """
        ...


@dataclass(kw_only=True)
class Request:
    """One HTTP request, authenticated.

    Attributes:
        path: Decoded path, without the host's ``prefix``; ``raw_path`` and
            ``raw_query`` are as sent (signatures need them).
        query: Decoded pairs in the order sent; a key without ``=`` has value "".
        headers: Names in lower case; repeated headers joined by ", ".
        content_length: Declared body length in bytes, or None if chunked.
        inside: Region of the function that makes the call, or "" for outside.
        peer: IP address that it comes from; "" if that is not known.
        caller: Who signed it; None for an anonymous request.
        signature: How it was signed: ``acs3``, ``rpc``, ``oss-v4``, ``oss-v2``,
            ``oss-v1``, ``aws-v4``, ``aws-v2``, "".
        request_id: Id that the answer carries.
        faults: Faults that the service itself must carry out (fail-task, kill, ...).
        checked: Whether the body is held to a checksum that the client sent with it.
        found: What the product found it to ask for, so that it looks once; its own.
    """

    method: str
    host: Host
    path: str
    raw_path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: BodyReader
    raw_query: str = ""
    content_length: int | None = None
    scheme: str = "https"
    inside: str = ""
    peer: str = ""
    caller: Caller | None = None
    signature: str = ""
    request_id: str = ""
    faults: tuple[Fault, ...] = ()
    checked: bool = False
    found: object = field(default=None, init=False)

    @property
    def base_url(self) -> str:
        """URL of what the host is about, without a path of its own or a slash."""
        return f"{self.scheme}://{self.host.name}{self.host.prefix}"

    @property
    def context(self) -> dict[str, str]:
        """Return values of the condition keys that policies may ask for.

        No call comes from a network of the account's own: ``acs:SourceVpc`` is "".
        """
        found = {
            "acs:SecureTransport": "true" if self.scheme == "https" else "false",
            "acs:SourceVpc": "",
        }
        return {**found, "acs:SourceIp": self.peer} if self.peer else found

    def param(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        for key, value in self.query:
            if key == name:
                return value
        return default


@dataclass(kw_only=True)
class Response:
    """One HTTP answer; ``body`` may be bytes, a file range, or blocks to come.

    Attributes:
        has_id: Whether its headers name the request.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileBody | AsyncIterator[bytes] = b""
    content_length: int | None = None
    has_id: bool = True


class Service(Protocol):
    """One product on the wire."""

    def describe(self, request: Request) -> tuple[str, str]:
        """Return (action, resource) of a request, before anything is done.

        The front counts calls and asks for faults by it. Must not fail.
        """
        ...

    async def handle(self, request: Request) -> Response:
        """Carry out a request.

        Raises:
            ServiceError: The product refuses.
        """
        ...

    def error(self, request: Request, error: Exception) -> Response:
        """Return the product's own error answer for a ServiceError."""
        ...
