"""ECS: all that images need, and security groups.

| file | what it holds |
|---|---|
| regions.py | DescribeRegions |
| making.py, tasks.py | ImportImage, CopyImage, their cancelling, and tasks |
| images.py, changes.py, sharing.py | looking at images; changing, deleting, sharing them |
| snapshots.py, tags.py, groups.py | what their names say |
| asked.py | what several actions ask in the same way |
| rows.py | an image, a snapshot or a task as the answers show it |
| api.json | every action and its parameters, made of Alibaba's metadata |
"""

from typing import Any

from alicloud_emulator.products.ecs import (
    changes,
    groups,
    images,
    making,
    regions,
    sharing,
    snapshots,
    tags,
    tasks,
)
from alicloud_emulator.products.product import REGION, VPC, rpc_product
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import FORBIDDEN_RAM, Api
from alicloud_emulator.world.ecs.refusals import FACTS
from alicloud_emulator.world.world import World


def _state(world: World, region: str, account_id: str) -> dict[str, list[Any]]:
    return {
        **world.ecs.state(region, account_id),
        **groups.state(world, region, account_id),
    }


API = Api(
    code="Ecs",
    version="2014-05-26",
    actions=actions_of(
        regions, making, tasks, images, changes, sharing, snapshots, tags, groups
    ),
    package=__name__,
    facts=FACTS,
    forbidden=FORBIDDEN_RAM,
)
PRODUCT = rpc_product(
    "ecs",
    API,
    hosts=("ecs", rf"ecs{VPC}\.{REGION}", rf"ecs-{REGION}"),
    endpoint="ecs.{}.aliyuncs.com",
    state=_state,
    region_parameter=True,
)
