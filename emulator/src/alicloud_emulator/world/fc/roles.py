"""A function's role: who may give it, and its temporary credentials."""

import re
from typing import TYPE_CHECKING

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.rules import invalid
from alicloud_emulator.world.fc.values import Function
from alicloud_emulator.world.sessions import StsToken

if TYPE_CHECKING:
    from alicloud_emulator.world.ram import Ram

FC_SERVICE = "fc.aliyuncs.com"
"""The principal that a function's role must trust."""

CREDENTIALS_S = 36 * 3600
"""How long a function's credentials are valid (documented: 36 hours)."""

_ARN = re.compile(r"acs:ram::(?P<account>\d{1,20}):role/(?P<name>[\w.-]{1,64})")


def check_role(ram: "Ram", caller: Caller, arn: str) -> None:
    """Check that a caller can give a role to a function; "" is no role.

    Raises:
        ServiceError: InvalidArgument (no ARN, no such role, or it does not trust
            Function Compute), AccessDenied (another account's), NoPermission (the
            caller may not pass it).
    """
    if not arn:
        return
    account_id, name = _parsed(arn)
    if account_id != caller.account_id:
        raise refusal("AccessDenied", "the role is another account's")
    try:
        role = ram.service_role(account_id, name, FC_SERVICE)
    except ServiceError as error:
        raise invalid(f"role '{arn}' cannot be assumed: {error.message}") from error
    ram.authorize(caller, "ram:PassRole", role.arn, {"acs:Service": FC_SERVICE})


def assume_role(ram: "Ram", function: Function) -> StsToken | None:
    """Return credentials of a function's role; None if it has none.

    Raises:
        ServiceError: AccessDenied; the role is gone, or trusts us no more.
    """
    arn = function.settings.role
    if not arn:
        return None
    account_id, name = _parsed(arn)
    try:
        return ram.assume_for_service(
            account_id,
            name,
            service=FC_SERVICE,
            session=function.name,
            duration_s=CREDENTIALS_S,
        )
    except ServiceError as error:
        raise refusal(
            "AccessDenied", f"cannot assume role '{arn}': {error.message}"
        ) from error


def _parsed(arn: str) -> tuple[str, str]:
    """Return account id and name of a role's ARN."""
    found = _ARN.fullmatch(arn)
    if found is None:
        raise invalid(f"Role should match the pattern '{_ARN.pattern}'")
    return found["account"], found["name"]
