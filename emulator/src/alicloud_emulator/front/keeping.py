"""A cloud that outlives its process: ``--state DIR``.

The folder has the rows of ``graph`` in ``cloud.db`` (SQLite), and objects' contents in
``blobs``. No call is answered before everything that it changed, or may have seen, is on the
disk; calls that come together are written together. A killed process therefore loses nothing
that was answered. What it was just doing may be there, or not, as after a crash in life.

A commit looks at the whole cloud (about 20 ms for a thousand objects) and writes what differs:
meant for clouds of thousands of things, not of millions.
"""

import fcntl
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from alicloud_emulator.front.clock import CloudClock
from alicloud_emulator.front.graph import Reader, Rows, StateError, Writer
from alicloud_emulator.world.blobs import DirectoryBlobs
from alicloud_emulator.world.profile import (
    Account,
    Principal,
    Profile,
    with_kept_secrets,
)
from alicloud_emulator.world.world import World

VERSION = 1
_DATABASE = "cloud.db"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Folder:
    """A state's folder, which one process has at a time.

    Attributes:
        blobs: Folder of objects' contents.
        rows: What was written last.
        lock: Held by whoever writes.

    Raises:
        StateError: Another process has it, it cannot be made, or it holds no state.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.blobs = path / "blobs"
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)  # there are keys in it
            self.blobs.mkdir(exist_ok=True)
            self._lock = (path / "lock").open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateError(f"--state {path}: another emulator uses it") from None
        except OSError as error:
            raise StateError(f"--state {path}: {error.strerror}") from error
        try:
            self._database = _opened(path / _DATABASE)
            self.rows = _read(self._database)
        except sqlite3.Error as error:
            raise StateError(f"--state {path}: {error}") from error
        self.lock = anyio.Lock()
        self._trash: list[Path] = []
        self._synced: set[str] = set()

    def close(self) -> None:
        """Let go of it."""
        self._database.close()
        self._lock.close()

    def kept(self, profile: Profile, seed: int) -> tuple[Profile, int]:
        """Return the profile with the keys that were drawn before, and the seed.

        Raises:
            StateError: The state is of another version, or of other regions or accounts.
        """
        if not self.rows:
            return profile, seed
        about = self._about(self.rows)
        for what, now in _parts_of(profile).items():
            if set(about[what]) - set(now):
                raise StateError(
                    f"--state {self._path}: it was made with another profile,"
                    f" {about['profile']}, which has other {what}"
                )
        secrets = {str(key): str(secret) for key, secret in about["secrets"].items()}
        return with_kept_secrets(profile, secrets), int(about["seed"])

    def fill(self, world: World, clock: CloudClock, rows: Rows) -> None:
        """Make a new world what rows say; what no row speaks of is removed.

        Raises:
            StateError: They are no state, or a file is missing.
        """
        about = self._about(rows)
        assert isinstance(world.blobs, DirectoryBlobs)
        Reader(rows, world.blobs.opened).fill(world)
        clock.go_on(**about["clock"])

    def about(self, world: World, clock: CloudClock, seed: int) -> str:
        """Return the row about a world and not in it."""
        accounts = world.profile.accounts
        keys: list[Account | Principal] = list(accounts)
        keys += [user for account in accounts for user in account.users]
        return json.dumps(
            {
                "version": VERSION,
                "profile": world.profile.name,
                **_parts_of(world.profile),
                "seed": seed,
                "clock": clock.known,
                "secrets": {
                    one.access_key_id: one.access_key_secret
                    for one in keys
                    if one.access_key_id
                },
            }
        )

    def discard(self, path: Path) -> None:
        """Remove a blob's file once the disk no longer speaks of it."""
        self._trash.append(path)

    def write(self, rows: Rows, files: set[str]) -> None:
        """Write what differs, whole or not at all; it is on the disk then.

        Args:
            rows: All that there is.
            files: The blobs that they speak of.
        """
        for name in files - self._synced:
            _sync(self.blobs / name)
        if files - self._synced:
            _sync(self.blobs)
        self._synced = files
        before = self.rows
        changed = [(key, row) for key, row in rows.items() if before.get(key) != row]
        gone = [(key,) for key in before if key not in rows]
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?)", changed
            )
            self._database.executemany("DELETE FROM rows WHERE key = ?", gone)
        self.rows = rows
        trash, self._trash = self._trash, []
        for path in trash:
            if path.name not in files:
                path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove the blobs that nobody speaks of: what was never answered."""
        for file in self.blobs.iterdir():
            if file.name not in self._synced:
                file.unlink(missing_ok=True)

    # --- snapshots --------------------------------------------------------------------

    @property
    def snapshots(self) -> list[str]:
        """Their names."""
        found = (self._path / "snapshots").glob(f"*/{_DATABASE}")
        return sorted(file.parent.name for file in found)

    def save(self, name: str, files: set[str]) -> None:
        """Keep what was written last under a name, in place of what it was.

        Raises:
            ValueError: It is no name.
        """
        folder = self._snapshot(name)
        draft = folder.with_name(f".{name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        self._database.execute("VACUUM INTO ?", (str(draft / _DATABASE),))
        for file in files:  # their bytes never change
            _share(self.blobs / file, draft / file)
        _sync(draft / _DATABASE)
        _sync(draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
        _sync(folder.parent)

    def saved(self, name: str) -> Rows:
        """Return the rows of a snapshot, its blobs put in place.

        Raises:
            LookupError: There is none of that name.
            StateError: It is none.
        """
        folder = self._snapshot(name)
        if not (folder / _DATABASE).is_file():
            raise LookupError(f"no snapshot {name!r}")
        try:
            with closing(_opened(folder / _DATABASE)) as database:
                rows = _read(database)
        except sqlite3.Error as error:
            raise StateError(f"snapshot {name}: {error}") from error
        for file in folder.iterdir():
            if file.name.isdecimal() and not (self.blobs / file.name).exists():
                _share(file, self.blobs / file.name)
        return rows

    def forget(self, name: str) -> None:
        """Remove a snapshot.

        Raises:
            LookupError: There is none of that name.
        """
        if name not in self.snapshots:
            raise LookupError(f"no snapshot {name!r}")
        shutil.rmtree(self._snapshot(name))

    def _snapshot(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("a snapshot's name has letters, digits, '.', '_' and '-'")
        return self._path / "snapshots" / name

    def _about(self, rows: Rows) -> Mapping[str, Any]:
        try:
            about: dict[str, Any] = json.loads(rows["about"])
            version = about["version"]
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(
                f"--state {self._path}: this is not a folder of --state"
            ) from error
        if version != VERSION:
            raise StateError(
                f"--state {self._path}: it has version {version}, which cannot be read"
            )
        return about


class Keeping:
    """Writes one world into a folder, and says when all of it is there.

    Attributes:
        retired: Another world has taken this one's place: nothing is written any more.
    """

    def __init__(
        self, folder: Folder, world: World, clock: CloudClock, seed: int
    ) -> None:
        self._folder = folder
        self._world = world
        self._about: Callable[[], str] = partial(folder.about, world, clock, seed)
        self._writer = Writer(world)
        self.retired = False
        self._changes = self._written = 0
        world.agenda.listeners.append(self._changed)

    def _changed(self) -> None:
        self._changes += 1

    async def settle(self, *, changed: bool) -> None:
        """Return when all that has changed so far is on the disk.

        Args:
            changed: Whether somebody just changed something.

        Raises:
            OSError: The disk does not take it.
            sqlite3.Error: Likewise.
        """
        self._changes += changed
        wanted = self._changes
        while self._written < wanted and not self.retired:
            async with self._folder.lock:
                if self._written < wanted and not self.retired:
                    await self._write()

    async def _write(self) -> None:
        upto = self._changes
        rows = {"about": self._about(), **self._writer.rows()}
        files = self._writer.files
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._folder.write, rows, files)
        self._written = max(upto, self._written)

    async def save(self, name: str) -> None:
        """Keep the world as it is under a name.

        Raises:
            ValueError: It is no name.
        """
        await self.settle(changed=True)
        async with self._folder.lock:
            save = partial(self._folder.save, name, self._writer.files)
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(save)


def _opened(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    # A commit is on the disk when it returns.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, json TEXT) WITHOUT ROWID"
    )
    return database


def _read(database: sqlite3.Connection) -> Rows:
    found = database.execute("SELECT key, json FROM rows").fetchall()
    return {str(key): str(row) for key, row in found}


def _parts_of(profile: Profile) -> dict[str, list[str]]:
    return {
        "regions": [region.id for region in profile.regions],
        "accounts": [account.id for account in profile.accounts],
    }


def _share(file: Path, other: Path) -> None:
    """Give a file another name, or a copy where it can have only one."""
    try:
        os.link(file, other)
    except OSError:
        shutil.copyfile(file, other)


def _sync(path: Path) -> None:
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
