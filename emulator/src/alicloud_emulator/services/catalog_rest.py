"""What Function Compute and object storage take and refuse, as a page for people.

The tables come from the declarations that routing, reading and refusing go by.
"""

from collections.abc import Iterable, Iterator, Mapping

from alicloud_emulator.services import missing
from alicloud_emulator.services.declared import Field
from alicloud_emulator.services.fc_actions import ACTIONS as FC
from alicloud_emulator.services.fc_actions import COMMON_ERRORS as FC_ERRORS
from alicloud_emulator.services.fc_actions import VERSION as FC_VERSION
from alicloud_emulator.services.oss import declared as oss
from alicloud_emulator.services.oss.declared_buckets import BUCKETS, SERVICE
from alicloud_emulator.services.oss.declared_objects import OBJECTS
from alicloud_emulator.world.fc.refusals import REFUSALS as FC_REFUSALS
from alicloud_emulator.world.oss.refusals import REFUSALS as OSS_REFUSALS

_OSS_LEVELS = (
    ("the service", SERVICE, ()),
    ("buckets", BUCKETS, oss.BUCKET_ERRORS),
    ("objects", OBJECTS, (*oss.BUCKET_ERRORS, *oss.OBJECT_ERRORS)),
)


def lines() -> Iterator[str]:
    """Yield the page's lines in Markdown."""
    yield from _function_compute()
    yield from _object_storage()


def _function_compute() -> Iterator[str]:
    statuses = {code: str(status) for code, status in FC_REFUSALS.items()}
    yield from ("", f"## Function Compute {FC_VERSION}", "")
    yield f"Any action: {_codes(FC_ERRORS, statuses)}, and what is said of signatures."
    for action in FC:
        yield from ("", f"### {action.name}", "")
        yield f"`{action.method} /{FC_VERSION}/{action.path}`"
        yield ""
        yield from _fields(action.fields)
        if action.errors:
            yield ""
            yield f"Errors: {_codes(action.errors, statuses)}."
    yield from _missing("Function Compute", "PathNotSupported", missing.FC)


def _object_storage() -> Iterator[str]:
    statuses = {
        code: f"{refusal.status}, {refusal.ec}" if refusal.ec else str(refusal.status)
        for code, refusal in OSS_REFUSALS.items()
    }
    yield from ("", "## Object storage", "")
    yield f"Any operation: {_codes(oss.COMMON_ERRORS, statuses)}."
    yield ""
    yield from _fields(oss.COMMON_FIELDS)
    for name, operations, errors in _OSS_LEVELS:
        yield from ("", f"## Object storage: operations on {name}")
        if errors:
            yield ""
            yield f"Any of them: {_codes(errors, statuses)}."
        for operation, declared in operations.items():
            yield from ("", f"### {operation}", "")
            yield from _fields(declared.fields)
            if declared.errors:
                yield ""
                yield f"Errors: {_codes(declared.errors, statuses)}."
    yield from _missing("Object storage", "NotImplemented", missing.OSS)


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
