"""STS on the wire: who am I, and temporary credentials."""

from typing import Any

from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.world.caller import PrincipalKind
from alicloud_emulator.world.sessions import StsToken


@action("GetCallerIdentity")
def get_caller_identity(call: Call) -> Document:
    """Carry out GetCallerIdentity, which needs no permission."""
    caller = call.caller
    identity = {
        "AccountId": caller.account_id,
        "Arn": caller.arn,
        "IdentityType": caller.kind.value,
        "PrincipalId": caller.principal_id or caller.account_id,
    }
    match caller.kind:
        case PrincipalKind.ACCOUNT:
            identity["UserId"] = caller.account_id
        case PrincipalKind.USER:
            identity["UserId"] = caller.principal_id
        case PrincipalKind.ROLE:
            identity["RoleId"] = caller.principal_id.partition(":")[0]
    return identity


@action(
    "AssumeRole",
    resource=("RoleArn",),
    accepted={
        "ExternalId": "trust conditions on it are not checked",
        "SourceIdentity": "comes back in the answer",
    },
)
def assume_role(call: Call) -> Document:
    """Carry out AssumeRole."""
    token = call.world.ram.sessions.assume_role(
        call.caller,
        role_arn=call.text("RoleArn"),
        session=call.text("RoleSessionName"),
        duration_s=call.arguments.number_or_none("DurationSeconds"),
        policy=call.text("Policy"),
    )
    document = _credentials(token)
    if call.text("SourceIdentity"):
        document["SourceIdentity"] = call.text("SourceIdentity")
    return document


@action(
    "AssumeRoleWithOIDC",
    resource=("RoleArn",),
    required=("OIDCProviderArn", "RoleArn", "OIDCToken"),
)
def assume_role_with_oidc(call: Call) -> Document:
    """Carry out AssumeRoleWithOIDC."""
    token, claims = call.world.ram.sessions.assume_role_with_oidc(
        provider_arn=call.text("OIDCProviderArn"),
        role_arn=call.text("RoleArn"),
        oidc_token=call.text("OIDCToken"),
        session=call.text("RoleSessionName"),
        duration_s=call.arguments.number_or_none("DurationSeconds"),
        policy=call.text("Policy"),
    )
    return {
        **_credentials(token),
        "OIDCTokenInfo": {
            name: str(claims[claim])
            for name, claim in (
                ("Subject", "sub"),
                ("Issuer", "iss"),
                ("ClientIds", "aud"),
            )
            if claim in claims
        },
    }


def _credentials(token: StsToken) -> dict[str, Any]:
    return {
        "Credentials": {
            "AccessKeyId": token.access_key_id,
            "AccessKeySecret": token.access_key_secret,
            "SecurityToken": token.security_token,
            "Expiration": time_text(token.expires_at),
        },
        "AssumedRoleUser": {
            "Arn": token.assumed_role_arn,
            "AssumedRoleId": f"{token.role_id}:{token.session}",
        },
    }
