"""Every call the engine makes, as a value, with its class of repetition beside it.

``REPEAT`` says why it is safe to send the request again when its reply was lost:

* ``READ``: it changes nothing.
* ``TOKEN``: it carries a ClientToken; the cloud answers a repeat with the first result.
* ``NATURAL``: doing it twice is doing it once (not found = already deleted, ...).
* ``UNIQUE_NAME``: it makes something under a name of ours alone; exists = ours.

Names are Alibaba's own. Source: the API reference of each action.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

R_co = TypeVar("R_co", covariant=True)


class Repeat(StrEnum):
    """Why a request may be sent again when its reply was lost."""

    READ = "read"
    TOKEN = "token"  # noqa: S105  a class of repetition, not a secret
    NATURAL = "naturally repeatable"
    UNIQUE_NAME = "unique name"


@dataclass(frozen=True, kw_only=True)
class Request(Generic[R_co]):
    """A call. ``region`` is "" for central services."""

    SERVICE: ClassVar[str]
    REPEAT: ClassVar[Repeat]
    region: str = ""

    @classmethod
    def operation(cls) -> str:
        """Return service and action, for example ``ecs.ImportImage``."""
        return f"{cls.SERVICE}.{cls.__name__}"
