"""The command line, and the one place that catches errors."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from typing_extensions import override

from alicloud_emulator import __version__
from alicloud_emulator.cli.usage import UsageError

_DESCRIPTION = """\
An Alibaba Cloud on this machine: programs for the real one run against it unchanged.

  alicloud-emulator exec -- node upload.js
  alicloud-emulator exec --profile realistic --speed 60 -- python my_backup.py
  alicloud-emulator serve &  then:  eval "$(alicloud-emulator env)"

It is an HTTPS proxy that answers for *.aliyuncs.com itself and refuses every other
host. exec and env set the proxy, a CA bundle and credentials for their programs;
nothing outside them changes. Images, objects and functions are gone when it ends.

Programs that ignore proxies can use an endpoint, http://localhost:PORT (the proxy's
port; https works, too): object storage as /BUCKET/KEY or BUCKET.localhost, the APIs of
the other products, and the console below /_emulator.
"""

_LISTEN_HELP = """\
address to listen on (default 127.0.0.1). Keep it on the loopback interface: whoever
reaches the port can use the cloud, and with it run functions as you on this machine
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if given[:1] == ["env"]:
            from alicloud_emulator.cli import env

            with env.nowhere_on_failure():
                return env.print_environment(_parser().parse_args(given))
        options = _parser().parse_args(given)
        if options.action == "exec":
            from alicloud_emulator.cli import run

            return run.run(options)
        from alicloud_emulator.cli import serve

        return serve.serve(options)
    except UsageError as error:
        print(f"alicloud-emulator: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("alicloud-emulator: interrupted", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage: an error is one line."""
        raise UsageError(f"{message}; see `{self.prog} --help`")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="alicloud-emulator",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"alicloud-emulator {__version__}"
    )
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    execute = commands.add_parser(
        "exec", help="run a command inside the emulator and keep its exit status"
    )
    _add_cloud(execute)
    execute.add_argument(
        "--isolated",
        action="store_true",
        help="in a separate network that has the emulator, under the cloud's host names,"
        " and nothing else: works for any program (Linux)",
    )
    execute.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND ...",
        help="what to run",
    )
    serve = commands.add_parser(
        "serve", help="stay until interrupted; prints one JSON line when ready"
    )
    _add_cloud(serve)
    serve.add_argument("--name", help="name for env --name (default: its process id)")
    serve.add_argument(
        "--until-eof",
        action="store_true",
        help="stop when standard input ends, for a parent process; env does not find it",
    )
    env = commands.add_parser(
        "env", help="print shell exports for programs that use a running serve"
    )
    env.add_argument(
        "--as", dest="user", metavar="USER", help="use the keys of this user or account"
    )
    env.add_argument("--name", help="which server, if several are running")
    return parser


def _add_cloud(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--profile",
        default="fast",
        metavar="NAME|FILE",
        help="which cloud: fast (default), realistic, or a .toml file",
    )
    add(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of all random decisions (default 0)",
    )
    add(
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="imports, copies and so on are X times as fast as in the profile",
    )
    add(
        "--fail-rate",
        type=float,
        metavar="P",
        help="probability that an API call fails or its reply is lost (0.01 is realistic)",
    )
    add(
        "--download-fail-rate",
        type=float,
        metavar="P",
        help="probability that a download across regions fails (0.1 is realistic)",
    )
    add(
        "--state",
        metavar="DIR",
        help="keep the cloud in this folder, even if this process is killed",
    )
    add("--faults", metavar="FILE.toml", help="fault rules in force from the start")
    add("--report", metavar="FILE.json", help="write state and counts there at the end")
    add(
        "--as",
        dest="user",
        metavar="USER",
        help="give programs the keys of this user or account",
    )
    add("--listen", default="127.0.0.1", metavar="ADDR", help=_LISTEN_HELP)
    add(
        "--port",
        type=int,
        default=0,
        metavar="N",
        help="proxy port (default: any free)",
    )
    add(
        "--console-port",
        type=int,
        default=0,
        metavar="N",
        help="console port (default: any free)",
    )
    add("-v", "--verbose", action="count", default=0, help="log to standard error")


if __name__ == "__main__":
    sys.exit(main())
