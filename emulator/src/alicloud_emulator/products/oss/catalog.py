"""What object storage takes and refuses, as a page for people: made from the record."""

from collections.abc import Iterable, Iterator

from alicloud_emulator.products.oss import missing
from alicloud_emulator.products.oss.operations import (
    ANY,
    BUCKET_CODES,
    COMMON_CODES,
    OBJECT_CODES,
    OPERATIONS,
    WITHOUT_EFFECT,
    Fate,
    Observed,
)
from alicloud_emulator.products.oss.routing import Level, actions_of
from alicloud_emulator.world.oss.refusals import OF_ACTIONS, REFUSALS
from alicloud_emulator.world.oss.settings import SETTINGS

_LEVELS = (
    (Level.SERVICE, "the service", ()),
    (Level.BUCKET, "buckets", BUCKET_CODES),
    (Level.OBJECT, "objects", (*BUCKET_CODES, *OBJECT_CODES)),
)
_INTRODUCTION = """\
What is **read** was seen to be read while the tests ran, and counts or is checked. What is
**kept** is given back as it came. What is **taken** is not read, and nothing could come of
it here. What is **refused** is not read though it should be, so the answer is
`NotImplemented`, before anything is done. Other names are ignored.
"""
# What cannot be seen by looking at what is read; by the name, wherever it is.
_NOTES = {
    "accept-encoding": "`gzip`: texts from 1 KB on",
    "bytes": "up to 5 GB",
    "content-md5": "compared with the bytes",
    "max-keys": "up to 1000, 100 where it is not given",
    "max-parts": "up to 1000, which is usual",
    "max-uploads": "up to 1000, which is usual",
    "Object/Key": "up to 1000",
    "partNumber": "1 to 10,000",
    "regions": "`oss-REGION`; all where it is empty",
    "sequential": "the object has an MD5 then",
    "tagging": '`"key":"value",...`, or keys with commas between',
    "x-oss-copy-source": "may end in `?versionId=`",
    "x-oss-meta-*": "told back; 8 KB together",
    "x-oss-server-side-encryption": "told back; nothing is encrypted",
    "x-oss-traffic-limit": "bits a second; bytes go that slowly",
}
_KEPT = {setting.action("Put"): setting.note for setting in SETTINGS.values()}
"""Whose whole body is kept and given back, besides what is read of it; and a note."""


def lines() -> Iterator[str]:
    """Yield the page's lines in Markdown."""
    yield from ("", "## Object storage", "", *_INTRODUCTION.splitlines(), "")
    yield f"Any operation: {_codes(COMMON_CODES)}."
    yield ""
    yield f"Any operation reads {', '.join(sorted({f'`{name}`' for _, name in ANY}))}."
    for level, name, codes in _LEVELS:
        yield from ("", f"## Object storage: operations on {name}")
        if codes:
            yield ""
            yield f"Any of them: {_codes(codes)}."
        for action in actions_of(level):
            yield from ("", f"### {action}", "")
            yield from _operation(action, OPERATIONS[action])
    yield from ("", "## Object storage: not there", "")
    yield f"Answered with `NotImplemented`: {', '.join(missing.OSS)}."


def _operation(action: str, observed: Observed) -> Iterator[str]:
    rows = [
        f"| `{name}` | {place} | {fate} | {_note(name, fate)} |"
        for place, names in observed.names.items()
        for name, fate in names.items()
    ]
    if action in _KEPT:
        rows.append(f"| `*` | body | kept | {_KEPT[action]} |")
    if rows:
        yield from ("| name | in | | note |", "|---|---|---|---|", *rows)
    else:
        yield "No parameters."
    if observed.codes:
        yield ""
        yield f"Errors: {_codes(observed.codes, action)}."


def _note(name: str, fate: Fate) -> str:
    notes = {Fate.READ: _NOTES, Fate.TAKEN: WITHOUT_EFFECT, Fate.REFUSED: {}}
    return notes[fate].get(name, "")


def _codes(codes: Iterable[str], action: str = "") -> str:
    return ", ".join(f"`{code}`{_status(code, action)}" for code in sorted(codes))


def _status(code: str, action: str) -> str:
    if code not in REFUSALS:
        return ""
    refusal = OF_ACTIONS.get((action, code), REFUSALS[code])
    return (
        f" ({refusal.status}, {refusal.ec})" if refusal.ec else f" ({refusal.status})"
    )
