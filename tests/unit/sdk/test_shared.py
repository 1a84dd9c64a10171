"""What the SDKs keep for the whole process: borrowed, and given back as it was."""

import importlib
import inspect
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.sdk import quiet, shared
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.settings import Settings
from tests.unit.sdk.conftest import static_credentials
from tests.unit.sdk.far_side import FarSide, Seen, as_json, far_side

REGIONS = '{"RequestId":"A","Regions":{"Region":[{"RegionId":"eu-west-1"}]}}'


def cores() -> list[Any]:
    from darabonba.core import DaraCore
    from Tea.core import TeaCore

    return [TeaCore, DaraCore]


def loggers() -> dict[str, tuple[Any, ...]]:
    found = {name: logging.getLogger(name) for name in quiet.NAMES}
    return {
        name: (list(logger.handlers), logger.propagate, logger.level)
        for name, logger in found.items()
    }


@pytest.fixture(autouse=True)
def _as_found() -> Iterator[None]:
    """See that a test leaves the process as it found it."""
    for name in (
        "alibabacloud_credentials.provider",
        "alibabacloud_oss_v2",
        "alibabacloud_tea_openapi.client",
    ):
        importlib.import_module(name)  # each attaches handlers of its own
    calls_end()
    tables = [core._sessions for core in cores()]
    before, filters = loggers(), list(warnings.filters)
    yield
    assert all(
        core._sessions is table for core, table in zip(cores(), tables, strict=True)
    )
    assert loggers() == before
    assert list(warnings.filters) == filters
    assert not shared._borrowers


def calls_end() -> None:
    """Wait for calls that were abandoned, maybe by another test."""
    for _ in range(3000):  # a minute: as long as a call may hang
        if not shared._borrowers:
            return
        threading.Event().wait(0.02)
    raise AssertionError("a call never ended, or a cloud was never closed")


def opened(settings: Settings) -> SdkCloud:
    cloud = SdkCloud(settings, credentials=static_credentials())
    anyio.run(cloud.call, calls.DescribeRegions())
    anyio.run(cloud.call, calls.ListBuckets(region="eu-west-1", prefix="p"))
    return cloud


def answer(seen: Seen) -> Any:
    from tests.unit.sdk.far_side import as_xml

    if "oss-" in seen.host:
        return as_xml("<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")
    return as_json(REGIONS)


def test_the_cores_still_look_for_their_sessions_where_we_put_them() -> None:
    for core in cores():
        assert isinstance(core._sessions, dict)
        taken = inspect.signature(core._get_session).parameters
        assert {"session_key", "protocol"} <= set(taken)
        mine = object()
        with shared.using(mine):
            found = core._get_session(session_key="https://h:80", protocol="HTTPS")
        assert found is mine
        assert "https://h:80" not in core._sessions


def test_a_closed_cloud_leaves_the_sdks_as_they_were(
    far: FarSide, settings: Settings
) -> None:
    far.answer = answer
    cloud = opened(settings)
    assert all(isinstance(core._sessions, shared.Sessions) for core in cores())
    assert all(level > logging.CRITICAL for *_, level in loggers().values())
    cloud.close()
    cloud.close()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_clouds_at_once_do_not_meet(
    far: FarSide, settings: Settings, tmp_path: Any, order: tuple[int, int]
) -> None:
    far.answer = answer
    folder = tmp_path / "other"
    folder.mkdir()
    with far_side(folder, far.ca) as other:
        other.answer = answer
        theirs = Settings(proxy=other.proxy, ca_bundle=other.ca_path)
        clouds = [opened(settings), opened(theirs)]
        for side, cloud in zip((far, other), clouds, strict=True):
            seen = len(side.seen)
            anyio.run(cloud.call, calls.DescribeRegions())
            assert len(side.seen) == seen + 1
        first, second = order
        clouds[first].close()
        before = len((far, other)[second].seen)
        anyio.run(clouds[second].call, calls.DescribeRegions())
        assert len((far, other)[second].seen) == before + 1
        clouds[second].close()


def test_a_stranger_keeps_his_own_sessions(far: FarSide, settings: Settings) -> None:
    far.answer = answer
    # Other tests are strangers, too.
    keys = {core: set(core._sessions) for core in cores()}
    for core in cores():
        core._sessions["https://before:80"] = "before"
    cloud = opened(settings)
    try:
        for core in cores():
            assert core._sessions["https://before:80"] == "before"
            made = core._get_session(session_key="https://h:80", protocol="HTTPS")
            assert made is not cloud._made_services().session
            assert core._get_session(session_key="https://h:80", protocol="") is made
    finally:
        cloud.close()
    for core in cores():
        made = core._sessions.pop("https://h:80")
        made.close()
        assert core._sessions.pop("https://before:80") == "before"
        assert set(core._sessions) == keys[core], "nothing of ours is left"


def test_a_call_that_outlives_its_cloud_leaves_nothing_either(
    far: FarSide, settings: Settings
) -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def slow(_seen: Seen) -> Any:
        goes_on.wait(10)
        ended.set()
        return as_json(REGIONS)

    cloud = SdkCloud(settings, credentials=static_credentials())

    async def main() -> None:
        far.answer = slow
        with anyio.move_on_after(0.3):
            await cloud.call(calls.DescribeRegions())
        cloud.close()
        assert all(isinstance(core._sessions, shared.Sessions) for core in cores())
        goes_on.set()

    anyio.run(main)
    assert ended.wait(10)
    calls_end()


def test_a_closed_cloud_is_not_called(settings: Settings) -> None:
    cloud = SdkCloud(settings, credentials=static_credentials())
    cloud.close()
    with pytest.raises(AssertionError, match="closed"):
        anyio.run(cloud.call, calls.DescribeRegions())
