"""Which exit status a run gets."""

import pytest

from ali_import.cli.complaints import complain
from ali_import.cli.exit_status import ExitStatus, of_report
from ali_import.publish.model import Outcome, Report, Result
from ali_import.redaction import Redactor
from ali_import.report.lines import Messages

GOOD = [Result.PLACED, Result.ADOPTED, Result.UNCHANGED]


def outcome(region: str, result: Result, *, published: bool | None = None) -> Outcome:
    return Outcome(
        region=region,
        name="n1",
        family="f1",
        result=result,
        published=result.good if published is None else published,
    )


def report(*outcomes: Outcome, interrupted: bool = False) -> Report:
    return Report(run_id="0123abcd", outcomes=outcomes, interrupted=interrupted)


FAILED = outcome("cn-hangzhou", Result.FAILED)
SKIPPED = outcome("cn-beijing", Result.SKIPPED)
HELD_BACK = outcome("cn-beijing", Result.PLACED, published=False)
PLACED = outcome("us-east-1", Result.PLACED)


@pytest.mark.parametrize(
    ("outcomes", "allowed", "status"),
    [
        ([outcome("r", result) for result in GOOD], "", 0),
        ([PLACED, FAILED], "", 3),
        ([PLACED, SKIPPED], "", 3),
        ([PLACED, HELD_BACK], "", 3),
        ([HELD_BACK, FAILED], "", 3),
        ([FAILED, SKIPPED], "", 4),
        ([FAILED], "", 4),
        ([], "", 4),
        ([PLACED, FAILED], "cn-hangzhou", 0),
        ([PLACED, FAILED, SKIPPED], "cn-hangzhou", 3),
        ([FAILED], "cn-hangzhou", 0),
        ([FAILED, SKIPPED], "cn-hangzhou", 4),
        ([PLACED, FAILED], "us-east-1", 3),
    ],
)
def test_a_report_has_one_exit_status(
    outcomes: list[Outcome], allowed: str, status: int
) -> None:
    assert of_report(report(*outcomes), {allowed}) == status


def test_an_interrupted_run_says_so_however_it_ended() -> None:
    for outcomes in ([PLACED], [FAILED], []):
        assert of_report(report(*outcomes, interrupted=True), set()) == 130


def test_statuses_are_distinct_and_as_documented() -> None:
    assert sorted(ExitStatus) == [0, 2, 3, 4, 5, 130]


def test_complaining_needs_no_listener() -> None:
    nobody = Messages(None, Redactor())
    assert complain(RuntimeError(), nobody, tracebacks=True) == 4
