"""Pages by marker: the last row's key says where the next page begins."""

from typing import Any

from alicloud_emulator.products.ram.people import FACTS
from alicloud_emulator.products.rpc.action import Call

_PAGE_ROWS = 100


def cut(
    call: Call, keys: list[str], marker: str, size: str, code: str
) -> tuple[int, int, dict[str, Any]]:
    """Return where a page begins and ends in ``keys``, and its paging fields.

    Raises:
        ServiceError: The ``code``: a size that is not 1 to 1000.
    """
    token = call.text(marker)
    start = keys.index(token) + 1 if token in keys else 0
    rows = call.arguments.number(size, _PAGE_ROWS)
    if not 1 <= rows <= 1000:
        raise FACTS.refusal(code)
    stop = start + rows
    if stop >= len(keys):
        return start, stop, {"IsTruncated": False}
    return start, stop, {"IsTruncated": True, "Marker": keys[stop - 1]}
