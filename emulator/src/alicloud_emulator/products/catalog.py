"""What the products take and refuse, as a page for people: the RPC products here.

The tables come from the declarations that the parser itself works by, so they cannot
say what is not so.
"""

from collections.abc import Iterable, Iterator

from alicloud_emulator.products import catalog_rest
from alicloud_emulator.products.ecs.service import ACTIONS as ECS
from alicloud_emulator.products.kms import ACTIONS as KMS
from alicloud_emulator.products.location import ACTIONS as LOCATION
from alicloud_emulator.products.ram.service import ACTIONS as RAM
from alicloud_emulator.products.rpc.parameters import Kind, Param
from alicloud_emulator.products.rpc.service import Action
from alicloud_emulator.products.sts import ACTIONS as STS
from alicloud_emulator.world.ecs.refusals import REFUSALS

PRODUCTS: tuple[tuple[str, str, tuple[Action, ...]], ...] = (
    ("ECS", "2014-05-26", ECS),
    ("RAM", "2015-05-01", RAM),
    ("STS", "2015-04-01", STS),
    ("KMS", "2016-01-20", KMS),
    ("Location", "2015-06-12", LOCATION),
)

INTRODUCTION = """\
# Actions, parameters and error codes

<!-- Made by scripts/make_docs.py from emulator/src/alicloud_emulator/products. -->

**Enforced** parameters do what Alibaba's reference says. **Accepted** ones are taken,
and their types checked, without effect. **Refused** ones are answered with
`NotImplemented`. Parameters that are not named here are ignored. Codes under **never**
are documented, but what they are about is not emulated.

Every action of ECS, RAM, STS and KMS can also answer `MissingParameter` (`Missing<Name>` in RAM and STS),
`InvalidParameter`, `InvalidRegionId.NotFound`, `Forbidden.RAM` (`NoPermission` in RAM and
STS), `Account.Arrearage`, `Throttling.User`, `ServiceUnavailable`, `InternalError`, and
what the gateway says of signatures, versions, unknown actions, and of a `RegionId` that
is not the host's (`InvalidOperation.NotSupportedEndpoint`). An action that these products
really have and that is not below answers `NotImplemented` (400), and a name that no action
has `InvalidAction.NotFound` (404).
"""


def page() -> str:
    """Return the page in Markdown."""
    lines = [INTRODUCTION.rstrip("\n")]
    for product, version, actions in PRODUCTS:
        lines += ["", f"## {product} {version}"]
        for action in actions:
            lines += ["", f"### {action.name}", "", *_action(action)]
    return "\n".join([*lines, *catalog_rest.lines()]) + "\n"


def _action(action: Action) -> Iterator[str]:
    if not action.signed:
        yield "Nobody signs it."
        yield ""
    if action.params:
        yield "| parameter | type | | note |"
        yield "|---|---|---|---|"
        for param in action.params:
            yield from _rows(param, "")
    else:
        yield "No parameters."
    if action.errors:
        yield ""
        yield f"Errors: {_codes(action.errors)}."
    if action.never:
        yield ""
        yield f"Never: {_codes(action.never)}."


def _rows(param: Param, prefix: str) -> Iterator[str]:
    name = f"{prefix}{param.name}"
    effect = "required, enforced" if param.required else param.effect.value
    kind = _KINDS[param.kind]
    if param.members:
        separator = "." if param.kind is Kind.STRUCT else ".N."
        for member in param.members:
            yield from _rows(member, f"{name}{separator}")
        return
    if param.kind is Kind.LIST:
        name += ".N"
    yield f"| `{name}` | {kind} | {effect} | {param.note} |"


_KINDS = {
    Kind.STRING: "text",
    Kind.INTEGER: "number",
    Kind.BOOLEAN: "true or false",
    Kind.STRUCT: "struct",
    Kind.LIST: "list",
    Kind.STRUCTS: "list of structs",
    Kind.JSON_LIST: "list, as JSON or flat",
    Kind.JSON_STRUCTS: "list of structs, as JSON or flat",
}


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(
        f"`{code}` ({REFUSALS[code][0]})" if code in REFUSALS else f"`{code}`"
        for code in sorted(codes)
    )
