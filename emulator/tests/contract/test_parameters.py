"""Every documented parameter of every action that is there is known to its parser."""

import json
from pathlib import Path
from typing import Any

import pytest

from alicloud_emulator.products.ecs.service import ACTIONS as ECS
from alicloud_emulator.products.ram.service import ACTIONS as RAM
from alicloud_emulator.products.rpc.parameters import Kind, Param
from alicloud_emulator.products.rpc.service import Action
from alicloud_emulator.products.sts import ACTIONS as STS
from alicloud_emulator.world.ecs import refusals

META: dict[str, Any] = json.loads(
    Path(__file__).with_name("api_meta.json").read_text(encoding="utf-8")
)
ACTIONS: dict[tuple[str, str], Action] = {
    (product, action.name): action
    for product, actions in (("ecs", ECS), ("ram", RAM), ("sts", STS))
    for action in actions
}
KINDS = {
    "String": {Kind.STRING},
    "Integer": {Kind.INTEGER},
    "Long": {Kind.INTEGER},
    "Boolean": {Kind.BOOLEAN},
    "Struct": {Kind.STRUCT},
    "RepeatList": {Kind.LIST, Kind.STRUCTS},
    "Json": {Kind.JSON_LIST, Kind.JSON_STRUCTS},
}
CASES = [
    pytest.param(product, action, name, id=f"{product}.{action}.{name}")
    for product in ("ecs", "ram", "sts")
    for action, parameters in META[product].items()
    for name in parameters
]


def test_every_documented_action_is_there() -> None:
    documented = {
        (product, action)
        for product in ("ecs", "ram", "sts")
        for action in META[product]
    }
    assert documented <= set(ACTIONS)


@pytest.mark.parametrize(("product", "action", "name"), CASES)
def test_a_documented_parameter_is_known(product: str, action: str, name: str) -> None:
    meta = META[product][action][name]
    declared = {param.name: param for param in ACTIONS[product, action].params}
    if "." in name:  # Filter.1.Key: a list of structs spelled out
        name, _, member = name.split(".")
        meta = {"type": "RepeatList", "members": [member]}
    param = declared[name]
    assert param.kind in KINDS[meta["type"]]
    if meta.get("required"):
        assert param.required
    if members := meta.get("members"):
        assert param.kind in (Kind.STRUCTS, Kind.JSON_STRUCTS)
        assert set(members) <= spellings(param)


def spellings(param: Param) -> set[str]:
    return {name for member in param.members for name in (member.name, *member.aliases)}


@pytest.mark.parametrize("action", ECS, ids=lambda action: action.name)
def test_the_codes_of_an_action_are_known_and_of_one_kind(action: Action) -> None:
    assert set(action.errors) <= set(refusals.REFUSALS)
    assert not set(action.errors) & set(action.never)
    assert len(set(action.errors)) == len(action.errors)


def test_every_code_that_can_be_given_is_given_somewhere() -> None:
    world = Path(refusals.__file__).parent
    services = world.parents[1] / "products" / "ecs"
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in world.glob("*.py")
        if path.name != "refusals.py"
    )
    for path in services.glob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        source += "".join(line for line in lines if "refusal(" in line)
    unused = [code for code in refusals.REFUSALS if f'"{code}"' not in source]
    assert unused == []


def test_every_code_is_declared_by_an_action_or_common_to_all() -> None:
    declared = {code for action in ECS for code in action.errors}
    common = {"InvalidRegionId.NotFound", "Account.Arrearage"}
    assert set(refusals.REFUSALS) - declared - common == set()
