"""Measures how long the commands take to answer, in seconds; warm, best and median.

Usage: python bench/startup.py [ROUNDS]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
COMMANDS = (
    ("ali-import", "--help"),
    ("alicloud-emulator", "--help"),
    ("alicloud-emulator", "exec", "--", "true"),
)


def main() -> None:
    """Time each command and print a line about it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for name, *arguments in COMMANDS:
        times = sorted(once(name, *arguments) for _ in range(rounds))
        middle = statistics.median(times)
        print(f"{times[0]:.3f} s best, {middle:.3f} s median: {name} {arguments}")


def once(name: str, *arguments: str) -> float:
    """Run a command and return how long it took, in seconds."""
    began = time.perf_counter()
    subprocess.run([BIN / name, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
