"""A cloud that tries again: the only place where calls are repeated and paced."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Final, TypeVar, cast

import anyio
import anyio.lowlevel

from ali_import.cloud.calls import Call, Cloud
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.errors import ApiError, CloudError, TransportError
from ali_import.units import MINUTE_S

R = TypeVar("R")

OnRetry = Callable[[str, str, str, int, float, bool], None]
"""Called as (operation, region, code, attempt, wait_s, busy) before a call is repeated.

``busy`` means that nothing failed: what the call is about is in use, and will be free.
"""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to go on, in seconds of the event loop's clock.

    Attributes:
        transient_s: For errors that may pass. A fifth of the calls refused and a fifth
            of the replies lost leave 0.4**n after n tries; 8 minutes hold about 90.
        throttled_s: An action throttled in one minute is free in the next.
        busy_s: For resources in use, by an import or a copy that has to end.
        silent_s: For a service in a region that gives no answer at all to anybody.
        proxy_s: For a proxy that cannot be reached, or refuses.
        unanswered_max: How many tries may go without an answer before the caller is
            told, who can look at what came of it.
    """

    transient_s: float = 8 * MINUTE_S
    throttled_s: float = 20 * MINUTE_S
    busy_s: float = 30 * MINUTE_S
    silent_s: float = 2 * MINUTE_S
    proxy_s: float = 8 * MINUTE_S
    unanswered_max: float = inf


NORMAL: Final = Patience()
PREFLIGHT: Final = Patience(
    transient_s=MINUTE_S, throttled_s=2 * MINUTE_S, silent_s=MINUTE_S, proxy_s=8.0
)
"""For the first calls of all: somebody waits to hear that his key is wrong."""
BRIEF: Final = Patience(transient_s=MINUTE_S, throttled_s=2 * MINUTE_S, busy_s=MINUTE_S)
"""For what is good to know but can be done without."""
RELAYED: Final = Patience(transient_s=3 * MINUTE_S)
"""For a function that may be dying every time: there is another way in."""

ASKING: Final = Patience(unanswered_max=3)
"""For what has a name to be looked up by: its reply may get lost for ever."""

_BACKOFF_S_MIN: Final = 0.4
_BACKOFF_S_MAX: Final = 10.0
_THROTTLE_S_MIN: Final = 2.0
_THROTTLE_S_MAX: Final = 75.0
_BUSY_S_MIN: Final = 0.5
_BUSY_S_MAX: Final = 15.0
_SILENT_ANSWERS_MIN: Final = 8
_SILENT_WAITED_S_MIN: Final = 100.0
_QUIET_S_MAX: Final = MINUTE_S
"""Where nobody asked for so long, an older silence says nothing of the next call."""
"""Time-outs weigh more than connections refused: three or four of 30 s are enough."""
_LATER: Final = dict.fromkeys(
    (Meaning.TRANSIENT, Meaning.THROTTLED, Meaning.BUSY),
    "it was retried many times; run again to continue",
)


def _ignore() -> None:
    """Take no notice."""


@dataclass(kw_only=True)
class _Silence:
    """How long a service in a region has not answered anybody."""

    since: float
    until: float
    count: int = 0
    waited_s: float = 0.0


class Steady:
    """Carries out calls on a cloud in bad weather.

    The wait before retry *n* of a transient error is uniform in
    [0, min(0.4 s * 2**(n-1), 10 s)] (full jitter), from the injected dice. Throttling
    holds back every call of the same (operation, region), and nothing else.

    Attributes:
        calls: How many calls were made.
        retries: How many of them repeated one that failed; what is in use is waited for.
        troubles: By region, the error of its last call, if that failed.
    """

    def __init__(
        self, cloud: Cloud, *, rng: Random, on_retry: OnRetry | None = None
    ) -> None:
        self._cloud = cloud
        self._rng = rng
        self._on_retry = on_retry
        self._not_before: dict[tuple[str, str], float] = {}
        self._throttles: Counter[tuple[str, str]] = Counter()
        self._silent: dict[tuple[str, str], _Silence] = {}
        self.calls = 0
        self.retries = 0
        self.troubles: dict[str, CloudError] = {}

    async def call(
        self,
        call: Call[R],
        /,
        patience: Patience = NORMAL,
        *,
        on_send: Callable[[], None] = _ignore,
    ) -> R:
        """Carry out ``call``, again and again while the table says so.

        Args:
            call: The call.
            patience: How long to go on.
            on_send: Told right before each try: from then on it may take effect.

        Raises:
            CloudError: Final, or its patience is over; ``advice`` is set.
        """
        # Each kind of trouble has its own patience: a try and the wait after it are
        # charged to what went wrong, so being throttled leaves no less for the rest.
        spent_s = dict.fromkeys(Meaning, 0.0)
        tries: Counter[Meaning] = Counter()
        unanswered = 0
        while True:
            spent_s[Meaning.THROTTLED] += await self._hold_back(call)
            # What changes the cloud is not abandoned, so nothing new may begin.
            await anyio.lowlevel.checkpoint_if_cancelled()
            began = anyio.current_time()
            on_send()
            self.calls += 1
            try:
                result = await self._cloud.call(call)
            except CloudError as error:
                row = look_up(error)
                advice = error.advice or row.advice or _LATER.get(row.meaning, "")
                unanswered += error.unsure
                told = error.anew(advice=advice, unsure=unanswered > 0)
                self.troubles[call.region] = told
                self._note_silence(call, error, began)
                if row.meaning is Meaning.DONE:
                    return cast("R", None)
                tries[row.meaning] += 1
                wait_s = self._wait_s(call, error, row.meaning, tries[row.meaning])
                spent_s[row.meaning] += anyio.current_time() - began + wait_s
                limit_s = self._limit_s(error, row.meaning, patience)
                over = wait_s < 0 or spent_s[row.meaning] > limit_s
                lost = unanswered >= patience.unanswered_max
                if over or lost or self._gone_silent(call, patience):
                    raise told from error.__cause__
                busy = row.meaning is Meaning.BUSY
                self.retries += not busy
                if self._on_retry is not None:
                    about = call.operation(), call.region, error.code
                    self._on_retry(*about, tries.total(), wait_s, busy)
                await anyio.sleep(wait_s)
            else:
                self.troubles.pop(call.region, None)
                self._silent.pop((call.SERVICE, call.region), None)
                self._throttles.pop((call.operation(), call.region), None)
                return result

    async def _hold_back(self, call: Call[R]) -> float:
        """Wait while calls like this one are throttled; return the seconds it took."""
        key = (call.operation(), call.region)
        began = anyio.current_time()
        # The moment may move on while we sleep: another call was throttled meanwhile.
        while (wait_s := self._not_before.get(key, 0.0) - anyio.current_time()) > 0:  # noqa: ASYNC110  waits for a time, not an event
            # Those held back must not come back in one instant.
            await anyio.sleep(wait_s + self._rng.random() * 0.3)
        return anyio.current_time() - began

    def _wait_s(
        self, call: Call[R], error: CloudError, meaning: Meaning, n: int
    ) -> float:
        """Seconds to wait before the next try, or -1 to give up."""
        if meaning is Meaning.TRANSIENT:
            bound_s = min(_BACKOFF_S_MIN * 2.0 ** min(n - 1, 16), _BACKOFF_S_MAX)
            return self._rng.random() * bound_s
        if meaning is Meaning.BUSY:
            wait_s = min(_BUSY_S_MIN * 1.4 ** min(n - 1, 32), _BUSY_S_MAX)
            return wait_s * (0.75 + 0.5 * self._rng.random())
        if meaning is Meaning.THROTTLED:
            return self._throttled_s(call, error)
        return -1.0

    def _throttled_s(self, call: Call[R], error: CloudError) -> float:
        key = (call.operation(), call.region)
        self._throttles[key] += 1
        asked_s = error.retry_after_s if isinstance(error, ApiError) else 0.0
        streak = min(self._throttles[key] - 1, 16)
        backoff_s = min(_THROTTLE_S_MIN * 1.6**streak, _THROTTLE_S_MAX)
        wait_s = max(asked_s, backoff_s * (0.5 + 0.5 * self._rng.random()))
        if 0 < asked_s < backoff_s:
            wait_s = asked_s * (1 + 0.2 * self._rng.random())
        free_at = anyio.current_time() + wait_s
        self._not_before[key] = max(self._not_before.get(key, 0.0), free_at)
        return wait_s

    def _limit_s(
        self, error: CloudError, meaning: Meaning, patience: Patience
    ) -> float:
        if error.code == "ProxyFailure":
            return patience.proxy_s
        limits = {
            Meaning.TRANSIENT: patience.transient_s,
            Meaning.THROTTLED: patience.throttled_s,
            Meaning.BUSY: patience.busy_s,
        }
        return limits.get(meaning, patience.transient_s)

    def _note_silence(self, call: Call[R], error: CloudError, began: float) -> None:
        key = (call.SERVICE, call.region)
        if not isinstance(error, TransportError) or error.code == "GarbledAnswer":
            self._silent.pop(key, None)
            return
        silence = self._silent.get(key)
        if silence is None or began - silence.until > _QUIET_S_MAX:
            silence = self._silent[key] = _Silence(since=began, until=began)
        silence.until = anyio.current_time()
        silence.count += 1
        silence.waited_s += silence.until - began

    def _gone_silent(self, call: Call[R], patience: Patience) -> bool:
        silence = self._silent.get((call.SERVICE, call.region))
        if silence is None:
            return False
        many = silence.count >= _SILENT_ANSWERS_MIN
        long = silence.waited_s >= _SILENT_WAITED_S_MIN
        silent_s = anyio.current_time() - silence.since
        return (many or long) and silent_s > patience.silent_s
