from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.credentials import Credentials
from ali_import.cloud.sdk.settings import Settings
from tests.unit.sdk.far_side import FarSide, far_side


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def far(tmp_path: Path, ca: trustme.CA) -> Iterator[FarSide]:
    with far_side(tmp_path, ca) as running:
        yield running


@pytest.fixture
def settings(far: FarSide) -> Settings:
    return Settings(
        proxy=far.proxy,
        ca_bundle=far.ca_path,
        connect_timeout_s=8.0,
        read_timeout_s=8.0,
        answer_timeout_s=10.0,
        invocation_timeout_s=10.0,
    )


def static_credentials(token: str = "") -> Credentials:
    from alibabacloud_credentials import provider

    keys: dict[str, Any] = {
        "access_key_id": "LTAItestkeyid",
        "access_key_secret": "testkeysecret",
    }
    if token:
        return Credentials(
            provider.StaticSTSCredentialsProvider(**keys, security_token=token)
        )
    return Credentials(provider.StaticAKCredentialsProvider(**keys))


@pytest.fixture
def cloud(settings: Settings) -> Iterator[SdkCloud]:
    made = SdkCloud(settings, credentials=static_credentials())
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _all_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close every cloud that a test makes: what the SDKs share is the process's own."""
    made: list[SdkCloud] = []
    init = SdkCloud.__init__

    def remembered(cloud: SdkCloud, *args: Any, **given: Any) -> None:
        init(cloud, *args, **given)
        made.append(cloud)

    monkeypatch.setattr(SdkCloud, "__init__", remembered)
    yield
    for cloud in made:
        cloud.close()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)
