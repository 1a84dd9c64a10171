"""Bytes by hop, and calls by action: what the report and GET /requests show."""

from collections import Counter
from dataclasses import dataclass, field

OTHERS = "others"
"""What is counted under no name of its own."""

_NAMES_MAX = 5000
"""Names counted: clients can make up actions without end."""


@dataclass(kw_only=True)
class Traffic:
    """Counts since the start or the last reset.

    Attributes:
        uplink_bytes: Request bodies from outside to public hosts.
        downlink_bytes: Response bodies from public hosts to outside.
        cross_region_bytes: Bodies between a function in one region and a public host
            of another region, either way.
        internal_bytes: Bodies between a function and its own region's hosts, and
            what ImportImage reads.
        by_action: Calls by ``service.Action``, failed ones included.
        errors: Answers by ``service.Action:Code``.
    """

    uplink_bytes: int = 0
    downlink_bytes: int = 0
    cross_region_bytes: int = 0
    internal_bytes: int = 0
    by_action: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def count_call(self, operation: str) -> None:
        """Count a call of ``service.Action``."""
        _count(self.by_action, operation)

    def count_error(self, operation: str, code: str) -> None:
        """Count an answer that refuses a call."""
        _count(self.errors, f"{operation}:{code}")

    def count_body(self, size: int, *, inside: str, region: str, up: bool) -> None:
        """Count a body of ``size`` bytes.

        Args:
            size: Bytes.
            inside: Region the client is in (a function's), or "" for outside.
            region: Region of the host it talks to.
            up: Whether the client sent it (True) or received it.
        """
        if inside and inside == region:
            self.internal_bytes += size
        elif inside:
            self.cross_region_bytes += size
        elif up:
            self.uplink_bytes += size
        else:
            self.downlink_bytes += size


def _count(counter: Counter[str], name: str) -> None:
    is_named = name in counter or len(counter) < _NAMES_MAX
    counter[name if is_named else OTHERS] += 1
