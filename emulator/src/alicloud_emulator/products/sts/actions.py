"""STS's actions: who am I, and temporary credentials."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.world.caller import Caller, PrincipalKind
from alicloud_emulator.world.facts import Facts
from alicloud_emulator.world.policy import (
    PolicyError,
    parse_document,
    trust_conditions_hold,
    trusts,
)
from alicloud_emulator.world.principals import Role
from alicloud_emulator.world.sessions import StsToken

FACTS = Facts(__package__)

DURATION_S_MIN = 900
DURATION_S_DEFAULT = 3600


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
    """Carry out AssumeRole, of a role that trusts the caller.

    NOTE: The real service refuses the main account ("Roles may not be assumed by root
    accounts"); here it may, because it is the identity everybody tries with.
    """
    caller, ram = call.caller, call.world.ram
    call.world.agenda.catch_up()
    account_id, role = _role(call)
    ram.authorize(caller, "sts:AssumeRole", role.arn)
    own = [f"acs:ram::{caller.account_id}:root", _principal_arn(caller)]
    if not any(trusts(role.trust, kind="RAM", principal=arn) for arn in own):
        raise FACTS.refusal("NoPermission")
    document = _credentials(_issued(call, account_id, role))
    if call.text("SourceIdentity"):
        document["SourceIdentity"] = call.text("SourceIdentity")
    return document


@action(
    "AssumeRoleWithOIDC",
    resource=("RoleArn",),
    required=("OIDCProviderArn", "RoleArn", "OIDCToken"),
)
def assume_role_with_oidc(call: Call) -> Document:
    """Carry out AssumeRoleWithOIDC: with an identity provider's token.

    NOTE: No identity provider can be asked here, so the token's own signature is not
    checked. Its expiry and the trust policy's conditions on its claims are.
    """
    now = call.world.agenda.catch_up()
    account_id, role = _role(call)
    claims = _claims(call.text("OIDCToken"))
    if isinstance(claims.get("exp"), int | float) and claims["exp"] <= now:
        raise FACTS.refusal("AuthenticationFail.OIDCToken.Expired")
    context = {
        f"oidc:{name}": str(claims[name])
        for name in ("iss", "aud", "sub")
        if name in claims
    }
    provider = call.text("OIDCProviderArn")
    federated = trusts(role.trust, kind="Federated", principal=provider)
    if not federated or not trust_conditions_hold(role.trust, context):
        raise FACTS.refusal("NoPermission")
    told = (("Subject", "sub"), ("Issuer", "iss"), ("ClientIds", "aud"))
    return {
        **_credentials(_issued(call, account_id, role)),
        "OIDCTokenInfo": {
            name: str(claims[claim]) for name, claim in told if claim in claims
        },
    }


def _role(call: Call) -> tuple[str, Role]:
    """Return the account and the role that a call names."""
    form = r"acs:ram::(\d+):role/([\w.-]{1,64})"
    found = re.fullmatch(form, call.text("RoleArn"), re.ASCII)
    if found is None:
        raise FACTS.refusal("InvalidParameter.RoleArn")
    (account_id, name), ram = found.groups(), call.world.ram
    known = ram.knows_account(account_id)
    role = ram.people(account_id).role(name) if known else None
    if role is None:
        raise FACTS.refusal("EntityNotExist.Role")
    return account_id, role


def _issued(call: Call, account_id: str, role: Role) -> StsToken:
    """Return credentials of a role, as long and as far as the call asks."""
    wanted_s = call.arguments.number_or_none("DurationSeconds")
    duration_s = min(DURATION_S_DEFAULT, role.max_session_s)
    if wanted_s is not None:
        if not DURATION_S_MIN <= wanted_s <= role.max_session_s:
            raise FACTS.refusal("InvalidParameter.DurationSeconds")
        duration_s = wanted_s
    text = call.text("Policy")
    try:
        policy = parse_document(text) if text else None
    except PolicyError as error:
        code = "InvalidParameter.PolicyGrammar"
        raise FACTS.refusal(code, str(error)) from error
    return call.world.ram.sessions.issue(
        account_id,
        role,
        session=call.text("RoleSessionName"),
        duration_s=duration_s,
        policy=policy,
    )


def _claims(oidc_token: str) -> Mapping[str, Any]:
    """Return the claims of a JSON Web Token, or none if it is no such thing."""
    if len(oidc_token) > 20_000:
        raise FACTS.refusal("InvalidParameter.OIDCToken")
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
