"""Processes of functions: how many, for how long, and that none survives."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from alicloud_emulator.functions.manager import Bounds, Functions
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc import Function
from emulator.tests.unit.fc.conftest import eventually, function, invocation

pytestmark = pytest.mark.anyio

PID = "import os\ndef handler(e, c): return str(os.getpid())"
# Starts a child of its own, says so, and is busy for ever, without ever waiting.
BUSY = (
    "import os, subprocess\n"
    "def handler(e, c):\n"
    "    child = subprocess.Popen(['sleep', '300'])\n"
    "    with open(e.decode() + '.new', 'w') as file:\n"
    "        file.write(f'{os.getpid()} {child.pid}')\n"
    "    os.rename(e.decode() + '.new', e.decode())\n"
    "    while True: pass"
)

# Says that it has begun, and waits until all others have.
MEET = (
    "import os, time\n"
    "def handler(e, c):\n"
    "    folder, number, count = e.decode().split()\n"
    "    open(f'{folder}/{number}', 'w').close()\n"
    "    while len(os.listdir(folder)) < int(count): time.sleep(0.02)\n"
    "    return str(os.getpid())"
)


def is_running(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ")[1][0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def job(number: int, code: str = PID, **settings: Any) -> Function:
    made = function(code, name=f"job-{number}", **settings)
    made.id = f"{number:08d}-0000"
    return made


async def pid_of(functions: Functions, of: Function) -> int:
    result = await functions.invoke(invocation(of), b"", request_id="r")
    return int(result.payload)


async def test_an_instance_is_used_again(functions: Functions) -> None:
    first = await pid_of(functions, job(1))
    assert await pid_of(functions, job(1)) == first
    assert await pid_of(functions, job(2)) != first
    assert functions.processes == 2


async def test_an_update_is_a_new_instance(functions: Functions) -> None:
    made = job(1)
    first = await pid_of(functions, made)
    made.revision += 1
    functions.retire(made)
    await eventually(lambda: not is_running(first))
    assert await pid_of(functions, made) != first


async def test_idle_instances_do_not_stay_long() -> None:
    async with Functions(bounds=Bounds(idle_s=0.2)) as functions:
        pid = await pid_of(functions, job(1))
        assert is_running(pid)
        await eventually(lambda: not is_running(pid))
        assert functions.processes == 0


async def test_a_deleted_functions_instances_and_files_go(functions: Functions) -> None:
    code = "import os\ndef handler(e, c): return f'{os.getpid()} {os.getcwd()}'"
    made = job(1, code)
    result = await functions.invoke(invocation(made), b"", request_id="r")
    pid, folder = result.payload.decode().split()
    functions.retire(made)
    await eventually(lambda: not is_running(int(pid)) and not Path(folder).exists())
    assert functions.processes == 0


async def test_a_busy_instance_of_a_deleted_function_ends_its_work(
    functions: Functions,
) -> None:
    made = job(1, "import time\ndef handler(e, c): time.sleep(0.3); return 'done'")
    async with anyio.create_task_group() as group:

        async def run() -> None:
            result = await functions.invoke(invocation(made), b"", request_id="r")
            assert result.payload == b"done"

        group.start_soon(run)
        await eventually(lambda: functions.processes == 1)
        await anyio.sleep(0.1)
        functions.retire(made)
    assert functions.processes == 0


async def test_no_more_idle_instances_are_kept_than_allowed() -> None:
    async with Functions(bounds=Bounds(idle=2)) as functions:
        pids = [await pid_of(functions, job(n)) for n in range(4)]
        await eventually(
            lambda: [is_running(p) for p in pids] == [False] * 2 + [True] * 2
        )


async def test_no_more_work_at_once_than_allowed() -> None:
    code = "import time\ndef handler(e, c): time.sleep(0.1); return str(time.time())"
    async with Functions(bounds=Bounds(busy=2)) as functions:
        most = 0

        async def run(number: int) -> None:
            nonlocal most
            await functions.invoke(invocation(job(number, code)), b"", request_id="r")
            most = max(most, sum(p.busy for p in functions._pools.values()))

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(run, number)
        assert most <= 2


async def test_two_dozen_functions_at_once(
    functions: Functions, tmp_path: Path
) -> None:
    assert len(await pids_of_all_at_once(functions, tmp_path, 24)) == 24


async def pids_of_all_at_once(
    functions: Functions, folder: Path, count: int
) -> set[int]:
    """Run functions that end only when all of them have begun."""
    pids = set()

    async def run(number: int) -> None:
        meeting = f"{folder} {number} {count}".encode()
        made = job(number, MEET, timeout_s=120)
        result = await functions.invoke(invocation(made), meeting, request_id="r")
        pids.add(int(result.payload))

    async with anyio.create_task_group() as group:
        for number in range(count):
            group.start_soon(run, number)
    return pids


async def test_a_caller_that_goes_away_ends_the_work(
    functions: Functions, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    with anyio.move_on_after(1.0):
        await functions.invoke(
            invocation(job(1, BUSY, timeout_s=60)), bytes(mark), request_id="r"
        )
    await eventually(lambda: not any(map(is_running, pids_in(mark))))
    assert functions.processes == 0


def pids_in(mark: Path) -> list[int]:
    return [int(text) for text in mark.read_text(encoding="ascii").split()]


async def test_an_instance_that_died_idle_is_replaced(functions: Functions) -> None:
    first = await pid_of(functions, job(1))
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: not is_running(first))
    large = b"x" * 4_000_000  # more than the pipe holds
    result = await functions.invoke(invocation(job(1)), large, request_id="r")
    assert int(result.payload) != first


async def test_closing_ends_everything(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    async with Functions(folder=tmp_path) as functions:
        idle = await pid_of(functions, job(1))
        work = invocation(job(2, BUSY, timeout_s=60))

        async def run() -> None:
            await functions.invoke(work, bytes(mark), request_id="r")

        assert functions.spawn(run)
        await eventually(mark.exists)
        assert all(map(is_running, [idle, *pids_in(mark)]))
    await eventually(lambda: not any(map(is_running, [idle, *pids_in(mark)])))
    left = [entry async for entry in anyio.Path(tmp_path).iterdir()]
    assert [entry.name for entry in left] == ["mark"]


async def test_closing_ends_work_that_others_wait_for(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    error_types = []
    async with anyio.create_task_group() as group, Functions() as functions:
        work = invocation(job(1, BUSY, timeout_s=60))

        async def run() -> None:
            result = await functions.invoke(work, bytes(mark), request_id="r")
            error_types.append(result.error_type)

        group.start_soon(run)
        await eventually(mark.exists)
    await eventually(lambda: not any(map(is_running, pids_in(mark))))
    assert error_types == ["UnhandledInvocationError"]
    assert not functions.spawn(run)
    with pytest.raises(ServiceError) as caught:
        await pid_of(functions, job(2))
    assert caught.value.code == "ServiceUnavailable"
    functions.retire(job(1))


async def test_background_work_that_fails_harms_nobody(functions: Functions) -> None:
    async def fail() -> None:
        raise ValueError

    assert functions.spawn(fail)
    await anyio.sleep(0.05)
    assert await pid_of(functions, job(1))


async def test_a_cold_start_takes_its_time(tmp_path: Path) -> None:
    async with Functions(cold_start_s=0.3) as functions:
        started = anyio.current_time()
        await pid_of(functions, job(99))
        # At least: how much more it is depends on the machine.
        assert anyio.current_time() - started >= 0.3
        # Several take it at the same time.
        assert len(await pids_of_all_at_once(functions, tmp_path, 8)) == 8


async def test_code_that_cannot_be_unpacked(functions: Functions) -> None:
    made = job(1)
    made.code = b"no zip"
    with pytest.raises(ServiceError) as caught:
        await pid_of(functions, made)
    assert caught.value.code == "InvalidArgument"
    assert functions.processes == 0


async def test_an_interpreter_that_is_not_there(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ServiceError) as caught:
        await pid_of(functions, job(1))
    assert caught.value.code == "FunctionNotStarted"
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ServiceError) as caught:
        await pid_of(functions, job(1))
    assert caught.value.code == "FunctionNotStarted"


HOST = textwrap.dedent(
    """
    import sys, anyio
    from alicloud_emulator.functions.manager import Functions
    from emulator.tests.unit.fc.conftest import function, invocation

    async def main():
        async with Functions() as functions:
            async with anyio.create_task_group() as group:
                for mark, code in ARGUMENTS:
                    job = function(code, timeout_s=60, name=mark[-1])
                    job.id = mark
                    call = lambda job=job, mark=mark: functions.invoke(
                        invocation(job), mark.encode(), request_id="r")
                    group.start_soon(call)

    anyio.run(main)
    """
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Another process that runs BUSY and an idle function."""
    mark = tmp_path / "mark"
    script = HOST.replace("ARGUMENTS", repr([(str(mark), BUSY)]))
    env = {**os.environ, "TMPDIR": str(tmp_path)}  # it cannot clean up
    with subprocess.Popen([sys.executable, "-c", script], env=env) as process:
        yield process, mark
        process.kill()


async def test_nothing_survives_a_killed_emulator(
    host: tuple[subprocess.Popen[bytes], Path],
) -> None:
    process, mark = host
    await eventually(mark.exists, within_s=10)
    pids = pids_in(mark)
    assert all(map(is_running, pids))
    process.kill()
    await eventually(lambda: not any(map(is_running, pids)))
