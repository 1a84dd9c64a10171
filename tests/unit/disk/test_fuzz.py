"""Images of every kind with bytes changed at random, from fixed seeds: about a minute.

``make fuzz`` goes on for longer, from seeds that nobody chose.
"""

from pathlib import Path

import pytest

from tests.support.fuzzing import KINDS, Fuzz

ROUNDS = 4000


@pytest.mark.parametrize("kind", KINDS)
def test_mutations_end_in_a_result_or_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    fuzz = Fuzz(kind, tmp_path / "image")
    for seed in range(ROUNDS // 20 if "large" in kind else ROUNDS):
        fuzz.mutate(seed)
    result = fuzz.end()
    assert result.wrong == []
    assert result.found, "nothing came through: the mutations are too wild"
    assert result.refused, "nothing was refused: the mutations are too tame"
    assert list(temporary.iterdir()) == []
