"""An action: one function on a call's parsed arguments, and what is said beside it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType

from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import Arguments, Param
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.world import World

CENTRAL_REGION = "cn-hangzhou"
"""Region that a central host means where a call names none."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of an action, parsed.

    Attributes:
        action: Its name.
        caller: Who signed it; nobody in particular for an unsigned action.
        host_region: The endpoint's region; "" for a central host.
        faults: Faults that the world must carry out.
    """

    action: str
    world: World
    caller: Caller
    arguments: Arguments
    host_region: str = ""
    faults: tuple[Fault, ...] = ()

    @property
    def region(self) -> str:
        """Return the region that the call is about: as named, else its host's."""
        named = self.arguments.given("RegionId")
        return named or self.host_region or CENTRAL_REGION

    def text(self, name: str) -> str:
        """Return a string parameter; "" where it is not given."""
        return self.arguments.text(name)


Run = Callable[[Call], Document]


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action; its parameters are those of the API metadata.

    Attributes:
        run: Carries it out: raises the product's errors, returns the answer's fields,
            RequestId aside.
        resource: Parameters that name what it is about, the first given counts.
        required: Parameters that must be given although the metadata does not say so.
        accepted: Parameters that change nothing, each with a note or "". A member of a
            struct is named with a dot.
        notes: What the documentation says about other parameters.
        more: Parameters that the metadata leaves out, or knows too little of.
        prepare: Awaited before ``run``, for what must not block everybody else.
    """

    name: str
    run: Run
    resource: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    more: tuple[Param, ...] = ()
    prepare: Callable[[Call], Awaitable[None]] | None = None


def action(
    name: str,
    *,
    resource: tuple[str, ...] = (),
    required: tuple[str, ...] = (),
    accepted: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
    more: tuple[Param, ...] = (),
    prepare: Callable[[Call], Awaitable[None]] | None = None,
) -> Callable[[Run], Action]:
    """Make an action of the function below; see ``Action``."""

    def make(run: Run) -> Action:
        return Action(
            name=name,
            run=run,
            resource=resource,
            required=required,
            accepted=accepted or {},
            notes=notes or {},
            more=more,
            prepare=prepare,
        )

    return make


def actions_of(*modules: ModuleType) -> tuple[Action, ...]:
    """Return the actions of some modules, in the order that they stand there."""
    return tuple(
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Action)
    )
