"""What GitHub Actions shows beside a workflow: one annotation a cause.

The runner reads them from what a step writes to standard output or standard error, as
``::error title=TITLE::TEXT``; it shows ten of a kind a step.
https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Iterator, Mapping

from ali_import.report.ending import Ending, Kind, places, said
from ali_import.report.lines import counted, joined


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether a runner of GitHub Actions reads along."""
    return environment.get("GITHUB_ACTIONS", "") == "true"


def lines(end: Ending) -> Iterator[str]:
    """Yield an annotation a cause: an error, or a warning where failing is allowed."""
    for cause in end.causes:
        if end.report.interrupted and cause.kind is not Kind.FAILED:
            continue  # whoever stopped the run knows
        level = "warning" if cause.allowed else "error"
        title = f"{cause.title}, {counted(len(cause.outcomes), 'image')}"
        text = joined(places(cause, end), said(cause), cause.advice, separator="\n")
        yield f"::{level} title={_escaped(title, more=':,')}::{_escaped(text)}"


def _escaped(text: str, *, more: str = "") -> str:
    for character in ("%", "\r", "\n", *more):
        text = text.replace(character, f"%{ord(character):02X}")
    return text
