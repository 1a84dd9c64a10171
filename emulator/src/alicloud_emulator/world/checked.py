"""Makes frozen values of a profile's tables, and refuses impossible ones by name."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from enum import Enum
from typing import Any, TypeVar, get_type_hints

Value = TypeVar("Value")

_GREATEST = 1e15
"""No profile needs more, and sums of them stay exact."""


class ProfileError(ValueError):
    """A profile cannot be read or says something impossible."""


def one_of(*choices: str) -> Any:
    """Return a dataclass field: a text, one of ``choices``, by default the first."""
    return field(default=choices[0], metadata={"choices": choices})


def probability() -> Any:
    """Return a dataclass field: a number from 0 to 1, by default 0."""
    return field(default=0.0, metadata={"most": 1.0})


def table_of(value: object, of: str) -> Mapping[str, Any]:
    """Return ``value``, which is a table; ``of`` names it in the ProfileError else."""
    if not isinstance(value, Mapping):
        raise ProfileError(f"{of} is a table of keys and values")
    return value


def list_of(value: object, of: str) -> list[Any]:
    """Return ``value``, which is a list; ``of`` names it in the ProfileError else."""
    if not isinstance(value, list):
        raise ProfileError(f"{of} is a list")
    return value


def checked(kind: type[Value], table: object, *, of: str, **more: Any) -> Value:
    """Return ``kind(**table, **more)`` if every value is of its field's kind.

    Numbers are finite and not negative; texts without a default are not empty. Fields of other types than bool, int, float,
    str and enumerations are left to ``kind``.

    Args:
        kind: A dataclass.
        table: What a profile says.
        of: The table's name, for errors.
        more: Values that come from elsewhere, unchecked.

    Raises:
        ProfileError: A key is unknown or missing, or its value impossible.
    """
    table = table_of(table, of)
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type] # a dataclass, see above
    hints = get_type_hints(kind)
    values = dict(more)
    for key, value in table.items():
        if key not in known:
            raise ProfileError(f"{of} has no key {key!r}; it has {', '.join(known)}")
        try:
            values.setdefault(key, _checked(value, hints[key], known[key]))
        except ProfileError as error:
            raise ProfileError(f"{of} {key} = {value!r}: {error}") from None
    for key, item in known.items():
        no_default = item.default is MISSING and item.default_factory is MISSING
        if no_default and key not in values:
            raise ProfileError(f"{of} has no {key!r}")
    return kind(**values)


def _checked(value: object, hint: Any, item: "Field[Any]") -> object:
    """Return a value as its field wants it; the ProfileError says what it must be."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        choices: tuple[str, ...] = tuple(str(each.value) for each in hint)
    else:
        choices = item.metadata.get("choices", ())
    if choices:
        if value not in choices:
            raise ProfileError(f"it is one of {', '.join(choices)}")
        return hint(value)
    if hint in {int, float}:
        most = item.metadata.get("most", _GREATEST)
        fits = {type(value)} <= ({int} if hint is int else {int, float})
        # A number that is not one is not from 0 to anything either.
        if not fits or not 0 <= float(str(value)) <= most:
            what = "a whole number" if hint is int else "a number"
            raise ProfileError(f"it is {what} from 0 to {most:g}")
    elif hint in {bool, str} and not isinstance(value, hint):
        raise ProfileError("it is true or false" if hint is bool else "it is a text")
    elif value == "" and item.default is MISSING:
        raise ProfileError("it is a text that is not empty")
    return value
