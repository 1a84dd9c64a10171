"""Who there is in an account: users, roles, policies. Records only; see ram.py."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from alicloud_emulator.world.policy import Document
from alicloud_emulator.world.profile import Account, Principal
from alicloud_emulator.world.system_policies import (
    IMPORT_ROLE,
    IMPORT_ROLE_POLICY,
    SYSTEM_POLICIES,
    service_trust,
)

MAX_SESSION_S = 3600
"""MaxSessionDuration of a role that was made without saying one."""


@dataclass(frozen=True, kw_only=True)
class User:
    """A RAM user of the profile."""

    name: str
    user_id: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    documents: tuple[Document, ...] = ()


@dataclass(kw_only=True)
class Policy:
    """A policy, ``System`` or ``Custom``."""

    name: str
    type: str
    document: Document
    text: str
    description: str = ""
    created_at: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Role:
    """A RAM role.

    Attributes:
        trust: Who may assume it; empty trusts everybody (profile roles only).
        documents: Policies that the profile gave it directly.
        attached: When each (type, name) of policy was attached, Unix seconds.
        updated_at: When UpdateRole last changed it, Unix seconds; 0 if never.
        usable_at: When services begin to see it (propagation), Unix seconds.
        made: Whether a program made it, and the cloud did not begin with it.
    """

    name: str
    role_id: str
    arn: str
    trust: dict[str, Any]
    description: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    usable_at: float = 0.0
    max_session_s: int = MAX_SESSION_S
    documents: tuple[Document, ...] = ()
    attached: dict[tuple[str, str], float] = field(default_factory=dict)
    made: bool = False
    tags: dict[str, str] = field(default_factory=dict)


class People:
    """The users, roles and custom policies of one account."""

    def __init__(self, account: Account, rng: Random, now: float) -> None:
        self.account = account
        self._rng = rng
        self.users = [_user(entry, self.numeric_id("2")) for entry in account.users]
        self._roles: dict[str, Role] = {}
        self._policies: dict[tuple[str, str], Policy] = {
            ("System", name): Policy(
                name=name, type="System", document=document, text=json.dumps(document)
            )
            for name, document in SYSTEM_POLICIES.items()
        }
        if account.import_role:
            trust = service_trust("ecs.aliyuncs.com")
            role = self.new_role(IMPORT_ROLE, trust=trust, now=now)
            role.attached["System", IMPORT_ROLE_POLICY] = now
        for entry in account.roles:
            role = self.new_role(entry.name, trust=dict(entry.trust), now=now)
            role.documents = entry.policies

    def numeric_id(self, first_digit: str) -> str:
        """Return a new 18-digit id such as users and roles have."""
        return f"{first_digit}{self._rng.randrange(10**17):017d}"

    def new_role(self, name: str, *, trust: dict[str, Any], now: float) -> Role:
        """Make a role; one of the same name is replaced."""
        role = Role(
            name=name,
            role_id=self.numeric_id("3"),
            arn=f"acs:ram::{self.account.id}:role/{name}",
            trust=trust,
            created_at=now,
            usable_at=now,
        )
        self._roles[name.lower()] = role
        return role

    def role(self, name: str) -> Role | None:
        """Return a role by name, whatever the letter case."""
        return self._roles.get(name.lower())

    def roles(self) -> Iterator[Role]:
        """Yield every role in the order they were made."""
        yield from self._roles.values()

    def remove_role(self, role: Role) -> None:
        """Forget a role."""
        self._roles.pop(role.name.lower(), None)

    def policy(self, policy_type: str, name: str) -> Policy | None:
        """Return a policy by type (``System`` or ``Custom``) and name."""
        return self._policies.get((policy_type, name))

    def policies(self) -> Iterator[Policy]:
        """Yield every policy, system policies first."""
        yield from self._policies.values()

    def add_policy(self, policy: Policy) -> None:
        """Put a custom policy in."""
        self._policies[policy.type, policy.name] = policy

    def remove_policy(self, policy: Policy) -> None:
        """Forget a custom policy."""
        self._policies.pop((policy.type, policy.name), None)

    def documents(self, role: Role) -> tuple[Document, ...]:
        """Return every policy document that applies to a role."""
        attached = (self._policies.get(key) for key in role.attached)
        return (*role.documents, *(p.document for p in attached if p is not None))


def _user(entry: Principal, user_id: str) -> User:
    return User(
        name=entry.name,
        user_id=user_id,
        access_key_id=entry.access_key_id,
        access_key_secret=entry.access_key_secret,
        documents=entry.policies,
    )
