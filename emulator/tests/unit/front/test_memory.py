"""What is kept of calls is bounded: a cloud that is called for long does not grow."""

import gc
import hmac
import sys
from collections.abc import Mapping
from hashlib import sha256

import pytest

from alicloud_emulator.front import hosts
from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.dispatch import Dispatcher
from alicloud_emulator.front.door import Door
from alicloud_emulator.front.events import Events
from alicloud_emulator.front.http import Head
from alicloud_emulator.front.server import Arrival, Origin
from alicloud_emulator.products import ecs
from alicloud_emulator.products.rpc.bodies import time_text
from alicloud_emulator.products.rpc.service import RpcService
from alicloud_emulator.world.profile import Profile
from alicloud_emulator.world.world import World
from emulator.tests.support.fc_calls import at_once
from emulator.tests.support.image_cloud import Clock

EMPTY = sha256(b"").hexdigest()
CALL_S = 0.01
"""From one call to the next."""

FULL = 2000
"""Calls after which everything that is kept for a while is there as often as ever."""


class Caller:
    """Calls a cloud as an SDK would, each time with another nonce.

    Attributes:
        authority: Host that is called.
    """

    def __init__(self, profile: Profile, authority: str) -> None:
        self.authority = authority
        self._clock = Clock()
        self._account = profile.accounts[0]
        self._door = Door(profile, lambda _: "")
        world = World(profile, clock=self._clock, seed=1)
        services = {"ecs": RpcService(world, ecs.API)}
        self._dispatcher = Dispatcher(world, services, Events())
        self._calls = 0

    def call(self, times: int) -> None:
        for _ in range(times):
            self._clock.now += CALL_S
            self._calls += 1
            response = at_once(self._dispatcher.answer(self._arrival()))
            assert response.status == 200, response.body

    def _arrival(self) -> Arrival:
        target = "/?PageSize=1&RegionId=cn-beijing"
        head = Head(
            method="POST", target=target, headers=self._signed(), content_length=0
        )
        body = RequestBody(_nothing, content_length=0)
        host = hosts.parse(self.authority) or at_once(self._door.find(head, body))
        return Arrival(
            head=head, target=target, body=body, host=host, origin=Origin(), gone=_gone
        )

    def _signed(self) -> Mapping[str, str]:
        headers = {
            "host": self.authority,
            "x-acs-action": "DescribeImages",
            "x-acs-content-sha256": EMPTY,
            "x-acs-date": time_text(self._clock.now),
            "x-acs-signature-nonce": f"{self._calls:032x}",
            "x-acs-version": ecs.API.version,
        }
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = (
            f"POST\n/\nPageSize=1&RegionId=cn-beijing\n{lines}\n{names}\n{EMPTY}"
        )
        to_sign = f"ACS3-HMAC-SHA256\n{sha256(canonical.encode()).hexdigest()}"
        secret = self._account.access_key_secret.encode()
        signature = hmac.digest(secret, to_sign.encode(), "sha256").hex()
        said = f"Credential={self._account.access_key_id},SignedHeaders={names}"
        return {
            **headers,
            "authorization": f"ACS3-HMAC-SHA256 {said},Signature={signature}",
        }


async def _nothing() -> bytes:
    return b""


async def _gone() -> None:
    raise AssertionError("nobody goes")


@pytest.mark.parametrize("authority", ["ecs.cn-beijing.aliyuncs.com", "localhost:8080"])
def test_a_call_leaves_nothing_behind_when_others_have_come_after_it(
    profile: Profile, authority: str
) -> None:
    caller = Caller(profile, authority)
    caller.call(FULL)
    gc.collect()
    before = sys.getallocatedblocks()
    caller.call(FULL)
    gc.collect()
    # One thing for each call would be 2,000.
    assert sys.getallocatedblocks() - before < FULL / 10
