"""One execution of a command, which can be killed or interrupted."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from ali_import.errors import ConfigurationError
from ali_import.publish.model import Report
from ali_import.publish.run import Run
from tests.simulation.monitor import Eye
from tests.support.bridge import Killed, WorldCloud


class Process:
    """One execution of a command, which can be killed.

    Attributes:
        ended: Set when it is over, one way or the other.
    """

    def __init__(self, name: str, cloud: WorldCloud, eye: Eye) -> None:
        self.name = name
        self.cloud = cloud
        self.eye = eye
        self.ended = anyio.Event()
        self.report: Report | None = None
        self.refused: ConfigurationError | None = None
        self.run_id = ""
        self.run: Run | None = None
        self.interrupted_at: float | None = None
        self.ended_at = 0.0
        self._scope = anyio.CancelScope()

    async def execute(self, work: Callable[[], Awaitable[None]]) -> None:
        """Carry out the command, to its end or the process's."""
        try:
            with self._scope:
                await work()
        except* Killed:
            pass
        except* ConfigurationError as group:
            self.refused = _leaf(group)
        finally:
            self.ended_at = anyio.current_time()
            self.ended.set()

    def kill(self) -> None:
        """End it here and now."""
        self.cloud.kill()
        self._scope.cancel()
        self.ended.set()

    def interrupt(self) -> None:
        """Send it Ctrl-C."""
        assert self.run is not None
        self.interrupted_at = anyio.current_time()
        self.run.interrupt()


def _leaf(group: BaseExceptionGroup[ConfigurationError]) -> ConfigurationError:
    found: Any = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, ConfigurationError)
    return found
