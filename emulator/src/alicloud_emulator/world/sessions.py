"""Temporary credentials, which expire. Reached as ``world.ram.sessions``."""

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.policy import (
    Document,
)
from alicloud_emulator.world.principals import Role
from alicloud_emulator.world.recent import Recent

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

_SESSIONS_MAX = 10_000
"""Tokens known, living and expired: about 10 MB. Every invocation of a function that has
a role makes one."""


@dataclass(frozen=True, kw_only=True)
class StsToken:
    """Temporary credentials; ``expires_at`` is Unix time in seconds."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    expires_at: float
    role_arn: str
    role_id: str
    session: str

    @property
    def assumed_role_arn(self) -> str:
        """ARN of the session, as AssumedRoleUser shows it."""
        account_id, name = self.role_arn.split(":")[3], self.role_arn.split("/", 1)[1]
        return f"acs:ram::{account_id}:role/{name}/{self.session}"


@dataclass(frozen=True, kw_only=True)
class Session:
    """What the world remembers of temporary credentials."""

    access_key_id: str
    secret: str = field(repr=False)
    account_id: str
    role_name: str
    role_id: str
    session: str
    expires_at: float
    policy: Document | None


class Sessions:
    """The tokens there are, whoever asked for them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._by_token: Recent[str, Session] = Recent(_SESSIONS_MAX)

    def find(self, access_key_id: str, security_token: str) -> Session:
        """Return the living session of a token.

        Raises:
            ServiceError: ``InvalidSecurityToken.Malformed``, ``.MismatchWithAccessKey``
                or ``.Expired`` (400).
        """
        session = self._by_token.get(security_token)
        if session is None:
            raise ServiceError(
                "InvalidSecurityToken.Malformed",
                400,
                "Specified SecurityToken is malformed.",
            )
        if session.access_key_id != access_key_id:
            raise ServiceError(
                "InvalidSecurityToken.MismatchWithAccessKey",
                400,
                "Specified SecurityToken mismatch with the AccessKey.",
            )
        if self._world.agenda.now >= session.expires_at:
            raise ServiceError(
                "InvalidSecurityToken.Expired",
                400,
                "Specified SecurityToken is expired.",
            )
        return session

    def issue(
        self,
        account_id: str,
        role: Role,
        *,
        session: str,
        duration_s: float,
        policy: Document | None = None,
    ) -> StsToken:
        """Make temporary credentials of a role; who may have them is checked before.

        Raises:
            ServiceError: ``InvalidParameter.RoleSessionName`` (400).
        """
        if not re.fullmatch(r"[\w.@-]{2,64}", session, re.ASCII):
            raise ServiceError(
                "InvalidParameter.RoleSessionName",
                400,
                "The parameter RoleSessionName is invalid.",
            )
        rng = self._world.rng
        token = StsToken(
            access_key_id="STS." + _letters(rng.getrandbits(144)),
            access_key_secret=_letters(rng.getrandbits(240)),
            security_token="CAIS" + _letters(rng.getrandbits(1200)),
            expires_at=self._world.agenda.now + duration_s,
            role_arn=role.arn,
            role_id=role.role_id,
            session=session,
        )
        self._by_token[token.security_token] = Session(
            access_key_id=token.access_key_id,
            secret=token.access_key_secret,
            account_id=account_id,
            role_name=role.name,
            role_id=role.role_id,
            session=session,
            expires_at=token.expires_at,
            policy=policy,
        )
        return token


def _letters(number: int) -> str:
    data = number.to_bytes(-(-number.bit_length() // 8) or 1)
    return base64.b64encode(data, altchars=b"AZ").decode().rstrip("=")
