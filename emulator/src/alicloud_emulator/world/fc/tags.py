"""Tags of functions, found by resource name (ARN)."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.rules import check_tags, invalid
from alicloud_emulator.world.fc.values import Function

if TYPE_CHECKING:
    from alicloud_emulator.world.fc.service import Fc

RESOURCES_MAX = 50
"""Resources in one call."""


class Tags:
    """The tagging actions."""

    def __init__(self, fc: "Fc") -> None:
        self._fc = fc

    def tag(
        self, caller: Caller, region: str, arns: Iterable[str], tags: Mapping[str, str]
    ) -> None:
        """TagResources: put tags on every resource, or on none."""
        check_tags(tags)
        found = self._found(caller, "TagResources", region, arns)
        merged = [(function, {**function.tags, **tags}) for function in found]
        for _, after in merged:
            check_tags(after)
        for function, after in merged:
            function.tags = after

    def untag(
        self,
        caller: Caller,
        region: str,
        arns: Iterable[str],
        keys: Iterable[str],
        *,
        every: bool = False,
    ) -> None:
        """UntagResources: take these keys off, or all with ``every``."""
        gone = set(keys)
        if not gone and not every:
            raise invalid("TagKey is required unless All is true")
        for function in self._found(caller, "UntagResources", region, arns):
            function.tags = (
                {}
                if every and not gone
                else {k: v for k, v in function.tags.items() if k not in gone}
            )

    def list_tags(
        self,
        caller: Caller,
        region: str,
        *,
        arns: Iterable[str] = (),
        tags: Mapping[str, str | None] | None = None,
    ) -> list[tuple[Function, str, str]]:
        """ListTagResources: (function, key, value), in order.

        Args:
            caller: Who calls.
            region: Region id.
            arns: Resources asked for; none asks for every function.
            tags: Keys a function must have, with a value or None for any.
        """
        wanted = tags or {}
        return [
            (function, key, value)
            for function in self._asked_for(caller, region, arns)
            if all(_has(function, *pair) for pair in wanted.items())
            for key, value in sorted(function.tags.items())
        ]

    def _asked_for(
        self, caller: Caller, region: str, arns: Iterable[str]
    ) -> list[Function]:
        named = self._found(caller, "ListTagResources", region, arns, required=False)
        if named:
            return named
        self._fc.enter(caller, "ListTagResources", region, "*")
        mine = self._fc.functions_of(caller.account_id, region)
        return [mine[name] for name in sorted(mine)]

    def _found(
        self,
        caller: Caller,
        action: str,
        region: str,
        arns: Iterable[str],
        *,
        required: bool = True,
    ) -> list[Function]:
        names = list(dict.fromkeys(arns))
        if len(names) > RESOURCES_MAX or (required and not names):
            raise invalid(f"ResourceId must have 1 to {RESOURCES_MAX} items")
        return [self._by_arn(caller, action, region, arn) for arn in names]

    def _by_arn(self, caller: Caller, action: str, region: str, arn: str) -> Function:
        prefix = f"acs:fc:{region}:{caller.account_id}:functions/"
        if not arn.startswith(prefix):
            raise invalid(f"resource '{arn[:256]}' is not a function of this region")
        name = arn.removeprefix(prefix)
        self._fc.enter(caller, action, region, name)
        function = self._fc.functions_of(caller.account_id, region).get(name)
        if function is None:
            raise refusal("ResourceNotFound", f"resource '{arn[:256]}' does not exist")
        return function


def _has(function: Function, key: str, value: str | None) -> bool:
    return key in function.tags and value in {None, function.tags[key]}
