"""``action.yml``, its steps run in a shell as GitHub's runner would run them.

Reads only as much YAML as that file uses: maps by indentation, plain scalars, and blocks
that begin with ``|``.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RUN_S_MAX = 240


@dataclass
class Ended:
    """How an action ended: the last step's status, what was written, its outputs."""

    status: int
    out: str
    err: str
    outputs: dict[str, str]


@dataclass
class Action:
    """The composite action of a folder."""

    inputs: dict[str, str]
    outputs: dict[str, str]
    steps: list[dict[str, Any]] = field(default_factory=list)

    def run(self, environment: Mapping[str, str], folder: Path, **inputs: str) -> Ended:
        """Run the steps one after the other, until one fails.

        Args:
            environment: Of the job.
            folder: The runner's temporary one.
            **inputs: What the workflow gives, with ``_`` for ``-``.
        """
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(given) <= set(self.inputs)
        values = {f"inputs.{key}": text for key, text in (self.inputs | given).items()}
        out = err = ""
        status = 0
        for number, step in enumerate(self.steps):
            assert step["shell"] == "bash"
            script, output = folder / f"{number}.sh", folder / f"output-{number}"
            script.write_text(step["run"], encoding="utf-8")
            output.touch()
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
                check=False,
                capture_output=True,
                text=True,
                timeout=RUN_S_MAX,
                env={
                    **environment,
                    "GITHUB_ACTIONS": "true",
                    "GITHUB_ACTION_PATH": str(ROOT),
                    "GITHUB_OUTPUT": str(output),
                    "GITHUB_STEP_SUMMARY": str(folder / "summary"),
                    "RUNNER_TEMP": str(folder),
                    **{key: _filled(text, values) for key, text in step["env"].items()},
                },
            )
            out, err, status = out + done.stdout, err + done.stderr, done.returncode
            for line in output.read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                values[f"steps.{step['id']}.outputs.{key}"] = value
            if status:
                break
        outputs = {key: _filled(text, values) for key, text in self.outputs.items()}
        return Ended(status, out, err, outputs)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(
        r"\$\{\{ ([a-z.-]+) \}\}", lambda found: values.get(found[1], ""), text
    )


def read_action(path: Path) -> Action:
    """Read ``action.yml``."""
    document = _Reader(path.read_text(encoding="utf-8")).map(0)
    assert document["runs"]["using"] == "composite"
    inputs = document["inputs"]
    return Action(
        inputs={key: each.get("default", "") for key, each in inputs.items()},
        outputs={key: each["value"] for key, each in document["outputs"].items()},
        steps=document["runs"]["steps"],
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines = [line.rstrip() for line in text.splitlines()]
        self.at = 0

    def map(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (line := self._next()) is not None and _depth(line) == indent:
            key, _, value = line.strip().partition(":")
            self.at += 1
            found[key] = self._value(value.strip(), indent)
        return found

    def _value(self, value: str, indent: int) -> Any:
        if value == "|":
            return self._block(indent)
        if value:
            return value.strip('"')
        line = self._next()
        assert line is not None
        if line.strip().startswith("- "):
            return self._list(_depth(line))
        return self.map(_depth(line))

    def _list(self, indent: int) -> list[dict[str, Any]]:
        found = []
        while (line := self._next()) is not None and _depth(line) == indent:
            assert line.strip().startswith("- ")
            self.lines[self.at] = line.replace("- ", "  ", 1)
            found.append(self.map(indent + 2))
        return found

    def _block(self, indent: int) -> str:
        lines = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line and _depth(line) <= indent:
                break
            lines.append(line[indent + 2 :])
            self.at += 1
        return "\n".join(lines).rstrip() + "\n"

    def _next(self) -> str | None:
        while self.at < len(self.lines) and not self.lines[self.at].strip():
            self.at += 1
        return self.lines[self.at] if self.at < len(self.lines) else None


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def link_install(folder: Path) -> None:
    """Have the action find itself installed: tests fetch nothing from outside."""
    place = folder / "ali-import"
    place.mkdir()
    (place / "ready").touch()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (place / part).symlink_to(Path(sys.prefix) / part)
