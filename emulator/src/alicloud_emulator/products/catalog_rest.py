"""What Function Compute and object storage take and refuse, as a page for people.

The tables come from the declarations that routing, reading and refusing go by.
"""

from collections.abc import Iterable, Iterator, Mapping

from alicloud_emulator.products.fc.action import COMMON_ERRORS as FC_ERRORS
from alicloud_emulator.products.fc.action import VERSION as FC_VERSION
from alicloud_emulator.products.fc.action import metadata
from alicloud_emulator.products.fc.declared import Field
from alicloud_emulator.products.fc.service import ACTIONS as FC
from alicloud_emulator.products.oss import catalog as oss
from alicloud_emulator.world.fc.refusals import FACTS


def lines() -> Iterator[str]:
    """Yield the page's lines in Markdown."""
    yield from _function_compute()
    yield from oss.lines()


def _function_compute() -> Iterator[str]:
    codes = FACTS.tables["codes"]
    statuses = {code: str(row["status"]) for code, row in codes.items()}
    yield from ("", f"## Function Compute {FC_VERSION}", "")
    yield f"Any action: {_codes(FC_ERRORS, statuses)}, and what is said of signatures."
    for action in FC:
        yield from ("", f"### {action.name}", "")
        yield f"`{action.method} /{FC_VERSION}/{action.path}`"
        yield ""
        yield from _fields(action.fields)
        if errors := FACTS.gives(action.name):
            yield ""
            yield f"Errors: {_codes(errors, statuses)}."
    names = sorted(metadata().keys() - {action.name for action in FC})
    yield from _missing("Function Compute", "NotImplemented", names)


def _fields(fields: Iterable[Field]) -> Iterator[str]:
    rows = [
        f"| `{one.name}` | {one.place} | "
        f"{'required, enforced' if one.required else one.effect} | {one.note} |"
        for one in fields
    ]
    if rows:
        yield "| parameter | in | | note |"
        yield "|---|---|---|---|"
        yield from rows
    else:
        yield "No parameters."


def _codes(codes: Iterable[str], statuses: Mapping[str, str]) -> str:
    return ", ".join(
        f"`{code}` ({statuses[code]})" if code in statuses else f"`{code}`"
        for code in sorted(set(codes))
    )


def _missing(product: str, code: str, names: Iterable[str]) -> Iterator[str]:
    yield from ("", f"## {product}: not there", "")
    yield f"Answered with `{code}`: {', '.join(names)}."
