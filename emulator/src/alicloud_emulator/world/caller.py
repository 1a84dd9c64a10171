"""Who makes a call."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class PrincipalKind(StrEnum):
    """The kinds of identity GetCallerIdentity tells apart."""

    ACCOUNT = "Account"
    USER = "RAMUser"
    ROLE = "AssumedRoleUser"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An authenticated identity.

    Attributes:
        name: User name, or role name (with ``session`` set) for an assumed role.
        policies: Policy documents that apply; None means everything is allowed
            (the main account).
        session_policy: A further limit that AssumeRole's ``Policy`` set, or None.
        context: Values of condition keys that are about the call.
    """

    account_id: str
    kind: PrincipalKind = PrincipalKind.ACCOUNT
    name: str = ""
    session: str = ""
    principal_id: str = ""
    access_key_id: str = ""
    policies: tuple[dict[str, Any], ...] | None = None
    session_policy: dict[str, Any] | None = None
    context: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def arn(self) -> str:
        """Return the identity's ARN as GetCallerIdentity shows it."""
        match self.kind:
            case PrincipalKind.ACCOUNT:
                return f"acs:ram::{self.account_id}:root"
            case PrincipalKind.USER:
                return f"acs:ram::{self.account_id}:user/{self.name}"
            case PrincipalKind.ROLE:
                return f"acs:ram::{self.account_id}:assumed-role/{self.name}/{self.session}"
