"""What is in a cloud, what was asked of it, and faults, as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

Console = Callable[..., Any]
"""Makes a request to the console: method, path, document."""

KINDS = {
    # By its list in the state document: what one is called, its name, and its id.
    "images": ("image", "name", "image_id"),
    "snapshots": ("snapshot", "name", "snapshot_id"),
    "tasks": ("task", "task_id", "task_id"),
    "buckets": ("bucket", "name", "name"),
    "functions": ("function", "name", "name"),
    "vpcs": ("vpc", "name", "vpc_id"),
    "vswitches": ("vswitch", "name", "vswitch_id"),
    "security_groups": ("security_group", "name", "security_group_id"),
    "kms_keys": ("kms_key", "key_id", "key_id"),
    "roles": ("role", "name", "name"),
    "policies": ("policy", "name", "name"),
}


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One thing in the cloud.

    Attributes:
        kind: ``image``, ``snapshot``, ``task``, ``bucket``, ``function``, ``vpc``,
            ``vswitch``, ``security_group``, ``kms_key``, ``role`` or ``policy``.
        region: Where it is; "" for roles and policies.
        id: Its id, or its name where that is its own.
        facts: All that the state document says of it; docs/report.md has every field.
    """

    kind: str
    region: str
    name: str
    id: str
    facts: Mapping[str, Any] = field(repr=False)

    def __getitem__(self, fact: str) -> Any:
        """Return one of its facts, for example ``thing["status"]``."""
        return self.facts[fact]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call that a program made.

    Attributes:
        action: For example ``oss.PutObject``.
        status: HTTP status; 0 where there was no answer.
        code: Of the error, or "".
        faults: What struck it, for example ``("drop-after",)``.
        facts: All that the events say of it; docs/report.md has every field.
    """

    action: str
    region: str
    resource: str
    status: int
    code: str
    faults: tuple[str, ...]
    facts: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault rule in force; as a context manager, only for the length of the block."""

    id: int
    _console: Console = field(repr=False)

    @property
    def struck(self) -> int:
        """How many calls it has struck, also after its end.

        Raises:
            LookupError: A reset came between.
        """
        try:
            return int(self._console("GET", f"/faults/{self.id}")["struck"])
        except ValueError as error:
            raise LookupError(f"fault {self.id} is forgotten") from error

    def end(self) -> None:
        """Take it out of force; a reset may have done so before."""
        if any(r["id"] == self.id for r in self._console("GET", "/faults")["faults"]):
            self._console("DELETE", f"/faults/{self.id}")

    def __enter__(self) -> Self:
        """Do nothing: it is in force."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it out of force."""
        self.end()


def kind_of(name: str) -> str:
    """Return a kind, as things have it, by its name or by that of its list.

    Raises:
        ValueError: There is none of that name.
    """
    kinds = {"": "", **{within: kind for within, (kind, _, _) in KINDS.items()}}
    if name in kinds.values():
        return name
    if name not in kinds:
        known = ", ".join(sorted(filter(None, kinds.values())))
        raise ValueError(f"no kind {name!r}: the kinds are {known}")
    return kinds[name]


def things(state: Mapping[str, Any]) -> list[Thing]:
    """Return everything in a state document."""
    return [
        Thing(kind=kind, region=region, name=facts[name], id=facts[own], facts=facts)
        for region, lists in {**state["regions"], "": state["central"]}.items()
        for within, (kind, name, own) in KINDS.items()
        for facts in lists.get(within, ())
    ]


def call_of(event: Mapping[str, Any]) -> Call:
    """Return a call of the events."""
    outcome = event["outcome"]
    return Call(
        action=event["action"],
        region=event["region"],
        resource=event["resource"],
        status=int(outcome) if outcome.isdecimal() else 0,
        code=event["code"],
        faults=tuple(event["faults"]),
        facts=event,
    )
