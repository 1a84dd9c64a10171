"""System policies that are there in every account, as far as images need them.

The documents are the published ones where they were read (the import role's), and
otherwise what the policy's name says.
"""

from typing import Any


def _allow(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "1", "Statement": [statement]}


IMPORT_ROLE = "AliyunECSImageImportDefaultRole"
IMPORT_ROLE_POLICY = "AliyunECSImageImportRolePolicy"


def service_trust(service: str) -> dict[str, Any]:
    """Return the trust policy of a role for a service such as ``fc.aliyuncs.com``."""
    return {
        "Version": "1",
        "Statement": [
            {
                "Action": "sts:AssumeRole",
                "Effect": "Allow",
                "Principal": {"Service": [service]},
            }
        ],
    }


SYSTEM_POLICIES: dict[str, dict[str, Any]] = {
    "AdministratorAccess": _allow("*"),
    IMPORT_ROLE_POLICY: _allow(
        "oss:GetObject", "oss:GetBucketLocation", "oss:GetBucketInfo"
    ),
    "AliyunECSFullAccess": _allow("ecs:*"),
    "AliyunECSReadOnlyAccess": _allow("ecs:Describe*", "ecs:List*"),
    "AliyunOSSFullAccess": _allow("oss:*"),
    "AliyunOSSReadOnlyAccess": _allow("oss:Get*", "oss:List*"),
    "AliyunFCFullAccess": _allow("fc:*", "ram:PassRole"),
    "AliyunFCReadOnlyAccess": _allow("fc:Get*", "fc:List*", "fc:DescribeRegions"),
    "AliyunFCInvocationAccess": _allow("fc:InvokeFunction"),
    "AliyunFCDefaultRolePolicy": _allow("oss:*", "log:*", "vpc:*", "mns:*", "fc:*"),
    "AliyunRAMFullAccess": _allow("ram:*"),
    "AliyunRAMReadOnlyAccess": _allow("ram:Get*", "ram:List*"),
    "AliyunSTSAssumeRoleAccess": _allow("sts:AssumeRole"),
}
