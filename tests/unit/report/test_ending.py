"""How a run ended in words: causes, what stands, what is left, what to do next."""

from dataclasses import replace

import pytest

from ali_import.publish.model import Outcome, Report, Result, Step
from ali_import.report.ending import Kind, causes, ending_lines, headline, places
from tests.unit.report import samples
from tests.unit.report.bad_day import REGIONS, bad_day, ended


def failed(region: str, name: str = "n1", **fields: object) -> Outcome:
    return replace(samples.FAILED, region=region, name=name, **fields)  # type: ignore[arg-type]


def good(region: str, name: str = "n1") -> Outcome:
    return replace(samples.PLACED, region=region, name=name)


def lines(*outcomes: Outcome, **fields: object) -> list[str]:
    report = Report(run_id="1", outcomes=outcomes, **fields)  # type: ignore[arg-type]
    return list(ending_lines(ended(report)))


def test_a_good_run_has_no_more_to_say() -> None:
    assert lines(samples.PLACED, samples.UNCHANGED) == []


def test_a_bad_day_is_told_by_its_causes() -> None:
    assert list(ending_lines(bad_day()))[:12] == [
        "5 causes, 18 of 96 failed",
        (
            "1. QuotaExceed.Image at import, 6 images: ap-southeast-4, ap-southeast-5 "
            "(all images)"
        ),
        (
            "   said: the quota of ap-southeast-4 is used up (request id "
            "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E) (and 1 other message)"
        ),
        "   to do: delete old images in the region",
        "2. Forbidden.RAM at survey, 3 images: cn-north-2 (all images)",
        (
            '   said: </style></script><script>alert("x")</script><img src=x '
            "onerror=alert(1)> '&amp; (request id 473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E)"
        ),
        "   to do: allow ecs:DescribeImages in the caller's policy",
        (
            "3. CurrentRegion.NotSupportPublicImage at publish, 3 images: cn-north-8 "
            "(all images)"
        ),
        (
            "   said: no public images here (request id "
            "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E)"
        ),
        "4. NoAnswer at stage, 3 images: eu-west-7 (all images)",
        (
            "   said: the connection timed out (request id "
            "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E)"
        ),
        "   to do: check the network",
    ]
    assert list(ending_lines(bad_day()))[12:] == [
        "5. NoSource at copy, 3 images, allowed to fail: us-east-8 (all images)",
        (
            "   said: no region has the image to copy it from (request id "
            "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E)"
        ),
        "78 of 96 images are in place and public",
        (
            "3 more are there, but not published: no family leads to them, though they "
            "may be public"
        ),
        "where an image failed, an older image of the same name is untouched",
        (
            "left over: us-east-1 bucket ali-import-12345678-66aabbcc-us-east-1, "
            "3 objects, 1 unfinished upload, until 2026-01-09T09:00:00+00:00"
        ),
        "left over: eu-west-1 image ali-import-old-1",
        "to remove what is left: ali-import cleanup --all",
        (
            "then run again: ali-import --public -n ipxe-1.21 --report day.html "
            "bios.img x64.img"
        ),
    ]


def test_one_cause_may_speak_of_many_regions_in_many_words() -> None:
    found = causes(
        [failed(region, message=f"{region} is full") for region in REGIONS[:3]]
    )
    (cause,) = found
    assert (cause.messages, cause.message) == (3, f"{REGIONS[0]} is full")


def test_other_advice_is_another_cause() -> None:
    two = causes([failed("a"), failed("b", advice="something else")])
    assert len(two) == 2


def test_causes_come_by_weight_and_allowed_ones_last() -> None:
    outcomes = [
        failed("a", code="Allowed"),
        failed("a", "n2", code="Allowed"),
        failed("b", code="One"),
        failed("c", code="Two"),
        failed("d", code="Two"),
        samples.SKIPPED,
        samples.UNPUBLISHED,
    ]
    found = causes(outcomes, {"a"})
    assert [cause.code or cause.kind for cause in found] == [
        *("Two", "One", "Allowed"),
        *(Kind.HELD_BACK, Kind.SKIPPED),
    ]


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([failed("a"), good("b")], "a"),
        ([failed("a"), failed("b")], "all 2 regions"),
        ([failed("a"), good("a", "n2"), good("b")], "a (n1)"),
        ([failed("a"), failed("a", "n2"), good("b")], "a (all images)"),
        (
            [failed("a"), failed("a", "n2"), failed("b", "n2"), good("b"), good("c")],
            "a (all images); b (n2)",
        ),
        (
            [*(failed(f"r{n:02}") for n in range(20)), good("z")],
            "r00, r01, r02, r03, r04, r05, r06, r07, r08, r09, r10 and 9 more",
        ),
    ],
)
def test_places_are_named_shortly(outcomes: list[Outcome], told: str) -> None:
    end = ended(Report(run_id="1", outcomes=tuple(outcomes)))
    assert places(end.causes[0], end) == told


def test_what_all_or_nothing_held_back_is_no_cause_of_its_own() -> None:
    held = replace(failed("c"), code="HeldBack", message="another placement failed")
    unpublished = replace(good("b"), published=False)
    end = ended(Report(run_id="1", outcomes=(failed("a"), unpublished, held)))
    assert headline(end) == "1 cause, 1 of 3 failed, 2 of 3 held back"


def test_whoever_interrupted_is_not_told_what_was_skipped() -> None:
    assert lines(
        good("a"),
        replace(samples.SKIPPED, region="b"),
        interrupted=True,
    ) == [
        "1 of 2 skipped",
        "1 of 2 images are in place with their names and families",
        "where an image failed, an older image of the same name is untouched",
        "to continue, run the same command again: ali-import -n n1 a.img",
    ]


def test_an_old_image_that_is_not_what_it_was_is_told() -> None:
    told = lines(failed("a", old_changed=True), failed("b"), good("c"))
    assert (
        "the image that was to be replaced is now hidden or renamed in a; running again "
        "repairs that"
    ) in told
    assert not [line for line in told if "untouched" in line]


def test_what_is_left_of_a_good_run_is_told() -> None:
    assert lines(good("a"), leftovers=(samples.LEFTOVER,)) == [
        (
            "left over: us-east-1 bucket ali-import-12345678-66aabbcc-us-east-1, "
            "3 objects, 1 unfinished upload, until 2026-01-09T09:00:00+00:00"
        ),
        "to remove what is left: ali-import cleanup --all",
    ]


def test_secrets_and_new_lines_do_not_get_in() -> None:
    hostile = replace(
        failed("a"),
        message="see https://h/?Signature=SECRET0123456\n::error::forged",
        advice="x\ny",
    )
    told = lines(hostile)
    assert not [line for line in told if "SECRET0123456" in line]
    assert not [line for line in told if line.lstrip().startswith("::")]
    assert "   to do: x y" in told


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("result", Result)
def test_every_outcome_that_does_not_stand_has_one_cause(
    result: Result, step: Step
) -> None:
    outcome = replace(samples.FAILED, result=result, step=step, published=False)
    (cause,) = causes([outcome])
    assert cause.outcomes == (outcome,)
