"""House rules that no linter knows: sizes, and the direction of imports."""

import ast
from pathlib import Path

import pytest

import ali_import

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "src", ROOT / "emulator" / "src")
MODULES = sorted(path for source in SOURCES for path in source.rglob("*.py"))
TESTS = (ROOT / "tests", ROOT / "emulator" / "tests")

# A package may import those to its right, and itself; see docs/architecture.md.
TOOL = [
    *("cli", "report", "library", "release", "release_keys", "preparing"),
    *(
        "standing",
        "publish",
        "cloud",
        "disk",
        "relay",
        "redaction",
        "syntax",
        "errors",
        "units",
    ),
]
EMULATOR = ["testing", "cli", "front", "products", "functions", "world"]
BESIDE = {
    ("cloud", "disk"),
    ("syntax", "errors"),
    ("errors", "units"),
}

MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 80


def inside(path: Path) -> Path:
    """A module's path from its source folder: package, room, file."""
    return path.relative_to(next(s for s in SOURCES if path.is_relative_to(s)))


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def floor(module: str, floors: list[str]) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in floors else None


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(inside(p)))
def test_a_module_is_small_and_so_are_its_functions(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MODULE_LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, node.name


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(inside(p)))
def test_imports_run_one_way(path: Path) -> None:
    package, *rest = inside(path).with_suffix("").parts
    other = {"ali_import": "alicloud_emulator", "alicloud_emulator": "ali_import"}
    floors = TOOL if package == "ali_import" else EMULATOR
    here = rest[0] if rest and rest[0] in floors else None
    for name in imports(path):
        assert name.split(".", 1)[0] != other[package], name
        there = floor(name, floors) if name.startswith(f"{package}.") else None
        if here is None or there is None or here == there:
            continue
        assert (here, there) not in BESIDE, f"{here} and {there} stand side by side"
        assert floors.index(here) < floors.index(there), name


FORBIDDEN = {
    "publish": {
        "threading",
        "time",
        "datetime.datetime",
        "asyncio",
        "requests",
        "socket",
        "os",
    },
    "standing": {
        "threading",
        "time",
        "datetime.datetime",
        "asyncio",
        "requests",
        "socket",
    },
    "disk": {
        "threading",
        "time",
        "datetime.datetime",
        "asyncio",
        "socket",
        "subprocess",
    },
    "world": {"threading", "time", "datetime.datetime.now", "asyncio", "h11", "ssl"},
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(inside(p)))
def test_the_inner_rooms_know_nothing_of_the_outside(path: Path) -> None:
    parts = inside(path).with_suffix("").parts
    banned = FORBIDDEN.get(parts[1], set()) if len(parts) > 1 else set()
    for name in imports(path):
        assert name not in banned
        assert name.split(".", 1)[0] not in banned
        if len(parts) > 1 and parts[1] == "publish":
            assert not name.startswith(("alibabacloud", "ali_import.cloud.sdk")), name


def test_the_command_line_uses_what_any_caller_may() -> None:
    rooms = tuple(
        f"ali_import.{room}"
        for room in ("cli", "report", "redaction", "syntax", "units")
    )
    for path in (ROOT / "src" / "ali_import" / "cli").glob("*.py"):
        for name in imports(path):
            if name.startswith("ali_import.") and not name.startswith(rooms):
                assert name.removeprefix("ali_import.") in ali_import.__all__, name


def test_only_the_command_line_prints_and_exits() -> None:
    for path in MODULES:
        parts = inside(path).parts
        if parts[1] == "cli" or "hooks" in parts or path.name.startswith("bootstrap"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"print", "exit", "input"}, path


STOPWATCHES = {"monotonic", "perf_counter", "process_time"}
"""Of the module ``time``: who reads one in a test is about to judge the machine."""


def test_no_test_measures_how_quick_the_machine_is() -> None:
    for path in [path for tests in TESTS for path in tests.rglob("*.py")]:
        if path.name == "waiting.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                named = (node.value.id, node.attr)
                assert named not in {("time", name) for name in STOPWATCHES}, path
            elif isinstance(node, ast.ImportFrom) and node.module == "time":
                assert not STOPWATCHES & {alias.name for alias in node.names}, path
