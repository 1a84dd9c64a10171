"""The engine on the emulator's world: whatever the weather, it comes out right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.harness import Verdict, simulate

SEEDS = 200
DEEP_SEEDS = 60
BATCH = 20


def reasons(verdict: Verdict, more: str = "") -> str:
    return "\n".join(
        [
            verdict.headline,
            f"weather: {verdict.weather}",
            *verdict.violations[:10],
            f"reproduce: make simulate SEEDS=1 FROM={verdict.seed}{more}",
        ]
    )


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_seeds_hold_every_promise(first: int) -> None:
    for seed in range(first, first + BATCH):
        verdict = simulate(seed)
        assert verdict.good, reasons(verdict)


@pytest.mark.parametrize("first", range(3000, 3000 + DEEP_SEEDS, BATCH))
def test_seeds_hold_them_through_the_sdks(first: int) -> None:
    """Signed, sent and read by the SDKs, and checked by the emulator."""
    for seed in range(first, first + BATCH):
        verdict = simulate(seed, deep=True)
        assert verdict.good, reasons(verdict, " DEEP=1")


@settings(max_examples=20, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_seeds_from_far_away_hold_them_too(seed: int) -> None:
    verdict = simulate(seed)
    assert verdict.good, reasons(verdict)


def test_a_batch_meets_every_kind_of_ending_and_most_faults() -> None:
    """A simulation in which nothing goes wrong, or nothing gets done, proves nothing."""
    ends: dict[str, int] = {}
    struck: dict[str, int] = {}
    for seed in range(1000, 1030):
        tally = simulate(seed).tally
        for how, number in tally.outcomes.items():
            ends[how] = ends.get(how, 0) + number
        for kind, number in tally.struck.items():
            struck[kind] = struck.get(kind, 0) + number
    assert {"placed direct", "placed relay", "placed copy", "unchanged -"} <= set(ends)
    assert {"refuse", "drop-before", "drop-after", "html", "fail-task"} <= set(struck)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(7_000_006_923, id="the answer to a deprecation is lost"),
        pytest.param(1_500_007_539, id="two images visit a bucket at once"),
        pytest.param(90_004_712, id="an image is moved aside while it gets its name"),
    ],
)
def test_a_seed_that_failed_in_a_large_batch_holds(seed: int) -> None:
    assert simulate(seed).violations == []
