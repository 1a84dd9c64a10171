"""Which calls have had no answer yet: what a run waits for when nothing else happens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from ali_import.cloud.calls import Call, Cloud, PutObject, UploadPart, UploadPartCopy
from ali_import.errors import TransportError

R = TypeVar("R")

# A call that failed without an answer is made again within 10 s, or was given up.
_AGAIN_S_MAX: Final = 12.0

# Sending bytes takes its time: that is silence only after it has failed.
_SLOW: Final = frozenset(
    call.operation() for call in (PutObject, UploadPart, UploadPartCopy)
)


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A call to a region that has had no answer for some time.

    Attributes:
        region: Region id, or "" for a central service.
        operation: Service and action, for example ``ecs.ImportImage``.
        seconds: How long, repetitions included.
    """

    region: str
    operation: str
    seconds: float


@dataclass
class _Asked:
    """What has been asked of one region, by one operation, since its last answer."""

    since_s: float
    pending: int = 0
    lost_s: float | None = None  # when a call last failed without an answer


class Unanswered:
    """A cloud that remembers what it was asked and has not answered.

    Args:
        cloud: Carries the calls out.
        clock_s: Any clock that only goes forward, in seconds.
    """

    def __init__(self, cloud: Cloud, *, clock_s: Callable[[], float]) -> None:
        self._cloud = cloud
        self._clock_s = clock_s
        self._asked: dict[tuple[str, str], _Asked] = {}

    async def call(self, request: Call[R], /) -> R:
        """Carry out ``request`` once, and return its result.

        Raises:
            CloudError: As the cloud does.
        """
        key = (request.region, request.operation())
        asked = self._asked.setdefault(key, _Asked(self._clock_s()))
        asked.pending += 1
        try:
            result = await self._cloud.call(request)
        except TransportError:
            asked.pending -= 1
            asked.lost_s = self._clock_s()
            raise
        except BaseException:
            self._answered(key, asked)
            raise
        self._answered(key, asked)
        return result

    def _answered(self, key: tuple[str, str], asked: _Asked) -> None:
        asked.pending -= 1
        asked.since_s, asked.lost_s = self._clock_s(), None
        if not asked.pending:
            self._asked.pop(key, None)

    def silences(self, *, seconds_min: float) -> list[Silence]:
        """Return the calls that have been unanswered for so long, the longest first."""
        found = sorted(self._silences(), key=lambda each: -each.seconds)
        return [each for each in found if each.seconds >= seconds_min]

    def _silences(self) -> Iterator[Silence]:
        now_s = self._clock_s()
        for (region, operation), asked in list(self._asked.items()):
            if asked.lost_s is not None:
                silent = asked.pending or now_s - asked.lost_s < _AGAIN_S_MAX
            else:
                silent = operation not in _SLOW
            if silent:
                seconds = now_s - asked.since_s
                yield Silence(region=region, operation=operation, seconds=seconds)
