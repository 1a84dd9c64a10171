"""The live display on a terminal: a bar, counts by route and step, the latest news.

The only module that imports rich, and imported only when it is used.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import IO, Any, Final, Self, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from ali_import.publish.model import Event, Note
from ali_import.report.display import COLUMNS, FAILED, Tally
from ali_import.report.lines import (
    NO_ROUTE,
    PHASES,
    Messages,
    clock,
    counted,
    described,
)

REFRESH_PER_S: Final = 4.0
_BAR_WIDTH: Final = 24
_ROUTE_WIDTH: Final = 9
_NEWS_MAX: Final = 3
_STYLES: Final = {FAILED: "bold red", "done": "green"}


class _Terminal:
    """A terminal that may close: what is drawn then goes nowhere, and nothing fails."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class LiveDisplay:
    """Draws over itself while a run works, and leaves no trace when it ends.

    Args:
        messages: Where warnings go; its stream must be a terminal.
        clock_s: Any clock that only goes forward, in seconds.
        console: What to draw on; None for one on the stream of ``messages``.
    """

    def __init__(
        self,
        messages: Messages,
        *,
        clock_s: Callable[[], float],
        console: Console | None = None,
    ) -> None:
        self._redactor = messages.redactor
        file = cast("IO[str]", _Terminal(messages.stream))
        self._console = console or Console(file=file, soft_wrap=False)
        self._clock_s = clock_s
        self._began_s = clock_s()
        self._tally = Tally()
        self._lock = Lock()  # the refreshing thread reads what events change
        # The streams stay as they are: nothing but this display writes while it lives.
        self._live = Live(
            self,
            console=self._console,
            refresh_per_second=REFRESH_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Write one line that stays, above the moving part."""
        self._console.print(Text(self._redactor.line(text)), soft_wrap=True)

    def emit(self, event: Event) -> None:
        """Take an event; the next refresh shows it."""
        with self._lock:
            self._tally.take(event)
        level, text = described(event)
        if isinstance(event, Note) and level >= logging.WARNING:
            self.say(text)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Draw; one line less than the terminal has, or the cursor scrolls it."""
        with self._lock:
            lines = [self._headline(), *self._rows(), *self._news()]
        for line in lines[: max(1, options.size.height - 1)]:
            line.truncate(options.max_width, overflow="ellipsis")
            yield line

    def _headline(self) -> Text:
        tally = self._tally
        filled = round(_BAR_WIDTH * tally.percent / 100)
        columns = tally.columns()
        line = Text(no_wrap=True)
        line.append("█" * filled, "green").append("░" * (_BAR_WIDTH - filled), "dim")
        if tally.total:
            line.append(f" {columns['done']}/{tally.total}")
        line.append(f" {PHASES[tally.phase]}", "bold")
        line.append(f"  {clock(self._clock_s() - self._began_s)}")
        if tally.retries:
            line.append(f"  {counted(tally.retries, 'retry', 'retries')}", "dim")
        return line

    def _rows(self) -> list[Text]:
        rows = self._tally.by_route()
        if not rows:
            return []
        header = Text(" " * _ROUTE_WIDTH, style="dim", no_wrap=True)
        for column in COLUMNS:
            header.append(f"{column:>{_width(column)}}")
        lines = [header]
        for route, counts in rows.items():
            line = Text(f"{route or NO_ROUTE:<{_ROUTE_WIDTH}}", no_wrap=True)
            for column in COLUMNS:
                number = counts[column]
                cell = f"{number or '·':>{_width(column)}}"
                line.append(cell, _STYLES.get(column, "") if number else "dim")
            lines.append(line)
        return lines

    def _news(self) -> list[Text]:
        news = list(self._tally.recent)[-_NEWS_MAX:]
        return [
            Text(self._redactor.line(text), style="dim", no_wrap=True) for text in news
        ]


def _width(column: str) -> int:
    return len(column) + 2
