"""Bodies in flight: never more bytes than allowed, and first come, first served."""

import anyio
import pytest

from ali_import.cloud.sdk.budget import ByteBudget
from emulator.tests.support.virtual import run


def passages(bytes_max: int, sizes: list[int]) -> tuple[list[int], int]:
    """Let bodies pass, a second each; return their order and the most at once."""
    order: list[int] = []
    held: list[int] = [0]
    most: list[int] = [0]

    async def main() -> None:
        budget = ByteBudget(bytes_max)

        async def body(number: int, size: int) -> None:
            await anyio.sleep(number / 1000)
            async with budget.take(size):
                order.append(number)
                held[0] += size
                most[0] = max(most[0], held[0])
                await anyio.sleep(1)
                held[0] -= size

        async with anyio.create_task_group() as tasks:
            for number, size in enumerate(sizes):
                tasks.start_soon(body, number, size)

    run(main)
    return order, most[0]


def test_bodies_pass_in_the_order_they_came_within_the_bound() -> None:
    order, most = passages(10, [4, 4, 4, 1, 9, 2])
    # Two by two: who is let in at the same instant may go on in any order. The last
    # one would have fitted in long before the large one, but must not overtake it.
    assert [set(order[:2]), set(order[2:4])] == [{0, 1}, {2, 3}]
    assert order[4:] == [4, 5]
    assert most <= 10


def test_a_body_larger_than_the_budget_passes_alone() -> None:
    order, most = passages(10, [3, 50, 3])
    assert order == [0, 1, 2]
    assert most == 50


@pytest.mark.parametrize("cancelled_at_s", [0.5, 1.0])
def test_who_gives_up_waiting_holds_up_nobody(cancelled_at_s: float) -> None:
    passed: list[str] = []

    async def main() -> None:
        budget = ByteBudget(10)

        async def body(name: str, size: int) -> None:
            async with budget.take(size):
                passed.append(name)
                await anyio.sleep(1)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(body, "first", 8)
            await anyio.sleep(0.1)
            with anyio.move_on_after(cancelled_at_s):
                await body("impatient", 9)
            await body("last", 9)

    run(main, budget_s=10)
    assert passed[0] == "first"
    assert passed[-1] == "last"
