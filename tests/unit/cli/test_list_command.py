"""``ali-import list``: versions as a person reads them."""

from typing import Any

import pytest

from ali_import import ImageStatus, Standing, StandingImage
from ali_import.cli.list import age, table, versions
from tests.unit.standing.samples import standing

REGIONS = tuple(f"eu-west-{n}" for n in range(1, 6))
FLAVOURS = ("", "-uefi-arm64")
NOW = 1000.0 + 3 * 86400


def release(name: str, *regions: str, **changes: Any) -> list[StandingImage]:
    return [
        standing(f"{name}{suffix}", region, family=f"demo{suffix}", **changes)
        for region in regions or REGIONS
        for suffix in FLAVOURS
    ]


def lines(*images: StandingImage) -> list[str]:
    listed = Standing(regions=REGIONS, images=images)
    return [" ".join(line.split()) for line in table(listed, NOW)][1:]


def test_a_version_that_is_the_same_everywhere_is_one_line() -> None:
    images = release("demo-1", public=True)
    assert lines(*images) == ["demo demo-1 2 5 Available public 3 d"]


def test_the_newest_version_comes_first_whatever_its_name() -> None:
    images = [*release("demo-10", created_at=1.0), *release("demo-9", created_at=2.0)]
    ordered = versions(Standing(regions=REGIONS, images=tuple(images)))
    assert [version.name for version in ordered] == ["demo-9", "demo-10"]


def test_a_version_is_as_old_as_its_first_image() -> None:
    images = release("demo-1", REGIONS[0], created_at=NOW)
    images += release("demo-1", *REGIONS[1:], created_at=NOW - 7200)
    (version,) = versions(Standing(regions=REGIONS, images=tuple(images)))
    assert version.created_at == NOW - 7200


def test_gaps_are_named() -> None:
    images = release("demo-1")
    del images[3]  # an arm64 image, in the second region
    assert lines(*images) == [
        "demo demo-1 2 4/5 Available private 3 d",
        f"demo-1-uefi-arm64: not in {REGIONS[1]}",
    ]


def test_where_most_regions_lack_it_those_that_have_it_are_named() -> None:
    assert lines(*release("demo-1", *REGIONS[:2])) == [
        "demo demo-1 2 2/5 Available private 3 d",
        f"every image: only in {REGIONS[0]}, {REGIONS[1]}",
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": ImageStatus.DEPRECATED}, "Deprecated"),
        ({"usable": False}, "Available (not usable yet)"),
        ({"public": False}, "private"),
        ({"shared": True}, "public, shared"),
        ({"family": "other"}, "family other"),
        ({"family": ""}, "family none"),
    ],
)
def test_what_differs_is_named_with_its_region(
    changes: dict[str, Any], told: str
) -> None:
    images = release("demo-1", public=True)
    images[2] = standing(
        "demo-1",
        REGIONS[1],
        **{"family": "demo", "public": True, **changes},
    )
    assert lines(*images)[1:] == [f"demo-1: {told} in {REGIONS[1]}"]


def test_what_is_the_same_for_all_images_is_said_once() -> None:
    images = release("demo-1", REGIONS[0], status=ImageStatus.DEPRECATED)
    images += release("demo-1", *REGIONS[1:])
    assert lines(*images)[1:] == [f"every image: Deprecated in {REGIONS[0]}"]


def test_a_cloud_cannot_write_to_the_terminal() -> None:
    image = standing("demo-1", family="a\x1b[2J\nb", region=REGIONS[0])
    for line in table(Standing(regions=REGIONS, images=(image,)), NOW):
        assert "\x1b" not in line
        assert "\n" not in line


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-5, "0 min"), (59 * 60, "59 min"), (5 * 3600, "5 h"), (9 * 86400, "9 d")],
)
def test_ages_are_in_one_unit(seconds: float, told: str) -> None:
    assert age(seconds) == told
