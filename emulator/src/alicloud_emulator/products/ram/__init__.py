"""RAM: roles and policies.

| file | what it holds |
|---|---|
| roles.py, policies.py, tags.py | actions on each |
| people.py | who there is, as the actions find and check it |
| paging.py | pages by marker |
"""

from typing import Any

from alicloud_emulator.products.product import rpc_product
from alicloud_emulator.products.ram import policies, roles, tags
from alicloud_emulator.products.ram.people import FACTS
from alicloud_emulator.products.rpc.action import actions_of
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.world.world import World


def _central(world: World, account_id: str) -> dict[str, list[Any]]:
    """Return the roles and policies that programs made."""
    people = world.ram.people(account_id)
    return {
        "roles": [
            {
                "name": role.name,
                "arn": role.arn,
                "policies": [name for _, name in role.attached],
                "tags": dict(role.tags),
            }
            for role in people.roles()
            if role.made
        ],
        "policies": [
            {"name": policy.name, "tags": dict(policy.tags)}
            for policy in people.policies()
            if policy.type == "Custom"
        ],
    }


API = Api(
    code="Ram",
    version="2015-05-01",
    actions=actions_of(roles, policies, tags),
    package=__name__,
    facts=FACTS,
    missing="Missing{}",
)
PRODUCT = rpc_product(
    "ram", API, hosts=("ram",), endpoint="ram.aliyuncs.com", central=_central
)
