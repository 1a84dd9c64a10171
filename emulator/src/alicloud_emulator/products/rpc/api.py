"""A product of the RPC style, as it is seen on the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from typing import Any

from alicloud_emulator.products.rpc.action import Action
from alicloud_emulator.products.rpc.parameters import Effect, Kind, Param
from alicloud_emulator.world.facts import Facts

FORBIDDEN_RAM = (
    "Forbidden.RAM",
    (
        "User not authorized to operate on the specified resource, or this API doesn't "
        "support RAM."
    ),
)
"""How ECS and its neighbours refuse whom RAM does not let. Captured, 2017 to 2019."""


@dataclass(frozen=True, kw_only=True)
class Api:
    """One product's actions and its ways of saying no.

    Attributes:
        code: The product's name as its errors and the documentation spell it.
        actions: Those that are carried out here.
        package: The package whose ``api.json`` has every action that the product
            really has; "" where no metadata is published.
        facts: Error codes.
        unsigned: Real actions that nobody signs.
        forbidden: Code and message of a refusal by RAM; an empty message keeps RAM's.
        missing: Code for a missing parameter; ``{}`` stands for its name.
    """

    code: str
    version: str
    actions: tuple[Action, ...]
    package: str = ""
    facts: Facts
    unsigned: frozenset[str] = frozenset()
    forbidden: tuple[str, str] = ("NoPermission", "")
    missing: str = "MissingParameter"

    @cached_property
    def by_name(self) -> Mapping[str, Action]:
        """Return the actions that are carried out, by name."""
        return {action.name: action for action in self.actions}

    @cached_property
    def metadata(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the parameters of every real action, built here or not.

        Made by ``scripts/condense_api.py`` of Alibaba's own metadata.
        """
        if not self.package:
            return {}
        text = (files(self.package) / "api.json").read_text(encoding="utf-8")
        found: dict[str, dict[str, Any]] = json.loads(text)
        return found

    @cached_property
    def params(self) -> Mapping[str, Mapping[str, Param]]:
        """Return the parameters of each action that is carried out, by name."""
        return {one.name: self._params(one) for one in self.actions}

    def _params(self, action: Action) -> Mapping[str, Param]:
        known = {
            name: _param(name, meta)
            for name, meta in self.metadata.get(action.name, {}).items()
        }
        known |= {param.name: param for param in action.more}
        return {name: _said(param, name, action) for name, param in known.items()}


def _param(name: str, meta: Any) -> Param:
    kind, members = (meta, {}) if isinstance(meta, str) else meta
    return Param(
        name,
        Kind(kind.rstrip("!")),
        required=kind.endswith("!"),
        members=tuple(
            # Older clients send them in lower case, documented or not; an empty value
            # is one.
            replace(_param(member, value), required=False, aliases=(member.lower(),))
            if name == "Tag"
            else _param(member, value)
            for member, value in members.items()
            if not (name == "Tag" and member.islower())
        ),
    )


def _said(param: Param, path: str, action: Action, *, ignored: bool = False) -> Param:
    """Return a parameter with what the action says about it, and about its members."""
    ignored = ignored or path in action.accepted
    return replace(
        param,
        required=param.required or path in action.required,
        effect=Effect.ACCEPTED if ignored else param.effect,
        note=action.accepted.get(path, "") or action.notes.get(path, "") or param.note,
        members=tuple(
            _said(member, f"{path}.{member.name}", action, ignored=ignored)
            for member in param.members
        ),
    )
