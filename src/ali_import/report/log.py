"""Logging for -v and -vv: events and calls, one handler, every record redacted."""

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, Final, Self, TypeVar

from typing_extensions import override

from ali_import.cloud.calls import Call, Cloud, DataCall
from ali_import.errors import CloudError
from ali_import.publish.model import Event, PlacementMoved, Target
from ali_import.redaction import one_line
from ali_import.report.lines import Messages, described, joined
from ali_import.report.unanswered import Unanswered

R = TypeVar("R")

LOGGER_NAME: Final = "ali_import"
DEBUG_VERBOSITY: Final = 2

# What is written at each verbosity (0, -v, -vv and more): our own records, others'.
_LEVELS: Final = (
    (logging.CRITICAL + 1, logging.CRITICAL + 1),
    (logging.INFO, logging.WARNING),
    (logging.DEBUG, logging.DEBUG),
)


# Often enough to see that a long stage gets on.
PROGRESS_EVERY_S: Final = 10.0


class LogDisplay:
    """Tells events to the log; the handler of ``configured`` redacts and writes them.

    Args:
        clock_s: Any clock that only goes forward, in seconds.
    """

    def __init__(self, *, clock_s: Callable[[], float]) -> None:
        self._logger = logging.getLogger(LOGGER_NAME)
        self._clock_s = clock_s
        self._told_s: dict[tuple[str, str], float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def know(self, targets: Iterable[Target]) -> None:
        """Take no notice: the log has told of them."""

    def watch(self, unanswered: Unanswered) -> None:
        """Take no notice: with -vv the log tells every call."""

    def say(self, text: str) -> None:
        """Log one line as a warning, so that it shows at any verbosity from -v on."""
        self._logger.warning("%s", text)

    def emit(self, event: Event) -> None:
        """Log an event; progress in a step every ten seconds, or with -vv all of it."""
        level, text = described(event)
        if isinstance(event, PlacementMoved):
            key, now_s = (event.region, event.name), self._clock_s()
            if (
                not event.progress
                or now_s - self._told_s.get(key, -inf) >= PROGRESS_EVERY_S
            ):
                self._told_s[key] = now_s
                level = logging.INFO
        self._logger.log(level, "%s", text)


class LoggedCloud:
    """A cloud that logs its calls; never what is in them.

    Args:
        cloud: Carries them out.
        clock_s: Any clock that only goes forward, in seconds.
    """

    def __init__(self, cloud: Cloud, *, clock_s: Callable[[], float]) -> None:
        self._cloud = cloud
        self._clock_s = clock_s
        self._logger = logging.getLogger(f"{LOGGER_NAME}.calls")

    async def call(self, request: Call[R]) -> R:
        """Carry out ``request`` once, log it, and return its result.

        Raises:
            CloudError: As the cloud does.
        """
        began_s = self._clock_s()
        ending = "cancelled"
        try:
            result = await self._cloud.call(request)
            ending = "ok"
        except CloudError as error:
            ending = joined(error.code, error.request_id, separator=" ")
            raise
        finally:
            elapsed_s = self._clock_s() - began_s
            self._logger.debug("%s: %s (%.3f s)", _told(request), ending, elapsed_s)
        return result


def logged(cloud: Cloud, *, verbosity: int, clock_s: Callable[[], float]) -> Cloud:
    """Return ``cloud``, with its calls in the log from -vv on."""
    if verbosity < DEBUG_VERBOSITY:
        return cloud
    return LoggedCloud(cloud, clock_s=clock_s)


def _told(request: Call[R]) -> str:
    relayed = isinstance(request, DataCall) and request.relay
    way = "through the relay" if relayed else ""
    return joined(request.region, request.operation(), way, separator=" ")


@contextmanager
def configured(verbosity: int, messages: Messages) -> Iterator[None]:
    """Send every logger's records to ``stream`` through the redactor, while inside.

    Alibaba Cloud's SDKs give their loggers handlers of their own, which would write past
    the redactor and into the live display. Inside, a logger takes no handler.
    """
    root = logging.getLogger()
    saved = (root.handlers[:], root.level, logging.getLoggerClass())
    hooks = (threading.excepthook, sys.unraisablehook)
    root.handlers[:] = [_handler(verbosity, messages)]
    # The handler's filter decides; at 0 nothing is even made into a record.
    root.setLevel(min(*_level(verbosity)))
    logging.setLoggerClass(_HandlerlessLogger)
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_failure
    sys.unraisablehook = _log_unraisable
    try:
        yield
    finally:
        root.handlers[:], level, logger_class = saved
        root.setLevel(level)
        logging.setLoggerClass(logger_class)
        logging.captureWarnings(capture=False)
        threading.excepthook, sys.unraisablehook = hooks


def _level(verbosity: int) -> tuple[int, int]:
    return _LEVELS[min(verbosity, DEBUG_VERBOSITY)]


def _handler(verbosity: int, messages: Messages) -> logging.Handler:
    own, foreign = _level(verbosity)

    def wanted(record: logging.LogRecord) -> bool:
        ours = record.name.partition(".")[0] == LOGGER_NAME
        return record.levelno >= (own if ours else foreign)

    handler = _MessageHandler(messages)
    handler.addFilter(wanted)
    handler.setFormatter(_Formatter(tracebacks=verbosity >= DEBUG_VERBOSITY))
    return handler


class _MessageHandler(logging.Handler):
    """Writes records as messages, which redacts the whole of them."""

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self._messages = messages

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._messages.lines(self.format(record))
        except Exception:  # noqa: BLE001  a bad format string in a library
            self._messages.line(f"unreadable log record of {record.name}")


class _Formatter(logging.Formatter):
    """Formats a record with its traceback or without."""

    def __init__(self, *, tracebacks: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
        self._tracebacks = tracebacks

    @override
    def format(self, record: logging.LogRecord) -> str:
        if self._tracebacks:
            return super().format(record)
        bare = record.__dict__ | {
            "exc_info": None,
            "exc_text": None,
            "stack_info": None,
        }
        return one_line(super().format(logging.makeLogRecord(bare)))


class _HandlerlessLogger(logging.Logger):
    @override
    def addHandler(self, hdlr: logging.Handler) -> None:
        """Take no handler: records go on to the root logger's only."""


def _log_thread_failure(failure: threading.ExceptHookArgs) -> None:
    logging.getLogger(LOGGER_NAME).debug(
        "a thread ended with an exception", exc_info=failure.exc_value
    )


def _log_unraisable(failure: Any) -> None:
    logging.getLogger(LOGGER_NAME).debug(
        "an exception could not be raised", exc_info=failure.exc_value
    )
