"""Bucket policies: what a bucket's owner lets others do, account by account.

Source: https://www.alibabacloud.com/help/en/oss/user-guide/oss-bucket-policy/
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from alicloud_emulator.world import policy
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.oss.values import Bucket
from alicloud_emulator.world.policy import Decision
from alicloud_emulator.world.wildcard import matches

_EVERYBODY = "*"


def decide(
    bucket: Bucket,
    caller: Caller | None,
    *,
    action: str,
    resource: str,
    closed: bool,
    context: Mapping[str, str],
) -> Decision:
    """Return what the bucket's policy says about a call.

    Args:
        bucket: The bucket.
        caller: Who calls; None for an anonymous call.
        action: RAM action without ``oss:``.
        resource: A whole resource name, ``acs:oss:...``.
        closed: Public access is blocked: what is allowed to everybody is to nobody.
        context: Values of condition keys.
    """
    text = bucket.settings.get("policy")
    if not text:
        return Decision.IMPLICIT_DENY
    about_caller = [
        statement
        for statement in _statements(text)
        if _names(statement.get("Principal"), caller)
        and not (closed and _is_public(statement))
    ]
    return policy.decide(
        [{"Statement": about_caller}],
        action=f"oss:{action}",
        resource=resource,
        context=context,
    )


def is_public(text: str) -> bool:
    """Whether a policy ("" for none) allows anything to everybody."""
    return bool(text) and any(map(_is_public, _statements(text)))


@lru_cache(maxsize=256)
def _statements(text: str) -> list[dict[str, Any]]:
    """Return a policy's statements; what is none is passed over."""
    document = json.loads(text)
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not isinstance(statements, list):
        return []
    return [one for one in statements if isinstance(one, dict)]


def _is_public(statement: dict[str, Any]) -> bool:
    """Whether a statement allows what it says to the public, for all OSS can tell.

    Source: https://www.alibabacloud.com/help/en/oss/user-guide/block-public-access
    """
    principals = _principals(statement.get("Principal"))
    return (
        statement.get("Effect") == "Allow"
        and any("*" in one for one in principals)
        and not _is_fixed(statement.get("Condition"))
    )


def _is_fixed(condition: Any) -> bool:
    """Whether a condition leaves only certain networks or access keys."""
    operators = condition if isinstance(condition, dict) else {}
    return any(
        all(map(_FIXED[key], values))
        for operator, keys in operators.items()
        if operator in _LIMITING and isinstance(keys, dict)
        for key in _FIXED.keys() & keys.keys()
        if (values := _texts(keys[key]))
    )


def _is_narrow(network: str) -> bool:
    try:
        parsed = ip_network(network, strict=False)
    except ValueError:
        return False
    return parsed.prefixlen >= _PREFIX_BITS_MIN[parsed.version]


def _has_no_star(value: str) -> bool:
    return "*" not in value


_LIMITING = {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "IpAddress"}
_PREFIX_BITS_MIN = {4: 8, 6: 32}
_FIXED: dict[str, Callable[[str], bool]] = {
    "acs:SourceVpcId": _has_no_star,
    "acs:SourceVpc": _has_no_star,
    "acs:AccessId": _has_no_star,
    "acs:SourceVpcIp": _is_narrow,
    "acs:SourceIp": _is_narrow,
}


def _names(principal: Any, caller: Caller | None) -> bool:
    """Whether a statement is about the caller: by account, user or role session."""
    texts = _principals(principal)
    if _EVERYBODY in texts:
        return True
    if caller is None:
        return False
    # Policies spell role sessions arn:sts:..., which is acs:ram:... elsewhere.
    sts = caller.arn.replace("acs:ram:", "arn:sts:", 1)
    own = (caller.account_id, caller.principal_id, caller.arn, sts)
    return any(matches(text, name) for text in texts for name in own if name)


def _principals(principal: Any) -> list[str]:
    """Return whom a statement is about; none at all, or an empty list, is everybody.

    Source: https://www.alibabacloud.com/help/en/oss/user-guide/authorization-syntax-and-elements
    """
    return [_EVERYBODY] if principal in (None, []) else _texts(principal)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
