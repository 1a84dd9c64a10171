"""Numbers, moments and events in words; the same in displays, logs and summaries."""

import logging
from datetime import UTC, datetime
from typing import Final

from ali_import.publish.model import (
    CallRetried,
    Event,
    Note,
    Outcome,
    Phase,
    PhaseBegan,
    PlacementEnded,
    PlacementMoved,
    RegionsKnown,
)
from ali_import.report.failures import failure_line

PHASES: Final = {
    Phase.SURVEY: "surveying the regions",
    Phase.PLACE: "placing",
    Phase.PUBLISH: "publishing",
    Phase.CLEAN_UP: "cleaning up",
    Phase.DONE: "done",
}


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return ``1 region``, ``2 regions``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def duration(seconds: float) -> str:
    """Return a length of time as people write it: ``4.2 s``, ``3:05``, ``1:02:03``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return clock(seconds)


def clock(seconds: float) -> str:
    """Return a length of time as a stop watch shows it: ``0:04``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(unix_s: float) -> str:
    """Return a Unix time in seconds as ISO 8601 in UTC; "" for 0 or nonsense."""
    if not unix_s:
        return ""
    try:
        return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return ""


def success_line(outcome: Outcome) -> str:
    """Say how an image came to stand: ``REGION NAME: placed IMAGE_ID (direct, 2.1 s)``."""
    how = ", ".join(
        part for part in (outcome.route or "", duration(outcome.seconds)) if part
    )
    return (
        f"{outcome.region} {outcome.name}: {outcome.result} {outcome.image_id} ({how})"
    )


def described(event: Event) -> tuple[int, str]:
    """Return an event's logging level and its text."""
    match event:
        case PhaseBegan():
            return logging.INFO, joined(PHASES[event.phase], event.detail)
        case RegionsKnown():
            regions = counted(len(event.regions), "region")
            images = counted(len(event.names), "image")
            return logging.INFO, f"{regions}, {images}: {', '.join(event.regions)}"
        case PlacementMoved():
            return _moved(event)
        case PlacementEnded(outcome=outcome):
            if outcome.result.good:
                return logging.INFO, success_line(outcome)
            return logging.WARNING, failure_line(outcome)
        case CallRetried():
            return logging.INFO, (
                f"{joined(event.region, event.operation, separator=' ')}: {event.code}, "
                f"attempt {event.attempt} failed, again in {event.wait_s:.1f} s"
            )
        case Note():
            level = logging.getLevelNamesMapping().get(event.level, logging.INFO)
            return level, joined(event.region, event.text)


def joined(*parts: str, separator: str = ": ") -> str:
    """Join the parts that are not empty."""
    return separator.join(part for part in parts if part)


def _moved(event: PlacementMoved) -> tuple[int, str]:
    where = f"{event.region} {event.name}: {event.step}"
    if event.route:
        where += f" ({event.route})"
    if event.progress:
        return logging.DEBUG, f"{where} {event.progress} %"
    return logging.INFO, where
