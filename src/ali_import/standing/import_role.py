"""The role with which ECS reads what it imports: is it there, and making it.

Source: "Import custom images" of ECS (2025-05): the role has this very name, trusts ECS,
and has the system policy. Packer waits a minute after making it, until ECS sees it.
"""

import json
from typing import Final

from ali_import.cloud.calls import (
    AttachPolicyToRole,
    CreateRole,
    GetRole,
    ListPoliciesForRole,
)
from ali_import.cloud.retry_table import action
from ali_import.cloud.steady import BRIEF, Steady
from ali_import.errors import CloudError
from ali_import.standing.finding import Finding, Grade, denied, told

ROLE: Final = "AliyunECSImageImportDefaultRole"
POLICY: Final = "AliyunECSImageImportRolePolicy"
SUBJECT: Final = "import role"
_SERVICE: Final = "ecs.aliyuncs.com"
_TRUST: Final = {
    "Version": "1",
    "Statement": [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": [_SERVICE]},
        }
    ],
}
_FIX: Final = "run `ali-import check --fix`, or authorize it in the ECS console, under Import Image"


async def look(cloud: Steady) -> Finding:
    """See that the role is there, trusts ECS and may read."""
    try:
        role = await cloud.call(GetRole(name=ROLE), BRIEF)
    except CloudError as error:
        return missing() if error.code == "EntityNotExist.Role" else _unseen(error)
    if _SERVICE not in role.trusted:
        return Finding(
            grade=Grade.FAIL,
            subject=SUBJECT,
            text=f"{ROLE} does not trust {_SERVICE}",
            advice="name that service in its trust policy, or delete the role and run "
            "`ali-import check --fix`",
        )
    try:
        policies = await cloud.call(ListPoliciesForRole(role=ROLE), BRIEF)
    except CloudError as error:
        return _unseen(error)
    if POLICY in policies:
        return Finding(grade=Grade.OK, subject=SUBJECT, text=ROLE)
    if policies:
        return Finding(
            grade=Grade.WARN,
            subject=SUBJECT,
            text=f"{ROLE} has other policies than {POLICY}",
            advice="make sure that they let ECS read objects (oss:GetObject)",
        )
    return Finding(
        grade=Grade.FAIL,
        subject=SUBJECT,
        text=f"{ROLE} has no policy, so ECS cannot read what it imports",
        advice=_FIX,
        fix=f"give {ROLE} the policy {POLICY}",
    )


def missing() -> Finding:
    """Return that there is no such role."""
    return Finding(
        grade=Grade.FAIL,
        subject=SUBJECT,
        text=f"there is no role {ROLE}",
        advice=_FIX,
        fix=f"create the role {ROLE} and give it the policy {POLICY}",
    )


async def mend(cloud: Steady) -> None:
    """Create the role where it is missing, and give it its policy; repeatable.

    Raises:
        CloudError: It was refused.
    """
    await cloud.call(
        CreateRole(
            name=ROLE,
            description="Lets ECS read the objects that it imports as images",
            trust=json.dumps(_TRUST),
        )
    )
    await cloud.call(AttachPolicyToRole(role=ROLE, policy=POLICY))


def _unseen(error: CloudError) -> Finding:
    advice = ""
    if denied(error):
        needed = action(error.operation)
        advice = f"checking it needs the permission {needed}, which a publication does not need"
    return Finding(
        grade=Grade.UNKNOWN, subject=SUBJECT, text=told(error), advice=advice
    )
