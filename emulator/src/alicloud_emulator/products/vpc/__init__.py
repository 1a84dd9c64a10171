"""VPC: networks and vSwitches, as far as they are set up and looked at.

| file | what it holds |
|---|---|
| state.py | the networks of a world, and what their names and blocks may be |
| vpcs.py, vswitches.py | actions on each, and DescribeZones |
| api.json | every action and its parameters, made of Alibaba's metadata |
| facts.json | error codes, allowed values, and where each is from |
"""

from alicloud_emulator.products.product import REGION, VPC, rpc_product
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import FORBIDDEN_RAM, Api
from alicloud_emulator.products.vpc import vpcs, vswitches
from alicloud_emulator.products.vpc.state import FACTS, state

API = Api(
    code="Vpc",
    version="2016-04-28",
    actions=actions_of(vpcs, vswitches),
    package=__name__,
    facts=FACTS,
    forbidden=FORBIDDEN_RAM,
)
PRODUCT = rpc_product(
    "vpc",
    API,
    hosts=("vpc", rf"vpc{VPC}\.{REGION}"),
    endpoint="vpc.{}.aliyuncs.com",
    state=state,
    region_parameter=True,
)
