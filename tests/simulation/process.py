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
        stopped_at: When it was told to stop, by whom or what ever; None if never.
        spoiled: Regions that were excused then.
        found_hidden: Images that a run which was killed before had hidden.
        late: What was still there later than it may be.
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
        self.stopped_at: float | None = None
        self.on_stop: Callable[[], None] = _nothing
        self.ended_at = 0.0
        self.spoiled: set[str] = set()
        self.found_hidden: set[tuple[str, str]] = set()
        self.late: list[str] = []
        self._scope = anyio.CancelScope()
        self._caller = anyio.CancelScope()

    async def execute(self, work: Callable[[], Awaitable[None]]) -> None:
        """Carry out the command, to its end or the process's."""
        try:
            with self._scope, self._caller:
                await work()
        except* Killed:
            pass
        except* ConfigurationError as group:
            self.refused = _leaf(group)
        finally:
            self.eye.over = True
            self.ended_at = anyio.current_time()
            self.ended.set()

    def kill(self) -> None:
        """End it here and now."""
        self.eye.over = True
        self.cloud.kill()
        self._scope.cancel()
        self.ended.set()

    def interrupt(self) -> None:
        """Send it Ctrl-C."""
        assert self.run is not None
        self._stop()
        self.run.interrupt()

    def cancel(self) -> None:
        """Cancel the task that runs it, as its caller may."""
        self._stop()
        self._caller.cancel()

    def _stop(self) -> None:
        self.stopped_at = self.eye.stop.at = anyio.current_time()
        self.on_stop()


def _nothing() -> None:
    pass


def _leaf(group: BaseExceptionGroup[ConfigurationError]) -> ConfigurationError:
    found: Any = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, ConfigurationError)
    return found
