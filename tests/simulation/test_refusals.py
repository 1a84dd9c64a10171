"""What the cloud refuses the whole account is told once, and stops others from trying."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ali_import.cloud.calls import Call
from ali_import.errors import ConfigurationError
from ali_import.publish.context import steadied
from ali_import.publish.model import Options, Result
from ali_import.standing.account import refuse_account
from alicloud_emulator.world.faults import Do
from tests.simulation.scene import PROFILE, REGIONS, Scene, in_a_scene


class Noting:
    """A cloud that counts what it is asked."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.count: Counter[str] = Counter()

    async def call(self, call: Call[Any], /) -> Any:
        self.count[type(call).__name__] += 1
        return await self._scene.cloud.call(call)


def test_a_missing_role_is_found_out_by_one_placement() -> None:
    async def scenario(scene: Scene) -> None:
        # The other region needs a relay first, and this one takes its time.
        scene.strike(Do.DELAY, "CreateFunction", delay_s=5.0)
        noting = Noting(scene)
        report = await scene.run(Options(regions=REGIONS), noting).execute()
        assert noting.count["ImportImage"] == 1
        assert {outcome.code for outcome in report.outcomes} == {
            "NoSetRoletoECSServiceAcount"
        }
        assert {outcome.region for outcome in report.outcomes} == set(REGIONS)
        assert all(outcome.result is Result.FAILED for outcome in report.outcomes)
        assert report.leftovers == ()

    (account,) = PROFILE.accounts
    in_a_scene(
        scenario, replace(PROFILE, accounts=(replace(account, import_role=False),))
    )


@pytest.mark.parametrize("code", ["UserDisable", "Account.Arrearage"])
def test_an_account_that_is_blocked_is_told_before_anything_is_made(code: str) -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.REFUSE, "ListBuckets", code=code, status=403)
        cloud = steadied(scene.cloud, Random(1), scene.heard.append)
        with pytest.raises(ConfigurationError) as refused:
            await refuse_account(cloud)
        assert code in refused.value.diagnostics()
        assert refused.value.advice

    in_a_scene(scenario)


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", "ServiceUnavailable"])
def test_anything_else_is_no_reason_to_stop(code: str) -> None:
    async def scenario(scene: Scene) -> None:
        scene.strike(Do.REFUSE, "ListBuckets", code=code, status=503)
        await refuse_account(steadied(scene.cloud, Random(1), scene.heard.append))

    in_a_scene(scenario)
