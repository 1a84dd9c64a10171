"""What is recorded of object storage's operations is so, and covers what SDKs can send."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import anyio
import pytest

from alicloud_emulator.products.oss import operations, service
from alicloud_emulator.products.oss.operations import OPERATIONS, Fate, Place
from alicloud_emulator.products.oss.routing import Level, actions_of
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss.refusals import REFUSALS
from alicloud_emulator.world.oss.settings import SETTINGS
from emulator.tests.support import oss_models, oss_record
from emulator.tests.support.oss_calls import BUCKET, OLDER, Session, everything
from emulator.tests.support.oss_record import action_named, sdk_requests
from emulator.tests.support.oss_watch import action_of, codes_of
from emulator.tests.unit.oss.conftest import Body, Cloud


@pytest.fixture(scope="module")
def sent() -> dict[str, Request]:
    """One request of each operation."""
    session = Session()
    everything(session)
    return session.sent


def test_the_record_is_what_a_run_gives() -> None:
    file = Path(operations.__file__).with_name(operations.FILE)
    recorded = file.read_text(encoding="utf-8")
    anew = "run python -m emulator.tests.support.oss_record, and look at what changed"
    assert oss_record.text_of(oss_record.made()) == recorded, anew


def test_every_operation_of_the_sdk_that_is_there_was_called(
    sent: dict[str, Request],
) -> None:
    assert set(sent) == set(OPERATIONS) - OLDER


def test_every_operation_is_in_the_record() -> None:
    assert [action for level in Level for action in actions_of(level)] == [*OPERATIONS]


def test_the_older_signature_is_believed_for_every_operation() -> None:
    session = Session("v1")
    everything(session)
    session.sent.pop("OptionObject")  # nobody's signature counts there
    assert {request.signature for request in session.sent.values()} == {"oss-v1"}


def names_of(action: str, fate: Fate) -> list[tuple[Place, str]]:
    observed = OPERATIONS.get(action)
    if observed is None:
        return []
    return [
        (place, name)
        for place, names in observed.names.items()
        for name, told in names.items()
        if told is fate
    ]


def test_what_is_taken_changes_nothing() -> None:
    """The same calls succeed with everything that they take."""
    session = Session()
    given = set()

    def add(request: Request) -> None:
        for place, name in names_of(action_of(request), Fate.TAKEN):
            assert place is Place.HEADER, "a query is to be added otherwise"
            request.headers = {**request.headers, name: "true"}
            given.add(name)

    session.transport.door.change = add
    everything(session)
    assert given == set(operations.WITHOUT_EFFECT)


def test_what_is_refused_is_so_before_anything_is_done(
    sent: dict[str, Request],
) -> None:
    served = service.OssService(Cloud().world)
    refused = 0
    for action, request in sent.items():
        for place, name in names_of(action, Fate.REFUSED):
            refused += 1
            changed = replace(request, body=Body(b""))
            if place is Place.HEADER:
                changed.headers = {**request.headers, name: "text"}
            else:
                changed.query = [*request.query, (name, "text")]
            # Not even the bucket is looked for, which is not there.
            with pytest.raises(ServiceError, match="NotImplemented"):
                anyio.run(served.handle, changed)
            assert action_of(changed) in (action, "NotImplemented")
    assert refused > 10


@pytest.mark.parametrize("kind", sdk_requests().values(), ids=lambda k: k.__name__)
def test_every_element_that_the_sdk_sends_is_read_or_kept(kind: Any) -> None:
    action = action_named(kind)
    kept = {setting.action("Put") for setting in SETTINGS.values()}
    if action not in OPERATIONS or action in kept:
        return
    read = OPERATIONS[action].names.get(Place.BODY, {})
    above = {path.rpartition("/")[0] for path in read}
    assert oss_models.request_elements(kind) <= {*read, *above}


def test_what_the_sdk_can_and_the_emulator_cannot_is_not_implemented() -> None:
    """It says so, and never takes the call for another one."""
    session = Session()
    session.call("put_bucket")
    missing = 0
    for method, kind in sdk_requests().items():
        if action_named(kind) in OPERATIONS:
            continue
        missing += 1
        given = {
            attribute: {"bucket": BUCKET}.get(attribute, "text")
            for attribute, told in kind._attribute_map.items()
            if told.get("required") or attribute == "access_point_name"
        }
        given |= oss_models.request_bodies(kind)
        assert refusal_of(session, method, kind, given) == "NotImplemented", method
    assert missing > 50


def refusal_of(session: Session, method: str, kind: Any, given: dict[str, Any]) -> str:
    try:
        getattr(session.client, method)(kind(**given))
    except oss.exceptions.OperationError as error:
        return str(getattr(error.unwrap(), "code", error))
    return ""


def test_every_code_is_given_by_an_operation_and_spoken_of_in_the_code() -> None:
    assert set(REFUSALS) <= set[str]().union(*map(codes_of, OPERATIONS))
    world = Path(service.__file__).parents[2] / "world" / "oss"
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (*world.glob("*.py"), *Path(service.__file__).parent.glob("*.py"))
        if path.name not in ("refusals.py", "operations.py")
    )
    assert [code for code in REFUSALS if f'"{code}"' not in source] == []
