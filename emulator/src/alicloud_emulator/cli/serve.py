"""``serve`` stays until interrupted; ``env`` finds it and prints what programs need."""

import argparse
import json
import os
import shlex
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from alicloud_emulator.cli.session import Session, session
from alicloud_emulator.cli.usage import UsageError, usage_errors_unwrapped
from alicloud_emulator.front import environment

_NO_SERVER = (
    "no running server found: start one with 'alicloud-emulator serve', or use"
    " 'alicloud-emulator exec -- COMMAND'"
)


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM, and return 0.

    Raises:
        UsageError: An option is impossible, or a port taken.
    """
    with usage_errors_unwrapped():
        anyio.run(_serve, options)
    return 0


async def _serve(options: argparse.Namespace) -> None:
    with anyio.open_signal_receiver(
        signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    ) as signals:
        async with session(options) as running:
            ready = _ready(running)
            with _announced(ready, running):
                print(json.dumps(ready), flush=True)
                async for _ in signals:
                    return


def _ready(running: Session) -> dict[str, Any]:
    """Return the line that says where everything is."""
    return {
        "pid": os.getpid(),
        "proxy": running.emulator.proxy,
        "console": running.console_url,
        "ca_bundle": str(running.emulator.bundle),
        "env": running.environment({}),
        "unset": list(environment.REMOVED),
    }


@contextmanager
def _announced(ready: dict[str, Any], running: Session) -> Iterator[None]:
    """Leave a file by which ``env`` finds this server, readable by this user only."""
    file = _runtime_folder(create=True) / f"{os.getpid()}.json"
    document = {**ready, "users": dict(running.profile_users)}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(document, opened)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def print_environment(options: argparse.Namespace) -> int:
    """Print shell exports for the server started last, and return 0.

    Raises:
        UsageError: No server is running, or it has no such user.
    """
    ready = _running_server()
    exports: dict[str, str] = dict(ready["env"])
    if options.user is not None:
        if options.user not in ready["users"]:
            known = ", ".join(sorted(ready["users"])) or "none with keys"
            raise UsageError(f"--as {options.user}: the profile's users are: {known}")
        exports.update(environment.credentials(*ready["users"][options.user]))
    exports.update(environment.hooks(os.environ))
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")
    for name in ready["unset"]:
        print(f"unset {name}")
    return 0


def _running_server() -> dict[str, Any]:
    """Return what the youngest server that answers said of itself."""
    folder = _runtime_folder(create=False)
    for file in sorted(folder.glob("*.json"), key=_age):
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            port = int(document["console"].rpartition(":")[2])
            # A server that was killed leaves its file behind.
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except (OSError, ValueError, KeyError):
            continue
        return dict(document)
    raise UsageError(_NO_SERVER)


def _age(file: Path) -> float:
    try:
        return -file.stat().st_mtime
    except OSError:
        return 0.0


def _runtime_folder(*, create: bool) -> Path:
    """Return this user's private folder for running servers.

    Raises:
        UsageError: It belongs to somebody else, or is open to others.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and Path(base).is_dir() and os.access(base, os.W_OK):
        folder = Path(base) / "alicloud-emulator"
    else:
        folder = Path(tempfile.gettempdir()) / f"alicloud-emulator-{os.getuid()}"
    try:
        if create:
            folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except FileNotFoundError:
        raise UsageError(_NO_SERVER) from None
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    is_private = stat.S_ISDIR(facts.st_mode) and not facts.st_mode & 0o077
    if facts.st_uid != os.getuid() or not is_private:
        raise UsageError(f"{folder} is not a private folder of yours: remove it")
    return folder
