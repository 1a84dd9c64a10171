"""The command lines of what looks at standing images: ``list``, ``prune``, ``check``.

Like ``arguments.py``, it loads as little as it can.
"""

from argparse import BooleanOptionalAction
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ali_import import syntax
from ali_import.cli import help_text
from ali_import.cli.parser import (
    Parser,
    add_common,
    add_config,
    add_wanted,
    region,
    typed,
    wanted,
)


@dataclass(frozen=True, kw_only=True)
class ListArguments:
    """``ali-import list``; what was not given is "" or empty."""

    name: str
    family: str
    regions: tuple[str, ...]
    untagged: bool
    as_json: bool
    verbosity: int


def parse_list(argv: Sequence[str]) -> ListArguments:
    """Understand what follows ``ali-import list``.

    Raises:
        ConfigurationError: It is wrong.
        SystemExit: It asked for help or the version, which is printed.
    """
    given = list_parser().parse_args(argv)
    return ListArguments(
        name=given.name,
        family=given.family,
        regions=tuple(dict.fromkeys(given.region)),
        untagged=given.untagged,
        as_json=given.json,
        verbosity=given.verbose,
    )


def list_parser() -> Parser:
    """Return what reads ``ali-import list``."""
    parser = Parser("list")
    add = parser.add_argument
    add(
        "-f",
        "--family",
        metavar="FAMILY",
        default="",
        help="only this family, all flavours or one",
    )
    add(
        "-n",
        "--name",
        metavar="NAME",
        default="",
        help="only this image or version, or a pattern with *",
    )
    add(
        "-r",
        "--region",
        metavar="REGION",
        action="append",
        type=region,
        default=[],
        help="only in this region *",
    )
    add(
        "--untagged",
        action="store_true",
        help="also images that ali-import did not make",
    )
    add("--json", action="store_true", help="write one JSON document for programs")
    add_common(parser)
    return parser


@dataclass(frozen=True, kw_only=True)
class PruneArguments:
    """``ali-import prune``.

    Attributes:
        config: The release file, if one was named.
        settings: What its placeholders stand for.
        wanted: What the flags say; what was not given is not there.
        plan: Only say what is due.
        yes: Do not ask.
    """

    config: Path | None
    settings: Mapping[str, str]
    wanted: Mapping[str, Any]
    plan: bool
    yes: bool
    verbosity: int


def parse_prune(argv: Sequence[str]) -> PruneArguments:
    """Understand what follows ``ali-import prune``.

    Raises:
        ConfigurationError: It is wrong.
        SystemExit: It asked for help or the version, which is printed.
    """
    parser = prune_parser()
    given = parser.parse_args(argv)
    flags = {
        "family": given.family,
        "keep": given.keep,
        "deprecate": given.deprecate,
        "delete-after": given.delete_after,
        "shared": given.shared or None,
        "untagged": given.untagged or None,
    }
    if given.untagged and not given.family:
        parser.error("--untagged needs --family on the command line")
    return PruneArguments(
        config=given.config,
        settings=parser.settings(given),
        wanted={key: value for key, value in flags.items() if value is not None},
        plan=given.plan,
        yes=given.yes,
        verbosity=given.verbose,
    )


def _age(text: str) -> str:
    syntax.age(text)
    return text


def prune_parser() -> Parser:
    """Return what reads ``ali-import prune``."""
    parser = Parser("prune")
    add_config(parser)
    add = parser.add_argument
    add(
        "-f",
        "--family",
        metavar="FAMILY",
        action="append",
        help="family to prune (default: the file's) *",
    )
    add(
        "--keep",
        metavar="NUMBER",
        type=int,
        help="how many of the newest versions stay",
    )
    add(
        "--deprecate",
        action=BooleanOptionalAction,
        help="hide older ones from their family",
    )
    add(
        "--delete-after",
        metavar="TIME",
        type=typed(_age),
        help="delete them TIME after that, such as 90d",
    )
    add("--plan", action="store_true", help="show what is due, and change nothing")
    add("-y", "--yes", action="store_true", help="do not ask")
    add(
        "--shared",
        action="store_true",
        help="also images shared with accounts",
    )
    add(
        "--untagged",
        action="store_true",
        help="also images that ali-import did not make",
    )
    add_common(parser)
    return parser


@dataclass(frozen=True, kw_only=True)
class CheckArguments:
    """``ali-import check``.

    Attributes:
        config: The release file, if one was named.
        settings: What its placeholders stand for.
        wanted: What the flags say of the release.
        policy: Print the least policy, and do no more.
        trust: The project to print a trust policy for, or "".
        fix: Mend what can be mended.
        yes: Do not ask before that.
    """

    config: Path | None
    settings: Mapping[str, str]
    wanted: Mapping[str, Any]
    policy: bool
    trust: str
    fix: bool
    yes: bool
    verbosity: int


def parse_check(argv: Sequence[str]) -> CheckArguments:
    """Understand what follows ``ali-import check``.

    Raises:
        ConfigurationError: It is wrong.
        SystemExit: It asked for help or the version, which is printed.
    """
    parser = check_parser()
    given = parser.parse_args(argv)
    return CheckArguments(
        config=given.config,
        settings=parser.settings(given),
        wanted=wanted(given),
        policy=given.policy,
        trust=given.trust,
        fix=given.fix,
        yes=given.yes,
        verbosity=given.verbose,
    )


def check_parser() -> Parser:
    """Return what reads ``ali-import check``."""
    parser = Parser("check", help_text.CHECK_USAGE)
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--policy",
        action="store_true",
        help="print the least RAM policy for this release",
    )
    either.add_argument(
        "--trust",
        metavar="PROJECT",
        default="",
        help="print the trust policy for a CI project's role",
    )
    either.add_argument(
        "--fix",
        action="store_true",
        help="create the import role, after asking",
    )
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    add_config(parser)
    add_wanted(parser)
    add_common(parser)
    return parser
