"""Standard output, and the end of the process: all written, and nobody waited for.

Python waits at its end for every thread that is no daemon, and an SDK call in a worker
thread may hang for minutes. By then nothing of ours depends on such a thread.
"""

import io
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import NoReturn

from ali_import import AliImportError


def print_lines(lines: Iterable[str]) -> None:
    """Print to standard output, now; a reader that has gone away is no error.

    Raises:
        AliImportError: They cannot be written.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name may hold characters that the terminal's encoding does not.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        for line in lines:
            print(line)
        _flush_stdout()
    except BrokenPipeError:
        _detach_stdout()
    except (OSError, ValueError) as error:  # ValueError: it is closed
        _detach_stdout()
        reason = getattr(error, "strerror", None) or error
        raise AliImportError(
            f"standard output cannot be written: {reason}",
            advice="run the same command again; nothing is done twice",
        ) from error


def leave(status: int) -> int:
    """Return ``status`` for the interpreter to exit with, or exit if a thread hangs."""
    _flush()
    if any(
        not thread.daemon and thread is not threading.main_thread()
        for thread in threading.enumerate()
    ):
        os._exit(status)
    return status


def leave_at_once(status: int) -> NoReturn:
    """Exit now, whatever is going on."""
    _flush()
    os._exit(status)


def _flush() -> None:
    # Nobody is left who could be told.
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    try:
        _flush_stdout()
    except OSError:
        _detach_stdout()


def _flush_stdout() -> None:
    # There is none if the caller closed it.
    with suppress(AttributeError, ValueError):
        sys.stdout.flush()


def _detach_stdout() -> None:
    """Let what is buffered go nowhere, or the interpreter tries again at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
