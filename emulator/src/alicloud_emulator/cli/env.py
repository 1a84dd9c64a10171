"""``env`` prints what a shell evaluates so that its programs use a running server.

It is used as ``eval "$(alicloud-emulator env)"``, which runs what was printed and sees
nothing of this command's exit status. So whatever goes wrong, something is printed: else
the shell's programs would go on to the real cloud, with real keys.
"""

import argparse
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from alicloud_emulator.cli import servers
from alicloud_emulator.cli.people import keys_of
from alicloud_emulator.front import environment

# Nothing but the system could listen on it, and nothing has for decades.
_CLOSED_PROXY = "http://127.0.0.1:1"
_INVALID = "no-emulator-runs"


@contextmanager
def nowhere_on_failure() -> Iterator[None]:
    """Print exports that lead to no cloud at all if the block fails.

    The last line is ``false``, so that ``eval "$(...)" && program`` and ``set -e`` stop.
    NOTE: never ``exit``: it would close the user's own shell.
    """
    try:
        yield
    except SystemExit:
        raise  # --help
    except BaseException:
        _print(
            {
                **environment.network(_CLOSED_PROXY, Path(os.devnull)),
                **environment.endpoints(_CLOSED_PROXY),
                **environment.credentials(_INVALID, _INVALID),
                **environment.hooks(os.environ),
                **environment.with_java(
                    os.environ, environment.java(_CLOSED_PROXY, Path(os.devnull))
                ),
            },
            unset=(*environment.REMOVED, "ALICLOUD_EMULATOR_CONSOLE"),
        )
        print("false", flush=True)
        raise


def print_environment(options: argparse.Namespace) -> int:
    """Print shell exports for the server that runs, and return 0.

    Raises:
        UsageError: No server is running, several are, or it has no such user.
    """
    server = servers.find(options.name)
    exports: dict[str, str] = dict(server["env"])
    if options.user is not None:
        keys = keys_of(server["people"], options.user)
        exports.update(environment.credentials(*keys))
    exports.update(environment.hooks(os.environ))
    exports.update(environment.with_java(os.environ, exports))
    _print(exports, unset=server["unset"])
    return 0


def _print(exports: Mapping[str, str], *, unset: Sequence[str]) -> None:
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")
    for name in unset:
        print(f"unset {name}")
