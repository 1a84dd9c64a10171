"""What an action says beside its metadata is about something, and its codes are given."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import pytest

from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.products.rpc.action import Action
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.products.rpc.parameters import Effect, Kind, Param
from alicloud_emulator.world import ecs

APIS = {product.name: product.api for product in PRODUCTS if product.api}
CASES = [
    pytest.param(api, action, id=f"{name}.{action.name}")
    for name, api in APIS.items()
    for action in api.actions
]
COMMON = {
    "Account.Arrearage",
    "InvalidParameter",
    "InvalidRegionId.NotFound",
    "MissingParameter",
    "NoPermission",
}
"""Codes that any action can give."""
RULES = {"ecs": Path(ecs.__file__).parent, "sts": Path(ecs.__file__).parents[1]}
"""Where more of a product's rules are than in its own package."""


def paths(params: Iterable[Param], prefix: str = "") -> set[str]:
    found = set()
    for param in params:
        found |= {prefix + param.name}
        found |= paths(param.members, f"{prefix}{param.name}.")
    return found


def source(name: str) -> str:
    products = files("alicloud_emulator.products")
    folders = [products / name, products / "rpc"]
    folders += [RULES[name]] if name in RULES else []
    return "".join(
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in folder.iterdir()
        if path.name.endswith(".py")
    )


@pytest.mark.parametrize(("api", "action"), CASES)
def test_what_is_said_of_parameters_is_about_some(api: Api, action: Action) -> None:
    known = paths(api.params[action.name].values())
    assert {*action.required, *action.accepted, *action.notes} <= known
    for param in action.more:
        meta = api.metadata.get(action.name, {}).get(param.name)
        # What the metadata knows as well as we do is not said again.
        assert (
            meta is None or Kind(str(meta).rstrip("!")) is Kind.STRUCT or param.members
        )


@pytest.mark.parametrize("name", APIS)
def test_every_parameter_that_is_enforced_is_read(name: str) -> None:
    text = source(name)
    for params in APIS[name].params.values():
        for param in params.values():
            if param.effect is Effect.ENFORCED:
                assert f'"{param.name}"' in text


@pytest.mark.parametrize(("api", "action"), CASES)
def test_the_codes_of_an_action_are_known_and_of_one_kind(
    api: Api, action: Action
) -> None:
    gives, never = api.facts.gives(action.name), api.facts.never(action.name)
    assert set(gives) <= set(api.facts.tables["codes"]) | COMMON
    assert not set(gives) & set(never)
    assert len(set(gives)) == len(gives)
    row = api.facts.tables["actions"].get(action.name, {})
    assert set(row.get("says", ())) <= set(gives)


@pytest.mark.parametrize("name", APIS)
def test_every_fact_has_a_source_and_every_code_an_action(name: str) -> None:
    tables = APIS[name].facts.tables
    for row in (*tables["codes"].values(), *tables["values"].values()):
        assert row["source"] in tables["sources"]
    assert set(tables["actions"]) <= set(APIS[name].by_name)
    declared = {code for row in tables["actions"].values() for code in row["gives"]}
    assert set(tables["codes"]) - declared - COMMON == set()


@pytest.mark.parametrize("name", APIS)
def test_every_code_that_can_be_given_is_given_somewhere(name: str) -> None:
    text = source(name)
    codes = APIS[name].facts.tables["codes"]
    assert [code for code in codes if f'"{code}"' not in text] == []
