"""The command line: its flags, its help, and what it means.

Imports as little as it can: ``ali-import --help`` answers before anything else loads.
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, TypeVar

from ali_import import ConfigurationError, __version__, syntax
from ali_import.cli import help_text
from ali_import.report.destinations import Destination, destination

if TYPE_CHECKING:  # a command's own flags are loaded when it is called
    from ali_import.cli.standing_arguments import (
        CheckArguments,
        ListArguments,
        PruneArguments,
    )

T = TypeVar("T")

CLEANUP: Final = "cleanup"
INSPECT: Final = "inspect"
END_OF_OPTIONS: Final = "--"
STDIN: Final = "/dev/stdin"
_STDIN: Final = "-"

COMMANDS: Final = {
    CLEANUP: "remove leftovers",
    INSPECT: "see what files hold",
    "list": "see what stands in the cloud",
    "check": "see whether a publication can work",
    "prune": "deprecate and delete older versions",
}
"""Each command, and what it is for."""

BOOT_MODES: Final = ("bios", "uefi", "uefi-preferred")
ARCHITECTURES: Final = ("x86_64", "arm64")

RELEASE_FLAGS: Final = (
    *("name", "family", "boot-mode", "architecture"),
    *("public", "overwrite", "all-or-nothing", "detect"),
    *("region", "except", "allow-failure", "role", "timeout"),
)
"""Flags that are keys of a release file, too."""

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


Arguments: TypeAlias = (
    "PublishArguments | CleanupArguments | InspectArguments | ListArguments"
    "| PruneArguments | CheckArguments"
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
            f"{name} is a command, and a file here",
            advice=f"to publish the file, write `ali-import ./{name}` or "
            f"`ali-import -- {name}`; to {COMMANDS[name]}, run it elsewhere",
        )
    from ali_import.cli import standing_arguments

    parsers: Mapping[str, Callable[[Sequence[str]], Arguments]] = {
        CLEANUP: _cleanup,
        INSPECT: _inspect,
        standing_arguments.LIST: standing_arguments.parse_list,
        standing_arguments.CHECK: standing_arguments.parse_check,
        standing_arguments.PRUNE: standing_arguments.parse_prune,
    }
    return parsers[name]


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours, one line each."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage: an error is one line."""
        raise ConfigurationError(message, advice=f"see `{self.prog} --help`")

    def settings(self, given: argparse.Namespace) -> dict[str, str]:
        """Return what the placeholders of a release file stand for.

        Raises:
            ConfigurationError: One stands for two things, or there is no file.
        """
        settings = dict(given.set)
        for key, value in given.set:
            if settings[key] != value:
                self.error(f"argument --set: {key} is given twice, with other values")
        if settings and given.config is None:
            self.error("--set fills in a release file; name one with -c")
        return settings


def _publish(argv: Sequence[str]) -> PublishArguments:
    parser, whole = _publish_parser(), tuple(argv)
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
    for command, purpose in COMMANDS.items():
        if command in given.images and not Path(command).exists():
            raise ConfigurationError(
                f"there is no file {command}; to {purpose}, put {command} first",
                advice=f"run `ali-import {command}`",
            )
    strangers = [
        r for r in given.allow_failure or () if r not in (given.region or (r,))
    ]
    if strangers:
        raise ConfigurationError(
            f"--allow-failure {strangers[0]} is none of the regions given with --region",
            advice=f"add --region {strangers[0]}, or leave it out",
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


def wanted(given: argparse.Namespace, images: Sequence[Path] = ()) -> dict[str, Any]:
    """Return what was given of the keys that a release file may have."""
    flags = {key: getattr(given, key.replace("-", "_"), None) for key in RELEASE_FLAGS}
    found = {key: value for key, value in flags.items() if value is not None}
    if images:
        found["image"] = images
    return found


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
    given = _cleanup_parser().parse_args(argv)
    return CleanupArguments(
        remove_all=given.all, yes=given.yes, verbosity=given.verbose
    )


def _inspect(argv: Sequence[str]) -> InspectArguments:
    parser = _inspect_parser()
    argv, files = _split(argv)
    given = parser.parse_intermixed_args(argv)
    if "" in (*given.files, *files):
        parser.error(_NO_NAME)
    named = tuple(map(Path, (*map(_file, given.files), *files)))
    if not named:
        parser.error("the following arguments are required: FILE")
    return InspectArguments(files=named, as_json=given.json, verbosity=given.verbose)


def _inspect_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"ali-import {INSPECT}",
        description=help_text.INSPECT_DESCRIPTION,
        epilog=help_text.INSPECT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("files", metavar="FILE", nargs="*", help="disk image files of any format")
    add("--json", action="store_true", help="write one JSON document for programs")
    add_common(parser)
    return parser


def _publish_parser() -> Parser:
    parser = Parser(
        prog="ali-import",
        usage=help_text.USAGE,
        description=help_text.DESCRIPTION,
        epilog=help_text.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "images",
        metavar="IMAGE",
        nargs="*",
        type=_image,
        help="disk image files: raw, QCOW2 or VHD, compressed or not; - is standard input",
    )
    add_config(parser)
    add(
        "--plan",
        action="store_true",
        help="say what a publication would do, and change nothing; exit status 0 if "
        "everything is as wanted",
    )
    _add_about_images(parser)
    add_wanted(parser)
    add(
        "--report",
        metavar="[FORMAT:]FILE",
        action="append",
        type=_destination,
        default=[],
        help="write a report; the format is json, images, tfvars, md, html or "
        "github-output, or follows from the suffix; may be repeated; FORMAT:- writes it "
        "to standard output instead of the result lines (see docs/reports.md)",
    )
    add_common(parser)
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name a release file and fill it in."""
    add = parser.add_argument
    add(
        "-c",
        "--config",
        metavar="FILE.toml",
        type=Path,
        help="a release file (docs/operating.md); flags win over it",
    )
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        type=_setting,
        default=[],
        help="what {KEY} in the file stands for; may be repeated",
    )


def add_wanted(parser: argparse.ArgumentParser) -> None:
    """Add what is wanted of all images; what is not given is None."""
    add = parser.add_argument
    switch = argparse.BooleanOptionalAction
    add(
        "-p",
        "--public",
        action=switch,
        help="make the images community images, which every account can use",
    )
    add(
        "--overwrite",
        action=switch,
        help="replace images that have the same name and other content",
    )
    add(
        "-r",
        "--region",
        metavar="REGION",
        action="append",
        type=region,
        help="publish in this region only; may be repeated (default: every region)",
    )
    add(
        "--except",
        metavar="REGION",
        action="append",
        type=region,
        help="publish in every region but this one; may be repeated",
    )
    add(
        "-R",
        "--role",
        metavar="ROLE",
        type=_role,
        help="RAM role to attach to relay functions; they need none (default: none)",
    )
    add(
        "--timeout",
        metavar="TIME",
        type=_timeout,
        help="give up what is unfinished after this long, for example 90m or 2h; a "
        "plain number is seconds (default: 4h)",
    )
    add(
        "--all-or-nothing",
        action=switch,
        help="publish nothing unless every image is ready in every region",
    )
    add(
        "--allow-failure",
        metavar="REGION",
        action="append",
        type=region,
        help="a failure in this region does not count in the exit status; may be "
        "repeated",
    )


def _add_about_images(parser: argparse.ArgumentParser) -> None:
    """Add what is said of the images because the files do not, or say it wrong."""
    add = parser.add_argument
    add(
        "-n",
        "--name",
        metavar="NAME",
        help="name of the images, before the suffix (default: FAMILY-YYYYMMDD, the "
        "date in UTC)",
    )
    add(
        "-f",
        "--family",
        metavar="FAMILY",
        help="image family, before the suffix (default: ipxe)",
    )
    add(
        "--detect",
        action=argparse.BooleanOptionalAction,
        help="have the cloud check the images that it imports, and tell what it finds",
    )
    add(
        "--sha256",
        metavar="FILE=HEX",
        action="append",
        default=[],
        help="publish nothing unless the file IMAGE has this SHA-256; or name a file of "
        "sums, such as SHA256SUMS; may be repeated, and then every IMAGE needs a sum",
    )
    add(
        "--boot-mode",
        metavar="MODE",
        choices=BOOT_MODES,
        help="how the images boot, whatever is found in them: bios, uefi, or "
        "uefi-preferred, which is set on images that this run makes once they are "
        "imported (default: what is found)",
    )
    add(
        "--architecture",
        metavar="ARCH",
        choices=ARCHITECTURES,
        help="what machines the images are for, whatever is found in them: x86_64 or "
        "arm64 (default: what is found)",
    )


def _cleanup_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"ali-import {CLEANUP}",
        description=help_text.CLEANUP_DESCRIPTION,
        epilog=help_text.CLEANUP_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--all",
        action="store_true",
        help="remove what has not expired too, after asking; a run that is still "
        "going on loses its workspace",
    )
    add("-y", "--yes", action="store_true", help="do not ask")
    add_common(parser)
    return parser


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every command has."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="log what happens instead of showing progress; -vv logs every detail",
    )
    parser.add_argument(
        "--version", action="version", version=f"ali-import {__version__}"
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


def typed(check: Callable[[str], T], hint: str = "") -> Callable[[str], T]:
    """Return the type of a flag whose values a function of ``syntax`` understands."""

    def parse(text: str) -> T:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}{hint}") from error

    return parse


region: Final = typed(syntax.region, "; for several regions, repeat the flag")
_role: Final = typed(syntax.role)
_timeout: Final = typed(syntax.timeout)
_setting: Final = typed(syntax.setting)
