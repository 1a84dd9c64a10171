"""Uploads that another run has begun: gone on with, never mixed, never taken away."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import anyio
import pytest

from ali_import.cloud.calls import (
    Call,
    Cloud,
    CompleteMultipartUpload,
    ListObjects,
    PutObject,
    UploadPart,
)
from ali_import.cloud.values import LocalBody
from ali_import.publish.guests import LEFT, mark_of
from ali_import.publish.lease import Lease
from ali_import.publish.model import Note, Report, Target
from ali_import.publish.unfinished import _TIME_LEFT_S_MIN
from tests.simulation.scene import Scene, in_a_scene, profile
from tests.simulation.test_large_images import publish, target
from tests.support.bridge import Killed, WorldCloud

R = TypeVar("R")

LARGE = target("0123z4567z89")
PARTS = len(LARGE.image.pack.parts)
DIRECT = profile("cn-hangzhou", "eu-central-1", "us-west-1")
RELAYED = profile("cn-hangzhou", "cn-beijing")


class Watching:
    """A cloud that counts the parts sent from here, and does something when so many are there."""

    def __init__(
        self, cloud: WorldCloud, at: int = 0, act: Callable[[], Any] | None = None
    ) -> None:
        self._cloud = cloud
        self._at = at
        self._act = act
        self.parts: Counter[int] = Counter()

    async def call(self, request: Call[R]) -> R:
        result = await self._cloud.call(request)
        if isinstance(request, UploadPart) and isinstance(request.body, LocalBody):
            self.parts[request.number] += 1
            if self.parts.total() == self._at and self._act is not None:
                self._act()
        return result


@contextmanager
def dying() -> Iterator[None]:
    try:
        yield
    except* Killed:
        pass


async def killed_after(scene: Scene, parts: int, run_id: str, of: Target) -> None:
    """Let a run be killed when so many of its parts have been answered."""
    cloud = scene.process(seed=parts)
    with dying():
        await publish(scene, of, Watching(cloud, parts, cloud.kill), run_id)


async def resumed(
    scene: Scene, run_id: str, of: Target = LARGE, **options: Any
) -> tuple[Report, Counter[int]]:
    watching = Watching(scene.process(seed=99))
    report = await publish(scene, of, watching, run_id, **options)
    return report, watching.parts


def told(scene: Scene) -> str:
    return " ".join(e.text for e in scene.heard if isinstance(e, Note))


def check_content(scene: Scene, of: Target = LARGE) -> None:
    assert {i.content_sha256 for i in scene.images()} == {of.image.sha256}


@pytest.mark.parametrize("of", [DIRECT, RELAYED], ids=["direct", "relayed"])
def test_the_next_run_sends_what_the_killed_one_has_not(of: Any) -> None:
    async def scenario(scene: Scene) -> None:
        await killed_after(scene, 5, "0000000a", LARGE)
        report, parts = await resumed(scene, "0000000b")
        assert all(outcome.published for outcome in report.outcomes)
        # What was under way when it was killed may have got there.
        assert PARTS - 5 - 16 <= parts.total() <= PARTS - 5
        assert "resumes the upload of run 0000000a" in told(scene)
        check_content(scene)
        # The killed run's are left to their lease; the other's are gone.
        assert all("0000000a" in name for name in scene.rooms())

    in_a_scene(scenario, of)


def test_whoever_is_killed_again_and_again_gets_on() -> None:
    async def scenario(scene: Scene) -> None:
        sent = 0
        for number in range(5):
            watching_from = sent
            await killed_after(scene, 2, f"0000000{number}", LARGE)
            sent = watching_from + 2
        report, parts = await resumed(scene, "0000000f")
        assert all(outcome.published for outcome in report.outcomes)
        assert parts.total() <= PARTS - 10
        check_content(scene)

    in_a_scene(scenario, DIRECT)


def test_a_pack_that_is_there_whole_is_not_sent_again() -> None:
    async def scenario(scene: Scene) -> None:
        cloud = scene.process(seed=1)

        class Completed(Watching):
            async def call(self, request: Call[R]) -> R:
                result = await super().call(request)
                if isinstance(request, CompleteMultipartUpload):
                    cloud.kill()
                return result

        with dying():
            await publish(scene, LARGE, Completed(cloud), "0000000a")
        report, parts = await resumed(scene, "0000000b")
        assert all(outcome.published for outcome in report.outcomes)
        assert parts.total() == 0
        check_content(scene)

    in_a_scene(scenario, DIRECT)


def test_parts_that_do_not_fit_are_sent_again() -> None:
    async def scenario(scene: Scene) -> None:
        await killed_after(scene, 6, "0000000a", LARGE)
        (bucket,) = (b for b in scene.world.oss._table.values() if b.uploads)
        (upload,) = bucket.uploads.values()
        spoiled = upload.parts[2]
        upload.parts[2] = replace(spoiled, etag="0" * 32)
        _, parts = await resumed(scene, "0000000b")
        assert parts[2] == 1
        check_content(scene)

    in_a_scene(scenario, DIRECT)


def test_other_content_or_another_cut_is_begun_anew() -> None:
    other = target("0123z4567z8a")

    async def scenario(scene: Scene) -> None:
        await killed_after(scene, 5, "0000000a", LARGE)
        report, parts = await resumed(scene, "0000000b", other)
        assert all(outcome.published for outcome in report.outcomes)
        assert parts.total() == len(other.image.pack.parts)
        check_content(scene, other)

    in_a_scene(scenario, DIRECT)


def test_a_lease_that_is_almost_over_is_left_alone() -> None:
    async def scenario(scene: Scene) -> None:
        timeout_s = 3600.0
        cloud = scene.process(seed=1)
        with dying():
            watching = Watching(cloud, 5, cloud.kill)
            await publish(scene, LARGE, watching, "0000000a", timeout_s=timeout_s)
        # A lease lasts two hours longer than the run may.
        await anyio.sleep(timeout_s + 2 * 3600 - _TIME_LEFT_S_MIN + 60)
        _, parts = await resumed(scene, "0000000b")
        assert parts.total() == PARTS
        check_content(scene)

    in_a_scene(scenario, DIRECT)


def test_a_bucket_whose_lease_is_renewed_outlasts_its_name() -> None:
    """Who goes on with an upload has a lease of its own there."""

    async def scenario(scene: Scene) -> None:
        short = Watching(first := scene.process(seed=1), 4, first.kill)
        with dying():
            await publish(scene, LARGE, short, "0000000a", timeout_s=3600.0)
        long = Watching(second := scene.process(seed=2), 4, second.kill)
        with dying():
            await publish(scene, LARGE, long, "0000000b", timeout_s=40_000.0)
        await anyio.sleep(4 * 3600.0)  # the first lease is over
        # Whoever comes by sweeps what has expired, and not what is in use.
        small = replace(target(""), name="other-1")
        await resumed(scene, "0000000c", small)
        assert any("0000000a" in name for name in scene.rooms())
        _, parts = await resumed(scene, "0000000d")
        assert parts.total() <= PARTS - 8

    in_a_scene(scenario, DIRECT)


def test_two_runs_on_one_upload_take_nothing_from_each_other() -> None:
    async def scenario(scene: Scene) -> None:
        reports: dict[str, Report] = {}
        clouds = [scene.process(seed=n) for n in (1, 2)]
        begun = anyio.Event()

        async def run(cloud: Cloud, run_id: str) -> None:
            reports[run_id] = await publish(scene, LARGE, cloud, run_id)

        async with anyio.create_task_group() as tasks:
            first = Watching(clouds[0], 3, begun.set)
            tasks.start_soon(run, first, "0000000a")
            await begun.wait()
            tasks.start_soon(run, clouds[1], "0000000b")
        for report in reports.values():
            assert all(outcome.published for outcome in report.outcomes)
        check_content(scene)
        assert scene.rooms() == []

    in_a_scene(scenario, DIRECT)


def test_the_owner_leaves_its_bucket_to_a_guest_who_removes_it() -> None:
    async def scenario(scene: Scene) -> None:
        owner_cloud, guest_cloud = (scene.process(seed=n) for n in (1, 2))
        entered, left = anyio.Event(), anyio.Event()
        reports: dict[str, Report] = {}

        class Guest(Watching):
            """Sends no part before the owner has left."""

            async def call(self, request: Call[R]) -> R:
                if isinstance(request, UploadPart):
                    entered.set()
                    await left.wait()
                return await super().call(request)

        owner = scene.run(cloud=owner_cloud, of=LARGE, run_id="0000000a")

        class Owner(Watching):
            async def call(self, request: Call[R]) -> R:
                result = await super().call(request)
                if isinstance(request, UploadPart) and self.parts.total() >= 4:
                    await entered.wait()
                    owner.interrupt()
                return result

        owner = scene.run(cloud=Owner(owner_cloud), of=LARGE, run_id="0000000a")

        async def own() -> None:
            reports["owner"] = await owner.execute()
            left.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(own)
            await anyio.sleep(2)
            reports["guest"] = await publish(
                scene, LARGE, Guest(guest_cloud), "0000000b"
            )
        assert [x.kind for x in reports["owner"].leftovers] == ["bucket"]
        assert "uses it" in reports["owner"].leftovers[0].detail
        assert all(outcome.published for outcome in reports["guest"].outcomes)
        check_content(scene)
        assert scene.rooms() == []

    in_a_scene(scenario, DIRECT)


def test_who_comes_while_the_owner_empties_its_bucket_sees_that_it_has_left() -> None:
    async def scenario(scene: Scene) -> None:
        mark = mark_of(Lease(run_id="0000000b", expires_at=int(scene.now()) + 7200))
        late = scene.process(seed=2)

        class Owner(Watching):
            entered = False

            async def call(self, request: Call[R]) -> R:
                result: Any = await super().call(request)
                if isinstance(request, UploadPart) and self.parts.total() >= 4:
                    owner.interrupt()
                is_look = isinstance(request, ListObjects) and not self.entered
                if is_look and any(item.key == LEFT for item in result):
                    self.entered = True
                    bucket: str = getattr(request, "bucket", "")
                    await late.call(a_key(request.region, bucket, mark))
                return result  # type: ignore[no-any-return]  # of the call's own kind

        owner = scene.run(cloud=Owner(scene.process()), of=LARGE, run_id="0000000a")
        report = await owner.execute()
        assert [left.kind for left in report.leftovers] == ["bucket"]
        (bucket,) = (b for b in scene.world.oss._table.values() if b.objects)
        assert set(bucket.objects) == {LEFT, mark}

    in_a_scene(scenario, DIRECT)


def a_key(region: str, bucket: str, key: str) -> PutObject:
    """Return the call that puts an empty object."""
    return PutObject(
        region=region,
        bucket=bucket,
        key=key,
        body=b"",
        content_md5="d41d8cd98f00b204e9800998ecf8427e",
    )


def test_who_comes_when_the_owner_has_left_begins_anew() -> None:
    async def scenario(scene: Scene) -> None:
        await killed_after(scene, 5, "0000000a", LARGE)
        (bucket,) = (b for b in scene.world.oss._table.values() if b.uploads)
        watching = Watching(cloud := scene.process(seed=3))
        await cloud.call(a_key(bucket.region, bucket.name, LEFT))
        report = await publish(scene, LARGE, watching, "0000000b")
        assert all(outcome.published for outcome in report.outcomes)
        assert watching.parts.total() == PARTS

    in_a_scene(scenario, DIRECT)
