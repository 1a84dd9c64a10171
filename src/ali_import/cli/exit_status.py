"""Exit statuses of the command, and which one a report gets."""

from collections.abc import Set as AbstractSet
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `ali-import --help` needs the statuses, not the engine
    from ali_import import Report


class ExitStatus(IntEnum):
    """What the command's exit status says."""

    ALL_PLACED = 0
    USAGE = 2
    SOME_FAILED = 3
    ALL_FAILED = 4
    DIFFERS = 5
    INTERRUPTED = 130


def of_report(report: "Report", allow_failure: AbstractSet[str]) -> ExitStatus:
    """Return a run's exit status.

    A failure in a region of ``allow_failure`` counts as if nobody had asked for that
    region. An image that is there, but was not published (because --all-or-nothing
    forbade it, say), is a failure, but more than nothing.
    """
    from ali_import.report.lines import stands

    if report.interrupted:
        return ExitStatus.INTERRUPTED
    failed = [outcome for outcome in report.outcomes if not stands(outcome)]
    if report.outcomes and all(outcome.region in allow_failure for outcome in failed):
        return ExitStatus.ALL_PLACED
    if any(outcome.result.good for outcome in report.outcomes):
        return ExitStatus.SOME_FAILED
    return ExitStatus.ALL_FAILED
