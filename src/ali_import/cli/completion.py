"""``ali-import completion SHELL``: what makes a shell complete commands and flags."""

from argparse import ArgumentParser
from typing import Any, Final

import shtab

from ali_import.cli import arguments, streams
from ali_import.cli.arguments import CompletionArguments
from ali_import.cli.exit_status import ExitStatus

_FILES: Final = ("images", "files", "config", "report", "sha256")
"""Arguments whose values are files."""


def completion(given: CompletionArguments) -> ExitStatus:
    """Print the shell's script, which is made from the parsers themselves.

    Raises:
        AliImportError: Standard output cannot be written.
    """
    parsers = arguments.parsers()
    publish = parsers[arguments.PUBLISH]
    commands = ArgumentParser(add_help=False)
    # Before the images: what stands first may be a command.
    choices = commands.add_subparsers(parser_class=ArgumentParser)
    for name, purpose in arguments.COMMANDS.items():
        choices.add_parser(name, help=purpose, parents=[parsers[name]], add_help=False)
    whole = ArgumentParser(
        prog=publish.prog, parents=[commands, publish], add_help=False
    )
    for parser in (whole, *choices.choices.values()):
        _mark_files(parser)
    script = shtab.complete(whole, given.shell)
    if given.shell == "bash":
        # Or no file would be completed where a command may stand.
        script = script.replace("complete -o bashdefault", "complete -o default", 1)
    streams.print_lines([script])
    return ExitStatus.ALL_PLACED


def _mark_files(parser: Any) -> None:
    for action in parser._actions:  # noqa: SLF001  as shtab's own pages do
        if action.dest in _FILES:
            action.complete = shtab.FILE
