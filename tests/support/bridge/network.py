"""Which hosts there are, and which of them answer; shared by every process."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Out(StrEnum):
    """How a service is away.

    * ``silent``: it takes calls and never answers.
    * ``no host``: its host does not exist.
    * ``no resolver``: nobody answers who could say whether its host exists.
    """

    SILENT = "silent"
    NO_HOST = "no host"
    NO_RESOLVER = "no resolver"


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A service that is away for a while.

    Attributes:
        service: ``ecs``, ``oss``, ``fc``, ``sts``, or ``*`` for all of them.
        region: Region id, or ``*`` for all of them.
        begins_at: Unix time in seconds.
        ends_at: Unix time in seconds.
        out: How.
    """

    service: str
    region: str
    begins_at: float
    ends_at: float
    out: Out


class Network:
    """The outages there are.

    Attributes:
        met: How many calls met one, by kind.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.outages: list[Outage] = []
        self.met: Counter[Out] = Counter()

    def out(self, service: str, region: str) -> Out | None:
        """Return how a service in a region is away; None if it is not.

        Where it is away in two ways, the resolver comes first, as it does on the way.
        """
        now = self._clock()
        found = {
            outage.out
            for outage in self.outages
            if outage.begins_at <= now < outage.ends_at
            and fnmatchcase(region, outage.region)
            and fnmatchcase(service, outage.service)
        }
        for out in (Out.NO_RESOLVER, Out.NO_HOST, Out.SILENT):
            if out in found:
                self.met[out] += 1
                return out
        return None
