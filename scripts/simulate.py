"""``make simulate``: the engine on the emulator's world, one seed after the other.

With ``--years`` each seed is some weeks of a release that people change by hand and that
is pruned (`tests/simulation/years.py`); else it is one publication.

Prints seeds a second, faults injected by kind, and for every failure one line that
reproduces it. Exits with 1 if there was one.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.simulation.coverage import NIGHTLY_SEEDS, gaps
from tests.simulation.harness import Verdict, simulate
from tests.simulation.monitor import Tally
from tests.simulation.years import live


def main() -> int:
    """Run the seeds that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--jobs", type=int, default=1, help="processes to use")
    parser.add_argument("--trace", action="store_true", help="print every call")
    parser.add_argument(
        "--deep", action="store_true", help="through the SDKs, signatures checked"
    )
    parser.add_argument("--years", action="store_true", help="weeks of a release")
    parser.add_argument("--stop", action="store_true", help="at the first failure")
    arguments = parser.parse_args()
    began = time.perf_counter()
    tally, failed, done = Tally(), 0, 0
    for verdict in _verdicts(arguments):
        done += 1
        tally.add(verdict.tally)
        if arguments.trace:
            print("\n".join(verdict.trace))
        if not verdict.good:
            failed += 1
            _tell(verdict, deep=arguments.deep, years=arguments.years)
            if arguments.stop:
                break
        if done % 1000 == 0:
            print(f"{done} seeds, {failed} failed", file=sys.stderr, flush=True)
    _summarize(tally, done, failed, time.perf_counter() - began)
    if arguments.years:
        return 1 if failed else 0
    missing = list(gaps(tally))
    if missing:
        print(f"{len(missing)} things that a large batch must meet never happened")
    if done < NIGHTLY_SEEDS:
        return 1 if failed else 0
    for text in missing:
        print(f"not covered: {text}")
    return 1 if failed or missing else 0


def _verdicts(arguments: argparse.Namespace) -> Iterator[Verdict]:
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    play = live if arguments.years else simulate
    if arguments.jobs == 1:
        for seed in seeds:
            yield play(seed, trace=arguments.trace, deep=arguments.deep)
        return
    with ProcessPoolExecutor(arguments.jobs, initializer=_collect_seldom) as pool:
        run = partial(play, deep=arguments.deep)
        yield from pool.map(run, seeds, chunksize=20)


def _collect_seldom() -> None:
    """Look for garbage less often: it takes a tenth of the time, and there is memory."""
    gc.set_threshold(100_000, 50, 50)


def _tell(verdict: Verdict, *, deep: bool, years: bool) -> None:
    print(verdict.headline)
    print(f"  weather: {verdict.weather}")
    for text in verdict.violations[:4]:
        print(f"  violated: {text[:400]}")
    more = " YEARS=1" * years + " DEEP=1" * deep
    print(f"  reproduce: make simulate SEEDS=1 FROM={verdict.seed}{more}", flush=True)


def _summarize(tally: Tally, seeds: int, failed: int, seconds: float) -> None:
    struck = ", ".join(f"{kind} {n}" for kind, n in sorted(tally.struck.items()))
    ended = ", ".join(f"{how} {n}" for how, n in sorted(tally.outcomes.items()))
    print(f"faults: {struck}")
    if ended:
        print(f"placements: {ended}")
    print(f"met: {', '.join(f'{what} {n}' for what, n in sorted(tally.met.items()))}")
    print(
        f"{seeds} seeds in {seconds:.1f} s: {seeds / seconds:.1f} seeds/s, "
        f"{tally.calls} calls, {failed} failed"
    )


if __name__ == "__main__":
    sys.exit(main())
