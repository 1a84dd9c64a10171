"""How a run ended, as one value that every report and the last lines draw from.

What failed is grouped by its cause: whoever mends the cause mends all of its placements.
Every text in an ``Ending`` is redacted and on one line.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ali_import.publish.model import Leftover, Outcome, Phase, Report, Result, Target
from ali_import.redaction import Redactor
from ali_import.report.history import History, StepTaken
from ali_import.report.lines import counted, joined, moment, stands

_HELD_BACK: Final = "HeldBack"  # what the engine calls it when another one failed
_AT_ONCE_MAX: Final = 12  # more regions than this are counted in a line, not named


class Kind(StrEnum):
    """Why an image does not stand in a region.

    * ``failed``: something went wrong there.
    * ``held back``: it may be there, but is not published, because of others or of time.
    * ``skipped``: it was not tried, or given up, because the run was stopped.
    """

    FAILED = "failed"
    HELD_BACK = "held back"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One reason, and every placement that it kept from standing.

    Attributes:
        code: The cloud's error code, or ours; "" where nothing was refused.
        steps: Where it happened, in the order of the placements.
        operations: The calls that were refused, likewise.
        message: What was said the first time.
        messages: How many different things were said.
        request_id: Of the first that has one, or "".
        advice: What to do about it, or "".
        allowed: Whether every region is one that may fail (``--allow-failure``).
    """

    kind: Kind
    code: str
    steps: tuple[str, ...]
    operations: tuple[str, ...]
    message: str
    messages: int
    request_id: str
    advice: str
    allowed: bool
    outcomes: tuple[Outcome, ...]

    @property
    def title(self) -> str:
        """The cause in a few words.

        ``QuotaExceed.Image at import (ecs.ImportImage)``, or ``held back``.
        """
        if not self.code:
            return self.kind
        calls = f" ({', '.join(self.operations)})" if self.operations else ""
        return f"{self.code} at {', '.join(self.steps)}{calls}"

    @property
    def regions(self) -> dict[str, tuple[str, ...]]:
        """The names of the images that it is about, by region."""
        found: dict[str, tuple[str, ...]] = {}
        for outcome in self.outcomes:
            found[outcome.region] = (*found.get(outcome.region, ()), outcome.name)
        return found


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A run's report with all that is told of it.

    Attributes:
        exit_status: What the command exits with.
        started_at: When the command began, Unix time in seconds.
        command: What to run to go on from here.
        steps: By region and name, the steps that a placement took.
        phases: When each phase began, in seconds from the start.
        seconds: From the start of the command to its end.
    """

    report: Report
    targets: tuple[Target, ...]
    causes: tuple[Cause, ...]
    exit_status: int
    started_at: float
    command: str
    public: bool
    steps: Mapping[tuple[str, str], Sequence[StepTaken]]
    phases: Mapping[Phase, float]
    seconds: float

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """One a placement, in region-then-image order."""
        return self.report.outcomes

    @property
    def names(self) -> tuple[str, ...]:
        """The images' names, in the order of the command line."""
        return tuple(dict.fromkeys(outcome.name for outcome in self.outcomes))

    @property
    def standing(self) -> int:
        """How many placements stand."""
        return sum(map(stands, self.outcomes))

    def ids(self) -> dict[str, dict[str, str]]:
        """Return the id of every image that stands, by name and region."""
        found: dict[str, dict[str, str]] = {name: {} for name in self.names}
        for outcome in self.outcomes:
            if stands(outcome):
                found[outcome.name][outcome.region] = outcome.image_id
        return found


def ending(
    report: Report,
    targets: Sequence[Target],
    history: History,
    *,
    exit_status: int,
    started_at: float,
    command: str,
    public: bool,
    allow_failure: AbstractSet[str],
    redactor: Redactor,
) -> Ending:
    """Make the value, with everything in it fit to be shown."""
    history.end()
    outcomes = tuple(_redacted(outcome, redactor) for outcome in report.outcomes)
    leftovers = tuple(
        replace(left, detail=redactor.line(left.detail)) for left in report.leftovers
    )
    return Ending(
        report=replace(report, outcomes=outcomes, leftovers=leftovers),
        targets=tuple(targets),
        causes=causes(outcomes, allow_failure),
        exit_status=exit_status,
        started_at=started_at,
        # Spaces in a file's name matter.
        command=redactor.lines(command).replace("\n", "?"),
        public=public,
        steps={(o.region, o.name): history.steps(o.region, o.name) for o in outcomes},
        phases=dict(history.phases),
        seconds=max(history.now_s, report.seconds),
    )


def _redacted(outcome: Outcome, redactor: Redactor) -> Outcome:
    return replace(
        outcome,
        message=redactor.line(outcome.message),
        advice=redactor.line(outcome.advice),
    )


# --- causes ---------------------------------------------------------------------------


def causes(
    outcomes: Sequence[Outcome], allow_failure: AbstractSet[str] = frozenset()
) -> tuple[Cause, ...]:
    """Group what does not stand: failures first, then by how many placements each has.

    Placements share a cause if they have the same code and the same advice; what the
    cloud said may differ, since it may name the region.
    """
    groups: dict[tuple[Kind, str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if not stands(outcome):
            key = (_kind(outcome), outcome.code, outcome.advice)
            groups.setdefault(key, []).append(outcome)
    found = [
        _cause(kind, group, allow_failure) for (kind, _, _), group in groups.items()
    ]
    order = list(Kind)
    return tuple(
        sorted(found, key=lambda c: (order.index(c.kind), c.allowed, -len(c.outcomes)))
    )


def _kind(outcome: Outcome) -> Kind:
    if outcome.result is Result.SKIPPED:
        return Kind.SKIPPED
    if outcome.result.good or outcome.code == _HELD_BACK:
        return Kind.HELD_BACK
    return Kind.FAILED


_UNSAID: Final = {
    Kind.FAILED: "",
    Kind.HELD_BACK: "the image is there, but was not published",
    Kind.SKIPPED: "the run was stopped before it was done",
}


def _cause(
    kind: Kind, group: Sequence[Outcome], allow_failure: AbstractSet[str]
) -> Cause:
    messages = dict.fromkeys(outcome.message for outcome in group if outcome.message)
    return Cause(
        kind=kind,
        code=group[0].code,
        steps=tuple(dict.fromkeys(outcome.step.value for outcome in group)),
        operations=tuple(dict.fromkeys(o.operation for o in group if o.operation)),
        message=next(iter(messages), _UNSAID[kind]),
        messages=len(messages),
        request_id=next((o.request_id for o in group if o.request_id), ""),
        advice=group[0].advice,
        allowed=all(outcome.region in allow_failure for outcome in group),
        outcomes=tuple(group),
    )


# --- in words -------------------------------------------------------------------------


def headline(end: Ending) -> str:
    """Say what failed in one line: ``2 causes, 4 of 64 failed``; "" if nothing did."""
    if not end.causes:
        return ""
    failed = [c for c in end.causes if c.kind is Kind.FAILED]
    counts = {
        kind: sum(len(c.outcomes) for c in end.causes if c.kind is kind)
        for kind in Kind
    }
    told = [
        f"{counts[kind]} of {len(end.outcomes)} {kind}" for kind in Kind if counts[kind]
    ]
    number = f"{counted(len(failed), 'cause')}, " if failed else ""
    return number + ", ".join(told)


def places(cause: Cause, end: Ending, *, at_once_max: int = _AT_ONCE_MAX) -> str:
    """Say where a cause struck: ``cn-beijing, cn-hangzhou (n1 only)``.

    Args:
        cause: The cause.
        end: Says how many regions and images there are.
        at_once_max: More regions with the same images are counted, not named.
    """
    by_names: dict[tuple[str, ...], list[str]] = {}
    for region, names in cause.regions.items():
        by_names.setdefault(names, []).append(region)
    everywhere = len({outcome.region for outcome in end.outcomes})
    told = []
    for names, regions in by_names.items():
        if len(regions) == everywhere > 1:
            where = f"all {everywhere} regions"
        elif len(regions) > at_once_max:
            rest = len(regions) - at_once_max + 1
            where = f"{', '.join(regions[: at_once_max - 1])} and {rest} more"
        else:
            where = ", ".join(regions)
        if len(end.names) > 1:
            what = "all images" if names == end.names else ", ".join(names)
            where += f" ({what})"
        told.append(where)
    return "; ".join(told)


def said(cause: Cause) -> str:
    """Return what was said, with the request's id and how often it was said otherwise."""
    text = cause.message
    if cause.request_id:
        text += f" (request id {cause.request_id})"
    if cause.messages > 1:
        text += f" (and {counted(cause.messages - 1, 'other message')})"
    return text


def state_of_things(end: Ending) -> Iterator[str]:
    """Yield what stands, what became of the images before, and what is left."""
    total, there = len(end.outcomes), end.standing
    how = "and public" if end.public else "with their names and families"
    yield f"{there} of {total} images are in place {how}"
    hidden = sum(bool(o.image_id) and not stands(o) for o in end.outcomes)
    if hidden:
        is_, it, they = ("is", "it", "it") if hidden == 1 else ("are", "them", "they")
        text = f"{hidden} more {is_} there, but not published: no family leads to {it}"
        yield text + (f", though {they} may be public" if end.public else "")
    changed = dict.fromkeys(
        o.region for o in end.outcomes if o.old_changed and not stands(o)
    )
    if changed:
        yield (
            "the image that was to be replaced is now hidden or renamed in "
            f"{', '.join(changed)}; running again repairs that"
        )
    elif there < total:
        yield "where an image failed, an older image of the same name is untouched"
    yield from map(left_over, end.report.leftovers)


def left_over(left: Leftover) -> str:
    """Say what is left, and until when it is the run's own."""
    until = moment(left.expires_at)
    what = f"left over: {left.region} {left.kind} {left.name}"
    return joined(what, left.detail, f"until {until}" if until else "", separator=", ")


def ending_lines(end: Ending) -> Iterator[str]:
    """Yield the last lines of a run in which something does not stand.

    Causes first, each with its placements, what was said and what to do; then what
    stands; last the command to run.
    """
    known = {Kind.SKIPPED, Kind.HELD_BACK} if end.report.interrupted else set[Kind]()
    if end.causes:
        yield headline(end)
    shown = [cause for cause in end.causes if cause.kind not in known]
    for number, cause in enumerate(shown, 1):
        allowed = ", allowed to fail" if cause.allowed else ""
        images = counted(len(cause.outcomes), "image")
        yield f"{number}. {cause.title}, {images}{allowed}: {places(cause, end)}"
        if text := said(cause):
            yield f"   said: {text}"
        if cause.advice:
            yield f"   to do: {cause.advice}"
    if end.causes:
        yield from state_of_things(end)
    else:
        yield from map(left_over, end.report.leftovers)
    if end.report.leftovers:
        yield "to remove what is left: ali-import cleanup --all"
    if end.report.interrupted:
        yield f"to continue, run the same command again: {end.command}"
    elif end.causes:
        yield f"then run again: {end.command}"
