"""A run that does what a test says, in place of the engine, and a process around it.

The engine has tests of its own; here only what the command makes of it matters.
"""

import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from ali_import import library, preparing
from ali_import.cli import main
from ali_import.publish import cleanup
from ali_import.publish.model import (
    Emit,
    Leftover,
    Options,
    Outcome,
    Phase,
    PhaseBegan,
    RegionsKnown,
    Report,
    Result,
    Route,
    Target,
)

LEFTOVER = Leftover(
    region="cn-hangzhou", kind="bucket", name="ali-import-0123abcd-66aabbcc-cn-hangzhou"
)


async def nobody_refused(*_: object) -> None:
    """Stand in for the question whether the whole account is refused."""


async def nothing_unfinished(*_: object) -> bool:
    """Stand in for the look at what a run of yesterday's has left."""
    return False


@dataclass
class ScriptedRun:
    """Answers like ``Run``; ``script`` makes its report."""

    targets: Sequence[Target]
    options: Options
    emit: Emit
    script: "Script"
    interrupts: int = 0
    interrupted: anyio.Event = field(default_factory=anyio.Event)

    async def execute(self) -> Report:
        regions = self.options.regions or ("cn-hangzhou", "us-east-1")
        names = tuple(target.name for target in self.targets)
        self.emit(PhaseBegan(phase=Phase.SURVEY))
        self.emit(RegionsKnown(regions=regions, names=names))
        return await self.script(self)

    def interrupt(self) -> None:
        self.interrupts += 1
        self.interrupted.set()

    def leftovers(self) -> tuple[Leftover, ...]:
        return (LEFTOVER,)

    def report(self, *results: Result, **fields: Any) -> Report:
        """Report results region by region; all placed if none are given."""
        regions = self.options.regions or ("cn-hangzhou", "us-east-1")
        pairs = [(region, target) for region in regions for target in self.targets]
        results = results or (Result.PLACED,) * len(pairs)
        outcomes = tuple(
            _outcome(region, target, result)
            for (region, target), result in zip(pairs, results, strict=True)
        )
        return Report(run_id="0123abcd", outcomes=outcomes, **fields)


Script = Callable[[ScriptedRun], Awaitable[Report]]


def _outcome(region: str, target: Target, result: Result) -> Outcome:
    return Outcome(
        region=region,
        name=target.name,
        family=target.family,
        result=result,
        route=Route.DIRECT,
        image_id=f"m-{region}" if result.good else "",
        published=result.good,
        code="" if result.good else "SomeCode",
        message="" if result.good else "some message",
    )


def run_with(script: Script, made: list[ScriptedRun]) -> Any:
    """Return a stand-in for the class ``Run`` that also keeps what it made."""

    def make(
        _cloud: object,
        targets: Sequence[Target],
        options: Options,
        *,
        emit: Emit,
        **_: object,
    ) -> ScriptedRun:
        made.append(ScriptedRun(targets, options, emit, script))
        return made[-1]

    return make


# --- scripts for a process of its own ------------------------------------------------


async def _place_all(run: ScriptedRun) -> Report:
    return run.report()


async def _fail_some(run: ScriptedRun) -> Report:
    return run.report(Result.PLACED, Result.FAILED)


async def _wait_for_interrupt(run: ScriptedRun) -> Report:
    print("ready", file=sys.stderr, flush=True)
    await run.interrupted.wait()
    return run.report(Result.UNCHANGED, Result.SKIPPED, interrupted=True)


async def _ignore_interrupts(run: ScriptedRun) -> Report:
    print("ready", file=sys.stderr, flush=True)
    await anyio.sleep(600)
    return run.report()


async def _leave_a_thread_behind(run: ScriptedRun) -> Report:
    threading.Thread(target=time.sleep, args=(600,)).start()
    return run.report()


async def _break(run: ScriptedRun) -> Report:
    raise RuntimeError("the access key LTAI0123456789abcdef is in here")


SCRIPTS: dict[str, Script] = {
    script.__name__.strip("_"): script
    for script in (
        _place_all,
        _fail_some,
        _wait_for_interrupt,
        _ignore_interrupts,
        _leave_a_thread_behind,
        _break,
    )
}


# --- in place of what `cleanup` calls --------------------------------------------------


async def _find(_cloud: object, **_: object) -> tuple[Leftover, ...]:
    return (LEFTOVER,)


async def _remove_with_care(
    _cloud: object, leftovers: Sequence[Leftover], **_: object
) -> tuple[Leftover, ...]:
    """When it is cancelled, finish what was begun, as the engine does."""
    print("ready", file=sys.stderr, flush=True)
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            print("finishing", file=sys.stderr, flush=True)
            await anyio.sleep(1)
            print("finished", file=sys.stderr, flush=True)
    return tuple(leftovers)


async def _remove_for_ever(
    _cloud: object, leftovers: Sequence[Leftover], **_: object
) -> tuple[Leftover, ...]:
    """Take no notice of being cancelled."""
    print("ready", file=sys.stderr, flush=True)
    with anyio.CancelScope(shield=True):
        await anyio.sleep(30)
    return tuple(leftovers)


REMOVERS = {
    remove.__name__.strip("_"): remove
    for remove in (_remove_with_care, _remove_for_ever)
}


if __name__ == "__main__":
    # python -m tests.unit.cli.scripted SCRIPT ARGUMENT...
    name = sys.argv.pop(1)
    if name in SCRIPTS:
        vars(library)["Run"] = run_with(SCRIPTS[name], [])
        vars(preparing)["is_unfinished"] = nothing_unfinished
        vars(library)["refuse_account"] = nobody_refused
    else:
        vars(cleanup)["find_leftovers"] = _find
        vars(cleanup)["remove_leftovers"] = REMOVERS[name]
    sys.exit(main.main())
