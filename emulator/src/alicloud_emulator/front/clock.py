"""The cloud's clock, which can be moved on and can run faster than ours.

What takes time in the cloud takes it by this clock. Signatures are as old as their
programs' own clocks say, so these are told apart: see ``World.wall``.
"""

from alicloud_emulator.world.agenda import Clock

SPEED_MAX = 1_000_000.0
PASS_S_MAX = 10.0 * 365 * 86_400
"""Time that can be let pass at once: ten years."""


class CloudClock:
    """Returns Unix time in seconds as it is in the cloud.

    Args:
        wall: Our own.

    Attributes:
        speed: Seconds that pass in the cloud in one of ours.
    """

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._since = self._then = wall()
        self.speed = 1.0

    def __call__(self) -> float:
        """Return the time it is."""
        return self._then + (self._wall() - self._since) * self.speed

    def run(self, speed: float) -> None:
        """Run so many times as fast as our clock from now on.

        Raises:
            ValueError: It is not from 0.001 to 1,000,000.
        """
        if not 0.001 <= speed <= SPEED_MAX:
            raise ValueError(f"'speed' is a number from 0.001 to {SPEED_MAX:g}")
        self._then, self._since = self(), self._wall()
        self.speed = speed

    def let_pass(self, seconds: float) -> None:
        """Move on.

        Raises:
            ValueError: It is not from 0 to ten years.
        """
        if not 0 <= seconds <= PASS_S_MAX:
            raise ValueError(f"'pass_s' is a number from 0 to {PASS_S_MAX:g}")
        self._then += seconds

    @property
    def known(self) -> dict[str, float]:
        """What ``go_on`` wants to know."""
        return {"then": self._then, "since": self._since, "speed": self.speed}

    def go_on(self, then: float, since: float, speed: float) -> None:
        """Go on as an earlier clock, whose process is gone: time passed meanwhile."""
        self._then, self._since = float(then), float(since)
        self.speed = float(speed)
