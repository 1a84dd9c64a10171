"""``check`` on clouds with each thing missing in turn."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ali_import.cloud.calls import Call, Cloud
from ali_import.cloud.values import Identity
from ali_import.publish.context import steadied
from ali_import.publish.model import Options
from ali_import.standing.check import check, fix
from ali_import.standing.finding import Finding, Grade
from alicloud_emulator.world.faults import Do
from alicloud_emulator.world.profile import Profile
from alicloud_emulator.world.system_policies import IMPORT_ROLE as ROLE
from tests.simulation.plan import ACCOUNT
from tests.simulation.scene import PROFILE, REGIONS, Scene, in_a_scene


async def checked(scene: Scene, **options: Any) -> dict[str, Finding]:
    cloud = steadied(scene.cloud, Random(1), scene.heard.append)
    found = await check(cloud, Options(**options), now=scene.now)
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
    "permissions": Grade.OK,
    "other permissions": Grade.UNKNOWN,  # there is no dry run of them
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
        ({"import_role": False}, "import role", Grade.FAIL, "check --fix"),
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


@pytest.mark.parametrize(
    "action",
    [
        *("ImportImage", "CopyImage", "ModifyImageAttribute", "DeleteImage"),
        *("DescribeTasks", "DescribeTaskAttribute", "DescribeSnapshots"),
    ],
)
def test_a_permission_that_is_missing_is_named(action: str) -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.REFUSE, action, code="Forbidden.RAM", status=403)
        found = await checked(scene)
        assert found["permissions"].grade is Grade.FAIL
        assert found["permissions"].text.endswith(f": ecs:{action}")
        others = {k: g for k, g in grades(found).items() if k != "permissions"}
        assert others == {k: g for k, g in GOOD.items() if k != "permissions"}

    in_a_scene(scenario)


def test_what_may_pass_is_unknown_and_what_the_account_owes_fails() -> None:
    for code, grade in (
        ("Throttling", Grade.UNKNOWN),
        ("Account.Arrearage", Grade.FAIL),
    ):

        async def scenario(
            scene: Scene, code: str = code, grade: Grade = grade
        ) -> None:
            scene.strike(Do.REFUSE, "CopyImage", code=code, status=400)
            assert (await checked(scene))["permissions"].grade is grade

        in_a_scene(scenario)


def test_who_may_not_see_the_role_hears_from_a_dry_run_that_it_is_missing() -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.REFUSE, "GetRole", code="NoPermission", status=403)
        found = await checked(scene)
        assert found["import role"].grade is Grade.FAIL
        assert found["import role"].fix

    in_a_scene(scenario, account(import_role=False))


def test_fixing_makes_the_role_and_is_repeatable() -> None:
    async def scenario(scene: Scene) -> None:
        cloud = steadied(scene.cloud, Random(1), scene.heard.append)
        before = (await checked(scene))["import role"]
        for _ in range(2):
            assert (await fix(cloud, before)).grade is Grade.OK
        assert (await checked(scene))["import role"].grade is Grade.OK
        report = await scene.publish(regions=REGIONS)
        assert all(outcome.result.good for outcome in report.outcomes)

    in_a_scene(scenario, account(import_role=False))


def test_a_role_without_its_policy_is_given_it() -> None:
    async def scenario(scene: Scene) -> None:
        cloud = steadied(scene.cloud, Random(1), scene.heard.append)
        people = scene.world.ram.people(ACCOUNT)
        role = people.role(ROLE)
        assert role is not None
        role.attached.clear()
        found = (await checked(scene))["import role"]
        assert (found.grade, "create" in found.fix) == (Grade.FAIL, False)
        assert (await fix(cloud, found)).grade is Grade.OK
        assert (await checked(scene))["import role"].grade is Grade.OK
        role.attached = {("System", "AliyunOSSFullAccess"): 0.0}
        assert (await checked(scene))["import role"].grade is Grade.WARN

    in_a_scene(scenario)


def test_a_role_that_trusts_somebody_else_is_told_and_left_alone() -> None:
    async def scenario(scene: Scene) -> None:
        role = scene.world.ram.people(ACCOUNT).role(ROLE)
        assert role is not None
        role.trust = {"Version": "1", "Statement": [{"Principal": {"RAM": ["x"]}}]}
        found = (await checked(scene))["import role"]
        assert (found.grade, found.fix) == (Grade.FAIL, "")
        assert "ecs.aliyuncs.com" in found.text

    in_a_scene(scenario)


def test_a_refusal_to_make_the_role_is_a_finding() -> None:
    async def scenario(scene: Scene) -> None:
        cloud = steadied(scene.cloud, Random(1), scene.heard.append)
        found = (await checked(scene))["import role"]
        scene.strike(Do.REFUSE, "CreateRole", code="NoPermission", status=403)
        ended = await fix(cloud, found)
        assert ended.grade is Grade.FAIL
        assert "ram.CreateRole: NoPermission" in ended.text

    in_a_scene(scenario, account(import_role=False))


@pytest.mark.parametrize(
    ("ahead_s", "grade", "text"),
    [
        (0.0, Grade.OK, "within seconds"),
        (240.0, Grade.WARN, "ahead of"),
        (-240.0, Grade.WARN, "behind"),
    ],
)
def test_a_clock_that_is_wrong_is_told(ahead_s: float, grade: Grade, text: str) -> None:
    async def scenario(scene: Scene) -> None:
        cloud = steadied(scene.cloud, Random(1), scene.heard.append)
        found = await check(cloud, Options(), now=lambda: scene.now() + ahead_s)
        (clock,) = (finding for finding in found if finding.subject == "clock")
        assert clock.grade is grade
        assert text in clock.text

    in_a_scene(scenario)


def test_a_clock_that_no_signature_is_taken_from_is_told_as_such() -> None:
    async def scenario(scene: Scene) -> None:
        strike("GetCallerIdentity", code="InvalidTimeStamp.Expired")(scene)
        (found,) = (await checked(scene)).values()
        assert (found.subject, found.grade) == ("clock", Grade.FAIL)
        assert "this machine's clock" in found.advice

    in_a_scene(scenario)


class KeysOf:
    """A cloud whose keys are temporary."""

    def __init__(self, cloud: Cloud, expires_at: float) -> None:
        self._cloud = cloud
        self._expires_at = expires_at

    async def call(self, call: Call[Any], /) -> Any:
        answer = await self._cloud.call(call)
        if isinstance(answer, Identity):
            return replace(answer, temporary=True, expires_at=self._expires_at)
        return answer


@pytest.mark.parametrize(
    ("life_s", "grade", "text"),
    [
        (36000.0, Grade.OK, "expire in 600 min"),
        (600.0, Grade.OK, "renewed before that"),
        (None, Grade.WARN, "when they expire is not known"),
    ],
)
def test_the_life_of_the_keys_is_told(
    life_s: float | None, grade: Grade, text: str
) -> None:
    async def scenario(scene: Scene) -> None:
        expires_at = 0.0 if life_s is None else scene.now() + life_s
        keyed = KeysOf(scene.cloud, expires_at)
        cloud = steadied(keyed, Random(1), scene.heard.append)
        found = (await check(cloud, Options(), now=scene.now))[0]
        assert (found.subject, found.grade) == ("credentials", grade)
        assert text in found.text

    in_a_scene(scenario)


def test_a_region_that_does_not_exist_fails() -> None:
    async def scenario(scene: Scene) -> None:
        found = await checked(scene, regions=("cn-x", REGIONS[0], "cn-y"))
        assert found["regions"].grade is Grade.FAIL
        assert "cn-x, cn-y" in found["regions"].text
        assert found["images"].grade is Grade.OK
        forgiven = await checked(scene, allow_failure=frozenset({"eu-central-2"}))
        assert forgiven["regions"].grade is Grade.FAIL
        assert "did you mean eu-central-1?" in forgiven["regions"].advice

    in_a_scene(scenario)
