"""The documents are true: made ones are fresh, links lead somewhere, examples parse."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ali_import.cli.arguments import COMMANDS
from ali_import.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for folder in (ROOT, ROOT / "docs", ROOT / "emulator", ROOT / "emulator" / "docs")
    for page in folder.glob("*.md")
]


def test_documents_made_from_code_are_fresh() -> None:
    script = ROOT / "scripts" / "make_docs.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_toml_examples_parse(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for example in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        tomllib.loads(example)


def test_the_readme_names_every_flag_and_status_that_help_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for topic in ("publish", *COMMANDS):
        assert main(["help", topic]) == 0
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out.replace("[no-]", "")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for flag in set(re.findall(r"--[a-z][a-z-]+", readme)) - EMULATOR_FLAGS:
        assert flag in shown, flag
    for status in ("0", "2", "3", "4", "130"):
        assert re.search(rf"^ +{status} ", shown, re.MULTILINE)
        assert f"| {status} |" in readme


EMULATOR_FLAGS = {"--fail-rate"}
