"""An error that is kept is raised anew, and never changed."""

import traceback

import pytest

from ali_import.errors import ApiError, CloudError, HostNotFoundError


def refusal() -> ApiError:
    return ApiError(
        "no",
        region="r",
        operation="o",
        code="c",
        http_status=400,
        request_id="1",
        retry_after_s=2.0,
    )


def test_a_copy_has_the_class_and_the_fields_of_the_error() -> None:
    error = refusal()
    error.__cause__ = ValueError("why")
    copy = error.anew()
    assert type(copy) is ApiError
    assert copy is not error
    assert vars(copy) == vars(error)
    assert str(copy) == "no"
    assert copy.__cause__ is error.__cause__
    missing = HostNotFoundError("?", region="r", operation="o", code="HostNotFound")
    assert type(missing.anew()) is HostNotFoundError


def test_a_copy_may_differ_and_the_error_stays() -> None:
    error = refusal()
    copy = error.anew(code="d", advice="do this")
    assert (copy.code, copy.advice) == ("d", "do this")
    assert copy.diagnostics() == "no; do this"
    assert (error.code, error.advice) == ("c", "")


def test_raising_a_kept_error_anew_does_not_pile_up_tracebacks() -> None:
    kept: CloudError = refusal()
    for _ in range(5):
        with pytest.raises(ApiError) as caught:
            raise kept.anew()
        assert len(traceback.extract_tb(caught.value.__traceback__)) == 1
    assert kept.__traceback__ is None
