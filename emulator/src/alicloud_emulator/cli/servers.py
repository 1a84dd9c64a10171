"""Which servers run: each leaves a record, by which ``env`` finds it."""

import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alicloud_emulator.cli.usage import UsageError
from alicloud_emulator.front.folder import is_in_use

WAIT_S_MAX = 10.0
"""How long a server may take to start: about half a second on a quiet machine."""

_POLL_S = 0.05
_NO_SERVER = (
    "no running server found: start one with `alicloud-emulator serve`, or use"
    " `alicloud-emulator exec -- COMMAND`"
)

Record = Mapping[str, Any]
"""What a server says of itself when it is ready, its ``people`` and its ``folder``."""


@contextmanager
def announced(record: Record) -> Iterator[None]:
    """Leave a record for the length of the block, readable by this user only.

    Raises:
        UsageError: A running server has the name, or no private folder can be had.
    """
    if any(other["name"] == record["name"] for other in running()):
        raise UsageError(f"--name {record['name']}: a running server has this name")
    file = _records_folder() / f"{os.getpid()}.json"
    draft = file.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(record, opened)
    draft.replace(file)  # whole, or not there
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def running() -> list[Record]:
    """Return the records of the servers that run; those of killed ones are removed.

    Raises:
        UsageError: The folder of records may have been written by others.
    """
    found = []
    for file in sorted(_records_folder().glob("*.json")):
        record = _read(file)
        if record is not None and is_in_use(Path(record["folder"])):
            found.append(record)
        else:
            file.unlink(missing_ok=True)
    return found


def find(name: str | None) -> Record:
    """Return the one server that runs, or the one of that name.

    Waits up to WAIT_S_MAX for it: a shell that starts a server with ``&`` asks for it
    before it can answer.

    Raises:
        UsageError: There is none, or several and no name was given.
    """
    until = time.monotonic() + WAIT_S_MAX
    while True:
        servers = [r for r in running() if name is None or r["name"] == name]
        if len(servers) == 1:
            return servers[0]
        if servers:
            names = ", ".join(sorted(server["name"] for server in servers))
            raise UsageError(f"several servers run ({names}): choose one with --name")
        if time.monotonic() > until:
            raise UsageError(
                _NO_SERVER if name is None else f"--name {name}: no such server runs"
            )
        time.sleep(_POLL_S)


def _read(file: Path) -> Record | None:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "folder" in record else None


def _records_folder() -> Path:
    """Return this user's private folder of records; make it if it is not there.

    Raises:
        UsageError: It belongs to somebody else, or is open to others.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and Path(base).is_dir() and os.access(base, os.W_OK):
        folder = Path(base) / "alicloud-emulator"
    else:
        folder = Path(tempfile.gettempdir()) / f"alicloud-emulator-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    is_private = stat.S_ISDIR(facts.st_mode) and not facts.st_mode & 0o077
    if facts.st_uid != os.getuid() or not is_private:
        raise UsageError(f"{folder} is not a private folder of yours: remove it")
    return folder
