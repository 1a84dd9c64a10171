"""A local file that is in memory: a path, for those who only open it."""

import io
from pathlib import Path, PosixPath
from typing import Any, Self


class MemoryFile(PosixPath):
    """The path of a file that is nowhere but here."""

    content: bytes

    @classmethod
    def of(cls, path: Path, content: bytes) -> Self:
        """Return a path at which these bytes can be read."""
        made = cls(path)
        made.content = content
        return made

    def open(self, *_mode: Any, **_options: Any) -> Any:
        """Open it for reading."""
        return io.BytesIO(self.content)
