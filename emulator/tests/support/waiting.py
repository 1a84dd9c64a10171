"""Waiting for what another process or thread does.

No test may say how quick this machine is, so the bound is only there to end a test that
would otherwise never end; ``tests/unit/test_tidy.py`` keeps clocks out of other files.
"""

import time
from collections.abc import Callable

HANG_S = 120.0


def until(so: Callable[[], object]) -> None:
    """Wait until something is so; fail if it never comes to that."""
    end = time.monotonic() + HANG_S
    while not so():
        assert time.monotonic() < end, "the moment never came"
        time.sleep(0.05)
