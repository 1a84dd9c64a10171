from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.settings import Settings
from ali_import.relay import handler
from tests.unit.sdk.conftest import static_credentials
from tests.unit.sdk.far_side import FarSide, far_side


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def far(
    tmp_path: Path, ca: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FarSide]:
    """The far side, which this process is told of as a function's process is."""
    with far_side(tmp_path, ca) as running:
        for name in ("no_proxy", "NO_PROXY", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(handler, "FETCH_PAUSE_S_MAX", 0.01)
        handler._tls_context.cache_clear()
        yield running
        handler._tls_context.cache_clear()


@pytest.fixture
def cloud(far: FarSide) -> Iterator[SdkCloud]:
    settings = Settings(proxy=far.proxy, ca_bundle=far.ca_path)
    made = SdkCloud(settings, credentials=static_credentials())
    yield made
    made.close()
