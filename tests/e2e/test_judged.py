"""Clouds and weathers that once got the better of the tool, as processes."""

from pathlib import Path

import pytest

from tests.e2e.conftest import FLAGS
from tests.e2e.test_weather import regions, toml_profile
from tests.support.audit import Expected, left_behind, problems
from tests.support.emulator import emulator
from tests.support.tool import ali_import

pytestmark = pytest.mark.e2e


def test_a_source_is_found_beyond_many_regions_that_refuse_uploads(
    disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    profile = toml_profile(tmp_path, "[account]\nfc_enabled = false\n")
    with emulator("--profile", str(profile)) as cloud:
        flags = ("--public", *FLAGS, *regions("cn-hangzhou"))
        ended = ali_import(*flags, disks[0], env=cloud.env)
        assert ended.status == 0, ended.err
        state = cloud.get("/state")
    assert problems(state, wanted[:1], public=True, regions=["cn-hangzhou"]) == []


def test_why_nobody_could_lend_the_image_is_told(
    disks: list[Path], tmp_path: Path
) -> None:
    profile = toml_profile(tmp_path, "[account]\narrears = true\n")
    with emulator("--profile", str(profile)) as cloud:
        ended = ali_import(*FLAGS, *regions("cn-heyuan"), disks[0], env=cloud.env)
        assert ended.status == 4, ended.err
        assert "Account.Arrearage" in ended.err
        assert "outstanding payment" in ended.err
        state = cloud.get("/state")
    assert all(not left_behind(there) for there in state["regions"].values())
