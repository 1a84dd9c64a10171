"""KMS: what SDKs need to encrypt on their own side.

| file | what it holds |
|---|---|
| actions.py | the actions |
| keys.py | the keys of a world, and what they seal |
"""

from alicloud_emulator.products.kms import actions
from alicloud_emulator.products.kms.keys import FACTS, state
from alicloud_emulator.products.product import REGION, VPC, rpc_product
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import Api

API = Api(
    code="Kms",
    version="2016-01-20",
    actions=actions_of(actions),
    package=__name__,
    facts=FACTS,
    forbidden=("Forbidden.NoPermission", ""),
)
PRODUCT = rpc_product(
    "kms",
    API,
    hosts=("kms", rf"kms{VPC}\.{REGION}"),
    endpoint="kms.{}.aliyuncs.com",
    state=state,
    # Of the host without a region.
    central=lambda world, account_id: state(world, "", account_id),
)
