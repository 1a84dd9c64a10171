"""What end-to-end tests share: disk images, and emulators by profile."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.make_demo_images import demo_disks
from tests.support.audit import Expected, expected
from tests.support.tool import BIN, Ended, run

NAME, FAMILY = "demo-1", "demo"
FLAGS = ("--name", NAME, "--family", FAMILY)

Exec = Callable[..., tuple[Ended, dict[str, Any]]]


@pytest.fixture(scope="session")
def disks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three small disk images: BIOS, UEFI x86-64, UEFI arm64."""
    folder = tmp_path_factory.mktemp("disks")
    paths = []
    for name, content in demo_disks().items():
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    return paths


@pytest.fixture(scope="session")
def wanted(disks: list[Path]) -> list[Expected]:
    return expected(disks, name=NAME, family=FAMILY)


@pytest.fixture
def execute(tmp_path: Path) -> Exec:
    """Run ``alicloud-emulator exec ... -- ali-import ...`` and read its report."""

    def execute(*arguments: object, options: tuple[object, ...] = ()) -> Any:
        report = tmp_path / "report.json"
        emulator = (BIN / "alicloud-emulator", "exec", "--report", report, *options)
        ended = run(*emulator, "--", BIN / "ali-import", *arguments)
        return ended, json.loads(report.read_text(encoding="utf-8"))

    return execute
