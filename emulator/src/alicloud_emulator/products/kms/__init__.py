"""KMS: what SDKs need to encrypt on their own side."""

from alicloud_emulator.products.kms import actions
from alicloud_emulator.products.product import REGION, VPC, rpc_product
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.world.facts import Facts

API = Api(
    code="Kms",
    version="2016-01-20",
    actions=actions_of(actions),
    package=__name__,
    facts=Facts(__name__),
    forbidden=("Forbidden.NoPermission", ""),
)
PRODUCT = rpc_product(
    "kms",
    API,
    hosts=("kms", rf"kms{VPC}\.{REGION}"),
    endpoint="kms.{}.aliyuncs.com",
)
