"""Faults: what goes wrong, by rule or by rate, decided in one place.

A *rule* matches calls and says what to do; the weather's rates do the rest. Both the
wire front and the simulation ask ``strike`` about each call and carry out what it
says, so the same faults happen over sockets and in virtual time.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random

from alicloud_emulator.world.profile import Weather
from alicloud_emulator.world.recent import Recent


class Do(StrEnum):
    """What a fault does.

    * ``refuse``: answer with ``code`` and ``status``; nothing is done.
    * ``throttle``: the same with a throttling code and ``x-acs-retry-after``.
    * ``drop-before``: the connection drops; nothing is done.
    * ``drop-after``: the call takes effect, then the connection drops; with a ``code``
      that answer comes instead, as if the cloud had lost its own and tried again.
    * ``html``: somebody on the way answers in the cloud's place: an HTML page with
      ``status`` (200: a page to sign in; 204: no page), and without a request id;
      nothing is done.
    * ``html-after``: the call takes effect, then such a page comes.
    * ``delay``: the answer comes ``delay_s`` later.
    * ``hang``: no answer ever comes; nothing is done.
    * ``corrupt``: a download's bytes are changed on the way.
    * ``truncate``: a download ends early.
    * ``kill``: the function's process is killed in the middle.
    * ``fail-task``: accepted, but the task or copy fails later with the given reason.
    * ``lag``: DescribeImages, ListBuckets and ListFunctions show what there was
      ``delay_s`` ago.
    * ``late-usable``: the image that is imported or copied becomes Usable ``delay_s``
      later than it would.
    * ``trickle``: the answer's body comes with ``bytes_per_s`` and no faster.

    And what is about hosts, whatever the call is:

    * ``no-host``: the host's name does not exist.
    * ``no-resolver``: nobody can say whether it does.
    * ``dead``: the host takes connections and never answers.
    * ``clock``: the host's clock is ``skew_s`` ahead (behind, if negative): signatures
      are as old or new as it says.
    """

    REFUSE = "refuse"
    THROTTLE = "throttle"
    DROP_BEFORE = "drop-before"
    DROP_AFTER = "drop-after"
    HTML = "html"
    HTML_AFTER = "html-after"
    DELAY = "delay"
    HANG = "hang"
    CORRUPT = "corrupt"
    TRUNCATE = "truncate"
    KILL = "kill"
    FAIL_TASK = "fail-task"
    LAG = "lag"
    LATE_USABLE = "late-usable"
    TRICKLE = "trickle"
    NO_HOST = "no-host"
    NO_RESOLVER = "no-resolver"
    DEAD = "dead"
    CLOCK = "clock"


ABOUT_HOSTS = frozenset({Do.NO_HOST, Do.NO_RESOLVER, Do.DEAD, Do.CLOCK})
"""What strikes before it is known what a call asks for."""

LAGGING = ("DescribeImages", "ListBuckets", "ListFunctions")
"""The actions that a ``lag`` is about."""

_ENDED_MAX = 1000
"""Rules whose counts are kept after their end."""

_ABOUT_CALLS = frozenset(Do) - ABOUT_HOSTS
_HARMLESS = frozenset({Do.DELAY, Do.LAG, Do.LATE_USABLE, Do.TRICKLE})
"""What lets the weather strike, too."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call as faults see it.

    Attributes:
        service: ``ecs``, ``oss``, ``fc``, ``ram``, ``sts``.
        action: Alibaba's action name, for example ``ImportImage`` or ``PutObject``.
        region: Region id, or "" for central services.
        resource: What it is about: image name or id, bucket/key, function name.
        download_from: For an object download, the region of the bucket; else "".
        download_to: For an object download, the region it goes to ("" = outside).
    """

    service: str
    action: str
    region: str = ""
    resource: str = ""
    download_from: str = ""
    download_to: str = ""

    @property
    def operation(self) -> str:
        """Service and action, for example ``ecs.ImportImage``."""
        return f"{self.service}.{self.action}"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault to carry out."""

    do: Do
    code: str = ""
    status: int = 503
    message: str = ""
    delay_s: float = 0.0
    retry_after_ms: int = 0
    bytes_per_s: int = 1000
    skew_s: float = 0.0


def late_s(faults: Iterable[Fault]) -> float:
    """Return by how many seconds some faults put off that an image is Usable."""
    return sum(fault.delay_s for fault in faults if fault.do is Do.LATE_USABLE)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When to strike: every set field must match (``*`` and ``?`` are wildcards).

    Attributes:
        first: Strike from the n-th matching call on (1 = the first).
        times: How many matching calls to strike; 0 = all further ones.
        rate: Probability with which a matching call is struck.
        lasts_s: How long it is in force, in seconds; 0 = until it is taken away.
    """

    fault: Fault
    service: str = "*"
    action: str = "*"
    region: str = "*"
    resource: str = "*"
    first: int = 1
    times: int = 0
    rate: float = 1.0
    lasts_s: float = 0.0

    def matches(self, call: Call) -> bool:
        """Whether the rule is about this call (its counts aside)."""
        if self.fault.do is Do.LAG and call.action not in LAGGING:
            return False
        return (
            fnmatchcase(call.service, self.service)
            and fnmatchcase(call.action, self.action)
            and fnmatchcase(call.region, self.region)
            and fnmatchcase(call.resource, self.resource)
        )


@dataclass(kw_only=True)
class InForce:
    """A rule in force, or that was.

    Attributes:
        until: Unix time in seconds when it ends, or ended.
        seen: How many calls it was about.
        struck: How many of them it struck.
    """

    rule: Rule
    until: float = math.inf
    seen: int = 0
    struck: int = 0


class Faults:
    """The rules in force, the weather, and the count of what struck.

    Args:
        rng: Decides.
        weather: What goes wrong without a rule.
        clock: Returns Unix time in seconds, by which rules end.
    """

    def __init__(
        self, rng: Random, weather: Weather, clock: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._rng = rng
        self.weather = weather
        self._clock = clock
        self._rules: dict[int, InForce] = {}
        self._ended: Recent[int, InForce] = Recent(_ENDED_MAX)
        self._next_id = 1
        self.struck: Counter[str] = Counter()

    def add(self, rule: Rule) -> int:
        """Put a rule in force and return its id."""
        rule_id = self._next_id
        self._next_id += 1
        until = self._clock() + rule.lasts_s if rule.lasts_s else math.inf
        self._rules[rule_id] = InForce(rule=rule, until=until)
        return rule_id

    def remove(self, rule_id: int) -> bool:
        """Take a rule out of force; False if there is none of that id."""
        if rule_id not in self._rules:
            return False
        self._end([rule_id])
        return True

    def clear(self) -> None:
        """Take every rule out of force; the weather stays."""
        self._end(list(self._rules))

    def _end(self, rule_ids: Iterable[int]) -> None:
        for rule_id in rule_ids:
            one = self._ended[rule_id] = self._rules.pop(rule_id)
            one.until = min(one.until, self._clock())

    def rule(self, rule_id: int) -> InForce | None:
        """Return a rule in force, or one that ended lately, or None."""
        return self.in_force.get(rule_id) or self._ended.get(rule_id)

    @property
    def in_force(self) -> dict[int, InForce]:
        """The rules in force by id, with their counts."""
        now = self._clock()
        self._end([i for i, one in self._rules.items() if one.until <= now])
        return dict(self._rules)

    @property
    def rules(self) -> dict[int, Rule]:
        """The rules in force by id."""
        return {rule_id: one.rule for rule_id, one in self.in_force.items()}

    def strike(self, call: Call) -> tuple[Fault, ...]:
        """Return the faults to carry out on this call, and count them."""
        faults = tuple(self._strike(call))
        for fault in faults:
            self.struck[fault.do] += 1
        return faults

    def strike_host(self, service: str, region: str, *kinds: Do) -> Fault | None:
        """Return the fault that strikes whoever calls a host, and count it.

        Args:
            service: The host's.
            region: The host's, or "".
            kinds: Of the faults that are about hosts, those that are asked for.
        """
        if not self._rules:
            return None
        call = Call(service=service, action="", region=region)
        struck = next(self._struck_by(call, frozenset(kinds)), None)
        if struck is not None:
            self.struck[struck.do] += 1
        return struck

    def _strike(self, call: Call) -> Iterator[Fault]:
        ended = False
        for fault in self._struck_by(call, _ABOUT_CALLS):
            yield fault
            ended = ended or fault.do not in _HARMLESS
        if not ended:
            yield from self._weather(call)

    def _struck_by(self, call: Call, kinds: frozenset[Do]) -> Iterator[Fault]:
        """Yield the faults of some kinds whose rules strike a call."""
        for one in self.in_force.values() if self._rules else ():
            rule = one.rule
            if rule.fault.do not in kinds or not rule.matches(call):
                continue
            one.seen += 1
            turn = one.seen - rule.first
            in_turn = turn >= 0 and (rule.times == 0 or turn < rule.times)
            if in_turn and (rule.rate >= 1.0 or self._rng.random() < rule.rate):
                one.struck += 1
                yield rule.fault

    def _weather(self, call: Call) -> Iterator[Fault]:
        crosses = call.download_from and call.download_from != call.download_to
        if crosses and self._rng.random() < self.weather.download_failure:
            yield Fault(do=self._rng.choice((Do.TRUNCATE, Do.DROP_BEFORE, Do.REFUSE)))
        elif self._rng.random() < self.weather.call_failure:
            yield self._rng.choice(_BAD_DAYS)


_BAD_DAYS = (
    Fault(do=Do.REFUSE, code="ServiceUnavailable", status=503),
    Fault(do=Do.REFUSE, code="InternalError", status=500),
    Fault(do=Do.DROP_BEFORE),
    Fault(do=Do.DROP_AFTER),
    Fault(do=Do.DROP_AFTER),
    Fault(do=Do.HTML, status=502),
    Fault(do=Do.HTML_AFTER, status=502),
    Fault(do=Do.THROTTLE, code="Throttling.User", status=400, retry_after_ms=200),
)
