"""The cheap seam: the adapters' own requests, without the SDKs' HTTP.

For ECS, STS and Function Compute the SDK's client is another one, whose ``call_api``
neither signs nor makes a session's request; for OSS only the SDK's HTTP client is.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from requests.structures import CaseInsensitiveDict
from typing_extensions import override

from ali_import.cloud.sdk import endpoints, genuine
from ali_import.cloud.sdk.credentials import Credentials
from ali_import.cloud.sdk.openapi import OpenApi
from ali_import.cloud.sdk.relay import RelayResponse
from ali_import.cloud.sdk.services import Services
from ali_import.cloud.sdk.settings import Settings
from tests.support.bridge import errors, inline
from tests.support.bridge.http import Answer, LostError, Sent

Send = Callable[[Sent], Awaitable[Answer]]
"""Sends a process's request, and returns its answer or raises LostError."""

_JSON: Final = "application/json; charset=utf-8"


class FastServices(Services):
    """The clients of every service, on the cheap seam."""

    def __init__(
        self, settings: Settings, credentials: Credentials, *, send: Send
    ) -> None:
        self._send = send
        super().__init__(settings, credentials)
        self.openapi = _OpenApi(settings, credentials, send)

    @override
    def make_session(self) -> Any:
        return _NoSession()

    @override
    def make_oss_carrier(self) -> Any:
        return _OssCarrier(self.settings, self._send)


class _NoSession:
    def close(self) -> None:
        """Do nothing."""


def exchange(send: Send, sent: Sent) -> Answer:
    """Send a request and wait for what this machine takes for the cloud's answer.

    Raises:
        requests.RequestException: There was none.
        GarbledAnswerError: It is somebody else's.
    """
    try:
        answer = inline.wait(send(sent))
    except LostError as lost:
        raise errors.above(lost, sent.host) from lost
    if not (answer.status < 400 and endpoints.is_fc(sent.host)):
        genuine.check(answer.headers, answer.body)
    return answer


class _OpenApi(OpenApi):
    def __init__(
        self, settings: Settings, credentials: Credentials, send: Send
    ) -> None:
        super().__init__(settings, credentials)
        self._send = send

    @override
    def make_client(self, host: str) -> Any:
        return _Client(host, self._settings, self._credentials, self._send)


class _Client:
    """What ``OpenApi`` uses of ``alibabacloud_tea_openapi.Client``, without signatures."""

    def __init__(
        self, host: str, settings: Settings, credentials: Credentials, send: Send
    ) -> None:
        self._host = host
        self._settings = settings
        self._credentials = credentials
        self._send = send

    def call_api(self, params: Any, request: Any, runtime: Any) -> dict[str, Any]:
        keys = self._credentials.keys()
        headers = {
            "accept": "application/json",
            "x-acs-action": params.action,
            "x-acs-version": params.version,
            "x-acs-accesskey-id": keys.access_key_id,
            **(request.headers or {}),
        }
        if keys.security_token:
            headers["x-acs-security-token"] = keys.security_token
        body = request.stream or b""
        if request.body is not None:
            body = json.dumps(request.body).encode()
            headers["content-type"] = _JSON
        query = urlencode(request.query or {})
        sent = Sent(
            method=params.method,
            host=self._host,
            target=f"{params.pathname}?{query}" if query else params.pathname,
            headers=headers,
            body=body,
            timeout_s=(runtime.read_timeout or 0) / 1000
            or self._settings.read_timeout_s,
        )
        answer = exchange(self._send, sent)
        told = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status >= 400:
            raise _refusal(answer, told)
        read: Mapping[str, Callable[[bytes], Any]] = {
            "json": json.loads,
            "binary": bytes,
            "none": bytes.decode,
        }
        return {
            "body": read[params.body_type](answer.body),
            "headers": told,
            "statusCode": answer.status,
        }


def _refusal(answer: Answer, headers: Mapping[str, str]) -> Exception:
    """Return the error that the SDK makes of a refusal."""
    from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

    told = json.loads(answer.body)
    after_ms = headers.get("x-acs-retry-after", "")
    error: Exception = AlibabaCloudException(
        status_code=answer.status,
        code=str(told.get("Code") or told.get("code")),
        message=str(told.get("Message") or told.get("message")),
        retry_after=int(after_ms) if after_ms else None,
        data=told,
        request_id=str(told.get("RequestId") or told.get("requestId")),
    )
    return error


class _OssCarrier:
    """The OSS SDK's HTTP client."""

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def send(self, request: Any, **options: Any) -> RelayResponse:
        from alibabacloud_oss_v2.exceptions import RequestError
        from requests import RequestException

        url = urlsplit(request.url)
        given = {
            name.lower(): str(value)
            for name, value in request.headers.items()
            if value is not None
        }
        sent = Sent(
            method=request.method,
            host=url.hostname or "",
            target=f"{url.path or '/'}?{url.query}" if url.query else url.path or "/",
            headers=given,
            body=whole(request.body),
            timeout_s=options.get("readwrite_timeout") or self._settings.read_timeout_s,
        )
        try:
            answer = exchange(self._send, sent)
        except RequestException as error:
            raise RequestError(error=error) from error
        return RelayResponse(
            request=request,
            status_code=answer.status,
            reason="",
            headers=CaseInsensitiveDict(answer.headers),
            content=answer.body,
        )


def whole(body: Any) -> bytes:
    """Return a body that is given in one of the ways that HTTP clients take."""
    if not body:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    assert isinstance(body, Iterable)
    return b"".join(body)
