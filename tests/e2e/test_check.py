"""``ali-import check`` as a process, and publishing under the policy that it prints."""

import json
from pathlib import Path

import pytest

from emulator.tests.support.emulator import emulator
from tests.e2e.conftest import FLAGS, Exec
from tests.e2e.test_weather import inline, regions, toml_profile
from tests.support.audit import Expected, problems
from tests.support.tool import ali_import

pytestmark = pytest.mark.e2e

SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"


def test_a_fresh_account_hears_what_is_missing(tmp_path: Path) -> None:
    profile = toml_profile(tmp_path, "[account]\nimport_role = false\n")
    with emulator("--profile", str(profile)) as cloud:
        ended = ali_import("check", env=cloud.env)
        assert ended.status == 3, ended.err
        failing = [line for line in ended.lines if line.startswith("fail ")]
        assert [line.split(":")[0] for line in failing] == ["fail import role"]
        assert "ali-import check --fix" in failing[0]
        unasked = ali_import("check", "--fix", env=cloud.env)
        assert (unasked.status, unasked.out) == (2, "")
        assert "--yes" in unasked.err
        mended = ali_import("check", "--fix", "-y", env=cloud.env)
        assert mended.status == 0, mended.err
        assert mended.lines[-1].startswith("ok import role: done: create the role")
        again = ali_import("check", "--fix", "-y", env=cloud.env)
        assert again.status == 0, again.err
        assert "nothing for --fix to do" in again.err
        wrong = ali_import("check", env={**cloud.env, SECRET: "wrong-wrong"})
        assert wrong.status == 4
        assert wrong.out.startswith("fail credentials:")
        trust = ali_import("check", "--trust", "github:a/b", env=cloud.env)
        (statement,) = json.loads(trust.out)["Statement"]
        assert "1234567890123456" in statement["Principal"]["Federated"][0]


@pytest.mark.parametrize(
    "names", [["eu-central-1", "us-west-1"], ["cn-hangzhou", "cn-heyuan"]]
)
def test_the_policy_that_is_printed_is_enough(
    execute: Exec,
    disks: list[Path],
    wanted: list[Expected],
    tmp_path: Path,
    names: list[str],
) -> None:
    where = regions(*names)
    printed = ali_import("check", "--policy", "--public", *where, env={})
    assert printed.status == 0, printed.err
    user = f"""
[[account.users]]
name = "publisher"
access_key_id = "LTAI-publisher"
access_key_secret = "publisher-secret"
policies = [{inline(json.loads(printed.out))}]
"""
    options = ("--profile", toml_profile(tmp_path, user), "--as", "publisher")
    ended, report = execute("--public", *FLAGS, *where, *disks[:2], options=options)
    assert ended.status == 0, ended.err
    assert problems(report, wanted[:2], public=True, regions=names) == []
    codes = {error.rpartition(":")[2] for error in report["requests"]["errors"]}
    assert not codes & {"Forbidden.RAM", "AccessDenied", "NoPermission"}
