"""Each fault that outsiders found, played once: it shows no more."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import TypeVar

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.calls import Call, Cloud
from ali_import.cloud.values import ObjectSource
from ali_import.errors import CloudError
from ali_import.publish import cleanup
from ali_import.publish.lease import (
    TAG_SHA256,
    Lease,
    aside_tags,
    of_tags,
    temporary_image_name,
)
from ali_import.publish.model import Note, Options, Report, Result, Route
from ali_import.publish.run import Run
from alicloud_emulator.world.ecs.records import Image, ImageStatus
from alicloud_emulator.world.faults import Do
from alicloud_emulator.world.profile import FunctionState, Profile
from tests.simulation.landscape import _Put, store
from tests.simulation.plan import ACCOUNT
from tests.simulation.scene import PROFILE, REGIONS, TARGET, Scene, in_a_scene, profile
from tests.support.bridge import Killed, Out, Outage

R = TypeVar("R")
FIVE = ("eu-central-1", "ap-southeast-1", "us-east-1", "us-west-1", "eu-west-1")
SLOW = profile(*FIVE, import_s=120.0)
WELL = {Result.PLACED, Result.ADOPTED, Result.UNCHANGED}


def results(report: Report) -> set[Result]:
    return {outcome.result for outcome in report.outcomes}


def fill(scene: Scene, region: str, lease: Lease) -> None:
    """Leave a bucket with an object and an unfinished upload in it."""
    there = scene.profile.region(region)
    assert there is not None
    _Put(scene.world, Random(1)).bucket(there, lease.bucket(region), filled=True)


class Counting:
    """A cloud port that counts, and does something after certain calls."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.count: Counter[str] = Counter()

    async def call(self, call: Call[R], /) -> R:
        """Carry out a call."""
        self.count[type(call).__name__] += 1
        try:
            return await self._cloud.call(call)
        finally:
            self.after(call)

    def after(self, call: Call[R]) -> None:
        """Do nothing."""


# --- being stopped --------------------------------------------------------------------


def test_an_interrupt_waits_for_no_region_that_is_sick() -> None:
    async def scenario(scene: Scene) -> None:
        run, sick = scene.run(), FIVE[0]
        reports: list[Report] = []
        async with anyio.create_task_group() as tasks:

            async def go() -> None:
                reports.append(await run.execute())

            tasks.start_soon(go)
            await anyio.sleep(20)  # imports are going on everywhere
            away = {"code": "ServiceUnavailable", "status": 503, "region": sick}
            scene.strike(Do.REFUSE, "DescribeImages", **away)
            run.interrupt()
            began = anyio.current_time()
            await anyio.sleep(60)
            assert scene.rooms() == []
            assert {image.region for image in scene.images()} <= {sick}
        assert anyio.current_time() - began <= 181
        assert {left.region for left in reports[0].leftovers} == {sick}

    in_a_scene(scenario, SLOW)


def test_who_cancels_a_run_waits_until_it_has_cleaned_up() -> None:
    async def scenario(scene: Scene) -> None:
        with anyio.move_on_after(20):
            await scene.publish()
        assert anyio.current_time() > 20
        assert scene.rooms() == []
        assert scene.images() == []

    in_a_scene(scenario, SLOW)


def test_time_out_bounds_cleaning_up_as_an_interrupt_does() -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(
            Do.THROTTLE, "InvokeFunction", code="ResourceExhausted", status=429
        )
        report = await scene.publish(timeout_s=10.0, regions=("cn-hangzhou",))
        assert report.timed_out
        assert report.seconds < 10 + 60 + 181
        assert set(scene.rooms()) == {left.name for left in report.leftovers}

    in_a_scene(scenario)


def test_an_interrupted_cleanup_takes_its_own_relay_along() -> None:
    async def scenario(scene: Scene) -> None:
        lease = Lease(run_id="deadbeef", expires_at=int(scene.now()) - 60)
        region = REGIONS[0]
        fill(scene, region, lease)
        found = await cleanup.find_leftovers(scene.cloud, emit=scene.heard.append)
        scene.strike(Do.DELAY, "InvokeFunction", delay_s=25.0)
        with anyio.move_on_after(10):
            await cleanup.remove_leftovers(
                scene.cloud,
                found,
                rng=Random(1),
                now=scene.now,
                emit=scene.heard.append,
            )
        assert scene.functions(region) == []

    in_a_scene(scenario)


# --- what is seen late ----------------------------------------------------------------


@pytest.mark.parametrize("state", [FunctionState.PENDING, FunctionState.ABSENT])
def test_a_relay_need_not_become_active(state: FunctionState) -> None:
    async def scenario(scene: Scene) -> None:
        report = await scene.publish(regions=("cn-hangzhou",))
        assert [o.route for o in report.outcomes] == [Route.RELAY]
        assert results(report) == {Result.PLACED}

    in_a_scene(
        scenario, replace(PROFILE, habits=replace(PROFILE.habits, function_state=state))
    )


def test_an_image_is_placed_when_it_is_usable() -> None:
    async def scenario(scene: Scene) -> None:
        report = await scene.publish(regions=("eu-central-1",))
        (image,) = scene.images()
        assert image.usable_at is not None
        assert scene.world.agenda.now >= image.usable_at
        assert results(report) == {Result.PLACED}

    in_a_scene(scenario, profile(*REGIONS, usable_s=100.0))


def test_an_image_that_never_gets_usable_is_placed_with_a_warning() -> None:
    async def scenario(scene: Scene) -> None:
        report = await scene.publish(regions=("eu-central-1",))
        assert results(report) == {Result.PLACED}
        assert 1800 < report.seconds < 2000
        warnings = [e.text for e in scene.heard if isinstance(e, Note)]
        assert any("not usable" in text for text in warnings)

    in_a_scene(scenario, profile(*REGIONS, usable_s=1e9))


@pytest.mark.parametrize("begins_s", [0.0, 0.3, 0.6, 0.8, 1.0, 1.5])
def test_a_resolver_that_is_away_makes_no_region_lack_a_service(
    begins_s: float,
) -> None:
    async def scenario(scene: Scene) -> None:
        outage = Outage(
            service="*",
            region="*",
            begins_at=begins_s,
            ends_at=begins_s + 3,
            out=Out.NO_RESOLVER,
        )
        scene.network.outages.append(outage)
        report = await scene.publish()
        assert results(report) == {Result.PLACED}
        assert [o.route for o in report.outcomes] == [Route.RELAY, Route.DIRECT]

    in_a_scene(scenario)


def test_a_deprecated_image_is_revived_only_when_the_release_is_published() -> None:
    """Its family resolves to it from then on, which is publishing."""

    async def scenario(scene: Scene) -> None:
        good, bad = "eu-central-1", "cn-hangzhou"
        await scene.publish(regions=(good,))
        scene.images(good)[0].status = ImageStatus.DEPRECATED
        scene.strike(Do.REFUSE, "*", region=bad, code="Forbidden", status=403)
        report = await scene.publish(regions=(good, bad), all_or_nothing=True)
        assert not any(outcome.published for outcome in report.outcomes)
        assert [i.status for i in scene.images(good)] == [ImageStatus.DEPRECATED]
        report = await scene.publish(regions=(good,), all_or_nothing=True)
        assert results(report) == {Result.ADOPTED}
        assert [i.status for i in scene.images(good)] == [ImageStatus.AVAILABLE]

    in_a_scene(scenario)


def test_an_image_that_a_listing_hides_to_the_end_is_told() -> None:
    async def scenario(scene: Scene) -> None:
        region = "eu-central-1"
        scene.lag.set(region, 3600.0)
        report = await scene.publish(regions=(region,))
        assert results(report) == {Result.FAILED}
        assert [image.name for image in scene.images()] == [TARGET.name]
        assert TARGET.name in {left.name for left in report.leftovers}

    in_a_scene(scenario)


@pytest.mark.parametrize("lag_s", [0.0, 1.0, 3.0, 8.0, 14.0])
def test_a_killed_run_is_gone_on_with_although_listings_lag(lag_s: float) -> None:
    async def scenario(scene: Scene) -> None:
        region = "eu-central-1"
        scene.lag.set(region, lag_s)
        first = scene.cloud

        class UntilImported(Counting):
            def after(self, call: Call[R]) -> None:
                if isinstance(call, calls.ImportImage):
                    first.kill()

        run = scene.run(cloud=UntilImported(first), run_id="deadbeef")
        with pytest.RaisesGroup(Killed, flatten_subgroups=True, allow_unwrapped=True):
            await run.execute()
        second = Counting(scene.process(2))
        report = await scene.run(cloud=second).execute()
        good = next(o for o in report.outcomes if o.region == region)
        assert good.result is Result.ADOPTED
        assert len(scene.images(region)) == 1

    in_a_scene(scenario)


@pytest.mark.parametrize("action", ["ImportImage", "CopyImage"])
def test_an_image_is_adopted_whose_making_is_never_answered(action: str) -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.DROP_AFTER, action)
        report = await scene.publish()
        assert results(report) <= WELL
        assert report.seconds < 120
        assert report.calls < 120
        assert len(scene.images()) == len(REGIONS)

    def only_copies() -> None:
        lone = profile(*REGIONS)
        regions = tuple(replace(r, fc=False) for r in lone.regions)
        in_a_scene(scenario, replace(lone, regions=regions))

    only_copies() if action == "CopyImage" else in_a_scene(scenario)


# --- what is believed -----------------------------------------------------------------


def test_a_failed_import_does_not_condemn_the_copy_after_it() -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(
            Do.FAIL_TASK,
            "ImportImage",
            code="InvalidImageFormat.Bad",
            message="the disk could not be read",
            region="cn-hangzhou",
        )

        class ClearedByAnother(Counting):
            def after(self, call: Call[R]) -> None:
                """As soon as the cloud has said why, another run clears the image away."""
                if isinstance(call, calls.DescribeTaskAttribute):
                    for image in scene.images(call.region):
                        if image.status is ImageStatus.CREATE_FAILED:
                            store(scene.world).remove_image(image)

        report = await scene.run(cloud=ClearedByAnother(scene.cloud)).execute()
        assert results(report) == {Result.PLACED}
        assert report.outcomes[0].route is Route.COPY

    in_a_scene(scenario, profile(*REGIONS, copy_s=60.0))


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("PutBucket", "AccessDenied"),
        ("PutBucket", "UserDisable"),
        ("CreateFunction", "AccessDenied"),
        ("CreateFunction", "ServiceNotEnabled"),
    ],
)
def test_a_refusal_after_a_lost_answer_forgets_nothing(action: str, code: str) -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.DROP_AFTER, action, times=1, region=REGIONS[0])
        scene.strike(
            Do.REFUSE, action, code=code, status=403, first=2, region=REGIONS[0]
        )
        report = await scene.publish()
        assert set(scene.rooms()) <= {left.name for left in report.leftovers}

    in_a_scene(scenario)


def test_cleanup_leaves_an_image_whose_lease_was_renewed() -> None:
    async def scenario(scene: Scene) -> None:
        put, region = _Put(scene.world, Random(1)), REGIONS[1]
        old = Lease(run_id="deadbeef", expires_at=int(scene.now()) - 60)
        sha256 = TARGET.image.sha256
        name = temporary_image_name("new", ACCOUNT, region, TARGET.name, sha256)
        image = put.image(region, name, tags={TAG_SHA256: sha256, **old.tags()})
        found = await cleanup.find_leftovers(scene.cloud, emit=scene.heard.append)
        over = [x for x in found if 0 < x.expires_at < scene.now()]
        assert [x.name for x in over] == [image.image_id]
        mine = Lease(run_id="0123abcd", expires_at=int(scene.now()) + 6 * 3600)
        await scene.cloud.call(
            calls.TagResources(
                region=region,
                resource_type="image",
                resource_ids=(image.image_id,),
                tags=mine.tags(),
            )
        )
        left = await cleanup.remove_leftovers(
            scene.cloud, over, rng=Random(2), now=scene.now, emit=scene.heard.append
        )
        assert left == ()
        assert scene.images(region) == [image]
        assert not image.deleting

    in_a_scene(scenario)


def test_an_image_put_back_is_shown_although_its_renaming_is_never_answered() -> None:
    async def scenario(scene: Scene) -> None:
        put, region = _Put(scene.world, Random(1)), REGIONS[1]
        old = Lease(run_id="deadbeef", expires_at=int(scene.now()) - 60)
        tags = {**old.tags(), **aside_tags(TARGET.name, public=True)}
        name = temporary_image_name("old", ACCOUNT, "m-1")
        image = put.image(region, name, tags=tags)
        found = await cleanup.find_leftovers(scene.cloud, emit=scene.heard.append)
        scene.strike(Do.DROP_AFTER, "ModifyImageAttribute")
        left = await cleanup.remove_leftovers(
            scene.cloud, found, rng=Random(2), now=scene.now, emit=scene.heard.append
        )
        assert (image.name, image.public) == (TARGET.name, True)
        assert [thing.name for thing in left] == [image.image_id]

    in_a_scene(scenario)


def to_be_replaced(scene: Scene, region: str) -> tuple[Image, str]:
    """Put an image of other content under the target's name.

    Returns:
        It, and the temporary name of what replaces it.
    """
    sha256 = TARGET.image.sha256
    name = temporary_image_name("new", ACCOUNT, region, TARGET.name, sha256)
    put = _Put(scene.world, Random(1))
    return put.image(region, TARGET.name, tags={TAG_SHA256: "f" * 64}), name


def test_an_image_that_another_run_takes_back_has_a_lease() -> None:
    """It does so just as this one takes the lease off, since the image has its name."""

    async def scenario(scene: Scene) -> None:
        region = "eu-central-1"
        old, name = to_be_replaced(scene, region)

        class TakenBack(Counting):
            def after(self, call: Call[R]) -> None:
                if isinstance(call, calls.UntagResources) and self.count.total() < 99:
                    self.count["done"] += 99
                    (new,) = (i for i in scene.images(region) if i is not old)
                    new.name, old.name = name, TARGET.name

        report = await scene.run(
            Options(regions=(region,), overwrite=True, all_or_nothing=True),
            TakenBack(scene.cloud),
        ).execute()
        assert results(report) == {Result.FAILED}
        (new,) = (i for i in scene.images(region) if i is not old)
        assert new.name == name
        assert of_tags(new.tags) is not None

    in_a_scene(scenario)


def test_an_image_that_another_run_names_keeps_no_lease() -> None:
    """It does so just as this one takes the image over, and is told to stop."""

    async def scenario(scene: Scene) -> None:
        region = "eu-central-1"
        old, name = to_be_replaced(scene, region)
        tags = Lease(run_id="deadbeef", expires_at=int(scene.now()) + 3600).tags()
        tags[TAG_SHA256] = TARGET.image.sha256
        new = _Put(scene.world, Random(2)).image(region, name, tags=tags)

        class Named(Counting):
            def after(self, call: Call[R]) -> None:
                if isinstance(call, calls.TagResources) and new.name == name:
                    new.name, old.name = TARGET.name, f"{name}-aside"
                    run.interrupt()

        run = scene.run(Options(regions=(region,), overwrite=True), Named(scene.cloud))
        await run.execute()
        assert new.name == TARGET.name
        assert of_tags(new.tags) is None

    in_a_scene(scenario)


def one_that_borrows() -> Profile:
    """Return a cloud in which cn-hangzhou can only copy an image."""
    there = profile("cn-hangzhou", "cn-hongkong", "eu-central-1")
    regions = tuple(
        replace(r, mainland=r.id == "cn-hangzhou", fc=r.id == "cn-hongkong")
        for r in there.regions
    )
    return replace(there, regions=regions)


def test_one_region_where_imports_fail_does_not_condemn_the_image() -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.FAIL_TASK, "ImportImage", region="cn-hongkong")
        report = await scene.publish(regions=("cn-hangzhou",))
        assert results(report) == {Result.PLACED}

    in_a_scene(scenario, one_that_borrows())


def test_snapshots_of_an_image_that_is_being_deleted_are_not_forgotten() -> None:
    """The run is cut short while it asks, again and again, for a deletion."""

    async def scenario(scene: Scene) -> None:
        scene.strike(Do.DROP_AFTER, "DeleteImage")
        report = await scene.publish(regions=("cn-hangzhou",), timeout_s=120.0)
        assert results(report) == {Result.PLACED}
        region = "cn-hongkong"
        assert scene.images(region) == []
        left = {s.snapshot_id for s in store(scene.world).snapshots_of(ACCOUNT, region)}
        assert left <= {thing.name for thing in report.leftovers}

    in_a_scene(scenario, one_that_borrows())


def test_a_lender_waits_for_who_comes_to_lack_what_it_has() -> None:
    """An import may fail elsewhere while it waits for those who lack another image."""

    async def scenario(scene: Scene) -> None:
        other = replace(TARGET, name="demo-2")
        run = Run(
            scene.cloud,
            [TARGET, other],
            Options(),
            run_id="0123abcd",
            rng=Random(2),
            now=scene.now,
            emit=scene.heard.append,
        )
        run._lay_out(ACCOUNT, REGIONS)
        lender, borrower = run._regions[REGIONS[1]], REGIONS[0]
        ended: list[str] = []

        async def keep() -> None:
            await run._keep_while_needed(lender)
            ended.append(lender.id)

        for sources in run._sources.values():
            staged = ObjectSource(region=lender.id, bucket="b", key="k")
            sources.add_object(staged)
        first, second = run._sources.values()
        for region in REGIONS:
            first.have_bytes(region)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep)
            await anyio.sleep(1)
            first.lack_bytes(borrower)
            for region in REGIONS:
                second.have_bytes(region)
            await anyio.sleep(1)
            assert not ended
            first.have_bytes(borrower)
        assert ended

    in_a_scene(scenario)


def test_an_image_that_another_run_has_deleted_is_not_told_as_left() -> None:
    """A late listing shows it all the same."""

    async def scenario(scene: Scene) -> None:
        put, region = _Put(scene.world, Random(1)), "eu-central-1"
        lease = Lease(run_id="deadbeef", expires_at=int(scene.now()) - 60)
        name = temporary_image_name("new", ACCOUNT, region)
        image = put.image(region, name, tags=lease.tags(), public=True)
        found = await cleanup.find_leftovers(scene.cloud, emit=scene.heard.append)
        scene.lag.set(region, 5.0)
        await anyio.sleep(1)
        store(scene.world).remove_image(image)
        left = await cleanup.remove_leftovers(
            scene.cloud, found, rng=Random(1), now=scene.now, emit=scene.heard.append
        )
        assert left == ()
        owned = store(scene.world).snapshots_of(ACCOUNT, region)
        assert image.disks[0].snapshot_id not in {s.snapshot_id for s in owned}

    in_a_scene(scenario)


def test_an_image_that_was_hardened_stays_so() -> None:
    async def scenario(scene: Scene) -> None:
        report = await scene.publish()
        hardened = report.outcomes[1]
        await scene.cloud.call(
            calls.ModifyImageAttribute(
                region=hardened.region, image_id=hardened.image_id, imds="v2"
            )
        )
        report = await scene.publish()
        assert results(report) == {Result.UNCHANGED}
        assert [image.imds for image in scene.images()] == ["v1", "v2"]

    in_a_scene(scenario)


def test_a_bucket_that_somebody_else_removes_meanwhile_is_not_left() -> None:
    async def scenario(scene: Scene) -> None:
        region = "eu-central-1"
        lease = Lease(run_id="deadbeef", expires_at=int(scene.now()) - 60)
        fill(scene, region, lease)

        class Rival(Counting):
            def after(self, call: Call[R]) -> None:
                if isinstance(call, calls.ListMultipartUploads) and not self.emptied:
                    self.emptied = True
                    scene.world.faults.clear()
                    scene.strike(
                        Do.REFUSE,
                        "ListObjects",
                        code="NoSuchBucket",
                        status=404,
                        times=1,
                    )
                    scene.strike(
                        Do.REFUSE,
                        "DeleteBucket",
                        code="NoSuchBucket",
                        status=404,
                        times=1,
                    )

            emptied = False

        found = await cleanup.find_leftovers(scene.cloud, emit=scene.heard.append)
        left = await cleanup.remove_leftovers(
            Rival(scene.cloud),
            found,
            rng=Random(1),
            now=scene.now,
            emit=scene.heard.append,
        )
        assert left == ()

    in_a_scene(scenario)


def test_a_kept_error_is_raised_anew() -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.REFUSE, "PutBucket", code="ForbidCreateNewBucket", status=403)
        run = scene.run()
        await run.execute()
        workspace = run._regions[REGIONS[0]].workspace
        raised: list[CloudError] = []
        for _ in range(2):
            with pytest.raises(CloudError) as caught:
                await workspace.need_bucket()
            raised.append(caught.value)
        assert raised[0] is not raised[1]

    in_a_scene(scenario)
