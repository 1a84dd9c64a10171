"""Who there is, as RAM's actions find and check it."""

import re
from collections.abc import Mapping, Sequence

from alicloud_emulator.products.rpc.action import Call
from alicloud_emulator.world.facts import Facts
from alicloud_emulator.world.policy import PolicyError, parse_document
from alicloud_emulator.world.principals import MAX_SESSION_S, People, Policy, Role

FACTS = Facts(__package__)

MAX_SESSION_S_MAX = 43_200
TAGS_MAX = 20


def enter(call: Call, resource: str) -> People:
    """Let a call in, and return its account's people; RAM has no regions.

    Raises:
        ServiceError: NoPermission (403).
    """
    call.world.agenda.catch_up()
    arn = f"acs:ram::{call.caller.account_id}:{resource}"
    call.world.ram.authorize(call.caller, f"ram:{call.action}", arn)
    return call.world.ram.people(call.caller.account_id)


def role_of(people: People, name: str) -> Role:
    """Return a role.

    Raises:
        ServiceError: EntityNotExist.Role (404).
    """
    role = people.role(name)
    if role is None:
        raise FACTS.refusal("EntityNotExist.Role", name[:64])
    return role


def policy_of(people: People, policy_type: str, name: str) -> Policy:
    """Return a policy.

    Raises:
        ServiceError: EntityNotExist.Policy (404); InvalidParameter.PolicyType (400).
    """
    if policy_type not in FACTS.values("PolicyType"):
        raise FACTS.refusal("InvalidParameter.PolicyType")
    policy = people.policy(policy_type, name)
    if policy is None:
        raise FACTS.refusal("EntityNotExist.Policy", name[:128])
    return policy


def attachments(people: People, policy: Policy) -> int:
    """Return how many roles have a policy."""
    key = (policy.type, policy.name)
    return sum(key in role.attached for role in people.roles())


def tagged(
    people: People, resource_type: str, names: Sequence[str]
) -> list[Role | Policy]:
    """Return roles or policies by name, or all of them.

    Raises:
        ServiceError: EntityNotExist.* (404); InvalidParameter.ResourceType (400).
    """
    match resource_type.lower():
        case "role":
            return [role_of(people, n) for n in names] if names else [*people.roles()]
        case "policy":
            if names:
                return [policy_of(people, "Custom", name) for name in names]
            return [p for p in people.policies() if p.type == "Custom"]
        case _:
            raise FACTS.refusal("InvalidParameter.ResourceType")


def parsed(text: str, *, trust: bool) -> dict[str, object]:
    """Return a policy document of JSON text.

    Raises:
        ServiceError: MalformedPolicyDocument (400).
    """
    try:
        return parse_document(text, trust=trust)
    except PolicyError as error:
        raise FACTS.refusal("MalformedPolicyDocument", str(error)) from error


def check_name(name: str, pattern: str, code: str) -> None:
    """Refuse a name that does not match, with a code."""
    if not re.fullmatch(pattern, name, re.ASCII):
        raise FACTS.refusal(code)


def check_attributes(description: str, max_session_s: int) -> None:
    """Refuse a description over 1024 characters, or sessions not of 1 to 12 hours."""
    if not MAX_SESSION_S <= max_session_s <= MAX_SESSION_S_MAX:
        raise FACTS.refusal("InvalidParameter.MaxSessionDuration")
    if len(description) > 1024:
        raise FACTS.refusal("InvalidParameter.Description.Length")


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that nothing can carry."""
    if len(tags) > TAGS_MAX:
        raise FACTS.refusal("InvalidParameter.Tag.Number")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or key.lower().startswith(("aliyun", "acs:")):
            raise FACTS.refusal("InvalidParameter.TagKey")
        if len(value) > 128:
            raise FACTS.refusal("InvalidParameter.TagValue")
