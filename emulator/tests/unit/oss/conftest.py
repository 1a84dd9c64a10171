"""A cloud with a hand-driven clock, and calls to its object storage."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import anyio
import pytest
from defusedxml.ElementTree import fromstring

from alicloud_emulator.front.hosts import parse
from alicloud_emulator.products.oss.service import OssService
from alicloud_emulator.products.wire import FileBody, Request, Response
from alicloud_emulator.world.blobs import Blobs, DirectoryBlobs
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.profile import load_profile, with_secrets
from alicloud_emulator.world.world import World
from emulator.tests.support.oss_watch import (
    RECORDED_CODES,
    RECORDED_READS,
    watching,
)

TOKYO = "ap-northeast-1"
BLOCK_BYTES = 1000


FAST = load_profile("fast")


class Clock:
    """Unix time that moves when told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Cloud:
    """A world, its clock, its object storage on the wire, and two accounts."""

    def __init__(
        self, blobs: Blobs | None = None, *, now: float = 1.8e9, **account: Any
    ) -> None:
        profile = with_secrets(FAST, lambda: "emulator-secret")
        main = replace(profile.accounts[0], **account)
        other = replace(main, id="2222222222222222", access_key_id="other")
        self.clock = Clock(now)
        self.world = World(
            replace(profile, accounts=(main, other)),
            clock=self.clock,
            seed=7,
            blobs=blobs,
        )
        self.service = OssService(self.world)
        self.main = Caller(account_id=main.id)
        self.other = Caller(account_id=other.id)
        self._chance = Random(1)

    def visit(self, region: str = TOKYO, **given: Any) -> Visit:
        return Visit(**{"caller": self.main, "region": region, **given})

    async def answer(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        caller: Caller | str | None = "main",
        internal: bool = False,
        inside: str = "",
        region: str = TOKYO,
        scheme: str = "https",
        peer: str = "",
        signature: str = "oss-v4",
        faults: tuple[Fault, ...] = (),
        content_length: int | None = None,
        says_length: bool = True,
    ) -> "Answer":
        """Carry out a call; ``target`` is ``bucket/key?query`` or ``/?query``."""
        place, _, query = target.partition("?")
        bucket, _, key = place.partition("/")
        label = f"{bucket}." if bucket else ""
        suffix = "-internal" if internal else ""
        host = parse(f"{label}oss-{region}{suffix}.aliyuncs.com")
        assert host is not None
        sent = {"content-length": str(len(body))} if says_length else {}
        sent |= headers or {}
        request = Request(
            method=method,
            host=host,
            path="/" + unquote(key),
            raw_path="/" + key,
            query=[_pair(text) for text in query.split("&") if text],
            headers={name.lower(): value for name, value in sent.items()},
            body=Body(body),
            content_length=content_length or len(body),
            inside=inside,
            scheme=scheme,
            peer=peer,
            caller=self.main if isinstance(caller, str) else caller,
            signature=signature,
            request_id=f"{self._chance.getrandbits(96):024X}",
            faults=faults,
        )
        try:
            response = await self.service.handle(request)
        except ServiceError as error:
            response = self.service.error(request, error)
        return Answer(response, await whole(response))

    def call(self, *args: Any, **given: Any) -> "Answer":
        """``answer`` for tests that have no other business with event loops."""

        async def run() -> Answer:
            return await self.answer(*args, **given)

        return anyio.run(run)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return unquote(name), unquote(value)


class Body:
    """A request's body that comes in small blocks."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._data), BLOCK_BYTES):
            yield self._data[start : start + BLOCK_BYTES]

    async def read(self, bytes_max: int) -> bytes:
        if len(self._data) > bytes_max:
            raise ServiceError("EntityTooLarge", 413)
        return self._data


async def whole(response: Response) -> bytes:
    if isinstance(response.body, bytes):
        return response.body
    assert not isinstance(response.body, FileBody)
    return b"".join([block async for block in response.body])


class Answer:
    """An answer, with its body read."""

    def __init__(self, response: Response, body: bytes) -> None:
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.headers.items()}
        self.content_length = response.content_length
        self.body = body

    @property
    def xml(self) -> Element:
        element: Element = fromstring(self.body)
        return element

    def text(self, path: str) -> str | None:
        return self.xml.findtext(path)

    def texts(self, path: str) -> list[str]:
        return [one.text or "" for one in self.xml.findall(path)]

    @property
    def code(self) -> str:
        """The error's code, "" for a good answer."""
        return "" if self.status < 300 else self.text("Code") or ""


@pytest.fixture(autouse=True)
def only_what_is_recorded() -> Iterator[None]:
    """Operations read and refuse what the record says, and nothing else."""
    with watching() as seen:
        yield
    anew = "python -m emulator.tests.support.oss_record"
    assert seen.reads - RECORDED_READS == set(), anew
    assert seen.codes - RECORDED_CODES == set(), anew


MakeCloud = Callable[..., Cloud]


@pytest.fixture
def make_cloud(tmp_path: Path) -> MakeCloud:
    def make(**account: Any) -> Cloud:
        return Cloud(DirectoryBlobs(tmp_path), **account)

    return make


@pytest.fixture
def cloud(make_cloud: MakeCloud) -> Cloud:
    return make_cloud()
