"""The bridge between the engine and the emulator's world: no wire, no threads.

| file | what it holds |
|---|---|
| cloud.py | ``WorldCloud``: latency, faults, lost answers, killed processes |
| table.py | which function of the world answers which request |
| ecs.py, stores.py | those functions |
| function.py | the relay function, played |
| login.py, network.py | credentials that expire; hosts that are away |
"""

from tests.support.bridge.cloud import Killed, Watch, WorldCloud
from tests.support.bridge.login import AccountLogin, Login, RoleLogin
from tests.support.bridge.network import Network, Outage

__all__ = [
    "AccountLogin",
    "Killed",
    "Login",
    "Network",
    "Outage",
    "RoleLogin",
    "Watch",
    "WorldCloud",
]
