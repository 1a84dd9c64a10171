"""How what goes wrong in the world reaches the engine."""

from typing import Any, Final

from ali_import.cloud.requests import Request
from ali_import.errors import ApiError, TransportError
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Call, Do, Fault

_THROTTLE_CODES: Final = {
    "oss": ("QpsLimitExceeded", 503),
    "fc": ("ResourceThrottled", 429),
}


def refusal(fault: Fault, call: Call) -> ServiceError:
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


def no_answer(request: Request[Any]) -> TransportError:
    return _transport(request, "NoAnswer")


def garbled(request: Request[Any]) -> TransportError:
    return _transport(request, "GarbledAnswer")


def _transport(request: Request[Any], code: str) -> TransportError:
    return TransportError(
        "no usable answer",
        region=request.region,
        operation=request.operation(),
        code=code,
    )


def died(request: Request[Any]) -> ApiError:
    return relay_failed(request, "UnhandledInvocationError")


def relay_failed(request: Request[Any], code: str) -> ApiError:
    """Return what comes of a function that failed: HTTP 200, the kind in a header."""
    return ApiError(
        "the relay function failed",
        region=request.region,
        operation="fc.InvokeFunction",
        code=code,
        http_status=200,
    )
