"""``WorldCloud``: the engine's cloud port, answered by the emulator's world.

It is what the wire and the SDKs are otherwise: latency, hosts that do not resolve,
services that are silent, resolvers that are away, credentials that expire, faults before and after the effect,
and relay functions. There are no threads and no sockets: time is the event loop's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol, TypeVar, cast

import anyio

from ali_import.cloud.calls import Call, DataCall, DeleteBucket, DeleteFunction
from ali_import.cloud.values import Fetch, FileRange, ObjectSource
from ali_import.errors import (
    ApiError,
    HostNotFoundError,
    SourcesGoneError,
    TransportError,
)
from alicloud_emulator.world.blobs import Blob, MemoryBlob
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Call as Struck
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.profile import OssMode
from alicloud_emulator.world.throttle import Throttle
from alicloud_emulator.world.world import World
from tests.support.bridge.errors import (
    died,
    garbled,
    no_answer,
    refusal,
    relay_failed,
)
from tests.support.bridge.function import FetchFailedError, Presigned, RelayFunction
from tests.support.bridge.lag import Lag
from tests.support.bridge.login import Login
from tests.support.bridge.network import Network, Out
from tests.support.bridge.table import ANSWERS, on_the_wire, resource
from tests.support.bridge.visitor import Visitor

R = TypeVar("R")

SILENCE_S: Final = 30.0
"""How long a client waits for an answer that does not come."""

URL_LIFETIME_S: Final = 900.0
"""As the adapters sign them."""
INVOCATION_S_MAX: Final = 150.0
"""The same, of a function that is invoked."""
RESOLVER_S: Final = (0.01, 5.0)
"""Bounds of the time that a resolver takes to say that it cannot say."""

_LOOKED_AFTER: Final = (DeleteBucket, DeleteFunction)
"""Calls whose honest success may say nothing, so that adapters look what is there."""

_FOR_SERVICES: Final = frozenset({Do.KILL, Do.FAIL_TASK})


class Killed(BaseException):
    """The process that makes calls through this cloud was killed."""


class Watch(Protocol):
    """Told of every call: when it is made, before its effect, after it, its answer."""

    def asked(self, request: Call[Any]) -> None:
        """See a request leave; it may never arrive."""

    def before(self, request: Call[Any]) -> None:
        """Look at a request that reaches the cloud."""

    def after(self, request: Call[Any], result: Any) -> None:
        """Look at the world after a request took effect."""

    def answered(self, request: Call[Any], result: Any) -> None:
        """See what the caller is told: a result, or an exception."""


class _Blind:
    def asked(self, request: Call[Any]) -> None: ...

    def before(self, request: Call[Any]) -> None: ...

    def after(self, request: Call[Any], result: Any) -> None: ...

    def answered(self, request: Call[Any], result: Any) -> None: ...


@dataclass(kw_only=True)
class WorldCloud:
    """One process's way to the world.

    Attributes:
        network: Which hosts there are, and which of them are silent; shared.
        throttle: Flow control by the profile's ``calls_per_minute``; shared.
        lag: What listings show; shared. None: what there is.
        files: Content of the local files that bodies come from.
        latency_s: Bounds of the time one call takes, both ways together.
        at_call: What to do when the n-th call (from 1) is about to take effect, or
            (``-n``) has just taken effect and is not yet answered.
    """

    world: World
    login: Login
    rng: Random
    network: Network
    throttle: Throttle
    lag: Lag | None = None
    files: Mapping[Path, bytes] = field(default_factory=dict)
    latency_s: tuple[float, float] = (0.005, 0.2)
    watch: Watch = field(default_factory=_Blind)
    at_call: dict[int, Callable[[], None]] = field(default_factory=dict)
    calls: int = 0
    killed: bool = False
    _blobs: dict[tuple[Path, int, int], Blob] = field(default_factory=dict)
    _waiting: dict[int, anyio.CancelScope] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lag = self.lag or Lag(self.world)

    async def call(self, request: Call[R]) -> R:
        """Carry out ``request`` once.

        As with the SDKs in threads, reads and what goes through a relay are abandoned
        when their caller is cancelled; what else changes the cloud is waited for.

        Raises:
            CloudError: As ``ali_import.cloud.calls.Cloud`` says.
            Killed: The process is no more.
        """
        self.calls += 1
        number = self.calls
        self.watch.asked(request)
        relayed = isinstance(request, DataCall) and bool(request.relay)
        if relayed or not request.CHANGES:
            return cast("R", await self._told(request, number))
        with anyio.CancelScope(shield=True) as scope:
            self._waiting[number] = scope
            try:
                return cast("R", await self._told(request, number))
            finally:
                del self._waiting[number]
        raise Killed

    async def _told(self, request: Call[Any], number: int) -> Any:
        try:
            result = await self._call(request, number)
        except Exception as error:
            self._check_alive()
            self.watch.answered(request, error)
            raise
        self._check_alive()
        self.watch.answered(request, result)
        return result

    def kill(self) -> None:
        """End the process: no call of it will ever do anything any more."""
        self.killed = True
        for scope in self._waiting.values():
            scope.cancel()

    def _check_alive(self) -> None:
        if self.killed:
            raise Killed

    async def _call(self, request: Call[Any], number: int) -> Any:
        self._check_alive()
        latency_s = self._latency_s(request.region)
        # A read has one moment that matters, a change has two: its effect, its answer.
        share = 1.0 if not request.CHANGES else self.rng.random()
        await anyio.sleep(latency_s * share)
        self._reached(number)
        relayed = isinstance(request, DataCall) and bool(request.relay)
        try:
            result = await (self._relay(request) if relayed else self._direct(request))
        finally:
            self._reached(-number)
        if share < 1.0:
            await anyio.sleep(latency_s * (1 - share))
        return result

    def _reached(self, number: int) -> None:
        self._check_alive()
        if (act := self.at_call.get(number)) is not None:
            act()
        self._check_alive()

    def _latency_s(self, region_id: str) -> float:
        region = self.world.profile.region(region_id)
        slow = min(region.slow, 10.0) if region is not None else 1.0
        return self.rng.uniform(*self.latency_s) * slow

    # --- one call -----------------------------------------------------------------

    async def _direct(self, request: Call[Any]) -> Any:
        """Make a call from here to a public host."""
        caller = await self._arrive(request, request.SERVICE)
        body = self._file_body(request)
        call = Struck(
            service=request.SERVICE,
            action=type(request).__name__,
            region=request.region,
            resource=resource(request),
        )
        return await self._struck(request, call, caller, body, inside="")

    async def _arrive(self, request: Call[Any], service: str) -> Caller:
        """Reach a host of a service, and be known there."""
        region = self.world.profile.region(request.region)
        self.world.agenda.catch_up()
        missing = region is not None and (
            (service == "oss" and region.oss is OssMode.UNRESOLVED)
            or (service == "fc" and not region.fc)
        )
        out = self.network.out(service, request.region)
        if out is Out.NO_RESOLVER:
            await anyio.sleep(self.rng.uniform(*RESOLVER_S))
            raise no_answer(request, "the resolver does not answer")
        everywhere = service in {"ecs", "sts"}
        if out is Out.NO_HOST and everywhere:
            raise no_answer(request)  # every region has it, whatever a resolver says
        if missing or out is Out.NO_HOST:
            raise HostNotFoundError(
                "the host name does not exist",
                region=request.region,
                operation=request.operation(),
                code="HostNotFound",
            )
        dead = region is not None and region.dead
        if dead or out is Out.SILENT:
            await anyio.sleep(SILENCE_S)
            raise no_answer(request)
        try:
            return self.login.caller()
        except ServiceError as error:
            raise self._refused(request, error, service) from None

    async def _struck(
        self,
        request: Call[Any],
        call: Struck,
        caller: Caller,
        body: Blob | None,
        *,
        inside: str,
    ) -> Any:
        """Carry out a call and the faults that strike it."""
        faults = self._strike(request, call, caller)
        await self._before(request, faults, call)
        self._check_alive()
        self.watch.before(request)
        visitor = Visitor(
            world=self.world,
            caller=caller,
            lag=self._lag,
            inside=inside,
            body=body,
            faults=tuple(f for f in faults if f.do in _FOR_SERVICES),
        )
        try:
            result = ANSWERS[type(request)](visitor, request)
        except ServiceError as error:
            await self._after(request, tuple(f for f in faults if not f.code))
            raise self._refused(request, error) from None
        if request.CHANGES:
            self._lag.note()
        self.watch.after(request, result)
        await self._after(request, faults)
        return result

    def _strike(
        self, request: Call[Any], call: Struck, caller: Caller
    ) -> tuple[Fault, ...]:
        try:
            self.throttle.check(caller.account_id, call.operation, call.region)
        except ServiceError as error:
            fault = Fault(do=Do.THROTTLE, retry_after_ms=error.retry_after_ms)
            raise self._refused(request, refusal(fault, call)) from None
        return self.world.faults.strike(call)

    async def _before(
        self, request: Call[Any], faults: tuple[Fault, ...], call: Struck
    ) -> None:
        """Carry out the faults that keep a call from being done."""
        for fault in faults:
            match fault.do:
                case Do.REFUSE | Do.THROTTLE:
                    raise self._refused(request, refusal(fault, call))
                case Do.DROP_BEFORE:
                    raise no_answer(request)
                case Do.HANG:
                    await anyio.sleep(SILENCE_S)
                    raise no_answer(request)
                case Do.HTML:
                    raise garbled(request)
                case _:
                    pass

    async def _after(self, request: Call[Any], faults: tuple[Fault, ...]) -> None:
        """Carry out the faults that delay or hide the answer to a call."""
        for fault in faults:
            match fault.do:
                case Do.DELAY:
                    await anyio.sleep(fault.delay_s)
                case Do.DROP_AFTER if fault.code:
                    # The cloud did it, asked itself again, and tells that answer.
                    error = ServiceError(fault.code, fault.status)
                    raise self._refused(request, error)
                case Do.DROP_AFTER:
                    raise no_answer(request)
                case Do.HTML_AFTER:
                    if not self._is_looked_after(request, fault):
                        raise garbled(request)
                case _:
                    pass

    def _is_looked_after(self, request: Call[Any], fault: Fault) -> bool:
        """Whether the caller finds out that a call was done, although a page came.

        Of a page with a status of success an adapter cannot tell whether it is the
        cloud's own answer without a request id. It looks what is there, and that look
        may fail as any other call.
        """
        checked = isinstance(request, _LOOKED_AFTER) and fault.status < 300
        return checked and self.rng.random() < 0.8

    def _refused(
        self, request: Call[Any], error: ServiceError, service: str = ""
    ) -> ApiError:
        code, status = on_the_wire(service or request.SERVICE, error)
        return ApiError(
            error.message,
            region=request.region,
            operation=request.operation(),
            code=code,
            http_status=status,
            request_id=f"{self.rng.getrandbits(64):016X}",
            retry_after_s=error.retry_after_ms / 1000,
        )

    # --- bodies -------------------------------------------------------------------

    def _file_body(self, request: Call[Any]) -> Blob | None:
        body = getattr(request, "body", None)
        if body is None:
            return None
        assert isinstance(body, FileRange), "only a relay can fetch"
        where = (body.path, body.offset, body.length)
        if where not in self._blobs:
            data = self.files[body.path][body.offset : body.offset + body.length]
            self._blobs[where] = MemoryBlob(data)
        return self._blobs[where]

    def _presign(self, source: ObjectSource) -> Presigned:
        """Sign as the call is sent; it dies with the credentials at the latest."""
        now = self.world.agenda.catch_up()
        return Presigned(
            region=source.region,
            bucket=source.bucket,
            key=source.key,
            expires_at=min(now + URL_LIFETIME_S, self.login.expires_at()),
        )

    # --- relays -------------------------------------------------------------------

    async def _relay(self, request: Call[Any]) -> Any:
        """Make a data call through the relay function of its region."""
        caller = await self._arrive(request, "fc")
        assert isinstance(request, DataCall)
        call = Struck(
            service="fc",
            action="InvokeFunction",
            region=request.region,
            resource=request.relay,
        )
        faults = self._strike(request, call, caller)
        await self._before(request, faults, call)
        self._check_alive()
        function = RelayFunction(
            self.world, self.network, caller, request.region, self.rng
        )
        fetch = getattr(request, "body", None)
        sent, sources = None, []
        if isinstance(fetch, Fetch):
            sources = [self._presign(source) for source in fetch.sources]
        else:
            sent = self._file_body(request)
        try:
            invocation = function.begin(request.relay, sent.size if sent else 0, faults)
        except ServiceError as error:
            await self._after(request, faults)
            raise self._refused(request, error, "fc") from None
        try:
            with anyio.move_on_after(INVOCATION_S_MAX) as waiting:
                await function.start(invocation)
            if waiting.cancelled_caught:
                raise no_answer(request)
            if invocation.killed and self.rng.random() < 0.5:
                raise died(request)
            if isinstance(fetch, Fetch):
                sent = await function.fetch(sources, fetch.offset, fetch.length)
            inner = Struck(
                service="oss",
                action=type(request).__name__,
                region=request.region,
                resource=resource(request),
            )
            try:
                result = await self._struck(
                    request, inner, caller, sent, inside=request.region
                )
            except TransportError as error:
                if error.code == "GarbledAnswer":
                    raise  # the page comes back as it is
                raise relay_failed(request, "RelayTargetFailed") from None
            if invocation.killed:
                raise died(request)
        except FetchFailedError as error:
            assert isinstance(fetch, Fetch)
            gone = tuple(fetch.sources[number] for number in error.gone)
            if gone:
                where = request.region
                raise SourcesGoneError("gone", region=where, gone=gone) from None
            raise relay_failed(request, "RelayFetchFailed") from None
        finally:
            function.end(invocation)
        await self._after(request, faults)
        return result
