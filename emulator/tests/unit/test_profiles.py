from pathlib import Path

import pytest

from alicloud_emulator.world.profile import (
    OssMode,
    ProfileError,
    load_profile,
    shipped_profiles,
)


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_has_all_regions(name: str) -> None:
    profile = load_profile(name)
    assert len(profile.regions) == 32
    assert all(region.name for region in profile.regions)
    assert profile.accounts[0].import_role


def test_the_fast_profile_has_every_kind_of_region() -> None:
    regions = load_profile("fast").regions
    mainland = [region for region in regions if region.mainland]
    assert all(region.id.startswith("cn-") for region in mainland)
    assert sum(region.fc for region in mainland) == 9
    closed = [r.id for r in regions if r.oss is OssMode.NO_NEW_BUCKETS]
    assert closed == ["cn-nanjing", "cn-fuzhou"]
    assert [r.id for r in regions if r.oss is OssMode.NONE] == ["us-southeast-1"]
    direct = [r for r in regions if not r.mainland and r.oss is OssMode.OPEN]
    assert len(direct) == 16


def test_the_variants_differ_in_one_thing() -> None:
    fast = load_profile("fast")
    assert fast.accounts[0].oss_since == "new"
    assert load_profile("old-account").accounts[0].oss_since == "old"
    without = load_profile("no-mainland-fc")
    assert not any(region.fc for region in without.regions if region.mainland)
    elsewhere = [region.fc for region in fast.regions if not region.mainland]
    assert [r.fc for r in without.regions if not r.mainland] == elsewhere
    realistic = load_profile("realistic").durations
    assert realistic.import_s > 100 * fast.durations.import_s
    assert realistic.scaled(20).throttle_window_s == 3.0


def test_a_profile_of_ones_own_extends_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "fast"\n[regions]\ncn-hangzhou = { dead = true }\n')
    profile = load_profile(str(path))
    found = profile.region("cn-hangzhou")
    assert found is not None
    assert found.dead
    assert found.mainland


@pytest.mark.parametrize(
    "text",
    [
        'extends = "fast"\n[durations]\nimport_seconds = 1\n',
        'extends = "fast"\nfoo = 1\n',
        'extends = "nothing"\n',
        'extends = "fast"\n[regions]\ncn-hangzhou = { oss = "maybe" }\n',
        "[regions]\n",
        "this is not TOML",
    ],
)
def test_a_profile_that_says_something_impossible_is_refused(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ProfileError):
        load_profile(str(path))
