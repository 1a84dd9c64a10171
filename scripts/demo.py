"""The main job on the emulator: disk images into 32 regions, and what it took.

Usage: demo.py [IMAGE...]; without images it makes three small ones.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

# Run as a script, this file's directory is what Python searches, not the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.make_demo_images import demo_disks

# About what people see in the real cloud: one call in a hundred fails.
FAIL_RATE = "0.01"
BIN = Path(sys.executable).parent


def main(arguments: list[str]) -> int:
    """Run the demo and return the tool's exit status."""
    with tempfile.TemporaryDirectory(prefix="ali-import-demo-") as folder:
        work = Path(folder)
        images = arguments or make_images(work)
        emulator_report, tool_report = work / "emulator.json", work / "tool.json"
        emulator = [str(BIN / "alicloud-emulator"), "exec", "--fail-rate", FAIL_RATE]
        emulator += ["--report", str(emulator_report), "--"]
        tool = [str(BIN / "ali-import"), "--public", "--report", str(tool_report)]
        print("$ ali-import --public", *(Path(i).name for i in images), file=sys.stderr)
        status = subprocess.run([*emulator, *tool, *images], check=False).returncode
        if emulator_report.exists() and tool_report.exists():
            print_table(
                json.loads(tool_report.read_text(encoding="utf-8")),
                json.loads(emulator_report.read_text(encoding="utf-8")),
            )
        return status


def make_images(folder: Path) -> list[str]:
    """Write the three demo disks, and return their paths."""
    paths = []
    for name, content in demo_disks().items():
        path = folder / name
        path.write_bytes(content)
        paths.append(str(path))
    return paths


def print_table(tool: dict[str, Any], emulator: dict[str, Any]) -> None:
    """Print what the run took, as both sides saw it."""
    by_route: dict[str, set[str]] = {}
    for outcome in tool["placements"]:
        by_route.setdefault(outcome["route"] or "none", set()).add(outcome["region"])
    results = Counter(outcome["result"] for outcome in tool["placements"])
    requests, traffic = emulator["requests"], emulator["traffic"]
    faults = sum(requests["faults"].values())
    rows = [
        *((f"regions by {route}", len(found)) for route, found in by_route.items()),
        *((f"images {result}", count) for result, count in results.items()),
        ("time", f"{tool['seconds']:.1f} s"),
        ("API calls", requests["total"]),
        ("faults survived", faults),
        ("uploaded", f"{traffic['uplink_bytes'] / 2**20:.1f} MiB"),
        ("between regions", f"{traffic['cross_region_bytes'] / 2**20:.1f} MiB"),
        ("left behind", sum(left_behind(r) for r in emulator["regions"].values())),
    ]
    print(file=sys.stderr)
    for name, value in rows:
        print(f"  {name:<18} {value:>12}", file=sys.stderr)


def left_behind(region: dict[str, Any]) -> int:
    """Count what should not be in a region after a run."""
    wanted = {image["snapshot_id"] for image in region["images"]}
    stray = [s for s in region["snapshots"] if s["snapshot_id"] not in wanted]
    return len(region["buckets"]) + len(region["functions"]) + len(stray)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
