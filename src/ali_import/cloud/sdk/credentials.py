"""One source of credentials for every product: the official default chain.

The order is that of ``DefaultCredentialsProvider`` of ``alibabacloud_credentials``, and
every step is that package's own class; the chain is walked here for two reasons. The
default one starts a background thread for the metadata service even when it is never
asked, and it drops the time of expiry, which presigned URLs must not outlive.

NOTE: the package reads its environment variables once, when it is imported.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ali_import.cloud.sdk import quiet
from ali_import.errors import ConfigurationError

# The metadata service answers from inside the same machine, or not at all. It is asked
# twice (a token, then the role), so being off the cloud costs two of these.
METADATA_TIMEOUT_MS = 800

ADVICE = (
    "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, "
    "or configure a profile with `aliyun configure`"
)


class CredentialsLostError(Exception):
    """Credentials that worked could not be refreshed; it may pass."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Keys valid now.

    Attributes:
        expires_at: Expiry in seconds since the epoch; None if never or not told.
        provider: Which step of the chain gave them, for the cloud's own statistics.
    """

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    expires_at: float | None = None
    provider: str = "default"

    def remaining_s(self) -> float:
        """Return for how many seconds they are still valid, or infinity."""
        if self.expires_at is None:
            return float("inf")
        return max(self.expires_at - time.time(), 0.0)


class Credentials:
    """The credentials of a run; refreshes itself, safe to use from many threads.

    Args:
        provider: A provider of ``alibabacloud_credentials`` to use instead of the
            default chain; the chain's first working step if None.
    """

    def __init__(self, provider: Any = None) -> None:
        self._lock = threading.Lock()
        self._provider = provider

    def keys(self) -> Keys:
        """Return keys valid now.

        Raises:
            ConfigurationError: There are none anywhere.
            CredentialsLostError: There were, and getting new ones failed.
        """
        provider = self._provider
        if provider is None:
            with self._lock:
                if self._provider is None:
                    self._provider = _first_that_works()
                provider = self._provider
        try:
            found = provider.get_credentials()
        except Exception:  # noqa: BLE001  each step fails in its own way
            # Not chained: the package quotes whole answers of the token service.
            raise CredentialsLostError(
                "the credentials could not be refreshed"
            ) from None
        return _keys(found)

    def get_credential(self) -> Any:
        """Return the keys as ``alibabacloud_tea_openapi`` wants them."""
        from alibabacloud_credentials.models import CredentialModel

        keys = self.keys()
        return CredentialModel(
            access_key_id=keys.access_key_id,
            access_key_secret=keys.access_key_secret,
            security_token=keys.security_token or None,
            type="sts" if keys.security_token else "access_key",
            provider_name=keys.provider,
        )

    def get_credentials(self) -> Any:
        """Return the keys as ``alibabacloud_oss_v2`` wants them."""
        from alibabacloud_oss_v2.credentials import Credentials as OssCredentials

        keys = self.keys()
        return OssCredentials(
            access_key_id=keys.access_key_id,
            access_key_secret=keys.access_key_secret,
            security_token=keys.security_token or None,
        )


def _keys(found: Any) -> Keys:
    expires_at = found.get_expiration()
    return Keys(
        access_key_id=found.get_access_key_id(),
        access_key_secret=found.get_access_key_secret(),
        security_token=found.get_security_token() or "",
        expires_at=float(expires_at) if expires_at else None,
        provider=f"default/{found.get_provider_name()}",
    )


def _first_that_works() -> Any:
    for make in _chain():
        try:
            provider = make()
            found = provider.get_credentials()
        except Exception:  # noqa: BLE001, S112  each step fails in its own way
            continue
        if found.get_access_key_id() and found.get_access_key_secret():
            return provider
    raise ConfigurationError("no Alibaba Cloud credentials were found", advice=ADVICE)


def _chain() -> Iterator[Callable[[], Any]]:
    """Give the makers of the chain's steps, in the official order."""
    from alibabacloud_credentials import provider as steps
    from alibabacloud_credentials.http import HttpOptions
    from alibabacloud_credentials.utils import auth_util

    quiet.silence()
    yield steps.EnvironmentVariableCredentialsProvider
    if auth_util.enable_oidc_credential:
        yield steps.OIDCRoleArnCredentialsProvider
    yield steps.CLIProfileCredentialsProvider
    yield steps.ProfileCredentialsProvider
    if str(auth_util.environment_ecs_metadata_disabled).lower() != "true":
        bounded = HttpOptions(
            connect_timeout=METADATA_TIMEOUT_MS, read_timeout=METADATA_TIMEOUT_MS
        )
        yield lambda: steps.EcsRamRoleCredentialsProvider(
            http_options=bounded, async_update_enabled=False
        )
    if auth_util.environment_credentials_uri:
        yield steps.URLCredentialsProvider
