"""Whatever a client sends to make a function, it gets an answer of the service."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alicloud_emulator.products.fc.bodies import (
    _EXTRAS,
    _FIELDS,
    function_body,
    parse_code,
    parse_list,
    parse_object,
    parse_settings,
    parse_tags,
)
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc import CodeSource
from emulator.tests.unit.fc.conftest import HANGZHOU, Cloud, zipped

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**400)
    | st.floats()
    | st.text()
    | st.text(st.characters()),  # half surrogates too
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
NAMES = [one.name for one in _FIELDS] + [*_EXTRAS, "code", "tags", "functionName"]
GOOD = {"runtime": "python3.10", "handler": "index.handler", "functionName": "job"}


def make(cloud: Cloud, body: bytes) -> dict[str, Any]:
    document = parse_object(body)
    tags = parse_tags(document.get("tags"))
    settings = parse_settings(document)
    parse_code(document)
    source = CodeSource(zip_bytes=zipped({"index.py": ""}))
    name = document.get("functionName")
    if not isinstance(name, str):
        raise ServiceError("InvalidArgument")
    function = cloud.fc.create(cloud.main, HANGZHOU, name, settings, source, tags=tags)
    return function_body(function, function.state)


def refusal(call: Callable[[], object]) -> ServiceError | None:
    """Return the ServiceError that a call raises; any other error is a failure."""
    try:
        call()
    except ServiceError as error:
        return error
    return None


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=4))
def test_documents_of_any_kind(document: dict[str, Any]) -> None:
    data = json.dumps({**GOOD, **document}).encode()

    def run() -> None:
        json.dumps(make(Cloud(), data), ensure_ascii=False, allow_nan=False).encode()

    error = refusal(run)
    assert error is None or error.status in {400, 403}


@given(st.binary() | ANYTHING.map(lambda x: json.dumps(x).encode()))
def test_bodies_of_any_kind(body: bytes) -> None:
    error = refusal(lambda: parse_object(body))
    assert error is None or error.code == "InvalidArgument"


@given(ANYTHING)
def test_lists_of_any_kind(value: object) -> None:
    for parse in (lambda: parse_list(value, "x"), lambda: parse_tags(value)):
        error = refusal(parse)
        assert error is None or error.code == "InvalidArgument"
