"""The cloud's side of the wire: the emulator's front without sockets, one for a world.

A request is verified, struck by faults, carried out by its product and answered by the
emulator's own dispatcher. Here are its hosts, that may be away, and those who look on.
"""

from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

import anyio
from typing_extensions import override

from ali_import.cloud.calls import Call
from alicloud_emulator.front import hosts
from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.dispatch import Dispatcher
from alicloud_emulator.front.events import Events
from alicloud_emulator.front.http import ConnectionGoneError, Head
from alicloud_emulator.front.server import Arrival, DropConnectionError, Origin
from alicloud_emulator.front.signatures.verifier import Verifier
from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.products.wire import (
    FileBody,
    Host,
    Request,
    Response,
    Service,
)
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.world import World
from tests.support.bridge.function import Functions
from tests.support.bridge.http import Answer, Loss, LostError, Sent
from tests.support.bridge.lag import Lag
from tests.support.bridge.names import action
from tests.support.bridge.network import Network, Out

RESOLVER_S: Final = (0.01, 5.0)
"""Bounds of the time that a resolver takes to say that it cannot say."""


class Watch(Protocol):
    """Told of every call: when it is made, around its effect, what comes back, its answer."""

    def asked(self, request: Call[Any]) -> None:
        """See a request leave; it may never arrive."""

    def before(self, request: Call[Any]) -> None:
        """Look at a request that reaches the cloud."""

    def after(self, request: Call[Any], made: str) -> None:
        """Look at the world after a request took effect; ``made`` is an image's id."""

    def received(self, request: Call[Any], answer: Answer) -> None:
        """See what comes back over the wire, before the adapters read it."""

    def answered(self, request: Call[Any], result: Any) -> None:
        """See what the caller is told: a result, or an exception."""


class Caller(Protocol):
    """A process, as far as the cloud's side has to do with it."""

    rng: Random
    watch: Watch

    def check_alive(self) -> None:
        """Raise what ends a process that is no more."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """The request of the port that is being carried out, and by whom."""

    request: Call[Any]
    caller: Caller
    number: int


CARRIED: ContextVar[Carried] = ContextVar("CARRIED")


class EmulatorBrokenError(BaseException):
    """The emulator failed unexpectedly; no fault of the weather's."""


class Door:
    """The way into one world.

    Args:
        world: The cloud.
        network: Which hosts there are, and which of them are silent.
        signed: Whether ECS, STS and Function Compute check signatures too; otherwise
            they believe the access key.
    """

    def __init__(self, world: World, network: Network, *, signed: bool = False) -> None:
        self.world = world
        self.network = network
        self.lag = Lag(world)
        self.functions = Functions(world, self.answer)
        services = {
            product.name: _Watched(self, product.service(world, self.functions))  # type: ignore[arg-type]  # plays the one part that products have for it
            for product in PRODUCTS
        }
        self._dispatcher = Dispatcher(world, services, Events())
        if not signed:
            self._dispatcher._verifier = _Believing(world)

    async def answer(self, sent: Sent, *, inside: str = "") -> Answer:
        """Return what comes of a request.

        Args:
            sent: The request.
            inside: Region of the function that makes it, or "".

        Raises:
            LostError: No answer came.
        """
        host = hosts.parse(sent.host)
        assert host is not None, sent.host
        await self._reach(host, inside)
        with anyio.move_on_after(sent.timeout_s):
            try:
                response = await self._dispatcher.answer(_arrival(sent, host, inside))
                return await _received(response)
            except (DropConnectionError, ConnectionGoneError):
                raise LostError(Loss.HANG_UP) from None
        raise LostError(Loss.SILENCE)

    async def _reach(self, host: Host, inside: str) -> None:
        """Find a host, and get it to listen."""
        carried = CARRIED.get()
        out = None
        if not (inside and host.internal):
            out = self.network.out(host.service, host.region)
        if inside and out is Out.NO_RESOLVER:
            out = None  # a function has a resolver of its own, inside the cloud
        if out is Out.NO_RESOLVER:
            await anyio.sleep(carried.caller.rng.uniform(*RESOLVER_S))
            raise LostError(Loss.NO_RESOLVER)
        there = hosts.resolves(host, self.world.profile, inside)
        if out is Out.NO_HOST or not there:
            raise LostError(Loss.NO_HOST)
        if out is Out.SILENT:
            # A function gives up sooner; it has other sources to ask.
            await anyio.sleep(0.0 if inside else SILENCE_S)
            raise LostError(Loss.SILENCE)


SILENCE_S: Final = 30.0
"""How long a client waits for a service that does not answer."""


class _Watched:
    """A product, and those who look on while it does what a process asked for."""

    def __init__(self, door: Door, product: Service) -> None:
        self._door = door
        self._product = product
        self.describe = product.describe
        self.error = product.error

    async def handle(self, request: Request) -> Response:
        carried = CARRIED.get()
        carried.caller.check_alive()
        name, _ = self.describe(request)
        if name == "InvokeFunction":
            self._door.functions.strike(request.request_id, request.faults)
        meant = name == action(carried.request)
        if meant:
            carried.caller.watch.before(carried.request)
        try:
            response = await self._product.handle(request)
        except (ServiceError, ConnectionGoneError, DropConnectionError):
            raise
        except Exception as error:
            # The dispatcher would make an answer of it, and the weather an excuse.
            raise EmulatorBrokenError from error
        if meant and carried.request.CHANGES:
            self._door.lag.note()
            made = _made(name, response)
            carried.caller.watch.after(carried.request, made)
        return response


def _made(name: str, response: Response) -> str:
    """Return the id of the image that a call made, or ""."""
    if name not in {"ImportImage", "CopyImage"}:
        return ""
    assert isinstance(response.body, bytes)
    return response.body.decode().partition('"ImageId":"')[2].partition('"')[0]


class _Believing(Verifier):
    """Believes the access key of a call to ECS, STS or Function Compute."""

    @override
    async def _verify_api(
        self, request: Request, body: RequestBody, now: float
    ) -> None:
        credential = self._world.ram.credential(
            request.headers["x-acs-accesskey-id"],
            request.headers.get("x-acs-security-token", ""),
        )
        request.caller = credential.caller
        request.signature = "acs3"


def _arrival(sent: Sent, host: Host, inside: str) -> Arrival:
    blocks = iter((sent.body,))

    async def receive() -> bytes:
        return next(blocks, b"")

    length = len(sent.body)
    headers = {**sent.headers, "host": sent.host}
    if sent.body or sent.method in {"PUT", "POST"}:
        headers["content-length"] = str(length)
    head = Head(
        method=sent.method, target=sent.target, headers=headers, content_length=length
    )
    return Arrival(
        head=head,
        target=sent.target,
        body=RequestBody(receive, content_length=length),
        host=host,
        origin=Origin(inside=inside, scheme="https"),
        gone=anyio.sleep_forever,
    )


async def _received(response: Response) -> Answer:
    body = response.body
    assert not isinstance(body, FileBody), "there are no files"
    if isinstance(body, bytes):
        return Answer(status=response.status, headers=response.headers, body=body)
    data = await _whole(body)
    missing = (response.content_length or len(data)) - len(data)
    return Answer(
        status=response.status, headers=response.headers, body=data, missing=missing
    )


async def _whole(body: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in body])
