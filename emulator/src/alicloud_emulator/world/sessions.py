"""STS: temporary credentials, which expire. Reached as ``world.ram.sessions``."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alicloud_emulator.world.caller import Caller, PrincipalKind
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.policy import (
    Document,
    PolicyError,
    parse_document,
    trust_conditions_hold,
    trusts,
)
from alicloud_emulator.world.principals import Role
from alicloud_emulator.world.recent import Recent

if TYPE_CHECKING:
    from alicloud_emulator.world.ram import Ram
    from alicloud_emulator.world.world import World

DURATION_S_MIN = 900
DURATION_S_DEFAULT = 3600
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
    """AssumeRole and its relatives."""

    def __init__(self, world: "World", ram: "Ram") -> None:
        self._world = world
        self._ram = ram
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

    def assume_role(
        self,
        caller: Caller,
        *,
        role_arn: str,
        session: str,
        duration_s: int | None = None,
        policy: str = "",
    ) -> StsToken:
        """Assume a role that trusts the caller.

        NOTE: The real service refuses the main account ("Roles may not be assumed by
        root accounts"); here it may, because it is the identity everybody tries with.

        Raises:
            ServiceError: ``EntityNotExist.Role`` (404), ``NoPermission`` (403), or
                ``InvalidParameter.*`` (400).
        """
        self._world.agenda.catch_up()
        account_id, role = self._role(role_arn)
        self._ram.authorize(caller, "sts:AssumeRole", role.arn)
        root = f"acs:ram::{caller.account_id}:root"
        own = [root, _principal_arn(caller)]
        if not any(trusts(role.trust, kind="RAM", principal=arn) for arn in own):
            raise _not_trusted()
        return self.issue(
            account_id,
            role,
            session=session,
            duration_s=_duration_s(duration_s, role),
            policy=_session_policy(policy),
        )

    def assume_role_with_oidc(
        self,
        *,
        provider_arn: str,
        role_arn: str,
        oidc_token: str,
        session: str,
        duration_s: int | None = None,
        policy: str = "",
    ) -> tuple[StsToken, Mapping[str, Any]]:
        """Assume a role with an identity provider's token; nobody signs this call.

        Returns the credentials, and the claims that the token made.

        NOTE: No identity provider can be asked here, so the token's own signature is
        not checked. Its expiry and the trust policy's conditions on its claims are.

        Raises:
            ServiceError: ``EntityNotExist.Role`` (404), ``NoPermission`` (403),
                ``AuthenticationFail.OIDCToken.Expired`` or ``InvalidParameter.*`` (400).
        """
        now = self._world.agenda.catch_up()
        account_id, role = self._role(role_arn)
        claims = _claims(oidc_token)
        if isinstance(claims.get("exp"), int | float) and claims["exp"] <= now:
            raise ServiceError(
                "AuthenticationFail.OIDCToken.Expired",
                400,
                "This JSON Web Token has expired.",
            )
        context = {
            f"oidc:{name}": str(claims[name])
            for name in ("iss", "aud", "sub")
            if name in claims
        }
        federated = trusts(role.trust, kind="Federated", principal=provider_arn)
        if not federated or not trust_conditions_hold(role.trust, context):
            raise _not_trusted()
        token = self.issue(
            account_id,
            role,
            session=session,
            duration_s=_duration_s(duration_s, role),
            policy=_session_policy(policy),
        )
        return token, claims

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
            raise _invalid("RoleSessionName")
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

    def _role(self, role_arn: str) -> tuple[str, Role]:
        found = re.fullmatch(r"acs:ram::(\d+):role/([\w.-]{1,64})", role_arn, re.ASCII)
        if found is None:
            raise _invalid("RoleArn")
        account_id, name = found.groups()
        known = self._ram.knows_account(account_id)
        role = self._ram.people(account_id).role(name) if known else None
        if role is None:
            raise ServiceError(
                "EntityNotExist.Role", 404, "The specified Role not exists."
            )
        return account_id, role


def _letters(number: int) -> str:
    data = number.to_bytes(-(-number.bit_length() // 8) or 1)
    return base64.b64encode(data, altchars=b"AZ").decode().rstrip("=")


def _duration_s(wanted_s: int | None, role: Role) -> int:
    if wanted_s is None:
        return min(DURATION_S_DEFAULT, role.max_session_s)
    if not DURATION_S_MIN <= wanted_s <= role.max_session_s:
        raise _invalid("DurationSeconds")
    return wanted_s


def _session_policy(text: str) -> Document | None:
    if not text:
        return None
    try:
        return parse_document(text)
    except PolicyError as error:
        raise ServiceError(
            "InvalidParameter.PolicyGrammar",
            400,
            f"The parameter Policy has not passed grammar check: {error}.",
        ) from error


def _claims(oidc_token: str) -> Mapping[str, Any]:
    """Return the claims of a JSON Web Token, or none if it is no such thing."""
    if not oidc_token or len(oidc_token) > 20_000:
        raise _invalid("OIDCToken")
    parts = oidc_token.split(".")
    if len(parts) != 3:
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(payload)
    except (ValueError, RecursionError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def _principal_arn(caller: Caller) -> str:
    if caller.kind is PrincipalKind.ROLE:
        return f"acs:ram::{caller.account_id}:role/{caller.name}"
    return caller.arn


def _invalid(parameter: str) -> ServiceError:
    return ServiceError(
        f"InvalidParameter.{parameter}",
        400,
        f"The parameter {parameter} is invalid.",
    )


def _not_trusted() -> ServiceError:
    return ServiceError(
        "NoPermission",
        403,
        "You are not authorized to do this action. You should be authorized by RAM.",
    )
