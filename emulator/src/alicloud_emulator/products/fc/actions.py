"""Function Compute's actions: their paths, what they take and the codes they give.

Routing and reading go by these tables (a parameter that is not here cannot be read),
and docs/actions.md is made of them.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from alicloud_emulator.products.fc.bodies import CODE_FIELDS, SETTINGS_FIELDS
from alicloud_emulator.services.declared import (
    Field,
    accepted,
    body,
    header,
    path,
    query,
    required,
)

VERSION = "2023-03-30"

COMMON_ERRORS = (
    "AccessDenied",
    "InternalServerError",
    "MissingRequiredHeader",
    "PathNotSupported",
    "ServiceNotEnabled",
    "ServiceUnavailable",
)
"""Codes that any action can give."""


@dataclass(frozen=True, kw_only=True)
class FcAction:
    """One action.

    Attributes:
        path: After the version, with fields in braces.
        errors: Codes that it gives besides the common ones.
    """

    name: str
    method: str
    path: str
    fields: tuple[Field, ...] = ()
    errors: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return what the action's paths match; groups are named as the fields."""
        steps = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path)
        return re.compile(f"/{VERSION}/{steps}")


_NAME = path("functionName")
_QUALIFIER = query("qualifier", "`LATEST`; there are no aliases and no versions")
_RESOURCE_TYPE = "always `function`"
_NOT_THERE = ("FunctionNotFound", "InvalidArgument")

ACTIONS = (
    FcAction(
        name="CreateFunction",
        method="POST",
        path="functions",
        fields=(
            required(body("functionName")),
            *(
                required(one) if one.name in ("runtime", "handler") else one
                for one in SETTINGS_FIELDS
            ),
            *CODE_FIELDS,
            body("tags"),
        ),
        errors=(
            "Account.Arrearage",
            "EntityTooLarge",
            "FunctionAlreadyExists",
            "InvalidArgument",
        ),
    ),
    FcAction(
        name="ListFunctions",
        method="GET",
        path="functions",
        fields=(
            query("prefix"),
            query("limit", "1 to 100, 20 where it is not given"),
            query("nextToken"),
            query("functionName"),
            query("description", "any part of it"),
            query("runtime"),
            query("gpuType", "as `gpuConfig.gpuType` says"),
            query("resourceGroupId"),
            query("tags", "JSON"),
            query("fcVersion", "`v2` finds nothing: there are only 3.0's functions"),
        ),
        errors=("InvalidArgument",),
    ),
    FcAction(
        name="GetFunction",
        method="GET",
        path="functions/{functionName}",
        fields=(_NAME, _QUALIFIER),
        errors=("AliasNotFound", "FunctionNotFound"),
    ),
    FcAction(
        name="UpdateFunction",
        method="PUT",
        path="functions/{functionName}",
        fields=(_NAME, *SETTINGS_FIELDS, *CODE_FIELDS),
        errors=("Account.Arrearage", "EntityTooLarge", *_NOT_THERE),
    ),
    FcAction(
        name="DeleteFunction",
        method="DELETE",
        path="functions/{functionName}",
        fields=(_NAME,),
        errors=("FunctionNotFound",),
    ),
    FcAction(
        name="InvokeFunction",
        method="POST",
        path="functions/{functionName}/invocations",
        fields=(
            _NAME,
            _QUALIFIER,
            header("x-fc-invocation-type", "`Sync` or `Async`"),
            header("x-fc-log-type", "`None` or `Tail`"),
            header("x-fc-async-task-id", "told back; GetAsyncTask is not there"),
            body("body", "any bytes: 32 MB, or 128 KB for `Async`"),
        ),
        errors=(
            "Account.Arrearage",
            "AliasNotFound",
            "EntityTooLarge",
            "FunctionNotStarted",
            "ResourceExhausted",
            "ResourceThrottled",
            *_NOT_THERE,
        ),
    ),
    FcAction(
        name="DescribeRegions",
        method="GET",
        path="regions",
        fields=(
            accepted(query("AcceptLanguage"), "names are English in any language"),
        ),
    ),
    FcAction(
        name="TagResources",
        method="POST",
        path="tags-v2",
        fields=(
            required(body("ResourceType", _RESOURCE_TYPE)),
            required(body("ResourceId", "up to 50 ARNs of functions")),
            required(body("Tag")),
        ),
        errors=("EntityTooLarge", "InvalidArgument", "ResourceNotFound"),
    ),
    FcAction(
        name="ListTagResources",
        method="GET",
        path="tags-v2",
        fields=(
            required(query("ResourceType", _RESOURCE_TYPE)),
            query("ResourceId", "JSON; every function where it is not given"),
            query("Tag", "JSON"),
            query("Limit", "1 to 200, 50 where it is not given"),
            query("NextToken"),
        ),
        errors=("InvalidArgument", "ResourceNotFound"),
    ),
    FcAction(
        name="UntagResources",
        method="DELETE",
        path="tags-v2",
        fields=(
            required(query("ResourceType", _RESOURCE_TYPE)),
            required(query("ResourceId", "JSON")),
            query("TagKey", "JSON"),
            query("All", "takes every tag off where there is no `TagKey`"),
        ),
        errors=("InvalidArgument", "ResourceNotFound"),
    ),
)


def route(method: str, full_path: str) -> tuple[FcAction, str] | None:
    """Return the action that serves a path, and the function's name or ""."""
    for action in ACTIONS:
        found = action.pattern.fullmatch(full_path)
        if found and method == action.method:
            return action, found.groupdict().get("functionName", "")
    return None
