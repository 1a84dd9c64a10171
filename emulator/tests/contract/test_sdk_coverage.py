"""What of the official SDKs the emulator can do: never less than it could.

An action that is lost fails here, one that is new must be written down here. The lists
in ``products/missing.py``, which the documentation shows, are the other side.
"""

import json
from pathlib import Path

import pytest
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_fc20230330.client import Client as FcClient
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401.client import Client as StsClient

from alicloud_emulator.products import missing
from alicloud_emulator.products.ecs.service import ACTIONS as ECS
from alicloud_emulator.products.fc.actions import ACTIONS as FC
from alicloud_emulator.products.ram.service import ACTIONS as RAM
from alicloud_emulator.products.sts import ACTIONS as STS
from alicloud_emulator.services.oss.operations import OPERATIONS
from emulator.tests.support.oss_record import action_named, sdk_requests

META = json.loads(Path(__file__).with_name("api_meta.json").read_text(encoding="utf-8"))
COVERED = json.loads(
    Path(__file__).with_name("sdk_coverage.json").read_text(encoding="utf-8")
)


def actions_of(client: type, *spelled: str) -> set[str]:
    """Return the names of a client's actions; methods do not tell OIDC from Oidc."""
    spellings = {name.lower(): name for name in spelled}
    end = "with_options"  # of put_layer_aclwith_options, too
    names = {
        "".join(part.title() for part in name.removesuffix(end).split("_"))
        for name in dir(client)
        if name.endswith(end)
    }
    return {spellings.get(name.lower(), name) for name in names}


# What the SDK knows, and what is there.
CAN: dict[str, tuple[set[str], set[str]]] = {
    # Of ECS's hundreds, those that the API metadata here is about.
    "ecs": (set(META["ecs"]), {action.name for action in ECS}),
    "fc": (actions_of(FcClient, "PutLayerACL"), {action.name for action in FC}),
    "ram": (actions_of(RamClient), {action.name for action in RAM}),
    "sts": (
        actions_of(StsClient, "AssumeRoleWithOIDC", "AssumeRoleWithSAML"),
        {action.name for action in STS},
    ),
    "oss": (
        {action_named(kind) for kind in sdk_requests().values()},
        set(OPERATIONS),
    ),
}


@pytest.mark.parametrize("product", CAN)
def test_what_could_be_done_can_be_done(product: str) -> None:
    known, there = CAN[product]
    assert sorted(known & there) == COVERED[product]


def test_every_documented_action_of_ecs_is_one_of_the_sdk_and_is_there() -> None:
    known, there = CAN["ecs"]
    assert known <= there
    assert known <= actions_of(EcsClient)


@pytest.mark.parametrize(
    ("product", "names"), [("fc", missing.FC), ("oss", missing.OSS)]
)
def test_what_is_missing_is_said(product: str, names: tuple[str, ...]) -> None:
    known, there = CAN[product]
    assert sorted(known - there) == sorted(names)
