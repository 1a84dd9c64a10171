"""What shows a run while it works, and which kind suits the place."""

from collections.abc import Callable, Mapping
from typing import Protocol, Self

from ali_import.publish.model import Event, Outcome
from ali_import.report.logs import LogDisplay
from ali_import.report.messages import Messages
from ali_import.report.plain import PlainDisplay

_NO_CURSOR = frozenset({"", "dumb", "unknown"})


class Display(Protocol):
    """Shows events; a context manager, so that a live one stops before results."""

    @property
    def shown(self) -> set[Outcome]:
        """The failures whose lines have been written for good."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def emit(self, event: Event) -> None:
        """Take an event."""
        ...

    def say(self, text: str) -> None:
        """Write one line now."""
        ...


def choose(
    messages: Messages,
    *,
    verbosity: int,
    clock_s: Callable[[], float],
    environment: Mapping[str, str],
) -> Display:
    """Choose: a log with -v, else live on a terminal, else a few plain lines."""
    if verbosity:
        return LogDisplay()
    if messages.is_terminal and environment.get("TERM", "") not in _NO_CURSOR:
        from ali_import.report.progress import LiveDisplay  # noqa: PLC0415  slow: rich

        return LiveDisplay(messages, clock_s=clock_s)
    return PlainDisplay(messages, clock_s=clock_s)
