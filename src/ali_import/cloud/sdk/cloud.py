"""``SdkCloud``: the cloud port, answered by the official SDKs in worker threads.

The SDKs' synchronous path costs about 1.3 ms a call, their asynchronous one about 43 ms
(it makes a TLS context and a connection for each call), hence threads. They come from
three limiters, so that polls never wait behind uploads:

* calls: small questions and answers;
* uploads: bodies that this machine sends, read from disk in blocks;
* relayed: calls that wait for a function. A body that travels inside the invocation is
  held in memory, so these also share a budget of bytes.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from anyio import CapacityLimiter, to_thread

from ali_import.cloud import calls
from ali_import.cloud.calls import Call, DataCall
from ali_import.cloud.sdk import ecs, fc, identity, oss, shared
from ali_import.cloud.sdk.budget import ByteBudget
from ali_import.cloud.sdk.credentials import Credentials
from ali_import.cloud.sdk.services import ADAPTERS, Services
from ali_import.cloud.sdk.settings import Settings
from ali_import.cloud.sdk.translate import Place, translated
from ali_import.cloud.values import LocalBody
from ali_import.errors import ApiError
from ali_import.units import MIB

R = TypeVar("R")

# Imported for their adapters, each of which says which call it answers.
PRODUCTS = (ecs, fc, identity, oss)

CALLS_MAX = 64
# Each holds a socket and a block of 64 KiB; more than this only shares the same line.
UPLOADS_MAX = 24
RELAYED_MAX = 64
# A body that travels in an invocation stands in memory once, 24 MiB at most. One of
# the largest at a time, three parts of a large image, or eight small images: the uplink
# is shared by all anyway, and each has a thread and a connection besides.
RELAY_BYTES_MAX = 24 * MIB
RELAY_BODY_BYTES_MIN = 3 * MIB

_EXPIRED = frozenset({"InvalidSecurityToken.Expired", "SecurityTokenExpired"})


class RunBlocking(Protocol):
    """Runs a function that blocks, beside the event loop."""

    async def __call__(
        self,
        work: Callable[[Call[Any]], Any],
        call: Call[Any],
        /,
        *,
        limiter: CapacityLimiter,
        abandon_on_cancel: bool,
    ) -> Any:
        """Return what ``work`` makes of ``call``, as ``to_thread.run_sync`` does."""
        ...


async def _in_a_thread(
    work: Callable[[Call[Any]], Any],
    call: Call[Any],
    /,
    *,
    limiter: CapacityLimiter,
    abandon_on_cancel: bool,
) -> Any:
    return await to_thread.run_sync(
        work, call, limiter=limiter, abandon_on_cancel=abandon_on_cancel
    )


@dataclass(frozen=True)
class _Lane:
    """The threads a call may use, the bytes it holds, whether it may be left."""

    limiter: CapacityLimiter
    abandon: bool
    held_bytes: int = 0


class SdkCloud:
    """The cloud port on the official SDKs.

    A read is abandoned when its caller is cancelled. What changes the cloud is waited
    for (bounded by the time-outs of ``Settings``): what a cancelled run cleans up must
    include what its last calls made. Uploads notice within a block. A relayed call is
    abandoned too, since an invocation may take minutes and leaves nothing but an object
    in a bucket, which the bucket's deletion meets.

    Args:
        settings: Proxy, certificates and time-outs, the same for every product.
        credentials: Whose calls these are; the official default chain if None.
        run_blocking: Runs what blocks: in worker threads, unless time is virtual.
        make_services: Makes the clients, when the first call needs them.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        credentials: Credentials | None = None,
        run_blocking: RunBlocking = _in_a_thread,
        make_services: Callable[[Settings, Credentials], Services] = Services,
    ) -> None:
        self._settings = settings
        self._credentials = credentials or Credentials()
        self._run_blocking = run_blocking
        self._make_services = make_services
        self._services: Services | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._calls = CapacityLimiter(max(1, int(CALLS_MAX * settings.share)))
        self._uploads = CapacityLimiter(max(1, int(UPLOADS_MAX * settings.share)))
        self._relayed = CapacityLimiter(max(1, int(RELAYED_MAX * settings.share)))
        self._relay_bytes = ByteBudget(RELAY_BYTES_MAX)

    async def call(self, call: Call[R], /) -> R:
        """Carry out ``call`` once, and return its result.

        Raises:
            ApiError: The cloud said no, or the file being uploaded became shorter.
            HostNotFoundError: The region does not have the service.
            TransportError: No usable answer; the effect is unknown.
            ConfigurationError: No credentials, or the cloud does not know them.
        """
        lane = self._lane(call)
        async with self._relay_bytes.take(lane.held_bytes):
            result = await self._run_blocking(
                self._run,
                call,
                limiter=lane.limiter,
                abandon_on_cancel=lane.abandon,
            )
        return cast("R", result)

    def close(self) -> None:
        """Close every connection, and leave the SDKs as they were found.

        Closing again does nothing. Calls that were abandoned may end later.
        """
        with self._lock:
            services, self._services = self._services, None
            self._closed = True
        if services is not None:
            services.close()

    def _lane(self, call: Call[Any]) -> _Lane:
        body = getattr(call, "body", None)
        if isinstance(call, DataCall) and call.relay:
            return _Lane(self._relayed, abandon=True, held_bytes=_inline_bytes(body))
        return _Lane(
            self._calls if body is None else self._uploads,
            abandon=not call.CHANGES,
        )

    def _run(self, call: Call[Any]) -> Any:
        """Carry out a call; it blocks."""
        adapter = ADAPTERS[type(call)]
        try:
            with translated(Place.of(call)):
                services = self._made_services()
                with shared.using(services.session):
                    return adapter(services, call)
        except ApiError as exc:
            refusal = identity.refusal(exc)
            if refusal is not None and isinstance(call, calls.GetCallerIdentity):
                raise refusal from exc
            if exc.code in _EXPIRED and not self._credentials.refreshes:
                # Trying again would not help.
                raise exc.anew(code="SecurityTokenRanOut") from exc.__cause__
            raise

    def _made_services(self) -> Services:
        with self._lock:
            assert not self._closed, "a call on a cloud that was closed"
            if self._services is None:
                self._services = self._make_services(self._settings, self._credentials)
            return self._services


def _inline_bytes(body: object) -> int:
    """Return how many bytes a relayed body counts for that travels in the invocation."""
    if isinstance(body, LocalBody):
        return max(body.length, RELAY_BODY_BYTES_MIN)
    return len(body) if isinstance(body, bytes) else 0
