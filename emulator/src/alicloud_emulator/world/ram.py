"""RAM: whose key it is, and whether they may. Used by every other product.

Nobody is authorised by default but the main account. See docs/reference.md for what of
the policy language counts.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alicloud_emulator.world.caller import Caller, PrincipalKind
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.policy import Decision, Document, decide, trusts
from alicloud_emulator.world.principals import People, Role, User
from alicloud_emulator.world.sessions import Sessions, StsToken

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

ACCESS_DENIED_FIELDS = (
    "AuthAction",
    "AuthPrincipalType",
    "AuthPrincipalOwnerId",
    "AuthPrincipalDisplayName",
    "NoPermissionType",
    "PolicyType",
    "EncodedDiagnosticMessage",
)
"""Fields that ``NoPermission`` carries for the body's AccessDeniedDetail."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a signature is checked against, and who signed."""

    secret: str = field(repr=False)
    caller: Caller


class Ram:
    """The accounts' people, and who may do what.

    Attributes:
        sessions: Temporary credentials.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._people = {
            account.id: People(account, world.rng, world.agenda.now)
            for account in world.profile.accounts
        }
        self.sessions = Sessions(world)

    def people(self, account_id: str) -> People:
        """Return an account's users, roles and policies."""
        return self._people[account_id]

    def knows_account(self, account_id: str) -> bool:
        """Whether the profile has such an account."""
        return account_id in self._people

    def credential(self, access_key_id: str, security_token: str = "") -> Credential:
        """Return the secret of a key, and whose it is.

        Raises:
            ServiceError: ``InvalidAccessKeyId.NotFound`` (404), or
                ``InvalidSecurityToken.Expired``, ``.Malformed`` or
                ``.MismatchWithAccessKey`` (400).
        """
        self._world.agenda.catch_up()
        if security_token:
            return self._temporary(access_key_id, security_token)
        for people in self._people.values():
            account = people.account
            # An empty secret is one that everybody can guess: nobody has it.
            if account.access_key_secret and access_key_id == account.access_key_id:
                caller = self.root(account.id)
                return Credential(secret=account.access_key_secret, caller=caller)
            for user in people.users:
                if user.access_key_secret and access_key_id == user.access_key_id:
                    caller = _user_caller(account.id, user)
                    return Credential(secret=user.access_key_secret, caller=caller)
        if access_key_id.startswith("STS."):
            raise ServiceError(
                "InvalidSecurityToken.Malformed",
                400,
                "Specified SecurityToken is malformed.",
            )
        raise ServiceError(
            "InvalidAccessKeyId.NotFound", 404, "Specified access key is not found."
        )

    def root(self, account_id: str) -> Caller:
        """Return an account itself as a caller, who may do everything."""
        return Caller(
            account_id=account_id,
            kind=PrincipalKind.ACCOUNT,
            principal_id=account_id,
            access_key_id=self._people[account_id].account.access_key_id,
        )

    def authorize(
        self,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
    ) -> None:
        """Let a call pass, or refuse it.

        Args:
            caller: Who calls.
            action: For example ``ecs:ImportImage``.
            resource: For example ``acs:ecs:cn-hangzhou:1234567890123456:image/*``.
            context: Values of condition keys, for example ``acs:Service``, besides
                those that the caller comes with.

        Raises:
            ServiceError: ``NoPermission`` (403), with ACCESS_DENIED_FIELDS; each
                product makes its own forbidden error of it.
        """
        context = {**caller.context, **(context or {})}
        for kind, documents in (
            ("AccountLevelIdentityBasedPolicy", caller.policies),
            ("SessionPolicy", _session_documents(caller)),
        ):
            if documents is None:
                continue
            decision = decide(
                documents, action=action, resource=resource, context=context
            )
            if decision is not Decision.ALLOW:
                raise _no_permission(caller, action, resource, decision, kind)

    def assume_for_service(
        self,
        account_id: str,
        role_name: str,
        *,
        service: str,
        session: str,
        duration_s: float,
    ) -> StsToken:
        """Return temporary credentials of a role that a service assumes.

        Args:
            account_id: The role's account.
            role_name: Whatever its letter case.
            service: For example ``fc.aliyuncs.com``; the role must trust it.
            session: RoleSessionName.
            duration_s: Life in seconds.

        Raises:
            ServiceError: ``EntityNotExist.Role`` (404), or ``NoPermission`` (403) when
                the role does not trust the service.
        """
        role = self.service_role(account_id, role_name, service)
        return self.sessions.issue(
            account_id, role, session=session, duration_s=duration_s
        )

    def service_role(self, account_id: str, role_name: str, service: str) -> Role:
        """Return a role if it is there for a service to assume.

        Raises:
            ServiceError: See ``assume_for_service``.
        """
        now = self._world.agenda.catch_up()
        role = self._people[account_id].role(role_name)
        if role is None or now < role.usable_at:
            raise ServiceError(
                "EntityNotExist.Role", 404, f"The role not exists: {role_name[:64]}."
            )
        if not trusts(role.trust, kind="Service", principal=service):
            raise ServiceError(
                "NoPermission",
                403,
                f"The role {role.name} does not trust {service}.",
            )
        return role

    def role_allows(
        self, account_id: str, role: Role, *, action: str, resource: str
    ) -> bool:
        """Whether a role's policies allow something."""
        documents = self._people[account_id].documents(role)
        decision = decide(documents, action=action, resource=resource)
        return decision is Decision.ALLOW

    def _temporary(self, access_key_id: str, security_token: str) -> Credential:
        session = self.sessions.find(access_key_id, security_token)
        people = self._people[session.account_id]
        role = people.role(session.role_name)
        if role is not None and role.role_id != session.role_id:
            role = None  # another one of the same name
        caller = Caller(
            account_id=session.account_id,
            kind=PrincipalKind.ROLE,
            name=session.role_name,
            session=session.session,
            principal_id=f"{session.role_id}:{session.session}",
            access_key_id=access_key_id,
            # A role deleted meanwhile allows nothing any more.
            policies=() if role is None else people.documents(role),
            session_policy=session.policy,
        )
        return Credential(secret=session.secret, caller=caller)


def _session_documents(caller: Caller) -> tuple[Document, ...] | None:
    return None if caller.session_policy is None else (caller.session_policy,)


def _user_caller(account_id: str, user: User) -> Caller:
    return Caller(
        account_id=account_id,
        kind=PrincipalKind.USER,
        name=user.name,
        principal_id=user.user_id,
        access_key_id=user.access_key_id,
        policies=user.documents,
    )


def _no_permission(
    caller: Caller, action: str, resource: str, decision: Decision, policy_type: str
) -> ServiceError:
    """Return the refusal; RAM tells of what and for what, as seen in 2017 to 2019."""
    told = "You should be authorized by RAM."
    if action.startswith("ram:"):
        told = f"Resource: {resource.replace('::', ':*:', 1)} Action: {action}"
    explicit = decision is Decision.EXPLICIT_DENY
    user = caller.kind is PrincipalKind.USER
    fields = {
        "AuthAction": action,
        "AuthPrincipalType": "SubUser" if user else "AssumedRoleUser",
        "AuthPrincipalOwnerId": caller.account_id,
        "AuthPrincipalDisplayName": (
            caller.principal_id if user else f"{caller.name}:{caller.session}"
        ),
        "NoPermissionType": "ExplicitDeny" if explicit else "ImplicitDeny",
        "PolicyType": policy_type,
    }
    # NOTE: encrypted in life, for DecodeDiagnosticMessage alone to read.
    encoded = b64encode(json.dumps({**fields, "Resource": resource}).encode()).decode()
    return ServiceError(
        "NoPermission",
        403,
        f"You are not authorized to do this action. {told}",
        fields={**fields, "EncodedDiagnosticMessage": encoded},
    )
