"""A network is set up as iPXE's ali-setup does it: twice, and in regions that refuse."""

import pytest

from emulator.tests.contract.strangers.conftest import Run
from emulator.tests.support.emulator import RunningEmulator

REGION = "eu-central-1"


def test_a_network_is_made_once_and_found_again(run: Run) -> None:
    first = run("network.py", REGION)
    assert first["role"] == "acs:ram::1234567890123456:role/strangers"
    assert first["vpc"].startswith("vpc-")
    assert first["group"].startswith("sg-")
    assert len(set(first["switches"])) == 2
    assert (first["ipv6"], first["skipped"]) == (True, [])
    assert run("network.py", REGION) == first


@pytest.mark.parametrize(
    ("action", "first", "code"),
    [
        # The second change asks for IPv6; the first zone is closed.
        ("ModifyVpcAttribute", 2, "OperationUnsupported.Ipv6Feature"),
        ("CreateVSwitch", 1, "OperationDenied.ZoneIsDisabled"),
    ],
)
def test_a_region_without_something_is_played_by_a_fault(
    run: Run, shared_emulator: RunningEmulator, action: str, first: int, code: str
) -> None:
    rule = {"do": "refuse", "code": code, "status": 400, "times": 1}
    shared_emulator.post(
        "/faults", {**rule, "service": "vpc", "action": action, "first": first}
    )
    seen = run("network.py", REGION)
    assert seen["skipped"] == [code]
    closed = action == "CreateVSwitch"
    assert (seen["ipv6"], "" in seen["switches"]) == (closed, closed)
