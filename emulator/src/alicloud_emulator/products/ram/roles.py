"""Roles."""

import json
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
from alicloud_emulator.world.principals import MAX_SESSION_S, Role


def get_role(call: RpcCall) -> Document:
    """Carry out GetRole."""
    role = call.world.ram.roles.get_role(call.caller, call.text("RoleName"))
    return {"Role": _role(role, updated=True)}


def list_roles(call: RpcCall) -> Document:
    """Carry out ListRoles."""
    roles = call.world.ram.roles.list_roles(call.caller)
    names = [role.name for role in roles]
    start, stop, more = cut(call, names, "Marker", "MaxItems")
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


def update_role(call: RpcCall) -> Document:
    """Carry out UpdateRole."""
    role = call.world.ram.roles.update_role(
        call.caller,
        role_name=call.text("RoleName"),
        trust=call.text("NewAssumeRolePolicyDocument"),
        description=(
            call.text("NewDescription")
            if call.arguments.has("NewDescription")
            else None
        ),
        max_session_s=call.arguments.number_or_none("NewMaxSessionDuration"),
    )
    return {"Role": _role(role, updated=True)}


def delete_role(call: RpcCall) -> Document:
    """Carry out DeleteRole."""
    call.world.ram.roles.delete_role(call.caller, call.text("RoleName"))
    return {}


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
        row["UpdateDate"] = time_text(role.updated_at or role.created_at)
    return row


_TAGS = structs("Tag", *TAG_MEMBERS, kind=Kind.JSON_STRUCTS)
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
        name="UpdateRole",
        run=update_role,
        resource=("RoleName",),
        params=(
            required("RoleName"),
            Param("NewAssumeRolePolicyDocument"),
            Param("NewDescription"),
            integer("NewMaxSessionDuration"),
        ),
        errors=(
            "EntityNotExist.Role",
            "MalformedPolicyDocument",
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
)
