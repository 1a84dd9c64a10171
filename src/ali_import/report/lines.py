"""The lines that people and scripts read: results, failures, the summary, and their words.

Everything for people goes through ``Messages``: to standard error, redacted, and never a
reason to fail.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TextIO

from ali_import.publish.model import (
    CallRetried,
    Event,
    Note,
    Outcome,
    Phase,
    PhaseBegan,
    PlacementEnded,
    PlacementMoved,
    RegionsKnown,
    Report,
    Result,
    Route,
)
from ali_import.redaction import Redactor, one_line

# A placement that was there already, or never got as far, has no route.
NO_ROUTE: Final = "no route"

_RED: Final = "\x1b[31m"
_PLAIN: Final = "\x1b[0m"

PHASES: Final = {
    Phase.SURVEY: "surveying the regions",
    Phase.PLACE: "placing",
    Phase.PUBLISH: "publishing",
    Phase.CLEAN_UP: "cleaning up",
    Phase.DONE: "done",
}


class Messages:
    """Writes lines to a stream, or nowhere if there is none or nobody reads it.

    Args:
        stream: Where to.
        redactor: Takes secrets out.
        colours: Whether what is wrong may be red if the stream is a terminal.
    """

    def __init__(
        self, stream: TextIO | None, redactor: Redactor, *, colours: bool = False
    ) -> None:
        self.stream = stream
        self.redactor = redactor
        self._colours = colours

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees the lines as they come."""
        # A closed stream raises ValueError.
        with suppress(ValueError, OSError):
            return self.stream is not None and self.stream.isatty()
        return False

    def line(self, text: str) -> None:
        """Write one line now, whatever the text holds."""
        self._write(self.redactor.line(text))

    def lines(self, text: str) -> None:
        """Write a text of several lines, for example a traceback, now."""
        self._write(self.redactor.lines(text.rstrip("\n")))

    def table(self, text: str) -> None:
        """Write one line now whose spaces matter; the text must be ours."""
        self._write(text)

    def alarm(self, text: str) -> None:
        """Write one line as ``table`` does, in red where somebody sees it."""
        red = self._colours and self.is_terminal
        self._write(f"{_RED}{text}{_PLAIN}" if red else text)

    def _write(self, text: str) -> None:
        if self.stream is None:
            return
        # A reader that went away must not stop the work, least of all the cleaning up.
        with suppress(OSError, ValueError):
            self.stream.write(text + "\n")
            self.stream.flush()


# --- words ----------------------------------------------------------------------------


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return ``1 region``, ``2 regions``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def duration(seconds: float) -> str:
    """Return a length of time as people write it: ``4.2 s``, ``3:05``, ``1:02:03``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return clock(seconds)


def clock(seconds: float) -> str:
    """Return a length of time as a stop watch shows it: ``0:04``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(unix_s: float) -> str:
    """Return a Unix time in seconds as ISO 8601 in UTC; "" for 0 or nonsense."""
    if not unix_s:
        return ""
    try:
        return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return ""


def joined(*parts: str, separator: str = ": ") -> str:
    """Join the parts that are not empty."""
    return separator.join(part for part in parts if part)


# --- results and failures -------------------------------------------------------------


def result_lines(report: Report) -> Iterator[str]:
    """Yield ``REGION NAME (FAMILY) IMAGE_ID`` for every image that stands.

    The order is the report's: region by region, in each the images as they were given.
    An image that was there already has the same line as one just made, so that a second
    run prints what the first did; the summary and the JSON report tell them apart.
    """
    for outcome in report.outcomes:
        if stands(outcome):
            yield one_line(
                f"{outcome.region} {outcome.name} ({outcome.family}) {outcome.image_id}"
            )


def stands(outcome: Outcome) -> bool:
    """Whether the image is in the region, public and in its family as far as asked."""
    return outcome.result.good and outcome.published


def failure_line(outcome: Outcome) -> str:
    """Say what failed, where, why, and what to do about it.

    ``failed REGION NAME: STEP: CODE: MESSAGE (request id ID); ADVICE``, without what is
    not known. The text is the cloud's: it wants redaction before it is shown.
    """
    if outcome.result.good:
        what = f"incomplete {outcome.region} {outcome.name}: {outcome.step}"
        reason = f"{outcome.image_id} is there, but was not published"
    else:
        what = f"{outcome.result} {outcome.region} {outcome.name}: {outcome.step}"
        reason = "the run was stopped" if outcome.result is Result.SKIPPED else ""
    parts = (what, outcome.code, outcome.message or reason)
    line = ": ".join(part for part in parts if part)
    if outcome.request_id:
        line += f" (request id {outcome.request_id})"
    if outcome.advice:
        line += f"; {outcome.advice}"
    return line


def short_failure_line(outcome: Outcome) -> str:
    """Say what failed, where and why, for now: the last lines tell the rest."""
    how = "incomplete" if outcome.result.good else outcome.result
    line = f"{how} {outcome.region} {outcome.name}: {outcome.step}"
    return joined(line, outcome.code)


# --- events ---------------------------------------------------------------------------


def success_line(outcome: Outcome) -> str:
    """Say how an image came to stand: ``REGION NAME: placed IMAGE_ID (direct, 2.1 s)``."""
    how = ", ".join(
        part for part in (outcome.route or "", duration(outcome.seconds)) if part
    )
    return (
        f"{outcome.region} {outcome.name}: {outcome.result} {outcome.image_id} ({how})"
    )


def described(event: Event) -> tuple[int, str]:
    """Return an event's logging level and its text."""
    match event:
        case PhaseBegan():
            return logging.INFO, joined(PHASES[event.phase], event.detail)
        case RegionsKnown():
            regions = counted(len(event.regions), "region")
            images = counted(len(event.names), "image")
            return logging.INFO, f"{regions}, {images}: {', '.join(event.regions)}"
        case PlacementMoved():
            return _moved(event)
        case PlacementEnded(outcome=outcome):
            if outcome.result.good:
                return logging.INFO, success_line(outcome)
            return logging.WARNING, failure_line(outcome)
        case CallRetried():
            what = joined(event.region, event.operation, separator=" ")
            failed = "in use" if event.busy else f"attempt {event.attempt} failed"
            text = f"{what}: {event.code}, {failed}, again in {event.wait_s:.1f} s"
            return logging.INFO, text
        case Note():
            level = logging.getLevelNamesMapping().get(event.level, logging.INFO)
            return level, joined(event.region, event.text)


def _moved(event: PlacementMoved) -> tuple[int, str]:
    where = f"{event.region} {event.name}: {event.step}"
    if event.route:
        where += f" ({event.route})"
    if event.progress:
        return logging.DEBUG, f"{where} {event.progress} %"
    return logging.INFO, where


# --- the summary ----------------------------------------------------------------------


def tally_line(report: Report) -> str:
    """Count placements by result: ``64 placements in 32 regions: 60 placed, 4 failed``."""
    counts = Counter(outcome.result for outcome in report.outcomes)
    regions = {outcome.region for outcome in report.outcomes}
    told = (
        ", ".join(f"{counts[result]} {result}" for result in Result if counts[result])
        or "nothing to do"
    )
    ending = " (interrupted)" if report.interrupted else ""
    ending += " (out of time)" if report.timed_out else ""
    return (
        f"{counted(len(report.outcomes), 'placement')} in "
        f"{counted(len(regions), 'region')}: {told}{ending}"
    )


def summary_lines(report: Report) -> Iterator[str]:
    """Yield the counts by result and by route, the time and the calls it took."""
    yield tally_line(report)
    yield (
        f"{duration(report.seconds)}, {counted(report.calls, 'API call')}, "
        f"{counted(report.retries, 'retry', 'retries')}, run {report.run_id}"
    )
    if len(report.outcomes) > 1:
        there = {outcome.result for outcome in report.outcomes}
        results = [result for result in Result if result in there]
        yield from _by_route(report.outcomes, results)


def _by_route(outcomes: Sequence[Outcome], results: Sequence[Result]) -> Iterator[str]:
    rows = [("route", "regions", *results)]
    for route in (*Route, None):
        here = [outcome for outcome in outcomes if outcome.route is route]
        if here:
            counts = Counter(outcome.result for outcome in here)
            regions = len({outcome.region for outcome in here})
            cells = (str(counts[result]) for result in results)
            rows.append((route or NO_ROUTE, str(regions), *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (
            cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)
        )
        yield "  ".join((first.ljust(widths[0]), *cells))
