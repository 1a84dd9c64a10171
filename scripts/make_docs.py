"""Writes the documents that are made from code; --check only says if they are stale.

docs/errors.md comes from the retry table, emulator/docs/actions.md from the emulator's
own declarations of its actions, the profile keys in emulator/docs/reference.md from its
classes.
"""

import dataclasses
import re
import sys
from pathlib import Path

from ali_import.cloud.retry_table import ROWS, Meaning
from alicloud_emulator.products.catalog import page as emulator_actions
from alicloud_emulator.world.profile import (
    Account,
    Durations,
    Habits,
    Limits,
    Principal,
    Region,
    Weather,
)

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "emulator" / "docs" / "reference.md"

INTRODUCTION = """\
# Errors

<!-- Made by scripts/make_docs.py from src/ali_import/cloud/retry_table.py. -->

A *placement* is one image in one region. Each one that fails while it is made is a line on
standard error: region, image, step, the cloud's error code and message, its request id, and
what to do. The last lines group all failures by cause, those at publishing and those for
which the time was not enough among them ([reports.md](reports.md)).

This page says how the tool handles each code. A code that is not listed is final if the
HTTP status is 4xx, and is retried if it is 5xx. A call without an answer is retried as
well: the connection was refused, dropped or timed out, name resolution failed, or the
answer was not the cloud's own (a page of a proxy or portal, anything without a request id).

Every call is safe to repeat: it only reads, or carries a ClientToken (by which the cloud
recognizes a repeated request), or has the same effect when done twice, or makes something
under a name that only this run uses.

| what the tool does | in the table |
|---|---|
"""

EXPLAINED = {
    Meaning.TRANSIENT: "retries after random waits that double, for up to 8 minutes",
    Meaning.THROTTLED: "holds back this action in this region, for up to 20 minutes",
    Meaning.BUSY: "retries at growing intervals, for up to 30 minutes",
    Meaning.DONE: "takes it for success: what was requested is already the case",
    Meaning.LOOK: "looks at what has the name; uses it if it has the right content",
    Meaning.SOURCE: "copies from another region that has the image, or waits",
    Meaning.ROUTE: "continues with the next of the routes direct (upload to the region), "
    "relay (through a function in the region) and copy (from another region)",
    Meaning.FINAL: "gives up this placement, and says what to do",
}


def errors() -> str:
    """Return the text of docs/errors.md."""
    lines = [INTRODUCTION.rstrip("\n")]
    lines += [f"| {text} | {meaning} |" for meaning, text in EXPLAINED.items()]
    for meaning in Meaning:
        lines += ["", f"## {str(meaning).capitalize()}", ""]
        lines += ["| code | calls | what to do |", "|---|---|---|"]
        for row in ROWS:
            if row.meaning is meaning:
                where = ", ".join(row.operations) or "all"
                lines.append(
                    f"| `{row.code}` | {where} | {row.advice.replace('{action}', 'the action')} |"
                )
    return "\n".join(lines) + "\n"


SECTIONS = {
    "[account]": Account,
    "[[account.users]], [[account.roles]]": Principal,
    "[regions.ID]": Region,
    "[durations]": Durations,
    "[limits]": Limits,
    "[habits]": Habits,
    "[weather]": Weather,
}
BEGIN = "<!-- profile keys: made by scripts/make_docs.py -->"
END = "<!-- end of profile keys -->"


def reference() -> str:
    """Return emulator/docs/reference.md with its tables of profile keys made anew."""
    text = REFERENCE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = ["| table | key | default | meaning |", "|---|---|---|---|"]
    for table, kind in SECTIONS.items():
        meanings = attributes(kind)
        lines += [
            f"| `{table}` | `{item.name}` | {default(item)} | "
            f"{meanings.get(item.name, '')} |"
            for item in dataclasses.fields(kind)
            if item.name not in {"users", "roles"}
            and (kind, item.name) != (Region, "id")
        ]
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}"


def attributes(kind: type) -> dict[str, str]:
    """Return what a class's docstring says of its attributes."""
    _, _, listed = (kind.__doc__ or "").partition("Attributes:\n")
    found = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", listed, re.MULTILINE)
    return {name: re.sub(r"``|\s+", _plain, text) for name, text in found}


def _plain(match: re.Match[str]) -> str:
    return "`" if match[0] == "``" else " "


def default(item: "dataclasses.Field[object]") -> str:
    """Return a field's default as TOML shows it."""
    if item.default is dataclasses.MISSING or item.default in {"", ()}:
        return ""
    if isinstance(item.default, bool):
        return f"`{str(item.default).lower()}`"
    return f"`{item.default}`"


PAGES = {
    ROOT / "docs" / "errors.md": errors,
    REFERENCE.with_name("actions.md"): emulator_actions,
    REFERENCE: reference,
}


def main() -> int:
    """Write the pages, or with --check return 1 if one is stale."""
    stale = 0
    for path, make in PAGES.items():
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv[1:]:
            print(f"{path.name} is stale: run `make docs`", file=sys.stderr)
            stale = 1
        else:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
