"""ECS and STS: what is sent equals what the product SDKs send; answers are read."""

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.sdk import endpoints
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.values import (
    CloudImage,
    Identity,
    ImageStatus,
    ImportStarted,
    Snapshot,
    Task,
    TaskDetail,
    TaskStatus,
)
from ali_import.errors import TransportError
from tests.unit.sdk.conftest import static_credentials
from tests.unit.sdk.far_side import FarSide, Reply, Seen, as_json

REGION = "cn-hangzhou"

# Every ECS request, with the same call in the words of the official product SDK.
SAME_CALLS: list[tuple[calls.Call[Any], str, dict[str, Any]]] = [
    (calls.DescribeRegions(), "DescribeRegions", {"accept_language": "en-US"}),
    (
        calls.ImportImage(
            region=REGION,
            client_token="tok",
            name="n",
            description="d",
            architecture="arm64",
            boot_mode="UEFI",
            size_gib=3,
            bucket="b",
            key="k",
            tags={"a": "1", "b": ""},
        ),
        "ImportImage",
        {
            "client_token": "tok",
            "image_name": "n",
            "description": "d",
            "architecture": "arm64",
            "boot_mode": "UEFI",
            "ostype": "linux",
            "disk_device_mapping": [
                {
                    "Format": "RAW",
                    "DiskImageSize": 3,
                    "OSSBucket": "b",
                    "OSSObject": "k",
                }
            ],
            "features": {"NvmeSupport": "supported", "ImdsSupport": "v1"},
            "tag": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}],
        },
    ),
    (
        calls.CopyImage(
            region=REGION,
            client_token="tok",
            image_id="m-1",
            destination_region="eu-west-1",
            destination_name="n",
            description="d",
            tags={"a": "1"},
        ),
        "CopyImage",
        {
            "client_token": "tok",
            "image_id": "m-1",
            "destination_region_id": "eu-west-1",
            "destination_image_name": "n",
            "destination_description": "d",
            "tag": [{"Key": "a", "Value": "1"}],
        },
    ),
    (
        calls.CancelCopyImage(region=REGION, image_id="m-1"),
        "CancelCopyImage",
        {"image_id": "m-1"},
    ),
    (
        calls.DescribeImages(region=REGION, name="n", image_ids=["m-1", "m-2"]),
        "DescribeImages",
        {
            "image_owner_alias": "self",
            "status": "Creating,Waiting,Available,UnAvailable,CreateFailed,Deprecated",
            "image_name": "n",
            "image_id": "m-1,m-2",
            "page_number": 1,
            "page_size": 100,
        },
    ),
    (
        calls.DescribeTasks(region=REGION, task_ids=["t-1", "t-2"]),
        "DescribeTasks",
        {"task_ids": "t-1,t-2", "page_number": 1, "page_size": 100},
    ),
    (
        calls.DescribeTasks(region=REGION, image_ids=["m-1", "m-2"]),
        "DescribeTasks",
        {"resource_ids": ["m-1", "m-2"], "page_number": 1, "page_size": 100},
    ),
    (
        calls.DescribeTaskAttribute(region=REGION, task_id="t-1"),
        "DescribeTaskAttribute",
        {"task_id": "t-1"},
    ),
    (calls.CancelTask(region=REGION, task_id="t-1"), "CancelTask", {"task_id": "t-1"}),
    (
        calls.ModifyImageAttribute(
            region=REGION,
            image_id="m-1",
            name="n",
            family="f",
            boot_mode="UEFI-Preferred",
            nvme="supported",
            imds="v2",
        ),
        "ModifyImageAttribute",
        {
            "image_id": "m-1",
            "image_name": "n",
            "image_family": "f",
            "boot_mode": "UEFI-Preferred",
            "features": {"NvmeSupport": "supported", "ImdsSupport": "v2"},
        },
    ),
    (
        calls.ModifyImageAttribute(region=REGION, image_id="m-1", family="f"),
        "ModifyImageAttribute",
        {"image_id": "m-1", "image_family": "f"},
    ),
    (
        calls.ModifyImageSharePermission(region=REGION, image_id="m-1", public=True),
        "ModifyImageSharePermission",
        {"image_id": "m-1", "is_public": True},
    ),
    (
        calls.ModifyImageSharePermission(region=REGION, image_id="m-1", public=False),
        "ModifyImageSharePermission",
        {"image_id": "m-1", "is_public": False},
    ),
    (
        calls.ModifyImageSharePermission(
            region=REGION, image_id="m-1", public=True, add=("1", "2"), remove=("3",)
        ),
        "ModifyImageSharePermission",
        {
            "image_id": "m-1",
            "is_public": True,
            "add_account": ["1", "2"],
            "remove_account": ["3"],
        },
    ),
    (
        calls.ModifyImageSharePermission(
            region=REGION, image_id="m-1", public=True, dry_run=True
        ),
        "ModifyImageSharePermission",
        {"image_id": "m-1", "is_public": True, "dry_run": True},
    ),
    (
        calls.DescribeImageSharePermission(region=REGION, image_id="m-1"),
        "DescribeImageSharePermission",
        {"image_id": "m-1", "page_number": 1, "page_size": 100},
    ),
    (
        calls.DeleteImage(region=REGION, image_id="m-1", dry_run=True),
        "DeleteImage",
        {"image_id": "m-1", "dry_run": True},
    ),
    (
        calls.DeleteImage(region=REGION, image_id="m-1"),
        "DeleteImage",
        {"image_id": "m-1"},
    ),
    (
        calls.DescribeSnapshots(region=REGION, tags={"a": "1"}, snapshot_ids=["s-1"]),
        "DescribeSnapshots",
        {
            "max_results": 100,
            "tag": [{"Key": "a", "Value": "1"}],
            "snapshot_ids": '["s-1"]',
        },
    ),
    (
        calls.DeleteSnapshot(region=REGION, snapshot_id="s-1"),
        "DeleteSnapshot",
        {"snapshot_id": "s-1"},
    ),
    (
        calls.TagResources(
            region=REGION,
            resource_type="snapshot",
            resource_ids=["s-1", "s-2"],
            tags={"a": "1"},
        ),
        "TagResources",
        {
            "resource_type": "snapshot",
            "resource_id": ["s-1", "s-2"],
            "tag": [{"Key": "a", "Value": "1"}],
        },
    ),
    (
        calls.UntagResources(
            region=REGION, resource_type="image", resource_ids=["m-1"], keys=["a", "b"]
        ),
        "UntagResources",
        {"resource_type": "image", "resource_id": ["m-1"], "tag_key": ["a", "b"]},
    ),
]


def ask_quietly(cloud: SdkCloud, request: calls.Call[Any]) -> None:
    """Send a request whose answer is not the matter of the test."""
    with contextlib.suppress(TransportError):  # the answer is {}
        anyio.run(cloud.call, request)


def as_compared(seen: Seen) -> tuple[Any, ...]:
    """Return what must be equal; dates, nonces and signatures never are."""
    kept = ("host", "x-acs-action", "x-acs-version", "accept", "x-acs-content-sha256")
    signed = seen.headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    return (
        seen.method,
        seen.host,
        seen.path,
        seen.query,
        seen.body,
        signed,
        {name: seen.headers.get(name) for name in kept},
    )


@pytest.mark.parametrize(
    ("request_", "action", "words"), SAME_CALLS, ids=lambda value: str(value)[:40]
)
def test_what_is_sent_is_what_the_product_sdk_sends(
    far: FarSide,
    cloud: SdkCloud,
    request_: calls.Call[Any],
    action: str,
    words: Mapping[str, Any],
) -> None:
    import alibabacloud_ecs20140526.client as product
    from alibabacloud_ecs20140526 import models
    from alibabacloud_tea_openapi.utils_models import Config

    ask_quietly(cloud, request_)

    official = product.Client(
        Config(
            credential=static_credentials(),
            region_id=request_.region or None,
            endpoint=None if request_.region else "ecs.aliyuncs.com",
            protocol="HTTPS",
            https_proxy=far.proxy,
            ca=str(far.ca_path),
        )
    )
    model = getattr(models, f"{action}Request")()
    wire_names = dict(words)
    if request_.region and hasattr(model, "region_id"):
        wire_names["region_id"] = request_.region
    for name, value in wire_names.items():
        assert hasattr(model, name), name
        setattr(model, name, value)
    # Nested values are plain dictionaries here, which the models' own check refuses.
    model.validate = lambda: None
    method = "".join(f"_{c.lower()}" if c.isupper() else c for c in action)[1:]
    getattr(official, method)(model)

    ours, theirs = far.seen
    assert as_compared(ours) == as_compared(theirs)


def test_every_ecs_request_is_compared() -> None:
    compared = {type(request) for request, _, _ in SAME_CALLS}
    ours = {
        kind
        for kind in calls.Call.__subclasses__()
        if getattr(kind, "SERVICE", "") == "ecs"
    }
    assert compared == ours


REGIONS = """
cn-hangzhou cn-shanghai cn-qingdao cn-beijing cn-zhangjiakou cn-huhehaote
cn-wulanchabu cn-shenzhen cn-heyuan cn-guangzhou cn-chengdu cn-zhongwei
cn-nanjing cn-fuzhou cn-wuhan-lr cn-zhengzhou-jva cn-hongkong ap-northeast-1
ap-northeast-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-5
ap-southeast-6 ap-southeast-7 ap-southeast-8 ap-south-1 eu-central-1 eu-west-1
eu-west-2 us-west-1 us-east-1 us-southeast-1 na-south-1 me-east-1 me-central-1
sa-east-1 cn-hangzhou-finance cn-shanghai-finance-1 cn-shenzhen-finance-1
cn-beijing-finance-1 cn-north-2-gov-1 cn-heyuan-acdr-1
"""


def test_the_hosts_are_those_of_the_product_sdks() -> None:
    import alibabacloud_ecs20140526.client as ecs
    import alibabacloud_fc20230330.client as fc
    from alibabacloud_tea_openapi.utils_models import Config

    for region in REGIONS.split():
        config = Config(region_id=region, credential=static_credentials())
        assert endpoints.ecs(region) == ecs.Client(config)._endpoint
        theirs = fc.Client(config)
        if region in theirs._endpoint_map:
            # strip: the map has a TAB in one place.
            assert endpoints.fc(region) == theirs._endpoint.strip()
        assert endpoints.oss(region, internal=True) == (
            f"oss-{region}-internal.aliyuncs.com"
        )


# --- answers -------------------------------------------------------------------------

IMAGE = {
    "ImageId": "m-1",
    "ImageName": "n",
    "Status": "Available",
    "ImageFamily": "f",
    "Architecture": "x86_64",
    "BootMode": "UEFI",
    "Features": {"NvmeSupport": "supported", "ImdsSupport": "v2"},
    "IsPublic": True,
    "IsCopied": "true",
    "Size": "3",
    "Progress": "32%",
    "CreationTime": "2026-01-01T00:00:00Z",
    "DiskDeviceMappings": {
        "DiskDeviceMapping": [
            {"SnapshotId": "s-1"},
            {"Device": "x"},
            {"SnapshotId": "s-2"},
        ]
    },
    "Tags": {"Tag": [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b"}]},
}


def images(rows: list[dict[str, Any]], total: int | None = None) -> Reply:
    return as_json(
        json.dumps(
            {
                "RequestId": "R",
                "TotalCount": len(rows) if total is None else total,
                "Images": {"Image": rows},
            }
        )
    )


@pytest.mark.parametrize(
    ("row", "usable"),
    [({}, None), ({"Usable": True}, True), ({"Usable": "false"}, False)],
)
def test_whether_an_image_can_be_used_may_be_told(
    far: FarSide, cloud: SdkCloud, row: dict[str, Any], usable: bool | None
) -> None:
    far.answer = lambda _seen: images([{**IMAGE, **row}])
    found = anyio.run(cloud.call, calls.DescribeImages(region=REGION))
    assert [image.usable for image in found] == [usable]


def test_an_image_is_read_with_numbers_sent_as_text(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: images([IMAGE])
    found = anyio.run(cloud.call, calls.DescribeImages(region=REGION))
    assert found == (
        CloudImage(
            image_id="m-1",
            name="n",
            status=ImageStatus.AVAILABLE,
            family="f",
            architecture="x86_64",
            boot_mode="UEFI",
            nvme="supported",
            imds="v2",
            public=True,
            size_gib=3,
            progress=32,
            snapshot_ids=("s-1", "s-2"),
            created_at=1767225600.0,
            tags={"a": "1", "b": ""},
        ),
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"IsSelfShared": "True"}, {"shared": True}),
        ({"IsSelfShared": "False"}, {"shared": False}),
        ({"Usage": "instance"}, {"in_use": True}),
        ({"Usage": "none"}, {"in_use": False}),
        ({"CreationTime": "2026-01-01T00:00Z"}, {"created_at": 1767225600.0}),
        ({"CreationTime": "2026-01-01T00:00"}, {"created_at": 1767225600.0}),
        ({"CreationTime": "yesterday"}, {"created_at": 0.0}),
        ({"CreationTime": None}, {"created_at": 0.0}),
    ],
)
def test_what_an_image_is_used_for_is_read(
    far: FarSide, cloud: SdkCloud, row: dict[str, Any], said: dict[str, Any]
) -> None:
    far.answer = lambda _seen: images([{**IMAGE, **row}])
    (found,) = anyio.run(cloud.call, calls.DescribeImages(region=REGION))
    assert {name: getattr(found, name) for name in said} == said


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("n", ["m-1"]), ("n*", ["m-1", "m-2", "m-3"]), ("", ["m-1", "m-2", "m-3"])],
)
def test_a_name_without_a_star_means_that_name_alone(
    far: FarSide, cloud: SdkCloud, asked: str, expected: list[str]
) -> None:
    rows = [
        {**IMAGE, "ImageId": f"m-{number}", "ImageName": name}
        for number, name in enumerate(("n", "n-2", "not-n"), 1)
    ]
    far.answer = lambda _seen: images(rows)
    found = anyio.run(cloud.call, calls.DescribeImages(region=REGION, name=asked))
    assert [image.image_id for image in found] == expected


def test_all_pages_of_images_are_read_and_no_row_twice(
    far: FarSide, cloud: SdkCloud
) -> None:
    # A row went away between two pages, so one shows on both.
    numbers = [*range(100), *range(99, 199), *range(199, 250)]
    rows = [{**IMAGE, "ImageId": f"m-{number}"} for number in numbers]

    def answer(seen: Seen) -> Reply:
        page = int(seen.query["PageNumber"])
        return images(rows[(page - 1) * 100 : page * 100], total=len(rows))

    far.answer = answer
    found = anyio.run(cloud.call, calls.DescribeImages(region=REGION))
    assert [image.image_id for image in found] == [f"m-{n}" for n in range(250)]
    assert len(far.seen) == 3


def test_a_status_new_to_us_is_no_status_to_work_with(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: images([{**IMAGE, "Status": "Thinking"}])
    [image] = anyio.run(cloud.call, calls.DescribeImages(region=REGION))
    assert image.status is ImageStatus.UNAVAILABLE


@pytest.mark.parametrize(
    "answer",
    [
        {"Images": []},
        {"Images": {"Image": {}}},
        {"Images": {"Image": ["x"]}},
        {"Images": {"Image": [{}]}},
        {"Images": {"Image": [{**IMAGE, "Size": "big"}]}},
        {"Images": {"Image": [{**IMAGE, "Features": "x"}]}},
        {"Images": {"Image": [{**IMAGE, "Tags": {"Tag": [1]}}]}},
        {"TotalCount": "many", "Images": {"Image": [IMAGE]}},
    ],
)
def test_an_answer_of_another_shape_is_garbled(
    far: FarSide, cloud: SdkCloud, answer: Any
) -> None:
    far.answer = lambda _seen: as_json(json.dumps(answer))
    with pytest.raises(TransportError) as caught:
        anyio.run(cloud.call, calls.DescribeImages(region=REGION))
    assert caught.value.code == "GarbledAnswer"


@pytest.mark.parametrize("region", ["x/../../y", "a.b", "a@b", "", "A-1", "x" * 60])
def test_a_strange_region_id_never_becomes_a_host_name(
    far: FarSide, cloud: SdkCloud, region: str
) -> None:
    far.answer = lambda _seen: as_json(
        json.dumps({"Regions": {"Region": [{"RegionId": region}]}})
    )
    with pytest.raises(TransportError) as caught:
        anyio.run(cloud.call, calls.DescribeRegions())
    assert caught.value.code == "GarbledAnswer"


def test_tasks_are_read(far: FarSide, cloud: SdkCloud) -> None:
    rows = [
        {"TaskId": "t-1", "TaskStatus": "Finished", "ResourceId": "m-1"},
        {"TaskId": "t-2", "TaskStatus": "Somehow"},
    ]
    far.answer = lambda _seen: as_json(json.dumps({"TaskSet": {"Task": rows}}))
    found = anyio.run(
        cloud.call, calls.DescribeTasks(region=REGION, task_ids=["t-1", "t-2"])
    )
    assert found == (
        Task(task_id="t-1", status=TaskStatus.FINISHED, image_id="m-1"),
        Task(task_id="t-2", status=TaskStatus.PROCESSING),
    )


def test_the_reason_of_a_failed_task_is_found(far: FarSide, cloud: SdkCloud) -> None:
    steps = [
        {"OperationStatus": "Success", "ErrorCode": "", "ErrorMsg": ""},
        {"OperationStatus": "Failed", "ErrorCode": "Bad.Disk", "ErrorMsg": "no\nboot"},
    ]
    far.answer = lambda _seen: as_json(
        json.dumps(
            {
                "TaskId": "t-1",
                "TaskStatus": "Failed",
                "TaskProcess": "41%",
                "OperationProgressSet": {"OperationProgress": steps},
            }
        )
    )
    found = anyio.run(
        cloud.call, calls.DescribeTaskAttribute(region=REGION, task_id="t-1")
    )
    assert found == TaskDetail(
        task_id="t-1",
        status=TaskStatus.FAILED,
        progress=41,
        error_code="Bad.Disk",
        error_message="no boot",
    )


def test_all_pages_of_snapshots_are_read(far: FarSide, cloud: SdkCloud) -> None:
    def answer(seen: Seen) -> Reply:
        page = int(seen.query.get("NextToken", "0"))
        row = {"SnapshotId": f"s-{page}", "SnapshotName": "n", "CreationTime": "c"}
        after = str(page + 1) if page < 2 else ""
        return as_json(
            json.dumps({"NextToken": after, "Snapshots": {"Snapshot": [row]}})
        )

    far.answer = answer
    found = anyio.run(cloud.call, calls.DescribeSnapshots(region=REGION))
    assert found == tuple(
        Snapshot(snapshot_id=f"s-{page}", name="n") for page in range(3)
    )


def test_a_tag_without_value_is_asked_for_by_its_key(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: as_json('{"Snapshots": {"Snapshot": []}}')
    anyio.run(cloud.call, calls.DescribeSnapshots(region=REGION, tags={"a": ""}))
    asked = far.seen[-1].query
    assert asked["Tag.1.Key"] == "a"
    assert "Tag.1.Value" not in asked


def test_what_was_begun_is_returned(far: FarSide, cloud: SdkCloud) -> None:
    far.answer = lambda _seen: as_json('{"ImageId":"m-1","TaskId":"t-1"}')
    imported = anyio.run(cloud.call, SAME_CALLS[1][0])
    assert imported == ImportStarted(image_id="m-1", task_id="t-1")
    assert anyio.run(cloud.call, SAME_CALLS[2][0]) == "m-1"


def test_who_is_calling_is_asked_of_the_central_host(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: as_json('{"AccountId":"12","Arn":"acs:ram::12:root"}')
    found = anyio.run(cloud.call, calls.GetCallerIdentity())
    new_year = datetime(2026, 1, 1, tzinfo=UTC).timestamp()  # as it always answers
    assert found == Identity(
        account_id="12", arn="acs:ram::12:root", server_time=new_year
    )
    [seen] = far.seen
    assert seen.host == "sts.aliyuncs.com"
    assert seen.headers["x-acs-version"] == "2015-04-01"
