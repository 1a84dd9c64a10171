"""RAM: roles and policies.

| file | what it holds |
|---|---|
| roles.py, policies.py, tags.py | actions on each |
| paging.py | pages by marker |
"""

from alicloud_emulator.products.product import rpc_product
from alicloud_emulator.products.ram import policies, roles, tags
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.world.facts import Facts

API = Api(
    code="Ram",
    version="2015-05-01",
    actions=actions_of(roles, policies, tags),
    package=__name__,
    facts=Facts(__name__),
    missing="Missing{}",
)
PRODUCT = rpc_product("ram", API, hosts=("ram",), endpoint="ram.aliyuncs.com")
