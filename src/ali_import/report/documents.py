"""Reports for programs and for a workflow's page, as text; docs/reports.md shows each.

JSON is stable: within one ``schema`` number fields are added, never changed or removed.
"""

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from ali_import import __version__
from ali_import.publish.model import Leftover, Outcome, Result, Target
from ali_import.redaction import with_bytes
from ali_import.report.destinations import Format
from ali_import.report.ending import (
    Cause,
    Ending,
    headline,
    places,
    said,
    state_of_things,
)
from ali_import.report.history import StepTaken
from ali_import.report.lines import duration, joined, moment, stands, tally_line
from ali_import.report.page import as_html

SCHEMA: Final = 1


# --- JSON -----------------------------------------------------------------------------


def as_json(end: Ending) -> str:
    """Return all that is known, as one JSON document."""
    return json.dumps(as_dict(end), ensure_ascii=False, indent=2) + "\n"


def as_dict(end: Ending) -> dict[str, Any]:
    """Return the JSON document before it is made text."""
    report = end.report
    return {
        "schema": SCHEMA,
        "tool": {"name": "ali-import", "version": __version__},
        "run_id": report.run_id,
        "started_at": moment(end.started_at),
        "seconds": round(report.seconds, 3),
        "exit_status": end.exit_status,
        "interrupted": report.interrupted,
        "timed_out": report.timed_out,
        "calls": report.calls,
        "retries": report.retries,
        "counts": {
            result.value: sum(outcome.result is result for outcome in report.outcomes)
            for result in Result
        },
        "causes": [_cause(cause) for cause in end.causes],
        "command": end.command,
        "images": [_image(target) for target in end.targets],
        "placements": [
            _placement(outcome, end.steps.get((outcome.region, outcome.name), ()))
            for outcome in report.outcomes
        ],
        "leftovers": [_leftover(leftover) for leftover in report.leftovers],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "kind": cause.kind.value,
        "code": cause.code or None,
        "steps": list(cause.steps),
        "operations": list(cause.operations),
        "message": cause.message or None,
        "messages": cause.messages,
        "request_id": cause.request_id or None,
        "advice": cause.advice or None,
        "allowed": cause.allowed,
        "placements": [{"region": o.region, "name": o.name} for o in cause.outcomes],
    }


def _image(target: Target) -> dict[str, Any]:
    image = target.image
    return {
        "path": with_bytes(str(image.path)),
        "name": target.name,
        "family": target.family,
        "format": image.format,
        "architecture": image.architecture.value if image.architecture else None,
        "boot_mode": image.boot_mode.value,
        "uefi_preferred": image.uefi_preferred,
        "size_gib": image.size_gib,
        "file_bytes": image.file_bytes,
        "virtual_bytes": image.virtual_bytes,
        "sha256": image.sha256,
    }


def _placement(outcome: Outcome, steps: Sequence[StepTaken]) -> dict[str, Any]:
    return {
        "region": outcome.region,
        "name": outcome.name,
        "family": outcome.family,
        "result": outcome.result.value,
        "image_id": outcome.image_id or None,
        "published": stands(outcome),
        "old_changed": outcome.old_changed,
        "route": outcome.route.value if outcome.route else None,
        "step": outcome.step.value,
        "code": outcome.code or None,
        "operation": outcome.operation or None,
        "message": outcome.message or None,
        "request_id": outcome.request_id or None,
        "advice": outcome.advice or None,
        "seconds": round(outcome.seconds, 3),
        "steps": [_step(step) for step in steps],
    }


def _step(step: StepTaken) -> dict[str, Any]:
    return {
        "step": step.step.value,
        "route": step.route.value if step.route else None,
        "after_seconds": round(step.began_s, 3),
        "seconds": round(step.seconds, 3),
        "attempts": step.attempts,
        "bytes": step.stored_bytes,
    }


def _leftover(leftover: Leftover) -> dict[str, Any]:
    return {
        "region": leftover.region,
        "kind": leftover.kind,
        "name": leftover.name,
        "run_id": leftover.run_id or None,
        "expires_at": moment(leftover.expires_at) or None,
        "detail": leftover.detail or None,
    }


# --- the ids alone --------------------------------------------------------------------


def as_images(end: Ending) -> str:
    """Return ``{NAME: {REGION: IMAGE_ID}}`` of what stands, as JSON."""
    return json.dumps(end.ids(), ensure_ascii=False, indent=2) + "\n"


def as_tfvars(end: Ending) -> str:
    """Return the same as a variable ``images`` for Terraform."""
    lines = ["images = {"]
    for name, regions in end.ids().items():
        lines.append(f"  {_hcl(name)} = {{")
        lines += [
            f"    {_hcl(region)} = {_hcl(id_)}" for region, id_ in regions.items()
        ]
        lines.append("  }")
    return "\n".join([*lines, "}"]) + "\n"


def _hcl(text: str) -> str:
    """Quote a string; HCL escapes as JSON does, and has templates besides."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted.replace("${", "$${").replace("%{", "%%{")


def as_github_output(end: Ending) -> str:
    """Return the outputs of a workflow's step, a line each.

    Values are JSON on one line, or words of ours: nothing in them begins a new line.
    """
    outputs = {
        "images": json.dumps(end.ids()),
        "exit-status": end.exit_status,
        "run-id": end.report.run_id,
        "placements": len(end.outcomes),
        "standing": end.standing,
        "summary": headline(end) or tally_line(end.report),
    }
    return "".join(f"{key}={value}\n" for key, value in outputs.items())


# --- Markdown -------------------------------------------------------------------------

_MARKS: Final = re.compile(r"([\\`*_\[\]|~])")


def as_markdown(end: Ending) -> str:
    """Return a page for a workflow's summary: causes first, then the regions."""
    return "\n".join(_markdown(end)) + "\n"


def _markdown(end: Ending) -> Iterator[str]:
    yield f"### ali-import: {headline(end) or tally_line(end.report)}"
    yield ""
    for number, cause in enumerate(end.causes, 1):
        allowed = " (allowed to fail)" if cause.allowed else ""
        where = _plain(places(cause, end))
        yield f"{number}. **{_plain(cause.title)}**{allowed}: {where}"
        if text := said(cause):
            yield f"   - said: {_plain(text)}"
        if cause.advice:
            yield f"   - to do: {_plain(cause.advice)}"
    if end.causes:
        yield ""
        yield from (f"- {_plain(line)}" for line in state_of_things(end))
        yield f"- then run again: {_code(end.command)}"
        yield ""
    yield f"{tally_line(end.report)}, in {duration(end.report.seconds)}."
    yield ""
    names = end.names
    yield f"| region | {' | '.join(map(_plain, names))} |"
    yield f"|---|{'---|' * len(names)}"
    cells: dict[str, dict[str, str]] = {}
    for outcome in end.outcomes:
        cells.setdefault(outcome.region, {})[outcome.name] = _cell(outcome)
    for region, row in cells.items():
        yield f"| {region} | {' | '.join(row.get(name, '') for name in names)} |"


def _cell(outcome: Outcome) -> str:
    if stands(outcome):
        return f"{_code(outcome.image_id).replace('|', '?')} {outcome.result}"
    result = "not published" if outcome.result.good else outcome.result
    return joined(f"**{result}**", _plain(outcome.code), separator=" ")


def _plain(text: str) -> str:
    """Escape what Markdown, or the HTML in it, would take for its own."""
    return _MARKS.sub(r"\\\1", html.escape(text, quote=False))


def _code(text: str) -> str:
    """Show text as it is, between more code marks than it has in a row."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    marks = "`" * (longest + 1)
    return f"{marks} {text} {marks}" if longest else f"`{text}`"


RENDERERS: Final[dict[Format, Callable[[Ending], str]]] = {
    Format.JSON: as_json,
    Format.IMAGES: as_images,
    Format.TFVARS: as_tfvars,
    Format.MARKDOWN: as_markdown,
    Format.HTML: as_html,
    Format.GITHUB_OUTPUT: as_github_output,
}
