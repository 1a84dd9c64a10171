"""One source of credentials for every product: the official default chain.

The order is that of ``DefaultCredentialsProvider`` of ``alibabacloud_credentials``, and
every step is that package's own class; the chain is walked here for two reasons. The
default one starts a background thread for the metadata service even when it is never
asked, and it drops the time of expiry, which presigned URLs must not outlive.

NOTE: the package reads its environment variables once, when it is imported.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ali_import.cloud.sdk import quiet
from ali_import.cloud.sdk.credential_files import cli_fault, ini_fault
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


@dataclass(frozen=True, kw_only=True)
class _Step:
    """A step of the chain.

    Attributes:
        make: Makes its provider.
        explain: Says why it gave no keys, or "" if it was never set up.
        last_resort: Whether it is not tried where something else was set up and failed.
    """

    make: Callable[[], Any]
    explain: Callable[[Exception], str]
    last_resort: bool = False


def _first_that_works() -> tuple[Any, Keys]:
    """Return the provider of the first step of the chain that gives keys, and those.

    Raises:
        ConfigurationError: None does, and why those that were set up do not.
    """
    reasons: list[str] = []
    for step in _chain():
        if step.last_resort and reasons:
            break
        try:
            provider = step.make()
            found = provider.get_credentials()
            if found.get_access_key_id() and found.get_access_key_secret():
                return provider, _keys(found)
        except Exception as exc:  # noqa: BLE001  each step fails in its own way
            reason = step.explain(exc)
            if reason:
                reasons.append(reason)
    if reasons:
        raise ConfigurationError(
            f"no credentials: {'; '.join(reasons)}", advice="fix that, or " + ADVICE
        )
    raise ConfigurationError("no Alibaba Cloud credentials were found", advice=ADVICE)


_ID: Final = "ALIBABA_CLOUD_ACCESS_KEY_ID"
_KEY: Final = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
_ROLE: Final = "ALIBABA_CLOUD_ROLE_ARN"
_PROVIDER: Final = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
_OIDC: Final = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
_URI: Final = "ALIBABA_CLOUD_CREDENTIALS_URI"
_PROFILE: Final = "ALIBABA_CLOUD_PROFILE"
_FILE: Final = "ALIBABA_CLOUD_CREDENTIALS_FILE"


def _chain() -> Iterator[_Step]:
    """Give the steps of the chain, in the official order.

    Raises:
        ConfigurationError: OIDC is set up by halves, and nothing before it gives keys.
    """
    from alibabacloud_credentials import provider as steps
    from alibabacloud_credentials.http import HttpOptions
    from alibabacloud_credentials.utils import auth_constant, auth_util

    quiet.silence()
    yield _Step(
        make=steps.EnvironmentVariableCredentialsProvider,
        explain=lambda _: _half_set(
            {
                _ID: auth_util.environment_access_key_id,
                _KEY: auth_util.environment_access_key_secret,
            }
        ),
    )
    token = {
        _OIDC: auth_util.environment_oidc_token_file,
        _PROVIDER: auth_util.environment_oidc_provider_arn,
    }
    if any(token.values()):
        role = auth_util.environment_role_arn
        half = _half_set({**token, _ROLE: role})
        if half:
            raise ConfigurationError(
                f"no credentials: {half}",
                advice="set what is missing (docs/ci.md), or unset the others",
            )
        yield _Step(
            make=steps.OIDCRoleArnCredentialsProvider,
            explain=lambda exc: f"{_OIDC}: {_refused(exc, role)}",
        )
    asked = auth_util.environment_profile_name or ""
    home = Path(auth_constant.HOME)
    if str(auth_util.environment_cli_profile_disabled).lower() != "true":
        profiles = home / ".aliyun" / "config.json"
        yield _Step(
            make=steps.CLIProfileCredentialsProvider,
            explain=lambda exc: _file_reason(
                profiles,
                cli_fault(profiles, asked),
                exc,
                f"{_PROFILE}={asked}" if asked else "",
            ),
        )
    named = auth_util.environment_credentials_file
    sections = Path(named or home / ".alibabacloud" / "credentials.ini")
    yield _Step(
        make=steps.ProfileCredentialsProvider,
        explain=lambda exc: _file_reason(
            sections, ini_fault(sections, asked), exc, _FILE if named else ""
        ),
    )
    if str(auth_util.environment_ecs_metadata_disabled).lower() != "true":
        bounded = HttpOptions(
            connect_timeout=METADATA_TIMEOUT_MS, read_timeout=METADATA_TIMEOUT_MS
        )
        yield _Step(
            make=lambda: steps.EcsRamRoleCredentialsProvider(
                http_options=bounded, async_update_enabled=False
            ),
            explain=lambda _: "",
            last_resort=True,
        )
    if auth_util.environment_credentials_uri:
        yield _Step(
            make=steps.URLCredentialsProvider,
            explain=lambda exc: f"{_URI}: {_refused(exc)}",
        )


def _half_set(variables: Mapping[str, str | None]) -> str:
    """Say which of some variables is not set although others are; "" if all or none."""
    there = [name for name, value in variables.items() if value]
    missing = [name for name, value in variables.items() if not value]
    if not there or not missing:
        return ""
    return f"{' and '.join(missing)} not set, but {' and '.join(there)}"


def _file_reason(path: Path, fault: str | None, exc: Exception, asked: str) -> str:
    """Say why a file gives no keys: it is missing, damaged, or what it says is refused.

    Args:
        path: The file.
        fault: What is wrong with it; "" for nothing, None if nothing is set up there.
        exc: How its step of the chain failed.
        asked: What asks for the file, or "".
    """
    if fault is not None:
        return fault or f"{path}: {_refused(exc)}"
    return f"{asked}: there is nothing in {path}" if asked else ""


_CODE: Final = re.compile(r"""["']Code["']\s*:\s*["']([\w.]{1,80})["']""")
_MEANINGS: Final = {
    "EntityNotExist.Role": "there is no such role",
    "NoPermission": "the role does not trust this token; see its trust policy",
    "AuthenticationFail.NoPermission": "the role does not trust this token; see its "
    "trust policy",
    "AuthenticationFail.OIDCToken.Expired": "the token has expired",
}
"""What STS answers to AssumeRoleWithOIDC. Source: its error codes."""


def _refused(exc: Exception, role: str | None = "") -> str:
    """Say why keys were not given; of the answer, which may hold secrets, the code alone."""
    found = _CODE.search(str(exc))
    if found is None:
        before = re.split("(?:result|response|stderr):", str(exc))[0].strip(" ,:\n")
        return scrub(before) or type(exc).__name__
    meaning = _MEANINGS.get(found[1], "")
    told = f"{found[1]}: {meaning}" if meaning else found[1]
    return f"{told} ({role})" if role else told
