"""Condense Alibaba's API metadata to what the emulator ships of an RPC product.

The metadata is the public repository aliyun/aliyun-openapi-meta (Apache-2.0):

    python emulator/scripts/condense_api.py en-US ecs fc kms ram sts vpc

writes ``api.json`` into each product's package: every action there is, with its
parameters' kinds and which of them must be given (``!``), or, for a product of the REST
style, with its method and path. Nobody edits these files: what
the metadata leaves out stands beside the action that needs it. It has nothing of the
location service.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PRODUCTS = Path(__file__).parents[1] / "src" / "alicloud_emulator" / "products"

KINDS = {
    "Array": "List",
    "Boolean": "Boolean",
    "Double": "String",
    "Float": "String",
    "Integer": "Integer",
    "Json": "JsonList",
    "Long": "Integer",
    "RepeatList": "List",
    "String": "String",
    "Struct": "Struct",
}
WITH_MEMBERS = {"JsonList": "JsonStructs", "List": "Structs", "Struct": "Struct"}

Condensed = dict[str, Any]


def parameters(entries: Iterable[dict[str, Any]]) -> Condensed:
    """Return parameters by name: a kind, or a kind and the members."""
    found: Condensed = {}
    for entry in sorted(entries, key=lambda entry: entry["name"]):
        kind = KINDS[entry["type"]]
        must = "!" if entry.get("required") else ""
        members = parameters(entry.get("sub_parameters") or ())
        value: Any = kind + must
        if members:
            value = [WITH_MEMBERS[kind] + must, members]
        _put(found, re.split(r"\.(\d+\.)?", entry["name"])[::2], entry["name"], value)
    return found


def _put(found: Condensed, steps: list[str], name: str, value: object) -> None:
    """Put a parameter in; ``Filter.1.Key`` is a member of a list, ``Disk.Size`` of one."""
    first, *rest = steps
    if not rest:
        found[first] = value
        return
    kind = "Structs" if re.search(r"\.\d+\.", name) else "Struct"
    there = found.get(first)
    if not isinstance(there, list):
        there = found[first] = [kind, {}]
    _put(there[1], rest, name.split(".", 1)[1], value)


def product(folder: Path) -> str:
    """Return a product's file: an action a line."""
    version = json.loads((folder / "version.json").read_text(encoding="utf-8"))
    lines = []
    for name in sorted(version["apis"]):
        document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        known: object = parameters(document["parameters"])
        if version["style"] == "restful":
            path = re.sub(r"\[(\w+)\]", r"{\1}", document["pathPattern"])
            known = [document["method"], path]
        lines.append(f' "{name}": {json.dumps(known, separators=(",", ":"))}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write the files of the products that the command line names."""
    root = Path(sys.argv[1])
    for name in sys.argv[2:]:
        text = product(root / name)
        (PRODUCTS / name / "api.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
