"""What the cloud does where those who saw it disagree: a profile chooses."""

from typing import Any

import pytest

from alicloud_emulator.world.ecs.import_checks import ImportDisk
from alicloud_emulator.world.ecs.records import ImageStatus
from emulator.tests.support.image_cloud import LONDON, TOKYO, Cloud, refused


@pytest.mark.parametrize(
    ("garbage", "ends"),
    [(False, ImageStatus.CREATE_FAILED), (True, ImageStatus.AVAILABLE)],
)
def test_an_import_may_look_at_no_content(garbage: bool, ends: ImageStatus) -> None:
    cloud = Cloud(habits={"import_garbage": garbage})
    cloud.put("fc/hello.zip", b"no disk at all")
    disk = ImportDisk(oss_bucket="bucket", oss_object="fc/hello.zip", format="QCOW2")
    started = cloud.import_image(disks=(disk,))
    cloud.wait(11)
    assert cloud.image(started.image_id).status is ends


def test_features_may_be_changed_while_the_image_is_made() -> None:
    cloud = Cloud(habits={"features_while_creating": True})
    image_id = cloud.import_image().image_id

    def change(**given: Any) -> None:
        asked = {"region": TOKYO, "image_id": image_id, **given}
        cloud.ecs.modify_image_attribute(cloud.main, **asked)

    change(nvme="supported")
    with refused("InvalidStatus.ImageIsCreating", 403):
        change(nvme="supported", description="and more")
    cloud.wait(11)
    assert cloud.image(image_id).nvme == "supported"


@pytest.mark.parametrize(("kept", "tags"), [(True, {"key": "value"}), (False, {})])
def test_tags_may_be_lost_when_an_image_is_made(
    kept: bool, tags: dict[str, str]
) -> None:
    cloud = Cloud(habits={"tags_kept": kept})
    given = (("key", "value"),)
    image_id = cloud.available(tags=given)
    copy = cloud.copy(image_id, LONDON, tags=given)
    assert cloud.image(image_id).tags == tags
    assert cloud.image(copy, LONDON).tags == tags
    cloud.ecs.tag_resources(
        cloud.main,
        region=TOKYO,
        resource_type="image",
        resource_ids=[image_id],
        tags=given,
    )
    assert cloud.image(image_id).tags == dict(given)
