"""An HTTP client for the OSS SDK that sends each request through the relay function.

The SDK has already signed the request for the region's internal host. It travels as the
payload of one invocation; status, headers and body of the answer come back. So the code
that stores and deletes objects is the same for direct and for relayed regions.
"""

import base64
import binascii
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from requests.structures import CaseInsensitiveDict

from ali_import.cloud.sdk import genuine
from ali_import.cloud.sdk.bodies import SignedFetch
from ali_import.cloud.sdk.fc import INVOKE
from ali_import.cloud.values import ObjectSource
from ali_import.errors import ApiError, CloudError, SourcesGoneError, TransportError
from ali_import.relay.handler import frame
from ali_import.relay.package import DEADLINE_S, INLINE_BYTES_MAX

# What the function's own failures are called among the cloud's error codes.
CODES: Mapping[str, str] = {
    "refused": "RelayRefused",
    "fetch": "RelayFetchFailed",
    "target": "RelayTargetFailed",
    "broken": "FunctionFailed",
}


class TooLargeError(Exception):
    """A body does not fit an invocation; ``args`` holds its length in bytes."""


class RelayTransport:
    """Stands in for the OSS SDK's ``HttpClient``, for one region's relay.

    Args:
        invoke: Carries a payload to one invocation and returns what it answers; it
            raises what goes wrong on the way.
        region: The relay's region, for errors.
    """

    def __init__(self, invoke: Callable[[bytes], bytes], *, region: str) -> None:
        self._invoke = invoke
        self._region = region

    def open(self) -> None:
        """Do nothing: an invocation has no connection of its own."""

    def close(self) -> None:
        """Do nothing."""

    def send(self, request: Any, **_options: Any) -> "RelayResponse":
        """Send a request and return its answer.

        Raises:
            ApiError: The relay did not carry it out (one of ``CODES``), or Function
                Compute refused, or the body does not fit an invocation.
            SourcesGoneError: Not fetched, and some of its sources are gone.
            GarbledAnswerError: What the relay brought back is not OSS's own answer.
            TransportError: No usable answer came from Function Compute.
        """
        try:
            payload = _payload(request)
        except TooLargeError as exc:
            raise self._too_large(*exc.args) from None
        answer = self._parsed(self._invoke(payload))
        error = answer.get("error")
        if error is not None:
            raise self._failure(error, request.body)
        try:
            response = RelayResponse(
                request=request,
                status_code=int(answer["status"]),
                reason=str(answer.get("reason", "")),
                headers=CaseInsensitiveDict(
                    (str(name), str(value)) for name, value in answer["headers"]
                ),
                content=base64.b64decode(answer["body"], validate=True),
            )
        except (KeyError, TypeError, ValueError, binascii.Error) as exc:
            raise self._garbled() from exc
        genuine.check(response.headers, response.content)
        return response

    def _parsed(self, answer: bytes) -> Mapping[str, Any]:
        try:
            parsed = json.loads(answer)
        except ValueError as exc:
            raise self._garbled() from exc
        if not isinstance(parsed, dict):
            raise self._garbled()
        return parsed

    def _failure(self, error: Any, body: Any) -> CloudError:
        kind = str(error.get("kind")) if isinstance(error, dict) else ""
        if kind not in CODES:
            return self._garbled()
        # The detail is the function's own words: no URL, no header, no body.
        message = f"the relay function could not do it: {error.get('detail', '')}"[:240]
        gone = _gone(error, body)
        if gone:
            return SourcesGoneError(message, region=self._region, gone=gone)
        return ApiError(
            message,
            region=self._region,
            operation=INVOKE,
            code=CODES[kind],
            http_status=200,
        )

    def _too_large(self, size: int) -> CloudError:
        return ApiError(
            f"a body of {size} bytes does not fit an invocation of a function, "
            f"which takes {INLINE_BYTES_MAX}",
            region=self._region,
            operation=INVOKE,
            code="EntityTooLarge",
            http_status=413,
        )

    def _garbled(self) -> CloudError:
        return TransportError(
            "the relay function's answer cannot be read",
            region=self._region,
            operation=INVOKE,
            code="GarbledAnswer",
        )


def _gone(error: Mapping[str, Any], body: Any) -> tuple[ObjectSource, ...]:
    """Return the sources that the function found gone; it tells their numbers."""
    numbers = error.get("gone")
    if not isinstance(body, SignedFetch) or not isinstance(numbers, list):
        return ()
    return tuple(
        source for number, source in enumerate(body.sources) if number in numbers
    )


def _payload(request: Any) -> bytes:
    """Frame a request of the SDK; a fetch goes as words, any other body as bytes."""
    header: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "headers": [
            [name, str(value)]
            for name, value in request.headers.items()
            if value is not None
        ],
        "deadline_s": DEADLINE_S,
        "fetch": None,
    }
    body = request.body
    if isinstance(body, SignedFetch):
        header["fetch"] = {
            "urls": list(body.urls),
            "offset": body.offset,
            "length": body.length,
        }
        return frame(header)
    # Written block by block behind the header: a body from a file is in memory once.
    packed = io.BytesIO()
    framing = packed.write(frame(header))
    for block in _blocks(body):
        packed.write(block)
    inline_bytes = packed.tell() - framing
    if inline_bytes > INLINE_BYTES_MAX:
        raise TooLargeError(inline_bytes)
    return packed.getvalue()


def _blocks(body: Any) -> Iterable[bytes]:
    if not body:
        return ()
    if isinstance(body, str):
        return (body.encode(),)
    if isinstance(body, bytes):
        return (body,)
    assert isinstance(body, Iterable)
    return body


class RelayResponse:
    """An answer, as the OSS SDK's ``HttpResponse`` shows it."""

    is_closed = True
    is_stream_consumed = True

    def __init__(
        self,
        *,
        request: Any,
        status_code: int,
        reason: str,
        headers: CaseInsensitiveDict[str],
        content: bytes,
    ) -> None:
        self.request = request
        self.status_code = status_code
        self.reason = reason
        self.headers = headers
        self.content = content

    def read(self) -> bytes:
        """Return the body."""
        return self.content

    def iter_bytes(self, **_options: Any) -> Iterator[bytes]:
        """Give the body."""
        yield self.content

    def close(self) -> None:
        """Do nothing: all of it is here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        return None

    def __repr__(self) -> str:
        return f"<RelayResponse {self.status_code}>"
