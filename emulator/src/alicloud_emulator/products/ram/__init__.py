"""RAM: roles and policies.

| file | what it holds |
|---|---|
| roles.py, policies.py, tags.py | actions on each |
| people.py | who there is, as the actions find and check it |
| paging.py | pages by marker |
"""

from alicloud_emulator.products.product import rpc_product
from alicloud_emulator.products.ram import policies, roles, tags
from alicloud_emulator.products.ram.people import FACTS
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import Api

API = Api(
    code="Ram",
    version="2015-05-01",
    actions=actions_of(roles, policies, tags),
    package=__name__,
    facts=FACTS,
    missing="Missing{}",
)
PRODUCT = rpc_product("ram", API, hosts=("ram",), endpoint="ram.aliyuncs.com")
