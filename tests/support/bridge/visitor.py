"""A call at the door of the world, free of the engine's types."""

from dataclasses import dataclass

from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.world import World


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who calls, and with what.

    Attributes:
        inside: Region of the function that makes the call, or "".
        body: The bytes that came with the request, if any.
        faults: Those that the service itself acts out.
    """

    world: World
    caller: Caller
    inside: str = ""
    body: Blob | None = None
    faults: tuple[Fault, ...] = ()

    def visit(self, region: str) -> Visit:
        """Return the call as object storage sees it; functions use internal hosts."""
        internal = bool(self.inside)
        return Visit(
            caller=self.caller, region=region, internal=internal, inside=self.inside
        )

    def public_visit(self, region: str) -> Visit:
        """Return the call to a public host, as presigned URLs make it."""
        return Visit(caller=self.caller, region=region, inside=self.inside)
