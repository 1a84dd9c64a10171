"""Logging under -v and -vv: who may write, what, and that no secret gets out."""

import io
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import anyio
import pytest

from ali_import.cloud.calls import Call, DescribeRegions, ListObjects, R
from ali_import.errors import ApiError
from ali_import.publish.model import PlacementMoved, Step
from ali_import.redaction import Redactor
from ali_import.report import log
from ali_import.report.lines import Messages
from ali_import.report.log import LoggedCloud
from tests.unit.report.bad_day import Clock

SECRET = "0123456789abcdefghijklmnopqr"


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(autouse=True)
def own_loggers() -> Iterator[None]:
    """Forget loggers that a test makes, or the next would find them."""
    before = dict(logging.root.manager.loggerDict)
    yield
    logging.root.manager.loggerDict.clear()
    logging.root.manager.loggerDict.update(before)


def messages(stream: io.StringIO) -> Messages:
    return Messages(stream, Redactor())


@pytest.mark.parametrize(
    ("verbosity", "written"),
    [
        (0, []),
        (1, ["ours info", "ours warning", "theirs warning"]),
        (
            2,
            [
                "ours debug",
                "ours info",
                "ours warning",
                "theirs debug",
                "theirs info",
                "theirs warning",
            ],
        ),
        (
            5,
            [
                "ours debug",
                "ours info",
                "ours warning",
                "theirs debug",
                "theirs info",
                "theirs warning",
            ],
        ),
    ],
)
def test_each_verbosity_has_its_levels(
    stream: io.StringIO, verbosity: int, written: list[str]
) -> None:
    with log.configured(verbosity, messages(stream)):
        for name, who in (("ali_import.x", "ours"), ("some.library", "theirs")):
            logger = logging.getLogger(name)
            logger.setLevel(logging.DEBUG)
            logger.debug("%s debug", who)
            logger.info("%s info", who)
            logger.warning("%s warning", who)
    lines = stream.getvalue().splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == written


def test_a_library_cannot_write_past_the_redactor(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with log.configured(2, messages(stream)):
        logger = logging.getLogger("some.sdk")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(logging.StreamHandler())
        logger.debug("> Authorization : %s", SECRET)
        logging.getLogger("some.http").debug('"PUT /k?Signature=%s HTTP/1.1"', SECRET)
    assert SECRET not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 2
    assert capsys.readouterr().err == ""


def fail() -> None:
    raise RuntimeError(f"Signature={SECRET}")


def test_tracebacks_are_for_vv_and_redacted_too(stream: io.StringIO) -> None:
    for verbosity in (1, 2):
        with log.configured(verbosity, messages(stream)):
            try:
                fail()
            except RuntimeError:
                logging.getLogger("ali_import").exception("it broke")
        assert "it broke" in stream.getvalue()
        assert ("Traceback" in stream.getvalue()) == (verbosity == 2)
    assert SECRET not in stream.getvalue()


def test_a_bad_format_string_in_a_library_is_no_traceback(stream: io.StringIO) -> None:
    with log.configured(2, messages(stream)):
        logging.getLogger("some.library").warning("%d apples", "no number")
    assert stream.getvalue() == "unreadable log record of some.library\n"


@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_failing_threads_and_warnings_do_not_write_by_themselves(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str], verbosity: int
) -> None:
    with log.configured(verbosity, messages(stream)):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old and rusty", DeprecationWarning, stacklevel=1)
    assert capsys.readouterr().err == ""
    assert ("Traceback" in stream.getvalue()) == (verbosity == 2)
    assert SECRET not in stream.getvalue()


def test_everything_is_put_back() -> None:
    def state() -> tuple[object, ...]:
        root = logging.getLogger()
        return (
            root.handlers[:],
            root.level,
            logging.getLoggerClass(),
            threading.excepthook,
            sys.unraisablehook,
            warnings.showwarning,
        )

    before = state()
    inside = log.configured(2, messages(io.StringIO()))
    inside.__enter__()
    assert state() != before
    assert not inside.__exit__(KeyError, KeyError(), None)
    assert state() == before


class _Cloud:
    """Answers one question and refuses the others."""

    async def call(self, request: Call[R]) -> R:
        if isinstance(request, DescribeRegions):
            return ("cn-hangzhou",)  # type: ignore[return-value]  # R is that here
        raise ApiError(
            f"Signature={SECRET}",
            region=request.region,
            operation=request.operation(),
            code="AccessDenied",
            http_status=403,
            request_id="473469C7",
        )


def test_calls_are_logged_with_their_ending(stream: io.StringIO) -> None:
    ticks = iter(range(100))
    cloud = LoggedCloud(_Cloud(), clock_s=lambda: next(ticks))

    async def ask() -> None:
        assert await cloud.call(DescribeRegions()) == ("cn-hangzhou",)
        with pytest.raises(ApiError):
            await cloud.call(
                ListObjects(region="cn-beijing", bucket=SECRET, relay=SECRET)
            )

    with log.configured(2, messages(stream)):
        anyio.run(ask, backend="trio")
    assert [line.split(" ", 2)[2] for line in stream.getvalue().splitlines()] == [
        "ecs.DescribeRegions: ok (1.000 s)",
        "cn-beijing oss.ListObjects through the relay: AccessDenied 473469C7 (1.000 s)",
    ]


def test_v_tells_progress_in_a_long_step_now_and_then(stream: io.StringIO) -> None:
    clock = Clock()
    with log.configured(1, messages(stream)):
        shown = log.LogDisplay(clock_s=clock)
        for percent in range(100):
            event = PlacementMoved(
                region="r", name="n", step=Step.WAIT, progress=percent
            )
            shown.emit(event)
            clock.now_s += 0.5
    lines = [line.partition("INFO ")[2] for line in stream.getvalue().splitlines()]
    assert lines == ["r n: wait", *(f"r n: wait {n} %" for n in range(20, 100, 20))]
