"""Unpacking a function's code package, which may be hostile."""

import io
import shutil
import stat
import zipfile
from pathlib import Path

from alicloud_emulator.world.fc.rules import UNPACKED_BYTES_MAX, stays_inside

_BLOCK_BYTES = 256 * 1024


class PackageError(ValueError):
    """The package cannot be unpacked."""


def unpack(code: bytes, folder: Path) -> None:
    """Unpack a zip into ``folder``, which is made.

    Links are left out: nothing that is unpacked can point out of the folder.

    Raises:
        PackageError: It is damaged, encrypted, too large, or leads out of the folder.
    """
    folder.mkdir(parents=True)
    left = UNPACKED_BYTES_MAX
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            for entry in archive.infolist():
                left -= _unpack_entry(archive, entry, folder, left)
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise PackageError(f"cannot unpack the code: {error}") from error


def _unpack_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, bytes_max: int
) -> int:
    """Unpack one entry of at most ``bytes_max`` bytes; return how many it had."""
    if not stays_inside(entry.filename):
        raise PackageError("a path leads out of the package")
    target = folder / entry.filename
    mode = entry.external_attr >> 16
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    if stat.S_ISLNK(mode):
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(entry) as source, target.open("wb") as sink:
        while block := source.read(_BLOCK_BYTES):
            size += len(block)
            if size > bytes_max:
                raise PackageError("the unpacked code is too large")
            sink.write(block)
    target.chmod(0o755 if mode & 0o111 else 0o644)
    return size
