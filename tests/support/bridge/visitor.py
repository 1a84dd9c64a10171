"""A call at the door of the world, free of the engine's types."""

from dataclasses import dataclass

from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.world import World
from tests.support.bridge.lag import Lag


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who calls, and with what.

    Attributes:
        lag: What listings show.
        inside: Region of the function that makes the call, or "".
        body: The bytes that came with the request, if any.
        faults: Those that the service itself acts out.
    """

    world: World
    caller: Caller
    lag: Lag
    inside: str = ""
    body: Blob | None = None
    faults: tuple[Fault, ...] = ()

    def visit(self, region: str) -> Visit:
        """Return the call as object storage sees it; functions use internal hosts."""
        internal = bool(self.inside)
        return Visit(
            caller=self.caller, region=region, internal=internal, inside=self.inside
        )
