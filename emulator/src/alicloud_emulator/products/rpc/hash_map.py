"""The order of keys in the gateway's JSON: that of a Java HashMap.

The gateway keeps answers in such maps, and writes them as they lie there. Captured
answers have this order (TaskId, RequestId, ImageId, RegionId in ImportImage's); where
keys meet in one bucket, the order they were put in counts, which nobody outside sees:
here it is the order of the product's own document.

Source:
    Order captured in aliyun/darabonba-openapi#140 (2024); hash and growth as in
    java.util.HashMap of OpenJDK 8 and later.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_BUCKETS_MIN = 16
_LOAD_MAX = 0.75
"""Entries for each bucket before the map doubles."""


def in_order(value: Any) -> Any:
    """Return a JSON value with the keys of every object in it in the map's order."""
    if isinstance(value, str):  # most are
        return value
    if isinstance(value, Mapping):
        return {key: in_order(value[key]) for key in _ordered(tuple(value))}
    if isinstance(value, list | tuple):
        return [in_order(item) for item in value]
    return value


@lru_cache(maxsize=1024)
def _ordered(keys: tuple[str, ...]) -> list[str]:
    buckets = _buckets(len(keys))
    return sorted(keys, key=lambda key: _spread(key) % buckets)


def _buckets(entries: int) -> int:
    buckets = _BUCKETS_MIN
    while entries > buckets * _LOAD_MAX:
        buckets *= 2
    return buckets


def _spread(key: str) -> int:
    """Return ``String.hashCode`` as HashMap spreads it, without its sign."""
    code = 0
    for unit in memoryview(key.encode("utf-16-le", "surrogatepass")).cast("H"):
        code = (31 * code + unit) & 0xFFFFFFFF
    return code ^ (code >> 16)
