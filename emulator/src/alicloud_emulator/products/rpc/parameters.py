"""RPC parameters: declared once, then parsed, checked and documented from that.

Lists are flat and count from 1 (``ResourceId.1``, ``Tag.1.Key``), structs have dots
(``Features.NvmeSupport``), and some newer calls carry lists as JSON text. Unknown
parameters are ignored, as in life.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from alicloud_emulator.world.errors import ServiceError

_ITEMS_MAX = 1000


class Kind(StrEnum):
    """What a parameter is, as ``api.json`` calls it.

    * ``JsonList``, ``JsonStructs``: a list as one JSON text, or flat as older clients
      send it.
    """

    STRING = "String"
    INTEGER = "Integer"
    BOOLEAN = "Boolean"
    STRUCT = "Struct"
    LIST = "List"
    STRUCTS = "Structs"
    JSON_LIST = "JsonList"
    JSON_STRUCTS = "JsonStructs"


class Effect(StrEnum):
    """What a parameter does here.

    * ``enforced``: as documented.
    * ``accepted``: parsed where it has a type, kept where it can be read back, and
      otherwise without effect.
    """

    ENFORCED = "enforced"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class Param:
    """One parameter of an action.

    Attributes:
        name: As on the wire.
        required: Refused with a missing-parameter error when absent or empty.
        members: Of a struct, or of each struct in a list.
        aliases: Other spellings that clients use.
        note: What docs/reference.md says about it.
    """

    name: str
    kind: Kind = Kind.STRING
    required: bool = False
    effect: Effect = Effect.ENFORCED
    members: "tuple[Param, ...]" = ()
    aliases: tuple[str, ...] = ()
    note: str = ""

    @cached_property
    def by_name(self) -> "Mapping[str, Param]":
        """Return the members by name."""
        return {member.name: member for member in self.members}

    @cached_property
    def always_checked(self) -> bool:
        """Whether there is something to check where nothing of its name was given.

        A struct that was not given may lack a member all the same.
        """
        return self.required or bool(self.aliases) or self.kind is Kind.STRUCT


class Arguments:
    """The parameters of one call, of an action that declares them.

    Values come by type; asking for a parameter that is not declared is a mistake of
    the program (KeyError), so that no parameter is used undeclared.
    """

    def __init__(self, params: Mapping[str, Param], flat: Mapping[str, str]) -> None:
        self._params = params
        self._flat = flat

    def has(self, name: str) -> bool:
        """Whether a parameter was given, empty or not."""
        return self._raw(self._params[name]) is not None

    def given(self, name: str) -> str:
        """Return a parameter as it was given, whether the action declares it or not."""
        return self._flat.get(name, "")

    def asked(self) -> Mapping[str, str]:
        """Return every parameter as it was given."""
        return dict(self._flat)

    def text(self, name: str) -> str:
        """Return a string; "" where it is not given."""
        return self._raw(self._params[name]) or ""

    def number(self, name: str, default: int = 0) -> int:
        """Return an integer, or ``default`` where it is not given."""
        value = self.number_or_none(name)
        return default if value is None else value

    def number_or_none(self, name: str) -> int | None:
        """Return an integer, or None where it is not given."""
        text = self.text(name).strip()
        if not text:
            return None
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
            raise _invalid(name)
        return int(text)

    def flag(self, name: str) -> bool:
        """Return a boolean; False where it is not given."""
        return self.flag_or_none(name) or False

    def flag_or_none(self, name: str) -> bool | None:
        """Return a boolean, or None where it is not given."""
        text = self.text(name).strip().lower()
        if text not in ("", "true", "false"):
            raise _invalid(name)
        return None if not text else text == "true"

    def texts(self, name: str) -> list[str]:
        """Return a list of strings, in the order of their numbers."""
        param = self._params[name]
        if param.kind is Kind.JSON_LIST and (text := self._raw(param)):
            values = _json_list(name, text)
            if not all(isinstance(value, str | int) for value in values):
                raise _invalid(name)
            return [str(value) for value in values]
        found = self._numbered(name)
        return [found[number][""] for number in sorted(found) if "" in found[number]]

    def struct(self, name: str) -> "Arguments":
        """Return a struct's members."""
        prefix = f"{name}."
        members = {
            key.removeprefix(prefix): value
            for key, value in self._flat.items()
            if key.startswith(prefix)
        }
        return Arguments(self._params[name].by_name, members)

    def structs(self, name: str) -> "list[Arguments]":
        """Return a list of structs, in the order of their numbers."""
        param = self._params[name]
        if param.kind is Kind.JSON_STRUCTS and (text := self._raw(param)):
            return [
                Arguments(param.by_name, _json_struct(name, row))
                for row in _json_list(name, text)
            ]
        found = self._numbered(name)
        return [Arguments(param.by_name, found[number]) for number in sorted(found)]

    def check(self) -> None:
        """Refuse what is missing or has the wrong type.

        Raises:
            ServiceError: ``MissingParameter`` (its first field names the parameter) or
                ``InvalidParameter`` (400).
        """
        named = {key.partition(".")[0] for key in self._flat}
        for name, param in self._params.items():
            if name not in named and not param.always_checked:
                continue  # most of them, in most calls
            given = self._given(param)
            if param.required and not given:
                raise missing(name)

    def _given(self, param: Param) -> bool:
        """Whether a parameter has a value; refuses one of the wrong type."""
        name = param.name
        match param.kind:
            case Kind.STRING:
                return bool(self.text(name))
            case Kind.INTEGER:
                return self.number_or_none(name) is not None
            case Kind.BOOLEAN:
                return self.flag_or_none(name) is not None
            case Kind.LIST | Kind.JSON_LIST:
                return bool(self.texts(name))
            case Kind.STRUCT | Kind.STRUCTS | Kind.JSON_STRUCTS:
                one = param.kind is Kind.STRUCT
                rows = [self.struct(name)] if one else self.structs(name)
                for row in rows:
                    row.check()
                return bool(rows)

    def _raw(self, param: Param) -> str | None:
        for name in (param.name, *param.aliases):
            if name in self._flat:
                return self._flat[name]
        return None

    def _numbered(self, name: str) -> dict[int, dict[str, str]]:
        """Return ``name.N`` and ``name.N.member`` as {N: {member or "": value}}."""
        prefix = f"{name}."
        found: dict[int, dict[str, str]] = {}
        for key, value in self._flat.items():
            if not key.startswith(prefix):
                continue
            number, _, member = key.removeprefix(prefix).partition(".")
            if number.isascii() and number.isdigit() and 1 <= len(number) <= 6:
                found.setdefault(int(number), {})[member] = value
        found.pop(0, None)  # lists count from 1
        if len(found) > _ITEMS_MAX:
            raise _invalid(name)
        return found


def tag_pairs(arguments: Arguments, name: str = "Tag") -> list[tuple[str, str]]:
    """Return tags as given to something."""
    return [(row.text("Key"), row.text("Value")) for row in arguments.structs(name)]


def tag_filters(
    arguments: Arguments, name: str = "Tag"
) -> list[tuple[str, str | None]]:
    """Return tags as asked for; a value that is not given matches any."""
    return [
        (row.text("Key"), row.text("Value") if row.has("Value") else None)
        for row in arguments.structs(name)
    ]


def missing(name: str) -> ServiceError:
    """Return the error of a parameter that was not given; products rename it."""
    return ServiceError(
        "MissingParameter",
        400,
        f'The input parameter "{name}" that is mandatory for processing this request '
        "is not supplied.",
        fields={"Parameter": name},
    )


def _invalid(name: str) -> ServiceError:
    return ServiceError(
        "InvalidParameter", 400, f"The specified parameter {name} is not valid."
    )


def _json_struct(name: str, row: object) -> dict[str, str]:
    if not isinstance(row, dict):
        raise _invalid(name)
    return {str(key): str(value) for key, value in row.items()}


def _json_list(name: str, text: str) -> Sequence[object]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid(name) from None
    if not isinstance(values, list) or len(values) > _ITEMS_MAX:
        raise _invalid(name)
    return values
