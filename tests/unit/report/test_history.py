"""What is learned of a run's course from its events."""

from dataclasses import replace

from ali_import.publish.model import (
    Event,
    Phase,
    PhaseBegan,
    PlacementEnded,
    PlacementMoved,
    RegionsKnown,
    Route,
    Step,
)
from ali_import.report.history import History, StepTaken
from tests.unit.report import samples
from tests.unit.report.bad_day import Clock

FILE_BYTES = 1 << 20
PLACED = samples.PLACED
KNOWN = RegionsKnown(regions=(PLACED.region,), names=(PLACED.name,))


def entered(
    step: Step, route: Route | None = None, progress: int = 0
) -> PlacementMoved:
    return PlacementMoved(
        region=PLACED.region,
        name=PLACED.name,
        step=step,
        route=route,
        progress=progress,
    )


def course(*events: Event) -> list[tuple[Step, Route | None, float, float, int]]:
    """Let each event happen a second after the other, and return the steps taken."""
    return [
        (each.step, each.route, each.began_s, each.seconds, each.attempts)
        for each in steps(*events)
    ]


def steps(*events: Event) -> list[StepTaken]:
    clock = Clock()
    history = History(clock)
    history.know([replace(samples.target(), name=PLACED.name)])
    history.take(KNOWN)
    for event in events:
        history.take(event)
        clock.now_s += 1
    history.end()
    return list(history.steps(PLACED.region, PLACED.name))


def test_steps_follow_each_other_with_their_times() -> None:
    assert course(
        entered(Step.SURVEY),
        entered(Step.STAGE, Route.DIRECT),
        entered(Step.STAGE, Route.DIRECT, 50),
        entered(Step.IMPORT, Route.DIRECT),
        entered(Step.WAIT, Route.DIRECT),
        entered(Step.WAIT, Route.DIRECT, 10),
        entered(Step.DONE, Route.DIRECT, 100),
        PlacementEnded(outcome=PLACED),
    ) == [
        (Step.SURVEY, None, 0, 1, 1),
        (Step.STAGE, Route.DIRECT, 1, 2, 1),
        (Step.IMPORT, Route.DIRECT, 3, 1, 1),
        (Step.WAIT, Route.DIRECT, 4, 2, 1),
    ]


def test_another_try_is_a_step_of_its_own_and_is_counted() -> None:
    assert course(
        entered(Step.STAGE, Route.DIRECT),
        entered(Step.STAGE, Route.RELAY),
        entered(Step.IMPORT, Route.RELAY),
        entered(Step.IMPORT, Route.RELAY),
        entered(Step.WAIT, Route.RELAY),
        entered(Step.IMPORT, Route.RELAY),
        PlacementEnded(outcome=samples.FAILED),
    ) == [
        (Step.STAGE, Route.DIRECT, 0, 1, 1),
        (Step.STAGE, Route.RELAY, 1, 1, 1),
        (Step.IMPORT, Route.RELAY, 2, 1, 1),
        (Step.IMPORT, Route.RELAY, 3, 1, 2),
        (Step.WAIT, Route.RELAY, 4, 1, 1),
        (Step.IMPORT, Route.RELAY, 5, 2, 3),
    ]


def test_bytes_are_what_got_into_the_bucket() -> None:
    whole = steps(entered(Step.STAGE), entered(Step.IMPORT))
    assert [step.stored_bytes for step in whole] == [FILE_BYTES, None]
    half = steps(entered(Step.STAGE), entered(Step.STAGE, progress=50))
    assert [step.stored_bytes for step in half] == [FILE_BYTES // 2]
    none = steps(entered(Step.STAGE), entered(Step.SURVEY))
    assert [step.stored_bytes for step in none] == [0, None]


def test_a_failure_to_publish_began_with_everybodys_publishing() -> None:
    assert course(
        entered(Step.WAIT),
        PlacementEnded(outcome=PLACED),
        PhaseBegan(phase=Phase.PUBLISH),
        PhaseBegan(phase=Phase.PUBLISH, detail="going on"),
        entered(Step.PUBLISH),
        PhaseBegan(phase=Phase.CLEAN_UP),
    )[-1] == (Step.PUBLISH, None, 2, 2, 1)


def test_what_is_made_to_be_copied_is_no_step_of_the_placement() -> None:
    assert course(
        entered(Step.WAIT),
        PlacementEnded(outcome=PLACED),
        entered(Step.STAGE, Route.DIRECT),
        entered(Step.IMPORT, Route.DIRECT),
    ) == [(Step.WAIT, None, 0, 1, 1)]
    elsewhere = replace(entered(Step.STAGE), region="us-west-1")
    assert course(elsewhere) == []


def test_a_run_that_never_knew_its_regions_has_no_steps() -> None:
    history = History(Clock())
    history.take(PhaseBegan(phase=Phase.SURVEY))
    history.end()
    assert history.steps("cn-hangzhou", "n1") == ()
    assert history.phases == {Phase.SURVEY: 0.0}
