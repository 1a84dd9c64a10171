"""What will happen, and when: the world's only notion of time passing."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

Clock = Callable[[], float]
"""Returns Unix time in seconds: the wall clock, or simulation's virtual one."""


class _Entry(NamedTuple):
    at: float
    order: int
    happen: Callable[[], None]


class Agenda:
    """Things to happen at given times, carried out in order when time is looked at.

    While an event is carried out ``now`` is the event's own time, so that chains of
    events (a queue of copies) come out the same however seldom anybody looks.

    Attributes:
        listeners: Called after each event, while ``now`` is still its time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[_Entry] = []
        self._order = count()
        self._now = clock()
        self._happening = False
        self.listeners: list[Callable[[], None]] = []

    @property
    def now(self) -> float:
        """Unix time in seconds up to which everything has happened."""
        return self._now

    def at(self, when: float, happen: Callable[[], None]) -> None:
        """Plan ``happen`` for Unix time ``when`` (seconds)."""
        heapq.heappush(self._entries, _Entry(when, next(self._order), happen))

    def after(self, delay_s: float, happen: Callable[[], None]) -> None:
        """Plan ``happen`` for ``delay_s`` seconds from ``now``."""
        self.at(self._now + delay_s, happen)

    def catch_up(self) -> float:
        """Carry out everything due, and return the time it is.

        Called from within an event it does nothing: time stands still meanwhile.
        """
        if self._happening:
            return self._now
        until = max(self._clock(), self._now)
        self._happening = True
        try:
            while self._entries and self._entries[0].at <= until:
                entry = heapq.heappop(self._entries)
                self._now = max(entry.at, self._now)
                entry.happen()
                for listen in self.listeners:
                    listen()
        finally:
            self._happening = False
        self._now = until
        return until

    @property
    def next_at(self) -> float | None:
        """Unix time of the next thing to happen, or None."""
        return self._entries[0].at if self._entries else None
