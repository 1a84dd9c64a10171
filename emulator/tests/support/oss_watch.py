"""Watching object storage: what operations read and refuse is what they declare."""

from typing import Any

import pytest

from alicloud_emulator.services.declared import Place, find
from alicloud_emulator.services.oss import errors
from alicloud_emulator.services.oss.call import Call
from alicloud_emulator.services.oss.declared import (
    BUCKET_ERRORS,
    COMMON_ERRORS,
    COMMON_FIELDS,
    OBJECT_ERRORS,
    Declared,
)
from alicloud_emulator.services.oss.declared_buckets import BUCKETS, SERVICE
from alicloud_emulator.services.oss.declared_objects import OBJECTS
from alicloud_emulator.services.oss.routing import operation_of
from alicloud_emulator.services.wire import Request
from alicloud_emulator.world.errors import ServiceError

DECLARED: dict[str, Declared] = {**SERVICE, **BUCKETS, **OBJECTS}

Read = tuple[str, Place, str]


def action_of(request: Request) -> str:
    """Return the operation's name, or the code of the refusal if there is none."""
    operation = operation_of(request)
    return operation if isinstance(operation, str) else operation.action


def codes_of(action: str) -> set[str]:
    """Return every code that an operation may give."""
    codes = {*COMMON_ERRORS, *DECLARED[action].errors}
    if action not in SERVICE:
        codes.update(BUCKET_ERRORS)
    if action in OBJECTS:
        codes.update(OBJECT_ERRORS)
    return codes


def watch_reads(monkeypatch: pytest.MonkeyPatch) -> set[Read]:
    """Fail when an operation reads what it does not declare; return what they read."""
    read: set[Read] = set()
    for method, place in (
        ("param", Place.QUERY),
        ("has_param", Place.QUERY),
        ("header", Place.HEADER),
    ):
        monkeypatch.setattr(Call, method, _watched(getattr(Call, method), place, read))
    return read


def _watched(unwatched: Any, place: Place, read: set[Read]) -> Any:
    def watched(call: Call, name: str, *given: str) -> Any:
        action = action_of(call.request)
        fields = (*DECLARED[action].fields, *COMMON_FIELDS)
        assert find(fields, place, name), f"{action} reads {place} {name}"
        read.add((action, place, name))
        return unwatched(call, name, *given)

    return watched


def check_error(request: Request, error: ServiceError) -> None:
    """Fail if the operation does not declare the code."""
    action = action_of(request)
    if action in DECLARED:
        code, _ = errors.named(error)
        assert code in codes_of(action), f"{action} gives {code}"
