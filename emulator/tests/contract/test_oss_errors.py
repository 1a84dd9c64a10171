"""Every code that is recorded of an operation of object storage can be met, one by one."""

import anyio
import pytest

from alicloud_emulator.products.oss.operations import OPERATIONS
from alicloud_emulator.world.oss.refusals import OF_ACTIONS, REFUSALS
from emulator.tests.support.oss_refused import GOOD, cloud_of_everything, make, recipe
from emulator.tests.unit.oss.conftest import Cloud


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return anyio.run(cloud_of_everything)


CASES = [
    pytest.param(action, code, id=f"{action}-{code}")
    for action, observed in OPERATIONS.items()
    for code in observed.codes
]


# What a form's own policy refuses has another EC.
SIZE = "0006-00000004"
OTHER_EC = {"PostObject": {"EntityTooLarge": SIZE, "EntityTooSmall": SIZE}}


@pytest.mark.parametrize(("action", "code"), CASES)
def test_a_code_can_be_met(cloud: Cloud, action: str, code: str) -> None:
    change = recipe(action, code)
    call = GOOD[action] if change is None else change(GOOD[action])
    # What is refused leaves a cloud as it was, but for this: the object is stored.
    if code == "CallbackFailed":
        cloud = anyio.run(cloud_of_everything)
    answer = anyio.run(make, cloud, call)
    expected = OF_ACTIONS.get((action, code), REFUSALS[code])
    assert answer.status == expected.status
    if answer.body:
        assert answer.text("Code") == code
    assert answer.headers.get("x-oss-ec", "") == OTHER_EC.get(action, {}).get(
        code, expected.ec
    )
