"""Programs that call the library: ``python -m tests.e2e.library_program WHICH BACKEND``.

Each runs in a process of its own, in a directory that holds ``disk.img``, and prints one
line of JSON: what it found out.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final

import anyio

import ali_import
from ali_import import Event, Image, Note, PlacementMoved, Report, Step

REGIONS: Final = ("eu-central-1", "cn-hangzhou")
BACKEND: Final = sys.argv[2]


def surroundings() -> dict[str, Any]:
    """Describe what a library could change in a process and must not."""
    numbers = [n for n in signal.valid_signals() if n not in {9, 19}]
    return {
        "environment": dict(os.environ),
        "signals": [signal.getsignal(number) for number in numbers],
        "hooks": [sys.excepthook, threading.excepthook],
        "directory": Path.cwd(),
        "argv": sys.argv,
    }


async def publish(name: str, **options: Any) -> Report:
    image = Image("disk.img", name=name, family="demo", suffix="")
    async with ali_import.connect() as cloud:
        return await ali_import.publish(cloud, [image], regions=REGIONS, **options)


async def quietly() -> Any:
    before = surroundings()
    meanwhile = []
    await publish("demo-1", on_event=lambda _: meanwhile.append(surroundings()))
    same = [each == before for each in (*meanwhile, surroundings())]
    return {"changed nothing": all(same), "times looked": len(same)}


async def two_at_once() -> Any:
    results: list[list[str]] = []

    async def one(name: str) -> None:
        report = await publish(name)
        results.extend(
            [name, outcome.region, outcome.result] for outcome in report.outcomes
        )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one, "demo-1")
        tasks.start_soon(one, "demo-2")
    return sorted(results)


async def cancelled() -> Any:
    """Cancel while images are being imported."""
    told: list[str] = []
    ended = "returned"
    with anyio.CancelScope() as scope:

        def look(event: Event) -> None:
            if isinstance(event, PlacementMoved) and event.step is Step.WAIT:
                scope.cancel()
            if isinstance(event, Note) and event.level == "WARNING":
                told.append(event.text)

        await publish("demo-1", on_event=look)
    if scope.cancelled_caught:
        ended = "cancelled"
    return {"ended": ended, "told": told}


def interrupted() -> Any:
    """Press Ctrl-C, once, in the synchronous form."""
    pressed = False
    told: list[str] = []

    def look(event: Event) -> None:
        nonlocal pressed
        if isinstance(event, Note) and event.level == "WARNING":
            told.append(event.text)
        if (
            isinstance(event, PlacementMoved)
            and event.step is Step.WAIT
            and not pressed
        ):
            pressed = True
            signal.raise_signal(signal.SIGINT)

    # Whoever runs the tests in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    before = surroundings()
    image = Image("disk.img", name="demo-1", family="demo", suffix="")
    try:
        ali_import.publish_sync([image], regions=REGIONS, on_event=look)
    except KeyboardInterrupt:
        return {"ended": "interrupted", "told": told, "same": before == surroundings()}
    return {"ended": "returned", "told": told, "same": before == surroundings()}


if __name__ == "__main__":
    programs = {each.__name__: each for each in (quietly, two_at_once, cancelled)}
    if sys.argv[1] == "interrupted":
        found = interrupted()
    else:
        found = anyio.run(programs[sys.argv[1]], backend=BACKEND)
    print(json.dumps(found))
