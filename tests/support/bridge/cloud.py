"""``WorldCloud``: one process's way into a world, through its own adapters.

It is the tool's ``SdkCloud``, with a seam where its requests would become HTTP. Around it
are what a wire has: latency, and a process that may be killed on either side of a call.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

import anyio

from ali_import.cloud.calls import Call
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.settings import Settings
from alicloud_emulator.front import hosts
from tests.support.bridge import clock, inline
from tests.support.bridge.deep import DeepServices
from tests.support.bridge.door import CARRIED, Carried, Door, Watch
from tests.support.bridge.fast import FastServices
from tests.support.bridge.http import Answer, Sent
from tests.support.bridge.login import Login, LoginCredentials

R = TypeVar("R")

SETTINGS: Final = Settings()


class Killed(BaseException):
    """The process that makes calls through this cloud was killed."""


class _Blind:
    def asked(self, request: Call[Any]) -> None: ...

    def before(self, request: Call[Any]) -> None: ...

    def after(self, request: Call[Any], made: str) -> None: ...

    def received(self, request: Call[Any], answer: Answer) -> None: ...

    def answered(self, request: Call[Any], result: Any) -> None: ...


@dataclass(kw_only=True)
class WorldCloud:
    """One process's way to the world.

    Attributes:
        door: The world's way in; shared.
        deep: Whether the SDKs are used down to their connections.
        latency_s: Bounds of the time one request takes, both ways together.
        at_call: What to do when the n-th call (from 1) is about to take effect, or
            (``-n``) has just taken effect and is not yet answered.
    """

    door: Door
    login: Login
    rng: Random
    deep: bool = False
    latency_s: tuple[float, float] = (0.005, 0.2)
    watch: Watch = field(default_factory=_Blind)
    at_call: dict[int, Callable[[], None]] = field(default_factory=dict)
    calls: int = 0
    killed: bool = False

    def __post_init__(self) -> None:
        clock.teach()
        self._running: set[anyio.CancelScope] = set()
        kind = DeepServices if self.deep else FastServices
        self._sdk = SdkCloud(
            SETTINGS,
            credentials=LoginCredentials(self.login),
            run_blocking=self._run_blocking,
            make_services=partial(kind, send=self._send),
        )

    async def call(self, request: Call[R]) -> R:
        """Carry out ``request`` once.

        Raises:
            CloudError: As ``ali_import.cloud.calls.Cloud`` says.
            Killed: The process is no more.
        """
        self.calls += 1
        self.check_alive()
        self.watch.asked(request)
        clock.NOW.set(self.door.world.agenda.catch_up)
        token = CARRIED.set(Carried(request=request, caller=self, number=self.calls))
        try:
            result = await self._sdk.call(request)
        except Exception as error:
            self.check_alive()
            self.watch.answered(request, error)
            raise
        finally:
            CARRIED.reset(token)
        self.check_alive()
        self.watch.answered(request, result)
        return result

    def kill(self) -> None:
        """End the process: no call of it will ever do anything any more."""
        self.killed = True
        for scope in self._running:
            scope.cancel()

    def close(self) -> None:
        """Give back what the SDKs share."""
        self._sdk.close()

    def check_alive(self) -> None:
        """Raise Killed if the process is no more."""
        if self.killed:
            raise Killed

    async def _run_blocking(
        self,
        work: Callable[[Call[Any]], Any],
        call: Call[Any],
        /,
        *,
        limiter: anyio.CapacityLimiter,
        abandon_on_cancel: bool,
    ) -> Any:
        """Do what worker threads do: what is not to be abandoned is waited for."""
        async with limiter:
            with anyio.CancelScope(shield=not abandon_on_cancel) as scope:
                self._running.add(scope)
                try:
                    return await inline.run(work, call)
                finally:
                    self._running.discard(scope)
        raise Killed

    async def _send(self, sent: Sent) -> Answer:
        """Send a request of the SDKs, and bring the answer.

        Raises:
            LostError: There was none.
        """
        carried = CARRIED.get()
        latency_s = self._latency_s(sent.host)
        # A read has one moment that matters, a change has two: its effect, its answer.
        share = self.rng.random() if carried.request.CHANGES else 1.0
        await anyio.sleep(latency_s * share)
        self._reached(carried.number)
        try:
            answer = await self.door.answer(sent)
        finally:
            self._reached(-carried.number)
        if share < 1.0:
            await anyio.sleep(latency_s * (1 - share))
        self.watch.received(carried.request, answer)
        return answer

    def _reached(self, number: int) -> None:
        self.check_alive()
        if (act := self.at_call.pop(number, None)) is not None:
            act()
        self.check_alive()

    def _latency_s(self, name: str) -> float:
        host = hosts.parse(name)
        region = self.door.world.profile.region(host.region) if host else None
        slow = min(region.slow, 10.0) if region is not None else 1.0
        return self.rng.uniform(*self.latency_s) * slow
