"""A release's years: whatever people and the weather do, plan and prune keep their word."""

from collections import Counter
from functools import cache

import pytest

from tests.simulation.test_simulation import reasons
from tests.simulation.years import live

SEEDS = 9
BATCH = 3

lived = cache(live)


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_the_years_hold_every_promise(first: int) -> None:
    for seed in range(first, first + BATCH):
        verdict = lived(seed)
        assert verdict.good, reasons(verdict, " YEARS=1")


def test_they_hold_them_through_the_sdks() -> None:
    verdict = live(1000, deep=True)
    assert verdict.good, reasons(verdict, " YEARS=1 DEEP=1")


def test_a_few_seeds_meet_what_people_do_and_every_deed_of_pruning() -> None:
    met: Counter[str] = Counter()
    for seed in range(BATCH):
        met.update(lived(seed).tally.met)
    assert {"pruned: deprecate", "pruned: delete"} <= set(met)
    assert sum(number for what, number in met.items() if "drift: " in what) > 10
    assert sum(number for what, number in met.items() if "prune_" in what) > 10


def test_the_same_seed_gives_the_same_trace() -> None:
    first, second = (live(2, trace=True) for _ in range(2))
    assert len(first.trace) > 100
    assert first.trace == second.trace
