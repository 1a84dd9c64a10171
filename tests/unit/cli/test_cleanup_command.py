"""``ali-import cleanup``: what it lists, asks and removes."""

import io
import signal
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from ali_import.cli import main
from ali_import.errors import ConfigurationError
from ali_import.publish import cleanup
from ali_import.publish.model import Emit, Leftover, Note

NOW = 1767949200.0

EXPIRED = Leftover(
    region="cn-hangzhou",
    kind="bucket",
    name="ali-import-0123abcd-66aabbcc-cn-hangzhou",
    run_id="0123abcd",
    expires_at=NOW - 100,
    detail="3 objects",
)
IN_USE = Leftover(
    region="us-east-1",
    kind="function",
    name="ali-import-89abcdef-76aabbcc",
    run_id="89abcdef",
    expires_at=NOW + 5000,
)
UNKNOWN = Leftover(region="us-east-1", kind="snapshot", name="s-1")
ALL = (EXPIRED, IN_USE, UNKNOWN)
LISTED = [
    "cn-hangzhou bucket ali-import-0123abcd-66aabbcc-cn-hangzhou expired",
    "us-east-1 function ali-import-89abcdef-76aabbcc in-use",
    "us-east-1 snapshot s-1 unknown",
]
BY_RUN = (
    "run 0123abcd: 1 thing in 1 region, expired 1:40 ago\n"
    "run 89abcdef: 1 thing in 1 region, in use until 2026-01-09T10:23:20+00:00 (another "
    "1:23:20)\n"
    "unknown run: 1 thing in 1 region, expiry unknown\n"
)


class Cloud:
    """Stands in for the engine's cleaning up: what there is, and what would not go."""

    def __init__(self) -> None:
        self.found: Sequence[Leftover] = ALL
        self.stuck: Sequence[Leftover] = ()
        self.removed: list[Leftover] = []

    async def find(self, _cloud: object, **_: Any) -> tuple[Leftover, ...]:
        return tuple(self.found)

    async def remove(
        self, _cloud: object, leftovers: Sequence[Leftover], **_: Any
    ) -> tuple[Leftover, ...]:
        self.removed += leftovers
        return tuple(each for each in leftovers if each in self.stuck)


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud = Cloud()
    monkeypatch.setattr("time.time", lambda: NOW)
    monkeypatch.setattr(cleanup, "find_leftovers", cloud.find)
    monkeypatch.setattr(cleanup, "remove_leftovers", cloud.remove)
    return cloud


def test_everything_is_listed_and_what_has_expired_is_removed(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["cleanup"]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == LISTED
    assert cloud.removed == [EXPIRED]
    assert output.err == BY_RUN + (
        "removed 1 of 3 found, kept 2 not expired (to remove them too: ali-import "
        "cleanup --all)\n"
    )


def test_with_all_and_yes_everything_is_removed(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["cleanup", "--all", "--yes"]) == 0
    assert cloud.removed == list(ALL)
    assert capsys.readouterr().err == BY_RUN + "removed 3 of 3 found\n"


@pytest.mark.parametrize(
    ("answer", "removed"),
    [
        ("y\n", ALL),
        (" YES \n", ALL),
        ("n\n", (EXPIRED,)),
        ("\n", (EXPIRED,)),
        ("", (EXPIRED,)),
    ],
)
def test_with_all_a_terminal_is_asked(
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    removed: tuple[Leftover, ...],
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    stderr = Terminal()
    monkeypatch.setattr("sys.stderr", stderr)
    assert main.main(["cleanup", "--all"]) == 0
    assert "also remove 2 things that have not expired?" in stderr.getvalue()
    assert cloud.removed == list(removed)


def test_nothing_is_asked_when_everything_has_expired(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.found = (EXPIRED,)
    stderr = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stderr", stderr)
    assert main.main(["cleanup", "--all"]) == 0
    assert stderr.getvalue().splitlines() == [
        "run 0123abcd: 1 thing in 1 region, expired 1:40 ago",
        "removed 1 of 1 found",
    ]


def test_all_without_a_terminal_and_yes_is_refused_before_anything(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["cleanup", "--all"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert "--yes" in line
    assert not cloud.removed


@pytest.mark.parametrize(("stuck", "status"), [((), 0), ((IN_USE,), 3), (ALL, 4)])
def test_what_would_not_go_is_named_and_counts(
    cloud: Cloud,
    capsys: pytest.CaptureFixture[str],
    stuck: tuple[Leftover, ...],
    status: int,
) -> None:
    cloud.stuck = stuck
    assert main.main(["cleanup", "--all", "--yes"]) == status
    errors = capsys.readouterr().err
    for leftover in stuck:
        assert (
            f"not removed: {leftover.region} {leftover.kind} {leftover.name}" in errors
        )
    assert f"removed {3 - len(stuck)} of 3 found" in errors


def test_nothing_left_over_is_good_news(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.found = ()
    assert main.main(["cleanup"]) == 0
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "nothing is left over\n")


def test_a_region_that_could_not_be_asked_is_no_success(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def find(_cloud: object, *, emit: Emit, **_: Any) -> tuple[Leftover, ...]:
        emit(Note(text="cannot look", region="cn-gone-1", level="WARNING"))
        return ()

    monkeypatch.setattr(cleanup, "find_leftovers", find)
    assert main.main(["cleanup"]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "cn-gone-1: cannot look",
        "nothing is left over in the regions that answered",
    ]
    assert not cloud.removed


def test_errors_are_one_line(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def find(_cloud: object, **_: Any) -> tuple[Leftover, ...]:
        raise ConfigurationError("no credentials", advice="set them")

    monkeypatch.setattr(cleanup, "find_leftovers", find)
    assert main.main(["cleanup"]) == 2
    assert capsys.readouterr().err == "ali-import: error: no credentials; set them\n"
    assert not cloud.removed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    async def find(_cloud: object, **_: Any) -> tuple[Leftover, ...]:
        signal.raise_signal(number)
        await anyio.sleep(10)
        return ()

    monkeypatch.setattr(cleanup, "find_leftovers", find)
    assert main.main(["cleanup"]) == 130
    assert not cloud.removed
