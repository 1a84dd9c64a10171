"""The credential chain, through the official package's own providers."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.credentials import (
    Credentials,
    CredentialsLostError,
    _Step,
)
from ali_import.cloud.sdk.settings import Settings
from ali_import.errors import ApiError, TransportError
from emulator.tests.support.waiting import HANG_S
from tests.unit.sdk.conftest import static_credentials
from tests.unit.sdk.far_side import FarSide, Reply, Seen, as_json

CALL = """
import os, anyio
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.settings import Settings
from ali_import.cloud import calls
from ali_import.cloud.sdk.credentials import Credentials
credentials = Credentials()
cloud = SdkCloud(
    Settings.from_environment(os.environ), credentials=credentials
)
try:
    print(anyio.run(cloud.call, calls.GetCallerIdentity()))
    print(credentials.keys().remaining_s())
except Exception as exc:
    print(type(exc).__name__, exc.diagnostics())
    print(globals().get("waited_s"))
"""
NOBODY_THERE = """
import socket
waited_s = 0.0
def connect(self, address):
    global waited_s
    waited_s += self.gettimeout()  # None, for ever, is an error here
    raise TimeoutError
socket.socket.connect = connect
"""
IDENTITY = as_json('{"AccountId":"12","Arn":"acs:ram::12:user/u"}')


def in_a_fresh_process(environ: dict[str, str], before: str = "") -> tuple[str, str]:
    """Make the call in a process with these variables alone; return two lines."""
    kept = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", before + CALL],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.stderr == ""
    first, second = done.stdout.strip().splitlines()
    return first, second


def test_the_environment_alone_is_enough(far: FarSide) -> None:
    far.answer = lambda _seen: IDENTITY
    said, seconds = in_a_fresh_process(
        {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItestkeyid",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s",
            **far.environment,
        }
    )
    assert said.startswith("Identity(account_id='12', arn='acs:ram::12:user/u'")
    assert float(seconds) == float("inf")
    [seen] = far.seen
    signature = seen.headers["authorization"]
    assert signature.startswith("ACS3-HMAC-SHA256 Credential=LTAItestkeyid,")


def test_no_credentials_is_said_soon_and_with_advice(far: FarSide) -> None:
    said, waited_s = in_a_fresh_process(far.environment, NOBODY_THERE)
    assert said.startswith("ConfigurationError no Alibaba Cloud credentials were found")
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in said
    # The metadata service is asked twice, for 0.8 s each, where nobody answers.
    assert float(waited_s) == pytest.approx(1.6)
    assert not far.seen


def test_a_profile_of_the_official_command_line_tool_is_enough(
    far: FarSide, tmp_path: Path
) -> None:
    profile = tmp_path / ".aliyun" / "config.json"
    profile.parent.mkdir()
    profile.write_text(
        '{"current":"p","profiles":[{"name":"p","mode":"StsToken",'
        '"access_key_id":"STS.id","access_key_secret":"s","sts_token":"TOKEN"}]}'
    )
    far.answer = lambda _seen: IDENTITY
    said, _ = in_a_fresh_process({**far.environment, "HOME": str(tmp_path)})
    assert "account_id='12'" in said
    assert far.seen[0].headers["x-acs-security-token"] == "TOKEN"


def oidc(far: FarSide, directory: Path) -> dict[str, str]:
    token = directory / "token"
    token.write_text("header.claims.signature")
    return {
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token),
        "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::12:role/r",
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::12:oidc-provider/github",
        **far.environment,
    }


def test_a_token_of_a_build_service_is_enough_and_its_expiry_is_known(
    far: FarSide, tmp_path: Path
) -> None:
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    keys = (
        '{"Credentials":{"AccessKeyId":"STS.a","AccessKeySecret":"s",'
        f'"SecurityToken":"T","Expiration":"{ends}"}}}}'
    )

    def answer(seen: Seen) -> Reply:
        return as_json(keys) if "OIDCToken" in seen.query else IDENTITY

    far.answer = answer
    said, seconds = in_a_fresh_process(oidc(far, tmp_path))
    assert "account_id='12'" in said
    assert 3500 <= float(seconds) <= 3600
    assert [seen.host for seen in far.seen] == ["sts.aliyuncs.com"] * 2
    assert far.seen[1].headers["x-acs-security-token"] == "T"


def test_a_token_that_is_refused_is_told(far: FarSide, tmp_path: Path) -> None:
    far.answer = lambda _seen: as_json(
        '{"Code":"AuthenticationFail.OIDCToken.Expired","Message":"m"}', 400
    )
    said, _ = in_a_fresh_process(
        {**oidc(far, tmp_path), "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
    )
    assert said.startswith("ConfigurationError")
    assert "ALIBABA_CLOUD_OIDC_TOKEN_FILE" in said
    assert "OIDCToken.Expired" in said
    assert "claims" not in said


# --- keys that end -------------------------------------------------------------------


class Failing:
    """A provider that works once, for keys of a given life, and then never again."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._calls = 0

    def get_credentials(self) -> Any:
        from alibabacloud_credentials.provider.refreshable import Credentials as Found

        self._calls += 1
        if self._calls > 1:
            raise OSError("https://sts/?OIDCToken=secret")
        return Found(
            access_key_id="STS.x",
            access_key_secret="s",
            security_token="t",
            expiration=int(time.time() + self._life_s),
            provider_name="test",
        )


def test_keys_still_good_outlast_a_refresh_that_failed() -> None:
    credentials = Credentials(Failing(600))
    assert credentials.keys() == credentials.keys()


def test_so_do_the_keys_that_a_step_was_chosen_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "ali_import.cloud.sdk.credentials._chain",
        lambda: iter([_Step(make=lambda: Failing(600), explain=str)]),
    )
    credentials = Credentials()
    assert credentials.keys() == credentials.keys()


def test_keys_about_to_end_do_not() -> None:
    credentials = Credentials(Failing(10))
    credentials.keys()
    with pytest.raises(CredentialsLostError):
        credentials.keys()


def test_lost_credentials_are_no_answer_and_may_come_back(
    far: FarSide, settings: Settings
) -> None:
    credentials = Credentials(Failing(10))
    credentials.keys()
    cloud = SdkCloud(settings, credentials=credentials)
    far.answer = lambda _seen: IDENTITY
    for request in (calls.GetCallerIdentity(), calls.ListBuckets(prefix="p")):
        with pytest.raises(TransportError) as caught:
            anyio.run(cloud.call, request)
        assert caught.value.code == "NoAnswer"
        assert "secret" not in caught.value.diagnostics()
    assert not far.seen


@pytest.mark.parametrize(
    ("provider", "code"),
    [
        (None, "SecurityTokenRanOut"),  # as from the environment: there are no others
        (Failing(600), "InvalidSecurityToken.Expired"),
    ],
)
def test_a_token_that_ran_out_for_good_is_told_from_one_that_is_refreshed(
    far: FarSide, settings: Settings, provider: Failing | None, code: str
) -> None:
    credentials = Credentials(provider) if provider else static_credentials("t")
    cloud = SdkCloud(settings, credentials=credentials)
    far.answer = lambda _seen: as_json(
        '{"Code":"InvalidSecurityToken.Expired","Message":"m"}', 400
    )
    with pytest.raises(ApiError) as caught:
        anyio.run(cloud.call, calls.DescribeRegions())
    assert caught.value.code == code


def test_keys_never_show_in_a_repr() -> None:
    assert "STS.x" not in repr(Credentials(Failing(600)).keys())
