"""The world: every account's resources in every region, and the time it is there."""

from random import Random

from alicloud_emulator.world.agenda import Agenda, Clock
from alicloud_emulator.world.blobs import Blobs, MemoryBlobs
from alicloud_emulator.world.ecs import Ecs
from alicloud_emulator.world.faults import Faults
from alicloud_emulator.world.fc import Fc
from alicloud_emulator.world.kms import Kms
from alicloud_emulator.world.oss import Oss
from alicloud_emulator.world.profile import Profile
from alicloud_emulator.world.ram import Ram
from alicloud_emulator.world.traffic import Traffic


class World:
    """One emulated cloud.

    Each product's state is an attribute (``ecs``, ``oss``, ``fc``, ``ram``, ``kms``). Call
    ``agenda.catch_up()`` before looking at state; the products' methods do it.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Clock,
        seed: int,
        blobs: Blobs | None = None,
    ) -> None:
        self.profile = profile
        self.agenda = Agenda(clock)
        # Faults draw from their own dice: adding a rule must not change every id.
        self.rng = Random(seed)
        self.faults = Faults(Random(seed ^ 0x5EED), profile.weather)
        self.traffic = Traffic()
        self.blobs = blobs or MemoryBlobs()
        self.ram = Ram(self)
        self.oss = Oss(self)
        self.ecs = Ecs(self)
        self.fc = Fc(self)
        self.kms = Kms(self)
