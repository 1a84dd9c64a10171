"""Calls of ECS, STS and Function Compute through the official SDK's core.

``alibabacloud_tea_openapi.Client.call_api`` is what every product package calls with
the name of an action and its parameters; it signs (ACS3-HMAC-SHA256), sends and reads.
It retries nothing unless told to, and is not told to.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ali_import.cloud.sdk import genuine, quiet
from ali_import.cloud.sdk.answers import GarbledAnswerError
from ali_import.cloud.sdk.credentials import Credentials
from ali_import.cloud.sdk.settings import Settings


@dataclass(frozen=True, kw_only=True)
class RawAnswer:
    """An answer whose body is not JSON; header names are lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RoaAnswer:
    """An answer of Function Compute.

    Attributes:
        body: Its JSON object; empty where none was expected.
        counts: Whether it is surely the cloud's own: it has a request id.
    """

    body: Mapping[str, Any]
    counts: bool


class OpenApi:
    """Clients of the SDK's core, one per host, made when first needed."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._settings = settings
        self._credentials = credentials
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def rpc(
        self, host: str, *, action: str, version: str, query: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Call an RPC action (ECS, STS, RAM) and return its JSON answer."""
        return self.rpc_dated(host, action=action, version=version, query=query)[0]

    def rpc_dated(
        self, host: str, *, action: str, version: str, query: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], float]:
        """Call an RPC action; return its JSON answer, and what the cloud's clock said.

        The latter is Unix time in seconds, or 0 where the answer has no date.
        """
        from alibabacloud_tea_openapi import utils_models as models
        from alibabacloud_tea_openapi.utils import Utils

        client = self._client(host)
        params = models.Params(
            action=action,
            version=version,
            protocol="HTTPS",
            pathname="/",
            method="POST",
            auth_type="AK",
            style="RPC",
            req_body_type="formData",
            body_type="json",
        )
        given = {key: value for key, value in query.items() if value not in (None, "")}
        request = models.OpenApiRequest(query=Utils.query(given))
        answer = client.call_api(params, request, _runtime())
        return _json(answer), _date(answer)

    def roa(
        self,
        host: str,
        *,
        action: str,
        version: str,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        answers_json: bool = True,
    ) -> RoaAnswer:
        """Call a ROA action (Function Compute) and return its answer."""
        from alibabacloud_tea_openapi import utils_models as models
        from alibabacloud_tea_openapi.utils import Utils

        client = self._client(host)
        params = _roa_params(
            action, version, method, path, "json" if answers_json else "none"
        )
        given = {k: v for k, v in (query or {}).items() if v not in (None, "")}
        request = models.OpenApiRequest(
            query=Utils.query(given), body=dict(body) if body is not None else None
        )
        answer = client.call_api(params, request, _runtime())
        named = genuine.has_id(answer["headers"])
        if not answers_json:
            return RoaAnswer(body={}, counts=named and not answer["body"])
        body = _json(answer)
        return RoaAnswer(body=body, counts=named or bool(body.get("requestId")))

    def roa_bytes(
        self,
        host: str,
        *,
        action: str,
        version: str,
        path: str,
        headers: Mapping[str, str],
        payload: bytes,
        read_timeout_s: float,
    ) -> RawAnswer:
        """POST bytes to a ROA action and return the bytes it answers."""
        from alibabacloud_tea_openapi import utils_models as models

        client = self._client(host)
        params = _roa_params(action, version, "POST", path, "binary")
        request = models.OpenApiRequest(headers=dict(headers), stream=payload)
        answer = client.call_api(params, request, _runtime(read_timeout_s))
        body, found = answer.get("body"), answer.get("headers")
        if not isinstance(body, bytes) or not isinstance(found, Mapping):
            raise GarbledAnswerError("the answer has no body")
        if not genuine.has_id(found):
            # The body is the function's own words, so it cannot tell.
            raise GarbledAnswerError("the answer has no request id")
        return RawAnswer(body=body, headers=found)

    def _client(self, host: str) -> Any:
        client = self._clients.get(host)
        if client is None:
            with self._lock:
                client = self._clients.get(host) or self.make_client(host)
                self._clients[host] = client
        return client

    def make_client(self, host: str) -> Any:
        """Make the SDK's client of a host."""
        from alibabacloud_tea_openapi.client import Client
        from alibabacloud_tea_openapi.utils_models import Config

        quiet.silence()
        settings = self._settings
        bundle = settings.ca_bundle
        # Proxy and certificates are those of the session that shared.py puts in place;
        # they are told here as well, so that no other way out could be a wrong one.
        return Client(
            Config(
                credential=self._credentials,
                endpoint=host,
                protocol="HTTPS",
                ca=str(bundle) if bundle else None,
                https_proxy=settings.proxy_for(host) or None,
                no_proxy=",".join(settings.no_proxy) or None,
                connect_timeout=int(settings.connect_timeout_s * 1000),
                read_timeout=int(settings.read_timeout_s * 1000),
            )
        )


def _roa_params(
    action: str, version: str, method: str, path: str, body_type: str
) -> Any:
    from alibabacloud_tea_openapi import utils_models as models

    return models.Params(
        action=action,
        version=version,
        protocol="HTTPS",
        pathname=path,
        method=method,
        auth_type="AK",
        style="ROA",
        req_body_type="json",
        body_type=body_type,
    )


def _runtime(read_timeout_s: float = 0.0) -> Any:
    from darabonba.runtime import RuntimeOptions

    return RuntimeOptions(read_timeout=int(read_timeout_s * 1000) or None)


def _date(answer: Any) -> float:
    headers = answer.get("headers") if isinstance(answer, Mapping) else None
    told = (headers or {}).get("date") or ""
    try:
        return parsedate_to_datetime(told).timestamp()
    except ValueError:
        return 0.0


def _json(answer: Any) -> Mapping[str, Any]:
    body = answer.get("body") if isinstance(answer, Mapping) else None
    if not isinstance(body, Mapping):
        raise GarbledAnswerError("the answer is not a JSON object")
    return body
