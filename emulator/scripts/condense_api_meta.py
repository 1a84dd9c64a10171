"""Condense Function Compute's metadata to what its contract tests compare with.

The metadata is the public repository aliyun/aliyun-openapi-meta (``en-US/fc``):

    python emulator/scripts/condense_api_meta.py DIRECTORY > emulator/tests/contract/api_meta.json

DIRECTORY holds one file an action. The RPC products' metadata: ``condense_api.py``.
"""

import json
import sys
from pathlib import Path
from typing import Any


def parameter(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's type, and what else the tests need of it."""
    found: dict[str, Any] = {"type": entry["type"]}
    if entry.get("required"):
        found["required"] = True
    if (place := entry.get("position", "Query")) != "Query":
        found["place"] = place
    if members := entry.get("sub_parameters"):
        found["members"] = sorted(member["name"] for member in members)
    return found


def action(path: Path) -> dict[str, Any]:
    """Return an action's parameters by name."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return {entry["name"]: parameter(entry) for entry in document["parameters"]}


def main() -> None:
    """Print the condensed metadata."""
    root = Path(sys.argv[1])
    actions = {path.stem: action(path) for path in sorted(root.glob("*.json"))}
    print(json.dumps(actions, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
