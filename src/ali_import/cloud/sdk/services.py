"""What the functions that carry out requests share: the clients of every service."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ali_import.cloud.calls import Call
from ali_import.cloud.sdk import quiet, shared
from ali_import.cloud.sdk.credentials import Credentials
from ali_import.cloud.sdk.openapi import OpenApi
from ali_import.cloud.sdk.settings import Settings

C = TypeVar("C", bound=Call[Any])
R = TypeVar("R")


class Services:
    """Everything needed to call the cloud; made once, used from many threads."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self.settings = settings
        self.credentials = credentials
        self.session = self.make_session()
        shared.borrow()
        quiet.silence()
        self.openapi = OpenApi(settings, self.credentials)
        self._lock = threading.Lock()
        self._oss: dict[str, Any] = {}

    def make_session(self) -> Any:
        """Make the session that every call leaves through."""
        from ali_import.cloud.sdk import wire

        return wire.session(self.settings)

    def make_oss_carrier(self) -> Any:
        """Make the HTTP client of the OSS SDK."""
        from alibabacloud_oss_v2.transport import RequestsHttpClient

        return RequestsHttpClient(
            session=self.session,
            connect_timeout=self.settings.connect_timeout_s,
            readwrite_timeout=self.settings.read_timeout_s,
        )

    def oss(self, region: str, host: str) -> Any:
        """Return the OSS client that signs for ``region`` and sends to ``host``."""
        client = self._oss.get(host)
        if client is None:
            with self._lock:
                client = self._oss.get(host) or self._make_oss(region, host)
                self._oss[host] = client
        return client

    def _make_oss(self, region: str, host: str) -> Any:
        import alibabacloud_oss_v2 as oss
        from alibabacloud_oss_v2.client import Client

        quiet.silence()
        return Client(
            oss.config.Config(
                region=region,
                endpoint=f"https://{host}",
                credentials_provider=self.credentials,
                http_client=self.make_oss_carrier(),
                # One attempt: the SDK consumes bodies, and retrying is done above.
                retry_max_attempts=1,
                # Content-MD5 already lets OSS refuse damaged bytes, without a CRC of
                # each byte in Python; and a relayed body may not be here at all.
                disable_upload_crc64_check=True,
            )
        )

    def close(self) -> None:
        """Close every pooled connection, and give back what the SDKs share."""
        self.session.close()
        shared.give_back()


ADAPTERS: dict[type[Call[Any]], Callable[[Services, Any], Any]] = {}
"""Who carries out which call, as each adapter says beside itself."""


def answers(
    kind: type[C],
) -> Callable[[Callable[[Services, C], R]], Callable[[Services, C], R]]:
    """Say that the function below carries out calls of ``kind``, and nobody else."""

    def register(adapter: Callable[[Services, C], R]) -> Callable[[Services, C], R]:
        assert kind not in ADAPTERS, f"two adapters for {kind.__name__}"
        ADAPTERS[kind] = adapter
        return adapter

    return register
