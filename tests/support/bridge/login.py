"""Whose calls they are, and for how long the cloud believes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from ali_import.cloud.sdk.credentials import Credentials, Keys
from alicloud_emulator.world.world import World


class Login(Protocol):
    """The keys of one process."""

    def keys(self) -> Keys:
        """Return those that it has now, which may be too old."""


@dataclass(frozen=True, kw_only=True)
class _DatedKeys(Keys):
    """Keys that expire in virtual time."""

    now: Callable[[], float]

    @override
    def remaining_s(self) -> float:
        assert self.expires_at is not None
        return max(self.expires_at - self.now(), 0.0)


class AccountLogin:
    """The main account's own keys, which never expire."""

    def __init__(self, world: World) -> None:
        account = world.profile.accounts[0]
        self._keys = Keys(
            access_key_id=account.access_key_id,
            access_key_secret=account.access_key_secret,
        )

    def keys(self) -> Keys:
        """Return the main account's."""
        return self._keys


class RoleLogin:
    """Temporary credentials of a role, renewed a little too late.

    Args:
        world: The world.
        role: Name of a role of the main account.
        duration_s: Life of each token in seconds.
        late_s: How long after a token's end the new one is there.
    """

    def __init__(
        self, world: World, role: str, *, duration_s: float, late_s: float
    ) -> None:
        self._world = world
        self._account_id = world.profile.accounts[0].id
        self._role = role
        self._duration_s = duration_s
        self._late_s = late_s
        self._renew()

    def keys(self) -> Keys:
        """Return the role's, whether or not they are still good."""
        now = self._world.agenda.catch_up()
        if now >= self._token.expires_at + self._late_s:
            self._renew()
        return self._keys

    def _renew(self) -> None:
        role = self._world.ram.people(self._account_id).role(self._role)
        assert role is not None
        self._token = token = self._world.ram.sessions.issue(
            self._account_id, role, session="simulation", duration_s=self._duration_s
        )
        self._keys = _DatedKeys(
            access_key_id=token.access_key_id,
            access_key_secret=token.access_key_secret,
            security_token=token.security_token,
            expires_at=token.expires_at,
            now=self._world.agenda.catch_up,
        )


class LoginCredentials(Credentials):
    """The credentials of the SDKs, from a login."""

    def __init__(self, login: Login) -> None:
        super().__init__()
        self._login = login

    @override
    def keys(self) -> Keys:
        self._last = self._login.keys()
        return self._last
