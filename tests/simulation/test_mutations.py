"""A simulation that cannot fail proves nothing: break engine or adapters, and it must notice.

``make mutate`` tries every mutation; here a few stand for them.
"""

from pathlib import Path

import pytest

from ali_import.cloud.retry_table import ROWS
from scripts.mutate import MUTATIONS, OF_YEARS, ROOT, try_out
from tests.simulation import coverage

QUICK = (
    "leases are ignored",
    "snapshots stay",
    "what copies lose is not repaired",
    "a copy's name is sent as another parameter",
)

QUICK_OF_YEARS = ("a foreign image is pruned", "a plan misses a family")


def test_there_are_at_least_35_mutations_with_names_of_their_own() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 35
    adapters = [m for m in MUTATIONS if m.file.startswith("cloud/sdk/")]
    assert len(adapters) >= 10


def test_every_mutation_still_fits_the_sources(tmp_path: Path) -> None:
    for number, mutation in enumerate((*MUTATIONS, *OF_YEARS)):
        source = tmp_path / str(number)
        copied = source / "ali_import" / mutation.file
        copied.parent.mkdir(parents=True)
        copied.write_text((ROOT / "src" / "ali_import" / mutation.file).read_text())
        mutation.apply(source)
        compile(copied.read_text(), mutation.file, "exec")


@pytest.mark.parametrize("name", QUICK)
def test_broken_engines_are_caught(name: str) -> None:
    mutation = next(m for m in MUTATIONS if m.name == name)
    seeds, _seconds, caught = try_out(mutation, seeds=60)
    assert caught, f"{name} survived {seeds} seeds"


@pytest.mark.parametrize("name", QUICK_OF_YEARS)
def test_a_broken_plan_or_prune_is_caught_within_a_few_years(name: str) -> None:
    mutation = next(m for m in OF_YEARS if m.name == name)
    seeds, _seconds, caught = try_out(mutation, seeds=12)
    assert caught, f"{name} survived {seeds} seeds"


def test_what_no_seed_can_meet_is_in_the_retry_table_and_has_a_reason() -> None:
    rows = {(row.code, row.operations) for row in ROWS}
    assert coverage.UNREACHABLE.keys() <= rows
    assert all(coverage.UNREACHABLE.values())
