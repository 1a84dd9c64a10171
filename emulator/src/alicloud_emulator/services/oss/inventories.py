"""Inventory configurations on the wire: kept as they come, like other settings."""

from alicloud_emulator.services.oss import xml
from alicloud_emulator.services.oss.call import Call
from alicloud_emulator.services.wire import Response
from alicloud_emulator.world.oss.refusals import refusal

_ROOT = "InventoryConfiguration"
_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
# What a configuration must say. [PutBucketInventory reference]
_REQUIRED = ("Id", "IsEnabled", "Destination", "Schedule", "IncludedObjectVersions")


async def put_inventory(call: Call) -> Response:
    """PutBucketInventory."""
    element = await call.xml(_ROOT)
    if any(element.find(name) is None for name in _REQUIRED):
        raise refusal("MalformedXML")
    inventory_id = call.param("inventoryId")
    if not inventory_id or xml.text(element, "Id") != inventory_id:
        call.bad_argument("inventoryId", inventory_id)
    xml.lower_truth(element)
    classes = element.find("Filter/StorageClass")
    if classes is not None and classes.text:
        # Given back in order, as the older SDK's tests have it.
        classes.text = ",".join(sorted(classes.text.split(",")))
    text = xml.written(element)
    call.world.oss.inventories.put(call.visit, call.bucket, inventory_id, text)
    return Response()


async def get_inventory(call: Call) -> Response:
    """GetBucketInventory."""
    wanted = call.param("inventoryId")
    text = call.world.oss.inventories.get(call.visit, call.bucket, wanted)
    return _answer(text)


async def list_inventories(call: Call) -> Response:
    """ListBucketInventory."""
    after = call.param("continuation-token")
    found, following = call.world.oss.inventories.page(call.visit, call.bucket, after)
    nodes: list[xml.Node] = [
        ("IsTruncated", bool(following)),
        ("ContinuationToken", after or None),
        ("NextContinuationToken", following or None),
    ]
    root = "ListInventoryConfigurationsResult"
    return _answer(f"<{root}>{''.join(found)}{xml.fragment(nodes)}</{root}>")


async def delete_inventory(call: Call) -> Response:
    """DeleteBucketInventory."""
    wanted = call.param("inventoryId")
    call.world.oss.inventories.delete(call.visit, call.bucket, wanted)
    return Response(status=204)


def _answer(text: str) -> Response:
    headers = {"Content-Type": "application/xml"}
    return Response(headers=headers, body=f"{_PROLOG}{text}".encode())
