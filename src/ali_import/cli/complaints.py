"""What the user reads when something goes wrong: one line an error."""

import traceback
from collections.abc import Iterator

from ali_import import AliImportError, ApiError, CloudError
from ali_import.cli.exit_status import ExitStatus
from ali_import.report.lines import Messages


def complain(
    error: BaseException, messages: Messages, *, tracebacks: bool
) -> ExitStatus:
    """Write one line for each thing wrong, and return the exit status it gets."""
    errors = list(_leaves(error))
    if tracebacks:
        messages.lines("".join(traceback.format_exception(error)))
    if any(isinstance(each, KeyboardInterrupt) for each in errors):
        messages.line("ali-import: interrupted")
        return ExitStatus.INTERRUPTED
    for line in dict.fromkeys(map(_line, errors)):
        messages.line(f"ali-import: error: {line}")
    statuses = {
        each.exit_code if isinstance(each, AliImportError) else ExitStatus.ALL_FAILED
        for each in errors
    }
    if statuses == {ExitStatus.USAGE}:
        return ExitStatus.USAGE
    return ExitStatus.ALL_FAILED


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that a (nested) group holds, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _line(error: BaseException) -> str:
    if isinstance(error, CloudError):
        return cloud_line(error)
    if isinstance(error, AliImportError):
        return error.diagnostics()
    return (
        f"unexpected {type(error).__name__}: {str(error) or 'no message'}; run again with "
        "-vv for the traceback"
    )


def cloud_line(error: CloudError) -> str:
    """Say where and what, unless the message does, and name the request."""
    where = " ".join(part for part in (error.region, error.operation) if part)
    parts = [where, error.code if isinstance(error, ApiError) else "", error.message]
    line = ": ".join(part for part in parts if part)
    if error.request_id and error.request_id not in line:
        line += f" (request id {error.request_id})"
    return f"{line}; {error.advice}" if error.advice else line
