"""What stands, over all regions: of a whole small cloud, in virtual time."""

from random import Random

import pytest

from ali_import.cloud.steady import Steady
from ali_import.errors import ConfigurationError
from ali_import.publish.context import steadied
from ali_import.standing.images import Standing, look, matching, without_suffix
from alicloud_emulator.world.faults import Do
from tests.simulation.scene import REGIONS, Scene, in_a_scene, profile
from tests.unit.standing.samples import standing


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("ipxe-1.21", "ipxe-1.21"),
        ("ipxe-1.21-uefi-x86-64", "ipxe-1.21"),
        ("ipxe-1.21-uefi-arm64", "ipxe-1.21"),
        ("ipxe-1.21-uefi-multi", "ipxe-1.21"),
        ("ipxe-uefi-multi-uefi-arm64", "ipxe-uefi-multi"),
        ("-uefi-arm64", "-uefi-arm64"),
        ("", ""),
    ],
)
def test_a_version_is_the_name_without_the_suffix(text: str, without: str) -> None:
    assert without_suffix(text) == without


@pytest.mark.parametrize(
    ("name", "family", "untagged", "found"),
    [
        ("", "", False, ["a-1", "a-1-uefi-arm64", "b-1"]),
        ("", "", True, ["a-1", "a-1-uefi-arm64", "b-1", "foreign"]),
        ("a-1", "", False, ["a-1", "a-1-uefi-arm64"]),
        ("a-1-uefi-arm64", "", False, ["a-1-uefi-arm64"]),
        ("*-1", "", False, ["a-1", "a-1-uefi-arm64", "b-1"]),
        ("a", "", False, []),
        ("", "a", False, ["a-1", "a-1-uefi-arm64"]),
        ("", "a-uefi-arm64", False, ["a-1-uefi-arm64"]),
        ("", "?", False, ["a-1", "a-1-uefi-arm64", "b-1"]),
        ("b-*", "a", True, []),
    ],
)
def test_images_are_found_by_name_version_and_family(
    name: str,
    family: str,
    untagged: bool,
    found: list[str],
) -> None:
    images = [
        standing("a-1", family="a"),
        standing("a-1-uefi-arm64", family="a-uefi-arm64"),
        standing("b-1", family="b"),
        standing("foreign", family="", sha256="", run_id=""),
    ]
    wanted = matching(name, family, untagged=untagged)
    assert [image.name for image in images if wanted(image)] == found


async def seen(scene: Scene, *regions: str) -> Standing:
    wanted = matching("", "", untagged=False)
    return await look(steady(scene), regions=regions, wanted=wanted)


def steady(scene: Scene) -> Steady:
    return steadied(scene.cloud, Random(3), scene.heard.append)


def test_it_tells_what_the_cloud_knows_of_each_image() -> None:
    async def scenario(scene: Scene) -> None:
        began = scene.now()
        await scene.publish(public=True)
        (one, other) = scene.images()
        one.shared_with["1" * 16] = scene.now()
        standing = await seen(scene)
        assert standing.regions == REGIONS
        assert standing.unseen == ()
        first, second = standing.images
        assert (first.region, second.region) == REGIONS
        assert (first.name, first.family, first.version) == ("demo-1", "demo", "demo-1")
        assert (first.image_id, second.image_id) == (one.image_id, other.image_id)
        assert first.public
        assert (first.shared, second.shared) == (True, False)
        assert first.ours
        assert first.run_id == "0123abcd"
        assert began - 1 <= first.created_at <= scene.now()

    in_a_scene(scenario)


def test_temporary_images_and_those_of_others_do_not_stand() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.publish()
        one, other = scene.images()
        one.name = "ali-import-src-0123"
        del other.tags["ali-import:sha256"]
        assert (await seen(scene)).images == ()

    in_a_scene(scenario)


def test_a_region_that_cannot_be_asked_is_told_and_holds_up_no_other() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.publish()
        scene.strike(
            Do.REFUSE,
            "DescribeImages",
            region=REGIONS[0],
            code="Forbidden.RAM",
            status=403,
        )
        standing = await seen(scene)
        assert standing.regions == REGIONS[1:]
        assert [image.region for image in standing.images] == [REGIONS[1]]
        (error,) = standing.unseen
        assert (error.region, error.code) == (REGIONS[0], "Forbidden.RAM")
        assert error.advice

    in_a_scene(scenario)


def test_every_wrong_region_is_named_at_once() -> None:
    async def scenario(scene: Scene) -> None:
        with pytest.raises(ConfigurationError, match="cn-y, cn-x: no such region"):
            await seen(scene, "cn-y", REGIONS[0], "cn-x")

    in_a_scene(scenario, profile(*REGIONS))
