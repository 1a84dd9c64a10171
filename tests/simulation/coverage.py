"""Has everything happened? Every fault kind, and every row of the retry table.

A batch of seeds that is large enough must have met each of them; otherwise it proves
less than it says. What cannot happen here is listed with the reason.
"""

from collections.abc import Iterator
from typing import Final

from ali_import.cloud.retry_table import ROWS
from alicloud_emulator.world.faults import Do
from tests.simulation.monitor import GONE, Tally
from tests.simulation.plan import End
from tests.simulation.plays import PLAYS
from tests.simulation.troubles import IDLE_ROWS, TROUBLES
from tests.simulation.uploads import SHARED, WENT_ON
from tests.support.bridge import Out

NIGHTLY_SEEDS: Final = 10_000
"""From so many seeds on, a batch fails if something never happened."""

STALE: Final = "a listing that lagged"
UNUSABLE: Final = "an image that was Available and not Usable"
OVER: Final = "a run whose time was over"
STOPPED: Final = "a cleanup that was stopped"
RENEWED: Final = "a lease that was renewed before its image was removed"

MET: Final = (
    *(trouble.__name__ for trouble in TROUBLES),
    *(play.name for play in PLAYS),
    *Out,
    *(f"a run that ended by {end}" for end in End),
    *(STALE, UNUSABLE, OVER, STOPPED, RENEWED, GONE, WENT_ON, SHARED),
)
"""What a large batch must have met, besides faults and rows of the retry table."""

Key = tuple[str, tuple[str, ...]]

UNREACHABLE: Final[dict[Key, str]] = {
    ("NoPermission", ()): "RAM and STS say so; ECS, OSS and FC have words of their own",
    **{
        (
            row.code,
            row.operations,
        ): "a publication makes no dry runs, and asks RAM nothing"
        for row in IDLE_ROWS
    },
}
"""Rows of the table that no seed can meet, each with the reason."""


MADE_OTHERWISE: Final = {
    Do.LAG: "the bridge's own lag, region by region",
    Do.LATE_USABLE: "the profile's durations",
    Do.NO_HOST: "the bridge's network",
    Do.NO_RESOLVER: "the bridge's network",
    Do.DEAD: "the bridge's network, and the profile's regions",
    Do.TRICKLE: "answers are whole here; to be slow is a delay",
    Do.CLOCK: "fast seeds check few signatures, and no clock",
}
"""Kinds of fault that the simulation makes in other ways, or that it has no use for."""


def gaps(tally: Tally) -> Iterator[str]:
    """Give everything that never happened and has no excuse, and idle excuses."""
    for do in Do:
        if not tally.struck[do] and do not in MADE_OTHERWISE:
            yield f"fault {do} never struck"
    for what in MET:
        if not tally.met[what]:
            yield f"{what} was never met"
    rows = {(row.code, row.operations) for row in ROWS}
    for key in sorted(rows):
        met, excused = tally.rows[key] > 0, key in UNREACHABLE
        if not met and not excused:
            yield f"row {_shown(key)} was never met"
        if met and excused:
            yield f"row {_shown(key)} was met; it is no longer unreachable"
    for key in sorted(UNREACHABLE.keys() - rows):
        yield f"there is no row {_shown(key)}"


def _shown(key: Key) -> str:
    code, operations = key
    return f"{code} of {', '.join(operations)}" if operations else code
