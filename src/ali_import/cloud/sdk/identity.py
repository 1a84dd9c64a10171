"""STS: who is calling; RAM: its roles.

Source: GetCallerIdentity, version 2015-04-01; GetRole, version 2015-05-01.
"""

from ali_import.cloud import calls
from ali_import.cloud.sdk import endpoints
from ali_import.cloud.sdk.answers import mapping, required, text
from ali_import.cloud.sdk.services import Services, answers
from ali_import.cloud.values import Identity
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
    answer = services.openapi.rpc(
        endpoints.sts(call.region),
        action="GetCallerIdentity",
        version=VERSION,
        query={},
    )
    keys = services.credentials.keys()
    return Identity(
        account_id=required(answer, "AccountId"),
        arn=text(answer, "Arn"),
        expires_at=keys.expires_at or 0.0,
    )


@answers(calls.GetRole)
def get_role(services: Services, call: calls.GetRole) -> str:
    """Return a role's ARN."""
    answer = services.openapi.rpc(
        endpoints.ram(call.region),
        action="GetRole",
        version=RAM_VERSION,
        query={"RoleName": call.name},
    )
    return required(mapping(answer, "Role"), "Arn")


def refusal(error: ApiError) -> ConfigurationError | None:
    """Return what to tell the user if ``error`` says the credentials are no good."""
    if not error.code.startswith(_BAD_CREDENTIALS):
        return None
    return ConfigurationError(
        f"Alibaba Cloud does not accept the credentials ({error.code})",
        advice="check the access key, its secret and the security token",
    )
