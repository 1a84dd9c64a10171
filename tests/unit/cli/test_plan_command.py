"""``ali-import --plan``: lines, summary and exit status."""

from typing import Any

import pytest

from ali_import import Action, Intent, Plan, Route
from ali_import.cli.exit_status import ExitStatus
from ali_import.cli.plan import line, status, summary
from tests.support.virtual import refusal


def intent(action: Action, region: str = "eu-west-1", **more: Any) -> Intent:
    return Intent(region=region, name="n-1", family="f", action=action, **more)


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (intent(Action.MAKE, route=Route.DIRECT), "make"),
        (intent(Action.KEEP, image_id="m-1"), "keep m-1"),
        (
            intent(Action.MEND, image_id="m-1", changes={"public": "true", "x": "y"}),
            "mend m-1 public=true x=y",
        ),
        (intent(Action.REPLACE, image_id="m-1"), "replace m-1"),
        (intent(Action.BLOCKED, image_id="m-1", why="some\nbody"), "blocked some body"),
        (intent(Action.UNSEEN, error=refusal("Forbidden.RAM")), "unseen Forbidden.RAM"),
    ],
)
def test_a_placement_is_a_line(planned: Intent, said: str) -> None:
    assert line(planned) == f"eu-west-1 n-1 (f) {said}"


KEEP = intent(Action.KEEP)
UNSEEN = intent(Action.UNSEEN, "us-west-1")


@pytest.mark.parametrize(
    ("intents", "allowed", "expected"),
    [
        ([KEEP], (), ExitStatus.ALL_PLACED),
        ([KEEP, intent(Action.MAKE)], (), ExitStatus.DIFFERS),
        ([KEEP, intent(Action.MEND)], (), ExitStatus.DIFFERS),
        ([KEEP, intent(Action.REPLACE)], (), ExitStatus.DIFFERS),
        ([KEEP, intent(Action.BLOCKED)], (), ExitStatus.DIFFERS),
        ([KEEP, UNSEEN], (), ExitStatus.SOME_FAILED),
        ([intent(Action.MAKE), UNSEEN], (), ExitStatus.SOME_FAILED),
        ([KEEP, UNSEEN], ("us-west-1",), ExitStatus.ALL_PLACED),
        ([KEEP, intent(Action.MAKE, "x-1")], ("x-1",), ExitStatus.ALL_PLACED),
    ],
)
def test_the_exit_status_says_whether_all_is_as_wanted(
    intents: list[Intent], allowed: tuple[str, ...], expected: ExitStatus
) -> None:
    assert status(Plan(intents=tuple(intents)), allowed) == expected


def test_the_summary_counts_and_marks_what_is_only_expected() -> None:
    regions = [f"cn-{n}" for n in range(10)]
    intents = [intent(Action.MAKE, region, route=Route.COPY) for region in regions]
    plan = Plan(
        intents=(KEEP, *intents, intent(Action.BLOCKED, "us-1")),
        uplink_bytes=3 << 20,
        lent=("n-1",),
    )
    first, routes, lent, blocked, last = summary(plan)
    assert first == "12 placements in 12 regions: 1 keep, 10 make, 1 blocked"
    assert "expected routes: copy 10 (a publication may have to take others" in routes
    assert "about 3 MiB" in routes
    assert "cn-7 and 2 more can only copy it" in lent
    assert blocked == "blocked, and would fail: us-1"
    assert "without --plan" in last


def test_where_nothing_would_be_done_nothing_is_advised() -> None:
    assert list(summary(Plan(intents=(KEEP,)))) == ["1 placement in 1 region: 1 keep"]
