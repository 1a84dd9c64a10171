"""What the products take and refuse, as a page for people: the RPC products here.

The tables come from the declarations that the parser itself works by, so they cannot
say what is not so.
"""

from collections.abc import Iterable, Iterator

from alicloud_emulator.products import PRODUCTS, catalog_rest
from alicloud_emulator.products.rpc.action import Action
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.products.rpc.parameters import Kind, Param

INTRODUCTION = """\
# Actions, parameters and error codes

<!-- Made by scripts/make_docs.py from emulator/src/alicloud_emulator/products. -->

**Enforced** parameters do what Alibaba's reference says. **Accepted** ones have no effect,
but their types are checked. **Refused** ones are answered with `NotImplemented`. Parameters
that are not listed here are ignored. Error codes under **Never** are documented by Alibaba,
but never given, since what they are about is not emulated.

Every action of ECS, VPC, RAM, STS and KMS can also answer `MissingParameter` (`Missing<Name>` in RAM and STS),
`InvalidParameter`, `InvalidRegionId.NotFound`, `Forbidden.RAM` (`NoPermission` in RAM and
STS), `Account.Arrearage`, `Throttling.User`, `ServiceUnavailable`, `InternalError`, and
the gateway's errors about signatures, versions, unknown actions, and a `RegionId` that is
not the host's (`InvalidOperation.NotSupportedEndpoint`). A real action of these products
that is not listed here answers `NotImplemented` (400), and a name that is not an action
answers `InvalidAction.NotFound` (404).
"""


NAMES = {"Ecs": "ECS", "Ram": "RAM", "Sts": "STS", "Kms": "KMS", "Vpc": "VPC"}
"""Codes that people write otherwise."""


def page() -> str:
    """Return the page in Markdown."""
    lines = [INTRODUCTION.rstrip("\n")]
    for api in (product.api for product in PRODUCTS if product.api):
        lines += ["", f"## {NAMES.get(api.code, api.code)} {api.version}"]
        for action in api.actions:
            lines += ["", f"### {action.name}", "", *_action(api, action)]
    return "\n".join([*lines, *catalog_rest.lines()]) + "\n"


def _action(api: Api, action: Action) -> Iterator[str]:
    if action.name in api.unsigned:
        yield "Nobody signs it."
        yield ""
    if params := api.params[action.name]:
        yield "| parameter | type | | note |"
        yield "|---|---|---|---|"
        for param in params.values():
            yield from _rows(param, "")
    else:
        yield "No parameters."
    for title, codes in (
        ("Errors", api.facts.gives(action.name)),
        ("Never", api.facts.never(action.name)),
    ):
        if codes:
            yield ""
            yield f"{title}: {_codes(api, codes)}."


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


def _codes(api: Api, codes: Iterable[str]) -> str:
    statuses = ((code, api.facts.status(code)) for code in sorted(codes))
    return ", ".join(
        f"`{code}` ({status})" if status else f"`{code}`" for code, status in statuses
    )
