"""Who comes is taken in at once, however busy those are who came before."""

import socket
from pathlib import Path

import anyio
import pytest

from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.profile import Profile
from emulator.tests.unit.front.conftest import opened

OTHERS = 60
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def asking(query: str) -> bytes:
    return (
        f"GET /?{query} HTTP/1.1\r\nHost: oss-cn-beijing.aliyuncs.com\r\n\r\n".encode()
    )


async def test_a_busy_client_does_not_keep_others_waiting_to_be_taken_in(
    profile: Profile, tmp_path: Path
) -> None:
    busy: list[str] = []
    others: list[int] = []
    is_busy, all_there = anyio.Event(), anyio.Event()

    def noted(request: Request) -> Response:
        if request.raw_query == "busy":
            busy.append(request.request_id)
            is_busy.set()
        else:
            others.append(len(busy))
        if len(others) == OTHERS:
            all_there.set()
        return Response()

    async def call_all_the_time(port: int) -> None:
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            while True:
                await stream.send(asking("busy"))
                await stream.receive()

    async with opened(profile, tmp_path) as running, anyio.create_task_group() as tasks:
        running.echo.handler = noted
        tasks.start_soon(call_all_the_time, running.port)
        await is_busy.wait()
        clients = [
            socket.create_connection(("127.0.0.1", running.port), timeout=10)
            for _ in range(OTHERS)
        ]
        for client in clients:
            client.sendall(asking("other"))
        before = len(busy)
        await all_there.wait()
        for client in clients:
            client.close()
        tasks.cancel_scope.cancel()
    # One turn of the event loop takes in all of them; some for each would be many.
    assert others[-1] - before < OTHERS / 4
