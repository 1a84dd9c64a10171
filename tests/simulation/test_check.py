"""``check`` on clouds with each thing missing in turn."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ali_import.publish.context import steadied
from ali_import.publish.model import Options
from ali_import.standing.check import Finding, Grade, check
from alicloud_emulator.world.faults import Do
from alicloud_emulator.world.profile import Profile
from tests.simulation.scene import PROFILE, REGIONS, Scene, in_a_scene


async def checked(scene: Scene, **options: Any) -> dict[str, Finding]:
    cloud = steadied(scene.cloud, Random(1), scene.heard.append)
    found = await check(cloud, Options(**options), now=scene.now())
    assert len({finding.subject for finding in found}) == len(found)
    return {finding.subject: finding for finding in found}


def account(**changes: Any) -> Profile:
    (one,) = PROFILE.accounts
    return replace(PROFILE, accounts=(replace(one, **changes),))


def grades(found: dict[str, Finding]) -> dict[str, Grade]:
    return {subject: finding.grade for subject, finding in found.items()}


GOOD = {
    "credentials": Grade.OK,
    "clock": Grade.OK,
    "regions": Grade.OK,
    "images": Grade.OK,
    "import role": Grade.OK,
    "object storage": Grade.UNKNOWN,  # nothing but storing data tells
    "functions": Grade.OK,
    "permissions": Grade.UNKNOWN,
}


def test_a_good_account_has_nothing_to_complain_of() -> None:
    async def scenario(scene: Scene) -> None:
        assert grades(await checked(scene)) == GOOD
        unasked = await checked(scene, public=True)
        assert grades(unasked) == {**GOOD, "terms": Grade.UNKNOWN}
        await scene.publish()
        asked = await checked(scene, public=True)
        assert grades(asked) == {**GOOD, "terms": Grade.OK}
        assert asked["images"].text.startswith("at most 1 in a region")
        assert not any(image.public for image in scene.images())

    in_a_scene(scenario)


def test_nothing_is_changed() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.publish()
        before = [vars(image).copy() for image in scene.images()]
        await checked(scene, public=True)
        assert [vars(image) for image in scene.images()] == before
        assert scene.rooms() == []

    in_a_scene(scenario)


@pytest.mark.parametrize(
    ("changes", "subject", "grade", "advice"),
    [
        ({"import_role": False}, "import role", Grade.FAIL, "create it once"),
        ({"fc_enabled": False}, "functions", Grade.WARN, "activate Function Compute"),
        ({"agreement_signed": False}, "terms", Grade.FAIL, "accept the Community"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(
    changes: dict[str, Any], subject: str, grade: Grade, advice: str
) -> None:
    async def scenario(scene: Scene) -> None:
        if subject == "terms":
            await scene.publish()
        found = await checked(scene, public=subject == "terms")
        assert found[subject].grade is grade
        assert advice in found[subject].advice
        others = {key: g for key, g in grades(found).items() if key != subject}
        assert others == {key: g for key, g in GOOD.items() if key != subject}

    in_a_scene(scenario, account(**changes))


def strike(
    action: str, code: str = "Forbidden.RAM", **more: Any
) -> Callable[[Scene], None]:
    def spoil(scene: Scene) -> None:
        scene.strike(Do.REFUSE, action, code=code, status=403, **more)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "subject", "grade"),
    [
        (strike("GetCallerIdentity"), "credentials", Grade.FAIL),
        (strike("GetRole"), "import role", Grade.UNKNOWN),
        (strike("DescribeImages", region=REGIONS[0]), "images", Grade.FAIL),
        (strike("ListBuckets"), "object storage", Grade.FAIL),
        (strike("ListFunctions"), "functions", Grade.WARN),
    ],
)
def test_what_is_refused_is_told(
    spoil: Callable[[Scene], None], subject: str, grade: Grade
) -> None:
    async def scenario(scene: Scene) -> None:
        spoil(scene)
        found = await checked(scene)
        assert found[subject].grade is grade
        assert "Forbidden.RAM" in found[subject].text

    in_a_scene(scenario)


def test_a_region_that_does_not_exist_fails() -> None:
    async def scenario(scene: Scene) -> None:
        found = await checked(scene, regions=("cn-x", REGIONS[0], "cn-y"))
        assert found["regions"].grade is Grade.FAIL
        assert "cn-x, cn-y" in found["regions"].text
        assert found["images"].grade is Grade.OK

    in_a_scene(scenario)
