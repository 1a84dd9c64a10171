"""Inventory configurations: put, get, list in pages, delete."""

import pytest

from emulator.tests.unit.oss.conftest import Answer, Cloud


def put(cloud: Cloud, inventory_id: str, body_id: str | None = None) -> Answer:
    body = f"""<InventoryConfiguration>
    <Id>{inventory_id if body_id is None else body_id}</Id><IsEnabled>true</IsEnabled>
    <Destination><OSSBucketDestination><Format>CSV</Format></OSSBucketDestination>
    </Destination><Schedule><Frequency>Daily</Frequency></Schedule>
    <IncludedObjectVersions>All</IncludedObjectVersions></InventoryConfiguration>"""
    path = f"pail?inventory&inventoryId={inventory_id}"
    return cloud.call("PUT", path, body.encode())


@pytest.fixture(autouse=True)
def bucket(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")


def test_an_inventory_is_kept_until_it_is_deleted(cloud: Cloud) -> None:
    path = "pail?inventory&inventoryId=one"
    missing = cloud.call("GET", path)
    assert (missing.status, missing.code) == (404, "NoSuchInventory")
    assert put(cloud, "one").status == 200
    again = put(cloud, "one")
    assert (again.status, again.code) == (409, "InventoryAlreadyExist")
    assert cloud.call("GET", path).text("Schedule/Frequency") == "Daily"
    for _ in range(2):
        assert cloud.call("DELETE", path).status == 204
    assert cloud.call("GET", path).code == "NoSuchInventory"


def test_inventories_are_listed_in_pages(cloud: Cloud) -> None:
    assert cloud.call("GET", "pail?inventory").code == "NoSuchInventory"
    names = [f"i{number:03}" for number in range(103)]
    for name in reversed(names):
        put(cloud, name)
    first = cloud.call("GET", "pail?inventory")
    assert first.texts("InventoryConfiguration/Id") == names[:100]
    assert first.text("IsTruncated") == "true"
    token = first.text("NextContinuationToken")
    rest = cloud.call("GET", f"pail?inventory&continuation-token={token}")
    assert rest.texts("InventoryConfiguration/Id") == names[100:]
    assert rest.text("IsTruncated") == "false"


def test_what_is_no_inventory_is_refused(cloud: Cloud) -> None:
    assert put(cloud, "one", "other").code == "InvalidArgument"
    assert put(cloud, "").code == "InvalidArgument"
    short = b"<InventoryConfiguration><Id>a</Id></InventoryConfiguration>"
    path = "pail?inventory&inventoryId=a"
    assert cloud.call("PUT", path, short).code == "MalformedXML"
    assert cloud.call("PUT", "pail?inventory", short).code == "MethodNotAllowed"
