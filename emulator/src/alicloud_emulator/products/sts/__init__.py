"""STS: who am I, and temporary credentials."""

from alicloud_emulator.products.product import REGION, VPC, rpc_product
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.products.sts import actions

API = Api(
    code="Sts",
    version="2015-04-01",
    actions=actions_of(actions),
    package=__name__,
    facts=actions.FACTS,
    unsigned=frozenset({"AssumeRoleWithOIDC", "AssumeRoleWithSAML"}),
    missing="Missing{}",
)
PRODUCT = rpc_product(
    "sts",
    API,
    hosts=("sts", rf"sts{VPC}\.{REGION}"),
    endpoint="sts.{}.aliyuncs.com",
)
