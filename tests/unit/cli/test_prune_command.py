"""``ali-import prune``: what it prints, asks, and exits with."""

import io
import signal
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from ali_import import Fate, Pruned, Pruning, Retention, Verdict
from ali_import.cli import main
from ali_import.cli.prune import lines, summary
from ali_import.standing import prune as prune_module
from tests.support.virtual import refusal
from tests.unit.standing.samples import standing

RULES = Retention(keep=1, deprecate=True, delete_after_s=3600)


def verdict(name: str, fate: Fate, why: str = "") -> Verdict:
    return Verdict(image=standing(name), fate=fate, why=why)


OLD, OLDER = verdict("d-2", Fate.DEPRECATE), verdict("d-1", Fate.DELETE)
USED = verdict("d-0", Fate.KEEP, "an instance of this account uses it")
WAITING = verdict("d-x", Fate.WAIT)


def pruning(*verdicts: Verdict, **more: Any) -> Pruning:
    return Pruning(
        families=("demo",),
        kept={"demo": ("d-3",)},
        verdicts=verdicts,
        retention=RULES,
        **more,
    )


LATER = "kept for now"


def said(*ended: Pruned) -> list[str]:
    found = pruning(OLD, OLDER, USED, WAITING)
    return [line.split(maxsplit=4)[4] for line in lines(found, ended)]


def test_what_is_due_and_what_stays_for_a_reason_is_a_line() -> None:
    assert said() == ["deprecate", "delete", f"keep {USED.why}"]


def test_what_became_of_it_is_a_line() -> None:
    changed = verdict("d-1", Fate.KEEP, "it no longer exists")
    assert said(Pruned(verdict=OLD), Pruned(verdict=changed)) == [
        "deprecated",
        "keep it no longer exists",
        f"keep {USED.why}",
    ]
    failed = Pruned(verdict=OLD, error=refusal("Forbidden.RAM"))
    (line, *_) = said(failed, Pruned(verdict=OLDER))
    assert line.startswith("failed cn-hangzhou ecs.DescribeImages: Forbidden.RAM")


def test_the_summary_says_what_stays_and_what_waits() -> None:
    assert list(summary(pruning(OLD, USED, WAITING))) == [
        "demo: 1 version stays: d-3",
        f"1 deprecated image of older versions: {LATER}",
        "1 image of older versions: kept for the reasons given",
    ]
    assert list(summary(pruning()))[1:] == ["nothing is due"]
    unseen = pruning(unseen=(refusal("X"),))
    assert list(summary(unseen))[1:] == ["nothing is due in the regions that answered"]


class Cloud:
    """Stands in for looking and pruning: what is due, and what would not be done."""

    def __init__(self) -> None:
        self.found = pruning(OLD, OLDER)
        self.refused: Sequence[Verdict] = ()
        self.done: list[Verdict] = []

    async def find(self, *_: Any, **__: Any) -> Pruning:
        return self.found

    async def prune(
        self, _cloud: object, found: Pruning, **_: Any
    ) -> tuple[Pruned, ...]:
        self.done += found.due
        return tuple(
            Pruned(verdict=v, error=refusal("X") if v in self.refused else None)
            for v in found.due
        )


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud = Cloud()
    monkeypatch.setattr(prune_module, "find_prunable", cloud.find)
    monkeypatch.setattr(prune_module, "prune", cloud.prune)
    return cloud


ARGV = ["prune", "-f", "demo", "--keep", "1", "--deprecate"]


@pytest.mark.parametrize(
    ("refused", "unseen", "status"),
    [
        ((), (), 0),
        ((OLD,), (), 3),
        ((OLD, OLDER), (), 4),
        ((), (refusal("X"),), 3),
    ],
)
def test_the_exit_status_says_how_it_went(
    cloud: Cloud, refused: Sequence[Verdict], unseen: Any, status: int
) -> None:
    cloud.refused = refused
    cloud.found = pruning(OLD, OLDER, unseen=unseen)
    assert main.main([*ARGV, "--yes"]) == status
    assert cloud.done == [OLD, OLDER]


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (pruning(OLD), 5),
        (pruning(USED, WAITING), 0),
        (pruning(OLD, unseen=(refusal("X"),)), 3),
    ],
)
def test_a_plan_does_nothing(cloud: Cloud, found: Pruning, status: int) -> None:
    cloud.found = found
    assert main.main([*ARGV, "--plan"]) == status
    assert cloud.done == []


def test_an_interrupt_is_answered_and_what_was_begun_is_finished(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def interrupted(*_: Any, **__: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.1)
            cloud.done.append(OLD)
        await anyio.sleep_forever()

    monkeypatch.setattr(prune_module, "prune", interrupted)
    assert main.main([*ARGV, "--yes"]) == 130
    assert cloud.done == [OLD]
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == [
        "interrupted: finishing what was begun; interrupt again to stop at once",
        "ali-import: interrupted",
    ]


@pytest.mark.parametrize(
    ("answer", "done"),
    [("y\n", [OLD, OLDER]), (" YES \n", [OLD, OLDER]), ("n\n", []), ("", [])],
)
def test_a_terminal_is_asked(
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    done: list[Verdict],
) -> None:
    stderr = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", stderr)
    assert main.main(ARGV) == 0
    assert "deprecate 1 image and delete 1 image for good? [y/N]" in stderr.getvalue()
    assert cloud.done == done


def test_nothing_is_asked_where_nothing_is_due(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.found = pruning(WAITING)
    stderr = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stderr", stderr)
    assert main.main(ARGV) == 0
    assert "[y/N]" not in stderr.getvalue()


def test_without_a_terminal_it_asks_for_yes_before_anything(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(ARGV) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--yes" in line
    assert cloud.done == []
