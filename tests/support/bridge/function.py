"""The relay function, played: what ``relay/handler.py`` does, in virtual time."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import anyio

from alicloud_emulator.world.blobs import Blob, MemoryBlob
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Call, Do, Fault
from alicloud_emulator.world.fc import Invocation
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.world import World
from tests.support.bridge.network import Network, Out

FRAME_BYTES: Final = 2000
"""Header of an invocation's payload: method, URL, signed headers; about this long."""
ATTEMPTS_MIN: Final = 10
DEADLINE_S: Final = 110.0


class FetchFailedError(Exception):
    """No source gave the bytes; ``gone`` has the numbers of those that are not there."""

    def __init__(self, gone: Sequence[int]) -> None:
        super().__init__("no source gave the bytes")
        self.gone = gone


@dataclass(frozen=True, kw_only=True)
class Presigned:
    """What a presigned URL stands for; ``expires_at`` in Unix seconds."""

    region: str
    bucket: str
    key: str
    expires_at: float


class RelayFunction:
    """One invocation of a region's relay."""

    def __init__(
        self,
        world: World,
        network: Network,
        caller: Caller,
        region: str,
        rng: Random,
    ) -> None:
        self._world = world
        self._network = network
        self._caller = caller
        self._region = region
        self._rng = rng

    def begin(self, name: str, body_bytes: int, faults: Sequence[Fault]) -> Invocation:
        """Ask whether the function may run.

        Raises:
            ServiceError: FunctionNotFound, EntityTooLarge, ResourceExhausted...
        """
        return self._world.fc.begin_invocation(
            self._caller,
            self._region,
            name,
            payload_bytes=FRAME_BYTES + body_bytes,
            faults=faults,
        )

    async def start(self, invocation: Invocation) -> None:
        """Wait until the function is ready and has an instance."""
        cold_s = self._world.profile.durations.function_cold_start_s
        wait_s = invocation.ready_at - self._world.agenda.catch_up()
        await anyio.sleep(max(wait_s, 0.0) + cold_s)

    def end(self, invocation: Invocation) -> None:
        """Take note that the invocation ended."""
        self._world.fc.end_invocation(invocation)

    async def fetch(
        self, sources: Sequence[Presigned], offset: int, length: int
    ) -> Blob:
        """Read a range from the first source that works, going on where one fails.

        Raises:
            FetchFailedError: None did.
        """
        waiting = deque(enumerate(sources))
        gone: list[int] = []
        deadline = anyio.current_time() + DEADLINE_S
        pieces: list[bytes] = []
        got = 0
        for attempt in range(max(ATTEMPTS_MIN, 2 * len(sources))):
            if got == length or not waiting:
                break
            await anyio.sleep(self._rng.uniform(0.01, 0.1))
            try:
                piece = self._read(waiting[0][1], offset + got, length - got)
            except _GoneError as error:
                number, _ = waiting.popleft()
                if error.__cause__ is not None:  # not there, as it says itself
                    gone.append(number)
                continue
            except _FailedError:
                piece = b""
            got += len(piece)
            pieces.append(piece)
            if got < length:
                waiting.rotate(-1)
                await anyio.sleep(min(0.05 * 2**attempt, 2.0))
            if anyio.current_time() > deadline:
                break
        if got < length:
            raise FetchFailedError(gone)
        return MemoryBlob(b"".join(pieces))

    def _read(self, source: Presigned, offset: int, length: int) -> bytes:
        """Read a range of a source once."""
        call = Call(
            service="oss",
            action="GetObject",
            region=source.region,
            resource=source.key,
            download_from=source.region,
            download_to=self._region,
        )
        # A function has a resolver of its own, inside the cloud.
        if self._network.out("oss", source.region) in {Out.NO_HOST, Out.SILENT}:
            raise _FailedError
        doings = {fault.do for fault in self._world.faults.strike(call)}
        if doings & _FAILING:
            raise _FailedError
        if self._world.agenda.catch_up() >= source.expires_at:
            raise _GoneError
        visit = Visit(caller=self._caller, region=source.region, inside=self._region)
        try:
            stored = self._world.oss.objects.read(visit, source.bucket, source.key)
        except ServiceError as error:
            raise _GoneError from error
        data = stored.blob.read(offset, length)
        if Do.TRUNCATE in doings:
            data = data[: len(data) // 2]
        if Do.CORRUPT in doings and data:
            data = bytes([data[0] ^ 0xFF]) + data[1:]
        return data


_FAILING: Final = frozenset(
    {
        Do.REFUSE,
        Do.THROTTLE,
        Do.DROP_BEFORE,
        Do.DROP_AFTER,
        Do.HTML,
        Do.HTML_AFTER,
        Do.HANG,
    }
)


class _GoneError(Exception):
    """The source will never give them."""


class _FailedError(Exception):
    """The source did not give them now."""
