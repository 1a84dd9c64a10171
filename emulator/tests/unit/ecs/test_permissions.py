"""Every action but DescribeRegions asks RAM, for the right action and resource."""

from collections.abc import Callable
from typing import Any

import pytest

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.profile import Principal
from emulator.tests.support.image_cloud import TOKYO, Cloud, refused

IMAGE, SNAPSHOT = "m-none", "s-none"
ONE_IMAGE: dict[str, Any] = {"region": TOKYO, "image_id": IMAGE}
TAGGED: dict[str, Any] = {
    "region": TOKYO,
    "resource_type": "image",
    "resource_ids": [IMAGE],
}
Attempt = Callable[[Cloud, Caller], Any]

ATTEMPTS: dict[str, tuple[str, Attempt]] = {
    "ImportImage": ("image/*", lambda c, who: c.import_image(caller=who)),
    "CancelTask": (
        "image/*",
        lambda c, who: c.ecs.cancel_task(who, region=TOKYO, task_id="t"),
    ),
    "DescribeTasks": ("*", lambda c, who: c.ecs.describe_tasks(who, region=TOKYO)),
    "DescribeTaskAttribute": (
        "*",
        lambda c, who: c.ecs.describe_task(who, region=TOKYO, task_id="t"),
    ),
    "CopyImage": (
        f"image/{IMAGE}",
        lambda c, who: c.ecs.copy_image(who, **ONE_IMAGE),
    ),
    "CancelCopyImage": (
        f"image/{IMAGE}",
        lambda c, who: c.ecs.cancel_copy_image(who, **ONE_IMAGE),
    ),
    "DescribeImages": (
        "image/*",
        lambda c, who: c.ecs.describe_images(who, region=TOKYO),
    ),
    "DescribeImageFromFamily": (
        "image/*",
        lambda c, who: c.ecs.describe_image_from_family(
            who, region=TOKYO, family="fam"
        ),
    ),
    "ModifyImageAttribute": (
        f"image/{IMAGE}",
        lambda c, who: c.ecs.modify_image_attribute(who, **ONE_IMAGE),
    ),
    "DeleteImage": (
        f"image/{IMAGE}",
        lambda c, who: c.ecs.delete_image(who, **ONE_IMAGE),
    ),
    "ModifyImageSharePermission": (
        f"image/{IMAGE}",
        lambda c, who: c.ecs.modify_image_share_permission(who, **ONE_IMAGE),
    ),
    "DescribeImageSharePermission": (
        f"image/{IMAGE}",
        lambda c, who: c.ecs.describe_image_share_permission(who, **ONE_IMAGE),
    ),
    "DescribeSnapshots": (
        "snapshot/*",
        lambda c, who: c.ecs.describe_snapshots(who, region=TOKYO),
    ),
    "DeleteSnapshot": (
        f"snapshot/{SNAPSHOT}",
        lambda c, who: c.ecs.delete_snapshot(who, region=TOKYO, snapshot_id=SNAPSHOT),
    ),
    "TagResources": (
        f"image/{IMAGE}",
        lambda c, who: c.ecs.tag_resources(who, **TAGGED, tags=[("a", "b")]),
    ),
    "UntagResources": (
        f"image/{IMAGE}",
        lambda c, who: c.ecs.untag_resources(who, **TAGGED),
    ),
    "ListTagResources": (
        "image/*",
        lambda c, who: c.ecs.list_tag_resources(who, **TAGGED),
    ),
}


def user(**statement: str) -> Principal:
    document = {"Version": "1", "Statement": [{"Effect": "Allow", **statement}]}
    return Principal(
        name="ci", access_key_id="ci", access_key_secret="s", policies=(document,)
    )


@pytest.mark.parametrize("action", ATTEMPTS)
def test_an_action_needs_its_own_permission(action: str) -> None:
    resource, attempt = ATTEMPTS[action]
    arn = f"acs:ecs:{TOKYO}:1234567890123456:{resource}"
    for granted in (
        {"Action": "ecs:Other", "Resource": "*"},
        {"Action": f"ecs:{action}", "Resource": f"{arn}x"},
        {"Action": f"ecs:{action}", "Resource": arn.replace(TOKYO, "eu-west-1")},
    ):
        cloud = Cloud(users=(user(**granted),))
        with refused("NoPermission", 403):
            attempt(cloud, cloud.world.ram.credential("ci").caller)
    cloud = Cloud(users=(user(Action=f"ecs:{action}", Resource=arn),))
    try:
        attempt(cloud, cloud.world.ram.credential("ci").caller)
    except ServiceError as error:
        assert error.code != "NoPermission"  # noqa: PT017  any other refusal will do


def test_tagging_needs_permission_for_every_resource() -> None:
    principal = user(Action="ecs:TagResources", Resource="")
    cloud = Cloud(users=(principal,))
    ours, other = cloud.available("ours"), cloud.available("other")
    statement = principal.policies[0]["Statement"][0]
    statement["Resource"] = f"acs:ecs:{TOKYO}:*:image/{ours}"
    caller = cloud.world.ram.credential("ci").caller

    def tag(*ids: str) -> None:
        cloud.ecs.tag_resources(
            caller,
            region=TOKYO,
            resource_type="image",
            resource_ids=ids,
            tags=[("a", "")],
        )

    tag(ours)
    with refused("NoPermission", 403):
        tag(ours, other)
    assert cloud.image(other).tags == {}
