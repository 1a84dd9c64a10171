"""Policies, and which role has which."""

from typing import Any

from alicloud_emulator.products.ram.paging import cut
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.parameters import (
    TAG_MEMBERS,
    Kind,
    Param,
    accepted,
    integer,
    required,
    structs,
    tag_pairs,
)
from alicloud_emulator.products.rpc.service import Action, RpcCall
from alicloud_emulator.world.principals import Policy


def attach_policy_to_role(call: RpcCall) -> Document:
    """Carry out AttachPolicyToRole."""
    call.world.ram.roles.attach_policy(
        call.caller,
        policy_type=call.text("PolicyType"),
        policy_name=call.text("PolicyName"),
        role_name=call.text("RoleName"),
    )
    return {}


def detach_policy_from_role(call: RpcCall) -> Document:
    """Carry out DetachPolicyFromRole."""
    call.world.ram.roles.detach_policy(
        call.caller,
        policy_type=call.text("PolicyType"),
        policy_name=call.text("PolicyName"),
        role_name=call.text("RoleName"),
    )
    return {}


def list_policies_for_role(call: RpcCall) -> Document:
    """Carry out ListPoliciesForRole."""
    found = call.world.ram.roles.list_policies_for_role(
        call.caller, call.text("RoleName")
    )
    rows = [
        {
            "PolicyName": policy.name,
            "PolicyType": policy.type,
            "Description": policy.description,
            "DefaultVersion": "v1",
            "AttachDate": time_text(when),
        }
        for policy, when in found
    ]
    return {"Policies": {"Policy": rows}}


def create_policy(call: RpcCall) -> Document:
    """Carry out CreatePolicy."""
    policy = call.world.ram.roles.create_policy(
        call.caller,
        policy_name=call.text("PolicyName"),
        document=call.text("PolicyDocument"),
        description=call.text("Description"),
        tags=dict(tag_pairs(call.arguments)),
    )
    return {"Policy": _policy(policy)}


def get_policy(call: RpcCall) -> Document:
    """Carry out GetPolicy."""
    policy, attachments = call.world.ram.roles.get_policy(
        call.caller,
        policy_type=call.text("PolicyType"),
        policy_name=call.text("PolicyName"),
    )
    created = time_text(policy.created_at)
    return {
        "Policy": {
            **_policy(policy),
            "UpdateDate": created,
            "AttachmentCount": attachments,
            "PolicyDocument": policy.text,
        },
        "DefaultPolicyVersion": {
            "VersionId": "v1",
            "IsDefaultVersion": True,
            "CreateDate": created,
            "PolicyDocument": policy.text,
        },
    }


def list_policies(call: RpcCall) -> Document:
    """Carry out ListPolicies."""
    found = call.world.ram.roles.list_policies(
        call.caller, policy_type=call.text("PolicyType")
    )
    names = [policy.name for policy, _ in found]
    start, stop, more = cut(call, names, "Marker", "MaxItems")
    rows = [
        {
            **_policy(policy),
            "UpdateDate": time_text(policy.created_at),
            "AttachmentCount": attachments,
        }
        for policy, attachments in found[start:stop]
    ]
    return {"Policies": {"Policy": rows}, **more}


def delete_policy(call: RpcCall) -> Document:
    """Carry out DeletePolicy."""
    call.world.ram.roles.delete_policy(call.caller, call.text("PolicyName"))
    return {}


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyType": policy.type,
        "Description": policy.description,
        "DefaultVersion": "v1",
        "CreateDate": time_text(policy.created_at),
    }


_TAGS = structs("Tag", *TAG_MEMBERS, kind=Kind.JSON_STRUCTS)
_PAGE = (Param("Marker"), integer("MaxItems"))
_TYPED = (required("PolicyType"), required("PolicyName"))

ACTIONS = (
    Action(
        name="AttachPolicyToRole",
        run=attach_policy_to_role,
        resource=("RoleName",),
        params=(*_TYPED, required("RoleName")),
        errors=(
            "EntityNotExist.Role",
            "EntityNotExist.Policy",
            "EntityAlreadyExists.Role.Policy",
            "InvalidParameter.PolicyType",
        ),
    ),
    Action(
        name="DetachPolicyFromRole",
        run=detach_policy_from_role,
        resource=("RoleName",),
        params=(*_TYPED, required("RoleName")),
        errors=("EntityNotExist.Role", "EntityNotExist.Role.Policy"),
    ),
    Action(
        name="ListPoliciesForRole",
        run=list_policies_for_role,
        resource=("RoleName",),
        params=(required("RoleName"),),
        errors=("EntityNotExist.Role",),
    ),
    Action(
        name="CreatePolicy",
        run=create_policy,
        resource=("PolicyName",),
        params=(
            required("PolicyName"),
            required("PolicyDocument"),
            Param("Description"),
            _TAGS,
        ),
        errors=(
            "EntityAlreadyExists.Policy",
            "MalformedPolicyDocument",
            "InvalidParameter.PolicyName.InvalidChars",
        ),
    ),
    Action(
        name="GetPolicy",
        run=get_policy,
        resource=("PolicyName",),
        params=_TYPED,
        errors=("EntityNotExist.Policy", "InvalidParameter.PolicyType"),
    ),
    Action(
        name="ListPolicies",
        run=list_policies,
        params=(Param("PolicyType"), *_PAGE, accepted("Tag", Kind.JSON_STRUCTS)),
    ),
    Action(
        name="DeletePolicy",
        run=delete_policy,
        resource=("PolicyName",),
        params=(required("PolicyName"),),
        errors=("EntityNotExist.Policy", "DeleteConflict.Policy.Role"),
    ),
)
