"""The report for programs: its shape, and how the file is written."""

import dataclasses
import json
import os
import re
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from ali_import import __version__
from ali_import.redaction import Redactor
from ali_import.report import documents
from tests.unit.report import samples

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "report.md"


def document() -> dict[str, Any]:
    return documents.as_json(
        samples.MIXED,
        [samples.target()],
        exit_status=3,
        started_at=1767949200.5,
        redactor=Redactor(),
    )


def test_the_document_has_the_documented_shape() -> None:
    made = document()
    assert made["schema"] == 1
    assert made["tool"] == {"name": "ali-import", "version": __version__}
    assert made["started_at"] == "2026-01-09T09:00:00+00:00"
    assert made["exit_status"] == 3
    assert made["counts"] == {
        "placed": 2,
        "adopted": 1,
        "unchanged": 1,
        "failed": 1,
        "skipped": 1,
    }
    assert made["placements"][0] == {
        "region": "cn-hangzhou",
        "name": "n1",
        "family": "ipxe",
        "result": "placed",
        "image_id": "m-placed",
        "published": True,
        "route": "relay",
        "step": "done",
        "code": None,
        "message": None,
        "request_id": None,
        "advice": None,
        "seconds": 12.346,
    }
    assert made["images"] == [
        {
            "path": "a.img",
            "name": "n1-uefi-multi",
            "family": "ipxe-uefi-multi",
            "format": "RAW",
            "architecture": None,
            "boot_mode": "UEFI",
            "uefi_preferred": False,
            "size_gib": 1,
            "file_bytes": 1048576,
            "virtual_bytes": 1048576,
            "sha256": "ab" * 32,
        }
    ]
    assert made["leftovers"] == [
        {
            "region": "us-east-1",
            "kind": "bucket",
            "name": "ali-import-12345678-66aabbcc-us-east-1",
            "run_id": "12345678",
            "expires_at": "2026-01-09T09:00:00+00:00",
            "detail": "3 objects, 1 unfinished upload",
        }
    ]


def test_a_file_name_that_is_not_utf8_can_be_told_from_others() -> None:
    target = samples.target()
    path = Path(os.fsdecode(b"dis\xffk.img"))
    image = dataclasses.replace(target.image, path=path)
    made = documents.as_json(
        samples.MIXED,
        [dataclasses.replace(target, image=image)],
        exit_status=3,
        started_at=1767949200.5,
        redactor=Redactor(),
    )
    assert made["images"][0]["path"] == "dis\\xffk.img"


def test_messages_are_redacted() -> None:
    text = json.dumps(document())
    assert "SECRET0123456" not in text
    assert "ECS may not read the bucket" in text


def test_every_field_is_documented_and_every_documented_field_exists() -> None:
    documented = set(
        re.findall(r"^\| `([a-z0-9_.\[\]]+)`", _documentation(), re.MULTILINE)
    )
    assert documented == set(_field_names(document(), ""))


def test_the_documented_example_has_every_field_too() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", _documentation(), re.DOTALL)
    assert set(_field_names(json.loads(example), "")) == set(
        _field_names(document(), "")
    )


def _documentation() -> str:
    return DOCUMENTATION.read_text()


def _field_names(value: object, prefix: str) -> list[str]:
    if isinstance(value, list):
        return _field_names(value[0], f"{prefix}[]")
    if not isinstance(value, dict):
        return []
    names = []
    for key, inner in value.items():
        name = f"{prefix}.{key}".removeprefix(".")
        names += [name, *_field_names(inner, name)]
    return names


def test_writing_replaces_the_file_whole_and_leaves_nothing_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    documents.write({"name": "镜像"}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "镜像"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.json"]


def test_the_file_has_ordinary_permissions(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    umask = os.umask(0o027)
    try:
        documents.write({}, path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "r.json"
    link.symlink_to("real/r.json")
    documents.write({"a": 1}, link)
    assert link.is_symlink()
    assert json.loads((tmp_path / "real" / "r.json").read_text()) == {"a": 1}


def test_a_document_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    with pytest.raises(TypeError):
        documents.write({"a": object()}, path)
    assert path.read_text() == "old"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    documents.check_writable(path)
    documents.write({"a": 1}, path)
    reader.join(timeout=5)
    assert json.loads(read[0]) == {"a": 1}
    assert path.is_fifo()


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    documents.check_writable(tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []


def test_checking_finds_out_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        documents.check_writable(tmp_path / "none" / "r.json")
    with pytest.raises(IsADirectoryError):
        documents.check_writable(tmp_path)
