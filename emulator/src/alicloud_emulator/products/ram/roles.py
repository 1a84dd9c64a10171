"""Roles."""

import json
from typing import Any

from alicloud_emulator.products.ram.paging import cut
from alicloud_emulator.products.ram.people import (
    FACTS,
    check_attributes,
    check_name,
    check_tags,
    enter,
    parsed,
    role_of,
)
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.parameters import tag_pairs
from alicloud_emulator.world.principals import MAX_SESSION_S, Role

_MAX_ITEMS = "InvalidParameter.MaxItems"


@action("GetRole", resource=("RoleName",), required=("RoleName",))
def get_role(call: Call) -> Document:
    """Carry out GetRole."""
    name = call.text("RoleName")
    role = role_of(enter(call, f"role/{name}"), name)
    return {"Role": _role(role, updated=True)}


@action("ListRoles", accepted={"Tag": ""})
def list_roles(call: Call) -> Document:
    """Carry out ListRoles: in the order they were made."""
    roles = list(enter(call, "role/*").roles())
    names = [role.name for role in roles]
    start, stop, more = cut(call, names, "Marker", "MaxItems", _MAX_ITEMS)
    rows = [_role(role, document=False, updated=True) for role in roles[start:stop]]
    return {"Roles": {"Role": rows}, **more}


@action(
    "CreateRole",
    resource=("RoleName",),
    required=("RoleName", "AssumeRolePolicyDocument"),
)
def create_role(call: Call) -> Document:
    """Carry out CreateRole; services see the role after ``role_propagation_s``."""
    people, name = enter(call, "role/*"), call.text("RoleName")
    check_name(name, r"[\w.-]{1,64}", "InvalidParameter.RoleName.InvalidChars")
    description = call.text("Description")
    max_session_s = call.arguments.number("MaxSessionDuration", MAX_SESSION_S)
    check_attributes(description, max_session_s)
    trust = parsed(call.text("AssumeRolePolicyDocument"), trust=True)
    tags = dict(tag_pairs(call.arguments))
    check_tags(tags)
    if people.role(name) is not None:
        raise FACTS.refusal("EntityAlreadyExists.Role", name)
    role = people.new_role(name, trust=trust, now=call.world.agenda.now)
    role.usable_at += call.world.profile.durations.role_propagation_s
    role.made = True
    role.description = description
    role.max_session_s = max_session_s
    role.tags = tags
    return {"Role": _role(role)}


@action("UpdateRole", resource=("RoleName",), required=("RoleName",))
def update_role(call: Call) -> Document:
    """Carry out UpdateRole: all that is given, or nothing if any is wrong."""
    arguments, name = call.arguments, call.text("RoleName")
    role = role_of(enter(call, f"role/{name}"), name)
    text = call.text("NewDescription")
    description = text if arguments.has("NewDescription") else role.description
    max_session_s = arguments.number("NewMaxSessionDuration", role.max_session_s)
    check_attributes(description, max_session_s)
    trust = call.text("NewAssumeRolePolicyDocument")
    role.trust = parsed(trust, trust=True) if trust else role.trust
    role.description, role.max_session_s = description, max_session_s
    role.updated_at = call.world.agenda.now
    return {"Role": _role(role, updated=True)}


@action("DeleteRole", resource=("RoleName",), required=("RoleName",))
def delete_role(call: Call) -> Document:
    """Carry out DeleteRole."""
    name = call.text("RoleName")
    people = enter(call, f"role/{name}")
    role = role_of(people, name)
    if role.attached:
        raise FACTS.refusal("DeleteConflict.Role.Policy")
    people.remove_role(role)
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
