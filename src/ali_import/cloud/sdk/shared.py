"""What the SDKs keep for the whole process, borrowed while a cloud is open.

Both cores of the SDKs, Tea (credentials) and darabonba (ECS, STS, Function Compute),
look for the HTTP session of a host in a table of their class, and offer no other way to
be given one. While a cloud is open, a table of ours stands in the place of each: what
carries out one of our calls finds our session there, and everybody else finds what was
there before. So two clouds, or a stranger who uses the same SDKs in the same process, do
not meet; and when the last cloud is closed and its last call has ended, the SDKs have
their own tables back, with what strangers put there meanwhile, and their loggers
(``quiet.py``) are as they were found.

This rests on ``TeaCore._sessions`` and ``DaraCore._sessions``, which are private: hence
the narrow ranges in pyproject.toml, and a test that both are there and used like this.
"""

import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from typing_extensions import override

from ali_import.cloud.sdk import quiet

_own: ContextVar[Any] = ContextVar("_own", default=None)
"""The session of the call that is carried out here, or None."""


class Sessions(MutableMapping[str, Any]):
    """A table of sessions by host: ours in our calls, else the one that was found."""

    def __init__(self, found: MutableMapping[str, Any]) -> None:
        self.found = found

    @override
    def __contains__(self, host: object) -> bool:
        return _own.get() is not None or host in self.found

    @override
    def __getitem__(self, host: str) -> Any:
        own = _own.get()
        return self.found[host] if own is None else own

    @override
    def __setitem__(self, host: str, session: Any) -> None:
        self.found[host] = session

    @override
    def __delitem__(self, host: str) -> None:
        del self.found[host]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    @override
    def __len__(self) -> int:
        return len(self.found)


_lock = threading.Lock()
_borrowers = 0


def borrow() -> None:
    """Say that a cloud is open, or a call goes on; ``give_back`` must follow."""
    global _borrowers  # noqa: PLW0603  what it counts is the process's own
    with _lock:
        if not _borrowers:
            for core in _cores():
                core._sessions = Sessions(core._sessions)  # noqa: SLF001  see above
        _borrowers += 1


def give_back() -> None:
    """Say that a cloud is closed, or a call has ended."""
    global _borrowers  # noqa: PLW0603  see borrow
    with _lock:
        _borrowers -= 1
        if _borrowers:
            return
        for core in _cores():
            if isinstance(core._sessions, Sessions):  # noqa: SLF001  see above
                core._sessions = core._sessions.found  # noqa: SLF001  see above
        quiet.restore()


@contextmanager
def using(session: Any) -> Iterator[None]:
    """Let what is asked of the SDKs within leave through ``session``."""
    borrow()
    token = _own.set(session)
    try:
        yield
    finally:
        _own.reset(token)
        give_back()


def _cores() -> tuple[Any, Any]:
    from darabonba.core import DaraCore
    from Tea.core import TeaCore

    return TeaCore, DaraCore
