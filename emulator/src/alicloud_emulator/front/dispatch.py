"""One request's way: verify, throttle, faults, service, error body, counts."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from alicloud_emulator.front import faults, gateway
from alicloud_emulator.front.body import BEGINNING_BYTES_MAX, RequestBody
from alicloud_emulator.front.calls import Answered, Whole
from alicloud_emulator.front.events import Events
from alicloud_emulator.front.http import ConnectionGoneError, body_length
from alicloud_emulator.front.server import Arrival, DropConnectionError
from alicloud_emulator.front.signatures.verifier import Verifier
from alicloud_emulator.products import BY_NAME
from alicloud_emulator.products.wire import Request, Response, Service
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Call, Do, Fault
from alicloud_emulator.world.throttle import Throttle
from alicloud_emulator.world.world import World

logger = logging.getLogger(__name__)

_QUERY_FIELDS_MAX = 4000
_NAME_CHARS_MAX = 1200
"""Of an action or a resource: the longest is a bucket with a key of 1023 bytes. A form
may hold a megabyte, and what a call was about is remembered for a while."""


class Settle(Protocol):
    """Returns when what calls changed outlives this process, where it is to."""

    async def __call__(self, *, changed: bool) -> None:
        """Return then; ``changed`` says whether this call may have changed something."""


async def at_once(*, changed: bool) -> None:
    """Do nothing: the cloud lives as long as this process."""
    del changed


class Dispatcher:
    """Answers requests from one world.

    Args:
        world: The cloud.
        services: Products by name, as in ``Host.service``.
        events: Told of every request.
        settle: Returns when what was changed, or seen, is kept.

    Attributes:
        retired: Another world took this one's place: calls under way end untold.
    """

    def __init__(
        self,
        world: World,
        services: Mapping[str, Service],
        events: Events,
        *,
        settle: Settle = at_once,
    ) -> None:
        self._world = world
        self._services = services
        self._events = events
        self._settle = settle
        self.retired = False
        self._verifier = Verifier(world)
        self._throttle = Throttle(world.profile, world.agenda)

    async def answer(self, arrival: Arrival) -> Response:
        """Answer one request.

        Raises:
            DropConnectionError: A fault: close without an answer.
            ConnectionGoneError: The client went away in the middle.
        """
        started = time.perf_counter()
        self._world.agenda.catch_up()
        service = self._services[arrival.host.service]
        clock = self._world.faults.strike_host(
            arrival.host.service, arrival.host.region, Do.CLOCK
        )
        skew_s = clock.skew_s if clock else 0.0
        request = self._request(arrival, self._world.wall() + skew_s)
        refusal = await self._verified(request, arrival.body, skew_s)
        call = self._call(request, *service.describe(request))
        self._world.traffic.count_call(call.operation)
        record = _Record(request, call, (clock,) if clock else ())
        try:
            response = await self._carried_out(
                service, request, call, refusal, record, gone=arrival.gone
            )
            if not isinstance(response, faults.Page):
                now = self._world.wall() + skew_s
                gateway.add_headers(request, response, self._world.rng, now)
            await self._settle(changed=_changes(request, call))
            record.answered(response)
            faults.slowed(response, record.faults)
        except (DropConnectionError, ConnectionGoneError):
            record.outcome = "dropped"
            raise
        finally:
            self._count_body(request, arrival.body.received, up=True)
            if not self.retired:
                self._events.add(
                    record.document(self._world.wall(), started, arrival.body.received),
                    record.whole(arrival.body),
                )
        return response

    def sent(self, arrival: Arrival, size: int) -> None:
        """Count the body of an answer."""
        self._world.traffic.count_body(
            size, inside=arrival.origin.inside, region=arrival.host.region, up=False
        )

    def _request(self, arrival: Arrival, now: float) -> Request:
        head = arrival.head
        raw_path, _, raw_query = arrival.target.partition("#")[0].partition("?")
        return Request(
            method=head.method,
            host=arrival.host,
            path=_path(raw_path, arrival.host.prefix),
            raw_path=raw_path,
            raw_query=raw_query,
            query=_pairs(raw_query),
            headers=head.headers,
            body=arrival.body,
            content_length=head.content_length,
            scheme=arrival.origin.scheme,
            inside=arrival.origin.inside,
            peer=arrival.origin.peer,
            request_id=BY_NAME[arrival.host.service].request_id(self._world.rng, now),
        )

    async def _verified(
        self, request: Request, body: RequestBody, skew_s: float
    ) -> ServiceError | None:
        """Find the caller; return why the request is refused, if it is."""
        try:
            await self._verifier.verify(request, body, skew_s=skew_s)
        except ServiceError as error:
            return error
        if request.caller is not None:
            request.caller = replace(request.caller, context=request.context)
        return None

    def _call(self, request: Request, action: str, resource: str) -> Call:
        host = request.host
        product = BY_NAME[host.service]
        region = request.param("RegionId") if product.region_parameter else ""
        is_download = action in product.downloads
        return Call(
            service=host.service,
            action=action[:_NAME_CHARS_MAX],
            region=(region or host.region)[:_NAME_CHARS_MAX],
            resource=resource[:_NAME_CHARS_MAX],
            download_from=host.region if is_download else "",
            download_to=request.inside if is_download else "",
        )

    async def _carried_out(
        self,
        service: Service,
        request: Request,
        call: Call,
        refusal: ServiceError | None,
        record: "_Record",
        *,
        gone: faults.Gone,
    ) -> Response:
        try:
            if refusal is not None:
                raise refusal
            response = await self._handled(service, request, call, record, gone=gone)
        except ServiceError as error:
            self._world.traffic.count_error(call.operation, error.code)
            record.code = error.code
            response = service.error(request, error)
            if error.retry_after_ms > 0:
                retry_after = str(error.retry_after_ms)
                response.headers.setdefault("x-acs-retry-after", retry_after)
        record.outcome = str(response.status)
        return response

    async def _handled(
        self,
        service: Service,
        request: Request,
        call: Call,
        record: "_Record",
        *,
        gone: faults.Gone,
    ) -> Response:
        """Let the faults and the service do their work."""
        region = self._world.profile.region(call.region)
        if (region is not None and region.dead) or (
            # By another region's host: its own are dead before anything is asked.
            call.region != request.host.region
            and self._world.faults.strike_host(call.service, call.region, Do.DEAD)
        ):
            await faults.hang(gone)
        account_id = request.caller.account_id if request.caller else ""
        self._throttle.check(account_id, call.operation, call.region)
        struck = self._world.faults.strike(call)
        record.faults += struck
        if (answer := await faults.before(struck, call, gone)) is not None:
            return answer
        request.faults = faults.for_service(struck)
        try:
            response = await self._seen(service, request, faults.lag_s(struck))
        except ServiceError:
            # What is said of a second try is not said of a first that failed.
            told = [fault for fault in struck if not fault.code]
            await faults.after(told)
            raise
        return await faults.after(struck) or response

    async def _seen(self, service: Service, request: Request, lag_s: float) -> Response:
        """Let the service do its work; listings show what there was ``lag_s`` ago."""
        past = self._world.past
        try:
            if not lag_s:
                return await self._served(service, request)
            with past.shown(lag_s):
                return await self._served(service, request)
        finally:
            past.note()

    async def _served(self, service: Service, request: Request) -> Response:
        try:
            return await service.handle(request)
        except (ServiceError, ConnectionGoneError, DropConnectionError):
            raise
        except Exception as error:
            logger.exception("%s failed unexpectedly", request.host.service)
            code = BY_NAME[request.host.service].internal_error
            raise ServiceError(
                code, 500, "The emulator failed: see its log."
            ) from error

    def _count_body(self, request: Request, size: int, *, up: bool) -> None:
        self._world.traffic.count_body(
            size, inside=request.inside, region=request.host.region, up=up
        )


def _changes(request: Request, call: Call) -> bool:
    """Whether a call may have changed something, as its method or name says."""
    if BY_NAME[call.service].behind_gateway:
        return not call.action.startswith(("Describe", "List", "Get"))
    return request.method not in {"GET", "HEAD", "OPTIONS"}


class _Record:
    """What GET /events will say of a request."""

    def __init__(self, request: Request, call: Call, faults: tuple[Fault, ...]) -> None:
        self.request = request
        self.call = call
        self.outcome = "failed"
        self.code = ""
        self.faults = faults
        self._answer = Answered()

    def answered(self, response: Response) -> None:
        """Remember the answer."""
        body = response.body
        self._answer = Answered(
            status=response.status,
            headers=dict(response.headers),
            body=body[:BEGINNING_BYTES_MAX] if isinstance(body, bytes) else b"",
            size=body_length(response),
        )

    def whole(self, body: RequestBody) -> Whole:
        """Return what was sent, both ways."""
        request = self.request
        return Whole(
            method=request.method,
            host=request.host.name,
            scheme=request.scheme,
            target=f"{request.raw_path}{'?' if request.raw_query else ''}"
            f"{request.raw_query}"[:BEGINNING_BYTES_MAX],
            headers=request.headers,
            body=body.beginning,
            size=body.received,
            answer=self._answer,
        )

    def document(
        self, now: float, started: float, bytes_received: int
    ) -> dict[str, object]:
        """Return the record as JSON shows it."""
        return {
            "time": round(now, 3),
            "request_id": self.request.request_id,
            "action": self.call.operation,
            "host": self.request.host.name,
            "region": self.call.region,
            "resource": self.call.resource,
            "inside": self.request.inside,
            "caller": self.request.caller.arn if self.request.caller else "",
            "signature": self.request.signature,
            "outcome": self.outcome,
            "code": self.code,
            "faults": [str(fault.do) for fault in self.faults],
            "bytes_received": bytes_received,
            "duration_ms": round((time.perf_counter() - started) * 1000, 1),
        }


def _path(raw_path: str, prefix: str) -> str:
    path = unquote(raw_path, errors="replace").removeprefix(prefix)
    return path if path.startswith("/") else f"/{path}"


def _pairs(raw_query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw_query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX
        )
    except ValueError:
        # Too many: no call has so many parameters; services will miss what they need.
        return []
