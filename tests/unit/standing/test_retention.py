"""Which images of older versions are dispensable: the rules, one by one."""

from typing import Any

import pytest

from ali_import import Fate, ImageStatus, Pruning, Retention, Standing, StandingImage
from ali_import.publish.lease import TAG_DEPRECATED
from ali_import.standing.retention import judge, judge_again
from tests.unit.standing.samples import standing

NOW = 1_000_000.0
RULES = Retention(keep=1, deprecate=True, delete_after_s=100.0)
OLD: dict[str, Any] = {"created_at": 1.0}
NEW: dict[str, Any] = {"created_at": 2.0}
DEPRECATED: dict[str, Any] = {"status": ImageStatus.DEPRECATED, **OLD}


def judged(
    *images: StandingImage, rules: Retention = RULES, families: Any = ("demo",)
) -> Pruning:
    regions = tuple(sorted({image.region for image in images}))
    return judge(Standing(regions=regions, images=images), families, rules, now=NOW)


def fates(pruning: Pruning) -> dict[str, Fate]:
    return {verdict.image.name: verdict.fate for verdict in pruning.verdicts}


def fate(rules: Retention = RULES, /, **old: Any) -> Fate:
    """Return what becomes of an older image that is like this."""
    pruning = judged(
        standing("demo-1", **{**OLD, **old}), standing("demo-2", **NEW), rules=rules
    )
    (verdict,) = pruning.verdicts
    assert bool(verdict.why) or verdict.fate is not Fate.KEEP
    return verdict.fate


def since(seconds: float) -> dict[str, str]:
    return {TAG_DEPRECATED: str(int(NOW - seconds))}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, Fate.DEPRECATE),
        ({"public": True}, Fate.DEPRECATE),
        ({"tags": since(1000)}, Fate.DEPRECATE),  # it was made Available again
        ({**DEPRECATED, "tags": since(99)}, Fate.WAIT),
        ({**DEPRECATED, "tags": since(100)}, Fate.DELETE),
        ({**DEPRECATED, "tags": since(-100)}, Fate.WAIT),
        (DEPRECATED, Fate.DEPRECATE),  # somebody else did it: it counts from now on
        ({**DEPRECATED, "tags": {TAG_DEPRECATED: "soon"}}, Fate.DEPRECATE),
        ({**DEPRECATED, "tags": {TAG_DEPRECATED: "-1"}}, Fate.DEPRECATE),
        ({"in_use": True}, Fate.KEEP),
        ({**DEPRECATED, "tags": since(1000), "in_use": True}, Fate.KEEP),
        ({"shared": True}, Fate.KEEP),
        ({**DEPRECATED, "tags": since(1000), "shared": True}, Fate.KEEP),
        ({"status": ImageStatus.CREATING}, Fate.KEEP),
        ({"status": ImageStatus.CREATE_FAILED}, Fate.KEEP),
        ({"status": ImageStatus.UNAVAILABLE}, Fate.KEEP),
    ],
)
def test_what_becomes_of_an_older_image(image: dict[str, Any], expected: Fate) -> None:
    assert fate(**image) is expected


def test_shared_images_are_included_if_that_is_wanted() -> None:
    rules = Retention(keep=1, deprecate=True, delete_after_s=100, shared=True)
    assert fate(rules, shared=True) is Fate.DEPRECATE
    due = {**DEPRECATED, "tags": since(100), "shared": True}
    assert fate(rules, **due) is Fate.DELETE


def test_nothing_is_deprecated_or_deleted_that_was_not_asked_for() -> None:
    assert fate(Retention(keep=1, delete_after_s=100)) is Fate.KEEP
    only_deprecate = Retention(keep=1, deprecate=True)
    assert fate(only_deprecate, **DEPRECATED, tags=since(1e6)) is Fate.WAIT
    only_delete = Retention(keep=1, delete_after_s=100)
    assert fate(only_delete, **DEPRECATED) is Fate.WAIT
    assert fate(only_delete, **DEPRECATED, tags=since(100)) is Fate.DELETE


@pytest.mark.parametrize("keep", [1, 2, 3, 4])
def test_the_newest_versions_stay_by_their_first_creation(keep: int) -> None:
    ages = {"demo-9": 10.0, "demo-10": 20.0, "demo-1": 30.0}
    pruning = judged(
        *(
            standing(name, region, created_at=created_at + shift)
            for name, created_at in ages.items()
            # In one region, the oldest was made again yesterday.
            for region, shift in (
                ("cn-hangzhou", 0.0),
                ("eu-west-1", 1e5 if name == "demo-9" else 0.0),
            )
        ),
        rules=Retention(keep=keep, deprecate=True),
    )
    order = ("demo-1", "demo-10", "demo-9")
    assert pruning.kept == {"demo": order[:keep]}
    assert set(fates(pruning)) == set(order[keep:])


def test_a_version_is_all_its_flavours() -> None:
    images = [
        standing(f"{name}{suffix}", family=f"demo{suffix}", created_at=created_at)
        for name, created_at in (("demo-1", 1.0), ("demo-2", 2.0))
        for suffix in ("", "-uefi-arm64")
    ]
    assert judged(*images).kept == {"demo": ("demo-2",)}
    assert fates(judged(*images)) == {
        "demo-1": Fate.DEPRECATE,
        "demo-1-uefi-arm64": Fate.DEPRECATE,
    }
    one = judged(*images, families=("demo-uefi-arm64",))
    assert fates(one) == {"demo-1-uefi-arm64": Fate.DEPRECATE}


def test_what_a_family_resolves_to_stays_whatever_its_version() -> None:
    """The newer version is not there in one region: the older one must not go."""
    pruning = judged(
        standing("demo-1", "cn-hangzhou", **OLD),
        standing("demo-1", "eu-west-1", **OLD),
        standing("demo-2", "eu-west-1", **NEW),
    )
    by_region = {v.image.region: v for v in pruning.verdicts}
    assert by_region["eu-west-1"].fate is Fate.DEPRECATE
    assert by_region["cn-hangzhou"].fate is Fate.KEEP
    assert "demo resolves to it" in by_region["cn-hangzhou"].why


@pytest.mark.parametrize(
    "newer",
    [
        {"status": ImageStatus.DEPRECATED},
        {"status": ImageStatus.CREATING},
        {"family": "other"},
    ],
)
def test_only_an_available_image_of_the_family_takes_its_place(
    newer: dict[str, Any],
) -> None:
    pruning = judged(
        standing("demo-1", "cn-hangzhou", **OLD),
        standing("demo-2", "cn-hangzhou", **NEW, **newer),
        standing("demo-2", "eu-west-1", **NEW),
    )
    (verdict,) = pruning.verdicts
    assert (verdict.image.name, verdict.fate) == ("demo-1", Fate.KEEP)


def test_each_flavour_has_its_own_family_to_resolve() -> None:
    pruning = judged(
        standing("demo-1", **OLD),
        standing("demo-1-uefi-arm64", family="demo-uefi-arm64", **OLD),
        standing("demo-2", **NEW),
    )
    assert fates(pruning) == {
        "demo-1": Fate.DEPRECATE,
        "demo-1-uefi-arm64": Fate.KEEP,
    }


@pytest.mark.parametrize("created_at", [0.0, 1.0])
def test_where_it_is_not_known_which_is_newest_all_may_be(created_at: float) -> None:
    pruning = judged(
        standing("demo-1", created_at=created_at),
        standing("demo-2", created_at=created_at),
    )
    assert Fate.DEPRECATE not in fates(pruning).values()


def test_foreign_images_stay_but_count_for_what_resolves() -> None:
    foreign = standing("theirs", sha256="", run_id="", created_at=9.0)
    images = (standing("demo-1", **OLD), standing("demo-2", **NEW), foreign)
    assert fates(judged(*images)) == {"demo-1": Fate.DEPRECATE}
    rules = Retention(keep=1, deprecate=True, untagged=True)
    assert fates(judged(*images, rules=rules)) == {
        "demo-1": Fate.DEPRECATE,
        "demo-2": Fate.DEPRECATE,
    }


def test_other_families_are_not_looked_at() -> None:
    images = (
        standing("demo-1", **OLD),
        standing("demo-2", **NEW),
        standing("other-1", family="other", **OLD),
        standing("other-2", family="other", **NEW),
        standing("none-1", family="", **OLD),
    )
    assert set(fates(judged(*images))) == {"demo-1"}
    assert set(fates(judged(*images, families=("other", "demo")))) == {
        "demo-1",
        "other-1",
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Fate.DEPRECATE),
        ({"in_use": True}, Fate.KEEP),
        ({"shared": True}, Fate.KEEP),
        ({"name": "demo-0"}, Fate.KEEP),
        ({"family": "other"}, Fate.KEEP),
        ({"image_id": "m-2"}, Fate.KEEP),
        ({**DEPRECATED, "tags": since(1000)}, Fate.KEEP),
        (DEPRECATED, Fate.DEPRECATE),
    ],
)
def test_what_has_changed_meanwhile_is_left_alone(
    change: dict[str, Any], expected: Fate
) -> None:
    old, new = standing("demo-1", **OLD), standing("demo-2", **NEW)
    pruning = judged(old, new)
    (verdict,) = pruning.verdicts
    now_there = standing("demo-1", **{**OLD, "image_id": old.image_id, **change})
    again = judge_again(pruning, verdict, [now_there, new], now=NOW)
    assert again.fate is expected
    assert bool(again.why) == (expected is Fate.KEEP or change == DEPRECATED)


def test_what_its_family_resolves_to_by_now_is_left_alone() -> None:
    old, new = standing("demo-1", **OLD), standing("demo-2", **NEW)
    pruning = judged(old, new)
    (verdict,) = pruning.verdicts
    assert judge_again(pruning, verdict, [old], now=NOW).fate is Fate.KEEP
