"""One function instance: a process that runs one invocation at a time."""

import json
import math
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from alicloud_emulator.functions.bootstrap_python import OUT_OF_MEMORY
from alicloud_emulator.functions.frames import FrameReader, send_frame
from alicloud_emulator.functions.runtimes import not_started
from alicloud_emulator.world.fc import InvocationResult

LOG_TAIL_BYTES = 4096
"""How much of the log a result carries, as ``X-Fc-Log-Result`` does."""

STARTED_S_MAX = 30.0
"""How long a process may take to begin: starting many at once takes a while."""

_LOG_BYTES_MAX = 64 * 1024
_LOG_WAIT_S = 0.5
_MEMORY_POLL_S = 0.05
_KILL_AFTER_S = 0.02
_EXIT_WAIT_S = 1.0
_MIB = 1024 * 1024
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

# Exit statuses that mean it wanted too much memory: a Python MemoryError, and the
# abort with which V8 ends when its heap is full.
_OUT_OF_MEMORY = {OUT_OF_MEMORY, -signal.SIGABRT}


@dataclass(frozen=True, kw_only=True)
class Task:
    """One invocation as an instance sees it.

    Attributes:
        meta: What the runtime's bootstrap is told (context, credentials, variables).
        timeout_s: Seconds from when the handler is called, or loaded for it.
        killed: Kill the process in the middle.
    """

    meta: Mapping[str, Any] = field(repr=False)
    payload: bytes = field(repr=False)
    request_id: str
    timeout_s: float
    memory_mib: int
    killed: bool = False


class StartError(Exception):
    """The process ended, or said nothing, before it began the work."""


class _End(StrEnum):
    """How an exchange with the process ended."""

    NOT_STARTED = "not-started"  # with a payload: its runtime says what it lacks
    RESULT = "result"
    ERROR = "error"
    HANDLED_ERROR = "handled-error"
    TIMED_OUT = "timed-out"
    DIED = "died"


# Documented: whatever is not an error handed to a callback is Unhandled.
_ERROR_TYPES = {
    _End.RESULT: "",
    _End.HANDLED_ERROR: "HandledInvocationError",
    _End.ERROR: "UnhandledInvocationError",
    _End.TIMED_OUT: "UnhandledInvocationError",
    _End.DIED: "UnhandledInvocationError",
}


class Instance:
    """A running process. Use ``start`` to make one and ``aclose`` to end it."""

    def __init__(self, process: Process, lifeline: int, instance_id: str) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.id = instance_id
        self.usable = True
        self._process = process
        self._lifeline = lifeline
        self._requests: ByteSendStream = process.stdin
        self._answers = FrameReader(process.stdout)
        self._log_stream: ByteReceiveStream = process.stderr
        self._log = bytearray()
        self._log_grew = anyio.Event()
        self._log_ended = False
        self._memory_mib_max = 0.0
        self._out_of_memory = False
        self._began = 0.0

    @property
    def pid(self) -> int:
        """Process id, which is also its process group's."""
        return self._process.pid

    def kill(self) -> None:
        """Kill the process and everything it started, now."""
        self.usable = False
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def aclose(self) -> None:
        """Kill the process if need be, and give everything back."""
        with anyio.CancelScope(shield=True):
            if self._lifeline >= 0:
                self.kill()
                os.close(self._lifeline)
                self._lifeline = -1
            await self._process.aclose()

    async def run(self, task: Task) -> InvocationResult:
        """Run one invocation. Afterwards the instance may be no longer ``usable``.

        Raises:
            StartError: The process did not begin; nothing of the function ran.
            ServiceError: FunctionNotStarted (412); the machine lacks something that
                the runtime brings along.
        """
        self._log.clear()
        self._memory_mib_max = 0.0
        self._began = anyio.current_time()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._pump_log)
                group.start_soon(self._watch_memory, task.memory_mib)
                end, payload = await self._exchange(task)
                await self._log_has(f"FC Invoke End RequestId: {task.request_id}")
                group.cancel_scope.cancel()
        except BaseException:
            self.kill()  # cut off in the middle: it is in no state to go on
            raise
        if end is _End.NOT_STARTED and payload:
            raise not_started(payload.decode(errors="replace"))
        if end is _End.NOT_STARTED:
            raise StartError(self._log.decode(errors="replace")[-500:])
        return self._result(task, end, payload)

    async def _exchange(self, task: Task) -> tuple[_End, bytes]:
        """Send the invocation, wait for the answer; kill the process if none comes."""
        end, payload = _End.NOT_STARTED, b""
        with anyio.move_on_after(STARTED_S_MAX) as scope:
            try:
                await send_frame(self._requests, task.meta, task.payload)
                await self._answers.read()
                end = _End.DIED
                self._began = anyio.current_time()
                scope.deadline = self._began + task.timeout_s
                if task.killed:
                    await anyio.sleep(_KILL_AFTER_S)
                    self.kill()
                meta, payload = await self._answers.read()
                end = _End.DIED if task.killed else _End(meta.get("kind", ""))
            except (anyio.EndOfStream, anyio.BrokenResourceError, OSError, ValueError):
                self.usable = False
        if scope.cancelled_caught and end is _End.DIED:
            end = _End.TIMED_OUT
        self._note_peak(task.memory_mib)
        if self._out_of_memory:
            end = _End.DIED
            self.kill()
        if end not in {_End.RESULT, _End.ERROR, _End.HANDLED_ERROR}:
            with anyio.move_on_after(_EXIT_WAIT_S):
                if end is _End.DIED:  # its exit status says of what
                    await self._process.wait()
            self.kill()
        return end, payload

    def _result(self, task: Task, end: _End, payload: bytes) -> InvocationResult:
        duration_ms = (anyio.current_time() - self._began) * 1000
        memory_mib = self._memory_mib_max
        log = bytes(self._log)
        if end in {_End.TIMED_OUT, _End.DIED}:
            usage = f"maxMemoryUsage: {memory_mib:.2f}MB"
            if end is _End.TIMED_OUT:
                failure = _failure(
                    f"Function time out after {task.timeout_s:g} seconds ({usage})",
                    "FunctionTimeoutError",
                )
            elif self._out_of_memory or self._process.returncode in _OUT_OF_MEMORY:
                failure = _failure(
                    "Process exited unexpectedly before completing request: out of "
                    f"memory (duration: {duration_ms:.0f}ms, {usage})",
                    "FunctionOOMError",
                )
            else:
                failure = _failure(
                    "Process exited unexpectedly before completing request "
                    f"(duration: {duration_ms:.0f}ms, {usage})"
                )
            message = failure["errorMessage"]
            ended = f"FC Invoke End RequestId: {task.request_id}".encode()
            # It may have been done with its work before it was killed: one end counts.
            before, _, rest = log.partition(ended)
            log = before + rest.partition(b"\n")[2]
            log += ended + f", Error: {message}\n".encode()
            payload = json.dumps(failure).encode()
        log += _summary(task, duration_ms, memory_mib)
        return InvocationResult(
            payload=payload,
            error_type=_ERROR_TYPES[end],
            log=log[-LOG_TAIL_BYTES:],
            duration_ms=duration_ms,
            memory_mib_max=memory_mib,
            instance_id=self.id,
        )

    def _note_peak(self, memory_mib: int) -> None:
        """Look whether the process was ever over its memory between two polls."""
        peak_mib, shared_mib = _peak_memory_mib(self.pid)
        self._memory_mib_max = max(self._memory_mib_max, peak_mib)
        if peak_mib - shared_mib > memory_mib:
            self._out_of_memory = True

    async def _pump_log(self) -> None:
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError):
            while True:
                self._log += await self._log_stream.receive()
                del self._log[:-_LOG_BYTES_MAX]
                self._log_grew.set()
                self._log_grew = anyio.Event()
        self._log_ended = True
        self._log_grew.set()

    async def _log_has(self, mark: str) -> None:
        """Wait until ``mark`` is in the log, or nothing more can come."""
        with anyio.move_on_after(_LOG_WAIT_S):
            while not self._log_ended and mark.encode() not in self._log:
                await self._log_grew.wait()

    async def _watch_memory(self, memory_mib: int) -> None:
        """Kill the process when its own memory goes over ``memory_mib``."""
        while (used := _own_memory_mib(self._process.pid)) >= 0:
            self._memory_mib_max = max(self._memory_mib_max, used)
            if used > memory_mib:
                self._out_of_memory = True
                self.kill()
            await anyio.sleep(_MEMORY_POLL_S)


def _summary(task: Task, duration_ms: float, memory_mib_max: float) -> bytes:
    """Return the end of every log; the time billed is in whole milliseconds."""
    return (
        f"\nDuration: {duration_ms:.2f} ms, "
        f"Billed Duration: {math.ceil(duration_ms)} ms, "
        f"Memory Size: {task.memory_mib} MB, Max Memory Used: {memory_mib_max:.2f} MB"
    ).encode()


def _failure(message: str, error_type: str = "") -> dict[str, str]:
    return {"errorMessage": message} | ({"errorType": error_type} if error_type else {})


async def start(
    command: Callable[[int], list[str]],
    *,
    env: Mapping[str, str],
    folder: Path,
    instance_id: str,
) -> Instance:
    """Start a process.

    Args:
        command: Makes the command of the lifeline's file descriptor.
        env: The whole environment.
        folder: Working directory.
        instance_id: For ``FC_INSTANCE_ID`` and headers.

    Raises:
        OSError: The machine cannot start it.
    """
    lifeline_read, lifeline_write = os.pipe()
    try:
        process = await anyio.open_process(
            command(lifeline_read),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=folder,
            env=env,
            start_new_session=True,
            pass_fds=(lifeline_read,),
        )
    except BaseException:
        os.close(lifeline_write)
        raise
    finally:
        os.close(lifeline_read)
    return Instance(process, lifeline_write, instance_id)


def _own_memory_mib(pid: int) -> float:
    """Return a process's own (not shared) resident memory in MiB; -1 if unknown."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        return (int(fields[1]) - int(fields[2])) * _PAGE_BYTES / _MIB
    except (OSError, ValueError, IndexError):  # it ended, or there is no /proc here
        return -1.0


def _peak_memory_mib(pid: int) -> tuple[float, float]:
    """Return a process's peak resident memory, and its shared memory now, in MiB.

    Both are 0 if unknown. Shared memory is mostly the interpreter itself, mapped.
    """
    peak_kib = shared_kib = 0
    with suppress(OSError, ValueError, IndexError):
        for line in (
            Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        ):
            name, _, value = line.partition(":")
            if name == "VmHWM":
                peak_kib = int(value.split()[0])
            elif name in {"RssFile", "RssShmem"}:
                shared_kib += int(value.split()[0])
    return peak_kib / 1024, shared_kib / 1024
