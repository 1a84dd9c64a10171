import struct
from typing import Any

import pytest

from alicloud_emulator.world.ecs.import_checks import ImportDisk
from alicloud_emulator.world.ecs.records import ImageStatus
from alicloud_emulator.world.faults import Do, Fault
from emulator.tests.support.image_cloud import LONDON, TOKYO, Cloud, refused

REGIONS = (
    "eu-west-1", "eu-west-2", "eu-central-1", "us-west-1", "us-east-1", "me-east-1",
    "cn-hangzhou", "cn-hongkong",
)  # fmt: skip


@pytest.fixture
def cloud() -> Cloud:
    """A cloud that takes several copies of one image at once."""
    return Cloud(limits={"copy_conflict": "queue"})


def statuses(cloud: Cloud, ids: dict[str, str]) -> list[str]:
    return [cloud.image(image_id, region).status for region, image_id in ids.items()]


def test_a_copy_is_made_in_the_destination(cloud: Cloud) -> None:
    source = cloud.image(cloud.available(architecture="arm64"))
    copy_id = cloud.copy(source.image_id)
    copy = cloud.image(copy_id, LONDON)
    assert (copy.name, copy.status) == ("copy-eu-west-1", ImageStatus.CREATING)
    cloud.wait(10)
    assert copy.progress(cloud.clock.now) == 50
    cloud.wait(10)
    assert copy.status is ImageStatus.AVAILABLE
    assert copy.content_sha256 == source.content_sha256 != ""
    assert (copy.architecture, copy.boot_mode) == ("arm64", "UEFI")
    assert copy.copied_from == source.image_id
    assert cloud.snapshot_ids(LONDON) == [copy.disks[0].snapshot_id]


def test_a_copy_loses_what_nobody_promises(cloud: Cloud) -> None:
    image_id = cloud.available(
        boot_mode="UEFI", nvme="supported", imds="v2", tags=(("a", "b"),)
    )
    copy = cloud.image(cloud.copy(image_id, tags=(("c", "d"),)), LONDON)
    assert (copy.boot_mode, copy.nvme, copy.imds) == ("BIOS", "unsupported", "v1")
    assert copy.tags == {"c": "d"}
    assert copy.family == ""
    assert not copy.public


def test_five_copies_run_from_a_region_and_the_rest_wait(cloud: Cloud) -> None:
    image_id = cloud.available()
    ids = {region: cloud.copy(image_id, region) for region in REGIONS}
    assert statuses(cloud, ids) == ["Creating"] * 5 + ["Waiting"] * 3
    assert cloud.ecs.running_copies_from(cloud.main.account_id, TOKYO) == 5
    cloud.wait(20)
    assert statuses(cloud, ids) == ["Available"] * 5 + ["Creating"] * 3
    cloud.wait(20)
    assert statuses(cloud, ids) == ["Available"] * 8


def test_another_source_region_has_its_own_five(cloud: Cloud) -> None:
    image_id = cloud.available()
    second = cloud.copy(image_id, LONDON)
    cloud.wait(20)
    for region in REGIONS[1:6]:
        cloud.copy(image_id, region)
    more = cloud.copy(second, "cn-hangzhou", region=LONDON)
    assert cloud.image(more, "cn-hangzhou").status is ImageStatus.CREATING


@pytest.mark.parametrize(
    ("conflict", "code", "status"),
    [
        ("copying", "OperationDenied.ImageCopying", 403),
        ("refuse", "OperationDenied.ImageCopyConflict", 400),
    ],
)
def test_the_same_image_is_refused_while_it_is_being_copied(
    conflict: str, code: str, status: int
) -> None:
    cloud = Cloud(limits={"copy_conflict": conflict})
    image_id = cloud.available()
    other = cloud.available("other")
    cloud.copy(image_id, LONDON)
    with refused(code, status):
        cloud.copy(image_id, "us-west-1")
    cloud.copy(other, "us-west-1")
    cloud.wait(20)
    cloud.copy(image_id, "us-east-1")


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [
        ({"image_id": "m-none"}, "InvalidImageId.NotFound", 404),
        ({"region": "xx-1"}, "InvalidRegionId.NotFound", 404),
        ({"destination_region": "xx-1"}, "DestinationRegion.NotFound", 400),
        ({"destination_region": "us-west-1"}, "OperationDenied.NonCompliantDestinationRegion", 403),
        ({"destination_name": "_bad"}, "InvalidImageName.Malformed", 400),
        ({"destination_name": "taken"}, "InvalidImageName.Duplicated", 400),
        ({"description": "x"}, "InvalidDescription.Malformed", 400),
        ({"tags": (("aliyun", "x"),)}, "InvalidTagKey.Malformed", 400),
        ({"client_token": "\N{SNOWMAN}"}, "InvalidClientToken.Malformed", 400),
        ({"dry_run": True}, "DryRunOperation", 400),
    ],
)  # fmt: skip
def test_bad_copies_are_refused(given: dict[str, Any], code: str, status: int) -> None:
    cloud = Cloud(regions={"us-west-1": {"copy_in": False}})
    image_id = cloud.available()
    cloud.put_bucket("bucket-london", LONDON)
    cloud.copy(image_id, destination_name="taken")
    cloud.wait(20)
    with refused(code, status):
        cloud.copy(**{"image_id": image_id, **given})


def test_a_region_may_not_copy_out() -> None:
    cloud = Cloud(regions={TOKYO: {"copy_out": False}})
    image_id = cloud.available()
    with refused("RegionNotSupportCopy", 403):
        cloud.copy(image_id)


def test_only_available_unpublished_images_are_copied(cloud: Cloud) -> None:
    started = cloud.import_image()
    with refused("IncorrectImageStatus", 400):
        cloud.copy(started.image_id)
    cloud.wait(11)
    cloud.publish(started.image_id)
    with refused("OperationDenied.CommunityImage", 400):
        cloud.copy(started.image_id)
    cloud.publish(started.image_id, public=False)
    cloud.copy(started.image_id)


def test_the_quota_of_the_destination_counts() -> None:
    cloud = Cloud(limits={"images_per_region": 1})
    image_id = cloud.available()
    cloud.copy(image_id)
    with refused("QuotaExceed.Image", 403):
        cloud.copy(image_id, destination_name="second")


def test_the_same_token_gives_the_same_copy(cloud: Cloud) -> None:
    image_id = cloud.available()
    first = cloud.copy(image_id, client_token="t")
    cloud.wait(30)
    assert cloud.copy(image_id, client_token="t") == first
    with refused("IdempotentParameterMismatch", 400):
        cloud.copy(image_id, client_token="t", description="other")


def test_a_cancelled_copy_is_gone_and_makes_room(cloud: Cloud) -> None:
    image_id = cloud.available()
    ids = {region: cloud.copy(image_id, region) for region in REGIONS[:6]}
    first, last = REGIONS[0], REGIONS[5]
    assert cloud.image(ids[last], last).status is ImageStatus.WAITING
    cloud.ecs.cancel_copy_image(cloud.main, region=first, image_id=ids[first])
    assert cloud.images(first) == []
    assert cloud.image(ids[last], last).status is ImageStatus.CREATING
    cloud.wait(60)
    assert cloud.images(first) == []
    assert cloud.snapshot_ids(first) == []
    with refused("InvalidImageId.NotFound", 404):
        cloud.ecs.cancel_copy_image(cloud.main, region=first, image_id=ids[first])
    with refused("IncorrectImageStatus", 400):
        cloud.ecs.cancel_copy_image(cloud.main, region=last, image_id=ids[last])
    with refused("ImageCreatedNotFromCopy", 400):
        cloud.ecs.cancel_copy_image(cloud.main, region=TOKYO, image_id=image_id)


def test_a_waiting_copy_can_be_cancelled(cloud: Cloud) -> None:
    image_id = cloud.available()
    ids = {region: cloud.copy(image_id, region) for region in REGIONS[:7]}
    sixth, seventh = REGIONS[5], REGIONS[6]
    cloud.ecs.cancel_copy_image(cloud.main, region=sixth, image_id=ids[sixth])
    cloud.wait(20)
    assert cloud.images(sixth) == []
    assert cloud.image(ids[seventh], seventh).status is ImageStatus.CREATING


def test_a_waiting_copy_that_was_cancelled_holds_up_no_other() -> None:
    cloud = Cloud(limits={"copy_conflict": "refuse", "copies_running": 1})
    first, second = cloud.available(), cloud.available("second")
    cloud.copy(first, LONDON)
    waiting = cloud.copy(second, "us-west-1")
    cloud.ecs.cancel_copy_image(cloud.main, region="us-west-1", image_id=waiting)
    cloud.copy(second, "us-east-1")


def test_neither_end_of_a_running_copy_can_be_deleted(cloud: Cloud) -> None:
    image_id = cloud.available()
    copy_id = cloud.copy(image_id)
    for region, each in ((LONDON, copy_id), (TOKYO, image_id)):
        with refused("OperationDenied.ImageCopying", 403):
            cloud.ecs.delete_image(cloud.main, region=region, image_id=each)
    cloud.wait(20)
    cloud.ecs.delete_image(cloud.main, region=LONDON, image_id=copy_id)


def test_a_copy_can_fail_and_makes_room(cloud: Cloud) -> None:
    image_id = cloud.available()
    fault = Fault(do=Do.FAIL_TASK, code="Copy.Broke", message="why")
    ids = {REGIONS[0]: cloud.copy(image_id, REGIONS[0], faults=(fault,))}
    ids |= {region: cloud.copy(image_id, region) for region in REGIONS[1:6]}
    cloud.wait(20)
    assert statuses(cloud, ids) == ["CreateFailed"] + ["Available"] * 4 + ["Creating"]
    assert cloud.snapshot_ids(REGIONS[0]) == []
    assert cloud.image(ids[REGIONS[0]], REGIONS[0]).failure == ("Copy.Broke", "why")


def test_a_shared_image_is_copied_within_its_region_only(cloud: Cloud) -> None:
    image_id = cloud.available()
    cloud.ecs.modify_image_share_permission(
        cloud.main,
        region=TOKYO,
        image_id=image_id,
        add_accounts=[cloud.other.account_id],
    )
    cloud.main, owner = cloud.other, cloud.main
    with refused("OperationDenied.SameRegionOnly", 403):
        cloud.copy(image_id)
    copy_id = cloud.copy(image_id, "", destination_name="mine")
    cloud.wait(20)
    assert cloud.image(copy_id).account_id == cloud.other.account_id
    assert owner.account_id != cloud.other.account_id


def test_the_slower_end_sets_the_pace() -> None:
    cloud = Cloud(regions={LONDON: {"slow": 2.0}})
    image_id = cloud.available()
    copies = {LONDON: cloud.copy(image_id)}
    cloud.wait(39)
    assert statuses(cloud, copies) == ["Creating"]
    cloud.wait(1)
    assert statuses(cloud, copies) == ["Available"]


@pytest.mark.parametrize("declared", ["VHD", ""])
def test_an_image_of_a_vhd_cannot_be_copied(cloud: Cloud, declared: str) -> None:
    footer = b"conectix" + bytes(40) + struct.pack(">Q4xI", 1000, 2)
    cloud.put("disk.vhd", bytes(1000) + footer.ljust(512, b"\0"))
    mapping = ImportDisk(oss_bucket="bucket", oss_object="disk.vhd", format=declared)
    image_id = cloud.available(disks=(mapping,))
    with refused("InvalidOperation.VhdImageUnsupported", 403):
        cloud.copy(image_id)
