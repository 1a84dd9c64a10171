"""The command lines of what looks at standing images: ``ali-import list``.

Like ``arguments.py``, it loads as little as it can.
"""

from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ali_import.cli import help_text
from ali_import.cli.arguments import Parser, add_common, region

LIST: Final = "list"


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
    parser = Parser(
        prog=f"ali-import {LIST}",
        description=help_text.LIST_DESCRIPTION,
        epilog=help_text.LIST_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "-f",
        "--family",
        metavar="FAMILY",
        default="",
        help="only this family, with or without a suffix such as -uefi-arm64",
    )
    add(
        "-n",
        "--name",
        metavar="NAME",
        default="",
        help="only this image or version; in both, * stands for anything",
    )
    add(
        "-r",
        "--region",
        metavar="REGION",
        action="append",
        type=region,
        default=[],
        help="only this region; may be repeated (default: every region)",
    )
    add(
        "--untagged",
        action="store_true",
        help="list the account's other images too: those that ali-import did not make",
    )
    add("--json", action="store_true", help="write one JSON document, with every image")
    add_common(parser)
    given = parser.parse_args(argv)
    return ListArguments(
        name=given.name,
        family=given.family,
        regions=tuple(dict.fromkeys(given.region)),
        untagged=given.untagged,
        as_json=given.json,
        verbosity=given.verbose,
    )
