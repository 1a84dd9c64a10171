"""The samples of docs/adding.md: the action works, and the product is the real one."""

import re
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

from alicloud_emulator.products import vpc
from alicloud_emulator.products.rpc.action import Action, Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.service import RpcService
from alicloud_emulator.products.vpc.state import FACTS, networks
from emulator.tests.support.image_cloud import TOKYO, Cloud
from emulator.tests.support.rpc_calls import Answer, answer, request_of

PAGE = Path(__file__).parents[2] / "docs" / "adding.md"
SAMPLES = [
    dedent(sample)
    for sample in re.findall(
        r"^ *```python\n(.*?)^ *```",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
]


def test_the_action_of_the_page_works() -> None:
    names: dict[str, Any] = {
        "action": action,
        "Call": Call,
        "Document": Document,
        "FACTS": FACTS,
        "networks": networks,
    }
    exec(SAMPLES[0], names)
    made: Action = names["describe_vpc_attribute"]
    assert made.name not in vpc.API.by_name  # or the page needs another example
    cloud = Cloud()
    api = replace(vpc.API, actions=(*vpc.API.actions, made))

    def call(name: str, **given: str) -> Answer:
        service = RpcService(cloud.world, api)
        params = {"RegionId": TOKYO, **given}
        return answer(service, request_of(service, name, params, caller=cloud.main))

    vpc_id = call("CreateVpc", VpcName="net").json["VpcId"]
    assert call(made.name, VpcId=vpc_id).json["VpcName"] == "net"
    assert call(made.name, VpcId="vpc-none").code == "InvalidVpcId.NotFound"
    assert call(made.name).code == "MissingParameter"


def test_the_product_of_the_page_is_the_real_one() -> None:
    source = Path(vpc.__file__).read_text(encoding="utf-8")
    assert SAMPLES[1] in source
