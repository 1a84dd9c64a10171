"""Virtual time: a scenario that never waits for real."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from trio.testing import MockClock

R = TypeVar("R")


def run(main: Callable[[], Awaitable[R]], *, budget_s: float = 86_400.0) -> R:
    """Run a scenario in virtual time; it starts at 0 and never waits for real."""

    async def bounded() -> R:
        with anyio.fail_after(budget_s):
            return await main()

    clock = MockClock(autojump_threshold=0)
    return anyio.run(bounded, backend="trio", backend_options={"clock": clock})
