"""The product: every action, and DescribeRegions."""

from typing import ClassVar

from alicloud_emulator.products.ecs import images, leftovers, making
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import Param
from alicloud_emulator.products.rpc.service import Action, RpcCall, RpcService
from alicloud_emulator.world.world import World


def describe_regions(call: RpcCall) -> Document:
    """Carry out DescribeRegions.

    NOTE: Regions have their English names in every language.
    """
    regions = call.world.ecs.describe_regions(
        call.caller,
        charge_type=call.text("InstanceChargeType"),
        resource_type=call.text("ResourceType"),
        language=call.text("AcceptLanguage"),
    )
    return {
        "Regions": {
            "Region": [
                {
                    "RegionId": region.id,
                    "RegionEndpoint": f"ecs.{region.id}.aliyuncs.com",
                    "LocalName": region.name or region.id,
                    "Status": "available",
                }
                for region in regions
            ]
        }
    }


ACTIONS = (
    Action(
        name="DescribeRegions",
        run=describe_regions,
        params=(
            Param("AcceptLanguage", note="checked; names are English in any language"),
            Param("InstanceChargeType", note="checked; every region has every type"),
            Param("ResourceType", note="checked; every region has every type"),
        ),
        errors=(
            "Invalid.InstanceChargeType",
            "InvalidResourceType.NotFound",
            "InvalidAcceptLanguage.NotFound",
        ),
        never=("Unauthorized.EmptyRegion",),
    ),
    *making.ACTIONS,
    *images.ACTIONS,
    *leftovers.ACTIONS,
)


class EcsService(RpcService):
    """ECS, version 2014-05-26."""

    PRODUCT: ClassVar[str] = "Ecs"
    VERSION: ClassVar[str] = "2014-05-26"
    FORBIDDEN: ClassVar[tuple[str, str]] = (
        "Forbidden.RAM",
        (
            "User not authorized to operate on the specified resource, or this API "
            "doesn't support RAM."
        ),
    )

    def __init__(self, world: World) -> None:
        super().__init__(world, ACTIONS)
