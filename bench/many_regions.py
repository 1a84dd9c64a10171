"""Time and calls where there are many regions and images, in virtual time.

    python -m bench.many_regions

Publishes small images to clouds of 25 and of 100 regions in good weather: the 32 of the
``realistic`` profile, over and over. Prints a Markdown row a cloud: how long the run was
against its critical path (``bench.critical_path``; wanted: within 1.10), and its calls.
Calls grow linearly with the regions if a placement takes as many in 100 regions as in 25,
and with the images if it takes no more for 20 of them than for 5. The last column is how
long the measurement took for real, which is the engine's own work and the world's.
"""

import math
import time
from dataclasses import replace

from ali_import.publish.model import Report
from alicloud_emulator.world.profile import Profile, Region, Weather, load_profile
from bench.critical_path import critical_path_s, publish

CLOUDS = ((25, 20), (100, 5), (100, 20))
HEADS = (
    "regions", "images", "placed", "time (s)", "critical path (s)", "ratio", "calls",
    "calls a placement", "took (s)",
)  # fmt: skip


def main() -> None:
    """Measure each cloud."""
    print(row(*HEADS))
    print(row(*("---:" for _ in HEADS)))
    for regions, images in CLOUDS:
        profile = cloud_of(regions)
        began = time.perf_counter()
        report = publish(profile, images=images)
        path_s = critical_path_s(profile, report)
        print(
            row(
                regions,
                images,
                placed(report),
                f"{report.seconds:.0f}",
                f"{path_s:.0f}",
                f"{report.seconds / path_s:.3f}",
                report.calls,
                f"{report.calls / len(report.outcomes):.2f}",
                f"{time.perf_counter() - began:.0f}",
            ),
            flush=True,
        )


def cloud_of(count: int) -> Profile:
    """Return the ``realistic`` profile with so many regions, in good weather."""
    profile = load_profile("realistic")
    regions = regions_like(profile.regions, count)
    return replace(profile, regions=regions, weather=Weather())


def regions_like(known: tuple[Region, ...], count: int) -> tuple[Region, ...]:
    """Return so many regions: the known ones, and again under other ids."""
    rounds = math.ceil(count / len(known))
    again = [
        replace(region, id=f"{region.id}-{number}") if number else region
        for number in range(rounds)
        for region in known
    ]
    return tuple(again[:count])


def placed(report: Report) -> str:
    """Say how many placements are as they should be, of how many."""
    good = sum(outcome.result.good for outcome in report.outcomes)
    return f"{good}/{len(report.outcomes)}"


def row(*cells: object) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
