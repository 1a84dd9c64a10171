"""What several actions ask in the same way: to be let in, ids, times, pages."""

import json
from typing import Any

from alicloud_emulator.products.rpc.action import Call
from alicloud_emulator.products.rpc.bodies import time_value
from alicloud_emulator.products.rpc.parameters import Kind, Param
from alicloud_emulator.world.ecs.records import Page
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import check_pages
from alicloud_emulator.world.ecs.store import Store

FEATURES = Param(
    "Features", Kind.STRUCT, members=(Param("NvmeSupport"), Param("ImdsSupport"))
)


def enter(
    call: Call, resource: str, *, change: bool = False, region_status: int = 404
) -> Store:
    """Let a call in, and return what there is; see ``Store.enter``."""
    store = call.world.ecs.store
    store.enter(
        call.caller,
        call.action,
        call.region,
        resource,
        change=change,
        region_status=region_status,
    )
    return store


def page_asked(call: Call) -> tuple[int, int]:
    """Return PageNumber and PageSize.

    Raises:
        ServiceError: InvalidParameter (400).
    """
    number = call.arguments.number("PageNumber", 1)
    size = call.arguments.number("PageSize", 10)
    check_pages(number=number, size=size)
    return number, size


def page_fields(page: Page[Any], region: str) -> dict[str, Any]:
    """Return what every numbered page carries."""
    return {
        "PageNumber": page.number,
        "PageSize": page.size,
        "TotalCount": page.total,
        "RegionId": region,
    }


def id_list(call: Call, name: str, *, most: int) -> list[str]:
    """Return ids given comma-separated, or as older clients do: as a JSON array.

    Raises:
        ServiceError: InvalidParameter (400), also for more than ``most``.
    """
    text = call.text(name)
    if not text.lstrip().startswith("["):
        ids = [each.strip() for each in text.split(",") if each.strip()]
    else:
        try:
            ids = json.loads(text)
        except (ValueError, RecursionError):
            raise refusal("InvalidParameter", name) from None
        if not all(isinstance(each, str) for each in ids):
            raise refusal("InvalidParameter", name)
    if len(ids) > most:
        raise refusal("InvalidParameter", name)
    return ids


def time_asked(call: Call, name: str) -> float:
    """Return a time in Unix seconds; 0 where it is not given."""
    text = call.text(name)
    if not text:
        return 0.0
    value = time_value(text)
    if value is None:
        raise refusal("InvalidParameter", name)
    return value


def filtered_times(call: Call, *keys: str) -> dict[str, float]:
    """Return the Unix seconds of the filters with these keys; others are passed over.

    Raises:
        ServiceError: InvalidFilterValue (404).
    """
    times = {}
    for row in call.arguments.structs("Filter"):
        if row.text("Key") in keys:
            value = time_value(row.text("Value"))
            if value is None:
                raise refusal("InvalidFilterValue")
            times[row.text("Key")] = value
    return times
