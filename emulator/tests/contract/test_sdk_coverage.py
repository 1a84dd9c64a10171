"""What of the official SDKs the emulator can do: never less than it could.

An action that is lost fails here, one that is new must be written down here. The lists
in ``products/oss/missing.py``, which the documentation shows, are the other side.
"""

import json
from pathlib import Path

import pytest
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_fc20230330.client import Client as FcClient
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401.client import Client as StsClient

from alicloud_emulator.products import BY_NAME
from alicloud_emulator.products.fc.action import metadata
from alicloud_emulator.products.fc.service import ACTIONS as FC
from alicloud_emulator.products.oss import missing
from alicloud_emulator.products.oss.operations import OPERATIONS
from emulator.tests.support.oss_record import action_named, sdk_requests

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


def built(product: str) -> set[str]:
    api = BY_NAME[product].api
    assert api is not None
    return set(api.by_name)


# What the SDK knows, and what is there.
CAN: dict[str, tuple[set[str], set[str]]] = {
    "ecs": (actions_of(EcsClient), built("ecs")),
    "fc": (actions_of(FcClient, "PutLayerACL"), {action.name for action in FC}),
    "ram": (actions_of(RamClient), built("ram")),
    "sts": (
        actions_of(StsClient, "AssumeRoleWithOIDC", "AssumeRoleWithSAML"),
        built("sts"),
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


def test_what_object_storage_lacks_is_said() -> None:
    known, there = CAN["oss"]
    assert sorted(known - there) == sorted(missing.OSS)


def test_what_function_compute_lacks_is_in_its_metadata() -> None:
    known, there = CAN["fc"]
    # The SDK is newer than the metadata.
    newer = {name for name in known if name.endswith(("Snapshot", "Snapshots"))}
    newer |= {"PauseSession", "ResumeSession"}
    assert known - newer <= set(metadata())
    assert there < set(metadata())
