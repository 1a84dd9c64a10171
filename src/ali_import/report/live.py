"""The live display on a terminal: how far it is, what it waits for, what has failed.

The only module that imports rich, and imported only when it is used.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from math import ceil
from textwrap import wrap
from threading import Event as Signal
from threading import Lock, Thread
from typing import IO, Any, Final, Self, TextIO, cast

from rich.console import Console, Group
from rich.text import Text

from ali_import.publish.model import Event, Note, Phase, Target
from ali_import.report.lines import (
    PHASES,
    Messages,
    clock,
    counted,
    described,
)
from ali_import.report.tally import FAILED, RegionState, Tally

REFRESH_S: Final = 0.25
_BAR_WIDTH_MAX: Final = 24
_WRAP_MIN: Final = 20
_SMALL_BAR_WIDTH: Final = 8
_COLUMN_WIDTH_MIN: Final = 48
_CELL_WIDTH_MAX: Final = 54
_COLUMNS_MAX: Final = 2
_NARROW: Final = 40  # the narrowest window that is reckoned with
_WAITING_TOLD_MAX: Final = 3
_FAILURES_MAX: Final = 4
_NEWS_MAX: Final = 2

_HIDE_CURSOR: Final = "\x1b[?25l"
_SHOW_CURSOR: Final = "\x1b[?25h"
_ERASE_ROW: Final = "\r\x1b[2K"
_ROW_ABOVE: Final = "\x1b[1A\x1b[2K"


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


def wraps_anew(environment: Mapping[str, str]) -> bool:
    """Whether the terminal wraps what it shows anew when its window gets narrower.

    Nearly all do today. xterm, GNU screen and the Linux console cut instead.
    """
    if environment.get("TERM", "").startswith("linux"):
        return False
    return not {"XTERM_VERSION", "STY"} & set(environment)


class LiveDisplay:
    """Draws over itself while a run works, and leaves no trace when it ends.

    Args:
        messages: Where warnings go; its stream must be a terminal.
        clock_s: Any clock that only goes forward, in seconds.
        console: What to draw on; None for one on the stream of ``messages``.
        wraps: Whether the terminal wraps what it shows anew; None if the environment
            tells.
    """

    def __init__(
        self,
        messages: Messages,
        *,
        clock_s: Callable[[], float],
        console: Console | None = None,
        wraps: bool | None = None,
    ) -> None:
        self._redactor = messages.redactor
        file = cast("IO[str]", _Terminal(messages.stream))
        self._console = console or Console(file=file)
        self._wraps = wraps_anew(os.environ) if wraps is None else wraps
        self._clock_s = clock_s
        self._began_s = clock_s()
        self._tally = Tally(clock_s)
        self._lock = Lock()  # the refreshing thread reads what events change
        self._drawn: list[Text] = []  # the lines on the screen
        self._over = Signal()
        self._over.set()
        self._thread = Thread(target=self._go_on, daemon=True)
        self.watch = self._tally.watch

    def __enter__(self) -> Self:
        self._over.clear()
        self._write(_HIDE_CURSOR)
        self.refresh()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        with self._lock:
            self._write(self._erasing() + _SHOW_CURSOR)

    def know(self, targets: Iterable[Target]) -> None:
        """Learn how many bytes each image has."""
        with self._lock:
            self._tally.know(targets)

    def say(self, text: str) -> None:
        """Write one line that stays, above the moving part."""
        with self._lock:
            line = self._rendered([Text(self._redactor.line(text))], soft_wrap=True)
            self._write(self._erasing() + line + "\n")
            self._draw()

    def emit(self, event: Event) -> None:
        """Take an event; the next refresh shows it."""
        with self._lock:
            self._tally.take(event)
        level, text = described(event)
        if isinstance(event, Note) and level >= logging.WARNING:
            self.say(text)

    def refresh(self) -> None:
        """Draw anew."""
        with self._lock:
            self._draw()

    def _go_on(self) -> None:
        while not self._over.wait(REFRESH_S):
            self.refresh()

    # --- drawing ----------------------------------------------------------------------

    def _draw(self) -> None:
        """Draw over what is there; a line less than the terminal has, or it scrolls."""
        if self._over.is_set():
            return
        width, height = self._console.size
        lines = self._lines(width, max(1, height - 1))
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        erasing = self._erasing()
        self._drawn = lines
        self._write(erasing + self._rendered(lines))

    def _erasing(self) -> str:
        """Return what takes away all that is drawn, and goes to where it began.

        In a window that got narrower since, a line may stand in several rows.
        """
        if not self._drawn:
            return ""
        width = max(1, self._console.size.width)
        rows = _rows(self._drawn, width) if self._wraps else len(self._drawn)
        self._drawn = []
        return _ERASE_ROW + _ROW_ABOVE * (rows - 1)

    def _rendered(self, lines: Sequence[Text], *, soft_wrap: bool = False) -> str:
        with self._console.capture() as captured:
            self._console.print(Group(*lines), soft_wrap=soft_wrap)
        return captured.get().removesuffix("\n")

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()

    # --- what is shown ----------------------------------------------------------------

    def _lines(self, width: int, height: int) -> list[Text]:
        waiting = self._tally.waiting_for(at_most=_WAITING_TOLD_MAX)
        top = [
            self._headline(width),
            *_flowing("", self._counts(), width),
            *_flowing("", map(Text, self._tally.moving()), width),
            *_flowing("waiting for ", map(Text, waiting), width),
        ]
        bottom = [*self._failures(width), *self._news()]
        placing = self._tally.phase is Phase.PLACE
        states = self._tally.unfinished() if placing else []
        grid = _grid(states, width, height - _rows([*top, *bottom], _NARROW))
        return [*top, *grid, *bottom][:height]

    def _headline(self, width: int) -> Text:
        tally = self._tally
        size = min(_BAR_WIDTH_MAX, width // 4)
        line = _bar(tally.percent, size)
        if tally.total:
            line.append(f" {tally.columns()['done']}/{tally.total}")
        line.append(f" {PHASES[tally.phase]}", "bold")
        line.append(f"  {clock(self._clock_s() - self._began_s)}")
        if tally.retries:
            line.append(f"  {counted(tally.retries, 'retry', 'retries')}", "dim")
        return line

    def _counts(self) -> list[Text]:
        return [
            Text(f"{number} {column}", "bold red" if column == FAILED else "")
            for column, number in self._tally.columns().items()
            if column != "done"
        ]

    def _failures(self, width: int) -> list[Text]:
        told = self._tally.failures
        before = len(told) - _FAILURES_MAX
        lines = [f"{before} failed before"] if before > 0 else []
        for text in told[-_FAILURES_MAX:]:
            line = self._redactor.line(text)
            lines += wrap(line, max(width, _WRAP_MIN), subsequent_indent="  ")
        return [Text(line, "red") for line in lines]

    def _news(self) -> list[Text]:
        news = list(self._tally.recent)[-_NEWS_MAX:]
        return [Text(self._redactor.line(text), "dim") for text in news]


def _bar(percent: float, width: int) -> Text:
    filled = round(width * percent / 100)
    return Text("█" * filled, "green").append("░" * (width - filled), "dim")


def _flowing(label: str, parts: Iterable[Text], width: int) -> list[Text]:
    """Lay parts out in lines, with commas, none of them cut if it fits a line."""
    lines: list[Text] = []
    for part in parts:
        if not lines:
            lines.append(Text(label))
            if lines[-1].cell_len + part.cell_len >= width and label:
                lines.append(Text("  "))
            lines[-1].append_text(part)
        elif lines[-1].cell_len + part.cell_len + 3 <= width:
            lines[-1].append(", ").append_text(part)
        else:
            lines[-1].append(",")
            lines.append(Text("  ").append_text(part))
    return lines


def _rows(lines: Iterable[Text], width: int) -> int:
    """Return how many rows lines take in a window of that width."""
    return sum(max(1, ceil(line.cell_len / width)) for line in lines)


def _grid(states: Sequence[RegionState], width: int, height: int) -> list[Text]:
    """Show regions in as many columns as fit, and how many more there are.

    What has left the window at its top cannot be taken away any more, so there are no
    more than would still be in it if it became narrow.
    """
    columns = min(_COLUMNS_MAX, max(1, width // _COLUMN_WIDTH_MIN))
    cell = min(width // columns, _CELL_WIDTH_MAX)
    height //= ceil(columns * cell / _NARROW)
    if height < 1 or not states:
        return []
    room = height * columns
    more = 0
    if len(states) > room:
        room -= columns  # the last row tells it
        more = len(states) - room
        states = states[:room]
    rows = ceil(len(states) / columns)
    name = max(len(state.region) for state in states)
    lines = []
    for row in range(rows):
        line = Text()
        for column, state in enumerate(states[row::rows]):
            line.pad_right(max(0, column * cell - line.cell_len))
            line.append_text(_cell(state, name, cell))
        lines.append(line)
    if more:
        lines.append(Text(f"and {counted(more, 'more region')}", "dim"))
    return lines


def _cell(state: RegionState, name: int, width: int) -> Text:
    cell = Text(f"{state.region:<{name}} ")
    if width >= _COLUMN_WIDTH_MIN:
        cell.append_text(_bar(state.percent, _SMALL_BAR_WIDTH)).append(" ")
    cell.append(state.doing)
    done = f"  {state.done}/{state.total}"
    if state.total > 1 and cell.cell_len + len(done) < width:
        cell.append(done, "dim")
    cell.truncate(width - 1, overflow="ellipsis")
    return cell
