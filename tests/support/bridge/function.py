"""Function Compute's machines: they run the relay's own code, in virtual time."""

import http.client
import importlib.util
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import ModuleType
from typing import Any, Final, Protocol

import anyio
from requests.structures import CaseInsensitiveDict

from ali_import.relay import handler as shipped
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.fc.values import Function, Invocation, InvocationResult
from alicloud_emulator.world.world import World
from tests.support.bridge import inline
from tests.support.bridge.http import Answer, Loss, LostError, Sent

UNHANDLED: Final = "UnhandledInvocationError"


class Ask(Protocol):
    """Sends a request into the cloud."""

    def __call__(self, sent: Sent, *, inside: str) -> Awaitable[Answer]:
        """Return its answer.

        Raises:
            LostError: There was none.
        """
        ...


class Functions:
    """Runs functions, which all are relays."""

    def __init__(self, world: World, ask: Ask) -> None:
        self._world = world
        self._ask = ask
        self._faults: dict[str, tuple[Fault, ...]] = {}

    def strike(self, request_id: str, faults: tuple[Fault, ...]) -> None:
        """Let faults strike the function that an invocation runs."""
        if faults:
            self._faults[request_id] = faults

    async def invoke(
        self, invocation: Invocation, payload: bytes, *, request_id: str
    ) -> InvocationResult:
        """Run an invocation to its end."""
        faults = self._faults.pop(request_id, ())
        await anyio.sleep(self._world.profile.durations.function_cold_start_s)
        broken = [fault.code for fault in faults if fault.do is Do.FAIL_TASK]
        dice = self._world.rng
        if broken or (invocation.killed and dice.random() < 0.5):
            return _failed(broken[0] if broken else UNHANDLED)
        token = _ROOM.set((self._ask, invocation.function.region))
        try:
            answer = await inline.run(_CODE.handler, payload, _Context(invocation))
        finally:
            _ROOM.reset(token)
        if invocation.killed:
            return _failed(UNHANDLED)
        return InvocationResult(payload=answer.encode(), instance_id="c-simulation")

    def spawn(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Refuse: nobody invokes in the background."""
        del work
        return False

    def retire(self, function: Function) -> None:
        """Do nothing: there are no processes."""


def _failed(kind: str) -> InvocationResult:
    return InvocationResult(
        payload=b'{"errorMessage": "a fault of this cloud"}',
        error_type=kind,
        instance_id="c-simulation",
    )


class _Context:
    """What Function Compute tells a function of itself."""

    def __init__(self, invocation: Invocation) -> None:
        self.region = invocation.function.region


_ROOM: ContextVar[tuple[Ask, str]] = ContextVar("_ROOM")


class _Connection:
    """What the relay uses of ``http.client.HTTPSConnection``, into the simulated cloud."""

    def __init__(self, host: str, deadline: float) -> None:
        self._host = host
        self._deadline = deadline
        self._head = ("", "")
        self._headers: dict[str, str] = {}
        self._blocks: list[bytes] = []

    def putrequest(self, method: str, path: str, **_options: bool) -> None:
        self._head = method, path

    def putheader(self, name: str, value: bytes) -> None:
        self._headers[name.lower()] = value.decode("latin-1")

    def endheaders(self) -> None:
        """Do nothing: it leaves when its answer is asked for."""

    def send(self, block: Any) -> None:
        self._blocks.append(bytes(block))

    def request(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        self._head = method, path
        self._headers = {name.lower(): value for name, value in headers.items()}

    def getresponse(self) -> "_Response":
        left_s = self._deadline - _Time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        ask, region = _ROOM.get()
        method, path = self._head
        sent = Sent(
            method=method,
            host=self._host,
            target=path,
            headers=self._headers,
            body=b"".join(self._blocks),
            timeout_s=min(left_s, shipped.SOCKET_TIMEOUT_S),
        )
        try:
            return _Response(inline.wait(ask(sent, inside=region)))
        except LostError as error:
            raise _lost(error.how) from error

    def close(self) -> None:
        """Do nothing."""


def _lost(how: Loss) -> Exception:
    match how:
        case Loss.NO_RESOLVER:
            return socket.gaierror(socket.EAI_AGAIN, "Try again")
        case Loss.NO_HOST:
            return socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        case Loss.SILENCE:
            return TimeoutError("timed out")
        case Loss.HANG_UP:
            return http.client.RemoteDisconnected("closed without a response")


class _Response:
    """What the relay uses of ``http.client.HTTPResponse``."""

    reason = ""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self._headers = CaseInsensitiveDict(answer.headers)
        self._body = answer.body
        self.length = answer.missing

    def read(self, size: int) -> bytes:
        block, self._body = self._body[:size], self._body[size:]
        return block

    def getheader(self, name: str) -> str | None:
        return self._headers.get(name)

    def getheaders(self) -> list[tuple[str, str]]:
        return list(self._headers.items())


class _Time:
    """The module ``time``, as far as the relay reads it."""

    @staticmethod
    def monotonic() -> float:
        return anyio.current_time()

    @staticmethod
    def sleep(seconds: float) -> None:
        inline.wait(anyio.sleep(seconds))


def _relay_code() -> ModuleType:
    """Return the code that is shipped, with another network and another clock."""
    spec = importlib.util.spec_from_file_location("relay_simulated", shipped.__file__)
    assert spec is not None
    assert spec.loader is not None
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    vars(code).update(_connect=_Connection, time=_Time)
    return code


_CODE: Final = _relay_code()
