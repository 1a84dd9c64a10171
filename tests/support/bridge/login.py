"""Whose calls they are, and for how long the cloud believes it."""

from typing import Protocol

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.world import World


class Login(Protocol):
    """The credentials of one process."""

    def caller(self) -> Caller:
        """Return who the cloud takes us for.

        Raises:
            ServiceError: InvalidSecurityToken.Expired.
        """

    def expires_at(self) -> float:
        """Return when what is signed now becomes worthless, Unix seconds."""


class AccountLogin:
    """The main account's own keys, which never expire."""

    def __init__(self, world: World) -> None:
        account_id = world.profile.accounts[0].id
        self._caller = world.ram.root(account_id)

    def caller(self) -> Caller:
        """Return the main account."""
        return self._caller

    def expires_at(self) -> float:
        """Return the end of time."""
        return float("inf")


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

    def caller(self) -> Caller:
        """Return the role's session, if its token is still good."""
        now = self._world.agenda.catch_up()
        if now >= self._token.expires_at + self._late_s:
            self._renew()
        credential = self._world.ram.credential(
            self._token.access_key_id, self._token.security_token
        )
        return credential.caller

    def expires_at(self) -> float:
        """Return when the present token ends."""
        return self._token.expires_at

    def _renew(self) -> None:
        role = self._world.ram.people(self._account_id).role(self._role)
        assert role is not None
        self._token = self._world.ram.sessions.issue(
            self._account_id, role, session="simulation", duration_s=self._duration_s
        )
