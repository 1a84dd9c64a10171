"""Flow control: so many calls of one action a minute, for each account and region.

Source: the "API throttling" page: limits are per account, action and region, and what
is throttled in one minute stays so until the next. A minute of this world lasts
``durations.throttle_window_s``.
"""

from alicloud_emulator.world.agenda import Agenda
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.profile import Profile


class Throttle:
    """Counts calls in the present window."""

    def __init__(self, profile: Profile, agenda: Agenda) -> None:
        self._calls_max = profile.limits.calls_per_minute
        self._window_s = profile.durations.throttle_window_s
        self._agenda = agenda
        self._window = 0
        self._calls: dict[tuple[str, str, str], int] = {}

    def check(self, account_id: str, operation: str, region: str) -> None:
        """Count a call.

        Args:
            account_id: Whose call.
            operation: Service and action, for example ``ecs.ImportImage``.
            region: Region id, or "".

        Raises:
            ServiceError: ``Throttling.User`` (400), with the time left of the window.
        """
        if self._calls_max <= 0 or self._window_s <= 0:
            return
        now = self._agenda.now
        window = int(now // self._window_s)
        if window != self._window:
            self._window = window
            self._calls.clear()
        key = (account_id, operation, region)
        self._calls[key] = self._calls.get(key, 0) + 1
        if self._calls[key] > self._calls_max:
            left_s = (window + 1) * self._window_s - now
            raise ServiceError(
                "Throttling.User",
                400,
                "Request was denied due to user flow control.",
                retry_after_ms=max(1, int(left_s * 1000)),
            )
