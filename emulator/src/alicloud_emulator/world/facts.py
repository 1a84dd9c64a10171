"""What is known of a product and no code: its error codes, and the values it allows.

Each package of rules has a ``facts.json`` of four tables:

* ``sources``: what each fact may rest on, a word for each.
* ``values``: by name, the allowed ones (``of``) and their ``source``.
* ``codes``: HTTP ``status``, ``message`` as it is on the wire (``{}`` stands for a
  detail), and ``source``.
* ``actions``: which of the codes an action ``gives`` besides those that all give, which
  are documented but ``never`` given, because what they are about is not emulated, and
  what it ``says`` where its message for a code is not that of ``codes``.
"""

import json
from functools import cached_property
from importlib.resources import files
from typing import Any

from alicloud_emulator.world.errors import ServiceError


class Facts:
    """One ``facts.json``, read when it is first asked.

    Args:
        package: The package that it lies in.
    """

    def __init__(self, package: str) -> None:
        self._package = package

    @cached_property
    def tables(self) -> dict[str, dict[str, Any]]:
        """Return the tables by name."""
        text = (files(self._package) / "facts.json").read_text(encoding="utf-8")
        found: dict[str, dict[str, Any]] = json.loads(text)
        return found

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values allowed for something."""
        return tuple(self.tables["values"][name]["of"])

    def gives(self, action: str) -> tuple[str, ...]:
        """Return the codes that an action gives besides the common ones."""
        return tuple(self.tables["actions"].get(action, {}).get("gives", ()))

    def never(self, action: str) -> tuple[str, ...]:
        """Return the documented codes that an action does not give."""
        return tuple(self.tables["actions"].get(action, {}).get("never", ()))

    def worded(self, error: ServiceError, action: str) -> ServiceError:
        """Return the error, in the action's own words if it has some for the code."""
        says = self.tables["actions"].get(action, {}).get("says", {})
        if error.detail is not None and error.code in says:
            error.message = str(says[error.code]).replace("{}", error.detail)
        return error

    def status(self, code: str) -> int | None:
        """Return a code's HTTP status, or None for a code of all products."""
        row = self.tables["codes"].get(code)
        return None if row is None else int(row["status"])

    def refusal(
        self, code: str, detail: str = "", *, status: int = 0, message: str = ""
    ) -> ServiceError:
        """Return the error of a code, to be raised.

        Args:
            code: One of the table; another is a mistake of the program (KeyError).
            detail: What to put into the message's ``{}``.
            status: HTTP status where one action's table differs.
            message: Message of one situation among several with this code.
        """
        row = self.tables["codes"][code]
        text = message or str(row["message"]).replace("{}", detail)
        error = ServiceError(code, status or int(row["status"]), text)
        error.detail = None if message else detail
        return error
