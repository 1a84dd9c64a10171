"""Pages by marker: the last row's key says where the next page begins."""

from typing import Any

from alicloud_emulator.products.rpc.action import Call
from alicloud_emulator.world.errors import ServiceError

_PAGE_ROWS = 100


def cut(
    call: Call, keys: list[str], marker: str, size: str
) -> tuple[int, int, dict[str, Any]]:
    """Return where a page begins and ends in ``keys``, and its paging fields.

    Raises:
        ServiceError: ``InvalidParameter.MaxItems`` or its like (400).
    """
    token = call.text(marker)
    start = keys.index(token) + 1 if token in keys else 0
    rows = call.arguments.number(size, _PAGE_ROWS)
    if not 1 <= rows <= 1000:
        raise ServiceError(
            f"InvalidParameter.{size}", 400, f"The parameter {size} is invalid."
        )
    stop = start + rows
    if stop >= len(keys):
        return start, stop, {"IsTruncated": False}
    return start, stop, {"IsTruncated": True, "Marker": keys[stop - 1]}
