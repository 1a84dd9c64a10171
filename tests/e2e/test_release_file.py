"""A release file as a process reads it: what it says stands in the cloud afterwards."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from tests.e2e.conftest import FAMILY, NAME
from tests.support.audit import Expected, problems
from tests.support.tool import BIN, run

pytestmark = pytest.mark.e2e

REGIONS = ["eu-central-1", "us-west-1"]
RELEASE = f"""\
name = "demo-{{version}}"
family = "{FAMILY}"
public = true
region = {REGIONS}
image = ["bios.img", "x64.img", "arm64.img"]
"""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


@pytest.fixture
def release(tmp_path: Path, disks: list[Path]) -> Path:
    """A release file with its images beside it; the command runs elsewhere."""
    folder = tmp_path / "release"
    folder.mkdir()
    for disk, name in zip(disks, ("bios", "x64", "arm64"), strict=True):
        shutil.copy(disk, folder / f"{name}.img")
    path = folder / "release.toml"
    path.write_text(RELEASE, encoding="utf-8")
    return path


def test_what_the_file_says_stands(
    cloud: RunningEmulator, release: Path, wanted: list[Expected]
) -> None:
    version = NAME.removeprefix("demo-")
    flags = ("-c", release, "--set", f"version={version}")
    ended = run(BIN / "ali-import", *flags, env=cloud.env)
    assert ended.status == 0, ended.err
    assert len(ended.lines) == 6
    state = cloud.get("/state")
    assert problems(state, wanted, public=True, regions=REGIONS) == []
    again = run(BIN / "ali-import", *flags, env=cloud.env)
    assert (again.status, again.out) == (0, ended.out)
    assert "6 unchanged" in again.err


def test_a_flag_wins_and_files_replace_the_files(
    cloud: RunningEmulator, release: Path, disks: list[Path], wanted: list[Expected]
) -> None:
    flags = ("-c", release, "--set", "version=x", "-n", NAME, "--no-public")
    ended = run(BIN / "ali-import", *flags, "-r", REGIONS[0], disks[0], env=cloud.env)
    assert ended.status == 0, ended.err
    state = cloud.get("/state")
    assert problems(state, wanted[:1], public=False, regions=REGIONS[:1]) == []


def test_twenty_images_of_one_release_have_one_report(
    cloud: RunningEmulator, tmp_path: Path, disks: list[Path]
) -> None:
    path = tmp_path / "release.toml"
    tables = "".join(
        f'[[image]]\nfile = "{disks[0]}"\nname = "demo-{n}"\nfamily = "demo-f{n}"\n'
        for n in range(20)
    )
    path.write_text(f'family = "demo"\nregion = ["us-west-1"]\n{tables}')
    ended = run(BIN / "ali-import", "--config", path, env=cloud.env)
    assert ended.status == 0, ended.err
    assert [line.split()[1:3] for line in ended.lines] == [
        [f"demo-{n}", f"(demo-f{n})"] for n in range(20)
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (RELEASE, "release.toml:1: name: {version} is not set; add --set version="),
        ("famly = 'x'", "release.toml:1: famly: no such key; did you mean family?"),
        ("image = [", "release.toml:1: "),
        ("image = ['x.img']", "names no family"),
        ("family = 'demo'\nimage = ['none.img']", "none.img"),
    ],
)
def test_a_wrong_file_is_one_line_and_changes_nothing(
    cloud: RunningEmulator, release: Path, text: str, complaint: str
) -> None:
    release.write_text(text, encoding="utf-8")
    ended = run(BIN / "ali-import", "-c", release, env=cloud.env)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert complaint in line
    assert cloud.get("/requests")["requests"]["by_action"] == {}
