"""``ali-import inspect``: what it prints, and what it exits with."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import ali_import
from ali_import.cli import main
from scripts.diskbuilder import EFI_SYSTEM_GUID
from tests.support.containers import qcow2, vhd_fixed, vmdk
from tests.support.disks import (
    BOOT_ARM64,
    BOOT_CODE,
    BOOT_X86_64,
    FatShape,
    Slot,
    disk,
    fat_volume,
    gpt_disk,
    program,
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("both.qcow2").write_bytes(qcow2(disk(BOOT_X86_64, BOOT_ARM64)))
    Path("bios.img").write_bytes(disk())
    Path("old.vmdk").write_bytes(vmdk(disk(BOOT_X86_64)))
    Path("text").write_text("hello\n" * 100)


def told(capsys: pytest.CaptureFixture[str], *files: str) -> Any:
    main.main(["inspect", "--json", *files])
    return json.loads(capsys.readouterr().out)


def test_a_file_is_told_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["inspect", "both.qcow2", "bios.img"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert [" ".join(line.split()) for line in output.out.splitlines()] == [
        "both.qcow2: QCOW2, version 3, clusters of 64 KiB",
        "disk 1.1 MiB (1,179,648 bytes)",
        "data 192 KiB (196,608 bytes)",
        "partitions GPT, sectors of 512 bytes",
        f"1: 1 MiB at 64 KiB, EFI system, {EFI_SYSTEM_GUID} 'partition 1'",
        "boots EFI/BOOT/BOOTX64.EFI of partition 1: x86_64, not signed for Secure Boot",
        "EFI/BOOT/BOOTAA64.EFI of partition 1: arm64, not signed for Secure Boot",
        "published QCOW2, UEFI, x86_64 and arm64, 1 GiB, names end with -uefi-multi",
        "bios.img: RAW",
        *[
            " ".join(line.split())
            for line in output.out.splitlines()[9:]
            if not line.startswith("bios.img")
        ],
    ]
    assert "published   RAW, BIOS, x86_64, 1 GiB\n" in output.out


def test_what_cannot_be_published_is_told_with_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.main(["inspect", "old.vmdk", "text", "bios.img"]) == 2
    output = capsys.readouterr()
    assert "refused     is a VMDK image (virtual size 1.1 MiB), which" in output.out
    assert "qemu-img convert -O qcow2 old.vmdk old.qcow2" in output.out
    assert "BOOTX64.EFI" in output.out
    assert "bios.img: RAW" in output.out
    (line,) = output.err.splitlines()
    assert line.startswith("ali-import: error: text: is a text file; ")


def test_programs_get_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    document = told(capsys, "both.qcow2", "text", "old.vmdk")
    assert document["schema"] == 1
    both, text, old = document["files"]
    assert text == {
        "path": "text",
        "error": "is a text file",
        "advice": "name a disk image; a failed download often leaves a text file",
    }
    assert (both["path"], both["error"], both["format"]) == (
        "both.qcow2",
        None,
        "QCOW2",
    )
    assert (both["virtual_bytes"], both["data_bytes"]) == (1_179_648, 196_608)
    assert both["file_bytes"] == Path("both.qcow2").stat().st_size
    assert (both["table"], both["sector_bytes"]) == ("GPT", 512)
    assert both["partitions"] == [
        {
            "number": 1,
            "type": str(EFI_SYSTEM_GUID),
            "type_name": "EFI system",
            "name": "partition 1",
            "offset": 65536,
            "size_bytes": 1024 * 1024,
        }
    ]
    assert both["efi_programs"][1] == {
        "path": "EFI/BOOT/BOOTAA64.EFI",
        "partition": 1,
        "machine": "arm64",
        "signed": False,
        "problem": None,
    }
    assert (both["boot_mode"], both["architecture"]) == ("UEFI", None)
    assert (both["suffix"], both["size_gib"]) == ("-uefi-multi", 1)
    assert (both["warnings"], both["refusals"]) == ([], [])
    assert old["refusals"][0]["overrulable"] is False


def test_warnings_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("disk.vhd").write_bytes(vhd_fixed(disk(BOOT_X86_64)))
    files = {"EFI/BOOT/BOOTX64.EFI": program("arm64", machine=0xAA64)}
    volume = fat_volume(files, FatShape(clusters=200))
    content = gpt_disk([Slot(content=volume)], boot_code=BOOT_CODE)
    Path("wrong.img").write_bytes(content[:-512])
    vhd, wrong = told(capsys, "disk.vhd", "wrong.img")["files"]
    assert any("cannot copy images made from a VHD" in text for text in vhd["warnings"])
    assert any("is a program for arm64" in text for text in wrong["warnings"])
    assert any("backup GPT is missing" in text for text in wrong["warnings"])
    assert main.main(["inspect", "wrong.img"]) == 0
    assert "  warning     the backup GPT is missing" in capsys.readouterr().out


def test_strange_names_are_shown_on_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = os.fsdecode(b"caf\xe9\n\x1b[31m.img")
    Path(name).write_bytes(vmdk(disk(BOOT_X86_64)))
    assert main.main(["inspect", name]) == 2
    output = capsys.readouterr().out
    assert output.splitlines()[0].startswith("caf\\xe9 ?[31m.img: VMDK")
    assert "\x1b" not in output
    (found,) = told(capsys, name)["files"]
    assert found["path"] == "caf\\xe9\n\x1b[31m.img"


def test_the_library_examines_too() -> None:
    found = ali_import.examine(Path("both.qcow2"))
    assert isinstance(found, ali_import.Inspection)
    assert found.suffix == "-uefi-multi"


def test_help_names_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["inspect", "--help"]) == 0
    assert "--json" in capsys.readouterr().out
