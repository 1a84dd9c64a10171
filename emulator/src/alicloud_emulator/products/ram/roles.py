"""Roles."""

import json
from typing import Any

from alicloud_emulator.products.ram.paging import cut
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.parameters import (
    tag_pairs,
)
from alicloud_emulator.world.principals import MAX_SESSION_S, Role


@action("GetRole", resource=("RoleName",), required=("RoleName",))
def get_role(call: Call) -> Document:
    """Carry out GetRole."""
    role = call.world.ram.roles.get_role(call.caller, call.text("RoleName"))
    return {"Role": _role(role, updated=True)}


@action("ListRoles", accepted={"Tag": ""})
def list_roles(call: Call) -> Document:
    """Carry out ListRoles."""
    roles = call.world.ram.roles.list_roles(call.caller)
    names = [role.name for role in roles]
    start, stop, more = cut(call, names, "Marker", "MaxItems")
    rows = [_role(role, document=False, updated=True) for role in roles[start:stop]]
    return {"Roles": {"Role": rows}, **more}


@action(
    "CreateRole",
    resource=("RoleName",),
    required=("RoleName", "AssumeRolePolicyDocument"),
)
def create_role(call: Call) -> Document:
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


@action("UpdateRole", resource=("RoleName",), required=("RoleName",))
def update_role(call: Call) -> Document:
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


@action("DeleteRole", resource=("RoleName",), required=("RoleName",))
def delete_role(call: Call) -> Document:
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
