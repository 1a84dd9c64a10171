"""Regions."""

from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.world.ecs.refusals import FACTS, refusal


@action(
    "DescribeRegions",
    notes={
        "AcceptLanguage": "checked; names are English in any language",
        "InstanceChargeType": "checked; every region has every type",
        "ResourceType": "checked; every region has every type",
    },
)
def describe_regions(call: Call) -> Document:
    """Carry out DescribeRegions, which needs no permission.

    NOTE: Regions have their English names in every language.
    """
    call.world.agenda.catch_up()
    for name, values, code in (
        ("InstanceChargeType", "InstanceChargeType", "Invalid.InstanceChargeType"),
        ("ResourceType", "ResourceType of regions", "InvalidResourceType.NotFound"),
        ("AcceptLanguage", "AcceptLanguage", "InvalidAcceptLanguage.NotFound"),
    ):
        if call.text(name) not in ("", *FACTS.values(values)):
            raise refusal(code)
    rows = [
        {
            "RegionId": region.id,
            "RegionEndpoint": f"ecs.{region.id}.aliyuncs.com",
            "LocalName": region.name or region.id,
        }
        for region in call.world.profile.regions
    ]
    return {"Regions": {"Region": rows}}
