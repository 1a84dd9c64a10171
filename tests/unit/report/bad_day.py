"""A bad day as a value: 32 regions, three images, five causes; and smaller endings."""

from dataclasses import replace

from ali_import.publish.model import (
    Event,
    Leftover,
    Outcome,
    Phase,
    PhaseBegan,
    PlacementEnded,
    PlacementMoved,
    RegionsKnown,
    Report,
    Result,
    Route,
    Step,
    Target,
)
from ali_import.redaction import Redactor
from ali_import.report.ending import Ending, ending
from ali_import.report.history import History
from tests.unit.report import samples

STARTED_AT = 1767949200.5

HOSTILE = """</style></script><script>alert("x")</script><img src=x onerror=alert(1)> '&amp;"""
"""What a cloud, or somebody in its place, may say."""

REGIONS = tuple(
    f"{area}-{number}"
    for area in ("ap-southeast", "cn-north", "eu-west", "us-east")
    for number in range(1, 9)
)
NAMES = ("ipxe-1.21", "ipxe-1.21-uefi-x86-64", "ipxe-1.21-uefi-arm64")

_TROUBLES = {
    3: ("QuotaExceed.Image", Step.IMPORT, "the quota of {region} is used up"),
    4: ("QuotaExceed.Image", Step.IMPORT, "the quota of {region} is used up"),
    9: ("Forbidden.RAM", Step.SURVEY, HOSTILE),
    15: ("CurrentRegion.NotSupportPublicImage", Step.PUBLISH, "no public images here"),
    22: ("NoAnswer", Step.STAGE, "the connection timed out"),
    31: ("NoSource", Step.COPY, "no region has the image to copy it from"),
}
_ADVICE = {
    "QuotaExceed.Image": "delete old images in the region",
    "Forbidden.RAM": "allow ecs:DescribeImages in the caller's policy",
    "NoAnswer": "check the network",
}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def ended(
    report: Report,
    *,
    history: History | None = None,
    targets: tuple[Target, ...] = (),
    command: str = "ali-import -n n1 a.img",
    public: bool = False,
    allow_failure: frozenset[str] = frozenset(),
) -> Ending:
    """Return how a run ended, as the command would."""
    return ending(
        report,
        targets,
        history or History(Clock()),
        exit_status=3,
        started_at=STARTED_AT,
        command=command,
        public=public,
        allow_failure=allow_failure,
        redactor=Redactor(),
    )


def mixed() -> Ending:
    """Return an ending with one outcome of each kind."""
    clock = Clock()
    history = History(clock)
    target = replace(samples.target(), name="n1")
    history.know([target])
    placed = samples.PLACED
    events: list[Event] = [
        RegionsKnown(regions=("cn-hangzhou",), names=("n1",)),
        moved(placed, Step.SURVEY, None),
        moved(placed, Step.STAGE),
        moved(placed, Step.IMPORT),
        PlacementEnded(outcome=placed),
    ]
    for event in events:
        history.take(event)
        clock.now_s += 1
    return ended(samples.MIXED, history=history, targets=(samples.target(),))


def moved(
    outcome: Outcome, step: Step, route: Route | None = Route.RELAY, progress: int = 0
) -> PlacementMoved:
    """Return the event of a placement that enters a step."""
    return PlacementMoved(
        region=outcome.region,
        name=outcome.name,
        step=step,
        route=route,
        progress=progress,
    )


def bad_day() -> Ending:
    """Return the ending of a run of 96 placements that five causes struck."""
    clock = Clock()
    history = History(clock)
    targets = tuple(replace(samples.target(), name=name) for name in NAMES)
    history.know(targets)
    outcomes = [
        _outcome(number, region, name)
        for number, region in enumerate(REGIONS)
        for name in NAMES
    ]
    history.take(RegionsKnown(regions=REGIONS, names=NAMES))
    history.take(PhaseBegan(phase=Phase.PLACE))
    way = (Step.SURVEY, Step.STAGE, Step.IMPORT, Step.WAIT)
    for step in (*way, Step.DONE):
        for outcome in outcomes:
            clock.now_s += 0.4
            last = outcome.step if outcome.step in way else Step.DONE
            if (
                way.index(step) <= way.index(last)
                if {step, last} <= set(way)
                else (last is Step.DONE)
            ):
                history.take(moved(outcome, step))
                if step is last:
                    history.take(PlacementEnded(outcome=outcome))
    clock.now_s += 30
    history.take(PhaseBegan(phase=Phase.PUBLISH))
    for outcome in outcomes:
        if outcome.step is Step.PUBLISH:
            clock.now_s += 2
            history.take(moved(outcome, Step.PUBLISH))
    history.take(PhaseBegan(phase=Phase.CLEAN_UP))
    clock.now_s += 10
    report = Report(
        run_id="0123abcd",
        outcomes=tuple(outcomes),
        leftovers=(
            samples.LEFTOVER,
            Leftover(region="eu-west-1", kind="image", name="ali-import-old-1"),
        ),
        calls=743,
        retries=31,
        seconds=clock.now_s - 100,
    )
    command = "ali-import --public -n ipxe-1.21 --report day.html bios.img x64.img"
    return ended(
        report,
        history=history,
        targets=targets,
        command=command,
        public=True,
        allow_failure=frozenset({REGIONS[31]}),
    )


def _outcome(number: int, region: str, name: str) -> Outcome:
    route = (Route.DIRECT, Route.RELAY, Route.COPY)[number % 3]
    good = Outcome(
        region=region,
        name=name,
        family="ipxe",
        result=Result.PLACED,
        image_id=f"m-{number:02}{'0123456789abcdefgh'}",
        route=route,
        published=True,
        seconds=60.0 + number,
    )
    if number not in _TROUBLES:
        return good
    code, step, message = _TROUBLES[number]
    return replace(
        good,
        result=Result.FAILED,
        published=False,
        image_id=good.image_id if step is Step.PUBLISH else "",
        step=step,
        code=code,
        message=message.format(region=region),
        request_id="473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
        advice=_ADVICE.get(code, ""),
    )
