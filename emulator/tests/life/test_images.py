"""ECS and its neighbours, on the wire, as they were seen to answer.

Where a vector is a note and no answer, the test holds what the note says.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oss2
import pytest

from emulator.tests.life.conftest import Caller, Seen, vector
from emulator.tests.support.emulator import RunningEmulator, emulator
from emulator.tests.support.image_cloud import TOKYO, Cloud

HERE, THERE = "eu-central-1", "us-west-1"
VERSION = "2014-05-26"
# Imports are done at once; copies, snapshots' release and Usable never come.
PROFILE = """
extends = "fast"
[durations]
import_s = 0
import_s_per_gib = 0
import_queue_s = 0
copy_s = 1e6
image_delete_s = 0
snapshot_release_s = 1e6
usable_s = 1e6
[[account.users]]
name = "nobody"
access_key_id = "LTAI-nobody"
access_key_secret = "secret"
[[accounts]]
id = "2222222222222222"
access_key_id = "LTAI-other"
access_key_secret = "secret"
import_role = false
"""
# The head of a disk of 1 GiB in QCOW2.
QCOW2 = b"QFI\xfb" + struct.pack(">IQIIQ", 3, 0, 0, 16, 1 << 30) + bytes(72)


@dataclass(frozen=True, kw_only=True)
class Stock:
    """A cloud with an image, and with keys of several people."""

    cloud: RunningEmulator
    caller: Caller
    image_id: str

    def ecs(self, action: str, **given: str) -> Seen:
        return ecs(self.caller, action, **given)

    def another(self, key: str) -> Caller:
        caller = Caller(self.cloud)
        caller.key, caller.secret = key, "secret"
        return caller

    def row(self) -> dict[str, Any]:
        """Return the image as DescribeImages shows it."""
        found = self.ecs("DescribeImages", ImageId=self.image_id)
        (row,) = found.body["Images"]["Image"]
        assert isinstance(row, dict)
        return row


def ecs(caller: Caller, action: str, **given: str) -> Seen:
    host = f"ecs.{HERE}.aliyuncs.com"
    return caller.call(host, action, VERSION, **{"RegionId": HERE, **given})


def import_image(caller: Caller, name: str, key: str, **given: str) -> Seen:
    """Ask for an image as the vendor's tests do: without saying much of the object."""
    disk = {"OSSBucket": "life", "OSSObject": key}
    mapping = {f"DiskDeviceMapping.1.{k}": v for k, v in {**disk, **given}.items()}
    return ecs(caller, "ImportImage", ImageName=name, **mapping)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    profile: Path = tmp_path_factory.mktemp("life") / "life.toml"
    profile.write_text(PROFILE)
    with emulator("--profile", str(profile)) as cloud:
        session = oss2.Session()
        session.session.trust_env = False
        session.session.proxies = {"http": cloud.proxy}
        host = f"http://oss-{HERE}.aliyuncs.com"
        bucket = oss2.Bucket(oss2.Auth(*cloud.keys), host, "life", session=session)
        bucket.create_bucket()
        bucket.put_object("fc/hello.zip", b"a hundred bytes of text" * 4)
        bucket.put_object("disk.qcow2", QCOW2)
        caller = Caller(cloud)
        made = import_image(caller, "my-image", "fc/hello.zip").body
        yield Stock(cloud=cloud, caller=caller, image_id=made["ImageId"])


def holds(seen: Seen, number: int, *, but: tuple[str, ...] = ()) -> None:
    """See that an answer says what a captured one says.

    Args:
        seen: The answer.
        number: The vector's.
        but: Fields that need not be there, or of that type.
    """
    captured = vector(number)
    if captured["status"] is not None:
        assert seen.status == captured["status"]
    body = captured["body"]
    if "Code" in body:
        assert seen.body["Code"] == body["Code"]
        assert body.get("Message", "") in ("", seen.body["Message"])
    else:
        assert differences(body, seen.body, but) == []


def differences(captured: Any, seen: Any, but: tuple[str, ...] = ()) -> list[str]:
    """Name the fields that were captured and are not there, or of another type."""
    if isinstance(captured, dict):
        assert isinstance(seen, dict)
        return [
            f"{key}{'.' if rest else ''}{rest}"
            for key in sorted(captured.keys() - set(but))
            for rest in (
                ["is missing"]
                if key not in seen
                else differences(captured[key], seen[key], but)
            )
        ]
    if isinstance(captured, list):
        assert isinstance(seen, list)
        return differences(captured[0], seen[0], but) if captured and seen else []
    if type(captured) is type(seen):
        return []
    return [f"is {type(seen).__name__}, not {type(captured).__name__}"]


# --- what there is --------------------------------------------------------------------


def test_a_region_without_images_answers_with_an_empty_list(stock: Stock) -> None:
    # NextToken may have been taken from another action's answer.
    holds(stock.ecs("DescribeImages", ImageName="none"), 14, but=("NextToken",))


def test_an_image_has_the_fields_that_images_were_seen_to_have(stock: Stock) -> None:
    holds(stock.ecs("DescribeImages", ImageId=stock.image_id), 15)
    assert stock.row()["DiskDeviceMappings"]["DiskDeviceMapping"][0]["Size"] == "1"


def test_an_import_looks_at_no_suffix_and_fills_in_what_was_not_said(
    stock: Stock,
) -> None:
    assert vector(111)["kind"] == "live-test-assertion"
    row = stock.row()
    assert row["Status"] == "Available"
    assert row["Platform"]
    assert row["BootMode"]
    assert "LicenseType" not in row


def test_an_available_image_is_usable_only_later(stock: Stock) -> None:
    noted = vector(109)["body"]
    row = stock.row()
    assert row["Status"] == noted["Images.Image[].Status"]
    assert row["Usable"] is False


def test_formats_are_in_capitals_and_snapshots_named_by_the_image(
    stock: Stock,
) -> None:
    asserted = vector(110)["body"]
    made = import_image(stock.caller, "named", "disk.qcow2", Format="qcow2").body
    found = stock.ecs("DescribeImages", ImageId=made["ImageId"])
    disks = found.body["Images"]["Image"][0]["DiskDeviceMappings"]["DiskDeviceMapping"]
    formats = [disk["Format"] for disk in disks]
    assert formats == [asserted["DescribeImages DiskDeviceMapping.Format afterwards"]]
    name = asserted["DescribeSnapshots SnapshotName"].replace("<ImageName>", "named")
    shown = stock.ecs("DescribeSnapshots", SnapshotIds=f'["{disks[0]["SnapshotId"]}"]')
    snapshots = shown.body["Snapshots"]["Snapshot"]
    assert [snapshot["SnapshotName"] for snapshot in snapshots] == [name]


def test_snapshots_have_the_fields_that_were_captured(stock: Stock) -> None:
    # A number in 2017; the SDKs since take a text.
    holds(stock.ecs("DescribeSnapshots"), 93, but=("SourceDiskSize",))


def test_regions_have_three_fields(stock: Stock) -> None:
    seen = stock.ecs("DescribeRegions")
    holds(seen, 92)
    captured = vector(92)["body"]["Regions"]["Region"][0]
    assert set(seen.body["Regions"]["Region"][0]) == set(captured)
    (row,) = [
        row
        for row in seen.body["Regions"]["Region"]
        if row["RegionId"] == captured["RegionId"]
    ]
    assert row["RegionEndpoint"] == captured["RegionEndpoint"]


def test_tags_come_in_pages_with_a_token_on_all_but_the_last(stock: Stock) -> None:
    for number in range(51):
        name = f"tagged-{number}"
        disk = {"OSSBucket": "life", "OSSObject": "disk.qcow2"}
        given = {f"DiskDeviceMapping.1.{key}": value for key, value in disk.items()}
        tag = {"Tag.1.Key": "Provider", "Tag.1.Value": "v"}
        assert stock.ecs("ImportImage", ImageName=name, **given, **tag).status == 200
    asked = {"ResourceType": "image", "Tag.1.Key": "Provider"}
    first = stock.ecs("ListTagResources", **asked)
    holds(first, 16)
    token = first.body["NextToken"]
    assert re.fullmatch("[0-9a-f]{64}", token)
    last = stock.ecs("ListTagResources", **asked, NextToken=token)
    assert len(last.body["TagResources"]["TagResource"]) == 1
    assert "NextToken" not in last.body


def test_an_unknown_family_is_no_error(stock: Stock) -> None:
    assert vector(75)["body"]["miss"] == "no Image content (0 hits), no error"
    seen = stock.ecs("DescribeImageFromFamily", ImageFamily="acs:unknown")
    assert (seen.status, set(seen.body)) == (200, {"RequestId"})


# --- refusals -------------------------------------------------------------------------


def copy(stock: Stock, name: str, image_id: str = "", to: str = THERE) -> Seen:
    return stock.ecs(
        "CopyImage",
        ImageId=image_id or stock.image_id,
        DestinationRegionId=to,
        DestinationImageName=name,
    )


def test_a_copy_under_a_name_that_is_taken_is_refused(stock: Stock) -> None:
    seen = copy(stock, "my-image", to=HERE)
    holds(seen, 0)
    assert seen.body["Recommend"].startswith(vector(0)["body"]["Recommend"])


def test_an_image_that_is_being_copied_is_not_copied_again(stock: Stock) -> None:
    source = import_image(stock.caller, "busy", "disk.qcow2").body["ImageId"]
    assert copy(stock, "first", source).status == 200
    holds(copy(stock, "second", source, to="us-east-1"), 70)


def test_a_copy_cannot_be_worked_on_at_once(stock: Stock) -> None:
    assert vector(73)["body"]["note"] == "image not yet usable"
    source = import_image(stock.caller, "far", "disk.qcow2").body["ImageId"]
    made = copy(stock, "near", source).body["ImageId"]
    seen = stock.caller.call(
        f"ecs.{THERE}.aliyuncs.com",
        "ModifyImageSharePermission",
        VERSION,
        RegionId=THERE,
        ImageId=made,
        IsPublic="true",
    )
    assert seen.status >= 400


def test_features_may_be_taken_while_an_image_is_made() -> None:
    assert vector(112)["body"]["note"] == "accepted"
    cloud = Cloud(habits={"features_while_creating": True})
    image_id = cloud.import_image().image_id
    change = {"region": TOKYO, "image_id": image_id, "nvme": "supported"}
    cloud.ecs.modify_image_attribute(cloud.main, **change)


def test_a_snapshot_is_held_for_a_while_after_its_image_was_deleted(
    stock: Stock,
) -> None:
    made = import_image(stock.caller, "short", "disk.qcow2").body["ImageId"]
    found = stock.ecs("DescribeImages", ImageId=made).body["Images"]["Image"][0]
    (disk,) = found["DiskDeviceMappings"]["DiskDeviceMapping"]
    assert stock.ecs("DeleteImage", ImageId=made).status == 200
    holds(stock.ecs("DeleteSnapshot", SnapshotId=disk["SnapshotId"]), 79)


def test_an_import_without_the_role_is_refused_with_one_c(stock: Stock) -> None:
    holds(import_image(stock.another("LTAI-other"), "x", "disk.qcow2"), 115)


def test_a_task_that_is_not_there_is_told_as_documented(stock: Stock) -> None:
    holds(stock.ecs("DescribeTaskAttribute", TaskId="t-none"), 117)
    documented = vector(116)["body"]
    unknown = stock.ecs("CancelTask", TaskId="t-none")
    assert unknown.status == 400
    said = f"{unknown.body['Code']} {unknown.body['Message']}"
    assert said in documented["400"]
    made = import_image(stock.caller, "done", "disk.qcow2").body
    ended = stock.ecs("CancelTask", TaskId=made["TaskId"])
    assert ended.status == 403
    assert f"{ended.body['Code']} {ended.body['Message']}" in documented["403"]


def test_a_refusal_says_who_may_not_do_what(stock: Stock) -> None:
    detail = vector(78)["body"]["AccessDeniedDetail"]
    seen = ecs(stock.another("LTAI-nobody"), "DescribeImages")
    told = seen.body["AccessDeniedDetail"]
    assert differences({"AccessDeniedDetail": detail}, seen.body) == []
    for name in ("AuthPrincipalType", "NoPermissionType", "PolicyType"):
        assert told[name] == detail[name]
    assert told["AuthAction"] == "ecs:DescribeImages"
    assert told["AuthPrincipalDisplayName"].isdigit()


@pytest.mark.parametrize(
    ("number", "code"), [(120, "Throttling.User"), (121, "Throttling.Api")]
)
def test_what_is_throttled_is_told_in_the_gateways_words(
    stock: Stock, number: int, code: str
) -> None:
    rule = {"do": "throttle", "service": "sts", "code": code, "status": 400}
    stock.cloud.post("/faults", {**rule, "times": 1})
    seen = stock.caller.call("sts.aliyuncs.com", "GetCallerIdentity", "2015-04-01")
    captured = vector(number)["body"]
    assert seen.body["Code"] == captured["Code"]
    # The second was written down without its full stop.
    assert seen.body["Message"].rstrip(".") == captured["Message"].rstrip(".")
