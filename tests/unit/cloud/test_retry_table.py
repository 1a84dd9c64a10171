"""Every answer means one thing, and the table says which."""

import pytest

from ali_import.cloud import calls
from ali_import.cloud.retry_table import ROWS, Meaning, Row, look_up
from ali_import.errors import HostNotFoundError, TaskFailedError
from tests.support.virtual import refusal, silence


def example(row: Row) -> tuple[str, str]:
    """Return an operation and a code that a row is about."""
    operation = row.operations[0] if row.operations else "ecs.DescribeRegions"
    return operation, row.code.replace("*", ".Something")


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.code}-{r.meaning.name}")
def test_no_row_hides_another(row: Row) -> None:
    operation, code = example(row)
    assert look_up(refusal(code, operation=operation)).meaning is row.meaning


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.code}-{r.meaning.name}")
def test_rows_speak_of_requests_there_are(row: Row) -> None:
    kinds = vars(calls).values()
    operations = {
        kind.operation()
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, calls.Call)
        if hasattr(kind, "SERVICE")
    }
    assert set(row.operations) <= operations


def test_what_is_final_comes_with_advice() -> None:
    silent = [r.code for r in ROWS if r.meaning is Meaning.FINAL and not r.advice]
    assert silent == []


@pytest.mark.parametrize(
    ("operation", "code", "meaning"),
    [
        ("ecs.ImportImage", "NoSetRoletoECSServiceAcount", Meaning.FINAL),
        ("ecs.ImportImage", "NoSetRoletoECSServiceAccount", Meaning.FINAL),
        ("ecs.ImportImage", "InvalidImageName.Duplicated", Meaning.LOOK),
        ("ecs.ModifyImageAttribute", "InvalidImageName.Duplicated", Meaning.FINAL),
        ("ecs.ImportImage", "LastTokenProcessing", Meaning.BUSY),
        ("ecs.CopyImage", "IdempotentProcessing", Meaning.BUSY),
        ("ecs.DeleteImage", "ImageIsImporting", Meaning.BUSY),
        ("ecs.ImportImage", "ImageIsImporting", Meaning.LOOK),
        ("ecs.DeleteImage", "OperationDenied.ImageCopying", Meaning.BUSY),
        ("ecs.CopyImage", "OperationDenied.ImageCopying", Meaning.SOURCE),
        ("ecs.DeleteSnapshot", "SnapshotCreatedImage", Meaning.BUSY),
        ("oss.PutObject", "PublicEndpointForbidden", Meaning.ROUTE),
        ("oss.PutBucket", "ForbidCreateNewBucket", Meaning.ROUTE),
        ("fc.CreateFunction", "ServiceNotEnabled", Meaning.ROUTE),
        (
            "ecs.CopyImage",
            "OperationDenied.NonCompliantDestinationRegion",
            Meaning.ROUTE,
        ),
        ("ecs.CopyImage", "RegionNotSupportCopy", Meaning.SOURCE),
        ("ecs.ModifyImageSharePermission", "Image.Public", Meaning.DONE),
        ("ecs.DescribeImages", "Throttling.User", Meaning.THROTTLED),
        ("ecs.DescribeImages", "Throttling", Meaning.THROTTLED),
        ("fc.CreateFunction", "FunctionAlreadyExists", Meaning.DONE),
    ],
)
def test_codes_that_must_not_be_confused(
    operation: str, code: str, meaning: Meaning
) -> None:
    assert look_up(refusal(code, operation=operation)).meaning is meaning


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, Meaning.FINAL),
        (404, Meaning.FINAL),
        (429, Meaning.THROTTLED),
        (500, Meaning.TRANSIENT),
        (503, Meaning.TRANSIENT),
    ],
)
def test_unknown_codes_go_by_their_status(status: int, meaning: Meaning) -> None:
    assert look_up(refusal("NeverHeardOf", status)).meaning is meaning


def test_whoever_says_when_to_come_back_is_throttling() -> None:
    error = refusal("NeverHeardOf", 400, retry_after_s=3)
    assert look_up(error).meaning is Meaning.THROTTLED


def test_no_answer_passes_but_a_missing_host_is_the_end_of_the_route() -> None:
    gone = HostNotFoundError(
        "?", region="cn-heyuan", operation="fc.CreateFunction", code="HostNotFound"
    )
    assert look_up(silence()).meaning is Meaning.TRANSIENT
    assert look_up(silence("GarbledAnswer")).meaning is Meaning.TRANSIENT
    assert look_up(gone).meaning is Meaning.ROUTE


def test_certificates_do_not_mend_themselves() -> None:
    assert look_up(silence("TlsFailure")).meaning is Meaning.FINAL


def test_a_failed_task_takes_the_next_route_unless_its_reason_is_known() -> None:
    def failed(code: str) -> TaskFailedError:
        return TaskFailedError(
            "?", region="cn-hangzhou", operation="ecs.ImportImage", code=code
        )

    assert look_up(failed("SomethingBroke")).meaning is Meaning.ROUTE
    assert look_up(failed("QuotaExceed.Image")).meaning is Meaning.FINAL
