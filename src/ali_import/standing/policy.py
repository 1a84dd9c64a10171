"""The least that a publication may be allowed to do, and who may do it.

Source: the tables of authorizations in the ECS, OSS and Function Compute references;
"RAM policy elements"; for trust, "Overview of OIDC-based SSO" of RAM.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from ali_import.errors import ConfigurationError
from ali_import.publish.lease import PREFIX
from ali_import.publish.model import Options
from ali_import.publish.naming import Image

_READ: Final = (
    *("ecs:DescribeRegions", "ecs:DescribeImages", "ecs:DescribeTasks"),
    *("ecs:DescribeTaskAttribute", "ecs:DescribeSnapshots"),
)
_WRITE: Final = (
    *("ecs:ImportImage", "ecs:CopyImage", "ecs:CancelCopyImage", "ecs:CancelTask"),
    *("ecs:ModifyImageAttribute", "ecs:ModifyImageSharePermission", "ecs:DeleteImage"),
    *("ecs:TagResources", "ecs:UntagResources", "ecs:DeleteSnapshot"),
)
_SHARED: Final = ("ecs:DescribeImageSharePermission",)
_SHOW: Final = "ecs:ModifyImageSharePermission"
_STORE: Final = (
    *("oss:PutBucket", "oss:GetBucketInfo", "oss:DeleteBucket", "oss:ListObjects"),
    *("oss:ListMultipartUploads", "oss:PutObject", "oss:GetObject"),
    *("oss:DeleteObject", "oss:AbortMultipartUpload", "oss:ListParts"),
)
_RELAY: Final = (
    *("fc:CreateFunction", "fc:GetFunction", "fc:InvokeFunction", "fc:DeleteFunction"),
)
_PASS: Final = ("ram:PassRole",)

AUDIENCE: Final = "sts.aliyuncs.com"
_FORGES: Final = {
    # kind: (issuer, provider, subject), by each forge's page on OIDC for clouds
    "github": ("https://token.actions.githubusercontent.com", "GitHub", "repo:{}:*"),
    "gitlab": ("https://gitlab.com", "GitLab", "project_path:{}:*"),
}
_PROJECT: Final = re.compile(r"[A-Za-z0-9._-]{1,100}(/[A-Za-z0-9._-]{1,100}){1,8}")


def least_policy(options: Options, images: Sequence[Image] = ()) -> dict[str, Any]:
    """Return the RAM policy that publishing, mending and cleaning up need.

    Args:
        options: How it is published.
        images: What, if single images are wanted otherwise.

    Where no region of mainland China is asked for, no function is made; where nothing is
    to be public or replaced, nothing is shown or hidden.
    """
    relays = not options.regions or any(r.startswith("cn-") for r in options.regions)
    wants = [image.over(options) for image in images] or [options]
    shares = any(want.share is not None for want in wants)
    shows = (
        options.overwrite or shares or any(want.public is not None for want in wants)
    )
    write = [action for action in _WRITE if shows or action != _SHOW]
    ours = [f"acs:oss:*:*:{PREFIX}*", f"acs:oss:*:*:{PREFIX}*/*"]
    statements = [
        _allow((*_READ, *(_SHARED if shares else ())), "*"),
        _allow(write, "*"),
        _allow(("oss:ListBuckets",), "acs:oss:*:*:*"),
        _allow(_STORE, ours),
    ]
    if relays:
        statements.append(_allow(_RELAY, f"acs:fc:*:*:functions/{PREFIX}*"))
    # Cleaning up looks for functions, wherever it is.
    statements.append(_allow(("fc:ListFunctions",), "acs:fc:*:*:functions/*"))
    if options.role:
        statements.append(_allow(_PASS, f"acs:ram:*:*:role/{options.role}"))
    return {"Version": "1", "Statement": statements}


def trust_policy(project: str, account_id: str) -> dict[str, Any]:
    """Return the trust policy of a role that a forge's jobs may take on by OIDC.

    Args:
        project: ``github:ORG/REPO`` or ``gitlab:GROUP/PROJECT``.
        account_id: The account with the role and the OIDC provider.

    Raises:
        ConfigurationError: It is neither.
    """
    kind, _, path = project.partition(":")
    if kind not in _FORGES or not _PROJECT.fullmatch(path):
        raise ConfigurationError(
            f"--trust {project!a}: is not a project",
            advice="write github:ORG/REPO or gitlab:GROUP/PROJECT",
        )
    issuer, provider, subject = _FORGES[kind]
    return {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {
                    "Federated": [f"acs:ram::{account_id}:oidc-provider/{provider}"]
                },
                "Condition": {
                    "StringEquals": {"oidc:iss": [issuer], "oidc:aud": [AUDIENCE]},
                    "StringLike": {"oidc:sub": [subject.format(path)]},
                },
            }
        ],
    }


def _allow(actions: Any, resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}
