"""Scenes that chance would seldom put together, and in which a rule shows that it holds.

Each changes what a seed has drawn as far as it has to, and leaves the rest to chance.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from alicloud_emulator.world.faults import Do
from alicloud_emulator.world.profile import Limits, OssMode
from tests.simulation import plan as plans
from tests.simulation.plan import End, Plan
from tests.simulation.troubles import let_one_import_fail
from tests.simulation.weather import Sky, Trouble
from tests.support.bridge import Out

SHARE: Final = 0.2
"""How many of the seeds are plays."""

Change = Callable[[Random, Plan], Plan]


@dataclass(frozen=True, kw_only=True)
class Play:
    """A scene, and its weather."""

    name: str
    change: Change
    troubles: tuple[Trouble, ...] = ()


def draw(seed: int) -> tuple[Plan, Play | None]:
    """Draw the scenario of a seed, and the play that it is, if it is one."""
    plan, rng = plans.draw(seed), Random(f"play {seed}")
    if rng.random() >= SHARE:
        return plan, None
    play = rng.choice(PLAYS)
    return play.change(rng, plan), play


def _plain(plan: Plan) -> Plan:
    """Let nobody interfere, and every region do what regions do."""
    account = replace(
        plan.profile.accounts[0],
        oss_since="new",
        agreement_signed=True,
        import_role=True,
        fc_enabled=True,
        arrears=False,
    )
    regions = tuple(
        replace(
            region,
            oss=OssMode.OPEN,
            fc=True,
            copy_in=True,
            copy_out=True,
            public_images=True,
            slow=1.0,
        )
        for region in plan.profile.regions
    )
    return replace(
        plan,
        profile=replace(
            plan.profile,
            accounts=(account, *plan.profile.accounts[1:]),
            regions=regions,
            limits=Limits(copy_conflict=plan.profile.limits.copy_conflict),
        ),
        options=replace(plan.options, regions=(), timeout_s=4 * 3600.0),
        existing=(),
        end=End.CLEAN,
        second_after_s=None,
        again_kill=0,
    )


def _regions(
    plan: Plan, *, mainland: int, fc: bool = True, copy_in: bool = True
) -> Plan:
    """Have one region abroad, which alone takes uploads, and some in the mainland."""
    abroad = plans.ABROAD[plan.seed % len(plans.ABROAD)]
    model = plan.profile.regions[0]
    regions = [replace(model, id=abroad, mainland=False)]
    for region_id in plans.MAINLAND[:mainland]:
        far = replace(model, id=region_id, mainland=True, fc=fc, copy_in=copy_in)
        regions.append(far)
    return replace(
        plan,
        profile=replace(plan.profile, regions=tuple(regions)),
        options=replace(plan.options, allow_failure=frozenset()),
    )


def _durations(plan: Plan, **seconds: float) -> Plan:
    durations = replace(plan.profile.durations, **seconds)
    return replace(plan, profile=replace(plan.profile, durations=durations))


# --- many copies at once --------------------------------------------------------------


def _many_copies(rng: Random, plan: Plan) -> Plan:
    """Every other region can do nothing but copy, from the same source, at once."""
    plan = _regions(_plain(plan), mainland=6, fc=False)
    limits = replace(plan.profile.limits, copy_conflict="queue")
    plan = replace(plan, profile=replace(plan.profile, limits=limits))
    return _durations(plan, copy_s=rng.uniform(30, 100), usable_s=0.0)


# --- stopped while what another run began is being made -------------------------------


def _stopped_after_adopting(rng: Random, plan: Plan) -> Plan:
    """A run is killed when it has asked for images; the next one is told to stop."""
    plan = _durations(_plain(plan), import_s=rng.uniform(60, 120))
    return replace(
        plan,
        end=End.KILL,
        end_at_making="ImportImage",
        again_kill=rng.randint(10, 60),
        again_stops=True,
        gives_up=False,
    )


# --- a copy that is seen late, after an import that failed ----------------------------


def _one_import_fails_seen_late(sky: Sky) -> str:
    region, lag_s = sky.asked_region(), sky.dice.uniform(3, 14)
    sky.lag(region, lag_s)
    return f"{let_one_import_fail(sky, region)}, where listings lag {lag_s:.0f} s"


def _copied_after_failing(_rng: Random, plan: Plan) -> Plan:
    return _plain(plan)


# --- one region is sick when the run is told to stop ----------------------------------


def _one_region_shows_nothing(sky: Sky) -> str:
    region = sky.asked_region()
    sky.rule(
        Do.REFUSE,
        code="ServiceUnavailable",
        status=503,
        service="ecs",
        action="DescribeImages",
        region=region,
        first=sky.dice.randint(2, 4),
    )
    sky.weather.spoiled.add(region)
    return f"{region} shows no images any more"


def _stopped_with_one_sick(rng: Random, plan: Plan) -> Plan:
    plan = _durations(_plain(plan), import_s=rng.uniform(60, 120))
    return replace(plan, end=End.INTERRUPT, end_at_call=rng.randint(60, 150))


# --- an import that is never answered, where there is no other way --------------------


def _imports_never_reply(sky: Sky) -> str:
    sky.rule(Do.DROP_AFTER, service="ecs", action="ImportImage")
    return "ImportImage never replies"


def _only_imports(rng: Random, plan: Plan) -> Plan:
    """One region abroad, which can neither copy nor fetch."""
    plan = _regions(_plain(plan), mainland=0)
    (lone,) = plan.profile.regions
    lone = replace(lone, fc=False, copy_in=False)
    plan = replace(plan, profile=replace(plan.profile, regions=(lone,)))
    return _durations(plan, import_s=rng.uniform(1, 30))


# --- somebody borrows late ------------------------------------------------------------


def _lent_for_long(rng: Random, plan: Plan) -> Plan:
    """The lender is done long before those who take its bytes, and nothing else."""
    plan = _regions(_plain(plan), mainland=rng.randint(1, 3), copy_in=False)
    # Smaller ones are not fetched: they fit into the call of a function.
    targets = tuple(plans.target(rng, number, plans.LARGE) for number in range(2))
    plan = replace(plan, targets=targets, rivals=targets)
    starts_s = rng.uniform(10, 20)
    return _durations(plan, import_s=1.0, usable_s=0.0, function_cold_start_s=starts_s)


# --- uploads that another run goes on with --------------------------------------------


def _one_large(rng: Random, plan: Plan) -> Plan:
    plan = _regions(_plain(plan), mainland=rng.randint(1, 2))
    targets = (plans.target(rng, 0, ("0123z456", "01234567z89")),)
    return replace(plan, targets=targets, rivals=targets, gives_up=False)


def _killed_in_an_upload(rng: Random, plan: Plan) -> Plan:
    plan = replace(_one_large(rng, plan), end=End.KILL, end_at_making="UploadPart")
    return replace(plan, again_kill=rng.choice((0, rng.randint(15, 40))))


def _parts_take_long(sky: Sky) -> str:
    delay_s = sky.dice.uniform(2, 6)
    sky.rule(Do.DELAY, service="oss", action="UploadPart", delay_s=delay_s)
    return f"each part takes {delay_s:.0f} s"


def _two_on_one_upload(rng: Random, plan: Plan) -> Plan:
    """The second finds what the first is sending; the first may be told to stop."""
    return replace(
        _one_large(rng, plan),
        end=rng.choice((End.CLEAN, End.INTERRUPT)),
        end_at_call=rng.randint(15, 60),
        end_at_making="",
        second_after_s=rng.uniform(0.5, 4),
    )


# --- bytes that are damaged on their way between regions ------------------------------


def _downloads_are_damaged(sky: Sky) -> str:
    rate = sky.dice.uniform(0.3, 0.7)
    sky.rule(Do.CORRUPT, rate=rate, service="oss", action="GetObject")
    return f"downloads are damaged {rate:.2f}"


def _only_fetches(rng: Random, plan: Plan) -> Plan:
    """Regions that can do nothing but let functions fetch."""
    return _regions(_plain(plan), mainland=rng.randint(1, 3), copy_in=False)


# --- deletions that somebody else answers ---------------------------------------------


def _deletions_of_functions_are_nothing(sky: Sky) -> str:
    times = sky.dice.randint(1, 3)
    sky.rule(Do.HTML, status=204, service="fc", action="DeleteFunction", times=times)
    return f"DeleteFunction does nothing and answers 204, {times} times"


# --- the resolver fails just when the only way is tried -------------------------------


def _resolver_away_early(sky: Sky) -> str:
    lasts_s = sky.dice.uniform(4, 12)
    sky.outage("oss", "*", 0.0, lasts_s, out=Out.NO_RESOLVER)
    return f"resolver away for oss for the first {lasts_s:.0f} s"


PLAYS: Final = (
    Play(name="killed in an upload", change=_killed_in_an_upload),
    Play(
        name="two on one upload",
        change=_two_on_one_upload,
        troubles=(_parts_take_long,),
    ),
    Play(name="many copies at once", change=_many_copies),
    Play(name="stopped after adopting", change=_stopped_after_adopting),
    Play(
        name="copied after failing",
        change=_copied_after_failing,
        troubles=(_one_import_fails_seen_late,),
    ),
    Play(
        name="stopped with one region sick",
        change=_stopped_with_one_sick,
        troubles=(_one_region_shows_nothing,),
    ),
    Play(name="lent for long", change=_lent_for_long),
    Play(
        name="never answered",
        change=_only_imports,
        troubles=(_imports_never_reply,),
    ),
    Play(
        name="damaged on the way",
        change=_only_fetches,
        troubles=(_downloads_are_damaged,),
    ),
    Play(
        name="deletions that are nothing",
        change=_only_fetches,
        troubles=(_deletions_of_functions_are_nothing,),
    ),
    Play(
        name="the resolver away early",
        change=_only_imports,
        troubles=(_resolver_away_early,),
    ),
)
