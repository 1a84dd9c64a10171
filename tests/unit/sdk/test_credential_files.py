"""Credentials that are set up wrong: named with their cause, and no secret quoted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ali_import.cloud.sdk.credential_files import cli_fault, ini_fault
from tests.unit.sdk.far_side import FarSide, as_json
from tests.unit.sdk.test_credentials import IDENTITY, in_a_fresh_process, oidc

SECRET = "kept-to-ourselves-0123456789"
KEYS = {"access_key_id": "LTAI-x", "access_key_secret": SECRET}


def document(*profiles: dict[str, Any], current: str = "p") -> str:
    return json.dumps({"current": current, "profiles": list(profiles)})


def profile(mode: str, **values: str) -> str:
    return document({"name": "p", "mode": mode, **values})


@pytest.mark.parametrize(
    ("text", "asked", "fault"),
    [
        (profile("AK", **KEYS), "", ""),
        (profile("AK", **KEYS), "p", ""),
        (profile("AK", **KEYS), "q", "has no profile 'q'; it has p"),
        (profile("AK", **KEYS)[:-9], "", "is not JSON (line 1); it ends in the middle"),
        ("\ufeff" + profile("AK", **KEYS), "", "begins with a byte order mark (BOM)"),
        ("", "", "is empty"),
        ("[]", "", "holds no profiles"),
        (f"access_key_secret = {SECRET}", "", "is not JSON (line 1)"),
        (document({"name": "q"}), "", "has no profile 'p'; it has q"),
        (document({"name": "p"}, current=""), "", "names no current profile"),
        (
            profile("AK", access_key_id="LTAI-x"),
            "",
            "(mode AK) has no access_key_secret",
        ),
        (profile("StsToken", **KEYS), "", "(mode StsToken) has no sts_token"),
        (profile("RamRoleArn", **KEYS), "", "has no ram_role_arn"),
        (profile("OAuth"), "", "(mode OAuth) has no oauth_refresh_token"),
        (
            profile("OAuth", oauth_site_type="EU", oauth_refresh_token=SECRET),
            "",
            "(mode OAuth) at a site that is not supported: 'EU'",
        ),
        (profile("Telepathy"), "", "the mode 'Telepathy', which is not supported"),
        (profile("EcsRamRole"), "", ""),
        (profile("AK"), "p", "has no access_key_id and no access_key_secret"),
        # As the command line tool writes it before anybody configures it.
        (profile("AK", access_key_id="", access_key_secret=""), "", None),
        (document(), "", None),
        (None, "", None),
    ],
)
def test_a_fault_of_the_profiles_is_told(
    tmp_path: Path, text: str | None, asked: str, fault: str | None
) -> None:
    told(cli_fault, tmp_path / "config.json", text, asked, fault)


@pytest.mark.parametrize(
    ("text", "asked", "fault"),
    [
        (f"[default]\ntype = access_key\naccess_key_id = i\naccess_key_secret = {SECRET}\n", "", ""),
        (f"access_key_secret = {SECRET}\n", "", "is damaged in line 1"),
        (f"[default]\n{SECRET}\n", "", "is damaged in line 2"),
        ("[default\n", "", "is damaged in line 1"),
        ("[other]\ntype = access_key\n", "", "has no section 'default'; it has other"),
        ("[other]\ntype = access_key\n", "mine", "has no section 'mine'; it has other"),
        ("[default]\naccess_key_id = i\n", "", "section 'default' has no type"),
        ("[default]\ntype = access_key\naccess_key_id = i\n", "", "has no access_key_secret"),
        ("[default]\ntype = magic\n", "", "the type 'magic', which is not supported"),
        ("[default]\ntype = ecs_ram_role\n", "", ""),
        ("\ufeff[default]\n", "", "begins with a byte order mark"),
        ("# nothing yet\n", "", None),
        (None, "", None),
    ],
)  # fmt: skip
def test_a_fault_of_the_credentials_file_is_told(
    tmp_path: Path, text: str | None, asked: str, fault: str | None
) -> None:
    told(ini_fault, tmp_path / "credentials.ini", text, asked, fault)


def told(
    look: Callable[[Path, str], str | None],
    path: Path,
    text: str | None,
    asked: str,
    fault: str | None,
) -> None:
    if text is not None:
        path.write_text(text, encoding="utf-8")
    found = look(path, asked)
    if not fault:
        assert found == fault
    else:
        assert found is not None
        assert str(path) in found
        assert fault in found
        assert SECRET not in found


def test_bytes_that_are_no_text_and_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"\xff\xfe{\x00}\x00")
    assert "is not UTF-8" in str(cli_fault(path, ""))
    assert "cannot be read" in str(cli_fault(tmp_path, ""))


def home(directory: Path, text: str) -> dict[str, str]:
    path = directory / ".aliyun" / "config.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return {"HOME": str(directory)}


def test_a_damaged_file_ends_the_search_before_the_role_of_the_machine(
    far: FarSide, tmp_path: Path
) -> None:
    environ = {**home(tmp_path, profile("AK", **KEYS)[:-5]), **far.environment}
    said, waited = in_a_fresh_process(environ, WAITED)
    assert said.startswith("ConfigurationError no credentials: ")
    assert "config.json is not JSON (line 1); it ends in the middle" in said
    assert SECRET not in said
    assert waited == "0.0"  # the metadata service was not asked


WAITED = "waited_s = 0.0\n"


def test_what_comes_earlier_in_the_chain_needs_no_file(
    far: FarSide, tmp_path: Path
) -> None:
    far.answer = lambda _seen: IDENTITY
    keys = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItestkeyid",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/nowhere",  # by halves, and never looked at
    }
    environ = {**home(tmp_path, "{"), **keys, **far.environment}
    said, _ = in_a_fresh_process(environ)
    assert "account_id='12'" in said


@pytest.mark.parametrize(
    ("unset", "missing"),
    [
        ("ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_ROLE_ARN not set"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_OIDC_TOKEN_FILE not set"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN not set"),
    ],
)
def test_oidc_by_halves_names_what_is_missing(
    far: FarSide, tmp_path: Path, unset: str, missing: str
) -> None:
    environ = oidc(far, tmp_path)
    del environ[unset]
    said, _ = in_a_fresh_process({**environ, **home(tmp_path, profile("AK", **KEYS))})
    assert said.startswith("ConfigurationError no credentials: ")
    assert missing in said
    assert not far.seen


def test_the_arn_of_a_role_alone_asks_for_nothing(far: FarSide, tmp_path: Path) -> None:
    far.answer = lambda _seen: IDENTITY
    role = {"ALIBABA_CLOUD_ROLE_ARN": "acs:ram::12:role/r"}
    environ = {**home(tmp_path, profile("AK", **KEYS)), **role, **far.environment}
    said, _ = in_a_fresh_process(environ)
    assert "account_id='12'" in said


def test_a_key_without_its_secret_is_told(far: FarSide) -> None:
    environ = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItestkeyid", **far.environment}
    said, _ = in_a_fresh_process(environ, WAITED)
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET not set" in said


def test_a_role_that_does_not_exist_is_told_as_such(
    far: FarSide, tmp_path: Path
) -> None:
    far.answer = lambda _seen: as_json(
        '{"Code":"EntityNotExist.Role","Message":"m","Secret":"claims"}', 404
    )
    said, _ = in_a_fresh_process(oidc(far, tmp_path), WAITED)
    assert "EntityNotExist.Role: there is no such role (acs:ram::12:role/r)" in said
    assert "claims" not in said


def test_a_profile_that_was_asked_for_and_is_nowhere_is_told(far: FarSide) -> None:
    environ = {"ALIBABA_CLOUD_PROFILE": "mine", **far.environment}
    said, _ = in_a_fresh_process(environ, WAITED)
    assert "ALIBABA_CLOUD_PROFILE=mine: there is nothing in " in said
