"""Condense an official SDK's models of answers to what the contract tests compare with.

For SDKs that the tests do not install; alibabacloud-vpc20160428 (Apache-2.0) is one:

    python emulator/scripts/condense_models.py alibabacloud_vpc20160428 CreateVpc ...

prints, for each action, the answer's fields by name: the type of a value, a list with
what it holds, or the fields within.
"""

import inspect
import json
import re
import sys
from importlib import import_module
from typing import Any


def fields(models: Any, name: str) -> dict[str, Any]:
    """Return a model's fields as they are on the wire."""
    kind = getattr(models, name)
    wire = re.findall(r"self\.(\w+) = .*m\.get\('(\w+)'\)", inspect.getsource(kind))
    parameters = inspect.signature(kind).parameters
    names = dict(wire)
    found = {}
    for one, parameter in parameters.items():
        key = names.get(one) or _listed(kind, one)
        found[key] = _type(models, str(parameter.annotation))
    return found


def _listed(kind: type, name: str) -> str:
    """Return the wire name of a list of structs, which is read in a loop."""
    pattern = rf"for k1 in m\.get\('(\w+)'\):\n[^\n]+\n\s+self\.{name}\.append"
    found = re.search(pattern, inspect.getsource(kind))
    if found is None:
        raise KeyError(name)
    return found[1]


def _type(models: Any, text: str) -> Any:
    if many := re.fullmatch(r"List\[(.+)\]", text):
        return [_type(models, many[1])]
    if text.startswith("main_models."):
        return fields(models, text.removeprefix("main_models."))
    return text


def main() -> None:
    """Print the fields of the actions that the command line names."""
    models = import_module(f"{sys.argv[1]}.models")
    actions = {name: fields(models, f"{name}ResponseBody") for name in sys.argv[2:]}
    print(json.dumps(actions, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
