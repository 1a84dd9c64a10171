"""STS: who is calling; RAM: its roles.

Source: GetCallerIdentity, version 2015-04-01; GetRole, CreateRole, AttachPolicyToRole and
ListPoliciesForRole, version 2015-05-01.
"""

import json
from collections.abc import Mapping
from typing import Any

from ali_import.cloud import calls
from ali_import.cloud.sdk import endpoints
from ali_import.cloud.sdk.answers import mapping, nested_rows, required, text
from ali_import.cloud.sdk.services import Services, answers
from ali_import.cloud.values import Identity, Role
from ali_import.errors import ApiError, ConfigurationError

VERSION = "2015-04-01"
RAM_VERSION = "2015-05-01"

# What the gateways answer to keys that are wrong, disabled or expired.
_BAD_CREDENTIALS = (
    "Forbidden.AccessKeyDisabled",
    "Forbidden.AccessKeyStatusDisabled",
    "InactiveAccessKey",
    "IncompleteSignature",
    "InvalidAccessKey",
    "InvalidSecurityToken",
    "MissingSecurityToken",
    "SignatureDoesNotMatch",
)


@answers(calls.GetCallerIdentity)
def get_caller_identity(services: Services, call: calls.GetCallerIdentity) -> Identity:
    """Ask who we are; unusable credentials show here first (see ``refusal``)."""
    answer, server_time = services.openapi.rpc_dated(
        endpoints.sts(call.region),
        action="GetCallerIdentity",
        version=VERSION,
        query={},
    )
    keys = services.credentials.keys()
    return Identity(
        account_id=required(answer, "AccountId"),
        arn=text(answer, "Arn"),
        temporary=bool(keys.security_token),
        expires_at=keys.expires_at or 0.0,
        server_time=server_time,
    )


@answers(calls.GetRole)
def get_role(services: Services, call: calls.GetRole) -> Role:
    """Return a role, with the services that may take it on."""
    role = mapping(_ram(services, call, {"RoleName": call.name}), "Role")
    trust = text(role, "AssumeRolePolicyDocument")
    return Role(arn=required(role, "Arn"), trusted=_trusted(trust))


def _trusted(document: str) -> tuple[str, ...]:
    """Return the services that a trust policy names; what is odd names none."""
    try:
        statements = json.loads(document)["Statement"]
        found = [each["Principal"].get("Service", []) for each in statements]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(
        str(service)
        for services in found
        for service in (services if isinstance(services, list) else [services])
    )


@answers(calls.ListPoliciesForRole)
def list_policies_for_role(
    services: Services, call: calls.ListPoliciesForRole
) -> tuple[str, ...]:
    """Return the names of a role's policies."""
    answer = _ram(services, call, {"RoleName": call.role})
    rows = nested_rows(answer, "Policies", "Policy")
    return tuple(text(row, "PolicyName") for row in rows)


@answers(calls.CreateRole)
def create_role(services: Services, call: calls.CreateRole) -> None:
    """Make a role."""
    query = {
        "RoleName": call.name,
        "Description": call.description,
        "AssumeRolePolicyDocument": call.trust,
    }
    _ram(services, call, query)


@answers(calls.AttachPolicyToRole)
def attach_policy_to_role(services: Services, call: calls.AttachPolicyToRole) -> None:
    """Give a role a system policy."""
    query = {
        "PolicyType": "System",
        "PolicyName": call.policy,
        "RoleName": call.role,
    }
    _ram(services, call, query)


def _ram(
    services: Services, call: calls.Call[Any], query: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Carry out the action that the call is named after; RAM has no regions."""
    return services.openapi.rpc(
        endpoints.ram(call.region),
        action=type(call).__name__,
        version=RAM_VERSION,
        query=query,
    )


def refusal(error: ApiError) -> ConfigurationError | None:
    """Return what to tell the user if ``error`` says the credentials are no good."""
    if not error.code.startswith(_BAD_CREDENTIALS):
        return None
    return ConfigurationError(
        f"Alibaba Cloud does not accept the credentials ({error.code})",
        advice="check the access key, its secret and the security token",
    )
