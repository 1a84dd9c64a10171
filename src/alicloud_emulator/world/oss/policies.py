"""Bucket policies: what a bucket's owner lets others do, account by account.

Source: https://www.alibabacloud.com/help/en/oss/user-guide/oss-bucket-policy/
"""

import json
from functools import lru_cache
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
) -> Decision:
    """Return what the bucket's policy says about a call.

    Args:
        bucket: The bucket.
        caller: Who calls; None for an anonymous call.
        action: RAM action without ``oss:``.
        resource: A whole resource name, ``acs:oss:...``.
        closed: Public access is blocked: what is allowed to everybody is to nobody.
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
        [{"Statement": about_caller}], action=f"oss:{action}", resource=resource
    )


@lru_cache(maxsize=256)
def _statements(text: str) -> list[dict[str, Any]]:
    """Return a policy's statements; what is none is passed over."""
    document = json.loads(text)
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not isinstance(statements, list):
        return []
    return [one for one in statements if isinstance(one, dict)]


def _is_public(statement: dict[str, Any]) -> bool:
    principals = _texts(statement.get("Principal"))
    return statement.get("Effect") == "Allow" and _EVERYBODY in principals


def _names(principal: Any, caller: Caller | None) -> bool:
    """Whether a statement is about the caller: by account, user or role session."""
    texts = _texts(principal)
    if _EVERYBODY in texts:
        return True
    if caller is None:
        return False
    # Policies spell role sessions arn:sts:..., which is acs:ram:... elsewhere.
    sts = caller.arn.replace("acs:ram:", "arn:sts:", 1)
    own = (caller.account_id, caller.principal_id, caller.arn, sts)
    return any(matches(text, name) for text in texts for name in own if name)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
