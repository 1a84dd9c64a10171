"""What an action of Function Compute takes, as a table.

The RPC products have one kind of parameter; Function Compute spreads its over path, query,
headers and body.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Place(StrEnum):
    """Where in a request a field is."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    BODY = "body"


class Effect(StrEnum):
    """What a field does here.

    * ``enforced``: what Alibaba's reference says.
    * ``accepted``: it is taken, checked where the note says so, kept where it can be
      read back, and otherwise without effect.
    * ``refused``: the answer is NotImplemented.
    """

    ENFORCED = "enforced"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True)
class Field:
    """One field of a request.

    Attributes:
        name: As on the wire; headers in lower case, elements of bodies with their path
            (``Rule/Status``); a ``*`` at its end stands for any ending.
        required: Refused when it is absent.
        note: What the documentation says about it.
    """

    name: str
    place: Place
    effect: Effect = Effect.ENFORCED
    required: bool = False
    note: str = ""

    def is_named(self, name: str) -> bool:
        """Whether this is the field of that name."""
        if self.name.endswith("*"):
            return name.startswith(self.name[:-1])
        return name == self.name


def path(name: str) -> Field:
    """Return a part of the path."""
    return Field(name, Place.PATH, required=True)


def query(name: str, note: str = "") -> Field:
    """Return a query parameter that does what it should."""
    return Field(name, Place.QUERY, note=note)


def header(name: str, note: str = "") -> Field:
    """Return a header that does what it should."""
    return Field(name, Place.HEADER, note=note)


def body(name: str, note: str = "") -> Field:
    """Return a member or an element of the body that does what it should."""
    return Field(name, Place.BODY, note=note)


def required(field: Field) -> Field:
    """Return a field that must be there."""
    return replace(field, required=True)


def accepted(field: Field, note: str = "") -> Field:
    """Return a field that changes nothing."""
    return replace(field, effect=Effect.ACCEPTED, note=note or field.note)


def refused(field: Field, note: str = "") -> Field:
    """Return a field that is not implemented."""
    return replace(field, effect=Effect.REFUSED, note=note or field.note)


def find(fields: Iterable[Field], place: Place, name: str) -> Field | None:
    """Return the field of that name in that place, or None."""
    named = (one for one in fields if one.place is place and one.is_named(name))
    return next(named, None)
