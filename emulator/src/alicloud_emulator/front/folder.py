"""The private folder of a running emulator, and what killed ones have left behind.

A folder holds a lock file, which its process keeps locked: the kernel lets go of the
lock when the process ends, in whatever way. So a folder whose lock is free belongs to
nobody any more, and the next emulator to start removes it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "alicloud-emulator-"
_LOCK = "lock"


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that only this user can read, and remove it with the block."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(
        prefix=_PREFIX, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        # Locked before it has its name: a sweep never sees it unlocked.
        draft = folder / f"{_LOCK}.new"
        with draft.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            draft.rename(folder / _LOCK)
            yield folder


def is_in_use(folder: Path) -> bool:
    """Whether the process that made a folder still runs."""
    try:
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _sweep(parent: Path) -> None:
    """Remove the folders of this user's emulators that were killed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            is_ours = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
            # Without a lock file it is no such folder, or one that is just being made.
            if is_ours and (folder / _LOCK).exists() and not is_in_use(folder):
                shutil.rmtree(folder, ignore_errors=True)
