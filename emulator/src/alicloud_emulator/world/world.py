"""The world: every account's resources in every region, and the time it is there."""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from alicloud_emulator.world.agenda import Agenda, Clock
from alicloud_emulator.world.blobs import Blobs, MemoryBlobs
from alicloud_emulator.world.ecs import Ecs
from alicloud_emulator.world.faults import Do, Faults, Rule
from alicloud_emulator.world.fc import Fc
from alicloud_emulator.world.oss import Oss
from alicloud_emulator.world.past import Past
from alicloud_emulator.world.profile import Profile
from alicloud_emulator.world.ram import Ram
from alicloud_emulator.world.traffic import Traffic

Part = TypeVar("Part")


class World:
    """One emulated cloud.

    What products have in common is an attribute, a product's own state a part. Call
    ``agenda.catch_up()`` before looking at state; the products' methods do it.

    Args:
        profile: What it is like.
        clock: The time it is in it.
        seed: Decides all chance.
        blobs: Where contents of objects are kept.
        wall: The time it is for its clients, by which they sign; None: the same.

    Attributes:
        wall: That time, Unix seconds.
        past: What there was, for listings that lag.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Clock,
        seed: int,
        blobs: Blobs | None = None,
        wall: Clock | None = None,
    ) -> None:
        self.profile = profile
        self.agenda = Agenda(clock)
        self.wall = wall or (lambda: self.agenda.now)
        # Faults draw from their own dice: adding a rule must not change every id.
        self.rng = Random(seed)
        self.faults = Faults(Random(seed ^ 0x5EED), profile.weather, self.wall)
        self.traffic = Traffic()
        self.blobs = blobs or MemoryBlobs()
        self.ram = Ram(self)
        self.oss = Oss(self)
        self.ecs = Ecs(self)
        self.fc = Fc(self)
        self.past = Past(self)
        self._parts: dict[object, Any] = {}

    def add_fault(self, rule: Rule) -> int:
        """Put a fault rule in force and return its id."""
        if rule.fault.do is Do.LAG:
            self.past.keep()
        return self.faults.add(rule)

    def part(self, kind: Callable[["World"], Part]) -> Part:
        """Return this world's one ``kind``, a class, made when it is first asked for.

        So a product keeps its state here, and no module of the world knows of it.
        """
        if kind not in self._parts:
            self._parts[kind] = kind(self)
        part: Part = self._parts[kind]
        return part
