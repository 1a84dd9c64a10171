"""Where lines for people go: standard error, redacted, never a reason to fail."""

from contextlib import suppress
from typing import TextIO

from ali_import.redaction import Redactor


class Messages:
    """Writes lines to a stream, or nowhere if there is none or nobody reads it."""

    def __init__(self, stream: TextIO | None, redactor: Redactor) -> None:
        self.stream = stream
        self.redactor = redactor

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees the lines as they come."""
        # A closed stream raises ValueError.
        with suppress(ValueError, OSError):
            return self.stream is not None and self.stream.isatty()
        return False

    def line(self, text: str) -> None:
        """Write one line now, whatever the text holds."""
        self._write(self.redactor.line(text))

    def lines(self, text: str) -> None:
        """Write a text of several lines, for example a traceback, now."""
        self._write(self.redactor.lines(text.rstrip("\n")))

    def table(self, text: str) -> None:
        """Write one line now whose spaces matter; the text must be ours."""
        self._write(text)

    def _write(self, text: str) -> None:
        if self.stream is None:
            return
        # A reader that went away must not stop the work, least of all the cleaning up.
        with suppress(OSError, ValueError):
            self.stream.write(text + "\n")
            self.stream.flush()
