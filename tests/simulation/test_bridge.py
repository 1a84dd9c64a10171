"""The bridge does what the wire and the SDKs would do, so that seeds mean something."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.sdk.credentials import Keys
from ali_import.cloud.values import Fetch, ObjectSource
from ali_import.errors import ApiError, HostNotFoundError, TransportError
from alicloud_emulator.world.faults import Do, Fault, Rule
from alicloud_emulator.world.profile import (
    Account,
    OssMode,
    Principal,
    Profile,
    Region,
)
from alicloud_emulator.world.world import World
from emulator.tests.support.virtual import run
from tests.simulation.landscape import EMPTY_ZIP
from tests.simulation.plan import disk_image
from tests.support.bridge import (
    AccountLogin,
    Door,
    Killed,
    Login,
    Network,
    Out,
    Outage,
    RoleLogin,
    WorldCloud,
    pages,
)

HANGZHOU, SINGAPORE, HEYUAN = "cn-hangzhou", "ap-southeast-1", "cn-heyuan"
PATH = Path("/disk.img")
DATA = bytes(range(200))
IMAGE = disk_image(PATH, DATA)
(PART,) = IMAGE.pack.parts
WHOLE = IMAGE.pack.body(IMAGE.path, PART)
MD5 = PART.md5
ALLOW = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
PROFILE = Profile(
    name="bridge",
    regions=(
        Region(id=HANGZHOU, mainland=True),
        Region(id=SINGAPORE),
        Region(id=HEYUAN, mainland=True, fc=False, oss=OssMode.UNRESOLVED),
    ),
    accounts=(
        Account(
            id="1234567890123456",
            access_key_id="LTAI-test",
            access_key_secret="test",
            roles=(Principal(name="publisher", policies=(ALLOW,)),),
        ),
    ),
)


BOTH = pytest.mark.parametrize("deep", [False, True])


class Scene:
    """A world with one process in it."""

    def __init__(
        self, login: Callable[[World], Login] = AccountLogin, *, deep: bool = False
    ) -> None:
        began = anyio.current_time()

        def clock() -> float:
            return 1_790_000_000.0 + anyio.current_time() - began

        self.world = World(PROFILE, clock=clock, seed=1)
        self.network = Network(clock)
        door = Door(self.world, self.network, signed=deep)
        self.lag = door.lag
        self.cloud = WorldCloud(
            door=door, login=login(self.world), rng=Random(1), deep=deep
        )

    def fault(self, do: Do, **more: Any) -> None:
        fields = {k: more.pop(k) for k in ("code", "status", "delay_s") if k in more}
        self.world.faults.add(Rule(fault=Fault(do=do, **fields), **more))

    async def bucket(self, region: str) -> str:
        name = f"bucket-{region}"
        await self.cloud.call(calls.PutBucket(region=region, bucket=name))
        return name

    async def relay(self, region: str) -> str:
        await self.cloud.call(
            calls.CreateFunction(
                region=region,
                name="relay",
                runtime="python3.10",
                handler="handler.handler",
                code_zip=EMPTY_ZIP,
                memory_mib=256,
                timeout_s=120,
            )
        )
        return "relay"

    async def keys(self, region: str, relay: str = "") -> list[str]:
        rows = await self.cloud.call(
            calls.ListObjects(region=region, bucket=f"bucket-{region}", relay=relay)
        )
        return [row.key for row in rows]


def play(scenario: Callable[[Scene], Awaitable[None]], **more: Any) -> None:
    async def main() -> None:
        scene = Scene(**more)
        try:
            await scenario(scene)
        finally:
            scene.cloud.close()

    run(main)


def put(region: str, *, relay: str = "", body: Any = WHOLE) -> calls.PutObject:
    return calls.PutObject(
        region=region,
        bucket=f"bucket-{region}",
        relay=relay,
        key="a.raw",
        body=body,
        content_md5=MD5,
    )


def test_a_call_takes_time() -> None:
    async def scenario(scene: Scene) -> None:
        began = anyio.current_time()
        await scene.cloud.call(calls.DescribeRegions())
        assert 0.005 <= anyio.current_time() - began <= 0.2

    play(scenario)


def test_listings_show_what_there_was() -> None:
    async def scenario(scene: Scene) -> None:
        call = scene.cloud.call
        scene.lag.set(SINGAPORE, 10.0)
        bucket = await scene.bucket(SINGAPORE)
        await scene.relay(SINGAPORE)
        await call(put(SINGAPORE))
        started = await call(imported())
        everything = {bucket, "relay", "new", started.image_id}
        assert await listed(scene, started.image_id) == set()
        assert (await call(calls.GetFunction(region=SINGAPORE, name="relay"))).name
        await anyio.sleep(10)
        assert await listed(scene, started.image_id) == everything
        await call(
            calls.ModifyImageAttribute(
                region=SINGAPORE, image_id=started.image_id, name="newer"
            )
        )
        await call(calls.DeleteFunction(region=SINGAPORE, name="relay"))
        assert await listed(scene, started.image_id) == everything
        await anyio.sleep(10)
        assert await listed(scene, started.image_id) == {bucket, started.image_id}
        assert await call(calls.DescribeImages(region=SINGAPORE, name="newer"))
        scene.lag.clear()

    async def listed(scene: Scene, image_id: str) -> set[str]:
        """Return everything that any listing shows; by name and by id."""
        call = scene.cloud.call
        by_name = await call(calls.DescribeImages(region=SINGAPORE, name="new"))
        by_id = await call(calls.DescribeImages(region=SINGAPORE, image_ids=[image_id]))
        buckets = await call(calls.ListBuckets(region=HANGZHOU, prefix="bucket"))
        functions = await call(calls.ListFunctions(region=SINGAPORE, prefix="re"))
        assert all(image.tags == {"a": "b"} for image in by_id)
        return {
            *(image.name for image in by_name),
            *(image.image_id for image in by_id),
            *(row.name for row in buckets),
            *(row.name for row in functions),
        }

    play(scenario)


def imported() -> calls.ImportImage:
    return calls.ImportImage(
        region=SINGAPORE,
        client_token="token",
        name="new",
        description="",
        architecture="x86_64",
        boot_mode="BIOS",
        size_gib=1,
        bucket=f"bucket-{SINGAPORE}",
        key="a.raw",
        nvme="supported",
        imds="v1",
        tags={"a": "b"},
    )


def test_a_listing_lags_behind_what_happens_by_itself_too() -> None:
    async def scenario(scene: Scene) -> None:
        scene.lag.set(SINGAPORE, 10.0)
        await scene.bucket(SINGAPORE)
        await scene.cloud.call(put(SINGAPORE))
        await scene.cloud.call(imported())
        await anyio.sleep(11.0)  # it was made a second ago, ten seconds ago it was not
        assert await status(scene) == "Creating"
        await anyio.sleep(1.0)
        assert await status(scene) == "Available"

    async def status(scene: Scene) -> str:
        (image,) = await scene.cloud.call(
            calls.DescribeImages(region=SINGAPORE, name="new")
        )
        return image.status

    play(scenario)


@BOTH
def test_a_lost_request_has_no_effect_and_a_lost_answer_has(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        for do, expected in ((Do.DROP_BEFORE, 0), (Do.DROP_AFTER, 1)):
            scene.fault(do, action="PutBucket", times=1)
            with pytest.raises(TransportError) as caught:
                await scene.bucket(SINGAPORE)
            assert caught.value.code == "NoAnswer"
            state = scene.world.oss.state(SINGAPORE)
            assert len(state["buckets"]) == expected

    play(scenario, deep=deep)


@BOTH
def test_a_page_of_html_is_no_answer_either(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        scene.fault(Do.HTML, status=502)
        with pytest.raises(TransportError) as caught:
            await scene.cloud.call(calls.DescribeRegions())
        assert caught.value.code == "GarbledAnswer"

    play(scenario, deep=deep)


@pytest.mark.parametrize("status", [200, 204, 502])
def test_a_page_in_place_of_a_success_is_looked_into(status: int) -> None:
    async def scenario(scene: Scene) -> None:
        call = scene.cloud.call
        delete = calls.DeleteBucket(
            region=SINGAPORE, bucket=await scene.bucket(SINGAPORE)
        )
        scene.fault(Do.HTML, status=status, action="DeleteBucket", times=1)
        with pytest.raises(TransportError) as caught:
            await call(delete)
        assert caught.value.code == "GarbledAnswer"
        assert scene.world.oss.state(SINGAPORE)["buckets"]
        scene.world.faults.clear()
        scene.fault(Do.HTML_AFTER, status=status, action="DeleteBucket", times=1)
        await call(delete)
        assert scene.world.oss.state(SINGAPORE)["buckets"] == []

    play(scenario)


@BOTH
def test_refusals_come_in_the_words_of_each_product(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        scene.fault(Do.THROTTLE, code="Throttling.User", status=400)
        for request, code in (
            (calls.DescribeImages(region=SINGAPORE), "Throttling.User"),
            (calls.ListBuckets(region=SINGAPORE, prefix=""), "QpsLimitExceeded"),
            (calls.ListFunctions(region=SINGAPORE, prefix=""), "ResourceThrottled"),
        ):
            with pytest.raises(ApiError) as caught:
                await scene.cloud.call(request)
            assert caught.value.code == code

    play(scenario, deep=deep)


@BOTH
def test_what_is_not_there_does_not_resolve(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        for request in (
            calls.PutBucket(region=HEYUAN, bucket="bbb"),
            calls.ListFunctions(region=HEYUAN, prefix=""),
        ):
            with pytest.raises(HostNotFoundError):
                await scene.cloud.call(request)

    play(scenario, deep=deep)


@BOTH
def test_a_resolver_that_is_away_says_nothing_about_hosts(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        now = scene.world.agenda.now
        scene.network.outages.append(
            Outage(
                service="*",
                region="*",
                begins_at=now,
                ends_at=now + 60,
                out=Out.NO_RESOLVER,
            )
        )
        for request in (
            calls.GetCallerIdentity(),
            calls.DescribeRegions(),
            calls.PutBucket(region=HEYUAN, bucket="bbb"),  # which has no object storage
        ):
            with pytest.raises(TransportError) as caught:
                await scene.cloud.call(request)
            assert not isinstance(caught.value, HostNotFoundError)
            assert caught.value.code == "NoAnswer"
        await anyio.sleep(60)
        assert await scene.cloud.call(calls.DescribeRegions())

    play(scenario, deep=deep)


@BOTH
def test_a_silent_service_keeps_its_callers_waiting(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        scene.network.outages.append(
            Outage(
                service="ecs",
                region=HANGZHOU,
                begins_at=0,
                ends_at=1e12,
                out=Out.SILENT,
            )
        )
        began = anyio.current_time()
        with pytest.raises(TransportError):
            await scene.cloud.call(calls.DescribeImages(region=HANGZHOU))
        assert anyio.current_time() - began >= 30
        await scene.cloud.call(calls.DescribeImages(region=SINGAPORE))

    play(scenario, deep=deep)


@BOTH
def test_mainland_regions_take_data_through_a_function_only(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bucket(HANGZHOU)
        with pytest.raises(ApiError) as caught:
            await scene.cloud.call(put(HANGZHOU))
        assert caught.value.code == "PublicEndpointForbidden"
        relay = await scene.relay(HANGZHOU)
        await scene.cloud.call(put(HANGZHOU, relay=relay))
        assert await scene.keys(HANGZHOU, relay) == ["a.raw"]

    play(scenario, deep=deep)


@BOTH
def test_a_function_that_is_killed_may_have_done_its_work(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bucket(HANGZHOU)
        relay = await scene.relay(HANGZHOU)
        scene.fault(Do.KILL, action="InvokeFunction", times=20)
        done = 0
        for _ in range(20):
            with pytest.raises(ApiError) as caught:
                await scene.cloud.call(put(HANGZHOU, relay=relay))
            assert caught.value.code == "UnhandledInvocationError"
            bucket = scene.world.oss.state(HANGZHOU)["buckets"][0]
            done += len(bucket["objects"]) > 0
        assert 0 < done <= 20

    play(scenario, deep=deep)


def test_what_no_function_carries_out_is_refused() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.bucket(HANGZHOU)
        with pytest.raises(ApiError) as caught:
            await scene.cloud.call(put(HANGZHOU, relay="nobody"))
        assert caught.value.code == "FunctionNotFound"

    play(scenario)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ("", ""),
        ("refuse", "RelayFetchFailed"),
        ("corrupt", "InvalidDigest"),
    ],
)
def test_a_function_fetches_from_sources(trouble: str, code: str) -> None:
    async def scenario(scene: Scene) -> None:
        for region in (SINGAPORE, HANGZHOU):
            await scene.bucket(region)
        await scene.cloud.call(put(SINGAPORE))
        relay = await scene.relay(HANGZHOU)
        source = ObjectSource(
            region=SINGAPORE, bucket=f"bucket-{SINGAPORE}", key="a.raw"
        )
        if trouble:
            scene.fault(Do(trouble), action="GetObject")
        fetched = put(
            HANGZHOU,
            relay=relay,
            body=Fetch(sources=(source,), offset=0, length=len(DATA)),
        )
        if not code:
            await scene.cloud.call(fetched)
            assert await scene.keys(HANGZHOU, relay) == ["a.raw"]
            return
        with pytest.raises(ApiError) as caught:
            await scene.cloud.call(fetched)
        assert caught.value.code == code

    play(scenario)


@BOTH
def test_a_truncated_download_goes_on_where_it_stopped(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        for region in (SINGAPORE, HANGZHOU):
            await scene.bucket(region)
        await scene.cloud.call(put(SINGAPORE))
        relay = await scene.relay(HANGZHOU)
        source = ObjectSource(
            region=SINGAPORE, bucket=f"bucket-{SINGAPORE}", key="a.raw"
        )
        scene.fault(Do.TRUNCATE, action="GetObject", times=3)
        body = Fetch(sources=(source,), offset=0, length=len(DATA))
        await scene.cloud.call(put(HANGZHOU, relay=relay, body=body))

    play(scenario, deep=deep)


@BOTH
def test_credentials_run_out_and_are_renewed_a_little_late(*, deep: bool) -> None:
    def login(world: World) -> Login:
        return RoleLogin(world, "publisher", duration_s=100, late_s=10)

    async def scenario(scene: Scene) -> None:
        await scene.cloud.call(calls.DescribeImages(region=SINGAPORE))
        await anyio.sleep(101)
        for request, code in (
            (calls.DescribeImages(region=SINGAPORE), "InvalidSecurityToken.Expired"),
            (calls.ListBuckets(region=SINGAPORE, prefix=""), "SecurityTokenExpired"),
        ):
            with pytest.raises(ApiError) as caught:
                await scene.cloud.call(request)
            assert caught.value.code == code
        await anyio.sleep(10)
        await scene.cloud.call(calls.DescribeImages(region=SINGAPORE))

    play(scenario, login=login, deep=deep)


def test_changes_are_waited_for_and_reads_are_abandoned() -> None:
    async def scenario(scene: Scene) -> None:
        scene.cloud.latency_s = (10.0, 10.0)
        with anyio.move_on_after(1) as scope:
            await scene.cloud.call(calls.DescribeRegions())
        assert scope.cancelled_caught
        began = anyio.current_time()
        with anyio.move_on_after(1):
            await scene.bucket(SINGAPORE)
        assert anyio.current_time() - began == pytest.approx(10)
        assert scene.world.oss.state(SINGAPORE)["buckets"]

    play(scenario)


@pytest.mark.parametrize(("number", "buckets"), [(2, 0), (-2, 1)])
def test_a_killed_process_does_nothing_any_more(number: int, buckets: int) -> None:
    async def scenario(scene: Scene) -> None:
        scene.cloud.at_call[number] = scene.cloud.kill
        await scene.cloud.call(calls.DescribeRegions())
        with pytest.raises(Killed):
            await scene.bucket(SINGAPORE)
        assert len(scene.world.oss.state(SINGAPORE)["buckets"]) == buckets
        with pytest.raises(Killed):
            await scene.cloud.call(calls.DescribeRegions())

    play(scenario)


class _Forger:
    """Knows a key of the account, and not its secret."""

    def __init__(self, world: World) -> None:
        keys = AccountLogin(world).keys()
        self._keys = Keys(access_key_id=keys.access_key_id, access_key_secret="guessed")

    def keys(self) -> Keys:
        return self._keys


def test_signatures_are_checked_behind_the_sdks() -> None:
    async def scenario(scene: Scene) -> None:
        for request in (
            calls.DescribeImages(region=SINGAPORE),
            calls.ListFunctions(region=SINGAPORE, prefix=""),
            calls.ListBuckets(region=SINGAPORE, prefix=""),
        ):
            with pytest.raises(ApiError) as caught:
                await scene.cloud.call(request)
            assert caught.value.code == "SignatureDoesNotMatch"

    play(scenario, login=_Forger, deep=True)


@BOTH
def test_short_pages_show_all_there_is(*, deep: bool) -> None:
    async def scenario(scene: Scene) -> None:
        names = {f"bucket-{number}" for number in range(5)}
        for name in names:
            await scene.cloud.call(calls.PutBucket(region=SINGAPORE, bucket=name))
        with pages.of(2):
            rows = await scene.cloud.call(
                calls.ListBuckets(region=SINGAPORE, prefix="")
            )
        assert {row.name for row in rows} == names

    play(scenario, deep=deep)


def test_what_a_caller_was_handling_is_not_what_its_call_failed_of() -> None:
    async def scenario(scene: Scene) -> None:
        scene.fault(Do.DROP_BEFORE, service="ecs")
        with pytest.raises(ApiError) as refused:
            await scene.cloud.call(calls.GetFunction(region=SINGAPORE, name="nobody"))
        assert refused.value.code == "FunctionNotFound"
        try:
            raise refused.value
        except ApiError:
            with pytest.raises(TransportError) as lost:
                await scene.cloud.call(calls.DescribeImages(region=SINGAPORE))
        assert lost.value.code == "NoAnswer"

    play(scenario)
