"""What is said at the end of a run: result lines, failure lines, the summary."""

import io
from dataclasses import replace

import pytest

from ali_import.publish.model import Outcome, Report, Result
from ali_import.redaction import Redactor
from ali_import.report.lines import (
    Messages,
    clock,
    counted,
    duration,
    failure_line,
    moment,
    result_lines,
    stands,
    summary_lines,
)
from tests.unit.report import samples


def test_standard_output_has_a_line_for_each_image_that_stands_in_order() -> None:
    assert list(result_lines(samples.MIXED)) == [
        "cn-hangzhou n1 (ipxe) m-placed",
        "cn-hangzhou n1-uefi-arm64 (ipxe-uefi-arm64) m-unchanged",
        "eu-central-1 n1 (ipxe) m-adopted",
    ]


def test_a_second_run_prints_what_the_first_did() -> None:
    first = Report(run_id="1", outcomes=(samples.PLACED,))
    again = replace(samples.PLACED, result=Result.UNCHANGED, route=None, seconds=0.0)
    second = Report(run_id="2", outcomes=(again,))
    assert list(result_lines(first)) == list(result_lines(second))


def test_an_image_id_with_a_new_line_cannot_forge_a_line() -> None:
    forged = replace(samples.PLACED, image_id="m-1\ncn-beijing n1 (ipxe) m-2")
    assert len(list(result_lines(Report(run_id="1", outcomes=(forged,))))) == 1


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (
            replace(samples.FAILED, message="ECS may not read the bucket"),
            (
                "failed eu-central-1 n1-uefi-arm64: import: "
                "NoSetRoletoECSServiceAcount: ECS may not read the bucket (request id "
                "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E); create the role "
                "AliyunECSImageImportDefaultRole"
            ),
        ),
        (samples.SKIPPED, "skipped us-east-1 n1: survey: the run was stopped"),
        (
            samples.UNPUBLISHED,
            (
                "incomplete us-east-1 n1-uefi-arm64: publish: m-unpublished is there, "
                "but was not published"
            ),
        ),
        (
            replace(samples.FAILED, code="", message="", request_id="", advice=""),
            "failed eu-central-1 n1-uefi-arm64: import",
        ),
    ],
)
def test_a_failure_says_what_where_why_and_what_to_do(
    outcome: Outcome, line: str
) -> None:
    assert failure_line(outcome) == line


def test_only_published_images_stand() -> None:
    standing = [outcome for outcome in samples.MIXED.outcomes if stands(outcome)]
    assert standing == [samples.PLACED, samples.UNCHANGED, samples.ADOPTED]


def test_the_summary_counts_by_result_and_by_route() -> None:
    assert list(summary_lines(samples.MIXED)) == [
        "6 placements in 3 regions: 2 placed, 1 adopted, 1 unchanged, 1 failed, 1 skipped",
        "1:23, 1234 API calls, 1 retry, run 0123abcd",
        "route     regions  placed  adopted  unchanged  failed  skipped",
        "direct          1       0        1          0       1        0",
        "relay           1       1        0          0       0        0",
        "no route        2       1        0          1       0        1",
    ]


def test_one_placement_needs_no_table() -> None:
    report = Report(run_id="1", outcomes=(samples.PLACED,), calls=1, seconds=1.25)
    assert list(summary_lines(report)) == [
        "1 placement in 1 region: 1 placed",
        "1.2 s, 1 API call, 0 retries, run 1",
    ]


def test_the_summary_says_how_a_run_was_ended() -> None:
    stopped = Report(run_id="1", outcomes=(), interrupted=True, timed_out=True)
    first, *_ = summary_lines(stopped)
    assert first == (
        "0 placements in 0 regions: nothing to do (interrupted) (out of time)"
    )


@pytest.mark.parametrize(
    ("seconds", "told", "watch"),
    [
        (0, "0.0 s", "0:00"),
        (59.94, "59.9 s", "0:59"),
        (59.99, "0:59", "0:59"),
        (60, "1:00", "1:00"),
        (3599, "59:59", "59:59"),
        (3661, "1:01:01", "1:01:01"),
    ],
)
def test_durations_read_as_people_write_them(
    seconds: float, told: str, watch: str
) -> None:
    assert duration(seconds) == told
    assert clock(seconds) == watch


def test_plurals() -> None:
    assert counted(1, "region") == "1 region"
    assert counted(2, "region") == "2 regions"
    assert counted(0, "retry", "retries") == "0 retries"


@pytest.mark.parametrize("unix_s", [0, 1e30, float("inf"), float("nan"), -1e30])
def test_a_nonsense_moment_is_empty(unix_s: float) -> None:
    assert moment(unix_s) == ""


def test_a_moment_is_in_utc() -> None:
    assert moment(1767949200) == "2026-01-09T09:00:00+00:00"


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "colours", "written"),
    [
        (Terminal(), True, "\x1b[31m1 of 2 failed\x1b[0m\n"),
        (Terminal(), False, "1 of 2 failed\n"),
        (io.StringIO(), True, "1 of 2 failed\n"),
    ],
)
def test_what_failed_is_red_where_somebody_sees_it(
    stream: io.StringIO, *, colours: bool, written: str
) -> None:
    Messages(stream, Redactor(), colours=colours).alarm("1 of 2 failed")
    assert stream.getvalue() == written
