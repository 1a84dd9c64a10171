"""A world goes into rows and comes out the same; what was tampered with does not."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from alicloud_emulator.front.graph import Reader, Rows, StateError, Writer
from alicloud_emulator.world.blobs import DirectoryBlobs, FileBlob
from alicloud_emulator.world.faults import Do, Fault, Rule
from alicloud_emulator.world.world import World
from emulator.tests.support.image_cloud import LONDON, TOKYO, Cloud


def no_files(name: str, _known: object) -> FileBlob:
    raise ValueError(name)


def read(cloud: Cloud, rows: Rows) -> World:
    world = World(cloud.world.profile, clock=cloud.clock, seed=99)
    Reader(rows, no_files).fill(world)
    return world


def seen(world: World) -> list[Any]:
    account = world.profile.accounts[0].id
    return [
        part.state(region, account)
        for part in (world.ecs, world.oss, world.fc)
        for region in (TOKYO, LONDON)
    ]


@pytest.fixture
def busy() -> Cloud:
    """A cloud with something of everything, and much under way."""
    cloud = Cloud()
    made = cloud.call("vpc", "CreateVpc", RegionId=TOKYO, VpcName="network")
    first = cloud.available("first-image")
    cloud.import_image("second-image")
    cloud.wait(3)  # it is being made
    cloud.import_image("third-image")
    cloud.copy(first)
    cloud.call("ecs", "CreateSecurityGroup", RegionId=TOKYO, VpcId=made["VpcId"])
    cloud.call("ram", "CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    cloud.world.add_fault(Rule(fault=Fault(do=Do.DELAY), lasts_s=100, times=3))
    visit = cloud.visit()
    upload = cloud.world.oss.uploads.initiate(visit, "bucket", "parts")
    writer = cloud.world.blobs.writer()
    writer.write(b"part" * 50_000)
    cloud.world.oss.uploads.put_part(
        visit, "bucket", "parts", upload.id, number=1, blob=writer.finish()
    )
    return cloud


TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Action": "sts:AssumeRole",
                "Effect": "Allow",
                "Principal": {"Service": ["fc.aliyuncs.com"]},
            }
        ],
    }
)


def test_a_world_comes_out_of_its_rows_as_it_was(busy: Cloud) -> None:
    other = read(busy, Writer(busy.world).rows())
    assert seen(other) == seen(busy.world)
    assert other.rng.getstate() == busy.world.rng.getstate()
    assert other.agenda.next_at == busy.world.agenda.next_at
    # Read and written again it is the same, but for the numbers of things.
    sizes = sorted(map(len, Writer(other).rows().values()))
    assert sizes == sorted(map(len, Writer(busy.world).rows().values()))


def test_what_was_under_way_goes_on_alike(busy: Cloud) -> None:
    other = read(busy, Writer(busy.world).rows())
    for _ in range(20):
        busy.wait(2)
        other.agenda.catch_up()
        assert seen(other) == seen(busy.world)
    statuses = {one["status"] for one in seen(other)[0]["images"]}
    assert statuses == {"Available"}
    assert other.agenda.next_at is None


def test_it_goes_on_from_there_as_its_own_world(busy: Cloud) -> None:
    rows = Writer(busy.world).rows()
    other = read(busy, rows)
    before = seen(busy.world)
    other.oss.buckets.put(busy.visit(), "another")
    other.agenda.catch_up()
    assert seen(busy.world) == before
    assert other.oss.buckets.exists("another")
    assert not busy.world.oss.buckets.exists("another")


def test_only_what_changed_has_another_row(busy: Cloud) -> None:
    writer = Writer(busy.world)
    before = writer.rows()
    busy.put("k", b"new")
    after = writer.rows()
    changed = {key for key in after if before.get(key) != after[key]}
    things = {key for key in changed if not key.startswith("@")}
    # The object, its bytes, what is known of it, and the bucket that has it.
    assert len(things) <= 5
    assert set(before) <= set(after)
    assert len(writer.rows()) == len(after)


def test_files_are_named_and_opened_again(tmp_path: Path) -> None:
    cloud = Cloud()
    kept: list[Path] = []
    cloud.world.blobs = DirectoryBlobs(tmp_path, kept.append)
    writer = cloud.world.blobs.writer()
    writer.write(b"some bytes")
    cloud.world.oss.objects.put(cloud.visit(), "bucket", "k", writer.finish())
    written = Writer(cloud.world)
    rows = written.rows()
    assert written.files == {"00000001"}
    other = World(cloud.world.profile, clock=cloud.clock, seed=99)
    again = DirectoryBlobs(tmp_path, kept.append)
    Reader(rows, again.opened).fill(other)
    account = cloud.main.account_id
    assert other.oss.read(account, TOKYO, "bucket", "k").read(0, 99) == b"some bytes"
    # The next file has another name; one that is cut short is noticed.
    assert again.writer().finish().path.name == "00000002"  # type: ignore[attr-defined]
    (tmp_path / "00000001").write_bytes(b"some")
    with pytest.raises(StateError, match="another size"):
        Reader(rows, again.opened).fill(
            World(cloud.world.profile, clock=cloud.clock, seed=1)
        )


def tampered(rows: Rows, change: Callable[[dict[str, Any]], None], key: str) -> Rows:
    row = json.loads(rows[key])
    change(row)
    return {**rows, key: json.dumps(row)}


def image_key(rows: Rows) -> str:
    return next(key for key, row in rows.items() if 'records:Image"' in row)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.update({"~": "os:system"}),
        lambda row: row.update({"~": "world.world:World"}),
        lambda row: row.update({"~": "world.ecs.records:nothing"}),
        lambda row: row.update({"~": "front.console:Console"}),
        lambda row: row.update(name=5),
        lambda row: row.update(tags={"~": "dict", "v": [[1, 2]]}),
        lambda row: row.update(tags=[1]),
        lambda row: row.update(disks={"~": "list", "v": ["x"]}),
        lambda row: row.update(
            status={"~": "enum", "of": "world.ecs.records:ImageStatus", "v": "Odd"}
        ),
        lambda row: row.update(
            status={"~": "enum", "of": "world.ecs.records:Image", "v": "x"}
        ),
        lambda row: row.update(name={"~": "what", "v": 1}),
        lambda row: row.update(disks={"~": "thing", "v": "9999"}),
        lambda row: row.pop("image_id"),
    ],
)
def test_what_is_no_thing_of_a_cloud_is_refused(
    busy: Cloud, change: Callable[[dict[str, Any]], None]
) -> None:
    rows = Writer(busy.world).rows()
    with pytest.raises(StateError):
        read(busy, tampered(rows, change, image_key(rows)))


@pytest.mark.parametrize(
    "later",
    [
        {"of": None, "call": "os:system", "v": ["true"]},
        {"of": None, "call": "world.ecs.records:Image", "v": []},
        {"of": {"~": "keeper", "v": ".nowhere"}, "call": "x", "v": []},
        {"of": {"~": "bytes", "v": ""}, "call": "hex", "v": []},
    ],
)
def test_nothing_else_can_be_made_to_happen(busy: Cloud, later: dict[str, Any]) -> None:
    def change(row: dict[str, Any]) -> None:
        entry = row["_entries"]["v"][0]
        entry["v"][2] = {"~": "later", **later}

    with pytest.raises(StateError):
        read(busy, tampered(Writer(busy.world).rows(), change, "@.agenda"))


@pytest.mark.parametrize(
    "rows", [{}, {"parts": "["}, {"parts": "[]", "@.x": "{}"}, {"parts": '["os:path"]'}]
)
def test_other_rows_are_no_state(busy: Cloud, rows: Rows) -> None:
    with pytest.raises(StateError):
        read(busy, rows)


def test_numbers_are_never_given_twice(busy: Cloud) -> None:
    writer = Writer(busy.world)
    given = set(writer.rows())
    for number, _ in zip(count(), range(5), strict=False):
        busy.put(f"k{number}", b"x")
        now = set(writer.rows())
        busy.delete_object(f"k{number}")
        gone = now - set(writer.rows())
        assert not gone & given
        given |= now
