"""``--report [FORMAT:]FILE``: which format, where to, and how the file is written."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from ali_import.report import destinations
from ali_import.report.destinations import Format, destination


@pytest.mark.parametrize(
    ("given", "form", "path"),
    [
        ("r.json", Format.JSON, "r.json"),
        ("out/r.HTML", Format.HTML, "out/r.HTML"),
        ("r.htm", Format.HTML, "r.htm"),
        ("images.auto.tfvars", Format.TFVARS, "images.auto.tfvars"),
        ("summary.md", Format.MARKDOWN, "summary.md"),
        ("images:ids.json", Format.IMAGES, "ids.json"),
        ("json:noext", Format.JSON, "noext"),
        ("github-output:out", Format.GITHUB_OUTPUT, "out"),
        # No format has this name, so it is a part of the file's.
        ("monday:r.json", Format.JSON, "monday:r.json"),
        ("json:html:x", Format.JSON, "html:x"),
        ("./-", None, "./-"),
        ("html:./-", Format.HTML, "./-"),
        ("html:-", Format.HTML, None),
    ],
)
def test_a_prefix_names_the_format_or_else_the_suffix(
    given: str, form: Format | None, path: str | None
) -> None:
    if form is None:
        with pytest.raises(ValueError, match=r"write FORMAT:\./-"):
            destination(given, {})
        return
    made = destination(given, {})
    assert (made.given, made.format, made.appended) == (given, form, False)
    assert made.path == (Path(path) if path else None)


@pytest.mark.parametrize("given", ["", "json:", "-", "r", "r.txt", "yaml:r.yaml"])
def test_what_says_no_format_or_no_file_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"format|names no file"):
        destination(given, {})


def test_the_runners_files_are_known_by_whatever_name(tmp_path: Path) -> None:
    summary = tmp_path / "step_summary_1"
    summary.touch()
    (tmp_path / "link.html").symlink_to(summary)
    runner = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": "/none/out"}
    made = destination(str(summary), runner)
    assert (made.format, made.appended) == (Format.MARKDOWN, True)
    assert destination("/none/out", runner).format is Format.GITHUB_OUTPUT
    assert destination(f"html:{tmp_path}/link.html", runner).appended
    assert not destination("r.md", runner).appended


# --- writing --------------------------------------------------------------------------


def test_writing_replaces_the_file_whole_and_leaves_nothing_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    destinations.write("镜像\n", path)
    assert path.read_text(encoding="utf-8") == "镜像\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.json"]


def test_the_file_has_ordinary_permissions(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    umask = os.umask(0o027)
    try:
        destinations.write("", path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "r.json"
    link.symlink_to("real/r.json")
    destinations.write("new", link)
    assert link.is_symlink()
    assert (tmp_path / "real" / "r.json").read_text() == "new"


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        destinations.write("new", path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.json"]


def test_a_runners_file_keeps_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    for text in ("one\n", "two\n"):
        destinations.check_writable(path, appended=True)
        destinations.write(text, path, appended=True)
    assert path.read_text() == "one\ntwo\n"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    destinations.check_writable(path)
    destinations.write("new", path)
    reader.join(timeout=5)
    assert read == ["new"]
    assert path.is_fifo()


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    destinations.check_writable(tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []


def test_checking_finds_out_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        destinations.check_writable(tmp_path / "none" / "r.json")
    with pytest.raises(IsADirectoryError):
        destinations.check_writable(tmp_path)
