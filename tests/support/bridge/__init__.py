"""The bridge between the engine's processes and the emulator's world: no sockets, no threads.

A process makes its calls through the tool's own adapters, whose requests go through the
emulator's own front and products; only what is between the two is played.

| file | what it holds |
|---|---|
| cloud.py | ``WorldCloud``: a process: its adapters, latency, being killed |
| inline.py, clock.py | code that blocks in virtual time, and the SDKs' clock |
| fast.py, deep.py | the seam: below the adapters, or below the SDKs |
| door.py | ``Door``: the emulator's front and products, and who looks on |
| function.py | the machine that runs relay functions: their own code |
| login.py, network.py | credentials that expire; hosts that are away |
| lag.py | listings that show what there was some seconds ago |
| http.py, errors.py | requests, answers and losses, and how losses show |
"""

from tests.support.bridge.cloud import Killed, WorldCloud
from tests.support.bridge.door import Door, Watch
from tests.support.bridge.lag import Lag
from tests.support.bridge.login import AccountLogin, Login, RoleLogin
from tests.support.bridge.network import Network, Out, Outage

__all__ = [
    "AccountLogin",
    "Door",
    "Killed",
    "Lag",
    "Login",
    "Network",
    "Out",
    "Outage",
    "RoleLogin",
    "Watch",
    "WorldCloud",
]
