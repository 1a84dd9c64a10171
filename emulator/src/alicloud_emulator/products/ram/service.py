"""The product: every action."""

from typing import ClassVar

from alicloud_emulator.products.ram import policies, roles, tags
from alicloud_emulator.products.rpc.service import RpcService
from alicloud_emulator.world.world import World

ACTIONS = (*roles.ACTIONS, *policies.ACTIONS, *tags.ACTIONS)


class RamService(RpcService):
    """RAM, version 2015-05-01."""

    PRODUCT: ClassVar[str] = "Ram"
    VERSION: ClassVar[str] = "2015-05-01"
    MISSING: ClassVar[str] = "Missing{}"

    def __init__(self, world: World) -> None:
        super().__init__(world, ACTIONS)
