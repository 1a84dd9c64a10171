"""A cloud with a hand-driven clock, and short names for what tests do to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from alicloud_emulator.world.blobs import MemoryBlob
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.import_checks import ImportDisk
from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Fault
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.profile import (
    Durations,
    Limits,
    Principal,
    load_profile,
    with_secrets,
)
from alicloud_emulator.world.world import World
from emulator.tests.support.ecs_calls import EcsCalls, Started
from emulator.tests.support.rpc_calls import document, request_of, service_of

TOKYO = "ap-northeast-1"
LONDON = "eu-west-1"
OTHER_ACCOUNT = "2222222222222222"

# Round figures, so that tests can say when things happen.
DURATIONS = Durations(
    import_s=10.0,
    import_s_per_gib=0.0,
    import_queue_s=1.0,
    copy_s=20.0,
    copy_s_per_gib=0.0,
    image_delete_s=5.0,
    snapshot_release_s=3.0,
)


class Clock:
    """Unix time that moves when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Cloud:
    """A world with two accounts and a bucket in Tokyo, and what tests do in it."""

    def __init__(
        self,
        *,
        account: dict[str, Any] | None = None,
        regions: dict[str, dict[str, Any]] | None = None,
        limits: dict[str, Any] | None = None,
        durations: dict[str, float] | None = None,
        habits: dict[str, Any] | None = None,
        users: tuple[Principal, ...] = (),
    ) -> None:
        profile = with_secrets(load_profile("fast"), lambda: "emulator-secret")
        main = replace(profile.accounts[0], users=users, **(account or {}))
        other = replace(
            main, id=OTHER_ACCOUNT, access_key_id="other", access_key_secret="o"
        )
        self.clock = Clock()
        self.world = World(
            replace(
                profile,
                accounts=(main, other),
                regions=tuple(
                    replace(region, **(regions or {}).get(region.id, {}))
                    for region in profile.regions
                ),
                limits=replace(Limits(), **(limits or {})),
                durations=replace(DURATIONS, **(durations or {})),
                habits=replace(profile.habits, **(habits or {})),
            ),
            clock=self.clock,
            seed=7,
        )
        self.ecs = EcsCalls(self.world)
        self.main = self.world.ram.root(main.id)
        self.other = self.world.ram.root(other.id)
        self.put_bucket("bucket")
        self.put("disk.raw", b"disk" * 100)

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.world.agenda.catch_up()

    def call(
        self,
        product: str,
        action: str,
        caller: Caller | None = None,
        /,
        **given: object,
    ) -> dict[str, Any]:
        """Make a call of an RPC product, and return its answer; ServiceError if not."""
        service = service_of(product, self.world)
        params = {key.replace("__", "."): value for key, value in given.items()}
        asked = request_of(service, action, params, caller=caller or self.main)
        return document(service, asked)

    def visit(self, region: str = TOKYO) -> Visit:
        return Visit(caller=self.main, region=region, inside=region, internal=True)

    def put_bucket(self, name: str, region: str = TOKYO) -> None:
        self.world.oss.buckets.put(self.visit(region), name)

    def put(
        self, key: str, data: bytes, *, bucket: str = "bucket", region: str = TOKYO
    ) -> None:
        blob = MemoryBlob(data)
        self.world.oss.objects.put(self.visit(region), bucket, key, blob)

    def delete_object(self, key: str) -> None:
        self.world.oss.objects.delete(self.visit(), "bucket", key)

    def import_image(
        self,
        name: str = "image",
        *,
        faults: tuple[Fault, ...] = (),
        caller: Caller | None = None,
        **given: Any,
    ) -> Started:
        disk = ImportDisk(oss_bucket="bucket", oss_object="disk.raw", format="RAW")
        defaults = {"region": TOKYO, "image_name": name, "disks": (disk,)}
        asked: dict[str, Any] = {**defaults, **given, "faults": faults}
        return self.ecs.import_image(caller or self.main, **asked)

    def available(self, name: str = "image", **given: Any) -> str:
        """Import an image, wait until it is there, and return its id."""
        started = self.import_image(name, **given)
        self.wait(11)
        return started.image_id

    def copy(self, image_id: str, to: str = LONDON, **given: Any) -> str:
        defaults = {
            "region": TOKYO,
            "image_id": image_id,
            "destination_region": to,
            "destination_name": f"copy-{to}",
        }
        return self.ecs.copy_image(self.main, **{**defaults, **given})

    def images(self, region: str = TOKYO, **query: Any) -> list[Image]:
        caller = query.pop("caller", self.main)
        query = {"status": "ALL", "page_size": 100, **query}
        return list(self.ecs.describe_images(caller, region=region, **query).rows)

    def image(self, image_id: str, region: str = TOKYO) -> Image:
        (found,) = self.images(region, image_ids=[image_id])
        return found

    def names(self, region: str = TOKYO, **query: Any) -> list[str]:
        return [image.name for image in self.images(region, **query)]

    def snapshot_ids(self, region: str = TOKYO) -> list[str]:
        state = self.ecs.state(region, self.main.account_id)
        return [snapshot["snapshot_id"] for snapshot in state["snapshots"]]

    def publish(
        self, image_id: str, *, public: bool = True, region: str = TOKYO
    ) -> None:
        self.ecs.modify_image_share_permission(
            self.main, region=region, image_id=image_id, public=public
        )


@contextmanager
def refused(
    code: str, status: int | None = None, message: str | None = None
) -> Iterator[None]:
    """Expect a refusal with a code, and perhaps an HTTP status and a message."""
    with pytest.raises(ServiceError) as caught:
        yield
    assert caught.value.code == code
    assert status in (None, caught.value.status)
    assert message in (None, caught.value.message)
