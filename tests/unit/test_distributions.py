"""Two distributions: each builds, has its own command and what it needs, and no more."""

import ast
import re
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = pytest.mark.parametrize(
    "folder", [ROOT, ROOT / "emulator"], ids=["tool", "emulator"]
)

STANDARD = {*sys.stdlib_module_names, "compression"}  # the last from Python 3.14 on
WHERE_THERE_IS_ONE = {"alicloud_emulator": {"certifi", "pytest"}}


@FOLDERS
def test_a_distribution_depends_on_what_its_package_imports(folder: Path) -> None:
    """Else its command dies at an import where only the distribution is installed."""
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[<>=]", name)[0] for name in project["dependencies"]}
    offered = packages_distributions()
    (package,) = (path.parent for path in (folder / "src").glob("*/__init__.py"))
    free = {*STANDARD, *WHERE_THERE_IS_ONE.get(package.name, ()), package.name}
    for path in package.rglob("*.py"):
        for top in {name.split(".", 1)[0] for name in imports(path)}:
            if top in free:
                continue
            names = {re.sub(r"[-_.]+", "-", name) for name in offered.get(top, ())}
            assert declared & names, f"{path}: {top}"


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"


@FOLDERS
def test_a_wheel_holds_one_package_and_its_command(
    folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, tmp_path],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = (name for name in names if name.endswith("/entry_points.txt"))
        entries = ConfigParser()
        entries.read_string(archive.read(entry_points).decode())
    (package,) = (path.parent for path in (folder / "src").glob("*/__init__.py"))
    kept = {path for path in package.rglob("*") if path.is_file()}
    expected = {
        path.relative_to(package.parent).as_posix()
        for path in kept
        if "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert list(entries["console_scripts"]) == [package.name.replace("_", "-")]
