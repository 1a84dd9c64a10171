import re
from pathlib import Path

import pytest

from alicloud_emulator.world.checked import ProfileError
from alicloud_emulator.world.profile import (
    OssMode,
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
    ("text", "says"),
    [
        ("[durations]\nimport_seconds = 1", "[durations] has no key 'import_seconds'"),
        ("foo = 1", "unknown key 'foo'"),
        ('extends = "nothing"', "no profile 'nothing'"),
        ('[regions]\ncn-hangzhou = { oss = "maybe" }', "one of open, no-new-buckets"),
        ("[regions]\ncn-hangzhou = { dead = 1 }", "true or false"),
        ("[regions]\ncn-hangzhou = 1", "[regions.cn-hangzhou] is a table"),
        ("[regions]\ncn-hangzhou = { slow = -1 }", "from 0"),
        ("regions = 1", "[regions] is a table"),
        ('[account]\noss_since = "nwe"', "oss_since = 'nwe': it is one of new, old"),
        ('[account]\nagreement_signed = "no"', "true or false"),
        ("[account]\nid = 1234567890123456", "a text"),
        ("account = 1", "[account] is a table"),
        ("[account]\nusers = 1", "users is a list"),
        ("[[account.users]]\npolicies = [1]", "policies is a table"),
        ("[[account.users]]\naccess_key_id = 'k'", "has no 'name'"),
        ("[[account.users]]\nname = 'a'\naccess_key_id = 'LTAI-emulator'", "two have"),
        ("[[accounts]]\nid = '1'", "[[accounts]] has no 'access_key_id'"),
        ("[durations]\nimport_s = -5", "import_s = -5: it is a number from 0"),
        ("[durations]\nimport_s = nan", "a number from 0"),
        ("[durations]\nimport_s = inf", "a number from 0"),
        ("[durations]\nimport_s = true", "a number from 0"),
        ("[limits]\nimports_running = 1.5", "a whole number"),
        ('[limits]\ncopy_conflict = "wait"', "one of copying, refuse, queue"),
        ("[weather]\ncall_failure = 1.5", "from 0 to 1"),
        ('[account]\nid = ""', "id = '': it is a text that is not empty"),
        ("[account]\naccess_key_id = ''", "a text that is not empty"),
        ("[[account.users]]\nname = ''", "a text that is not empty"),
        ('[regions."cn north"]\nfc = false', "[regions.cn north] is no id of a region"),
        ("[[account.users]]\nname = 'a'\npolicies = [{ Foo = 1 }]", "Version must be"),
        (
            "[[account.roles]]\nname = 'a'\ntrust = { Version = '1' }",
            "[[account.roles]] trust: Statement must be a list",
        ),
        ("this is not TOML", "line 2"),
        ("a = " + "[" * 100_000, "nested too deep"),
    ],
)
def test_a_profile_that_says_something_impossible_is_refused_by_name(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "bad.toml"
    extends = "" if "extends" in text else 'extends = "fast"\n'
    path.write_text(f"{extends}{text}\n")
    with pytest.raises(ProfileError, match=re.escape(says)):
        load_profile(str(path))


def test_a_profile_that_extends_nothing_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[regions]\n")
    with pytest.raises(ProfileError, match="'account' is missing"):
        load_profile(str(path))
