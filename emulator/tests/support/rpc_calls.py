"""Calls to an RPC product, as the front would hand them over."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

import anyio
from defusedxml.ElementTree import fromstring

from alicloud_emulator.products import BY_NAME
from alicloud_emulator.products.rpc.service import RpcService
from alicloud_emulator.products.wire import Host, Request, Response
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.world import World


class NoBody:
    """An empty body: RPC parameters are in the query by now."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        nothing: tuple[bytes, ...] = ()
        for block in nothing:
            yield block

    async def read(self, bytes_max: int) -> bytes:
        return b""


class Answer:
    """What came back."""

    def __init__(self, response: Response) -> None:
        assert isinstance(response.body, bytes)
        self.status = response.status
        self.headers = response.headers
        self.raw = response.body

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.raw)
        return document

    @property
    def xml(self) -> Element:
        return fromstring(self.raw)

    @property
    def code(self) -> str:
        return str(self.json.get("Code", ""))


def service_of(product: str, world: World) -> RpcService:
    """Return what carries out a product's calls."""
    api = BY_NAME[product].api
    assert api is not None
    return RpcService(world, api)


def request_of(
    service: RpcService,
    action: str,
    params: Mapping[str, object],
    *,
    caller: Caller | None,
    region: str = "",
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    faults: tuple[Fault, ...] = (),
) -> Request:
    """Return a request in the newer style: action and version in headers."""
    product = service.api.code.lower()
    label = f"{product}.{region}" if region else product
    if headers is None:
        headers = {"x-acs-action": action, "x-acs-version": service.api.version}
    return Request(
        method=method,
        host=Host(name=f"{label}.aliyuncs.com", service=product, region=region),
        path="/",
        raw_path="/",
        query=[(key, str(value)) for key, value in params.items()],
        headers=headers,
        body=NoBody(),
        caller=caller,
        request_id="REQUEST-ID",
        faults=faults,
    )


def document(service: RpcService, request: Request) -> dict[str, Any]:
    """Carry out a request, and return its answer's document.

    Raises:
        ServiceError: The product refuses, in the words of its rules.
    """
    body = anyio.run(service.handle, request).body
    assert isinstance(body, bytes)
    found: dict[str, Any] = json.loads(body)
    return found


def answer(service: RpcService, request: Request) -> Answer:
    """Carry out a request."""

    async def handle() -> Response:
        try:
            return await service.handle(request)
        except ServiceError as error:
            return service.error(request, error)

    return Answer(anyio.run(handle))
