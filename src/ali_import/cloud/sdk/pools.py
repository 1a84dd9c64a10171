"""Connection pools that keep a bounded number of idle connections, over all hosts.

urllib3 bounds what it keeps for each host. A run talks to hundreds of hosts, since each
bucket is one of its own, and is done with most of them after a few calls: what counts is
the sum. The connections used last are kept; an older one is closed where it lies, and
is made anew if its host is called again.

This rests on two private methods of urllib3's pools, ``_get_conn`` and ``_put_conn``:
hence the range in pyproject.toml, and a test that counts connections.
"""

import threading
from typing import Any

from typing_extensions import override
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager


class Idle:
    """The idle connections of all pools, the one used last at the end.

    Attributes:
        lock: Held while a connection is taken or given back, so that none is closed
            that somebody is just taking.
    """

    def __init__(self, connections_max: int) -> None:
        self.lock = threading.Lock()
        self._max = connections_max
        self._connections: dict[Any, None] = {}

    def add(self, connection: Any) -> None:
        """Note one that was given back, and close the oldest if they are too many."""
        self._connections.pop(connection, None)
        self._connections[connection] = None
        while len(self._connections) > self._max:
            oldest = next(iter(self._connections))
            del self._connections[oldest]
            oldest.close()

    def remove(self, connection: Any) -> None:
        """Note that one was taken."""
        self._connections.pop(connection, None)


def keep_few(manager: PoolManager, idle: Idle) -> None:
    """Let the pools of ``manager`` keep no more connections than ``idle`` does."""

    class Https(HTTPSConnectionPool):
        @override
        def _get_conn(self, timeout: float | None = None) -> Any:
            with idle.lock:
                connection = super()._get_conn(timeout)
                idle.remove(connection)
                return connection

        @override
        def _put_conn(self, conn: Any) -> None:
            with idle.lock:
                super()._put_conn(conn)
                if conn is not None and not conn.is_closed:
                    idle.add(conn)

    # Plain HTTP is for the metadata service of this very machine.
    manager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": Https}
