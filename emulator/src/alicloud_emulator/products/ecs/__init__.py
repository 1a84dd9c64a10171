"""ECS: all that images need, and security groups.

| file | what it holds |
|---|---|
| regions.py | DescribeRegions |
| making.py | ImportImage, CopyImage, their cancelling, and tasks |
| images.py | looking at, changing, sharing and deleting images |
| leftovers.py | snapshots and tags |
| groups.py | security groups |
| rows.py | an image, a snapshot or a task as the answers show it |
"""

from alicloud_emulator.products.ecs import groups, images, leftovers, making, regions
from alicloud_emulator.products.product import REGION, VPC, rpc_product
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import FORBIDDEN_RAM, Api
from alicloud_emulator.world.ecs.refusals import FACTS

API = Api(
    code="Ecs",
    version="2014-05-26",
    actions=actions_of(regions, making, images, leftovers, groups),
    package=__name__,
    facts=FACTS,
    forbidden=FORBIDDEN_RAM,
)
PRODUCT = rpc_product(
    "ecs",
    API,
    hosts=("ecs", rf"ecs{VPC}\.{REGION}", rf"ecs-{REGION}"),
    endpoint="ecs.{}.aliyuncs.com",
    region_parameter=True,
)
