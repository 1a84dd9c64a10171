"""RAM on the wire: roles, policies and their tags."""

import json
from typing import Any, ClassVar

from alicloud_emulator.services.bodies import Document, time_text
from alicloud_emulator.services.parameters import (
    TAG_MEMBERS,
    Kind,
    Param,
    accepted,
    boolean,
    integer,
    required,
    structs,
    tag_filters,
    tag_pairs,
)
from alicloud_emulator.services.rpc import Action, RpcCall, RpcService
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.principals import MAX_SESSION_S, Policy, Role
from alicloud_emulator.world.world import World

_PAGE_ROWS = 100


def get_role(call: RpcCall) -> Document:
    """Carry out GetRole."""
    role = call.world.ram.roles.get_role(call.caller, call.text("RoleName"))
    return {"Role": _role(role, updated=True)}


def list_roles(call: RpcCall) -> Document:
    """Carry out ListRoles."""
    roles = call.world.ram.roles.list_roles(call.caller)
    names = [role.name for role in roles]
    start, stop, more = _slice(call, names, "Marker", "MaxItems")
    rows = [_role(role, document=False, updated=True) for role in roles[start:stop]]
    return {"Roles": {"Role": rows}, **more}


def create_role(call: RpcCall) -> Document:
    """Carry out CreateRole."""
    role = call.world.ram.roles.create_role(
        call.caller,
        role_name=call.text("RoleName"),
        trust=call.text("AssumeRolePolicyDocument"),
        description=call.text("Description"),
        max_session_s=call.arguments.number("MaxSessionDuration", MAX_SESSION_S),
        tags=dict(tag_pairs(call.arguments)),
    )
    return {"Role": _role(role)}


def delete_role(call: RpcCall) -> Document:
    """Carry out DeleteRole."""
    call.world.ram.roles.delete_role(call.caller, call.text("RoleName"))
    return {}


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
    start, stop, more = _slice(call, names, "Marker", "MaxItems")
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


def tag_resources(call: RpcCall) -> Document:
    """Carry out TagResources."""
    call.world.ram.roles.tag_resources(
        call.caller,
        resource_type=call.text("ResourceType"),
        names=_names(call),
        tags=dict(tag_pairs(call.arguments)),
    )
    return {}


def untag_resources(call: RpcCall) -> Document:
    """Carry out UntagResources."""
    call.world.ram.roles.untag_resources(
        call.caller,
        resource_type=call.text("ResourceType"),
        names=_names(call),
        keys=call.arguments.texts("TagKeys"),
        everything=call.arguments.flag("All"),
    )
    return {}


def list_tag_resources(call: RpcCall) -> Document:
    """Carry out ListTagResources."""
    found = call.world.ram.roles.list_tag_resources(
        call.caller,
        resource_type=call.text("ResourceType"),
        names=call.arguments.texts("ResourceNames"),
        tags=tag_filters(call.arguments),
    )
    keys = [f"{name}/{key}" for name, key, _ in found]
    start, stop, more = _slice(call, keys, "NextToken", "PageSize")
    rows = [
        {
            "ResourceType": call.text("ResourceType"),
            "ResourceName": name,
            "TagKey": key,
            "TagValue": value,
        }
        for name, key, value in found[start:stop]
    ]
    document: dict[str, Any] = {"TagResources": rows}
    if "Marker" in more:
        document["NextToken"] = more["Marker"]
    return document


def _names(call: RpcCall) -> list[str]:
    names = call.arguments.texts("ResourceNames")
    if not 1 <= len(names) <= 50:
        raise ServiceError(
            "InvalidParameter.ResourceNames", 400, "Give 1 to 50 resource names."
        )
    return names


def _slice(
    call: RpcCall, keys: list[str], marker: str, size: str
) -> tuple[int, int, dict[str, Any]]:
    """Return where a page begins and ends in ``keys``, and its paging fields."""
    token = call.text(marker)
    start = keys.index(token) + 1 if token in keys else 0
    rows = call.arguments.number(size, _PAGE_ROWS)
    if not 1 <= rows <= 1000:
        raise ServiceError(
            f"InvalidParameter.{size}", 400, f"The parameter {size} is invalid."
        )
    stop = start + rows
    if stop >= len(keys):
        return start, stop, {"IsTruncated": False}
    return start, stop, {"IsTruncated": True, "Marker": keys[stop - 1]}


def _role(
    role: Role, *, document: bool = True, updated: bool = False
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "RoleId": role.role_id,
        "RoleName": role.name,
        "Arn": role.arn,
        "Description": role.description,
        "CreateDate": time_text(role.created_at),
        "MaxSessionDuration": role.max_session_s,
    }
    if document:
        row["AssumeRolePolicyDocument"] = json.dumps(role.trust)
    if updated:
        row["UpdateDate"] = time_text(role.created_at)
    return row


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyType": policy.type,
        "Description": policy.description,
        "DefaultVersion": "v1",
        "CreateDate": time_text(policy.created_at),
    }


_TAGS = structs("Tag", *TAG_MEMBERS, kind=Kind.JSON_STRUCTS)
_NAMES = Param("ResourceNames", Kind.JSON_LIST)
_TYPED = (required("PolicyType"), required("PolicyName"))
_PAGE = (Param("Marker"), integer("MaxItems"))

ACTIONS = (
    Action(
        name="GetRole",
        run=get_role,
        resource=("RoleName",),
        params=(required("RoleName"),),
        errors=("EntityNotExist.Role",),
    ),
    Action(
        name="ListRoles",
        run=list_roles,
        params=(*_PAGE, accepted("Tag", Kind.JSON_STRUCTS)),
    ),
    Action(
        name="CreateRole",
        run=create_role,
        resource=("RoleName",),
        params=(
            required("RoleName"),
            required("AssumeRolePolicyDocument"),
            Param("Description"),
            integer("MaxSessionDuration"),
            _TAGS,
        ),
        errors=(
            "EntityAlreadyExists.Role",
            "MalformedPolicyDocument",
            "InvalidParameter.RoleName.InvalidChars",
            "InvalidParameter.MaxSessionDuration",
            "InvalidParameter.Description.Length",
        ),
    ),
    Action(
        name="DeleteRole",
        run=delete_role,
        resource=("RoleName",),
        params=(required("RoleName"),),
        errors=("EntityNotExist.Role", "DeleteConflict.Role.Policy"),
    ),
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
    Action(
        name="TagResources",
        run=tag_resources,
        params=(
            required("ResourceType"),
            _NAMES,
            Param("Tag", Kind.JSON_STRUCTS, required=True, members=TAG_MEMBERS),
        ),
        errors=("EntityNotExist.Role", "EntityNotExist.Policy"),
    ),
    Action(
        name="UntagResources",
        run=untag_resources,
        params=(
            required("ResourceType"),
            Param("ResourceNames", Kind.JSON_LIST, required=True),
            Param("TagKeys", Kind.JSON_LIST),
            boolean("All"),
        ),
        errors=("EntityNotExist.Role", "EntityNotExist.Policy"),
    ),
    Action(
        name="ListTagResources",
        run=list_tag_resources,
        params=(
            required("ResourceType"),
            _NAMES,
            _TAGS,
            Param("NextToken"),
            integer("PageSize"),
        ),
        errors=("EntityNotExist.Role", "EntityNotExist.Policy"),
    ),
)


class RamService(RpcService):
    """RAM, version 2015-05-01."""

    PRODUCT: ClassVar[str] = "Ram"
    VERSION: ClassVar[str] = "2015-05-01"
    MISSING: ClassVar[str] = "Missing{}"

    def __init__(self, world: World) -> None:
        super().__init__(world, ACTIONS)
