"""The bridge between the engine and the emulator's world: no wire, no threads.

| file | what it holds |
|---|---|
| cloud.py | ``WorldCloud``: latency, faults, lost answers, killed processes |
| table.py | which function of the world answers which request |
| ecs.py, stores.py | those functions |
| function.py | the relay function, played |
| login.py, network.py | credentials that expire; hosts that are away |
| lag.py | listings that show what there was some seconds ago |
"""

from tests.support.bridge.cloud import Killed, Watch, WorldCloud
from tests.support.bridge.lag import Lag
from tests.support.bridge.login import AccountLogin, Login, RoleLogin
from tests.support.bridge.network import Network, Out, Outage

__all__ = [
    "AccountLogin",
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
