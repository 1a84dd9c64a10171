"""The product: every action, and DescribeRegions."""

from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document


@action(
    "DescribeRegions",
    notes={
        "AcceptLanguage": "checked; names are English in any language",
        "InstanceChargeType": "checked; every region has every type",
        "ResourceType": "checked; every region has every type",
    },
)
def describe_regions(call: Call) -> Document:
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
                }
                for region in regions
            ]
        }
    }
