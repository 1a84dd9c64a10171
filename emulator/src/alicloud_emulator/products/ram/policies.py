"""Policies, and which role has which."""

from typing import Any

from alicloud_emulator.products.ram.paging import cut
from alicloud_emulator.products.ram.people import (
    FACTS,
    attachments,
    check_name,
    check_tags,
    enter,
    parsed,
    policy_of,
    role_of,
)
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.parameters import tag_pairs
from alicloud_emulator.world.principals import Policy

_MAX_ITEMS = "InvalidParameter.MaxItems"
_ATTACHED = ("PolicyType", "PolicyName", "RoleName")


@action("AttachPolicyToRole", resource=("RoleName",), required=_ATTACHED)
def attach_policy_to_role(call: Call) -> Document:
    """Carry out AttachPolicyToRole."""
    name = call.text("RoleName")
    people = enter(call, f"role/{name}")
    role = role_of(people, name)
    policy = policy_of(people, call.text("PolicyType"), call.text("PolicyName"))
    if (policy.type, policy.name) in role.attached:
        raise FACTS.refusal("EntityAlreadyExists.Role.Policy")
    role.attached[policy.type, policy.name] = call.world.agenda.now
    return {}


@action("DetachPolicyFromRole", resource=("RoleName",), required=_ATTACHED)
def detach_policy_from_role(call: Call) -> Document:
    """Carry out DetachPolicyFromRole."""
    name = call.text("RoleName")
    role = role_of(enter(call, f"role/{name}"), name)
    key = (call.text("PolicyType"), call.text("PolicyName"))
    if role.attached.pop(key, None) is None:
        raise FACTS.refusal("EntityNotExist.Role.Policy")
    return {}


@action("ListPoliciesForRole", resource=("RoleName",), required=("RoleName",))
def list_policies_for_role(call: Call) -> Document:
    """Carry out ListPoliciesForRole."""
    name = call.text("RoleName")
    people = enter(call, f"role/{name}")
    found = [
        (policy_of(people, *key), when)
        for key, when in role_of(people, name).attached.items()
    ]
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
    "CreatePolicy",
    resource=("PolicyName",),
    required=("PolicyName", "PolicyDocument"),
)
def create_policy(call: Call) -> Document:
    """Carry out CreatePolicy: a custom one."""
    people, name = enter(call, "policy/*"), call.text("PolicyName")
    code = "InvalidParameter.PolicyName.InvalidChars"
    check_name(name, r"[A-Za-z0-9-]{1,128}", code)
    text = call.text("PolicyDocument")
    document = parsed(text, trust=False)
    tags = dict(tag_pairs(call.arguments))
    check_tags(tags)
    if people.policy("Custom", name) is not None:
        raise FACTS.refusal("EntityAlreadyExists.Policy", name)
    policy = Policy(
        name=name,
        type="Custom",
        document=document,
        text=text,
        description=call.text("Description"),
        created_at=call.world.agenda.now,
        tags=tags,
    )
    people.add_policy(policy)
    return {"Policy": _policy(policy)}


@action(
    "GetPolicy",
    resource=("PolicyName",),
    required=("PolicyType", "PolicyName"),
)
def get_policy(call: Call) -> Document:
    """Carry out GetPolicy."""
    name = call.text("PolicyName")
    people = enter(call, f"policy/{name}")
    policy = policy_of(people, call.text("PolicyType"), name)
    created = time_text(policy.created_at)
    return {
        "Policy": {
            **_policy(policy),
            "UpdateDate": created,
            "AttachmentCount": attachments(people, policy),
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
    """Carry out ListPolicies: of a type, or of both."""
    people, wanted = enter(call, "policy/*"), call.text("PolicyType")
    found = [p for p in people.policies() if wanted in ("", p.type)]
    names = [policy.name for policy in found]
    start, stop, more = cut(call, names, "Marker", "MaxItems", _MAX_ITEMS)
    rows = [
        {
            **_policy(policy),
            "UpdateDate": time_text(policy.created_at),
            "AttachmentCount": attachments(people, policy),
        }
        for policy in found[start:stop]
    ]
    return {"Policies": {"Policy": rows}, **more}


@action(
    "DeletePolicy",
    resource=("PolicyName",),
    required=("PolicyName",),
    accepted={"CascadingDelete": "policies have one version"},
)
def delete_policy(call: Call) -> Document:
    """Carry out DeletePolicy: a custom one that is attached to nothing."""
    name = call.text("PolicyName")
    people = enter(call, f"policy/{name}")
    policy = policy_of(people, "Custom", name)
    if attachments(people, policy):
        raise FACTS.refusal("DeleteConflict.Policy.Role")
    people.remove_policy(policy)
    return {}


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyType": policy.type,
        "Description": policy.description,
        "DefaultVersion": "v1",
        "CreateDate": time_text(policy.created_at),
    }
