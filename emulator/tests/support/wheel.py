"""A clean environment: a built wheel, what it depends on, and nothing else."""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

EMULATOR = Path(__file__).parents[2]
BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"


def built_wheel(folder: Path) -> Path:
    """Build the emulator's wheel into ``folder``."""
    subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=EMULATOR,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def clean_environment(folder: Path, wheel: Path, *more: str) -> Path:
    """Make a virtual environment in ``folder``, and return its ``bin``.

    Nothing is downloaded: what the wheel depends on, and ``more``, is this environment's.
    """
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True
    )
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (metadata,) = site.glob("alicloud_emulator-*.dist-info/METADATA")
    wanted = [*_required(metadata.read_text("utf-8").splitlines()), *more]
    taken: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in taken:
            continue
        taken.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # for another Python or another system
        wanted += _required(f"Requires-Dist: {one}" for one in found.requires or ())
        for file in found.files or ():
            top = file.parts[0]
            if top not in {"..", "__pycache__"} and not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))))
    command = folder / "bin" / "alicloud-emulator"
    command.write_text(
        f"#!{folder}/bin/python\nimport sys\n"
        "from alicloud_emulator.cli.main import main\nsys.exit(main())\n"
    )
    command.chmod(0o755)
    return folder / "bin"


def _required(lines: object) -> list[str]:
    """Return the names in ``Requires-Dist`` lines, those of extras left out."""
    return [
        match[1]
        for line in lines  # type: ignore[attr-defined] # lines of text
        if (match := re.match(r"Requires-Dist: ([\w.-]+)", line))
        and "extra ==" not in line
    ]
