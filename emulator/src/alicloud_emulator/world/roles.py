"""RAM's own actions on roles and policies. Reached as ``world.ram.roles``."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.policy import PolicyError, parse_document
from alicloud_emulator.world.principals import MAX_SESSION_S, People, Policy, Role

if TYPE_CHECKING:
    from alicloud_emulator.world.ram import Ram
    from alicloud_emulator.world.world import World

MAX_SESSION_S_MAX = 43_200
TAGS_MAX = 20


class Roles:
    """Roles, policies, what is attached to what, and their tags."""

    def __init__(self, world: "World", ram: "Ram") -> None:
        self._world = world
        self._ram = ram

    def get_role(self, caller: Caller, role_name: str) -> Role:
        """Return a role (GetRole).

        Raises:
            ServiceError: ``EntityNotExist.Role`` (404).
        """
        people = self._enter(caller, "GetRole", f"role/{role_name}")
        return _role(people, role_name)

    def list_roles(self, caller: Caller) -> list[Role]:
        """Return every role, in the order they were made (ListRoles)."""
        return list(self._enter(caller, "ListRoles", "role/*").roles())

    def create_role(
        self,
        caller: Caller,
        *,
        role_name: str,
        trust: str,
        description: str = "",
        max_session_s: int = MAX_SESSION_S,
        tags: Mapping[str, str] | None = None,
    ) -> Role:
        """Make a role (CreateRole); services see it after ``role_propagation_s``.

        Args:
            caller: Who calls.
            role_name: 1 to 64 letters, digits, dots, hyphens and underscores.
            trust: AssumeRolePolicyDocument, JSON text.
            description: At most 1024 characters.
            max_session_s: MaxSessionDuration in seconds, 3600 to 43200.
            tags: At most 20.

        Raises:
            ServiceError: ``EntityAlreadyExists.Role`` (409), ``MalformedPolicyDocument``
                or ``InvalidParameter.*`` (400).
        """
        people = self._enter(caller, "CreateRole", "role/*")
        _check_name("RoleName.InvalidChars", role_name, r"[\w.-]{1,64}")
        _check_attributes(description, max_session_s)
        document = _parsed(trust, trust=True)
        _check_tags(tags or {})
        if people.role(role_name) is not None:
            raise ServiceError(
                "EntityAlreadyExists.Role",
                409,
                f"The role already exists: {role_name}.",
            )
        role = people.new_role(role_name, trust=document, now=self._world.agenda.now)
        role.usable_at += self._world.profile.durations.role_propagation_s
        role.description = description
        role.max_session_s = max_session_s
        role.tags = dict(tags or {})
        return role

    def update_role(
        self,
        caller: Caller,
        *,
        role_name: str,
        trust: str = "",
        description: str | None = None,
        max_session_s: int | None = None,
    ) -> Role:
        """Change what is given of a role (UpdateRole), and nothing if any is wrong.

        Args:
            caller: Who calls.
            role_name: The role.
            trust: NewAssumeRolePolicyDocument, JSON text; "" keeps it.
            description: At most 1024 characters; None keeps it.
            max_session_s: In seconds, 3600 to 43200; None keeps it.

        Raises:
            ServiceError: ``EntityNotExist.Role`` (404), ``MalformedPolicyDocument`` or
                ``InvalidParameter.*`` (400).
        """
        people = self._enter(caller, "UpdateRole", f"role/{role_name}")
        role = _role(people, role_name)
        described = role.description if description is None else description
        lasts_s = role.max_session_s if max_session_s is None else max_session_s
        _check_attributes(described, lasts_s)
        role.trust = _parsed(trust, trust=True) if trust else role.trust
        role.description, role.max_session_s = described, lasts_s
        role.updated_at = self._world.agenda.now
        return role

    def delete_role(self, caller: Caller, role_name: str) -> None:
        """Delete a role without policies (DeleteRole).

        Raises:
            ServiceError: ``EntityNotExist.Role`` (404), ``DeleteConflict.Role.Policy``
                (409).
        """
        people = self._enter(caller, "DeleteRole", f"role/{role_name}")
        role = _role(people, role_name)
        if role.attached:
            raise ServiceError(
                "DeleteConflict.Role.Policy",
                409,
                "The role can not be deleted since it has policies attached.",
            )
        people.remove_role(role)

    def attach_policy(
        self, caller: Caller, *, policy_type: str, policy_name: str, role_name: str
    ) -> None:
        """Attach a policy to a role (AttachPolicyToRole).

        Raises:
            ServiceError: ``EntityNotExist.Role`` or ``.Policy`` (404),
                ``EntityAlreadyExists.Role.Policy`` (409).
        """
        people = self._enter(caller, "AttachPolicyToRole", f"role/{role_name}")
        role = _role(people, role_name)
        policy = _policy(people, policy_type, policy_name)
        if (policy.type, policy.name) in role.attached:
            raise ServiceError(
                "EntityAlreadyExists.Role.Policy",
                409,
                "The policy is already attached to the role.",
            )
        role.attached[policy.type, policy.name] = self._world.agenda.now

    def detach_policy(
        self, caller: Caller, *, policy_type: str, policy_name: str, role_name: str
    ) -> None:
        """Detach a policy from a role (DetachPolicyFromRole).

        Raises:
            ServiceError: ``EntityNotExist.Role`` or ``.Role.Policy`` (404).
        """
        people = self._enter(caller, "DetachPolicyFromRole", f"role/{role_name}")
        role = _role(people, role_name)
        if role.attached.pop((policy_type, policy_name), None) is None:
            raise ServiceError(
                "EntityNotExist.Role.Policy",
                404,
                "The policy is not attached to the role.",
            )

    def list_policies_for_role(
        self, caller: Caller, role_name: str
    ) -> list[tuple[Policy, float]]:
        """Return a role's policies and when each was attached, Unix seconds."""
        people = self._enter(caller, "ListPoliciesForRole", f"role/{role_name}")
        role = _role(people, role_name)
        return [
            (_policy(people, policy_type, name), when)
            for (policy_type, name), when in role.attached.items()
        ]

    def create_policy(
        self,
        caller: Caller,
        *,
        policy_name: str,
        document: str,
        description: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Policy:
        """Make a custom policy (CreatePolicy); ``document`` is JSON text.

        Raises:
            ServiceError: ``EntityAlreadyExists.Policy`` (409),
                ``MalformedPolicyDocument`` or ``InvalidParameter.*`` (400).
        """
        people = self._enter(caller, "CreatePolicy", "policy/*")
        _check_name("PolicyName.InvalidChars", policy_name, r"[A-Za-z0-9-]{1,128}")
        parsed = _parsed(document, trust=False)
        _check_tags(tags or {})
        if people.policy("Custom", policy_name) is not None:
            raise ServiceError(
                "EntityAlreadyExists.Policy",
                409,
                f"The policy already exists: {policy_name}.",
            )
        policy = Policy(
            name=policy_name,
            type="Custom",
            document=parsed,
            text=document,
            description=description,
            created_at=self._world.agenda.now,
            tags=dict(tags or {}),
        )
        people.add_policy(policy)
        return policy

    def get_policy(
        self, caller: Caller, *, policy_type: str, policy_name: str
    ) -> tuple[Policy, int]:
        """Return a policy and how many roles it is attached to (GetPolicy).

        Raises:
            ServiceError: ``EntityNotExist.Policy`` (404).
        """
        people = self._enter(caller, "GetPolicy", f"policy/{policy_name}")
        policy = _policy(people, policy_type, policy_name)
        return policy, _attachments(people, policy)

    def list_policies(
        self, caller: Caller, *, policy_type: str = ""
    ) -> list[tuple[Policy, int]]:
        """Return all policies of a type ("" = both), with their attachments."""
        people = self._enter(caller, "ListPolicies", "policy/*")
        return [
            (policy, _attachments(people, policy))
            for policy in people.policies()
            if policy_type in ("", policy.type)
        ]

    def delete_policy(self, caller: Caller, policy_name: str) -> None:
        """Delete a custom policy that is attached to nothing (DeletePolicy).

        Raises:
            ServiceError: ``EntityNotExist.Policy`` (404), ``DeleteConflict.Policy.Role``
                (409).
        """
        people = self._enter(caller, "DeletePolicy", f"policy/{policy_name}")
        policy = _policy(people, "Custom", policy_name)
        if _attachments(people, policy):
            raise ServiceError(
                "DeleteConflict.Policy.Role",
                409,
                "The policy can not be deleted since it is attached to a role.",
            )
        people.remove_policy(policy)

    def tag_resources(
        self,
        caller: Caller,
        *,
        resource_type: str,
        names: Sequence[str],
        tags: Mapping[str, str],
    ) -> None:
        """Put tags on roles or policies (TagResources)."""
        people = self._enter(caller, "TagResources", f"{resource_type}/*")
        _check_tags(tags)
        for entity in _tagged(people, resource_type, names):
            if len({*entity.tags, *tags}) > TAGS_MAX:
                raise _invalid("Tag.Number")
            entity.tags.update(tags)

    def untag_resources(
        self,
        caller: Caller,
        *,
        resource_type: str,
        names: Sequence[str],
        keys: Iterable[str],
        everything: bool = False,
    ) -> None:
        """Take tags off roles or policies (UntagResources)."""
        people = self._enter(caller, "UntagResources", f"{resource_type}/*")
        for entity in _tagged(people, resource_type, names):
            for key in list(entity.tags) if everything else keys:
                entity.tags.pop(key, None)

    def list_tag_resources(
        self,
        caller: Caller,
        *,
        resource_type: str,
        names: Sequence[str] = (),
        tags: Sequence[tuple[str, str | None]] = (),
    ) -> list[tuple[str, str, str]]:
        """Return (name, key, value) of every tag on matching roles or policies.

        Args:
            caller: Who calls.
            resource_type: ``role`` or ``policy``.
            names: Only these; none means all.
            tags: Only resources with all of these keys (and values, where not None).
        """
        people = self._enter(caller, "ListTagResources", f"{resource_type}/*")
        return [
            (entity.name, key, value)
            for entity in _tagged(people, resource_type, names)
            if all(
                key in entity.tags and wanted in (None, entity.tags[key])
                for key, wanted in tags
            )
            for key, value in entity.tags.items()
        ]

    def _enter(self, caller: Caller, action: str, resource: str) -> People:
        self._world.agenda.catch_up()
        arn = f"acs:ram::{caller.account_id}:{resource}"
        self._ram.authorize(caller, f"ram:{action}", arn)
        return self._ram.people(caller.account_id)


def role_not_found(name: str) -> ServiceError:
    """Return RAM's error for a role that is not there."""
    return ServiceError(
        "EntityNotExist.Role", 404, f"The role not exists: {name[:64]}."
    )


def _role(people: People, name: str) -> Role:
    role = people.role(name)
    if role is None:
        raise role_not_found(name)
    return role


def _policy(people: People, policy_type: str, name: str) -> Policy:
    if policy_type not in ("System", "Custom"):
        raise _invalid("PolicyType")
    policy = people.policy(policy_type, name)
    if policy is None:
        raise ServiceError(
            "EntityNotExist.Policy", 404, f"The policy not exists: {name[:128]}."
        )
    return policy


def _attachments(people: People, policy: Policy) -> int:
    key = (policy.type, policy.name)
    return sum(key in role.attached for role in people.roles())


def _tagged(
    people: People, resource_type: str, names: Sequence[str]
) -> list[Role | Policy]:
    match resource_type.lower():
        case "role":
            return [_role(people, n) for n in names] if names else [*people.roles()]
        case "policy":
            if names:
                return [_policy(people, "Custom", name) for name in names]
            return [p for p in people.policies() if p.type == "Custom"]
        case _:
            raise _invalid("ResourceType")


def _parsed(text: str, *, trust: bool) -> dict[str, object]:
    try:
        return parse_document(text, trust=trust)
    except PolicyError as error:
        raise ServiceError(
            "MalformedPolicyDocument", 400, f"The policy document: {error}."
        ) from error


def _check_name(parameter: str, name: str, pattern: str) -> None:
    if not re.fullmatch(pattern, name, re.ASCII):
        raise _invalid(parameter)


def _check_attributes(description: str, max_session_s: int) -> None:
    if not MAX_SESSION_S <= max_session_s <= MAX_SESSION_S_MAX:
        raise _invalid("MaxSessionDuration")
    if len(description) > 1024:
        raise _invalid("Description.Length")


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise _invalid("Tag.Number")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or key.lower().startswith(("aliyun", "acs:")):
            raise _invalid("TagKey")
        if len(value) > 128:
            raise _invalid("TagValue")


def _invalid(parameter: str) -> ServiceError:
    return ServiceError(
        f"InvalidParameter.{parameter}",
        400,
        f"The parameter {parameter.split('.', maxsplit=1)[0]} is invalid.",
    )
