"""The summary at the end of a run: a sentence and a small table, for standard error."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from ali_import.publish.model import Outcome, Report, Result, Route
from ali_import.report.words import counted, duration

# A placement that was there already, or never got as far, has no route.
NO_ROUTE: Final = "no route"


def summary_lines(report: Report) -> Iterator[str]:
    """Yield the counts by result and by route, the time and the calls it took."""
    counts = Counter(outcome.result for outcome in report.outcomes)
    results = [result for result in Result if counts[result]]
    regions = {outcome.region for outcome in report.outcomes}
    told = (
        ", ".join(f"{counts[result]} {result}" for result in results) or "nothing to do"
    )
    ending = " (interrupted)" if report.interrupted else ""
    ending += " (out of time)" if report.timed_out else ""
    yield (
        f"{counted(len(report.outcomes), 'placement')} in "
        f"{counted(len(regions), 'region')}: {told}{ending}"
    )
    yield (
        f"{duration(report.seconds)}, {counted(report.calls, 'API call')}, "
        f"{counted(report.retries, 'retry', 'retries')}, run {report.run_id}"
    )
    if len(report.outcomes) > 1:
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
