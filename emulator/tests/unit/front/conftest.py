"""The front with a service that says what it saw, on a real port, in this process."""

import hashlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import pytest
from anyio.from_thread import start_blocking_portal

from alicloud_emulator.front.dispatch import Dispatcher
from alicloud_emulator.front.door import Door
from alicloud_emulator.front.events import Events
from alicloud_emulator.front.server import Front
from alicloud_emulator.front.tls import CertificateAuthority
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.profile import (
    Principal,
    Profile,
    load_profile,
    with_secrets,
)
from alicloud_emulator.world.world import World

BUCKETS = {"in-tokyo": "ap-northeast-1"}
Handler = Callable[[Request], Any]


@dataclass(eq=False)
class Echo:
    """A service that answers with what reached it."""

    handler: Handler | None = None
    done: list[str] = field(default_factory=list)

    def describe(self, request: Request) -> tuple[str, str]:
        action = request.headers.get("x-acs-action", "") or request.param("Action")
        return action or {"GET": "GetObject"}.get(
            request.method, "PutObject"
        ), request.path

    async def handle(self, request: Request) -> Response:
        if self.handler is not None:
            answer = self.handler(request)
            return answer if isinstance(answer, Response) else await answer
        digest, size = hashlib.sha256(), 0
        async for block in request.body:
            digest.update(block)
            size += len(block)
        self.done.append(request.request_id)
        return Response(
            headers={"Content-Type": "application/json"},
            body=json.dumps(
                {
                    "method": request.method,
                    "host": request.host.name,
                    "service": request.host.service,
                    "region": request.host.region,
                    "bucket": request.host.bucket,
                    "path": request.path,
                    "query": request.query,
                    "scheme": request.scheme,
                    "inside": request.inside,
                    "context": request.context,
                    "arn": request.caller.arn if request.caller else "",
                    "signature": request.signature,
                    "size": size,
                    "sha256": digest.hexdigest(),
                    "faults": [fault.do for fault in request.faults],
                }
            ).encode(),
        )

    def error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, ServiceError)
        body = {
            "Code": error.code,
            "Message": error.message,
            "RequestId": request.request_id,
            "fields": error.fields,
        }
        return Response(
            status=error.status,
            headers={"Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )


@dataclass
class RunningFront:
    world: World
    echo: Echo
    front: Front
    port: int
    bundle: Path
    events: Events

    @property
    def proxies(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self.port}"
        return {"http": url, "https": url}

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.bundle))


@asynccontextmanager
async def opened(profile: Profile, folder: Path) -> AsyncIterator[RunningFront]:
    world = World(profile, clock=time.time, seed=7)
    echo, events = Echo(), Events()
    services = dict.fromkeys(("ecs", "oss", "fc", "ram", "sts", "location"), echo)
    dispatcher = Dispatcher(world, services, events)
    authority = CertificateAuthority()
    front = Front(
        profile,
        authority,
        door=Door(profile, lambda name: BUCKETS.get(name, "")),
        answer=dispatcher.answer,
        sent=dispatcher.sent,
    )
    async with anyio.create_task_group() as tasks:
        port = await front.open(tasks, address="127.0.0.1", port=0)
        bundle = authority.write_bundle(folder)
        yield RunningFront(world, echo, front, port, bundle, events)
        tasks.cancel_scope.cancel()


@contextmanager
def running_front(profile: Profile, folder: Path) -> Iterator[RunningFront]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opened(profile, folder)) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def profile() -> Profile:
    """The default cloud, with a dead region, and a role that everybody may assume."""
    fast = with_secrets(load_profile("fast"), lambda: "emulator-secret")
    regions = tuple(
        replace(region, dead=region.id == "eu-west-2") for region in fast.regions
    )
    role = Principal(name="AliyunFcDefaultRole")
    account = replace(fast.accounts[0], roles=(role,))
    return replace(fast, regions=regions, accounts=(account,))


@pytest.fixture(scope="session")
def shared_front(
    profile: Profile, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFront]:
    with running_front(profile, tmp_path_factory.mktemp("front")) as running:
        yield running


@pytest.fixture
def front(shared_front: RunningFront) -> Iterator[RunningFront]:
    yield shared_front
    shared_front.echo.handler = None
    shared_front.echo.done.clear()
    shared_front.world.faults.clear()
