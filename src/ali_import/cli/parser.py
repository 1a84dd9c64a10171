"""How every command reads its line: one kind of parser, and the flags that are shared.

Imports as little as it can: ``ali-import --help`` answers before anything else loads.
"""

import argparse
from argparse import BooleanOptionalAction
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from typing_extensions import override

from ali_import import ConfigurationError, __version__, syntax
from ali_import.cli import help_text

T = TypeVar("T")

BOOT_MODES: Final = ("bios", "uefi", "uefi-preferred")
ARCHITECTURES: Final = ("x86_64", "arm64")
SENT_AS: Final = ("qcow2",)

RELEASE_FLAGS: Final = (
    *("name", "family", "boot-mode", "architecture", "as"),
    *("public", "share", "tag", "description", "nvme", "imds"),
    *("overwrite", "all-or-nothing", "detect"),
    *("region", "except", "allow-failure", "role", "timeout"),
)
"""Flags that are keys of a release file, too."""

_UNKNOWN: Final = "unrecognized arguments: "


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """A flag and what it does on one line, so that the help fits a screen."""

    def __init__(self, prog: str, **more: Any) -> None:
        super().__init__(prog, max_help_position=30, width=80, **more)

    @override
    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return super()._format_action_invocation(action)
        names = [n for n in action.option_strings if not n.startswith("--no-")]
        if isinstance(action, BooleanOptionalAction):
            names[-1] = names[-1].replace("--", "--[no-]")
        value = f" {action.metavar}" if action.nargs is None else ""
        return f"{', '.join(names)}{value}"


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours, one line each.

    Args:
        command: The command, or "" for publishing.
        usage: How it is called, where argparse would say it worse.
    """

    def __init__(self, command: str, usage: str | None = None) -> None:
        super().__init__(
            prog=f"ali-import {command}".rstrip(),
            usage=usage,
            description=help_text.DESCRIPTIONS[command],
            epilog=help_text.EPILOGS[command],
            formatter_class=_Formatter,
            add_help=False,
            allow_abbrev=False,
        )
        self.add_argument("-h", "--help", action="help", help="show this")

    @override
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage: an error is one line."""
        advice = f"see `{self.prog} --help`"
        if message.startswith(_UNKNOWN):
            given = message.removeprefix(_UNKNOWN).split()[0]
            flag = given.partition("=")[0]
            near = syntax.meant(flag, self._option_string_actions)
            if flag.startswith("-"):
                raise ConfigurationError(f"no such flag: {flag}", advice=near + advice)
        raise ConfigurationError(message, advice=advice)

    def settings(self, given: argparse.Namespace) -> dict[str, str]:
        """Return what the placeholders of a release file stand for.

        Raises:
            ConfigurationError: One stands for two things, or there is no file.
        """
        settings = dict(given.set)
        for key, value in given.set:
            if settings[key] != value:
                self.error(
                    f"argument --set: {key} is given twice, with different values"
                )
        if settings and given.config is None:
            self.error("--set needs a release file; name one with -c")
        return settings


class _Pairs(argparse.Action):
    """Gathers the keys and values of a flag that is repeated into one table."""

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        key, value = values
        table = {**(getattr(namespace, self.dest) or {}), key: value}
        setattr(namespace, self.dest, table)


def wanted(given: argparse.Namespace, images: Sequence[Path] = ()) -> dict[str, Any]:
    """Return what was given of the keys that a release file may have."""
    flags = {key: getattr(given, key.replace("-", "_"), None) for key in RELEASE_FLAGS}
    found = {key: value for key, value in flags.items() if value is not None}
    if images:
        found["image"] = images
    return found


def add_config(parser: Parser) -> None:
    """Add the flags that name a release file and fill it in."""
    add = parser.add_argument
    add(
        "-c",
        "--config",
        metavar="FILE.toml",
        type=Path,
        help="a release file: what should be there",
    )
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        type=_setting,
        default=[],
        help="the value of {KEY} in that file *",
    )


def add_wanted(parser: Parser) -> None:
    """Add what is wanted of all images; what is not given is None."""
    add, switch = parser.add_argument, BooleanOptionalAction
    add("-p", "--public", action=switch, help="let every account use the images")
    add(
        "--share",
        metavar="ACCOUNT",
        action="append",
        type=typed(syntax.account),
        help="let this account use the images *",
    )
    add(
        "--tag",
        metavar="KEY=VALUE",
        action=_Pairs,
        type=typed(syntax.tag),
        help="put this tag on the images *",
    )
    add(
        "--description",
        metavar="TEXT",
        type=typed(syntax.description),
        help="what the console shows of the images",
    )
    add("--imds", choices=("v1", "v2"), metavar="VERSION", help="v2 cannot be undone")
    add(
        "--nvme",
        choices=("supported", "unsupported"),
        metavar="HOW",
        help="supported (as they are made) or unsupported",
    )
    add(
        "--overwrite",
        action=switch,
        help="replace images whose content differs",
    )
    add(
        "-r",
        "--region",
        metavar="REGION",
        action="append",
        type=region,
        help="only in this region *",
    )
    add(
        "--except",
        metavar="REGION",
        action="append",
        type=region,
        help="in every region but this one *",
    )
    add(
        "--allow-failure",
        metavar="REGION",
        action="append",
        type=region,
        help="a failure there does not fail the command *",
    )
    add(
        "--all-or-nothing",
        action=switch,
        help="publish nothing unless all images are ready",
    )
    add(
        "--timeout",
        metavar="TIME",
        type=_timeout,
        help="give up after TIME, such as 90m (default: 4h)",
    )
    add(
        "-R",
        "--role",
        metavar="ROLE",
        type=_role,
        help="RAM role of relay functions (default: none)",
    )


def add_common(parser: Parser) -> None:
    """Add the flags that every command has."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="log what happens; -vv logs every detail",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"ali-import {__version__}",
        help="show the version",
    )


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
