"""Weather by swarm: each kind of trouble is on or off, and has a rate of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from alicloud_emulator.world.faults import Do, Fault, Rule
from alicloud_emulator.world.profile import OssMode
from alicloud_emulator.world.world import World
from tests.simulation.plan import Plan
from tests.support.bridge import Lag, Network, Out, Outage
from tests.support.bridge.names import action_named


@dataclass(kw_only=True)
class Weather:
    """What the weather is like.

    Attributes:
        kinds: What is on, for people.
        spoiled: Regions in which a placement may fail for good.
    """

    kinds: list[str] = field(default_factory=list)
    spoiled: set[str] = field(default_factory=set)


LIKELY_SHARE: Final = 0.5
"""How often a trouble comes in a scenario in which it matters most, at least."""

Trouble = Callable[["Sky"], str]
"""Makes one kind of bad weather, at rates it draws, and says what it made."""


class Sky:
    """Makes weather over one world, and can make it good again."""

    def __init__(self, world: World, network: Network, lag: Lag, plan: Plan) -> None:
        self._world = world
        self._network = network
        self._lag = lag
        self._plan = plan
        self._rng = Random(f"weather {plan.seed}")
        self._began = world.agenda.now
        self._healed = False
        self.weather = Weather()
        self.drawn: list[str] = []
        self._needs_copies: set[str] = set()

    def darken(
        self,
        troubles: Sequence["Trouble"],
        likely: Mapping["Trouble", Callable[[Plan], bool]],
    ) -> None:
        """Draw which of the troubles there are; each makes itself felt.

        Where many come together most failures have an excuse, so that mostly few do.
        """
        if self._rng.random() < 0.1:
            return
        share = self._rng.choice((0.05, 0.1, 0.1, 0.3))
        drawn: list[Trouble] = []
        for trouble in troubles:
            fits = trouble in likely and likely[trouble](self._plan)
            if self._rng.random() < (max(share, LIKELY_SHARE) if fits else share):
                drawn.append(trouble)
        self.make(drawn)

    def make(self, troubles: Sequence["Trouble"]) -> None:
        """Make bad weather of these kinds."""
        for trouble in troubles:
            self.weather.kinds.append(trouble(self))
            self.drawn.append(trouble.__name__)
        lonely = {r for r in self._needs_copies if not self._can_copy_to(r)}
        self.weather.spoiled |= lonely

    def heal(self) -> None:
        """Let everything work from now on."""
        self._healed = True
        self._world.faults.clear()
        self._world.faults.weather = replace(
            self._world.faults.weather, call_failure=0.0, download_failure=0.0
        )
        self._network.outages.clear()
        self._lag.clear()
        self.weather = Weather()

    # --- help for the troubles ----------------------------------------------------

    @property
    def region_ids(self) -> list[str]:
        """Every region there is."""
        return [region.id for region in self._world.profile.regions]

    def any_region(self) -> str:
        """Return some region."""
        return self._rng.choice(self.region_ids)

    def asked_region(self) -> str:
        """Return some region that the command asks for."""
        return self._rng.choice(self._plan.regions)

    def has_to_copy(self, region_id: str) -> None:
        """Leave a region nothing but a copy; it is spoiled if none can be made."""
        self._needs_copies.add(region_id)

    def _can_copy_to(self, region_id: str) -> bool:
        """Whether a region takes copies, and another one can import to be copied."""
        profile = self._plan.profile
        new = profile.accounts[0].oss_since == "new"
        return any(
            there.copy_out
            and there.oss is OssMode.OPEN
            and not (new and there.mainland)
            for there in profile.regions
            if there.id != region_id
            and there.id in self._plan.regions
            and there.id not in self.weather.spoiled
        ) and any(r.copy_in for r in profile.regions if r.id == region_id)

    def rate(self, most: float) -> float:
        """Return a rate; small ones are as likely as large ones."""
        return most * self._rng.random()

    def rule(self, do: Do, *, rate: float = 1.0, **more: object) -> None:
        """Put a rule in force for good; an action may be called as in the port."""
        fault = {
            key: more.pop(key)
            for key in ("code", "status", "delay_s", "retry_after_ms", "message")
            if key in more
        }
        if "action" in more:
            more["action"] = action_named(str(more["action"]))
        self._world.faults.add(
            Rule(fault=Fault(do=do, **fault), rate=rate, **more)  # type: ignore[arg-type]  # names are checked by the dataclasses
        )

    def for_a_while(self, begins_s: float, lasts_s: float, make: Rule) -> None:
        """Put a rule in force for some time."""
        agenda = self._world.agenda

        def begin() -> None:
            if not self._healed:
                rule_id = self._world.faults.add(make)
                agenda.after(lasts_s, lambda: self._end(rule_id))

        agenda.after(begins_s, begin)

    def _end(self, rule_id: int) -> None:
        self._world.faults.remove(rule_id)

    def outage(
        self,
        service: str,
        region: str,
        begins_s: float,
        lasts_s: float,
        *,
        out: Out,
    ) -> None:
        """Take a service away."""
        self._network.outages.append(
            Outage(
                service=service,
                region=region,
                begins_at=self._began + begins_s,
                ends_at=self._began + begins_s + lasts_s,
                out=out,
            )
        )

    def lag(self, region: str, lag_s: float) -> None:
        """Let a region's listings lag."""
        self._lag.set(region, lag_s)

    @property
    def cancelled(self) -> str:
        """What will be called to undo what Ctrl-C comes in the middle of, or ""."""
        undone_by = {
            "ImportImage": "ecs.CancelTask",
            "CopyImage": "ecs.CancelCopyImage",
        }
        return undone_by.get(self._plan.end_at_making, "")

    @property
    def keys_expire(self) -> bool:
        """Whether the command's keys are some that expire."""
        return self._plan.token_s > 0

    @property
    def dice(self) -> Random:
        """The weather's own dice."""
        return self._rng

    def calls(self, failure: float) -> None:
        """Let so many of all calls fail, in all kinds of ways."""
        self._world.faults.weather = replace(
            self._world.faults.weather, call_failure=failure
        )

    def downloads(self, failure: float) -> None:
        """Let so many of the downloads between regions fail."""
        self._world.faults.weather = replace(
            self._world.faults.weather, download_failure=failure
        )
