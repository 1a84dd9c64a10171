"""What a run shows while it works: plain lines, the live display, and the choice."""

import io
import logging
import os
import pty
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, ConsoleDimensions

from ali_import.publish.model import (
    CallRetried,
    Event,
    Note,
    Phase,
    PhaseBegan,
    PlacementEnded,
    PlacementMoved,
    RegionsKnown,
    Route,
    Step,
)
from ali_import.redaction import Redactor
from ali_import.report import display
from ali_import.report.display import PROGRESS_EVERY_S, PlainDisplay
from ali_import.report.lines import Messages, described
from ali_import.report.live import LiveDisplay, wraps_anew
from ali_import.report.log import LogDisplay
from ali_import.report.tally import Tally
from ali_import.report.unanswered import Silence, Unanswered
from tests.unit.report import bad_day, samples

KNOWN = RegionsKnown(
    regions=("cn-hangzhou", "eu-central-1"), names=("n1", "n1-uefi-arm64")
)


def moved(
    region: str, step: Step, route: Route | None = None, progress: int = 0
) -> PlacementMoved:
    return PlacementMoved(
        region=region, name="n1", step=step, route=route, progress=progress
    )


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class TerminalText(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def messages(stream: io.StringIO) -> Messages:
    return Messages(stream, Redactor())


# --- the tally -----------------------------------------------------------------------


def test_the_tally_counts_placements_by_step() -> None:
    tally = Tally(Clock())
    tally.take(KNOWN)
    assert tally.total == 4
    assert tally.columns() == {"survey": 4}
    tally.take(moved("cn-hangzhou", Step.STAGE, Route.RELAY))
    tally.take(moved("eu-central-1", Step.IMPORT))
    tally.take(PlacementEnded(outcome=samples.PLACED))
    tally.take(PlacementEnded(outcome=samples.FAILED))
    assert tally.columns() == {"done": 1, "failed": 1, "import": 1, "survey": 1}
    assert tally.failures == [
        "failed eu-central-1 n1-uefi-arm64: import: NoSetRoletoECSServiceAcount"
    ]


def test_an_outcome_may_be_taken_back() -> None:
    tally = Tally(Clock())
    tally.take(KNOWN)
    tally.take(PlacementEnded(outcome=samples.PLACED))
    tally.take(moved("cn-hangzhou", Step.PUBLISH))
    assert tally.columns()["publish"] == 1
    tally.take(PlacementEnded(outcome=replace(samples.FAILED, region="cn-hangzhou")))
    assert tally.columns()["failed"] == 1
    assert "done" not in tally.columns()


def test_progress_only_grows_along_the_steps_and_ends_at_100() -> None:
    tally = Tally(Clock())
    tally.take(RegionsKnown(regions=("cn-hangzhou",), names=("n1",)))
    seen = [tally.percent]
    for step in Step:
        for progress in (0, 50, 100):
            tally.take(moved("cn-hangzhou", step, progress=progress))
            seen.append(tally.percent)
    # A copy comes instead of an import, so it begins where an import does.
    rising = [percent for percent in seen if percent]
    assert rising[-1] == 100
    assert seen[0] == 0
    assert max(seen) == 100
    assert all(0 <= percent <= 100 for percent in seen)


@pytest.mark.parametrize("progress", [-5, 200])
def test_a_nonsense_percentage_does_no_harm(progress: int) -> None:
    tally = Tally(Clock())
    tally.take(RegionsKnown(regions=("cn-hangzhou",), names=("n1",)))
    tally.take(moved("cn-hangzhou", Step.WAIT, progress=progress))
    assert 0 <= tally.percent <= 100


def test_an_image_made_elsewhere_to_be_copied_is_no_placement() -> None:
    tally = Tally(Clock())
    tally.take(KNOWN)
    tally.take(moved("us-west-1", Step.WAIT))
    assert tally.total == 4


def test_an_unknown_placement_is_counted_and_no_error() -> None:
    tally = Tally(Clock())
    assert tally.percent == 0
    tally.take(moved("cn-hangzhou", Step.WAIT))
    assert tally.total == 1


# --- plain lines ---------------------------------------------------------------------


def plain_lines(events: list[tuple[float, Event]]) -> list[str]:
    """Show events, each at its time in seconds, and return the lines."""
    stream, clock = io.StringIO(), Clock()
    with PlainDisplay(messages(stream), clock_s=clock) as shown:
        for at_s, event in events:
            clock.now_s = 100.0 + at_s
            shown.emit(event)
    return stream.getvalue().splitlines()


def test_phases_failures_and_warnings_are_plain_lines_at_once() -> None:
    assert plain_lines(
        [
            (0, PhaseBegan(phase=Phase.SURVEY)),
            (0, KNOWN),
            (1, Note(text="only for the curious")),
            (1, Note(text="the role is missing", region="us-east-1", level="WARNING")),
            (2, PlacementEnded(outcome=samples.PLACED)),
            (2, PlacementEnded(outcome=samples.SKIPPED)),
            (3, PhaseBegan(phase=Phase.PUBLISH, detail="1 of 4")),
            (4, PhaseBegan(phase=Phase.DONE)),
        ]
    ) == [
        "4 placements in 2 regions",
        "us-east-1: the role is missing",
        "skipped us-east-1 n1: survey: the run was stopped",
        "publishing: 1 of 4",
    ]


def test_progress_is_told_at_most_every_ten_seconds() -> None:
    events: list[tuple[float, Event]] = [(0, KNOWN)]
    for second in range(1, 61):
        step = Step.STAGE if second < 30 else Step.WAIT
        events.append((second, moved("cn-hangzhou", step, progress=second)))
    lines = plain_lines(events)[1:]
    assert len(lines) == 60 / PROGRESS_EVERY_S
    assert lines[0] == "0:10 0 of 4 done, 1 stage, 3 survey"
    assert lines[-1] == "1:00 0 of 4 done, 1 wait, 3 survey"
    named = plain_lines([(0, PhaseBegan(phase=Phase.PLACE)), *events])
    assert named[2] == (
        "0:10 0 of 4 done, 1 stage, 3 survey; waiting for eu-central-1 (survey), "
        "cn-hangzhou (survey)"
    )


def test_a_long_cleaning_up_tells_what_it_does_and_what_is_in_the_way() -> None:
    retried = CallRetried(
        operation="fc.DeleteFunction",
        region="us-east-1",
        code="Throttling",
        attempt=3,
        wait_s=4.0,
    )
    begun = PhaseBegan(phase=Phase.CLEAN_UP)
    told = PhaseBegan(phase=Phase.CLEAN_UP, detail="2 regions to go")
    note = Note(text="deleting the bucket", region="us-east-1")
    events: list[tuple[float, Event]] = [
        (0, KNOWN),
        (1, begun),
        (5, told),
        (6, retried),
        (12, note),
        (13, note),
        (23, told),
        (34, retried),
    ]
    assert plain_lines(events) == [
        "4 placements in 2 regions",
        "cleaning up",
        "0:12 cleaning up: us-east-1: deleting the bucket",
        "0:23 cleaning up: 2 regions to go",
        "0:34 cleaning up: us-east-1 fc.DeleteFunction: Throttling, attempt 3 failed, again in 4.0 s",
    ]
    tally = Tally(Clock())
    for _, event in events:
        tally.take(event)
    assert list(tally.recent) == [
        "2 regions to go",
        "us-east-1 fc.DeleteFunction: Throttling, trying again",
        "us-east-1: deleting the bucket",
    ]


def test_not_getting_through_to_the_cloud_is_told() -> None:
    retried = CallRetried(
        operation="sts.X", region="", code="ProxyFailure", attempt=3, wait_s=4.0
    )
    assert plain_lines(
        [(0, PhaseBegan(phase=Phase.SURVEY)), (5, retried), (11, retried)]
    ) == ["0:11 sts.X: ProxyFailure, attempt 3 failed, again in 4.0 s"]
    tally = Tally(Clock())
    tally.take(retried)
    assert list(tally.recent) == ["sts.X: ProxyFailure, trying again"]
    tally.take(KNOWN)
    tally.take(replace(retried, operation="ecs.Y"))
    assert len(tally.recent) == 1


def test_secrets_and_control_characters_do_not_get_into_plain_lines() -> None:
    hostile = "\x1b[31m see https://h/?Signature=SECRET0123456\nforged line"
    (line,) = plain_lines([(0, Note(text=hostile, level="ERROR"))])
    assert "SECRET0123456" not in line
    assert "\x1b" not in line


def test_a_reader_that_went_away_does_not_stop_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    closed = io.StringIO()
    closed.close()
    for stream in (Gone(), closed):
        with PlainDisplay(messages(stream), clock_s=Clock()) as shown:
            shown.emit(PhaseBegan(phase=Phase.SURVEY))
    Messages(None, Redactor()).line("nobody listens")


# --- the live display ----------------------------------------------------------------


class Screen:
    """A terminal that understands what a live display sends, to see what stays."""

    def __init__(
        self, *, width: int = 100, height: int = 30, colours: bool = False
    ) -> None:
        self.stream = TerminalText()
        self.console = Console(
            file=self.stream,
            force_terminal=True,
            width=width,
            height=height,
            color_system="standard" if colours else None,
            legacy_windows=False,
        )

    def resize(self, width: int, height: int) -> None:
        """Make the window another size; what it shows is wrapped anew."""
        self.console.size = ConsoleDimensions(width, height)
        self.stream.write(f"\x1b[{width}z")

    def rows(self) -> list[str]:
        """Play back everything written and return the rows with text."""
        rows, row, column = [""], 0, 0
        for part in re.findall(
            r"\x1b\[\??[0-9;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", self.stream.getvalue()
        ):
            if part == "\n":
                row, column = row + 1, 0
                rows += [""] * (row + 1 - len(rows))
            elif part == "\r":
                column = 0
            elif part == "\x1b[2K":
                rows[row] = ""
            elif part == "\x1b[1A":
                row -= 1
                assert row >= 0
            elif part.endswith("z"):
                rows, row = _wrapped_anew(rows[: row + 1], int(part[2:-1]))
                column = len(rows[row])
            elif part.startswith("\x1b"):
                assert part in {"\x1b[?25l", "\x1b[?25h"}, f"unknown sequence {part!r}"
            else:
                old = rows[row].ljust(column)
                rows[row] = old[:column] + part + old[column + len(part) :]
                column += len(part)
        return [text.rstrip() for text in rows if text.strip()]


def _wrapped_anew(rows: list[str], width: int) -> tuple[list[str], int]:
    """Wrap what is on a screen, whose cursor is at the end of its last row."""
    wrapped = [
        line[start : start + width]
        for line in rows
        for start in range(0, max(1, len(line)), width)
    ]
    return wrapped, len(wrapped) - 1


def live(screen: Screen, clock: Clock | None = None) -> LiveDisplay:
    return LiveDisplay(
        Messages(screen.stream, Redactor()),
        clock_s=clock or Clock(),
        console=screen.console,
        wraps=True,
    )


def test_the_live_display_shows_bar_counts_and_news() -> None:
    screen, clock = Screen(), Clock()
    with live(screen, clock) as shown:
        shown.emit(PhaseBegan(phase=Phase.PLACE))
        shown.emit(KNOWN)
        shown.emit(moved("cn-hangzhou", Step.WAIT, Route.RELAY, progress=50))
        shown.emit(PlacementEnded(outcome=samples.ADOPTED))
        shown.emit(PlacementEnded(outcome=samples.FAILED))
        shown.emit(
            CallRetried(
                operation="ecs.X", region="r", code="Throttling", attempt=1, wait_s=1.0
            )
        )
        clock.now_s += 65
        shown.refresh()
        rows = screen.rows()
    assert rows[0].endswith(" 1/4 placing  1:05  1 retry")
    assert rows[0].startswith("█")
    assert rows[1:] == [
        "1 wait, 1 survey, 1 failed",
        "waiting for cn-hangzhou (survey)",
        "cn-hangzhou ██░░░░░░ survey  0/2",
        "failed eu-central-1 n1-uefi-arm64: import: NoSetRoletoECSServiceAcount",
    ]
    assert "SECRET0123456" not in screen.stream.getvalue()


def many(shown: LiveDisplay, clock: Clock) -> None:
    """Show 32 regions on a bad day, and one that does not answer."""
    big = replace(samples.target().image, pack=samples.pack_of(1 << 30))
    shown.know(
        [replace(samples.target(), name=name, image=big) for name in bad_day.NAMES]
    )
    shown.watch(Silent())
    shown.emit(PhaseBegan(phase=Phase.PLACE))
    shown.emit(RegionsKnown(regions=bad_day.REGIONS, names=bad_day.NAMES))
    for number, region in enumerate(bad_day.REGIONS):
        clock.now_s += 1
        step = (Step.STAGE, Step.WAIT, Step.SURVEY)[number % 3]
        progress = 50 if step is not Step.SURVEY else 0
        route = Route.COPY if step is Step.WAIT else Route.DIRECT
        for name in bad_day.NAMES:
            event = moved(region, step, route, progress)
            shown.emit(replace(event, name=name))
        if number < 6:
            outcome = replace(samples.FAILED, region=region, name=bad_day.NAMES[0])
            shown.emit(PlacementEnded(outcome=outcome))
    shown.refresh()


class Silent(Unanswered):
    """Knows of one region that has not answered for 31 seconds."""

    def __init__(self) -> None:
        pass

    def silences(self, *, seconds_min: float) -> list[Silence]:
        assert seconds_min > 0
        region = bad_day.REGIONS[7]
        return [Silence(region=region, operation="ecs.ImportImage", seconds=31.4)]


def drawn(width: int, height: int) -> list[str]:
    screen, clock = Screen(width=width, height=height), Clock()
    with live(screen, clock) as shown:
        many(shown, clock)
        return screen.rows()


def test_a_wide_terminal_shows_two_columns_of_regions() -> None:
    rows = drawn(160, 50)
    assert "15.5 GiB of 31 GiB stored, 538.9 MiB/s, 0:29 left" in rows
    assert (
        "waiting for ap-southeast-8 (no answer for 31 s), cn-north-1 (survey), "
        "cn-north-4 (survey), 29 more"
    ) in rows
    pairs = [row for row in rows if row.count("░") > 2 and row.count("/3") == 2]
    assert len(pairs) > 5


def test_a_narrow_terminal_cuts_nothing() -> None:
    rows = drawn(40, 30)
    assert not [row for row in rows if "…" in row]
    assert "  ap-southeast-8 (no answer for 31 s)," in rows
    assert "ap-southeast-8 no answer for 31 s  0/3" in rows
    assert any(row.startswith("and ") for row in rows)


def test_failures_are_red_and_few() -> None:
    screen, clock = Screen(colours=True), Clock()
    with live(screen, clock) as shown:
        many(shown, clock)
    text = screen.stream.getvalue()
    assert "\x1b[31mfailed cn-north-1" not in text
    assert "\x1b[31m2 failed before\x1b[0m" in text
    assert "\x1b[31mfailed ap-southeast-6 ipxe-1.21: import" in text
    assert "\x1b[1;31m6 failed" in text


def test_there_is_no_colour_if_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen, clock = Screen(colours=True), Clock()
    with live(screen, clock) as shown:
        many(shown, clock)
    assert "\x1b[31m" not in screen.stream.getvalue()


def test_a_terminal_that_closes_does_not_stop_the_run() -> None:
    ours, terminal = pty.openpty()
    stream = os.fdopen(terminal, "w", encoding="utf-8")
    with LiveDisplay(Messages(stream, Redactor()), clock_s=Clock()) as shown:
        shown.emit(KNOWN)
        os.close(ours)
        shown.refresh()
        shown.emit(Note(text="a warning", level="WARNING"))
        shown.say("interrupted")
    with suppress(OSError):  # what could not be written
        stream.close()


def test_nothing_of_the_live_display_stays_but_warnings() -> None:
    screen = Screen()
    with live(screen) as shown:
        shown.emit(KNOWN)
        shown.refresh()
        shown.emit(Note(text="the role is [bold]missing[/bold]", level="WARNING"))
        shown.say("interrupted")
        shown.refresh()
    assert screen.rows() == ["the role is [bold]missing[/bold]", "interrupted"]
    assert screen.stream.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize("height", [1, 2, 3, 6, 50])
@pytest.mark.parametrize("width", [1, 10, 40, 200])
def test_the_live_display_fits_any_terminal(width: int, height: int) -> None:
    screen = Screen(width=width, height=height)
    with live(screen) as shown:
        shown.emit(KNOWN)
        for _ in range(5):
            shown.emit(PlacementEnded(outcome=samples.FAILED))
        shown.refresh()
        rows = screen.rows()
        assert len(rows) <= max(1, height - 1)
        assert all(len(row) <= width for row in rows)
    assert screen.rows() == []


def test_a_resized_terminal_gets_the_new_size() -> None:
    screen = Screen(width=200)
    with live(screen) as shown:
        shown.emit(KNOWN)
        shown.refresh()
        drawn = len(screen.stream.getvalue())
        screen.console.size = ConsoleDimensions(30, 5)
        shown.refresh()
        again = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", screen.stream.getvalue()[drawn:])
    rows = again.split("\n")
    assert any(row.strip() for row in rows)
    assert all(len(row.strip("\r")) <= 30 for row in rows)
    assert len(rows) <= 4


@pytest.mark.parametrize(
    "sizes", [[(80, 30)], [(40, 30)], [(100, 30), (41, 30), (160, 50)]]
)
def test_nothing_is_left_behind_when_the_window_changes(
    sizes: list[tuple[int, int]],
) -> None:
    screen, clock = Screen(width=160, height=50), Clock()
    with live(screen, clock) as shown:
        many(shown, clock)
        shown.say("a warning")
        for width, height in sizes:
            screen.resize(width, height)
            shown.refresh()
            rows = screen.rows()
            assert rows[0] == "a warning"
            assert sum("placing" in row for row in rows) == 1
            assert len(rows) <= height
        screen.resize(60, 30)
    assert screen.rows() == ["a warning"]


def test_a_terminal_that_cuts_loses_no_line_above() -> None:
    screen, clock = Screen(width=160, height=50), Clock()
    shown = LiveDisplay(
        messages(screen.stream), clock_s=clock, console=screen.console, wraps=False
    )
    with shown:
        many(shown, clock)
        shown.say("a warning")
        screen.console.size = ConsoleDimensions(40, 30)
        shown.refresh()
    assert screen.rows() == ["a warning"]


@pytest.mark.parametrize(
    ("environment", "wraps"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(379)"}, False),
        ({"TERM": "screen", "STY": "1.pts-0.host"}, False),
        ({"TERM": "screen", "TMUX": "/tmp/tmux"}, True),
        ({"TERM": "linux"}, False),
    ],
)
def test_which_terminals_wrap_anew(environment: dict[str, str], *, wraps: bool) -> None:
    assert wraps_anew(environment) is wraps


def test_it_names_what_it_asks_when_all_placements_are_settled() -> None:
    tally = Tally(Clock())
    tally.watch(Silent())
    tally.take(PhaseBegan(phase=Phase.CLEAN_UP))
    told = "ap-southeast-8 (ecs.ImportImage, no answer for 31 s)"
    assert tally.waiting_for(at_most=3) == [told]


def test_rich_is_not_loaded_unless_the_display_is_live() -> None:
    source = Path(display.__file__).parent
    users = [
        path.name for path in source.glob("*.py") if "\nfrom rich" in path.read_text()
    ]
    assert users == ["live.py"]


# --- the choice, and the words -------------------------------------------------------


def test_the_display_suits_the_place() -> None:
    terminal, pipe = messages(TerminalText()), messages(io.StringIO())

    def choice(where: Messages, verbosity: int, term: str) -> object:
        return type(
            display.choose(
                where,
                verbosity=verbosity,
                clock_s=Clock(),
                environment={"TERM": term},
            )
        )

    assert choice(terminal, 0, "xterm") is LiveDisplay
    assert choice(terminal, 0, "dumb") is PlainDisplay
    assert choice(terminal, 0, "") is PlainDisplay
    assert choice(pipe, 0, "xterm") is PlainDisplay
    assert choice(terminal, 1, "xterm") is LogDisplay
    assert choice(pipe, 2, "xterm") is LogDisplay


@pytest.mark.parametrize(
    ("event", "level", "text"),
    [
        (PhaseBegan(phase=Phase.CLEAN_UP), "INFO", "cleaning up"),
        (KNOWN, "INFO", "2 regions, 2 images: cn-hangzhou, eu-central-1"),
        (
            moved("eu-central-1", Step.STAGE, Route.DIRECT),
            "INFO",
            "eu-central-1 n1: stage (direct)",
        ),
        (
            moved("eu-central-1", Step.WAIT, progress=40),
            "DEBUG",
            "eu-central-1 n1: wait 40 %",
        ),
        (
            PlacementEnded(outcome=samples.PLACED),
            "INFO",
            "cn-hangzhou n1: placed m-placed (relay, 12.3 s)",
        ),
        (
            PlacementEnded(outcome=samples.UNCHANGED),
            "INFO",
            "cn-hangzhou n1-uefi-arm64: unchanged m-unchanged (0.0 s)",
        ),
        (
            CallRetried(
                operation="ecs.ImportImage",
                region="us-east-1",
                code="Throttling",
                attempt=2,
                wait_s=1.25,
            ),
            "INFO",
            "us-east-1 ecs.ImportImage: Throttling, attempt 2 failed, again in 1.2 s",
        ),
        (
            CallRetried(
                operation="ecs.DeleteSnapshot",
                region="us-east-1",
                code="SnapshotCreatedImage",
                attempt=2,
                wait_s=1.25,
                busy=True,
            ),
            "INFO",
            "us-east-1 ecs.DeleteSnapshot: SnapshotCreatedImage, in use, again in 1.2 s",
        ),
        (Note(text="odd", level="NONSENSE"), "INFO", "odd"),
    ],
)
def test_events_in_words(event: Event, level: str, text: str) -> None:
    assert described(event) == (logging.getLevelNamesMapping()[level], text)
