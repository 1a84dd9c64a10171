"""ECS's actions as tests call them: values in, and what came back as objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from alicloud_emulator.products.rpc.bodies import time_text
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.import_checks import ImportDisk
from alicloud_emulator.world.ecs.records import Image, Snapshot, Task, TaskStatus
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.world import World
from emulator.tests.support.rpc_calls import document, request_of, service_of

Row = TypeVar("Row")

NAMES = {
    "add_accounts": "AddAccount",
    "charge_type": "InstanceChargeType",
    "family": "ImageFamily",
    "image_name": "ImageName",
    "imds": "Features.ImdsSupport",
    "language": "AcceptLanguage",
    "nvme": "Features.NvmeSupport",
    "os_type": "OSType",
    "public": "IsPublic",
    "region": "RegionId",
    "remove_accounts": "RemoveAccount",
    "tags": "Tag",
}
"""What does not follow from its name: ``image_id`` is ``ImageId``."""

RESOURCES = {"resource_ids": "ResourceId"}


class Started(NamedTuple):
    """ImportImage's answer."""

    image_id: str
    task_id: str


@dataclass(frozen=True)
class Rows(Generic[Row]):
    """One page of a listing."""

    rows: Sequence[Row]
    total: int
    next_token: str = ""


class EcsCalls:
    """The product's actions on one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.state = world.ecs.state
        self.running_copies_from = world.ecs.copies.running_from

    def call(
        self,
        action: str,
        caller: Caller,
        /,
        *,
        names: Mapping[str, str] | None = None,
        faults: tuple[Fault, ...] = (),
        **given: Any,
    ) -> dict[str, Any]:
        """Make a call; ServiceError where it is refused."""
        service = service_of("ecs", self._world)
        params = flat(given, {**NAMES, **(names or {})})
        asked = request_of(service, action, params, caller=caller, faults=faults)
        return document(service, asked)

    def task(self, task_id: str, region: str) -> Task:
        found = (
            self._world.ecs.store.task(account.id, region, task_id)
            for account in self._world.profile.accounts
        )
        return next(task for task in found if task)

    def describe_task(self, caller: Caller, *, region: str, task_id: str) -> Task:
        self.call("DescribeTaskAttribute", caller, region=region, task_id=task_id)
        return self.task(task_id, region)

    def describe_tasks(
        self, caller: Caller, *, region: str, **given: Any
    ) -> Rows[Task]:
        names = {"status": "TaskStatus", "image_ids": "ResourceIds"}
        names |= {"action": "TaskAction"}
        for name, wire in (("created_from", "StartTime"), ("created_until", "EndTime")):
            if name in given:
                given[wire] = time_text(given.pop(name))
        got = self.call("DescribeTasks", caller, names=names, region=region, **given)
        rows = [self.task(row["TaskId"], region) for row in got["TaskSet"]["Task"]]
        for task, row in zip(rows, got["TaskSet"]["Task"], strict=True):
            assert task.status is TaskStatus(row["TaskStatus"])
        return Rows(rows, got["TotalCount"])

    def cancel_task(self, caller: Caller, **given: Any) -> None:
        self.call("CancelTask", caller, **given)

    def cancel_copy_image(self, caller: Caller, **given: Any) -> None:
        self.call("CancelCopyImage", caller, **given)

    def import_image(
        self, caller: Caller, *, disks: Sequence[ImportDisk], **given: Any
    ) -> Started:
        for number, disk in enumerate(disks, 1):
            mapping = f"DiskDeviceMapping.{number}"
            given[f"{mapping}.OSSBucket"] = disk.oss_bucket
            given[f"{mapping}.OSSObject"] = disk.oss_object
            given[f"{mapping}.DiskImageSize"] = disk.size_gib or None
            given[f"{mapping}.Format"] = disk.format
        got = self.call("ImportImage", caller, **given)
        return Started(got["ImageId"], got["TaskId"])

    def copy_image(self, caller: Caller, **given: Any) -> str:
        names = {
            "destination_region": "DestinationRegionId",
            "destination_name": "DestinationImageName",
            "description": "DestinationDescription",
        }
        return str(self.call("CopyImage", caller, names=names, **given)["ImageId"])

    def describe_images(
        self, caller: Caller, *, region: str, **given: Any
    ) -> Rows[Image]:
        names = {"name": "ImageName", "image_ids": "ImageId"}
        names |= {"owner_alias": "ImageOwnerAlias", "owner_id": "ImageOwnerId"}
        if "image_ids" in given:
            given["ImageId"] = ",".join(given.pop("image_ids"))
        given |= _times(given)
        got = self.call("DescribeImages", caller, names=names, region=region, **given)
        known = {i.image_id: i for i in self._world.ecs.store.images(region)}
        rows = [known[row["ImageId"]] for row in got["Images"]["Image"]]
        return Rows(rows, got["TotalCount"])

    def tag_resources(self, caller: Caller, **given: Any) -> None:
        self.call("TagResources", caller, names=RESOURCES, **given)

    def untag_resources(self, caller: Caller, **given: Any) -> None:
        names = {**RESOURCES, "keys": "TagKey", "everything": "All"}
        self.call("UntagResources", caller, names=names, **given)

    def list_tag_resources(self, caller: Caller, **given: Any) -> Rows[str]:
        """Return the ids of resources; a resource is a row for each of its tags."""
        got = self.call("ListTagResources", caller, names=RESOURCES, **given)
        ids = [row["ResourceId"] for row in got["TagResources"]["TagResource"]]
        rows = list(dict.fromkeys(ids))
        return Rows(rows, len(rows), got.get("NextToken", ""))

    def describe_image_from_family(
        self, caller: Caller, *, region: str, family: str
    ) -> Image | None:
        got = self.call("DescribeImageFromFamily", caller, region=region, family=family)
        image_id = got.get("Image", {}).get("ImageId")
        images = self._world.ecs.store.images(region)
        return next((i for i in images if i.image_id == image_id), None)

    def modify_image_attribute(self, caller: Caller, **given: Any) -> None:
        names = {"name": "ImageName"}
        self.call("ModifyImageAttribute", caller, names=names, **given)

    def delete_image(self, caller: Caller, **given: Any) -> None:
        self.call("DeleteImage", caller, **given)

    def modify_image_share_permission(self, caller: Caller, **given: Any) -> None:
        self.call("ModifyImageSharePermission", caller, **given)

    def describe_image_share_permission(
        self, caller: Caller, **given: Any
    ) -> Rows[str]:
        got = self.call("DescribeImageSharePermission", caller, **given)
        rows = [row["AliyunId"] for row in got["Accounts"]["Account"]]
        return Rows(rows, got["TotalCount"])

    def describe_snapshots(
        self, caller: Caller, *, region: str, **given: Any
    ) -> Rows[Snapshot]:
        names = {"name": "SnapshotName"}
        if "created_from" in given:
            given["Filter.1.Key"] = "CreationStartTime"
            given["Filter.1.Value"] = time_text(given.pop("created_from"))
        got = self.call(
            "DescribeSnapshots", caller, names=names, region=region, **given
        )
        known: dict[str, Snapshot] = {
            snapshot.snapshot_id: snapshot
            for snapshot in self._world.ecs.store.snapshots_of(
                caller.account_id, region
            )
        }
        rows = [known[row["SnapshotId"]] for row in got["Snapshots"]["Snapshot"]]
        return Rows(rows, got["TotalCount"], got.get("NextToken", ""))

    def delete_snapshot(self, caller: Caller, **given: Any) -> None:
        self.call("DeleteSnapshot", caller, **given)

    def describe_regions(self, caller: Caller, **given: Any) -> list[Any]:
        regions = self.call("DescribeRegions", caller, **given)["Regions"]["Region"]
        return list(regions)


def _times(given: dict[str, Any]) -> dict[str, str]:
    """Take the bounds of the time of making out, and return them as filters."""
    filters = {}
    bounds = {"created_from": "CreationStartTime", "created_until": "CreationEndTime"}
    for number, (name, key) in enumerate(bounds.items(), 1):
        if name in given:
            filters[f"Filter.{number}.Key"] = key
            filters[f"Filter.{number}.Value"] = time_text(given.pop(name))
    return filters


def flat(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, object]:
    """Return values as parameters on the wire; what is None is not given."""
    found: dict[str, object] = {}
    for name, value in given.items():
        wire = names.get(name, name)
        if wire == name and name.islower():
            wire = "".join(part.title() for part in name.split("_"))
        if value is None or value == "":
            continue
        if wire == "Tag":
            for number, (key, text) in enumerate(value, 1):
                found[f"Tag.{number}.Key"] = key
                if text is not None:
                    found[f"Tag.{number}.Value"] = text
        elif (
            isinstance(value, list | tuple)
            and wire.endswith("Ids")
            and (wire != "ResourceIds")
        ):
            found[wire] = ",".join(value)
        elif isinstance(value, list | tuple):
            found |= {f"{wire}.{number}": one for number, one in enumerate(value, 1)}
        else:
            found[wire] = value
    return found
