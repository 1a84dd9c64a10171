from collections.abc import Sequence
from typing import Any

import pytest

from alicloud_emulator.world.ecs.records import Snapshot
from emulator.tests.support.ecs_calls import Rows
from emulator.tests.support.image_cloud import TOKYO, Cloud, refused


def snapshots(cloud: Cloud, **query: Any) -> Rows[Snapshot]:
    return cloud.ecs.describe_snapshots(cloud.main, region=TOKYO, **query)


def tag(
    cloud: Cloud, ids: Sequence[str], *tags: tuple[str, str], kind: str = "image"
) -> None:
    cloud.ecs.tag_resources(
        cloud.main, region=TOKYO, resource_type=kind, resource_ids=ids, tags=tags
    )


def listed(cloud: Cloud, kind: str = "image", **query: Any) -> list[str]:
    page = cloud.ecs.list_tag_resources(
        cloud.main, region=TOKYO, resource_type=kind, **query
    )
    return list(page.rows)


def delete_snapshot(cloud: Cloud, snapshot_id: str, **given: Any) -> None:
    cloud.ecs.delete_snapshot(
        cloud.main, region=TOKYO, snapshot_id=snapshot_id, **given
    )


def test_a_snapshot_can_go_a_while_after_its_image(cloud: Cloud) -> None:
    image_id = cloud.available()
    (snapshot_id,) = cloud.snapshot_ids()
    with refused("SnapshotCreatedImage", 403):
        delete_snapshot(cloud, snapshot_id, force=True)
    cloud.ecs.delete_image(cloud.main, region=TOKYO, image_id=image_id)
    cloud.wait(5)  # the image is gone
    with refused("SnapshotCreatedImage", 403):
        delete_snapshot(cloud, snapshot_id)
    cloud.wait(3)
    delete_snapshot(cloud, snapshot_id)
    assert cloud.snapshot_ids() == []
    delete_snapshot(cloud, snapshot_id)  # not there: ignored


def test_nobody_deletes_another_accounts_snapshot(cloud: Cloud) -> None:
    cloud.available()
    (snapshot_id,) = cloud.snapshot_ids()
    cloud.ecs.delete_snapshot(cloud.other, region=TOKYO, snapshot_id=snapshot_id)
    assert cloud.snapshot_ids() == [snapshot_id]


def test_snapshots_are_found_by_every_filter(cloud: Cloud) -> None:
    first = cloud.available("one")
    cloud.available("two")
    newest, oldest = (row.snapshot_id for row in snapshots(cloud).rows)
    tag(cloud, [oldest], ("k", "v"), kind="snapshot")
    cloud.ecs.delete_image(cloud.main, region=TOKYO, image_id=first)
    cloud.wait(5)

    def found(**query: Any) -> list[str]:
        return [row.snapshot_id for row in snapshots(cloud, **query).rows]

    assert found(snapshot_ids=[oldest]) == [oldest]
    assert found(tags=[("k", "v")]) == [oldest]
    assert found(tags=[("k", "w")]) == []
    assert found(usage="none") == [oldest]
    assert found(usage="image") == [newest]
    assert found(status="accomplished") == [newest, oldest]
    assert found(status="progressing") == []
    assert found(snapshot_type="auto") == []
    assert found(disk_id="d-1") == []
    assert found(name="SnapshotForImage-*") == [newest, oldest]
    assert found(created_from=cloud.clock.now - 10) == [newest]
    with refused("DryRunOperation", 400):
        found(dry_run=True)
    with refused("InvalidParameter", 400):
        found(snapshot_ids=["s"] * 101)


def test_snapshots_come_in_pages_by_number_and_by_token(cloud: Cloud) -> None:
    for number in range(5):
        cloud.import_image(f"image-{number}")
    cloud.wait(11)
    assert [
        len(snapshots(cloud, page_size=2, page_number=n).rows) for n in (1, 2, 3)
    ] == [2, 2, 1]
    seen, token = [], ""
    for _ in range(3):
        page = snapshots(cloud, max_results=2, next_token=token)
        seen += [row.snapshot_id for row in page.rows]
        token = page.next_token
    assert token == ""
    assert len(snapshots(cloud, max_results=100).rows) == 5
    assert seen == [row.snapshot_id for row in snapshots(cloud).rows]
    for wrong in (
        {"max_results": 101},
        {"next_token": "nonsense"},
        {"max_results": -1},
    ):
        with refused("InvalidParameter", 400):
            snapshots(cloud, **wrong)


def test_rows_deleted_between_pages_shift_nothing(cloud: Cloud) -> None:
    ids = [cloud.import_image(f"image-{number}").image_id for number in range(4)]
    cloud.wait(11)
    before = [row.snapshot_id for row in snapshots(cloud).rows]
    token = snapshots(cloud, max_results=2).next_token
    cloud.ecs.delete_image(cloud.main, region=TOKYO, image_id=ids[3])
    cloud.wait(8)
    delete_snapshot(cloud, before[0])
    page = snapshots(cloud, max_results=2, next_token=token)
    assert [row.snapshot_id for row in page.rows] == before[2:]


def test_tags_of_an_image_are_not_on_its_snapshot(cloud: Cloud) -> None:
    image_id = cloud.available(tags=(("a", "b"),))
    tag(cloud, [image_id], ("c", "d"))
    assert cloud.image(image_id).tags == {"a": "b", "c": "d"}
    assert snapshots(cloud).rows[0].tags == {}
    tag(cloud, [image_id], ("a", "new"))
    assert cloud.image(image_id).tags["a"] == "new"
    tag(cloud, [image_id], ("k" * 128, "v" * 128))
    assert cloud.image(image_id).tags["k" * 128] == "v" * 128


@pytest.mark.parametrize(
    ("tags", "code", "status"),
    [
        ([], "MissingParameter", 400),
        ([("aliyunx", "")], "InvalidTagKey.Malformed", 400),
        ([("", "v")], "InvalidTagKey.Malformed", 400),
        ([("k" * 129, "v")], "InvalidTagKey.Malformed", 400),
        ([("k", "v" * 129)], "InvalidTagValue.Malformed", 400),
        ([("k", "https://x")], "InvalidTagValue.Malformed", 400),
        ([("k", "1"), ("k", "2")], "Duplicate.TagKey", 400),
        ([(f"k{n}", "") for n in range(21)], "NumberExceed.Tags", 400),
        ([(f"k{n}", "") for n in range(20)], "QuotaExceed.Tags", 403),
    ],
)
def test_bad_tags_are_refused(
    cloud: Cloud, tags: list[tuple[str, str]], code: str, status: int
) -> None:
    image_id = cloud.available(tags=(("already", "there"),))
    with refused(code, status):
        tag(cloud, [image_id], *tags)
    assert cloud.image(image_id).tags == {"already": "there"}


def test_all_resources_must_be_there_or_none_is_tagged(cloud: Cloud) -> None:
    image_id = cloud.available()
    with refused("InvalidResourceId.NotFound", 404):
        tag(cloud, [image_id, "m-none"], ("a", "b"))
    assert cloud.image(image_id).tags == {}
    with refused("InvalidResourceType.NotFound", 404):
        tag(cloud, [image_id], ("a", "b"), kind="spaceship")
    with refused("InvalidResourceId.NotFound", 404):
        tag(cloud, ["i-1"], ("a", "b"), kind="instance")
    with refused("NumberExceed.ResourceIds", 400):
        tag(cloud, [image_id] * 51, ("a", "b"))
    with refused("MissingParameter", 400):
        tag(cloud, [], ("a", "b"))


def test_untagging_takes_keys_or_everything(cloud: Cloud) -> None:
    image_id = cloud.available(tags=(("a", "1"), ("b", "2"), ("c", "3")))

    def untag(**given: Any) -> dict[str, str]:
        cloud.ecs.untag_resources(
            cloud.main,
            region=TOKYO,
            resource_type="image",
            resource_ids=[image_id],
            **given,
        )
        return cloud.image(image_id).tags

    assert untag() == {"a": "1", "b": "2", "c": "3"}
    assert untag(keys=["a", "missing"]) == {"b": "2", "c": "3"}
    assert untag(keys=["b"], everything=True) == {"c": "3"}
    assert untag(keys=[f"k{number}" for number in range(20)]) == {"c": "3"}
    with refused("NumberExceed.Tags", 400):
        untag(keys=["c"] * 21)
    assert untag(everything=True) == {}


def test_tagged_resources_are_listed_by_id_and_tag(cloud: Cloud) -> None:
    one = cloud.available("one", tags=(("a", "1"),))
    two = cloud.available("two", tags=(("a", "2"),))
    bare = cloud.available("bare")
    assert listed(cloud, tags=[("a", None)]) == [two, one]
    assert listed(cloud, tags=[("a", "1")]) == [one]
    assert listed(cloud, resource_ids=[one, two, bare]) == [two, one]
    assert listed(cloud, resource_ids=[two], tags=[("a", "1")]) == []
    assert listed(cloud, "instance", resource_ids=["i-1"]) == []
    with refused("MissingParameter", 400):
        listed(cloud)
    with refused("InvalidParameter.TagValue", 400):
        listed(cloud, tags=[("", "x")])
    with refused("NumberExceed.ResourceIds", 400):
        listed(cloud, resource_ids=["m"] * 51)
    with refused("InvalidParameter", 400):
        listed(cloud, tags=[("a", None)], next_token="x")


def test_tagged_resources_come_in_pages(cloud: Cloud) -> None:
    for number in range(60):
        cloud.import_image(f"image-{number}", tags=(("a", ""),))
    first = cloud.ecs.list_tag_resources(
        cloud.main, region=TOKYO, resource_type="image", tags=[("a", None)]
    )
    assert len(first.rows) == 50
    rest = listed(cloud, tags=[("a", None)], next_token=first.next_token)
    assert len(rest) == 10
    assert not set(rest) & set(first.rows)
