"""Reports for programs and for a workflow's page: their shape."""

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ali_import import __version__
from ali_import.publish.model import Outcome, Report, Result
from ali_import.report import documents
from ali_import.report.destinations import Format
from tests.unit.report import bad_day, samples

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "reports.md"


def document() -> dict[str, Any]:
    return documents.as_dict(bad_day.mixed())


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
        "old_changed": False,
        "route": "relay",
        "step": "done",
        "code": None,
        "operation": None,
        "message": None,
        "request_id": None,
        "advice": None,
        "seconds": 12.346,
        "steps": [
            {
                "step": "survey",
                "route": None,
                "after_seconds": 1.0,
                "seconds": 1.0,
                "attempts": 1,
                "bytes": None,
            },
            {
                "step": "stage",
                "route": "relay",
                "after_seconds": 2.0,
                "seconds": 1.0,
                "attempts": 1,
                "bytes": 1048576,
            },
            {
                "step": "import",
                "route": "relay",
                "after_seconds": 3.0,
                "seconds": 1.0,
                "attempts": 1,
                "bytes": None,
            },
        ],
    }
    assert made["causes"][0] == {
        "kind": "failed",
        "code": "NoSetRoletoECSServiceAcount",
        "steps": ["import"],
        "operations": ["ecs.ImportImage"],
        "message": "ECS may not read the bucket; see https://x.example/?***",
        "messages": 1,
        "request_id": "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
        "advice": "create the role AliyunECSImageImportDefaultRole",
        "allowed": False,
        "placements": [{"region": "eu-central-1", "name": "n1-uefi-arm64"}],
    }
    assert made["command"] == "ali-import -n n1 a.img"
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
    end = dataclasses.replace(
        bad_day.mixed(), targets=(dataclasses.replace(target, image=image),)
    )
    made = documents.as_dict(end)
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
    return DOCUMENTATION.read_text().partition("## The report for programs")[2]


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


# --- the others -----------------------------------------------------------------------


def one(outcome: Outcome, **fields: Any) -> Any:
    report = Report(run_id="0123abcd", outcomes=(outcome,))
    return dataclasses.replace(bad_day.ended(report), **fields)


def test_the_ids_alone_are_by_name_and_region() -> None:
    assert json.loads(documents.as_images(bad_day.mixed())) == {
        "n1": {"cn-hangzhou": "m-placed", "eu-central-1": "m-adopted"},
        "n1-uefi-arm64": {"cn-hangzhou": "m-unchanged"},
    }


def test_terraform_reads_the_ids_as_a_map() -> None:
    assert documents.as_tfvars(bad_day.mixed()) == (
        "images = {\n"
        '  "n1" = {\n'
        '    "cn-hangzhou" = "m-placed"\n'
        '    "eu-central-1" = "m-adopted"\n'
        "  }\n"
        '  "n1-uefi-arm64" = {\n'
        '    "cn-hangzhou" = "m-unchanged"\n'
        "  }\n"
        "}\n"
    )


def test_terraform_takes_nothing_in_a_name_for_a_template() -> None:
    hostile = dataclasses.replace(samples.PLACED, name='a"${x}%{y}')
    assert '"a\\"$${x}%%{y}" = {' in documents.as_tfvars(one(hostile))


def test_no_value_for_the_runner_begins_a_line_of_its_own() -> None:
    hostile = dataclasses.replace(
        samples.PLACED, name="n\nforged=1", image_id="m\r\nforged=2"
    )
    lines = documents.as_github_output(one(hostile)).splitlines()
    assert [line.partition("=")[0] for line in lines] == [
        *("images", "exit-status", "run-id"),
        *("placements", "standing", "summary"),
    ]
    assert json.loads(lines[0].partition("=")[2]) == {
        "n\nforged=1": {"cn-hangzhou": "m\r\nforged=2"}
    }


def test_a_workflows_page_has_causes_first_and_a_row_a_region() -> None:
    page = documents.as_markdown(bad_day.mixed()).splitlines()
    assert (
        page[0]
        == "### ali-import: 1 cause, 1 of 6 failed, 1 of 6 held back, 1 of 6 skipped"
    )
    assert page[2] == (
        "1. **NoSetRoletoECSServiceAcount at import (ecs.ImportImage)**: eu-central-1 (n1-uefi-arm64)"
    )
    assert "   - to do: create the role AliyunECSImageImportDefaultRole" in page
    assert "- then run again: `ali-import -n n1 a.img`" in page
    assert page[-5:] == [
        "| region | n1 | n1-uefi-arm64 |",
        "|---|---|---|",
        "| cn-hangzhou | `m-placed` placed | `m-unchanged` unchanged |",
        "| eu-central-1 | `m-adopted` adopted | **failed** NoSetRoletoECSServiceAcount |",
        "| us-east-1 | **skipped** | **not published** |",
    ]


def test_a_workflows_page_of_a_good_run_is_short() -> None:
    page = documents.as_markdown(one(samples.PLACED)).splitlines()
    assert page[0] == "### ali-import: 1 placement in 1 region: 1 placed"
    assert len(page) == 7


def test_what_the_cloud_says_is_no_markdown_and_no_html() -> None:
    hostile = dataclasses.replace(
        samples.FAILED, message="<script>a</script> | [b](c) `d` *e*", code="C|d"
    )
    page = documents.as_markdown(one(hostile))
    assert "<script>" not in page
    assert r"&lt;script&gt;a&lt;/script&gt; \| \[b\](c) \`d\` \*e\*" in page


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("ali-import a.img", "`ali-import a.img`"),
        ("ali-import 'a`b.img'", "`` ali-import 'a`b.img' ``"),
        ("ali-import 'a``b'", "``` ali-import 'a``b' ```"),
    ],
)
def test_a_command_is_shown_as_it_is(command: str, shown: str) -> None:
    assert shown in documents.as_markdown(one(samples.FAILED, command=command))


@pytest.mark.parametrize("form", Format)
def test_every_format_can_tell_a_run_of_nothing(form: Format) -> None:
    for interrupted in (False, True):
        report = Report(run_id="0123abcd", outcomes=(), interrupted=interrupted)
        assert documents.RENDERERS[form](bad_day.ended(report)).endswith("\n")


@pytest.mark.parametrize("form", Format)
def test_no_format_tells_a_secret(form: Format) -> None:
    text = documents.RENDERERS[form](bad_day.mixed())
    assert "SECRET0123456" not in text


@pytest.mark.parametrize("result", Result)
def test_every_result_has_a_word_in_every_format(result: Result) -> None:
    end = one(dataclasses.replace(samples.PLACED, result=result))
    for form in (Format.JSON, Format.MARKDOWN, Format.HTML):
        assert result in documents.RENDERERS[form](end)
