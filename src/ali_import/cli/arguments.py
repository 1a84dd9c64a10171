"""The command line: its flags, its help, and what it means.

Imports as little as it can: ``ali-import --help`` answers before anything else loads.
"""

import argparse
import os
from argparse import BooleanOptionalAction
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ali_import import ConfigurationError, syntax
from ali_import.cli import help_text
from ali_import.cli.parser import (
    ARCHITECTURES,
    BOOT_MODES,
    SENT_AS,
    Parser,
    add_common,
    add_config,
    add_wanted,
    wanted,
)
from ali_import.report.destinations import Destination, destination

if TYPE_CHECKING:  # a command's own flags are loaded when it is called
    from ali_import.cli.standing_arguments import (
        CheckArguments,
        ListArguments,
        PruneArguments,
    )

PUBLISH: Final = ""
CLEANUP: Final = "cleanup"
INSPECT: Final = "inspect"
LIST: Final = "list"
CHECK: Final = "check"
PRUNE: Final = "prune"
HELP: Final = "help"
COMPLETION: Final = "completion"
END_OF_OPTIONS: Final = "--"
STDIN: Final = "/dev/stdin"
_STDIN: Final = "-"
_MANUAL: Final = "publish"

COMMANDS: Final = help_text.COMMANDS
"""Each command, and what it is for."""

SHELLS: Final = ("bash", "zsh", "fish")

_IPXE_NAMES: Final = (
    *("--help", "--verbose", "--name", "--family"),
    *("--public", "--overwrite", "--region", "--role"),
)
ABBREVIATIONS: Final = {
    name[:length]: name
    for name in _IPXE_NAMES
    for length in range(3, len(name))
    if sum(other.startswith(name[:length]) for other in _IPXE_NAMES) == 1
}
"""What iPXE's script takes for its long flags means the same here for ever, whatever
flags are added; others have no abbreviation."""

_NO_NAME: Final = (
    "the name of an image file is empty; is a variable of the shell not set?"
)


@dataclass(frozen=True, kw_only=True)
class PublishArguments:
    """``ali-import IMAGE...``.

    Attributes:
        config: The release file, if one was named.
        settings: What its placeholders stand for.
        wanted: What the flags say of the release, with the keys and values of a release
            file; what was not given is not there.
        sums: As --sha256 gives them.
        reports: Where reports go.
        argv: All of it as it was given, to be told again.
    """

    config: Path | None
    settings: Mapping[str, str]
    wanted: Mapping[str, Any]
    sums: tuple[str, ...]
    reports: tuple[Destination, ...]
    argv: tuple[str, ...] = field(compare=False)
    verbosity: int


@dataclass(frozen=True, kw_only=True)
class PlanArguments(PublishArguments):
    """``ali-import --plan IMAGE...``."""


@dataclass(frozen=True, kw_only=True)
class CleanupArguments:
    """``ali-import cleanup``."""

    remove_all: bool
    yes: bool
    verbosity: int


@dataclass(frozen=True, kw_only=True)
class InspectArguments:
    """``ali-import inspect FILE...``."""

    files: tuple[Path, ...]
    as_json: bool
    verbosity: int


@dataclass(frozen=True, kw_only=True)
class CompletionArguments:
    """``ali-import completion SHELL``."""

    shell: str
    verbosity: int = 0


Arguments: TypeAlias = (
    "PublishArguments | CleanupArguments | InspectArguments | ListArguments"
    "| PruneArguments | CheckArguments | CompletionArguments"
)


def parse(argv: Sequence[str]) -> Arguments:
    """Understand the command line; a command counts as the first argument only.

    Raises:
        ConfigurationError: It is wrong.
        SystemExit: It asked for help or the version, which is printed.
    """
    if argv and argv[0] in COMMANDS:
        return _command(argv[0])(argv[1:])
    return _publish(argv)


def _command(name: str) -> Callable[[Sequence[str]], Arguments]:
    """Return what understands the rest of a command's line.

    Raises:
        ConfigurationError: The name may mean a file that lies here.
    """
    # Whoever published a file of such a name before there was the command meant that.
    if name != CLEANUP and Path(name).exists():
        raise ConfigurationError(
            f"{name} is a command and also a file in this directory",
            advice=f"to publish the file, write `ali-import ./{name}` or "
            f"`ali-import -- {name}`; to {COMMANDS[name]}, run it in another directory",
        )
    from ali_import.cli import standing_arguments

    readers: Mapping[str, Callable[[Sequence[str]], Arguments]] = {
        CLEANUP: _cleanup,
        INSPECT: _inspect,
        LIST: standing_arguments.parse_list,
        CHECK: standing_arguments.parse_check,
        PRUNE: standing_arguments.parse_prune,
        HELP: _help,
        COMPLETION: _completion,
    }
    return readers[name]


def parsers() -> dict[str, Parser]:
    """Return what reads each command's line, by its name; "" for publishing."""
    from ali_import.cli import standing_arguments

    return {
        PUBLISH: publish_parser(),
        CHECK: standing_arguments.check_parser(),
        LIST: standing_arguments.list_parser(),
        PRUNE: standing_arguments.prune_parser(),
        INSPECT: inspect_parser(),
        CLEANUP: cleanup_parser(),
        HELP: _help_parser(),
        COMPLETION: _completion_parser(),
    }


def _help(argv: Sequence[str]) -> Arguments:
    """Explain a command, or all of them.

    Raises:
        ConfigurationError: There is no such command.
        SystemExit: Always, once it is explained.
    """
    from ali_import.cli import streams

    topic = _help_parser().parse_args(argv).command
    if topic == _MANUAL:
        text = help_text.MANUAL
    else:
        text = parsers()[topic or PUBLISH].format_help()
    streams.print_lines([text.rstrip("\n")])
    raise SystemExit(0)


def _help_parser() -> Parser:
    parser = Parser(HELP)
    parser.add_argument(
        "command",
        metavar="COMMAND",
        nargs="?",
        choices=(_MANUAL, *COMMANDS),
        help=f"{_MANUAL}, or one of the commands",
    )
    return parser


def _completion(argv: Sequence[str]) -> CompletionArguments:
    return CompletionArguments(shell=_completion_parser().parse_args(argv).shell)


def _completion_parser() -> Parser:
    parser = Parser(COMPLETION)
    parser.add_argument(
        "shell", metavar="SHELL", choices=SHELLS, help=" or ".join(SHELLS)
    )
    return parser


def _publish(argv: Sequence[str]) -> PublishArguments:
    parser, whole = publish_parser(), tuple(argv)
    argv, files = _split(argv)
    argv = [_spelled_out(word) for word in argv]
    # Intermixed, or an image after a flag that follows an image would be refused.
    given = parser.parse_intermixed_args(argv)
    if "" in files:
        parser.error(_NO_NAME)
    images = [Path(file) for file in (*map(_file, given.images), *files)]
    if not images and given.config is None:
        parser.error("the following arguments are required: IMAGE")
    if _STDIN in given.images and given.name is None and given.config is None:
        parser.error("an image from standard input (-) needs a --name")
    if given.images.count(_STDIN) > 1:
        parser.error("standard input (-) can be read only once")
    for release in (name for name in given.images if name.endswith(".toml")):
        parser.error(
            f"{release} is no disk image; a release file is named with -c: "
            f"ali-import -c {release}"
        )
    _refuse_commands(given.images, whole)
    strangers = [
        r for r in given.allow_failure or () if r not in (given.region or (r,))
    ]
    if strangers:
        raise ConfigurationError(
            f"--allow-failure {strangers[0]} is not one of the regions given with --region",
            advice=f"add --region {strangers[0]}, or remove this --allow-failure",
        )
    kind = PlanArguments if given.plan else PublishArguments
    return kind(
        config=given.config,
        settings=parser.settings(given),
        wanted=wanted(given, images),
        sums=tuple(given.sha256),
        reports=tuple(given.report),
        argv=whole,
        verbosity=given.verbose,
    )


def _refuse_commands(images: Sequence[str], argv: Sequence[str]) -> None:
    """Refuse what was meant for a command and would be taken for a file.

    Raises:
        ConfigurationError: A command stands behind something else, or is mistyped.
    """
    for name in images:
        if name in COMMANDS and not Path(name).exists():
            raise ConfigurationError(
                f"there is no file {name}; to {COMMANDS[name]}, put {name} first",
                advice=f"run `ali-import {name}`",
            )
    first = argv[0] if argv else ""
    near = syntax.meant(first, COMMANDS) if first.isalpha() else ""
    if near and first in images and not Path(first).exists():
        raise ConfigurationError(
            f"{first} is neither a command nor a file in this directory",
            advice=f"{near}see `ali-import --help`",
        )


def _split(argv: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Part the arguments at ``--``: after it, everything is a file.

    argparse cannot: what it takes for options and files in any order it reads twice,
    and the second time the ``--`` is gone.
    """
    if END_OF_OPTIONS not in argv:
        return argv, ()
    end = argv.index(END_OF_OPTIONS)
    return argv[:end], argv[end + 1 :]


def _spelled_out(word: str) -> str:
    """Return a flag with its whole name, where iPXE's script takes an abbreviation."""
    flag, equals, value = word.partition("=")
    return f"{ABBREVIATIONS.get(flag, flag)}{equals}{value}"


def _cleanup(argv: Sequence[str]) -> CleanupArguments:
    given = cleanup_parser().parse_args(argv)
    return CleanupArguments(
        remove_all=given.all, yes=given.yes, verbosity=given.verbose
    )


def _inspect(argv: Sequence[str]) -> InspectArguments:
    parser = inspect_parser()
    argv, files = _split(argv)
    given = parser.parse_intermixed_args(argv)
    if "" in (*given.files, *files):
        parser.error(_NO_NAME)
    named = tuple(map(Path, (*map(_file, given.files), *files)))
    if not named:
        parser.error("the following arguments are required: FILE")
    return InspectArguments(files=named, as_json=given.json, verbosity=given.verbose)


def inspect_parser() -> Parser:
    """Return what reads ``ali-import inspect``."""
    parser = Parser(INSPECT)
    add = parser.add_argument
    add("files", metavar="FILE", nargs="*", help="disk image files of any format")
    add("--json", action="store_true", help="write one JSON document for programs")
    add_common(parser)
    return parser


def cleanup_parser() -> Parser:
    """Return what reads ``ali-import cleanup``."""
    parser = Parser(CLEANUP)
    add = parser.add_argument
    add(
        "--all",
        action="store_true",
        help="also remove what may be in use, after asking",
    )
    add("-y", "--yes", action="store_true", help="do not ask")
    add_common(parser)
    return parser


def publish_parser() -> Parser:
    """Return what reads ``ali-import IMAGE...``."""
    parser = Parser(PUBLISH, help_text.USAGE)
    add = parser.add_argument
    add(
        "images",
        metavar="IMAGE",
        nargs="*",
        type=_image,
        help="disk image files, compressed or not; - reads a pipe",
    )
    add_config(parser)
    add(
        "--plan", action="store_true", help="show what would change, and change nothing"
    )
    _add_about_images(parser)
    add_wanted(parser)
    add(
        "--report",
        metavar="[FORMAT:]FILE",
        action="append",
        type=_destination,
        default=[],
        help="write a report: .json, .html, .md, ... *",
    )
    add_common(parser)
    return parser


def _add_about_images(parser: Parser) -> None:
    """Add what is said of the images because the files do not, or say it wrong."""
    add = parser.add_argument
    add("-n", "--name", metavar="NAME", help="image name (default: FAMILY-YYYYMMDD)")
    add("-f", "--family", metavar="FAMILY", help="image family (default: ipxe)")
    add(
        "--boot-mode",
        metavar="MODE",
        choices=BOOT_MODES,
        help=f"{', '.join(BOOT_MODES)} (default: as found)",
    )
    add(
        "--architecture",
        metavar="ARCH",
        choices=ARCHITECTURES,
        help=f"{' or '.join(ARCHITECTURES)} (default: as found)",
    )
    add(
        "--as",
        metavar="FORMAT",
        choices=SENT_AS,
        help="qcow2: send raw images compressed",
    )
    add(
        "--sha256",
        metavar="FILE=HEX",
        action="append",
        default=[],
        help="refuse other checksums; or SHA256SUMS *",
    )
    add(
        "--detect",
        action=BooleanOptionalAction,
        help="let the cloud check the images",
    )


def _image(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError(_NO_NAME)
    return text


def _destination(text: str) -> Destination:
    try:
        return destination(text, os.environ)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!a}: {error}") from error


def _file(text: str) -> str:
    """Return the file that an argument names; one called - is ./-."""
    return STDIN if text == _STDIN else text
