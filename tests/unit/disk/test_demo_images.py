"""The demo's disks: one of each kind, the same bytes every time."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ali_import.disk import inspect
from emulator.tests.support.programs import need, run
from scripts.make_demo_images import demo_disks, efi_program

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_demo_images.py"
SUFFIXES = {
    "demo-bios.img": "",
    "demo-uefi-x86-64.img": "-uefi-x86-64",
    "demo-uefi-arm64.img": "-uefi-arm64",
}


def test_the_script_writes_the_same_three_images_again(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT)]
    written = {}
    for directory in (tmp_path / "a" / "new", tmp_path / "b"):
        result = subprocess.run(
            [*command, str(directory)],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
        )
        paths = [Path(line) for line in result.stdout.splitlines()]
        assert sorted(paths) == sorted(directory.iterdir())
        written[directory] = {path.name: path.read_bytes() for path in paths}
    first, second = written.values()
    assert first == second == demo_disks()


@pytest.mark.parametrize("name", SUFFIXES)
def test_each_is_small_and_of_its_kind(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(demo_disks()[name])
    image = inspect(path)
    assert image.suffix == SUFFIXES[name]
    assert 1_000_000 < image.file_bytes < 3_000_000


@pytest.mark.parametrize("name", ["demo-uefi-x86-64.img", "demo-uefi-arm64.img"])
def test_gdisk_finds_them_in_order(tmp_path: Path, name: str) -> None:
    need("sgdisk", "gdisk")
    path = tmp_path / name
    path.write_bytes(demo_disks()[name])
    assert "No problems found" in run("sgdisk", "--verify", path)


def test_the_boot_files_are_programs_for_their_machine() -> None:
    content = efi_program(0x8664, b"\xc3")
    (header,) = struct.unpack_from("<I", content, 60)
    assert content[header : header + 6] == b"PE\0\0\x64\x86"
    section = header + 24 + 240
    at, size = struct.unpack_from("<8x4xI4xI", content, section)
    assert (at, size) == (0x1000, 0x200)
    assert content[0x200] == 0xC3


def test_the_boot_sector_carries_its_greeting_at_the_address_it_prints() -> None:
    sector = demo_disks()["demo-bios.img"][:512]
    load_greeting = 5
    assert sector[load_greeting] == 0xBE  # mov si, imm16
    (address,) = struct.unpack_from("<H", sector, load_greeting + 1)
    assert sector[address - 0x7C00 :].startswith(b"Hello from the ali-import demo")
