"""The result lines: what scripts read from standard output."""

from collections.abc import Iterator

from ali_import.publish.model import Report
from ali_import.redaction import one_line
from ali_import.report.failures import stands


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
