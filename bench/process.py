"""What the command takes of the machine where there are many regions.

    python -m bench.process

Runs ``ali-import`` as a process of its own: one small image to 100 regions of an emulator
without faults, those of the ``fast`` profile over and over. Prints a Markdown table: API
calls a placement as the emulator counts, the peak of its memory (``VmHWM``), and the
most descriptors that it had open, looked at 100 times a second; beside each what is
wanted. The status is 1 where something is not as wanted.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from alicloud_emulator.world.profile import Region, load_profile
from bench.many_regions import regions_like, row
from emulator.tests.support.emulator import emulator
from scripts.make_demo_images import demo_disks
from tests.support.tool import BIN

REGIONS = 100
CALLS_A_PLACEMENT_MAX = 15.0
MEMORY_MB_MAX = 120.0
DESCRIPTORS_MAX = 200
SAMPLE_S = 0.01


@dataclass(kw_only=True)
class Peaks:
    """The most that was seen of a process.

    Attributes:
        memory_mb: Its resident memory, in 10**6 bytes.
        descriptors: Its open descriptors.
        sockets: Those of them that are sockets.
    """

    memory_mb: float = 0.0
    descriptors: int = 0
    sockets: int = 0

    def look(self, pid: int) -> None:
        """Look once; a process that is ending shows nothing any more."""
        folder = Path(f"/proc/{pid}")
        try:
            status = (folder / "status").read_text(encoding="utf-8")
            links = [link.readlink() for link in (folder / "fd").iterdir()]
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.memory_mb = int(line.split()[1]) * 1024 / 1e6
        self.descriptors = max(self.descriptors, len(links))
        sockets = sum(str(link).startswith("socket:") for link in links)
        self.sockets = max(self.sockets, sockets)


def main() -> int:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        image, profile = Path(folder, "disk.img"), Path(folder, "many.toml")
        image.write_bytes(next(iter(demo_disks().values())))
        profile.write_text(profile_text(REGIONS), encoding="utf-8")
        with emulator("--profile", str(profile)) as cloud:
            began = time.perf_counter()
            process = subprocess.Popen(
                [BIN / "ali-import", "--public", image],
                env=dict(cloud.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
            )
            peaks = watch(process)
            took_s = time.perf_counter() - began
            assert process.stdout is not None
            placed = len(process.stdout.read().splitlines())
            calls = cloud.get("/requests")["requests"]["total"]
    each = calls / REGIONS
    print(row("what", "figure", "wanted"))
    print(row("---", "---:", "---:"))
    print(row("placed", placed, REGIONS))
    print(row("calls a placement", f"{each:.1f}", CALLS_A_PLACEMENT_MAX))
    print(row("memory (MB)", f"{peaks.memory_mb:.0f}", MEMORY_MB_MAX))
    print(row("descriptors", peaks.descriptors, DESCRIPTORS_MAX))
    print(row("of these, sockets", peaks.sockets, ""))
    print(row("took (s)", f"{took_s:.1f}", ""))
    return process.returncode or int(not is_as_wanted(each, peaks))


def profile_text(count: int) -> str:
    """Return a profile like ``fast``, with so many regions."""
    known = load_profile("fast").regions
    more = regions_like(known, count)[len(known) :]
    return "\n".join(('extends = "fast"', "[regions]", *map(_line, more)))


def _line(region: Region) -> str:
    def shown(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else f'"{value}"'

    told = {"mainland": region.mainland, "fc": region.fc, "oss": region.oss}
    table = ", ".join(f"{name} = {shown(value)}" for name, value in told.items())
    return f"{region.id} = {{ {table} }}"


def watch(process: "subprocess.Popen[str]", *, every_s: float = SAMPLE_S) -> Peaks:
    """Look at a process until it ends."""
    peaks = Peaks()
    while process.poll() is None:
        peaks.look(process.pid)
        time.sleep(every_s)
    return peaks


def is_as_wanted(calls_a_placement: float, peaks: Peaks) -> bool:
    """Whether the figures are within what is wanted."""
    return (
        calls_a_placement <= CALLS_A_PLACEMENT_MAX
        and peaks.memory_mb <= MEMORY_MB_MAX
        and peaks.descriptors <= DESCRIPTORS_MAX
    )


if __name__ == "__main__":
    sys.exit(main())
