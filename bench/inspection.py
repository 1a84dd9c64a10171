"""Measures what looking into disk images costs: seconds, memory, reads.

Usage: python -m bench.inspection [FILE...]

Without files it makes some: an honest disk in every container, and files that are made
to cost as much as the bounds allow.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from ali_import.disk import examine
from ali_import.errors import DiskImageError
from ali_import.units import MIB
from tests.support.containers import BUILDERS
from tests.support.disks import BOOT_ARM64, BOOT_X86_64, disk
from tests.unit.disk.test_bounds import HOSTILE, unpacking_to_much


def main() -> None:
    """Print a line about each file."""
    if len(sys.argv) > 1:
        for name in sys.argv[1:]:
            measured(Path(name), name)
        return
    content = disk(BOOT_X86_64, BOOT_ARM64, clusters=4000).ljust(16 * MIB, b"\0")
    files = {
        kind: lambda build=build: build(content) for kind, build in BUILDERS.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "disk.img")
        for kind, make in {
            **files,
            **HOSTILE,
            "unpacks to much": unpacking_to_much,
        }.items():
            path.write_bytes(make())
            measured(path, kind)


def measured(path: Path, name: str) -> None:
    """Look into a file in a process of its own, and tell what it took."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, cost(path).encode())
        os._exit(0)
    os.waitpid(child, 0)
    print(f"{os.read(reader, 200).decode()}: {name}")
    os.close(reader)
    os.close(writer)


def cost(path: Path) -> str:
    """Look into a file, and return what it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    try:
        examine(path)
        result = "read"
    except DiskImageError:
        result = "refused"
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return f"{seconds:6.3f} s, {grown:5.1f} MiB more, {result}"


if __name__ == "__main__":
    main()
