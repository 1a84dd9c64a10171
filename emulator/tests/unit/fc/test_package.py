"""Unpacking hostile code packages."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from alicloud_emulator.functions import package
from alicloud_emulator.functions.package import PackageError, unpack
from emulator.tests.unit.fc.conftest import zipped


def test_files_and_folders_come_out(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/b/c.py", "c")
        archive.mkdir("empty")
        script = zipfile.ZipInfo("run.sh")
        script.external_attr = (stat.S_IFREG | 0o4755) << 16
        archive.writestr(script, "#!/bin/sh")
    unpack(buffer.getvalue(), tmp_path / "code")
    assert (tmp_path / "code/a/b/c.py").read_text() == "c"
    assert (tmp_path / "code/empty").is_dir()
    assert (tmp_path / "code/run.sh").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..\\x", "a/.."])
def test_paths_that_lead_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageError):
        unpack(zipped({"fine": "", name: "x"}), tmp_path / "deep" / "code")
    assert not (tmp_path / "deep" / "code").exists()
    assert not (tmp_path / "deep" / "x").exists()


def test_links_are_left_out(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")
        archive.writestr("link/passwd", "mine")
    unpack(buffer.getvalue(), tmp_path / "code")
    assert not (tmp_path / "code/link").is_symlink()
    assert (tmp_path / "code/link/passwd").read_text() == "mine"


def test_more_than_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "UNPACKED_BYTES_MAX", 1000)
    unpack(zipped({"a": "x" * 500, "b": "x" * 500}), tmp_path / "fits")
    with pytest.raises(PackageError, match="too large"):
        unpack(zipped({"a": "x" * 500, "b": "x" * 501}), tmp_path / "code")
    assert not (tmp_path / "code").exists()


@pytest.mark.parametrize(
    "code",
    [
        b"",
        b"no zip",
        zipped({"index.py": "x" * 100})[:-30],
        zipped({"index.py": "x" * 100}).replace(b"x" * 50, b"y" * 50),  # bad CRC
        zipped({"a": "", "a/b": ""}),  # a file that is a folder too
        zipped({"n" * 300: ""}),
    ],
    ids=["empty", "text", "cut", "changed", "both", "long"],
)
def test_damaged_packages(tmp_path: Path, code: bytes) -> None:
    with pytest.raises(PackageError):
        unpack(code, tmp_path / "code")
    assert not (tmp_path / "code").exists()
