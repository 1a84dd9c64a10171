"""Function Compute's rules: functions, their states, tags and invocations.

| file | what it holds |
|---|---|
| values.py | a function, its settings, an invocation and its result |
| refusals.py | codes and their statuses |
| rules.py | what settings, names, code and tags must look like |
| roles.py | the role a function works under |
| service.py | where functions are kept, and who may do what with them |

No process runs here: ``begin_invocation`` says whether an invocation may run, when and
with which credentials; ``alicloud_emulator.functions`` runs it (the simulation does
what it wants instead).
"""

from alicloud_emulator.world.fc.service import Fc
from alicloud_emulator.world.fc.values import (
    Accepted,
    CodeSource,
    Function,
    Invocation,
    InvocationResult,
    Settings,
    State,
)

__all__ = [
    "Accepted",
    "CodeSource",
    "Fc",
    "Function",
    "Invocation",
    "InvocationResult",
    "Settings",
    "State",
]
