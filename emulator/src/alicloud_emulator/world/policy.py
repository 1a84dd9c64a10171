"""RAM policy documents: what they allow, evaluated as simply as they are meant.

A document is the JSON that RAM stores: ``{"Version": "1", "Statement": [...]}``. A
statement has ``Effect``, ``Action`` or ``NotAction``, ``Resource`` or ``NotResource``
and perhaps ``Condition``. Actions match whatever their letter case, resources exactly;
``*`` and ``?`` are wildcards in both. An explicit Deny beats every Allow. A statement with
a condition that is not known here does not apply.

Source: https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax
"""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from alicloud_emulator.world.wildcard import matches

Document = dict[str, Any]

DOCUMENT_BYTES_MAX = 6144
"""Longest policy document that RAM stores."""


class Decision(StrEnum):
    """What policies say about a call.

    * ``allow``: some statement allows it and none denies it.
    * ``explicit``: a Deny statement matches.
    * ``implicit``: no statement says anything about it.
    """

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit"
    IMPLICIT_DENY = "implicit"


class PolicyError(ValueError):
    """A policy document is not one."""


def decide(
    documents: Iterable[Document],
    *,
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> Decision:
    """Return what ``documents`` together say about a call.

    Args:
        documents: Policy documents, parsed.
        action: For example ``ecs:ImportImage``.
        resource: For example ``acs:ecs:cn-hangzhou:1234567890123456:image/*``.
        context: Values of condition keys, for example ``acs:Service``.
    """
    decision = Decision.IMPLICIT_DENY
    for document in documents:
        for statement in _listed(document.get("Statement")):
            if not _applies(statement, action, resource, context or {}):
                continue
            if statement.get("Effect") == "Deny":
                return Decision.EXPLICIT_DENY
            if statement.get("Effect") == "Allow":
                decision = Decision.ALLOW
    return decision


def trusts(trust: Document, *, kind: str, principal: str) -> bool:
    """Whether a role's trust policy lets a principal assume it; conditions aside.

    Args:
        trust: The role's AssumeRolePolicyDocument; an empty one trusts everybody.
        kind: ``Service``, ``RAM`` or ``Federated``.
        principal: For example ``fc.aliyuncs.com`` or ``acs:ram::1:root``.
    """
    if not trust:
        return True
    return any(
        statement.get("Effect") == "Allow"
        and _any_matches(statement.get("Action"), "sts:AssumeRole", fold=True)
        and isinstance(statement.get("Principal"), Mapping)
        and _any_matches(statement["Principal"].get(kind), principal, fold=True)
        for statement in _listed(trust.get("Statement"))
    )


def trust_conditions_hold(trust: Document, context: Mapping[str, str]) -> bool:
    """Whether the conditions of a trust policy hold (an empty policy has none)."""
    statements = list(_listed(trust.get("Statement")))
    return not statements or any(_condition_holds(s, context) for s in statements)


def parse_document(text: str, *, trust: bool = False) -> dict[str, Any]:
    """Read a policy document, or a role's trust policy.

    Raises:
        PolicyError: It is not JSON, too long, or has no well-formed statement.
    """
    if len(text.encode(errors="surrogatepass")) > DOCUMENT_BYTES_MAX:
        raise PolicyError(f"longer than {DOCUMENT_BYTES_MAX} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError("not JSON") from error
    if not isinstance(document, dict):
        raise PolicyError("not an object")
    check_document(document, trust=trust)
    return document


def check_document(document: Mapping[str, Any], *, trust: bool = False) -> None:
    """Check a policy document, or a role's trust policy.

    Raises:
        PolicyError: It has no well-formed statement.
    """
    if document.get("Version") != "1":
        raise PolicyError('Version must be "1"')
    statements = document.get("Statement")
    if not isinstance(statements, list) or not statements:
        raise PolicyError("Statement must be a list")
    needed = ("Action", "Principal") if trust else ("Action|NotAction", "Resource")
    for statement in statements:
        if not isinstance(statement, dict):
            raise PolicyError("a statement must be an object")
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise PolicyError("Effect must be Allow or Deny")
        for names in needed:
            if not any(name in statement for name in names.split("|")):
                raise PolicyError(f"a statement lacks {names.replace('|', ' or ')}")


def _applies(
    statement: Mapping[str, Any],
    action: str,
    resource: str,
    context: Mapping[str, str],
) -> bool:
    if "NotAction" in statement:
        about_action = not _any_matches(statement["NotAction"], action, fold=True)
    else:
        about_action = _any_matches(statement.get("Action"), action, fold=True)
    if "NotResource" in statement:
        about_resource = not _any_matches(statement["NotResource"], resource)
    else:
        about_resource = _any_matches(statement.get("Resource"), resource)
    return about_action and about_resource and _condition_holds(statement, context)


def _condition_holds(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether every condition holds; a key that the call does not have fails it."""
    condition = statement.get("Condition") or {}
    if not isinstance(condition, Mapping):
        return False
    for operator, keys in condition.items():
        test = _OPERATORS.get(operator)
        if test is None or not isinstance(keys, Mapping):
            return False
        for key, wanted in keys.items():
            value = context.get(key)
            if value is None or not test(value, _texts(wanted)):
                return False
    return True


def _is_in(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of some networks; what is no network has none."""
    return any(
        (network := _network(text)) is not None and ip_address(address) in network
        for text in networks
    )


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


_OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "StringEquals": lambda value, wanted: value in wanted,
    "StringNotEquals": lambda value, wanted: value not in wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: (
        value.lower() in [w.lower() for w in wanted]
    ),
    "StringLike": lambda value, wanted: _any_matches(wanted, value),
    "StringNotLike": lambda value, wanted: not _any_matches(wanted, value),
    "Bool": lambda value, wanted: value.lower() in [w.lower() for w in wanted],
    "IpAddress": _is_in,
    "NotIpAddress": lambda value, wanted: not _is_in(value, wanted),
}


def _any_matches(patterns: Any, value: str, *, fold: bool = False) -> bool:
    if fold:
        return any(matches(p.lower(), value.lower()) for p in _texts(patterns))
    return any(matches(p, value) for p in _texts(patterns))


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [str(v) for v in values if isinstance(v, str | bool)]


def _listed(value: Any) -> Iterable[Mapping[str, Any]]:
    values = value if isinstance(value, list | tuple) else [value]
    return [v for v in values if isinstance(v, Mapping)]
