"""The library without a cloud: its names, its cost, and what it refuses."""

import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

import ali_import
from ali_import import (
    Cloud,
    ConfigurationError,
    DiskImageError,
    Image,
    Options,
    library,
    preparing,
)
from ali_import.disk import DiskImage, inspect
from tests.support import disks
from tests.unit.cli.scripted import (
    SCRIPTS,
    ScriptedRun,
    nobody_refused,
    nothing_unfinished,
    run_with,
)

NOWHERE = cast("Cloud", None)


def python(code: str) -> str:
    """Run a program in a process of its own; return what it prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_it_loads_nothing() -> None:
    heavy = {"anyio", "asyncio", "logging", "requests", "ali_import.library"}
    code = "import sys, ali_import; print(*sys.modules)"
    assert not heavy & set(python(code).split())


def test_every_public_name_is_there_and_no_other() -> None:
    for name in ali_import.__all__:
        assert getattr(ali_import, name) is not None
    assert dir(ali_import) == sorted(ali_import.__all__)
    with pytest.raises(AttributeError, match="no attribute 'compose'"):
        ali_import.compose  # type: ignore[attr-defined] # noqa: B018


@pytest.mark.parametrize(
    "first", ["", "import ali_import.publish.run", "from ali_import import library"]
)
def test_publish_is_the_function_whatever_was_loaded_before(first: str) -> None:
    code = f"{first}\nfrom ali_import import publish\nprint(publish.__module__)"
    assert python(code) == "ali_import.library\n"


def test_publish_takes_every_option_by_name() -> None:
    names = {field.name for field in fields(Options)}
    assert library.OptionChanges.__annotations__.keys() == names


@pytest.mark.parametrize("name", ["Image", "Options", "Report", "Outcome", "Leftover"])
def test_values_are_frozen(name: str) -> None:
    kind: Any = getattr(ali_import, name)
    assert fields(kind)
    one = object.__new__(kind)
    with pytest.raises(FrozenInstanceError):
        one.any_field = 1


def test_the_synchronous_form_refuses_inside_a_running_loop(
    anyio_backend_name: str,
) -> None:
    async def call() -> None:
        with pytest.raises(RuntimeError, match=r"await ali_import\.publish instead"):
            ali_import.publish_sync([Image("a.img")])

    anyio.run(call, backend=anyio_backend_name)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_no_image_is_refused(anyio_backend_name: str) -> None:
    async def call() -> None:
        await ali_import.publish(NOWHERE, [])

    with pytest.raises(ConfigurationError, match="no image"):
        anyio.run(call, backend=anyio_backend_name)


def test_one_bad_file_is_its_error_and_several_are_a_group(tmp_path: Path) -> None:
    async def call(*names: str) -> None:
        await ali_import.publish(NOWHERE, [Image(tmp_path / name) for name in names])

    with pytest.raises(DiskImageError):
        anyio.run(call, "a")
    with pytest.raises(ExceptionGroup) as several:
        anyio.run(call, "a", "b")
    assert [type(each) for each in several.value.exceptions] == [DiskImageError] * 2


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedRun]:
    runs: list[ScriptedRun] = []
    monkeypatch.setattr(library, "Run", run_with(SCRIPTS["place_all"], runs))
    monkeypatch.setattr(preparing, "is_unfinished", nothing_unfinished)
    monkeypatch.setattr(library, "refuse_account", nobody_refused)
    return runs


def test_the_event_loop_reads_no_file_and_loads_no_sdk(
    made: list[ScriptedRun],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    anyio_backend_name: str,
) -> None:
    image = disks.write_image(tmp_path / "a.img")
    opened = library._open
    threads: dict[str, threading.Thread] = {}

    def watched_inspect(path: Path, *_: object, **__: object) -> DiskImage:
        threads["inspect"] = threading.current_thread()
        return inspect(path)

    def watched_open() -> Any:
        threads["open"] = threading.current_thread()
        return opened()

    monkeypatch.setattr(preparing, "inspect", watched_inspect)
    monkeypatch.setattr(library, "_open", watched_open)

    async def call() -> None:
        async with ali_import.connect() as cloud:
            await ali_import.publish(cloud, [Image(image)])

    anyio.run(call, backend=anyio_backend_name)
    assert len(made) == 1
    assert threads.keys() == {"inspect", "open"}
    assert threading.main_thread() not in threads.values()


def test_keywords_win_over_options_and_regions_are_folded(
    made: list[ScriptedRun], tmp_path: Path
) -> None:
    image = disks.write_image(tmp_path / "a.img")

    async def call() -> None:
        options = Options(regions=("cn-beijing",), public=True)
        regions = ("us-east-1", "us-east-1")
        await ali_import.publish(
            NOWHERE, [Image(image, name="n1")], options=options, regions=regions
        )

    anyio.run(call)
    assert made[0].options == Options(regions=("us-east-1",), public=True)


def test_an_interrupt_before_anything_began_is_not_lost(
    made: list[ScriptedRun], tmp_path: Path
) -> None:
    image = disks.write_image(tmp_path / "a.img")

    async def call() -> None:
        publication = ali_import.Publication(NOWHERE, [Image(image, name="n1")])
        assert publication.leftovers() == ()
        publication.interrupt()
        await publication.execute()
        assert [target.name for target in publication.targets] == ["n1"]

    anyio.run(call)
    assert made[0].interrupts == 1


@pytest.mark.parametrize("case", [(1, True, 26), (1, False, 27), (23, True, 27)])
def test_after_midnight_a_run_that_was_cut_short_keeps_its_name(
    made: list[ScriptedRun],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[int, bool, int],
) -> None:
    hour, cut_short, day = case
    now = datetime(2026, 11, 27, hour, 30, tzinfo=UTC).timestamp()

    async def is_unfinished(_cloud: Any, targets: Any, *_: Any) -> bool:
        assert [target.name for target in targets] == ["demo-20261126"]
        return cut_short

    monkeypatch.setattr("ali_import.preparing.is_unfinished", is_unfinished)
    monkeypatch.setattr("ali_import.preparing.time.time", lambda: now)
    image = Image(disks.write_image(tmp_path / "a.img"), family="demo")
    heard: list[Any] = []

    async def call() -> None:
        await ali_import.publish(NOWHERE, [image], on_event=heard.append)

    anyio.run(call)
    assert [target.name for target in made[0].targets] == [f"demo-202611{day}"]
    told = [note.text for note in heard if isinstance(note, ali_import.Note)]
    assert any("continuing it as demo-20261126" in text for text in told) == (day == 26)
