"""The deep seam: the SDKs themselves, down to the connections of their one session."""

import io
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override

from ali_import.cloud.sdk import pools, wire
from ali_import.cloud.sdk.credentials import Credentials
from ali_import.cloud.sdk.services import Services
from ali_import.cloud.sdk.settings import Settings
from tests.support.bridge import errors, inline
from tests.support.bridge.fast import Send, whole
from tests.support.bridge.http import LostError, Sent


class DeepServices(Services):
    """The clients of every service, as they are; connections end in this process."""

    def __init__(
        self, settings: Settings, credentials: Credentials, *, send: Send
    ) -> None:
        self._send = send
        super().__init__(settings, credentials)

    @override
    def make_session(self) -> requests.Session:
        return wire.session(self.settings, _Adapter(self.settings, self._send))


class _Adapter(wire.Adapter):
    """The adapter of the one session, with connections into the simulated cloud."""

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send
        self._context = None  # type: ignore[assignment]  # there is nothing to encrypt
        self._idle = pools.Idle(2)
        HTTPAdapter.__init__(self)

    @override
    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: Any,
        proxies: Any = None,
        cert: Any = None,
    ) -> Any:
        return _Connection(
            urllib3.util.parse_url(request.url or "").host or "", self._send
        )


class _Connection:
    """What requests uses of a urllib3 pool."""

    def __init__(self, host: str, send: Send) -> None:
        self._host = host
        self._send = send

    def urlopen(
        self, *, method: str, url: str, body: Any, headers: Any, timeout: Any, **_: Any
    ) -> urllib3.HTTPResponse:
        sent = Sent(
            method=method,
            host=self._host,
            target=url,
            headers={name.lower(): _text(value) for name, value in headers.items()},
            body=whole(body),
            timeout_s=timeout.read_timeout,
        )
        try:
            answer = inline.wait(self._send(sent))
        except LostError as lost:
            raise errors.below(lost, self._host) from lost
        return urllib3.HTTPResponse(
            body=io.BytesIO(answer.body),
            headers=answer.headers,
            status=answer.status,
            preload_content=False,
            request_method=method,
        )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
