"""A cloud with a hand-driven clock, and calls to its Function Compute."""

import io
import json
import zipfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import unquote, urlencode

import anyio
import pytest

from alicloud_emulator.front.hosts import parse
from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.products.fc.action import COMMON_ERRORS
from alicloud_emulator.products.fc.service import FcService, route
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.fc import CodeSource, Function, Invocation, Settings
from alicloud_emulator.world.fc.refusals import FACTS
from alicloud_emulator.world.profile import Principal, load_profile, with_secrets
from alicloud_emulator.world.world import World
from emulator.tests.support.fc_calls import Body, FcCalls
from emulator.tests.support.waiting import HANG_S

HANGZHOU = "cn-hangzhou"
PENDING_S = 0.2
TRUSTS_FC = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": ["fc.aliyuncs.com"]},
        }
    ],
}
ROLES = (
    Principal(name="worker", trust=TRUSTS_FC),
    Principal(name="importer", trust={"Version": "1", "Statement": []}),
)


def zipped(files: dict[str, str]) -> bytes:
    """Return a zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def function(code: str, *, file: str = "index.py", **settings: Any) -> Function:
    """Return a function that no world knows, to run."""
    given = {"runtime": "python3.10", "handler": "index.handler", "memory_mib": 128}
    return Function(
        account_id="1",
        region=HANGZHOU,
        name=settings.pop("name", "job"),
        id="d4713d60-c8a7-0639-eb11-67b367a9c378",
        settings=Settings(**{**given, **settings}),
        code=zipped({file: code}),
        code_crc64=0,
        created_at=0.0,
        modified_at=0.0,
        active_at=0.0,
    )


def invocation(of: Function, **given: Any) -> Invocation:
    return Invocation(function=of, ready_at=0.0, **given)


async def eventually(
    condition: Callable[[], bool], *, within_s: float = HANG_S
) -> None:
    """Wait until something becomes true; fail if it does not."""
    with anyio.fail_after(within_s):
        while not condition():  # noqa: ASYNC110  # of what other processes do
            await anyio.sleep(0.01)


class Clock:
    """Unix time that moves when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Cloud:
    """A world, its clock, and who calls it."""

    def __init__(self, **account: Any) -> None:
        profile = with_secrets(load_profile("fast"), lambda: "emulator-secret")
        main = replace(profile.accounts[0], **{"roles": ROLES, **account})
        other = replace(main, id="2222222222222222", access_key_id="other")
        self.clock = Clock()
        self.world = World(
            replace(profile, accounts=(main, other)), clock=self.clock, seed=7
        )
        self.main = Caller(account_id=main.id)
        self.other = Caller(account_id=other.id)

    @property
    def fc(self) -> FcCalls:
        return FcCalls(self.world)

    def user(self, *allowed: str) -> Caller:
        """Return a RAM user who may do only these actions."""
        statement = {"Effect": "Allow", "Action": list(allowed), "Resource": "*"}
        return replace(
            self.main, policies=({"Version": "1", "Statement": [statement]},)
        )

    def create(self, name: str = "job", code: str = "", **given: Any) -> Function:
        caller = given.pop("caller", self.main)
        region = given.pop("region", HANGZHOU)
        tags = given.pop("tags", {})
        defaults = {"runtime": "python3.10", "handler": "index.handler"}
        source = CodeSource(zip_bytes=zipped({"index.py": code}))
        return self.fc.create(
            caller, region, name, Settings(**{**defaults, **given}), source, tags=tags
        )

    def role_arn(self, name: str) -> str:
        return f"acs:ram::{self.main.account_id}:role/{name}"


class Answer:
    """An answer."""

    def __init__(self, response: Response) -> None:
        assert isinstance(response.body, bytes)
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.headers.items()}
        self.body = response.body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's code, "" for a good answer."""
        return "" if self.status < 300 else str(self.json["Code"])


class Wire:
    """Calls to the service as the front makes them."""

    def __init__(self, cloud: Cloud, functions: Functions) -> None:
        self.cloud = cloud
        self.functions = functions
        self.service = FcService(cloud.world, functions=functions)
        self._chance = Random(1)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] = b"",
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        caller: Caller | str | None = "main",
        host: str = f"fcv3.{HANGZHOU}.aliyuncs.com",
        faults: tuple[Fault, ...] = (),
    ) -> Request:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        parsed = parse(host)
        assert parsed is not None
        return Request(
            method=method,
            host=parsed,
            path=unquote(f"/2023-03-30/{path}"),
            raw_path=f"/2023-03-30/{path}",
            raw_query=urlencode(query or {}),
            query=list((query or {}).items()),
            headers={name.lower(): value for name, value in (headers or {}).items()},
            body=Body(data),
            content_length=len(data),
            caller=self.cloud.main if isinstance(caller, str) else caller,
            request_id=f"1-{self._chance.getrandbits(96):024x}",
            faults=faults,
        )

    async def call(self, *args: Any, **given: Any) -> Answer:
        request = self.request(*args, **given)
        try:
            return Answer(await self.service.handle(request))
        except ServiceError as error:
            answer = Answer(self.service.error(request, error))
            found = route(request.method, request.path)
            declared = FACTS.gives(found[0].name) if found else ("NotImplemented",)
            assert answer.code in {*declared, *COMMON_ERRORS}, "it is not declared"
            return answer

    async def create(
        self, source: str, name: str = "job", /, *, file: str = "index.py", **given: Any
    ) -> Answer:
        """Create a function and let it become Active."""
        document = {
            "functionName": name,
            "runtime": "python3.10",
            "handler": "index.handler",
            "memorySize": 128,
            "timeout": 10,
            "code": {"zipFile": b64encode(zipped({file: source})).decode()},
            **given,
        }
        answer = await self.call("POST", "functions", document)
        self.cloud.clock.now += PENDING_S
        return answer

    async def invoke(
        self, payload: bytes = b"", name: str = "job", **given: Any
    ) -> Answer:
        return await self.call(
            "POST", f"functions/{name}/invocations", payload, **given
        )


@pytest.fixture
def anyio_backend() -> str:
    """Processes are asyncio's business here, as in the emulator."""
    return "asyncio"


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
async def functions() -> AsyncIterator[Functions]:
    async with Functions() as running:
        yield running


@pytest.fixture
async def wire(cloud: Cloud, functions: Functions) -> Wire:
    return Wire(cloud, functions)
