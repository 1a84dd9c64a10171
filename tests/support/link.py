"""A slow line between a program and an emulator: what goes up takes its time."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Condition, Thread

BLOCK_BYTES = 16 * 1024


class Link:
    """A line that everything shares.

    Attributes:
        port: Where it begins, on this machine.
        sent_bytes: How much has gone up, whatever it was.
        goal_bytes: How much has to go up.
        goal_at: When it had, in Unix time; 0.0 before.
    """

    def __init__(self, far_port: int, bytes_per_s: float) -> None:
        self.sent_bytes = 0
        self.goal_bytes = 0
        self.goal_at = 0.0
        self._bytes_per_s = bytes_per_s
        self._far_port = far_port
        self._free_at = 0.0
        self._changed = Condition()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a program, so that it uses this line."""
        near, far = f"127.0.0.1:{self.port}", f"127.0.0.1:{self._far_port}"
        return {name: value.replace(far, near) for name, value in env.items()}

    def wait_for(self, sent_bytes: int, timeout_s: float) -> bool:
        """Wait until so much has gone up; False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self.sent_bytes >= sent_bytes, timeout_s
            )

    def serve(self) -> None:
        """Take connections until the line is closed."""
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._far_port))
            Thread(target=self._carry, args=(near, far, True), daemon=True).start()
            Thread(target=self._carry, args=(far, near, False), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _carry(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with suppress(OSError):
            while block := source.recv(BLOCK_BYTES):
                if up:
                    self._take_time(len(block))
                sink.sendall(block)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _take_time(self, size_bytes: int) -> None:
        """Wait for one's turn on the line."""
        with self._changed:
            now = time.time()
            self._free_at = max(self._free_at, now) + size_bytes / self._bytes_per_s
            wait_s = self._free_at - now
            self.sent_bytes += size_bytes
            if self.sent_bytes >= self.goal_bytes and not self.goal_at:
                self.goal_at = self._free_at
            self._changed.notify_all()
        time.sleep(wait_s)


@contextmanager
def slow_link(
    far_port: int, bytes_per_s: float, *, goal_bytes: int = 0
) -> Iterator[Link]:
    """Lay a line to a port of this machine, for the length of the block."""
    link = Link(far_port, bytes_per_s)
    link.goal_bytes = goal_bytes
    Thread(target=link.serve, daemon=True).start()
    try:
        yield link
    finally:
        link.close()
