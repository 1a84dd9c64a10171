"""The one boundary where exceptions of the SDKs become ours.

An SDK wraps what went wrong two to five deep. ``translate`` looks through every layer
for the most telling exception, by the table at the end: the first row that matches any
layer wins, so the most specific stand first. What no row knows is a mistake of ours and
is not caught.
"""

import errno
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ali_import.cloud.calls import Call
from ali_import.cloud.sdk import endpoints
from ali_import.errors import (
    AliImportError,
    ApiError,
    CloudError,
    ConfigurationError,
    HostNotFoundError,
    TransportError,
)
from ali_import.redaction import scrub, word

_LAYERS_MAX = 60
_RETRY_AFTER_S_MAX = 3600.0
_HUNG_UP = (ConnectionAbortedError, ConnectionResetError, BrokenPipeError)
# A resolver's two ways of saying that a name does not exist; EAI_AGAIN, EAI_FAIL and
# the others say that it could not find out.
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
# What proxies write when a name does not exist: Go's, Privoxy's, the resolver's words.
# "Could not resolve" is no such word: it may be their resolver's bad moment.
_NO_SUCH_NAME_WORDS = (
    "no such host",
    "no such domain",
    "does not exist",
    "nxdomain",
    "name or service not known",
)
# What a proxy answers that did not reach the host, whatever was in the way.
_NOT_REACHED = ("502", "503", "504")
# Every region has ECS, and STS is central: without a name for them, it is the
# resolver that is wrong.
_ALWAYS_THERE = ("ecs.", "sts.")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which call an error belongs to: region, operation, and the host it went to."""

    region: str
    operation: str
    host: str = ""

    @classmethod
    def of(cls, call: Call[Any]) -> "Place":
        """Return where a call goes."""
        return cls(
            region=call.region,
            operation=call.operation(),
            host=endpoints.host(call.SERVICE, call.region),
        )


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """Turn what an SDK raises within into our errors.

    Raises:
        ApiError: The cloud said no.
        HostNotFoundError: The host name does not exist.
        TransportError: No usable answer.
        CloudError: ``ImageFileChanged``: an image's file is not what it was.
        ConfigurationError: There are no credentials, or they are unusable.
    """
    try:
        yield
    except AliImportError:
        raise
    except Exception as exc:
        error = translate(exc, place)
        if error is None:
            raise
        raise error from exc


def translate(exc: Exception, place: Place) -> AliImportError | None:
    """Return our error for ``exc``, or None if it is none of an SDK's."""
    layers = list(_layers(exc))
    for module, name, convert in _TABLE:
        # An exception of a module that was never imported cannot have been raised.
        kind = getattr(sys.modules.get(module), name, None)
        if kind is None:
            continue
        for layer in layers:
            if isinstance(layer, kind):
                return convert(layer, place)
    return None


def _layers(exc: BaseException) -> Iterator[BaseException]:
    """Give ``exc`` and everything it wraps, outermost first."""
    waiting: list[Any] = [exc]
    seen: set[int] = set()
    while waiting and len(seen) < _LAYERS_MAX:
        layer = waiting.pop(0)
        if not isinstance(layer, BaseException) or id(layer) in seen:
            continue
        seen.add(id(layer))
        yield layer
        waiting += [
            layer.__cause__,
            layer.__context__,
            getattr(layer, "inner_exception", None),  # UnretryableException
            getattr(layer, "_error", None),  # OperationError, RequestError
            getattr(layer, "reason", None),  # urllib3's MaxRetryError
            getattr(layer, "original_error", None),  # urllib3's ProxyError
            *layer.args,
        ]


# --- answers of the cloud ------------------------------------------------------------


def _api_error(exc: Any, place: Place) -> AliImportError:
    """Convert ``AlibabaCloudException`` of ECS, STS and Function Compute."""
    data = exc.data if isinstance(exc.data, dict) else {}
    code = word(str(exc.code or ""))
    if code in {"", "None"}:
        return _garbled(f"HTTP {exc.status_code} without an error code", place)
    retry_after_ms = getattr(exc, "retry_after", None) or 0
    return ApiError(
        scrub(str(data.get("Message") or data.get("message") or code)),
        region=place.region,
        operation=place.operation,
        code=code,
        http_status=int(exc.status_code or 0),
        request_id=word(str(data.get("RequestId") or data.get("requestId") or "")),
        retry_after_s=min(retry_after_ms / 1000, _RETRY_AFTER_S_MAX),
    )


def _oss_error(exc: Any, place: Place) -> AliImportError:
    """Convert ``ServiceError`` of OSS."""
    code = word(str(exc.code or ""))
    if code in {"", "BadErrorResponse"}:
        return _garbled(f"HTTP {exc.status_code} without an error code", place)
    return ApiError(
        scrub(str(exc.message or code)),
        region=place.region,
        operation=place.operation,
        code=code,
        http_status=int(exc.status_code or 0),
        request_id=word(str(exc.request_id or "")),
    )


def _garbled_answer(exc: BaseException, place: Place) -> AliImportError:
    told = str(exc) if type(exc).__name__ == "GarbledAnswerError" else ""
    return _garbled(told or "the answer is not what the protocol says", place)


def _garbled(message: str, place: Place) -> TransportError:
    return _transport(message, place, code="GarbledAnswer")


# --- no answer -----------------------------------------------------------------------


def _proxy_failure(exc: BaseException, place: Place) -> AliImportError:
    """Tell a host that the proxy cannot find from a proxy that does not work.

    urllib3 also calls it the proxy's failure when the server behind it hangs up on a
    request: by then the connection is closed, and looks as if it was never made.
    """
    layers = list(_layers(exc))
    told = [str(layer) for layer in layers if type(layer) is OSError]
    refusal = next((text for text in told if text.startswith("Tunnel")), "")
    if any(words in refusal.lower() for words in _NO_SUCH_NAME_WORDS):
        return _no_such_host(place)
    if any(f" {status} " in f"{refusal} " for status in _NOT_REACHED):
        return _transport(f"the proxy did not reach the host: {scrub(refusal)}", place)
    if any(isinstance(layer, _HUNG_UP) for layer in layers):
        return _dropped(exc, place)
    return _transport(
        scrub(refusal) or "the proxy cannot be reached",
        place,
        code="ProxyFailure",
        advice="check HTTPS_PROXY and NO_PROXY",
    )


def _tls_failure(exc: BaseException, place: Place) -> AliImportError:
    why = getattr(exc, "verify_message", "") or getattr(exc, "reason", "") or ""
    detail = f": {scrub(str(why))}" if why else ""
    return _transport(
        f"the server's TLS certificate or protocol was not accepted{detail}",
        place,
        code="TlsFailure",
        advice="behind a proxy that ends TLS, set SSL_CERT_FILE to its certificates",
    )


def _unresolved(exc: BaseException, place: Place) -> AliImportError:
    """Tell a name that does not exist from a resolver that fails."""
    told = [layer.errno for layer in _layers(exc) if isinstance(layer, socket.gaierror)]
    if any(number in _NO_SUCH_NAME for number in told):
        return _no_such_host(place)
    return _transport(f"the resolver did not find {_named(place)}", place)


def _named(place: Place) -> str:
    return f"the host name {place.host}" if place.host else "the service's host name"


def _no_such_host(place: Place) -> TransportError:
    message = f"{_named(place)} does not exist"
    if place.operation.startswith(_ALWAYS_THERE):
        return _transport(message, place)
    return HostNotFoundError(
        message,
        region=place.region,
        operation=place.operation,
        code="HostNotFound",
    )


def _timed_out(_exc: BaseException, place: Place) -> AliImportError:
    return _transport("no answer in time", place)


def _refused(_exc: BaseException, place: Place) -> AliImportError:
    return _transport("the connection was refused", place)


def _dropped(_exc: BaseException, place: Place) -> AliImportError:
    return _transport("the connection failed before the answer was complete", place)


def _out_of_files(exc: OSError, place: Place) -> AliImportError | None:
    if exc.errno not in {errno.EMFILE, errno.ENFILE}:
        return None
    advice = "let processes open more files: `ulimit -n 1024`"
    return _transport("too many open files on this machine", place, advice=advice)


def _credentials_lost(exc: BaseException, place: Place) -> AliImportError:
    return _transport(str(exc), place)


def _file_changed(exc: BaseException, place: Place) -> AliImportError:
    return CloudError(
        str(exc),
        region=place.region,
        operation=place.operation,
        code="ImageFileChanged",
    )


def _no_credentials(_exc: BaseException, _place: Place) -> AliImportError:
    return ConfigurationError("no Alibaba Cloud credentials were found")


def _transport(
    message: str, place: Place, *, code: str = "NoAnswer", advice: str = ""
) -> TransportError:
    return TransportError(
        message,
        region=place.region,
        operation=place.operation,
        code=code,
        advice=advice,
    )


def _ours(exc: BaseException, _place: Place) -> AliImportError | None:
    return exc if isinstance(exc, AliImportError) else None


_SDK = "ali_import.cloud.sdk"
_TABLE: tuple[tuple[str, str, Callable[[Any, Place], AliImportError | None]], ...] = (
    # Raised below an SDK by us: no credentials, a file that changed, the relay.
    (f"{_SDK}.bodies", "FileChangedError", _file_changed),
    ("ali_import.errors", "AliImportError", _ours),
    (f"{_SDK}.credentials", "CredentialsLostError", _credentials_lost),
    ("alibabacloud_oss_v2.exceptions", "CredentialsBaseError", _no_credentials),
    ("requests.exceptions", "TooManyRedirects", _garbled_answer),
    # The cloud answered.
    ("alibabacloud_oss_v2.exceptions", "ServiceError", _oss_error),
    ("alibabacloud_tea_openapi.exceptions", "AlibabaCloudException", _api_error),
    (f"{_SDK}.answers", "GarbledAnswerError", _garbled_answer),
    # It did not. A proxy's failure may wrap any of those below it.
    ("urllib3.exceptions", "ProxyError", _proxy_failure),
    ("urllib3.exceptions", "NameResolutionError", _unresolved),
    (socket.__name__, "gaierror", _unresolved),
    (ssl.__name__, "SSLEOFError", _dropped),
    (ssl.__name__, "SSLZeroReturnError", _dropped),
    (ssl.__name__, "SSLError", _tls_failure),
    ("urllib3.exceptions", "SSLError", _tls_failure),
    ("urllib3.exceptions", "TimeoutError", _timed_out),
    ("builtins", "TimeoutError", _timed_out),
    ("builtins", "ConnectionRefusedError", _refused),
    ("http.client", "RemoteDisconnected", _dropped),
    ("http.client", "BadStatusLine", _garbled_answer),
    ("urllib3.exceptions", "HTTPError", _dropped),
    ("requests.exceptions", "RequestException", _dropped),
    # The SDKs' own wrappers around something they choked on: not the protocol.
    ("alibabacloud_oss_v2.exceptions", "OperationError", _garbled_answer),
    ("alibabacloud_oss_v2.exceptions", "DeserializationError", _garbled_answer),
    ("json", "JSONDecodeError", _garbled_answer),
    ("xml.etree.ElementTree", "ParseError", _garbled_answer),
    ("darabonba.exceptions", "UnretryableException", _garbled_answer),
    ("builtins", "OSError", _out_of_files),
)
