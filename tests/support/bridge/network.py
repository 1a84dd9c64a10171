"""Which hosts there are, and which of them answer; shared by every process."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A service that is away for a while.

    Attributes:
        service: ``ecs``, ``oss``, ``fc``, ``sts``, or ``*`` for all of them.
        region: Region id.
        begins_at: Unix time in seconds.
        ends_at: Unix time in seconds.
        silent: It takes calls and never answers; otherwise its host does not resolve.
    """

    service: str
    region: str
    begins_at: float
    ends_at: float
    silent: bool


class Network:
    """The outages there are."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.outages: list[Outage] = []
        self.met = 0

    def silent(self, service: str, region: str) -> bool:
        """Whether calls to a service in a region go unanswered."""
        return self._is_out(service, region, silent=True)

    def unresolved(self, service: str, region: str) -> bool:
        """Whether a service's host in a region cannot be found."""
        return self._is_out(service, region, silent=False)

    def _is_out(self, service: str, region: str, *, silent: bool) -> bool:
        now = self._clock()
        found = any(
            outage.silent is silent
            and outage.region == region
            and fnmatchcase(service, outage.service)
            and outage.begins_at <= now < outage.ends_at
            for outage in self.outages
        )
        self.met += found
        return found
