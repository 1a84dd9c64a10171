"""Keep the SDKs' own loggers silent while a cloud is open, whatever the verbosity.

Several of them attach a handler that writes to standard error at import, and log whole
requests, ``Authorization`` header included (darabonba with ``DEBUG=sdk``), or request
lines with their query strings (urllib3). What the user needs to know is said by our own
errors, which carry no secret; so these loggers say nothing. When the last cloud is
closed they are as they were found (``shared.py``).

What the SDKs use and Python 3.12 deprecates (``datetime.utcnow``) is theirs to mend.
"""

import logging
import warnings
from dataclasses import dataclass
from typing import Any, cast

NAMES = (
    "Tea",
    "aiohttp",
    "alibabacloud-tea",
    "alibabacloud_oss_v2",
    "apscheduler",
    "credentials",
    "darabonba-core",
    "requests",
    "urllib3",
    "websocket",
)


MODULES = r"(Tea|alibabacloud_|darabonba).*"


@dataclass(frozen=True, kw_only=True)
class _Found:
    """How a logger was found."""

    handlers: tuple[logging.Handler, ...]
    propagate: bool
    level: int


class _Nothing(logging.NullHandler):
    """Marks a logger that was silenced here."""


_found: dict[str, _Found] = {}


def silence() -> None:
    """Silence loggers and warnings; call it after every import of an SDK module."""
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=MODULES)
    for name in NAMES:
        logger = logging.getLogger(name)
        if [type(handler) for handler in logger.handlers] == [_Nothing]:
            continue
        before = _found.get(name)
        # A module that was imported since has added its handler to ours; and what
        # it made of the level is what its import always makes of it.
        _found[name] = _Found(
            handlers=tuple(h for h in logger.handlers if not isinstance(h, _Nothing))
            + (before.handlers if before else ()),
            propagate=before.propagate if before else logger.propagate,
            level=before.level if before else logger.level,
        )
        logger.handlers[:] = [_Nothing()]
        logger.propagate = False
        # Children (urllib3.connectionpool) inherit the level, not the handlers.
        logger.setLevel(logging.CRITICAL + 1)


def restore() -> None:
    """Leave loggers and warnings as they were found."""
    for name, found in _found.items():
        logger = logging.getLogger(name)
        logger.handlers[:] = found.handlers
        logger.propagate = found.propagate
        logger.setLevel(found.level)
    _found.clear()
    filters = cast("list[Any]", warnings.filters)
    filters[:] = [entry for entry in filters if not _is_ours(entry)]


def _is_ours(entry: object) -> bool:
    return isinstance(entry, tuple) and getattr(entry[3], "pattern", "") == MODULES
