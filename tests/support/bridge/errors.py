"""How what goes wrong in the world reaches the engine."""

from typing import Any, Final

from ali_import.cloud.calls import Call
from ali_import.errors import ApiError, TransportError
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Call as Struck
from alicloud_emulator.world.faults import Do, Fault

_THROTTLE_CODES: Final = {
    "oss": ("QpsLimitExceeded", 503),
    "fc": ("ResourceThrottled", 429),
}


def refusal(fault: Fault, call: Struck) -> ServiceError:
    """Return the answer of a refusing fault, as the emulator's front makes it."""
    is_throttle = fault.do is Do.THROTTLE
    code = fault.code or ("Throttling.User" if is_throttle else "ServiceUnavailable")
    status = 400 if is_throttle and not fault.code else fault.status
    if code == "Throttling.User":
        code, status = _THROTTLE_CODES.get(call.service, (code, status))
    return ServiceError(
        code,
        status,
        fault.message or "a fault",
        retry_after_ms=fault.retry_after_ms,
    )


def no_answer(request: Call[Any], text: str = "no answer") -> TransportError:
    return _transport(request, "NoAnswer", text)


def garbled(request: Call[Any]) -> TransportError:
    return _transport(request, "GarbledAnswer", "no usable answer")


def _transport(request: Call[Any], code: str, text: str) -> TransportError:
    return TransportError(
        text,
        region=request.region,
        operation=request.operation(),
        code=code,
    )


def died(request: Call[Any]) -> ApiError:
    return relay_failed(request, "UnhandledInvocationError")


def relay_failed(request: Call[Any], code: str) -> ApiError:
    """Return what comes of a function that failed: HTTP 200, the kind in a header."""
    return ApiError(
        "the relay function failed",
        region=request.region,
        operation="fc.InvokeFunction",
        code=code,
        http_status=200,
    )
