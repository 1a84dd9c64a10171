"""What one seed of a release's years draws once and for all."""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

from ali_import.disk import Architecture, BootMode
from ali_import.publish.model import Options, Target
from alicloud_emulator.world.profile import Profile
from tests.simulation.keeping import Rules
from tests.simulation.plan import ABROAD, MAINLAND, content, disk_image
from tests.simulation.scene import profile

DAY_S: Final = 86_400.0
FAMILY: Final = "rel"
_KINDS: Final = (
    (Architecture.X86_64, BootMode.BIOS),
    (Architecture.X86_64, BootMode.UEFI),
    (Architecture.ARM64, BootMode.UEFI),
)


@dataclass(frozen=True, kw_only=True)
class Life:
    """What a seed draws once and for all."""

    seed: int
    profile: Profile
    kinds: tuple[tuple[Architecture, BootMode], ...]
    public: bool
    all_or_nothing: bool
    rules: Rules
    weeks: int

    @property
    def options(self) -> Options:
        """How it is published; nothing is named that is not wanted."""
        return Options(
            **({"public": True} if self.public else {}),  # type: ignore[arg-type]
            **({"all_or_nothing": True} if self.all_or_nothing else {}),  # type: ignore[arg-type]
        )

    def targets(self, version: int) -> tuple[Target, ...]:
        """Return the images of a version."""
        found = []
        for number, (architecture, boot_mode) in enumerate(self.kinds):
            label = f"{version}-{number}"
            image = disk_image(
                Path(f"/images/{label}.img"),
                content(f"{self.seed} {label}", 1000 + number),
                architecture=architecture,
                boot_mode=boot_mode,
            )
            found.append(
                Target(
                    image=image,
                    name=f"{FAMILY}-{version}{image.suffix}",
                    family=f"{FAMILY}{image.suffix}",
                )
            )
        return tuple(found)

    def headline(self) -> str:
        """Return what the seed is about, for people who debug it."""
        regions = ", ".join(region.id for region in self.profile.regions)
        flags = " public" * self.public + " all-or-nothing" * self.all_or_nothing
        suffixes = [target.name for target in self.targets(0)]
        return (
            f"years of seed {self.seed}: {self.weeks} weeks of {', '.join(suffixes)} "
            f"in {regions};{flags}; {self.rules}"
        )


def draw(seed: int) -> Life:
    """Draw what stays the same over the years."""
    rng = Random(f"years {seed}")
    names = rng.sample(MAINLAND, rng.randint(0, 2)) + rng.sample(ABROAD, 2)
    cloud = profile(*names[: rng.randint(2, 4)], usable_s=0.0)
    cloud = replace(cloud, habits=replace(cloud.habits, tags_kept=rng.random() < 0.7))
    kinds = rng.sample(_KINDS, rng.choice((1, 2, 2, 3)))
    suffixes = ("", "-uefi-x86-64")
    return Life(
        seed=seed,
        profile=cloud,
        kinds=tuple(kinds),
        public=rng.random() < 0.6,
        all_or_nothing=rng.random() < 0.25,
        rules=Rules(
            families=(FAMILY + rng.choice(suffixes) * (rng.random() < 0.2),),
            keep=rng.randint(1, 3),
            deprecate=rng.random() < 0.9,
            delete_after_s=rng.choice((0.0, 6 * DAY_S, 13 * DAY_S, 20 * DAY_S, None)),
            shared=rng.random() < 0.2,
        ),
        weeks=rng.randint(5, 9),
    )
