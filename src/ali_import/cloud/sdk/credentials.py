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
from ali_import.redaction import scrub

# The metadata service answers from inside the same machine, or not at all. It is asked
# twice (a token, then the role), so being off the cloud costs two of these.
METADATA_TIMEOUT_MS = 800
# Keys that live shorter than this are not used: a call takes some time itself.
USABLE_S_MIN = 30.0

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
        self._last: Keys | None = None

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
                    self._provider, self._last = _first_that_works()
                    return self._last
                provider = self._provider
        try:
            self._last = _keys(provider.get_credentials())
        except Exception:  # noqa: BLE001  each step fails in its own way
            # It refreshes well before the end: the keys at hand may still be good.
            if self._last is None or self._last.remaining_s() < USABLE_S_MIN:
                # Not chained: the package quotes whole answers of the token service.
                message = "the credentials could not be refreshed"
                raise CredentialsLostError(message) from None
        return self._last

    @property
    def refreshes(self) -> bool:
        """Whether there will be new keys when these expire; it is known when they do."""
        return self._last is None or self._last.expires_at is not None

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


def _first_that_works() -> tuple[Any, Keys]:
    """Return the provider of the first step of the chain that gives keys, and those."""
    reasons: list[str] = []
    for asked_for, make in _chain():
        try:
            provider = make()
            found = provider.get_credentials()
        except Exception as exc:  # noqa: BLE001  each step fails in its own way
            # A step that is always tried has failed for lack of set-up, most often;
            # one that the environment asks for has a reason worth telling.
            if asked_for:
                reasons.append(f"{asked_for}: {scrub(str(exc)) or type(exc).__name__}")
            continue
        if found.get_access_key_id() and found.get_access_key_secret():
            return provider, _keys(found)
    why = f" ({'; '.join(reasons)})" if reasons else ""
    raise ConfigurationError(
        f"no Alibaba Cloud credentials were found{why}", advice=ADVICE
    )


def _chain() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Give the makers of the chain's steps, in the official order.

    Each comes with the environment's variable that asks for it, or "".
    """
    from alibabacloud_credentials import provider as steps
    from alibabacloud_credentials.http import HttpOptions
    from alibabacloud_credentials.utils import auth_util

    quiet.silence()
    yield "", steps.EnvironmentVariableCredentialsProvider
    if auth_util.enable_oidc_credential:
        yield "ALIBABA_CLOUD_OIDC_TOKEN_FILE", steps.OIDCRoleArnCredentialsProvider
    profile = "ALIBABA_CLOUD_PROFILE" if auth_util.environment_profile_name else ""
    yield profile, steps.CLIProfileCredentialsProvider
    yield profile, steps.ProfileCredentialsProvider
    if str(auth_util.environment_ecs_metadata_disabled).lower() != "true":
        bounded = HttpOptions(
            connect_timeout=METADATA_TIMEOUT_MS, read_timeout=METADATA_TIMEOUT_MS
        )
        yield (
            "",
            lambda: steps.EcsRamRoleCredentialsProvider(
                http_options=bounded, async_update_enabled=False
            ),
        )
    if auth_util.environment_credentials_uri:
        yield "ALIBABA_CLOUD_CREDENTIALS_URI", steps.URLCredentialsProvider
