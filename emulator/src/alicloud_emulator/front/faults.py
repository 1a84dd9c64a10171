"""Carries out the faults that strike on the way: all but those a service acts out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import anyio

from alicloud_emulator.front.http import file_blocks
from alicloud_emulator.front.server import DropConnectionError
from alicloud_emulator.products import BY_NAME
from alicloud_emulator.products.wire import FileBody, Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Call, Do, Fault

_HANG_S_MAX = 3600.0
_DELAY_S_MAX = 600.0
_TRICKLE_S = 0.1
"""How often some more bytes of a slow answer come."""

_FOR_SERVICES = frozenset(
    {Do.CORRUPT, Do.TRUNCATE, Do.KILL, Do.FAIL_TASK, Do.LATE_USABLE}
)
_THROTTLED = "Throttling.User"
_MESSAGES = {
    "Throttling": "Request was denied due to request throttling.",
    "Throttling.Api": "Request was denied due to user flow control.",
    "Throttling.User": "Request was denied due to user flow control.",
}
"""The gateway's own words.

Source: aliyun/terraform-provider-alicloud#3347, #3447, and an SDK's fixtures.
"""
_MESSAGE = "The request has failed due to a fault of this cloud."

Gone = Callable[[], Awaitable[None]]
"""Returns when the client of a call has gone."""


class Page(Response):
    """What somebody on the way answers in the cloud's place, without its headers."""


def for_service(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the faults that the service itself acts out."""
    return tuple(fault for fault in faults if fault.do in _FOR_SERVICES)


def lag_s(faults: Iterable[Fault]) -> float:
    """Return how old what a listing shows has to be, in seconds."""
    return max((fault.delay_s for fault in faults if fault.do is Do.LAG), default=0.0)


def slowed(response: Response, struck: Iterable[Fault]) -> None:
    """Let an answer's body come slowly, if a fault says so."""
    rates = [fault.bytes_per_s for fault in struck if fault.do is Do.TRICKLE]
    if not rates or response.body == b"":
        return
    body = response.body
    if isinstance(body, bytes):
        response.content_length = len(body)
        blocks = _whole(body)
    elif isinstance(body, FileBody):
        response.content_length = body.length
        blocks = file_blocks(body.path, body.offset, body.length)
    else:
        blocks = body
    response.body = _trickle(blocks, min(rates))


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _trickle(
    blocks: AsyncIterator[bytes], bytes_per_s: int
) -> AsyncIterator[bytes]:
    """Yield what ``blocks`` has in small pieces, each when its time has come."""
    size = max(1, int(bytes_per_s * _TRICKLE_S))
    async for block in blocks:
        for start in range(0, len(block), size):
            piece = block[start : start + size]
            await anyio.sleep(len(piece) / bytes_per_s)
            yield piece


async def hang(gone: Gone) -> None:
    """Say nothing for an hour, or until the client has gone; drop the connection.

    Raises:
        DropConnectionError: Always.
    """
    with anyio.move_on_after(_HANG_S_MAX):
        await gone()
    raise DropConnectionError


async def before(faults: Iterable[Fault], call: Call, gone: Gone) -> Response | None:
    """Carry out the faults that keep a call from being done.

    Returns:
        The answer to give instead of doing the call, or None to do it.

    Raises:
        ServiceError: The call is refused or throttled.
        DropConnectionError: Close without an answer.
    """
    for fault in faults:
        match fault.do:
            case Do.REFUSE | Do.THROTTLE:
                raise _refusal(fault, call)
            case Do.DROP_BEFORE:
                raise DropConnectionError
            case Do.HANG:
                await hang(gone)
            case Do.HTML:
                return _html_page(fault.status)
            case _:
                pass
    return None


async def after(faults: Iterable[Fault]) -> Response | None:
    """Carry out the faults that hide or delay the answer to a call that was done.

    Returns:
        The answer to give instead of the service's, or None.

    Raises:
        ServiceError: The cloud lost the answer itself, tried again, and tells that.
        DropConnectionError: Close without an answer.
    """
    for fault in faults:
        match fault.do:
            case Do.DELAY:
                await anyio.sleep(min(fault.delay_s, _DELAY_S_MAX))
            case Do.DROP_AFTER if fault.code:
                raise ServiceError(fault.code, fault.status, fault.message or _MESSAGE)
            case Do.DROP_AFTER:
                raise DropConnectionError
            case Do.HTML_AFTER:
                return _html_page(fault.status)
            case _:
                pass
    return None


def _refusal(fault: Fault, call: Call) -> ServiceError:
    is_throttle = fault.do is Do.THROTTLE
    code = fault.code or (_THROTTLED if is_throttle else "ServiceUnavailable")
    # A fault is a refusal by 503 unless it says otherwise; throttling by 400.
    status = 400 if is_throttle and not fault.code else fault.status
    if code == _THROTTLED:
        code, status = BY_NAME[call.service].throttled or (code, status)
    return ServiceError(
        code,
        status,
        fault.message or _MESSAGES.get(code, _MESSAGE),
        retry_after_ms=fault.retry_after_ms,
    )


_TITLES = {200: "Sign in", 502: "502 Bad Gateway"}


def _html_page(status: int) -> Page:
    title = _TITLES.get(status, f"{status} Error")
    page = (
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    )
    return Page(
        status=status,
        headers={"Content-Type": "text/html", "Server": "Tengine"},
        # An answer 204 has no body.
        body=b"" if status == 204 else page.encode(),
    )
