"""Which process runs an invocation: reuse, bounds, idle time, shutting down."""

import logging
import math
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from alicloud_emulator.functions.environment import describe, environment
from alicloud_emulator.functions.instance import Instance, StartError, Task, start
from alicloud_emulator.functions.network import Network, no_network
from alicloud_emulator.functions.package import PackageError, unpack
from alicloud_emulator.functions.runtimes import (
    Start,
    command,
    not_started,
    runtime_environment,
)
from alicloud_emulator.world.fc import Function, Invocation, InvocationResult
from alicloud_emulator.world.fc.refusals import refusal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much of the machine functions may take.

    Attributes:
        busy: Processes that work at once; further invocations wait.
        starting: Processes that start at once: more would only slow each other down.
        idle: Processes kept for the next invocation.
        idle_s: How long one is kept, in seconds.
        waiting: Asynchronous invocations accepted and not yet done.
    """

    busy: int = 64
    starting: int = 4
    idle: int = 96
    idle_s: float = 10.0
    waiting: int = 256


@dataclass(kw_only=True, eq=False)
class _Pool:
    """What there is on the machine of one revision of one function."""

    folder: Path
    unpacked: bool = False
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    idle: list[tuple[float, Instance]] = field(default_factory=list)
    busy: int = 0
    retired: bool = False


class Functions:
    """Runs functions' code. Use it as an asynchronous context manager.

    Args:
        network: Says what processes in a region are told about the network.
        cold_start_s: Seconds that every new instance takes longer than it does here.
        bounds: How much of the machine to take.
        folder: Where to unpack code; None makes a temporary folder.
    """

    def __init__(
        self,
        *,
        network: Network = no_network,
        cold_start_s: float = 0.0,
        bounds: Bounds | None = None,
        folder: Path | None = None,
    ) -> None:
        self._network = network
        self._cold_start_s = cold_start_s
        self._bounds = bounds or Bounds()
        self._parent = folder
        self._folder = Path()
        self._pools: dict[tuple[str, int], _Pool] = {}
        self._group: TaskGroup | None = None
        self._numbers = count(1)
        self._waiting = 0
        self._working: set[Instance] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        """Begin: make the folder, and watch idle processes."""
        self._folder = Path(mkdtemp(prefix="alicloud-emulator-fc-", dir=self._parent))
        self._busy = anyio.Semaphore(self._bounds.busy)
        self._starting = anyio.Semaphore(self._bounds.starting)
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._retire_idle)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """End every process, and remove the folder."""
        assert self._group is not None
        self._closed = True
        for instance in self._working:  # whoever waits for it closes it
            instance.kill()
        self._group.cancel_scope.cancel()
        try:
            return await self._group.__aexit__(kind, error, trace)
        finally:
            with anyio.CancelScope(shield=True):
                for pool in self._pools.values():
                    for _, instance in pool.idle:
                        await instance.aclose()
                shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def processes(self) -> int:
        """How many function processes there are."""
        return sum(len(pool.idle) + pool.busy for pool in self._pools.values())

    async def invoke(
        self, invocation: Invocation, payload: bytes, *, request_id: str
    ) -> InvocationResult:
        """Run an invocation that the world allows, in a process of its own.

        Raises:
            ServiceError: FunctionNotStarted (412) when this machine cannot start it,
                InvalidArgument (400) when its code cannot be unpacked,
                ServiceUnavailable (503) when the emulator is ending.
        """
        function = invocation.function
        async with self._busy:
            if self._closed:
                raise refusal("ServiceUnavailable", "shutting down")
            pool = self._pool(function)
            pool.busy += 1
            try:
                return await self._run(pool, invocation, payload, request_id)
            finally:
                pool.busy -= 1
                self._let_go(pool)

    def spawn(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do ``work`` in the background; False if too much is waiting already."""
        if self._group is None or self._closed:
            return False
        if self._waiting >= self._bounds.waiting:
            return False
        self._waiting += 1
        self._group.start_soon(self._work, work)
        return True

    def retire(self, function: Function) -> None:
        """End a function's idle processes now, and busy ones when they are done.

        For a function that was deleted or updated.
        """
        for (function_id, _), pool in tuple(self._pools.items()):
            if function_id == function.id:
                pool.retired = True
                self._let_go(pool)

    async def _work(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            logger.exception("background work failed unexpectedly")
        finally:
            self._waiting -= 1

    async def _run(
        self, pool: _Pool, invocation: Invocation, payload: bytes, request_id: str
    ) -> InvocationResult:
        settings = invocation.function.settings
        task = Task(
            meta=describe(invocation, request_id),
            payload=payload,
            request_id=request_id,
            timeout_s=settings.timeout_s,
            memory_mib=settings.memory_mib,
            killed=invocation.killed,
        )
        while pool.idle:
            _, instance = pool.idle.pop()
            with suppress(StartError):  # it died while it was idle: take another
                return await self._run_in(instance, pool, task)
        instance = await self._start(pool, invocation.function)
        try:
            return await self._run_in(instance, pool, task)
        except StartError as error:
            raise not_started(f"the process ended at once: {error}") from error

    async def _run_in(
        self, instance: Instance, pool: _Pool, task: Task
    ) -> InvocationResult:
        self._working.add(instance)
        try:
            return await instance.run(task)
        finally:
            self._working.discard(instance)
            if instance.usable and not self._closed:
                pool.idle.append((anyio.current_time(), instance))
            else:
                await instance.aclose()

    async def _start(self, pool: _Pool, function: Function) -> Instance:
        async with pool.lock:
            if not pool.unpacked:
                await self._unpack(pool, function.code)
        number = next(self._numbers)
        instance_id = f"c-{function.id[:8]}-{number:08x}"
        temporary = pool.folder / f"tmp-{number}"
        temporary.mkdir()
        network = self._network(function.region)
        code = pool.folder / "code"
        what = Start(
            runtime=function.settings.runtime,
            memory_mib=function.settings.memory_mib,
            code=code,
            network=network,
        )
        env = {
            **environment(function, network, code=code, temporary=temporary),
            **await run_sync(runtime_environment, what.runtime),
            "FC_INSTANCE_ID": instance_id,
        }
        await anyio.sleep(self._cold_start_s)
        async with self._starting:
            try:
                return await start(
                    partial(command, what),
                    env=env,
                    folder=code,
                    instance_id=instance_id,
                )
            except OSError as error:
                raise not_started(f"cannot start it: {error.strerror}") from error

    async def _unpack(self, pool: _Pool, code: bytes) -> None:
        try:
            await run_sync(unpack, code, pool.folder / "code")
        except PackageError as error:
            raise refusal("InvalidArgument", str(error)) from error
        pool.unpacked = True

    def _pool(self, function: Function) -> _Pool:
        key = (function.id, function.revision)
        if key not in self._pools:
            folder = self._folder / f"function-{next(self._numbers)}"
            folder.mkdir()
            self._pools[key] = _Pool(folder=folder)
        return self._pools[key]

    def _let_go(self, pool: _Pool) -> None:
        """Keep no more idle processes than there may be, of anybody's."""
        if self._closed:
            return
        if pool.retired:
            self._drop_idle(pool, before=math.inf)
        excess = sum(len(p.idle) for p in self._pools.values()) - self._bounds.idle
        everybody = sorted(since for p in self._pools.values() for since, _ in p.idle)
        if excess > 0:
            for other in tuple(self._pools.values()):
                self._drop_idle(other, before=everybody[excess - 1])
        self._forget_empty()

    async def _retire_idle(self) -> None:
        while True:
            await anyio.sleep(self._bounds.idle_s / 4)
            before = anyio.current_time() - self._bounds.idle_s
            for pool in tuple(self._pools.values()):
                self._drop_idle(pool, before=before)
            self._forget_empty()

    def _drop_idle(self, pool: _Pool, *, before: float) -> None:
        """End a pool's processes that have been idle since ``before`` or longer."""
        assert self._group is not None
        for since, instance in tuple(pool.idle):
            if since <= before:
                pool.idle.remove((since, instance))
                instance.kill()
                self._group.start_soon(instance.aclose)

    def _forget_empty(self) -> None:
        """Remove the folders of pools that have no process any more."""
        assert self._group is not None
        for key, pool in tuple(self._pools.items()):
            if not pool.idle and not pool.busy:
                del self._pools[key]
                self._group.start_soon(run_sync, _remove, pool.folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
