"""Short pages, so that what a seed lists does not fit one."""

from collections.abc import Iterator
from contextlib import contextmanager

from ali_import.cloud.sdk import ecs, fc, oss


@contextmanager
def of(rows: int) -> Iterator[None]:
    """Let the adapters ask for so many rows at once; 0 for as many as they do."""
    usual = ecs.PAGE_ROWS_MAX, fc.PAGE_ROWS_MAX, oss.PAGE_ROWS_MAX
    if rows:
        ecs.PAGE_ROWS_MAX = fc.PAGE_ROWS_MAX = oss.PAGE_ROWS_MAX = rows
    try:
        yield
    finally:
        ecs.PAGE_ROWS_MAX, fc.PAGE_ROWS_MAX, oss.PAGE_ROWS_MAX = usual
