"""Listings that lag, and images that are Usable late."""

from alicloud_emulator.world.faults import Do, Fault, Rule
from emulator.tests.support.image_cloud import TOKYO, Cloud


def names(cloud: Cloud, ago_s: float) -> list[str]:
    with cloud.world.past.shown(ago_s):
        rows = cloud.call(
            "ecs", "DescribeImages", RegionId=TOKYO, Status="ALL", PageSize=100
        )
    return sorted(row["ImageName"] for row in rows["Images"]["Image"])


def test_a_listing_shows_what_there_was(cloud: Cloud) -> None:
    past = cloud.world.past
    past.keep()
    cloud.import_image("first")
    past.note()
    cloud.wait(100)
    cloud.import_image("second")
    past.note()
    cloud.wait(1)
    assert names(cloud, 0.0) == ["first", "second"]
    assert names(cloud, 0.5) == ["first", "second"]
    assert names(cloud, 5.0) == ["first"]
    assert names(cloud, 200.0) == []


def test_it_shows_things_as_they_were(cloud: Cloud) -> None:
    cloud.world.past.keep()
    made = cloud.import_image("image")
    cloud.world.past.note()
    cloud.wait(100)
    cloud.world.past.note()
    with cloud.world.past.shown(50.0):
        pass
    cloud.call(
        "ecs",
        "ModifyImageAttribute",
        RegionId=TOKYO,
        ImageId=made.image_id,
        ImageName="renamed",
    )
    cloud.world.past.note()
    assert names(cloud, 0.0) == ["renamed"]
    cloud.wait(1)
    assert names(cloud, 2.0) == ["image"]
    with cloud.world.past.shown(95.0):
        rows = cloud.call("ecs", "DescribeImages", RegionId=TOKYO, Status="ALL")
    (row,) = rows["Images"]["Image"]
    assert row["Status"] == "Creating"


def test_what_was_before_anybody_took_note_is_not_known(cloud: Cloud) -> None:
    cloud.import_image("image")
    assert names(cloud, 100.0) == ["image"]


def test_nothing_is_noted_unless_a_rule_wants_it(cloud: Cloud) -> None:
    cloud.import_image("image")
    cloud.world.past.note()
    assert not cloud.world.past._views
    cloud.world.add_fault(Rule(fault=Fault(do=Do.LAG, delay_s=5)))
    assert len(cloud.world.past._views) == 1


def test_what_nobody_can_ask_for_any_more_is_forgotten(cloud: Cloud) -> None:
    cloud.world.past.keep()
    for number in range(20):
        cloud.import_image(f"image-{number}")
        cloud.world.past.note()
        cloud.wait(100)
    assert len(cloud.world.past._views) < 30


def test_an_image_is_usable_later_than_it_would_be(cloud: Cloud) -> None:
    late = Fault(do=Do.LATE_USABLE, delay_s=30)
    made = cloud.import_image("image", faults=(late,))
    cloud.wait(11)
    image = cloud.image(made.image_id)
    assert (image.status, image.usable(cloud.clock.now)) == ("Available", False)
    cloud.wait(29)
    assert image.usable(cloud.clock.now) is False
    cloud.wait(2)
    assert image.usable(cloud.clock.now) is True
