"""The official OSS SDKs on an emulated object storage in the same process.

They sign and parse as ever; only their transport hands requests to the service, and
keeps them with their answers.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import alibabacloud_oss_v2 as oss
import anyio
import requests
from alibabacloud_oss_v2.types import CaseInsensitiveDict, HttpClient, HttpResponse
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.hosts import parse
from alicloud_emulator.front.signatures.verifier import Verifier
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.errors import ServiceError
from emulator.tests.unit.oss.conftest import TOKYO, Body, Cloud, whole


class Answer(HttpResponse):  # type: ignore[misc] # an untyped SDK
    """An answer, all of it there, as the SDK wants it."""

    def __init__(self, request: Any, response: Response, body: bytes) -> None:
        self._request = request
        self._body = body
        self._status = response.status
        self._headers = CaseInsensitiveDict(response.headers)

    request = property(lambda self: self._request)
    status_code = property(lambda self: self._status)
    headers = property(lambda self: self._headers)
    reason = ""
    is_closed = True
    is_stream_consumed = True
    content = property(lambda self: self._body)

    def read(self) -> bytes:
        return self._body

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def iter_bytes(self, **_: object) -> Iterator[bytes]:
        yield self._body


class Door:
    """Where requests come in: signatures are verified, then the service serves.

    Attributes:
        change: What to do to a request once its signature is verified.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._verifier = Verifier(cloud.world)
        self.change: Callable[[Request], None] = lambda _: None

    def serve(self, wire: Request) -> tuple[Response, bytes]:
        """Return the answer to a request, and its body."""

        async def run() -> tuple[Response, bytes]:
            service = self._cloud.service
            self._cloud.world.agenda.catch_up()
            try:
                await self._verifier.verify(wire, RequestBody(_end, content_length=0))
                self.change(wire)
                response = await service.handle(wire)
            except ServiceError as error:
                response = service.error(wire, error)
            body = await whole(response)
            length = response.content_length
            told = str(len(body) if length is None else length)
            response.headers["Content-Length"] = told
            return response, body

        return anyio.run(run)


class Transport(HttpClient):  # type: ignore[misc] # an untyped SDK
    """Hands requests of alibabacloud_oss_v2 to the service.

    Attributes:
        last: The last request, as the service saw it, and its answer.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.door = Door(cloud)
        self.last: tuple[Request, Answer] | None = None

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def send(self, request: Any, **_: object) -> Answer:
        wire = _wire(request)
        answer = Answer(request, *self.door.serve(wire))
        self.last = wire, answer
        return answer


class Adapter(HTTPAdapter):
    """Hands requests of ``requests``, and so oss2, to the service.

    Attributes:
        seen: Every request, as the service saw it.
    """

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self._door = Door(cloud)
        self.seen: list[Request] = []

    def send(  # type: ignore[override] # the rest of the arguments is about sockets
        self, request: requests.PreparedRequest, **_: object
    ) -> requests.Response:
        wire = _wire(request)
        self.seen.append(wire)
        response, body = self._door.serve(wire)
        told = HTTPResponse(
            io.BytesIO(body),
            headers=response.headers,
            status=response.status,
            preload_content=False,
        )
        return self.build_response(request, told)


def _wire(request: Any) -> Request:
    parts = urlsplit(request.url)
    host = parse(parts.netloc)
    assert host is not None
    data = _bytes(request.body)
    return Request(
        method=request.method,
        host=host,
        path=unquote(parts.path) or "/",
        raw_path=parts.path or "/",
        raw_query=parts.query,
        query=parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True),
        headers={
            # http.client adds it where requests does not.
            "content-length": str(len(data)),
            **{name.lower(): str(value) for name, value in request.headers.items()},
        },
        body=Body(data),
        content_length=len(data),
        request_id="0" * 24,
    )


async def _end() -> bytes:
    """Return the end of a body, of which signatures of object storage need nothing."""
    return b""


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    return bytes(body.read()) if hasattr(body, "read") else b"".join(body)


def client_of(cloud: Cloud, version: str = "v4") -> tuple[Any, Transport]:
    """Return a client of the main account, and its transport."""
    account = cloud.world.profile.accounts[0]
    keys = account.access_key_id, account.access_key_secret
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(*keys)
    config.region = TOKYO
    config.signature_version = version
    config.retry_max_attempts = 1
    transport = Transport(cloud)
    config.http_client = transport
    return oss.Client(config), transport
