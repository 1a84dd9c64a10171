"""Kills ali-import at random moments in bad weather, and runs it again.

Usage: chaos.py [--rounds N] [--from SEED]; see tests/support/chaos.py.
"""

import argparse
import sys
import tempfile
from pathlib import Path

# Run as a script, this file's directory is what Python searches, not the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.make_demo_images import demo_disks
from tests.support.chaos import play


def main() -> int:
    """Play the rounds; 1 if one of them went wrong."""
    parser = argparse.ArgumentParser(description="Kill real runs and run them again.")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--from", type=int, default=0, dest="first")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="ali-import-chaos-") as folder:
        images = []
        for name, content in list(demo_disks().items())[:2]:
            (Path(folder) / name).write_bytes(content)
            images.append(Path(folder) / name)
        for seed in range(options.first, options.first + options.rounds):
            played = play(seed, images)
            verdict = "ok" if not played.problems else "WRONG"
            signals, statuses = ", ".join(played.signals), list(played.statuses)
            print(
                f"round {seed}: {signals}; statuses {statuses}: {verdict}", flush=True
            )
            for problem in played.problems:
                print(f"  {problem}")
            if played.problems:
                bad += 1
                print(f"  again: python scripts/chaos.py --rounds 1 --from {seed}")
    print(f"{options.rounds - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
