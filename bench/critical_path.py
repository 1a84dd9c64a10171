"""How far a run is from its critical path, in virtual time; prints one line a cloud.

    python -m bench.critical_path

The engine publishes three small images to the 32 regions of the ``realistic`` profile in
good weather. The critical path is the longest chain that cannot be shortened: an import,
until its image is usable, then a copy for regions that can only copy, until that image is
usable, at the profile's durations, and nothing else. (Whether the cloud copies images
that are Available and not yet usable is nowhere documented, so the tool does not ask it
to; the second line is of a cloud where they are usable at once.) More copies than the
regions with the images can run at once make it longer by a copy.
"""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from random import Random

import anyio
from trio.testing import MockClock

from ali_import.publish.model import Options, Report, Route, Target
from ali_import.publish.run import Run
from alicloud_emulator.world.blobs import MemoryBlobs
from alicloud_emulator.world.profile import Profile, Weather, load_profile
from alicloud_emulator.world.world import World
from tests.simulation.plan import disk_image
from tests.support.bridge import AccountLogin, Door, Network, WorldCloud

PROFILES = ("realistic",)
IMAGES = 3
LATENCY_S = (0.02, 0.3)
START = 1_790_000_000.0


def main() -> None:
    """Measure each profile."""
    for name, usable in itertools.product(PROFILES, (True, False)):
        profile = replace(load_profile(name), weather=Weather())
        profile = replace(profile, habits=replace(profile.habits, usable=usable))
        report = publish(profile, images=IMAGES)
        path_s = critical_path_s(profile, report)
        print(
            f"{name}{'' if usable else ', usable at once'}: {len(report.outcomes)} placements, {report.calls} calls, "
            f"{report.seconds:.0f} s for a critical path of {path_s:.0f} s: "
            f"{report.seconds / path_s:.3f}"
        )


def publish(profile: Profile, *, images: int) -> Report:
    """Publish so many small images to the profile's world, in virtual time."""

    async def run() -> Report:
        def clock() -> float:
            return START + anyio.current_time()

        main = replace(
            profile.accounts[0], access_key_id="LTAIbench", access_key_secret="bench"
        )
        keyed = replace(profile, accounts=(main, *profile.accounts[1:]))
        world = World(keyed, clock=clock, seed=1, blobs=MemoryBlobs())
        paths = [Path(f"disk-{n}.img") for n in range(images)]
        files = {path: str(path).encode() * 1000 for path in paths}
        cloud = WorldCloud(
            door=Door(world, Network(clock)),
            login=AccountLogin(world),
            rng=Random(1),
            latency_s=LATENCY_S,
        )
        targets = [
            Target(image=disk_image(path, data), name=path.stem, family="bench")
            for path, data in files.items()
        ]
        return await Run(
            cloud,
            targets,
            Options(public=True),
            run_id="0123abcd",
            rng=Random(2),
            now=clock,
            emit=lambda _event: None,
        ).execute()

    clock = MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def critical_path_s(profile: Profile, report: Report) -> float:
    """Return the length of the longest chain of work that the cloud does, in seconds."""
    spent, at_once = profile.durations, profile.limits.copies_running
    usable_s = spent.usable_s if profile.habits.usable else 0.0
    path_s = spent.import_queue_s + spent.import_s + spent.import_s_per_gib + usable_s
    copied = [o for o in report.outcomes if o.route is Route.COPY]
    if copied:
        sources = {o.region for o in report.outcomes} - {o.region for o in copied}
        rounds = math.ceil(len(copied) / (at_once * len(sources))) if at_once else 1
        path_s += rounds * (spent.copy_s + spent.copy_s_per_gib) + usable_s
    return path_s


if __name__ == "__main__":
    main()
