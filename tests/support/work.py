"""A bound on work, in lines of code instead of seconds: the same on every machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any


@contextmanager
def at_most(lines_max: int, package: ModuleType) -> Iterator[None]:
    """Fail as soon as more lines of a package have run in the block, in this thread."""
    assert package.__file__ is not None
    folder = str(Path(package.__file__).parent)
    left = lines_max

    def in_function(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal left
        left -= event == "line"
        assert left >= 0, f"more than {lines_max} lines of {package.__name__}"
        return in_function

    def on_call(frame: FrameType, _event: str, _argument: Any) -> Any:
        ours = frame.f_code.co_filename.startswith(folder)
        return in_function if ours else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield
    finally:
        sys.settrace(before)
