"""What a function's process is told so that it is led to the emulated cloud.

It is told, not held: a child process, UDP or ctypes go where they like.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class NetworkEnv:
    """How programs inside one region reach the emulated cloud.

    Attributes:
        env: Environment variables (proxies, CA bundles).
        node_preload: Script that Node.js loads first, or "".
        python_path: Folder whose ``sitecustomize`` Python loads first, or "".
    """

    env: Mapping[str, str] = field(default_factory=dict)
    node_preload: str = ""
    python_path: str = ""


Network = Callable[[str], NetworkEnv]
"""Says for a region id how its functions reach the cloud."""


def no_network(region: str) -> NetworkEnv:
    """Tell functions of any region of no network: a proxy where nobody listens."""
    del region
    nowhere = "http://127.0.0.1:9"  # the discard port
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return NetworkEnv(env={n: nowhere for name in names for n in (name, name.lower())})
