"""The entry point, and the one place where errors are caught."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from ali_import.cli import arguments
from ali_import.cli.arguments import (
    Arguments,
    CompletionArguments,
    InspectArguments,
)
from ali_import.cli.exit_status import ExitStatus

if TYPE_CHECKING:  # loaded when needed: --help answers before
    from ali_import.report.lines import Messages

_FILES_MIN: Final = 4096

# Which module, class and method carries out what was understood: loaded when needed.
_COMMANDS: Final = {
    "PublishArguments": ("publish", "PublishCommand", "publish"),
    "PlanArguments": ("plan", "PlanCommand", "plan"),
    "CleanupArguments": ("cleanup", "CleanupCommand", "clean_up"),
    "CheckArguments": ("check", "CheckCommand", "check"),
    "PruneArguments": ("prune", "PruneCommand", "prune"),
    "ListArguments": ("list", "ListCommand", "list"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        argv: The arguments; None for those of this process, which then ends soon after.
    """
    if argv is not None:
        return _run(argv)
    # Until the command listens itself, every signal that stops it does what Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup makes it
            signal.signal(number, signal.default_int_handler)
    from ali_import.cli import streams

    return streams.leave(_run(sys.argv[1:]))


def _run(argv: Sequence[str]) -> int:
    verbosity = 0
    try:
        given = arguments.parse(argv)
        verbosity = given.verbosity
        return _command(given)
    except SystemExit as stop:  # --help, --version
        return int(stop.code or 0)
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:  # noqa: BLE001
        # Everything, because no traceback may reach a user who did not ask for it.
        from ali_import.cli.complaints import complain

        return complain(error, _messages(), tracebacks=verbosity > 1)


def _command(given: Arguments) -> ExitStatus:
    messages = _messages()
    if isinstance(given, InspectArguments):  # there is nothing to wait for
        from ali_import.cli.inspect import inspect

        return inspect(given, messages)
    if isinstance(given, CompletionArguments):
        from ali_import.cli.completion import completion

        return completion(given)
    import anyio

    from ali_import.report import log

    _open_many_files()
    with log.configured(given.verbosity, messages):
        module, name, method = _COMMANDS[type(given).__name__]
        command = getattr(import_module(f"ali_import.cli.{module}"), name)
        status: ExitStatus = anyio.run(getattr(command(given, messages), method))
        return status


def _open_many_files() -> None:
    """Raise the soft limit of open files: every region takes several connections.

    Some systems start with 256. Where the hard limit is low, less happens at once.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_MIN if hard == resource.RLIM_INFINITY else min(_FILES_MIN, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _messages() -> "Messages":
    from ali_import.redaction import Redactor
    from ali_import.report.lines import Messages

    colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") != "dumb"
    redactor = Redactor.from_environment(os.environ)
    return Messages(sys.stderr, redactor, colours=colours)
