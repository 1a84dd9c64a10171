"""SdkCloud: threads, limits, cancellation, secrets; over real sockets."""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ali_import.cloud import calls
from ali_import.cloud.sdk import cloud as cloud_module
from ali_import.cloud.sdk import wire
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.services import ADAPTERS, answers
from ali_import.cloud.sdk.settings import Settings
from ali_import.cloud.values import Fetch, ObjectSource
from ali_import.disk.pack import Extent, PartBody
from ali_import.errors import CloudError
from ali_import.units import MIB
from emulator.tests.support.waiting import HANG_S
from tests.unit.sdk.conftest import static_credentials
from tests.unit.sdk.far_side import FarSide, Reply, Seen, as_json

MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
REGIONS = '{"RequestId":"A","Regions":{"Region":[{"RegionId":"eu-west-1"}]}}'


def leaves(kind: type[calls.Call[Any]]) -> set[type[calls.Call[Any]]]:
    below = kind.__subclasses__()
    return set().union(*map(leaves, below)) if below else {kind}


def test_every_call_has_an_adapter() -> None:
    # Generic bases (DataCall) are asked for by their subclasses only.
    wanted = {
        kind
        for kind in leaves(calls.Call)
        if kind.__module__.startswith(calls.__name__)
    }
    assert set(ADAPTERS) == wanted
    assert len(wanted) >= 30


def test_no_call_has_two_adapters() -> None:
    with pytest.raises(AssertionError, match="two adapters for DescribeRegions"):
        answers(calls.DescribeRegions)(lambda _services, _call: ())


def test_calls_share_connections_and_do_not_wait_for_each_other(
    far: FarSide, cloud: SdkCloud
) -> None:
    meeting = threading.Barrier(20)

    def answer(_seen: Seen) -> Reply:
        meeting.wait(HANG_S)  # 20 calls are under way, or none is ever answered
        return as_json(REGIONS)

    far.answer = answer

    async def many() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(40):
                tasks.start_soon(cloud.call, calls.DescribeRegions())

    anyio.run(many)
    assert len(far.seen) == 40
    connections = len(far.connects)
    anyio.run(many)
    # 32 are kept for one host.
    assert len(far.connects) - connections <= 8 + 2


def test_connections_are_kept_for_the_hosts_used_last(
    far: FarSide, cloud: SdkCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "IDLE_MAX", 4)
    far.answer = lambda _seen: as_json(REGIONS)
    regions = [f"xx-test-{number}" for number in range(30)]

    async def main() -> None:
        # Hosts push each other out all the time, and no call may suffer from it.
        async with anyio.create_task_group() as tasks:
            for region in regions * 4:
                tasks.start_soon(cloud.call, calls.DescribeRegions(region=region))

    anyio.run(main)
    assert len(far.seen) == 4 * len(regions)
    gone = threading.Event()
    for _ in range(100):
        if len(far.tunnels) <= 4:
            break
        gone.wait(0.05)
    assert 1 <= len(far.tunnels) <= 4
    # A host whose connection was closed is connected to again.
    anyio.run(main)
    assert len(far.seen) == 8 * len(regions)


def test_polls_never_wait_behind_uploads(
    far: FarSide,
    cloud: SdkCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cloud_module, "UPLOADS_MAX", 2)
    release = threading.Event()

    def answer(seen: Seen) -> Reply:
        if seen.method == "PUT":
            release.wait(10)
            return Reply()
        return as_json(REGIONS)

    far.answer = answer
    upload = calls.PutObject(
        region="eu-west-1",
        bucket="b-1",
        key="k",
        body=b"",
        content_md5=MD5_OF_NOTHING,
    )

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(30):
                tasks.start_soon(cloud.call, upload)
            with anyio.fail_after(8):
                assert await cloud.call(calls.DescribeRegions()) == ("eu-west-1",)
            release.set()

    anyio.run(main)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "request_",
    [
        calls.DescribeRegions(),
        calls.DeleteObjects(region="eu-west-1", bucket="b-1", relay="f", keys=["k"]),
    ],
    ids=["a read", "a relayed call"],
)
async def test_a_cancelled_call_is_left_at_once(
    far: FarSide, cloud: SdkCloud, request_: calls.Call[Any]
) -> None:
    left = threading.Event()
    was_left: list[bool] = []

    def answer(_seen: Seen) -> Reply:
        was_left.append(left.wait(HANG_S))
        return as_json(REGIONS)

    far.answer = answer
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cloud.call, request_)
        while not far.seen:  # noqa: ASYNC110  of what a thread does
            await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert not was_left  # the far side is still thinking about it
    left.set()


@pytest.mark.anyio
async def test_a_cancelled_change_is_waited_for(far: FarSide, cloud: SdkCloud) -> None:
    done: list[Seen] = []

    def answer(seen: Seen) -> Reply:
        time.sleep(0.5)
        done.append(seen)
        return as_json("{}")

    far.answer = answer
    with anyio.move_on_after(0.2):
        await cloud.call(calls.DeleteImage(region="eu-west-1", image_id="m-1"))
    assert done


@pytest.mark.anyio
async def test_a_cancelled_upload_stops_between_blocks(
    far: FarSide, cloud: SdkCloud, tmp_path: Path
) -> None:
    # /dev/zero never becomes shorter, and the far side never reads all of it.
    size = 1 << 40
    upload = calls.PutObject(
        region="eu-west-1",
        bucket="b-1",
        key="k",
        body=PartBody(path=Path("/dev/zero"), extents=(Extent(0, size),)),
        content_md5=MD5_OF_NOTHING,
    )
    # It would take hours, and is left: that this ends says so.
    with anyio.move_on_after(0.5):
        await cloud.call(upload)
    assert not [seen for seen in far.seen if len(seen.body) == size]


def test_a_file_that_became_shorter_is_named(cloud: SdkCloud, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(b"x" * 1000)
    upload = calls.PutObject(
        region="eu-west-1",
        bucket="b-1",
        key="k",
        body=PartBody(path=image, extents=(Extent(0, 2000),)),
        content_md5=MD5_OF_NOTHING,
    )
    with pytest.raises(CloudError, match=r"disk\.img.*shorter") as caught:
        anyio.run(cloud.call, upload)
    assert caught.value.code == "ImageFileChanged"


def test_eight_bodies_at_most_go_through_functions_at_a_time(
    settings: Settings, tmp_path: Path
) -> None:
    """However small they are; and three parts of a large image."""
    assert most_relayed_at_once(settings, tmp_path, count=20, size=1000) == 8
    assert most_relayed_at_once(settings, tmp_path, count=20, size=8 * MIB) == 3
    assert most_relayed_at_once(settings, tmp_path, count=3, size=24 * MIB) == 1


def most_relayed_at_once(
    settings: Settings, folder: Path, *, count: int, size: int
) -> int:
    running = most = 0

    async def blocking(*_arguments: Any, **_options: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.lowlevel.checkpoint()
        running -= 1

    cloud = SdkCloud(settings, run_blocking=blocking)
    put = calls.PutObject(
        region="cn-beijing",
        bucket="b-1",
        relay="f-1",
        key="k",
        body=PartBody(path=folder / "disk.img", extents=(Extent(0, size),)),
        content_md5=MD5_OF_NOTHING,
    )

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(cloud.call, put)

    anyio.run(main)
    return most


def test_no_secret_reaches_a_log_at_any_level(
    far: FarSide,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    log = tmp_path / "log"
    handler = logging.FileHandler(log)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers, handler])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    cloud = SdkCloud(settings, credentials=static_credentials("CAIStokentoken"))

    async def main() -> None:
        far.answer = lambda _seen: as_json(REGIONS)
        await cloud.call(calls.DescribeRegions())
        far.answer = lambda _seen: Reply(headers={"ETag": '"x"'})
        await cloud.call(
            calls.PutObject(
                region="eu-west-1",
                bucket="b-1",
                key="k",
                body=b"",
                content_md5=MD5_OF_NOTHING,
            )
        )
        source = ObjectSource(region="eu-west-1", bucket="s-1", key="k")
        fetched = Fetch(sources=(source,), offset=0, length=1)
        with pytest.raises(CloudError):
            await cloud.call(
                calls.PutObject(
                    region="eu-west-1",
                    bucket="b-1",
                    relay="f-1",
                    key="k",
                    body=fetched,
                    content_md5=MD5_OF_NOTHING,
                )
            )
        assert b"x-oss-signature=" in far.seen[-1].body

    anyio.run(main)
    handler.close()
    told = log.read_text() + "".join(capfd.readouterr())
    for secret in ("Signature", "Authorization", "CAIStokentoken", "testkeysecret"):
        assert secret.lower() not in told.lower()


# --- what only a fresh process shows -------------------------------------------------


def in_a_fresh_process(
    code: str, environ: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    kept = {key: os.environ[key] for key in ("PATH",) if key in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:ali_import", "-c", code],
        env={**kept, "HOME": "/nonexistent", **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_importing_the_cloud_imports_no_sdk() -> None:
    code = (
        "import sys, ali_import.cloud.sdk.cloud\n"
        "found = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(found & {'requests', 'urllib3', 'darabonba', 'Tea', 'aiohttp',"
        "'alibabacloud_oss_v2', 'alibabacloud_tea_openapi', 'ssl',"
        "'alibabacloud_credentials'}))"
    )
    done = in_a_fresh_process(code, {})
    assert done.stderr == ""
    assert done.stdout.strip() in {"[]", "['ssl']"}
