"""Changes bytes of disk images of every kind at random, and looks into them.

Usage: fuzz.py [--minutes N] [--from SEED]; see tests/support/fuzzing.py. Prints what must
not be, with the seed that shows it again: --from SEED --minutes 0.
"""

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

# Run as a script, this file's directory is what Python searches, not the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.fuzzing import KINDS, Fuzz

BATCH = 100


def main() -> int:
    """Fuzz for so many minutes; 1 if something was wrong."""
    parser = argparse.ArgumentParser(description="Look into disk images gone wrong.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--from", type=int, dest="first")
    options = parser.parse_args()
    first = secrets.randbits(32) if options.first is None else options.first
    over_at = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="ali-import-fuzz-") as folder:
        fuzzes = [
            Fuzz(kind, Path(folder, f"image-{number}"))
            for number, kind in enumerate(KINDS)
        ]
        seed = first
        while True:
            for fuzz in fuzzes:
                for number in range(seed, seed + BATCH):
                    fuzz.mutate(number)
            seed += BATCH
            if time.monotonic() >= over_at:
                break
        results = [fuzz.end() for fuzz in fuzzes]
    for kind, result in zip(KINDS, results, strict=True):
        print(f"{kind}: {result.found} read, {result.refused} refused")
    wrong = [text for result in results for text in result.wrong]
    print(f"seeds {first} to {seed - 1} of {len(KINDS)} kinds: {len(wrong)} wrong")
    for text in wrong[:100]:
        print(f"  {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
