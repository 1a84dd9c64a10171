"""Policies, and which role has which."""

from typing import Any

from alicloud_emulator.products.ram.paging import cut
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.parameters import (
    tag_pairs,
)
from alicloud_emulator.world.principals import Policy


@action(
    "AttachPolicyToRole",
    resource=("RoleName",),
    required=("PolicyType", "PolicyName", "RoleName"),
)
def attach_policy_to_role(call: Call) -> Document:
    """Carry out AttachPolicyToRole."""
    call.world.ram.roles.attach_policy(
        call.caller,
        policy_type=call.text("PolicyType"),
        policy_name=call.text("PolicyName"),
        role_name=call.text("RoleName"),
    )
    return {}


@action(
    "DetachPolicyFromRole",
    resource=("RoleName",),
    required=("PolicyType", "PolicyName", "RoleName"),
)
def detach_policy_from_role(call: Call) -> Document:
    """Carry out DetachPolicyFromRole."""
    call.world.ram.roles.detach_policy(
        call.caller,
        policy_type=call.text("PolicyType"),
        policy_name=call.text("PolicyName"),
        role_name=call.text("RoleName"),
    )
    return {}


@action("ListPoliciesForRole", resource=("RoleName",), required=("RoleName",))
def list_policies_for_role(call: Call) -> Document:
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


@action(
    "CreatePolicy", resource=("PolicyName",), required=("PolicyName", "PolicyDocument")
)
def create_policy(call: Call) -> Document:
    """Carry out CreatePolicy."""
    policy = call.world.ram.roles.create_policy(
        call.caller,
        policy_name=call.text("PolicyName"),
        document=call.text("PolicyDocument"),
        description=call.text("Description"),
        tags=dict(tag_pairs(call.arguments)),
    )
    return {"Policy": _policy(policy)}


@action("GetPolicy", resource=("PolicyName",), required=("PolicyType", "PolicyName"))
def get_policy(call: Call) -> Document:
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


@action("ListPolicies", accepted={"Tag": ""})
def list_policies(call: Call) -> Document:
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


@action(
    "DeletePolicy",
    resource=("PolicyName",),
    required=("PolicyName",),
    accepted={"CascadingDelete": "policies have one version"},
)
def delete_policy(call: Call) -> Document:
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
