"""Fixtures for pytest, which finds them by itself where the distribution is installed.

* ``alicloud``: a cloud that is started once, and is empty before each test.
* ``own_alicloud``: a cloud of this test's own, a new process.

Inside a test that takes one, the process and its children use it. A mark says which
cloud it is to be, with the keys of ``testing.Cloud``::

    @pytest.mark.alicloud(profile={"extends": "fast", "weather": {"call_failure": 0.1}})
    def test_in_bad_weather(alicloud): ...

The setting ``alicloud_profile`` of pytest's configuration names the profile of tests that
are not marked. Under pytest-xdist each worker has clouds of its own.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from alicloud_emulator.testing.cloud import Cloud


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting."""
    parser.addini("alicloud_profile", "profile of the fixture alicloud", default="fast")


def pytest_configure(config: pytest.Config) -> None:
    """Add the mark."""
    config.addinivalue_line(
        "markers",
        "alicloud(**options): which cloud, as alicloud_emulator.testing.Cloud",
    )


class Clouds:
    """The session's clouds, one for each way in which tests want one."""

    def __init__(self) -> None:
        self._running: dict[str, Cloud] = {}

    def get(self, options: dict[str, Any]) -> Cloud:
        """Return the one with these options; start it if it does not run."""
        name = json.dumps(options, sort_keys=True, default=str)
        if name not in self._running:
            self._running[name] = Cloud(**options)
        return self._running[name]

    def stop(self) -> None:
        """End all of them."""
        while self._running:
            self._running.popitem()[1].stop()


@pytest.fixture(scope="session")
def _alicloud_clouds() -> Iterator[Clouds]:
    clouds = Clouds()
    yield clouds
    clouds.stop()


@pytest.fixture
def alicloud(
    request: pytest.FixtureRequest, _alicloud_clouds: Clouds
) -> Iterator[Cloud]:
    """Give an empty cloud, which this process and its children use."""
    cloud = _alicloud_clouds.get(_options(request))
    cloud.reset()
    with cloud.inside():
        yield cloud


@pytest.fixture
def own_alicloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """Give a cloud of this test's own, which this process and its children use."""
    with Cloud(**_options(request)) as cloud, cloud.inside():
        yield cloud


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the marks say, the nearest first, and the setting."""
    options: dict[str, Any] = {}
    for mark in request.node.iter_markers("alicloud"):
        options = {**mark.kwargs, **options}
    return {"profile": request.config.getini("alicloud_profile"), **options}
