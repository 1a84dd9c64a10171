"""By when a run that was told to stop must be rid of what it put into each region.

A region has a minute for bucket and function, and three for what is temporary, whatever
happens elsewhere. Calls of its own that failed, hung or were slow give it that much more;
a region that throttles is not held to it, nor is one that refuses to give things up, of
which must be told.
"""

from collections import defaultdict
from math import inf
from typing import Any, Final

import anyio

from ali_import.cloud.calls import Call
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.sdk.settings import Settings
from ali_import.errors import CloudError

ROOMS_S: Final = 60.0
"""Buckets and functions are gone by then."""
TEMPORARY_S: Final = 3 * 60.0
"""Everything temporary is gone by then, or told of."""

_PROMPT_S: Final = 2.0
"""A call that takes no longer is not slow."""
_WAIT_S: Final = {Meaning.BUSY: 15.0}
_WAIT_S_ELSE: Final = 10.0
"""The longest pause after a call that failed."""
_THROTTLED_S: Final = 75.0
"""So long may calls be held back after one was throttled."""
_READ_S_MAX: Final = Settings.answer_timeout_s
"""A read that is older was given up by its caller, who did not hear its end."""
_RELAYED_READ_S_MAX: Final = Settings.invocation_timeout_s
"""The same of one that goes through a function."""


class Stop:
    """What kept the regions busy since a run was told to stop.

    Attributes:
        at: When that was, on the event loop's clock; infinite until then.
        refused: Regions that refused to change something, for good or for now.
    """

    def __init__(self) -> None:
        self.at = float("inf")
        self.refused: set[str] = set()
        self._delays: defaultdict[str, float] = defaultdict(float)
        self._throttled_at: dict[str, float] = {}
        # By call: its region, when it began, and when its caller has given it up.
        self._running: dict[int, tuple[str, float, float]] = {}

    def asked(self, request: Call[Any]) -> None:
        """See a call leave."""
        began = anyio.current_time()
        relayed = getattr(request, "relay", "")
        longest_s = _RELAYED_READ_S_MAX if relayed else _READ_S_MAX
        until = inf if request.CHANGES else began + longest_s
        self._running[id(request)] = request.region, began, until

    def answered(self, request: Call[Any], result: Any) -> None:
        """See its answer."""
        now = anyio.current_time()
        region, began, _ = self._running.pop(id(request), (request.region, now, now))
        took_s = now - max(began, self.at)
        if not isinstance(result, CloudError):
            self._delays[region] += _over(took_s)
            return
        meaning = look_up(result).meaning
        if meaning is Meaning.THROTTLED:
            self._throttled_at[region] = now
        if now < self.at or meaning is Meaning.DONE:
            return
        if request.CHANGES and meaning in {Meaning.BUSY, Meaning.FINAL, Meaning.ROUTE}:
            self.refused.add(region)
        self._delays[region] += took_s + _WAIT_S.get(meaning, _WAIT_S_ELSE)

    def delay_s(self, region: str) -> float:
        """Return how much longer a region may take, for what its own calls took."""
        now = anyio.current_time()
        running = sum(
            _over(now - max(began, self.at))
            for where, began, until in self._running.values()
            if where == region and now < until
        )
        return self._delays[region] + running

    def is_throttled(self, region: str) -> bool:
        """Whether a region may have held back calls since then."""
        return self._throttled_at.get(region, -_THROTTLED_S) > self.at - _THROTTLED_S


def _over(seconds: float) -> float:
    return max(0.0, seconds - _PROMPT_S)
